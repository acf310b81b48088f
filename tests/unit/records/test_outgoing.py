"""Messages on their way: in order within a window, tried ever later, at last given up and kept for an operator."""

from itertools import pairwise
from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, SECOND, Instant
from hanota.model.alerts import AlertKind
from hanota.model.policies import AlertPolicy
from hanota.records.store import schema as t
from hanota.records.store.outcomes import (
    RETRY_FIRST_MS,
    RETRY_MAX_MS,
    keep_for_reading,
    mark_delivered,
    mark_refused,
    put_off,
)
from hanota.records.store.outgoing import LISTS_AT_ONCE_MAX, due_messages, next_message_due
from helpers.outgoing import crowd, due, queue, tell
from helpers.premises import NEW, NOW
from helpers.world import HUB, LANE, PPMID, PPMID_2, SUPPLIER_1, SUPPLIER_2, Bench

pytestmark = pytest.mark.usefixtures("each_store")

PATIENT = AlertPolicy(tries_max=1000, give_up_ms=1000 * DAY)


@pytest.fixture
def bench() -> Bench:
    found = Bench()
    found.deliver()
    found.change(t.message, {"due": None, "delivered_at": found.now})
    return found


def deliver(bench: Bench, *numbers: int) -> None:
    with bench.store.writing() as connection:
        mark_delivered(connection, LANE, numbers, bench.now)


def refuse(bench: Bench, *numbers: int, policy: AlertPolicy = PATIENT) -> None:
    with bench.store.writing() as connection:
        mark_refused(connection, LANE, [(number, "HTTP 400") for number in numbers], bench.now, policy)


def numbers(bench: Bench, **facts: Any) -> list[int]:
    return [message.id for message in due(bench, **facts)]


def event(bench: Bench) -> dict[str, Any]:
    import json

    return json.loads(bench.rows(t.event)[-1].octets)


# --- what may go ----------------------------------------------------------------------------------------------------


def test_an_alert_comes_with_all_that_its_message_says(bench: Bench) -> None:
    tell(bench, [1], AlertKind.TRANSFER, version=NEW, version_smi=1, result=2)
    (found,) = due(bench)
    facts = found.facts
    assert facts is not None
    assert (found.party, found.device, found.delivery, found.listed) == (SUPPLIER_1, PPMID, 1, False)
    assert (found.tries, found.endpoint, found.response_id, found.document) == (0, None, None, None)
    assert (facts.hub, facts.device, facts.devices) == (HUB, PPMID, (PPMID,))
    assert (facts.version, facts.version_smi, facts.result, facts.version_target, facts.at) == (NEW, 1, 2, NEW, NOW)
    assert str(facts.request_id) == bench.row(t.request).request_id


def test_a_message_goes_to_the_address_and_in_the_version_of_the_registry(bench: Bench) -> None:
    queue(bench, PPMID, party=SUPPLIER_2)
    bench.change(t.party, {"endpoint": "http://party.example/", "duis_version": "5.2"}, eui=SUPPLIER_2.signed)
    (found,) = due(bench)
    assert (found.endpoint, found.schema_version) == ("http://party.example/", "5.2")
    bench.change(t.party, {"endpoint": None, "duis_version": None}, eui=SUPPLIER_2.signed)
    (found,) = due(bench)
    assert (found.endpoint, found.schema_version) == (None, None)


def test_of_one_party_and_device_four_go_and_the_next_when_one_of_them_was_taken(bench: Bench) -> None:
    about_one, about_other = queue(bench, *[PPMID] * 7), queue(bench, *[PPMID_2] * 2)
    assert sorted(numbers(bench)) == sorted(about_one[:4] + about_other)
    deliver(bench, about_one[1])
    assert sorted(numbers(bench)) == sorted([about_one[0], *about_one[2:5], *about_other])
    assert numbers(bench, window=1) == [about_one[0], about_other[0]]


def test_one_that_nobody_takes_lets_the_rest_pass_and_four_of_them_hold_it_up(bench: Bench) -> None:
    ids = queue(bench, *[PPMID] * 10)
    for number in ids[:1]:
        refuse(bench, number)
    passed = []
    while found := numbers(bench):
        passed += found
        deliver(bench, *found)
    assert passed == ids[1:]
    more = queue(bench, *[PPMID] * 8)
    refuse(bench, *more[:3])
    assert numbers(bench) == []
    assert bench.next_due() == min(row.due for row in bench.rows(t.message) if row.due)


def test_messages_about_no_device_have_a_queue_of_their_own(bench: Bench) -> None:
    ids = queue(bench, *[None] * 6)
    assert numbers(bench) == ids[:4]


