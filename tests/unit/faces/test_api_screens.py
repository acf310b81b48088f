"""REST of the home view: what screens show, and presses."""

import pytest

from helpers.fake_desk import HOME, IHD, PPMID, SUPPLIER_1

REST = "/api/rest/v1"


def test_screens_are_given_with_their_words_and_buttons(client) -> None:
    asking, idle = client.get(f"{REST}/homes/{HOME}/screens").json()
    assert (asking["device"], asking["face"], asking["buttons"]) == (PPMID, "question", ["YES", "LATER", "NO"])
    assert (idle["device"], idle["headline"], idle["buttons"]) == (IHD, "All is well", [])


def test_a_press_is_done(client) -> None:
    answer = client.post(f"{REST}/homes/{HOME}/devices/{PPMID}/press", json={"button": "LATER"})
    assert (answer.status_code, client.desk.pressed) == (204, ["LATER"])


@pytest.mark.parametrize(
    ("device", "party", "body", "status"),
    [
        (IHD, None, {"button": "YES"}, 409),
        (PPMID, SUPPLIER_1, {"button": "YES"}, 403),
        (PPMID, None, {"button": "PERHAPS"}, 400),
        (PPMID, None, {}, 400),
    ],
)
def test_other_presses_are_refused(client, device: str, party: str | None, body: dict[str, str], status: int) -> None:
    query = f"?as={party}" if party else ""
    assert client.post(f"{REST}/homes/{HOME}/devices/{device}/press{query}", json=body).status_code == status
    assert client.desk.pressed == []


def test_a_page_of_another_site_may_not_press(client) -> None:
    path = f"{REST}/homes/{HOME}/devices/{PPMID}/press"
    elsewhere = {"origin": "http://elsewhere.example"}
    assert client.post(path, json={"button": "YES"}, headers=elsewhere).status_code == 403
    assert client.desk.pressed == []
