"""Documents queued for parties: once under their ResponseID; given up and replayed by an operator."""

import json
from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, Instant
from hanota.model.policies import AlertPolicy
from hanota.records.ledger import verify
from hanota.records.store import queries
from hanota.records.store import schema as t
from hanota.records.store.messages import Document, dead_letters, queue_document, replay
from hanota.records.store.outcomes import mark_refused
from helpers.outgoing import LEVEL, document, due, queue
from helpers.premises import DCC
from helpers.world import LANE, PPMID, PPMID_2, SUPPLIER_1, SUPPLIER_2, Bench

pytestmark = pytest.mark.usefixtures("each_store")


@pytest.fixture
def bench() -> Bench:
    found = Bench()
    found.deliver()
    found.change(t.message, {"due": None, "delivered_at": found.now})
    return found


def queue_one(bench: Bench, **changes: Any) -> bool:
    facts = {"party": SUPPLIER_1, "device": PPMID, "kind": "Response", "response_id": None, "render": document}
    with bench.store.writing() as connection:
        found = Document(**(facts | changes))
        return queue_document(connection, LANE, found, dcc=DCC, now=bench.now, service_level_ms=LEVEL)


def give_up(bench: Bench, *numbers: int) -> None:
    with bench.store.writing() as connection:
        mark_refused(
            connection, LANE, [(number, "HTTP 400") for number in numbers], bench.now, AlertPolicy(tries_max=1)
        )


def dead(bench: Bench, party: Eui64 | None = None) -> list[Any]:
    with bench.store.reading() as connection:
        return list(dead_letters(connection, party))


def again(bench: Bench, *numbers: int) -> int:
    with bench.store.writing() as connection:
        return replay(connection, LANE, numbers, bench.now)


def events(bench: Bench) -> list[dict[str, Any]]:
    return [json.loads(row.octets) for row in bench.rows(t.event)]


OWN = RequestId(PPMID, SUPPLIER_1, 1000)


def test_a_document_is_rendered_for_its_own_identifier_and_queued_with_its_event(bench: Bench) -> None:
    assert queue_one(bench, response_id=OWN, request=1)
    row = bench.rows(t.message)[-1]
    assert (row.response_id, row.document, row.request, row.delivery) == (str(OWN), document(OWN), 1, None)
    assert (row.due, row.created_at, row.deadline, row.tries) == (bench.now, bench.now, bench.now + LEVEL, 0)
    (message,) = due(bench)
    assert (message.response_id, message.document, message.facts) == (OWN, document(OWN), None)
    told = events(bench)[-1]
    assert (told["kind"], told["request"], told["facts"]) == ("message_due", 1, {"message_kind": "Response"})
    assert told["columns"] == {"message": [row.id], "party": [str(SUPPLIER_1)], "response_id": [str(OWN)]}


def test_without_an_identifier_it_has_the_dccs_with_its_number(bench: Bench) -> None:
    assert queue_one(bench)
    assert queue_one(bench)
    for row in bench.rows(t.message)[-2:]:
        assert (row.response_id, row.document) == (None, document(RequestId(DCC, SUPPLIER_1, row.id)))


def test_the_same_identifier_is_queued_once_whatever_it_says_the_second_time(bench: Bench) -> None:
    assert queue_one(bench, response_id=OWN)
    before = (bench.rows(t.message), bench.rows(t.event))
    assert not queue_one(bench, response_id=OWN, kind="Other", party=SUPPLIER_2)
    assert (bench.rows(t.message), bench.rows(t.event)) == before
    assert len(queue(bench, PPMID, PPMID, PPMID, counters=[1, 1, 2])) == 2


def test_documents_are_not_among_the_alerts_of_deliveries(bench: Bench) -> None:
    queue_one(bench)
    with bench.store.reading() as connection:
        assert [row.kind for row in queries.alerts(connection, party=None)] == ["UpgradeRequested"]


# --- given up -------------------------------------------------------------------------------------------------------


def test_the_given_up_are_listed_with_reason_and_party_the_latest_first(bench: Bench) -> None:
    assert dead(bench) == []
    one, two = queue(bench, PPMID, PPMID_2)
    (other,) = queue(bench, None, party=SUPPLIER_2, kind="Quarantined")
    give_up(bench, two)
    bench.now = Instant(bench.now + 1)
    give_up(bench, one, other)
    found = dead(bench)
    assert [row.id for row in found] == [other, one, two]
    assert [(row.kind, row.devices, row.tries, row.last_error) for row in found[:2]] == [
        ("Quarantined", 0, 1, "HTTP 400"),
        ("Response", 1, 1, "HTTP 400"),
    ]
    assert found[1].party_name == bench.row(t.party, eui=SUPPLIER_1.signed).name
    assert [row.id for row in dead(bench, SUPPLIER_2)] == [other]


def test_one_that_is_replayed_is_due_at_once_and_has_all_its_tries_again(bench: Bench) -> None:
    (number,) = queue(bench, PPMID, counters=[7])
    give_up(bench, number)
    bench.now = Instant(bench.now + 30 * DAY)
    assert due(bench) == []
    assert again(bench, number) == 1
    (message,) = due(bench)
    assert (message.id, message.response_id, message.tries) == (number, RequestId(PPMID, SUPPLIER_1, 7), 0)
    assert dead(bench) == []
    assert events(bench)[-1]["kind"] == "message_replayed"
    with bench.store.writing() as connection:
        mark_refused(connection, LANE, [(number, "HTTP 400")], bench.now)
    assert bench.row(t.message, id=number).dead_at is None


def test_replaying_what_is_not_dead_or_not_there_changes_nothing(bench: Bench) -> None:
    waiting, taken = queue(bench, PPMID, PPMID_2)
    bench.change(t.message, {"due": None, "delivered_at": bench.now}, id=taken)
    before = (bench.rows(t.message), bench.rows(t.event))
    assert again(bench, waiting, taken, 10**6) == 0
    assert again(bench) == 0
    assert (bench.rows(t.message), bench.rows(t.event)) == before


def test_a_list_dies_and_is_replayed_as_a_whole_by_whichever_of_its_devices(bench: Bench) -> None:
    ids = queue(bench, PPMID, PPMID_2, Eui64(1))
    for number in ids:
        bench.change(t.message, {"lead": ids[0], "due": bench.now if number == ids[0] else None}, id=number)
    give_up(bench, ids[0])
    (row,) = dead(bench)
    assert (row.id, row.devices) == (ids[0], 3)
    assert {bench.row(t.message, id=number).dead_at for number in ids} == {bench.now}
    assert again(bench, ids[1], ids[2]) == 1
    assert [bench.row(t.message, id=number).due for number in ids] == [bench.now, None, None]
    assert {bench.row(t.message, id=number).dead_at for number in ids} == {None}
    with bench.store.reading() as connection:
        assert verify(connection)