def test_a_party_gets_a_limited_number_at_a_time_and_those_passed_by_get_none(bench: Bench) -> None:
    mine = queue(bench, *[Eui64(number) for number in range(1, 9)])
    others = queue(bench, *[Eui64(number) for number in range(1, 9)], party=SUPPLIER_2)
    assert numbers(bench, limit=3) == mine[:3] + others[:3]
    assert numbers(bench, limit=3, passing={SUPPLIER_1}) == others[:3]


def test_the_one_that_has_been_due_for_longest_goes_first(bench: Bench) -> None:
    first, second, third = queue(bench, Eui64(1), Eui64(2), Eui64(3))
    bench.change(t.message, {"due": bench.now - 1}, id=third)
    assert numbers(bench) == [third, first, second]


def test_what_waits_behind_the_window_does_not_want_to_be_looked_at(bench: Bench) -> None:
    ids = queue(bench, *[PPMID] * 5)
    for _ in range(2):
        refuse(bench, *ids[:4])
    with bench.store.reading() as connection:
        assert next_message_due(connection) == bench.row(t.message, id=ids[0]).due > bench.now
        assert next_message_due(connection, window=5) == bench.now


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "NoSuchKind", "document": None, "delivery": 1},
        {"document": None},
        {"response_id": "no identifier"},
    ],
)
def test_a_row_that_makes_no_sense_does_not_keep_the_others(bench: Bench, broken: dict[str, Any]) -> None:
    bad, good = queue(bench, PPMID, PPMID_2)
    bench.change(t.message, broken, id=bad)
    with bench.store.reading() as connection:
        messages, unreadable = due_messages(connection, bench.now)
    assert [message.id for message in messages] == [good]
    assert [(row.id, row.party, row.error.split(":")[0]) for row in unreadable] == [(bad, SUPPLIER_1, "unreadable")]


# --- lists ----------------------------------------------------------------------------------------------------------


def test_a_list_is_one_message_and_its_devices_are_all_told_when_it_is_taken(bench: Bench) -> None:
    deliveries = crowd(bench, 5)
    tell(bench, deliveries, AlertKind.GIVEN_UP, "request")
    (found,) = due(bench)
    assert found.listed
    assert found.facts is not None
    assert found.facts.devices == tuple(Eui64(number) for number in deliveries)
    deliver(bench, found.id)
    assert {row.delivered_at for row in bench.rows(t.message)} == {bench.now}
    assert [bench.story(number)[-1] for number in deliveries] == ["alert_delivered"] * 5
    assert numbers(bench) == []


def test_a_list_on_its_way_stands_in_the_queue_of_each_of_its_devices(bench: Bench) -> None:
    deliveries = crowd(bench, 3)
    tell(bench, deliveries, AlertKind.GIVEN_UP, "request")
    refuse(bench, *numbers(bench))
    later = queue(bench, *[Eui64(deliveries[1])] * 4)
    assert numbers(bench) == later[:3]


def test_lists_are_read_a_few_at_a_time(bench: Bench) -> None:
    for first in range(1000, 1000 + 2 * (LISTS_AT_ONCE_MAX + 2), 2):
        tell(bench, crowd(bench, 2, first), AlertKind.GIVEN_UP, "request")
    single = queue(bench, PPMID)
    found = due(bench)
    assert [message.listed for message in found] == [True] * LISTS_AT_ONCE_MAX + [False]
    assert found[-1].id == single[0]


# --- what came of it -------------------------------------------------------------------------------------------------


def test_what_was_taken_is_due_no_more_and_one_event_tells_of_all(bench: Bench) -> None:
    ids = queue(bench, PPMID, PPMID_2)
    events = len(bench.rows(t.event))
    deliver(bench, *ids)
    assert numbers(bench) == []
    assert [(row.due, row.delivered_at, row.tries) for row in bench.rows(t.message)[-2:]] == [(None, bench.now, 1)] * 2
    assert len(bench.rows(t.event)) == events + 1
    found = event(bench)
    assert (found["kind"], found["facts"]) == ("message_delivered", {"message_kind": "Response"})
    assert found["columns"] == {"message": ids, "party": [str(SUPPLIER_1)] * 2}


def test_an_alert_that_was_taken_stands_in_its_deliverys_story(bench: Bench) -> None:
    tell(bench, [1], AlertKind.TRANSFER)
    deliver(bench, *numbers(bench))
    assert bench.story()[-1] == "alert_delivered"


def test_one_that_was_refused_is_tried_again_after_twice_the_time_up_to_a_limit(bench: Bench) -> None:
    (number,) = queue(bench, PPMID)
    waits = []
    for _ in range(30):
        assert numbers(bench) == [number]
        refuse(bench, number)
        next_try = bench.row(t.message, id=number).due
        waits.append(next_try - bench.now)
        bench.now = Instant(next_try - 1)
        assert numbers(bench) == []
        bench.now = Instant(next_try)
    assert waits[:5] == [RETRY_FIRST_MS << tries for tries in range(5)]
    assert RETRY_FIRST_MS == 5 * SECOND
    assert max(waits) == waits[-1] == RETRY_MAX_MS
    assert (bench.row(t.message, id=number).tries, bench.row(t.message, id=number).last_error) == (30, "HTTP 400")


