"""The alert outbox: one for each party concerned, once, until it is taken."""

from dataclasses import replace
from typing import Any

import pytest

from hanota.base.instant import HOUR, SECOND, Instant
from hanota.model.alerts import ALERTS, AlertKind, Audience
from hanota.model.step import ALERTS as COLUMNS
from hanota.records.store import schema as t
from hanota.records.store.alerts import (
    RETRY_FIRST_MS,
    RETRY_MAX_MS,
    DueAlert,
    due_alerts,
    keep_for_reading,
    mark_delivered,
    mark_refused,
    write_alerts,
)
from helpers.premises import NEW, NOW
from helpers.world import HUB, LANE, PPMID, SUPPLIER_1, SUPPLIER_2, Bench

LEVEL = 24 * HOUR


@pytest.fixture
def bench() -> Bench:
    found = Bench()
    found.deliver()
    found.change(t.alert, {"due": None})
    return found


def make(bench: Bench, *kinds: AlertKind, **facts: Any) -> int:
    import polars as pl

    rows = [{"delivery": 1, "kind": kind.value, "at": NOW} | facts for kind in kinds]
    with bench.store.writing() as connection:
        frame = pl.DataFrame(rows, schema=COLUMNS, orient="row")
        return write_alerts(connection, frame, bench.now, LEVEL).height


def due(bench: Bench, limit: int = 500) -> list[DueAlert]:
    with bench.store.reading() as connection:
        return due_alerts(connection, bench.now, limit)


WHO = {
    Audience.SENDER: {SUPPLIER_1},
    Audience.OTHERS: {SUPPLIER_2},
    Audience.ALL: {SUPPLIER_1, SUPPLIER_2},
}


@pytest.mark.parametrize("kind", [kind for kind in AlertKind if kind is not AlertKind.UPGRADE_REQUESTED])
def test_each_party_of_the_audience_gets_its_own(bench: Bench, kind: AlertKind) -> None:  # R18, R23
    make(bench, kind)
    assert {party for party, found in bench.alerts() if found == kind} == WHO[ALERTS[kind].audience]


def test_an_alert_that_stands_is_not_made_again(bench: Bench) -> None:
    assert make(bench, AlertKind.CONFIRMED) == 2
    before = bench.rows(t.alert)
    assert make(bench, AlertKind.CONFIRMED, at=NOW + 5) == 0
    assert bench.rows(t.alert) == before


def test_nobody_else_at_the_home_means_nobody_else_is_told(bench: Bench) -> None:
    bench.change(t.eligibility, {"until": bench.now}, party=SUPPLIER_2.signed)
    make(bench, AlertKind.CONFIRMED)
    assert {party for party, kind in bench.alerts() if kind == AlertKind.CONFIRMED} == {SUPPLIER_1}


def test_the_sender_is_told_even_when_no_longer_responsible_and_only_once(bench: Bench) -> None:
    bench.change(t.eligibility, {"until": bench.now}, party=SUPPLIER_1.signed)
    assert make(bench, AlertKind.CONFIRMED) == 2


def test_a_supplier_who_came_since_is_told(bench: Bench) -> None:
    row = {"device": PPMID.signed, "party": 77, "since": bench.now, "until": bench.now + 1}
    with bench.store.writing() as connection:
        connection.execute(t.eligibility.insert().values(row))
    assert make(bench, AlertKind.CONFIRMED) == 3


def test_no_alerts_are_no_alerts(bench: Bench) -> None:
    assert make(bench) == 0


def test_an_alert_carries_what_its_message_says(bench: Bench) -> None:
    make(bench, AlertKind.TRANSFER, version=NEW, version_smi=1, result=2)
    (found,) = due(bench)
    kept = bench.row(t.alert, kind=AlertKind.TRANSFER.value)
    assert found.id == kept.id
    assert (found.party, found.hub, found.device, found.delivery) == (SUPPLIER_1, HUB, PPMID, 1)
    assert (found.version, found.version_smi, found.result, found.version_target) == (NEW, 1, 2, NEW)
    assert (found.at, found.tries, found.endpoint) == (NOW, 0, None)
    assert str(found.request_id) == bench.row(t.request).request_id
    assert (kept.created_at, kept.deadline, kept.due) == (bench.now, bench.now + LEVEL, bench.now)


def test_the_earliest_deadline_goes_first(bench: Bench) -> None:
    make(bench, AlertKind.CONFIRMED)
    later = bench.rows(t.alert, kind=AlertKind.CONFIRMED.value)[0].id
    bench.change(t.alert, {"deadline": bench.now + 2 * LEVEL}, id=later)
    assert [alert.id == later for alert in due(bench)] == [False, True]
    assert len(due(bench, limit=1)) == 1


def test_one_that_was_taken_is_due_no_more_and_its_event_is_there(bench: Bench) -> None:
    make(bench, AlertKind.TRANSFER)
    (found,) = due(bench)
    with bench.store.writing() as connection:
        mark_delivered(connection, LANE, found, bench.now)
    assert due(bench) == []
    row = bench.row(t.alert, id=found.id)
    assert (row.due, row.delivered_at, row.tries) == (None, bench.now, 1)
    assert bench.story()[-1] == "alert_delivered"


def test_one_that_was_refused_is_tried_again_after_twice_the_time_up_to_a_limit(bench: Bench) -> None:
    make(bench, AlertKind.TRANSFER)
    waits = []
    for _ in range(30):
        (found,) = due(bench)
        with bench.store.writing() as connection:
            mark_refused(connection, found, bench.now)
        next_try = bench.row(t.alert, id=found.id).due
        waits.append(next_try - bench.now)
        bench.now = Instant(next_try - 1)
        assert due(bench) == []
        bench.now = Instant(next_try)
    assert waits[:5] == [RETRY_FIRST_MS << tries for tries in range(5)]
    assert RETRY_FIRST_MS == 5 * SECOND
    assert max(waits) == waits[-1] == RETRY_MAX_MS
    assert bench.row(t.alert, id=found.id).tries == 30


def test_a_message_for_reading_is_kept_once(bench: Bench) -> None:
    make(bench, AlertKind.TRANSFER)
    (found,) = due(bench)
    with bench.store.writing() as connection:
        keep_for_reading(connection, found, "id-1", b"first", bench.now)
        keep_for_reading(connection, replace(found, party=SUPPLIER_2), "id-1", b"again", bench.now)
        keep_for_reading(connection, found, "id-2", b"second", bench.now)
    assert [(row.response_id, row.octets, row.party) for row in bench.rows(t.inbox)] == [
        ("id-1", b"first", SUPPLIER_1.signed),
        ("id-2", b"second", SUPPLIER_1.signed),
    ]
