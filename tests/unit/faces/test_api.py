"""REST shows what the desk shows, to whom the desk shows it, and says what is wrong in one shape."""

import pytest

from hanota.base.errors import Fault, HanotaError
from hanota.faces.api.caller import caller_as
from hanota.faces.problems import status_of
from hanota.model.access import Caller
from helpers.fake_desk import DCC, HOME, HUB, PPMID, REQUEST_ID, SUPPLIER_1, SUPPLIER_2, FakeDesk

REST = "/api/rest/v1"


class Elsewhere(HanotaError):
    code, fault = "HOTA-TEST-001", Fault.CARRIER


class Ours(HanotaError):
    code, fault = "HOTA-TEST-002", Fault.US


def test_overview_gives_the_four_numbers_and_what_needs_attention(client) -> None:
    shown = client.get(f"{REST}/overview").json()
    assert (shown["held"], shown["dead_letters"]) == (1, 2)
    assert {name: shown[name] for name in ("running", "waiting", "failed", "confirmed")} == {
        "running": 1,
        "waiting": 0,
        "failed": 1,
        "confirmed": 0,
    }
    assert [row["delivery"] for row in shown["attention"]] == [2]


def test_requests_are_paged_by_the_last_one_seen(client) -> None:
    first = client.get(f"{REST}/requests", params={"limit": 1}).json()
    rest = client.get(f"{REST}/requests", params={"limit": 1, "before": first[0]["request_id"]}).json()
    assert [row["request_id"] for row in first + rest] == [REQUEST_ID, f"{SUPPLIER_1}:{DCC}:999"]


def test_a_request_tells_reason_and_remedy_for_the_devices_left_out(client) -> None:
    shown = client.get(f"{REST}/requests/{REQUEST_ID}").json()
    assert shown["response_code"] == "W110401"
    assert shown["refused"][0]["reason"] == "not_responsible"
    assert shown["refused"][0]["remedy"]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [1, 2]),
        ({"state": "TRANSFERRING"}, [1]),
        ({"device": PPMID}, [1]),
        ({"request_id": "other"}, []),
        ({"after": 1}, [2]),
        ({"limit": 1}, [1]),
    ],
)
def test_deliveries_can_be_narrowed(client, query: dict[str, object], numbers: list[int]) -> None:
    assert [row["delivery"] for row in client.get(f"{REST}/deliveries", params=query).json()] == numbers


def test_a_delivery_says_who_is_waited_for_and_tells_its_story(client) -> None:
    shown = client.get(f"{REST}/deliveries/1").json()
    assert shown["waiting"]["owed_by"] == "device"
    assert [event["kind"] for event in shown["timeline"]][:2] == ["requested", "queued"]
    assert {alert["party"] for alert in shown["alerts"]} == {SUPPLIER_1, SUPPLIER_2}


def test_premises_give_homes_and_devices(client) -> None:
    assert client.get(f"{REST}/homes").json()[0]["home"] == HOME
    assert client.get(f"{REST}/homes/{HOME}").json()["hub"] == HUB
    assert client.get(f"{REST}/devices/{PPMID}").json()["device_type"] == "PPMID"
    after = client.get(f"{REST}/devices", params={"after": HUB}).json()
    assert [row["device"] for row in after] == sorted(row["device"] for row in after)
    assert HUB not in {row["device"] for row in after}


def test_alerts_can_be_asked_by_party(client) -> None:
    assert len(client.get(f"{REST}/alerts").json()) == 2
    assert [row["code"] for row in client.get(f"{REST}/alerts", params={"party": SUPPLIER_2}).json()] == ["N59"]


def test_commands_are_listed(client) -> None:
    rows = client.get(f"{REST}/commands").json()
    assert [(row["command"], row["state"]) for row in rows] == [(7, "SENT"), (6, "DATED")]
    assert client.get(f"{REST}/commands", params={"as": SUPPLIER_2}).json() == []


@pytest.mark.parametrize(("act", "state"), [("release", "released"), ("drop", "dropped")])
def test_a_request_that_is_held_is_decided_once(client, act: str, state: str) -> None:
    assert client.get(f"{REST}/quarantine").json()[0]["state"] == "held"
    assert client.post(f"{REST}/quarantine/12/{act}").status_code == 204
    assert client.desk.acts == [(state, 12)]
    assert client.get(f"{REST}/quarantine").json()[0]["state"] == state
    again = client.post(f"{REST}/quarantine/12/{act}")
    assert (again.status_code, again.json()["code"]) == (409, "HOTA-STORE-010")


