"""Changes of homes over REST: each is one POST of the operator, refused in words that a program can read."""

from typing import Any

import pytest

from helpers.fake_changing import TAKEN
from helpers.fake_desk import HOME, PPMID, SUPPLIER_2

MPAN, NEW = "1234567890121", "00-DB-12-34-56-78-90-B4"
ACTS: dict[str, tuple[str, dict[str, Any] | None, tuple[object, ...]]] = {
    "supplier": (f"meter-points/{MPAN}/supplier", {"party": SUPPLIER_2}, (MPAN, SUPPLIER_2, None)),
    "tenancy": (f"homes/{HOME}/tenancy", None, (HOME,)),
    "device": (f"devices/{PPMID}/swap", {"device": NEW, "version": "00020000"}, (PPMID, NEW, "00020000")),
    "hub": (f"homes/{HOME}/hub", {"chf": NEW, "gpf": MPAN}, (HOME, NEW, MPAN)),
}


def post(client: Any, path: str, **options: Any) -> Any:
    return client.post(f"/api/rest/v1/{path}", **options)


@pytest.mark.parametrize("act", ACTS)
def test_a_change_is_made_and_what_came_of_it_said(client: Any, act: str) -> None:
    path, body, asked = ACTS[act]
    assert post(client, path, json=body).json() == {"changed": True, "text": "it is so"}
    assert post(client, path, json=body).json()["changed"] is False
    assert client.desk.changes == [asked, asked]


@pytest.mark.parametrize("act", ACTS)
def test_a_party_changes_nothing(client: Any, act: str) -> None:
    path, body, _ = ACTS[act]
    assert post(client, path, json=body, params={"as": SUPPLIER_2}).status_code == 403
    assert client.desk.changes == []


@pytest.mark.parametrize("act", ACTS)
def test_a_page_of_another_site_changes_nothing(client: Any, act: str) -> None:
    path, body, _ = ACTS[act]
    assert post(client, path, json=body, headers={"origin": "http://elsewhere.example"}).status_code == 403
    assert client.desk.changes == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("homes/nowhere/tenancy", None, 404, "HOTA-STORE-011"),
        (f"devices/{PPMID}/swap", {"device": TAKEN}, 409, "HOTA-STORE-012"),
        (f"devices/{PPMID}/swap", {"device": NEW, "version": "2"}, 400, "HOTA-FACE-004"),
        (f"homes/{HOME}/hub", {"chf": NEW}, 400, "HOTA-FACE-004"),
        (f"meter-points/{MPAN}/supplier", {"party": SUPPLIER_2, "more": 1}, 400, "HOTA-FACE-004"),
    ],
)
def test_what_can_not_be_is_refused_by_name(client: Any, path: str, body: Any, status: int, code: str) -> None:
    answer = post(client, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