def test_a_party_that_is_away_is_left_alone_with_all_that_it_is_due(bench: Bench) -> None:
    mine, others = queue(bench, PPMID, PPMID_2), queue(bench, PPMID, party=SUPPLIER_2)
    with bench.store.writing() as connection:
        put_off(connection, LANE, SUPPLIER_1, "no answer", now=bench.now, policy=PATIENT)
    assert numbers(bench) == others
    rows = {row.id: row for row in bench.rows(t.message)}
    assert {(rows[number].tries, rows[number].due, rows[number].last_error) for number in mine} == {
        (1, bench.now + RETRY_FIRST_MS, "no answer")
    }


@pytest.mark.parametrize("how", ["refused", "put off"])
def test_after_20_tries_a_message_is_given_up(bench: Bench, how: str) -> None:
    (number,) = queue(bench, PPMID)
    policy, tries = AlertPolicy(give_up_ms=1000 * DAY), 0
    while numbers(bench):
        tries += 1
        if how == "refused":
            refuse(bench, number, policy=policy)
        else:
            with bench.store.writing() as connection:
                put_off(connection, LANE, SUPPLIER_1, "no answer", now=bench.now, policy=policy)
        bench.now = Instant(bench.now + HOUR)
    row = bench.row(t.message, id=number)
    assert (tries, row.tries, row.due, row.dead_at) == (20, 20, None, bench.now - HOUR)
    assert event(bench)["kind"] == "message_dead"


def test_after_24_hours_a_message_is_given_up_and_the_last_try_is_then(bench: Bench) -> None:
    (number,) = queue(bench, PPMID)
    began = bench.now
    policy = AlertPolicy(tries_max=1000)
    assert policy.give_up_ms == 24 * HOUR
    tried = []
    while (due_at := bench.row(t.message, id=number).due) is not None:
        bench.now = Instant(due_at)
        tried.append(bench.now - began)
        refuse(bench, number, policy=policy)
    assert tried[-1] == 24 * HOUR
    assert max(later - earlier for earlier, later in pairwise(tried)) == HOUR
    assert bench.row(t.message, id=number).dead_at == bench.now


def test_a_message_that_waited_for_its_first_try_has_its_24_hours_from_then(bench: Bench) -> None:
    (number,) = queue(bench, PPMID)
    bench.now = Instant(bench.now + 30 * HOUR)
    refuse(bench, number, policy=AlertPolicy())
    assert bench.row(t.message, id=number).dead_at is None
    assert numbers(bench) == []


def test_the_death_of_an_alert_is_told_in_its_deliverys_story_with_the_reason(bench: Bench) -> None:
    tell(bench, [1], AlertKind.TRANSFER)
    refuse(bench, *numbers(bench), policy=AlertPolicy(tries_max=1))
    assert bench.story()[-1] == "message_dead"
    assert event(bench)["columns"]["error"] == ["HTTP 400"]


def test_the_dead_hold_up_nobody(bench: Bench) -> None:
    ids = queue(bench, *[PPMID] * 6)
    refuse(bench, *ids[:4], policy=AlertPolicy(tries_max=1))
    assert numbers(bench) == ids[4:]


def test_one_that_was_taken_while_it_was_being_given_up_counts_as_taken(bench: Bench) -> None:
    (number,) = queue(bench, PPMID)
    refuse(bench, number, policy=AlertPolicy(tries_max=1))
    deliver(bench, number)
    row = bench.row(t.message, id=number)
    assert (row.delivered_at, row.dead_at) == (bench.now, None)
    refuse(bench, number)  # and a late refusal changes nothing
    assert bench.row(t.message, id=number) == row


def test_nothing_to_record_is_no_event(bench: Bench) -> None:
    before = bench.rows(t.event)
    deliver(bench)
    refuse(bench)
    assert bench.rows(t.event) == before


def test_a_message_for_reading_is_kept_once(bench: Bench) -> None:
    with bench.store.writing() as connection:
        keep_for_reading(connection, [(SUPPLIER_1, "id-1", b"first"), (SUPPLIER_2, "id-1", b"again")], bench.now)
        keep_for_reading(connection, [(SUPPLIER_2, "id-1", b"again"), (SUPPLIER_1, "id-2", b"second")], bench.now)
        keep_for_reading(connection, [], bench.now)
    assert [(row.response_id, row.octets, row.party) for row in bench.rows(t.inbox)] == [
        ("id-1", b"first", SUPPLIER_1.signed),
        ("id-2", b"second", SUPPLIER_1.signed),
    ]