def test_messages_that_were_given_up_are_replayed_by_their_numbers(client) -> None:
    assert [row["message"] for row in client.get(f"{REST}/dead-letters").json()] == [41, 40]
    answer = client.post(f"{REST}/dead-letters/replay", json={"messages": [40, 7]})
    assert (answer.status_code, answer.json()) == (200, {"messages": 1})
    assert [row["message"] for row in client.get(f"{REST}/dead-letters").json()] == [41]


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": [0]}, {"messages": "all"}, {"message": [1]}])
def test_a_replay_names_its_messages(client, body: dict[str, object]) -> None:
    assert client.post(f"{REST}/dead-letters/replay", json=body).status_code == 400
    assert client.desk.acts == []


ACTS = ("quarantine/12/release", "quarantine/12/drop", "dead-letters/replay")


@pytest.mark.parametrize("path", ACTS)
def test_a_party_sees_its_own_and_does_not_act(client, path: str) -> None:
    for seen in ("commands", "quarantine", "dead-letters"):
        assert client.get(f"{REST}/{seen}", params={"as": SUPPLIER_1}).json()
    refused = client.post(f"{REST}/{path}", params={"as": SUPPLIER_1}, json={"messages": [41]})
    assert (refused.status_code, refused.json()["code"]) == (403, "HOTA-MODEL-003")
    assert client.desk.acts == []


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:8080"])
@pytest.mark.parametrize("path", ACTS)
def test_a_page_of_another_site_does_not_act_through_the_operators_browser(client, path: str, origin: str) -> None:
    answer = client.post(f"{REST}/{path}", headers={"origin": origin}, json={"messages": [41]})
    assert (answer.status_code, answer.json()["code"]) == (403, "HOTA-FACE-007")
    assert client.desk.acts == []


def test_a_page_of_its_own_acts(client) -> None:
    answer = client.post(f"{REST}/quarantine/12/release", headers={"origin": "http://127.0.0.1:8079"})
    assert answer.status_code == 204


def test_every_reason_stands_with_how_it_is_told_and_its_remedy(client) -> None:
    rows = client.get(f"{REST}/reasons").json()
    assert {"unsigned", "not_responsible"} <= {row["reason"] for row in rows}
    assert all(row["told_by"] and row["text"] and row["remedy"] for row in rows)


def test_as_narrows_the_view_to_a_party(client) -> None:
    assert client.get(f"{REST}/requests", params={"as": SUPPLIER_2}).json() == []
    assert client.get(f"{REST}/requests/{REQUEST_ID}", params={"as": SUPPLIER_1}).status_code == 200
    refused = client.get(f"{REST}/requests/{REQUEST_ID}", params={"as": SUPPLIER_2})
    assert (refused.status_code, refused.json()["code"]) == (403, "HOTA-MODEL-003")


def test_as_is_a_party_or_the_operator_and_nothing_else(client) -> None:
    assert caller_as(None) == caller_as("") == Caller()
    assert str(caller_as(SUPPLIER_1).party) == SUPPLIER_1
    answer = client.get(f"{REST}/overview", params={"as": "operator"})
    assert (answer.status_code, answer.json()["code"]) == (400, "HOTA-BASE-001")


@pytest.mark.parametrize(
    "path", ["/requests/1:2:3", "/deliveries/77", f"/devices/{DCC}", "/homes/nowhere", "/nothing", "/"]
)
def test_what_is_not_there_is_404_with_a_remedy(client, path: str) -> None:
    answer = client.get(REST + path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"code", "fault", "retryable", "message", "remedy", "facts"}
    assert answer.json()["remedy"]


@pytest.mark.parametrize("path", ["/deliveries/0", "/deliveries/x", "/deliveries?limit=0", "/requests?limit=501"])
def test_a_parameter_out_of_range_is_400_and_named(client, path: str) -> None:
    answer = client.get(REST + path)
    assert (answer.status_code, answer.json()["code"]) == (400, "HOTA-FACE-004")
    assert answer.json()["facts"]["name"] in {"delivery", "limit"}


@pytest.mark.parametrize(("error", "status"), [(Elsewhere(), 502), (Ours(), 500)])
def test_other_errors_go_by_whose_fault_they_are(error: HanotaError, status: int) -> None:
    assert status_of(error) == status


def test_a_live_process_is_healthy_and_ready(client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "now": "2026-01-15T09:00:00.000Z"}


def test_a_process_that_can_not_read_its_records_is_alive_but_not_ready(client) -> None:
    client.desk.broken = Ours()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "HOTA-FACE-006", True)


def test_a_process_whose_work_has_stopped_is_not_ready(make_client) -> None:
    answer = make_client(FakeDesk(), at_work=lambda: False).get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "HOTA-FACE-006")


def test_the_openapi_document_names_every_route_and_loads_nothing_from_elsewhere(client) -> None:
    document = client.get("/api/openapi.json").json()
    assert {"/api/v1/serviceD", f"{REST}/overview", f"{REST}/deliveries/{{delivery}}", "/readyz"} <= set(
        document["paths"]
    )
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert all(operation["summary"] and operation["tags"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert "cdn" not in client.get("/docs").text
