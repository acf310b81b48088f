"""Alerts of deliveries: one for each party concerned, once; one a device, or one with a list of devices."""

from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.limits import LISTED_DEVICES_MAX
from hanota.model.alerts import ALERTS, AlertKind, Audience
from hanota.records.store import schema as t
from hanota.records.store.alerts import alert_events
from helpers.outgoing import LEVEL, crowd, tell
from helpers.premises import NOW
from helpers.world import PPMID, SUPPLIER_1, SUPPLIER_2, Bench

pytestmark = pytest.mark.usefixtures("each_store")


@pytest.fixture
def bench() -> Bench:
    found = Bench()
    found.deliver()
    found.change(t.message, {"due": None})
    return found


def make(bench: Bench, *kinds: AlertKind, **facts: Any) -> int:
    return sum(tell(bench, [1], kind, **facts).height for kind in kinds)


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
    before = bench.rows(t.message)
    assert make(bench, AlertKind.CONFIRMED, at=NOW + 5) == 0
    assert bench.rows(t.message) == before


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
    assert tell(bench, [], AlertKind.CONFIRMED).height == 0


def test_an_alert_knows_its_device_its_request_and_its_times(bench: Bench) -> None:
    make(bench, AlertKind.TRANSFER)
    kept = bench.row(t.message, kind=AlertKind.TRANSFER.value)
    assert (kept.device, kept.request, kept.lead) == (PPMID.signed, 1, None)
    assert (kept.created_at, kept.deadline, kept.due) == (bench.now, bench.now + LEVEL, bench.now)


# --- one message with a list of devices -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [AlertKind.UPGRADE_REQUESTED, AlertKind.GIVEN_UP])
def test_alerts_of_one_request_and_party_share_a_message_where_the_policy_says_so(
    bench: Bench, kind: AlertKind
) -> None:
    made = tell(bench, crowd(bench, 5), kind, "request")
    first = int(made["id"].min())
    assert made["lead"].to_list() == [first] * 5
    rows = {row.id: row for row in bench.rows(t.message) if row.id >= first}
    assert {row.id: row.due for row in rows.values()} == {first: bench.now} | dict.fromkeys(range(first + 1, first + 5))
    (event,) = alert_events(made, bench.now)
    assert (event.facts["lead"], event.columns["alert"]) == (first, list(range(first, first + 5)))


def test_each_device_has_its_own_message_by_default(bench: Bench) -> None:
    made = tell(bench, crowd(bench, 5), AlertKind.GIVEN_UP)
    assert made["lead"].null_count() == 5
    assert set(made["due"]) == {bench.now}
    assert "lead" not in alert_events(made, bench.now)[0].columns


def test_a_kind_that_cannot_list_devices_is_never_shared(bench: Bench) -> None:
    assert tell(bench, crowd(bench, 5), AlertKind.NOT_DELIVERED_TO_HUB, "request")["lead"].null_count() == 5


def test_a_list_of_one_is_no_list(bench: Bench) -> None:
    assert tell(bench, crowd(bench, 1), AlertKind.GIVEN_UP, "request")["lead"].to_list() == [None]


def test_devices_of_different_types_are_told_apart_because_the_message_names_one_type(bench: Bench) -> None:
    numbers = crowd(bench, 4)
    for number in numbers[:2]:
        bench.change(t.device, {"device_type": "IHD"}, eui=number)
    made = tell(bench, numbers, AlertKind.UPGRADE_REQUESTED, "request")
    assert made["lead"].n_unique() == 2
    assert dict(zip(made["device"], made["lead"], strict=True))[numbers[0]] != made["lead"][-1]


def test_many_devices_are_told_in_lists_none_too_long_and_each_once(bench: Bench) -> None:
    made = tell(bench, crowd(bench, 8_000), AlertKind.GIVEN_UP, "request")
    assert (made.height, made["device"].n_unique()) == (8_000, 8_000)
    lengths = made.group_by("lead").len()["len"].sort().to_list()
    assert lengths == [8_000 - 2 * LISTED_DEVICES_MAX, *[LISTED_DEVICES_MAX] * 2]
    due = [row for row in bench.rows(t.message) if row.due is not None]
    assert {row.id for row in due} == set(made["lead"])
    assert {Eui64.from_signed(row.party) for row in due} == {SUPPLIER_1}


def test_one_that_was_told_in_a_list_is_not_told_again(bench: Bench) -> None:
    numbers = crowd(bench, 3)
    tell(bench, numbers, AlertKind.GIVEN_UP, "request")
    bench.now = Instant(bench.now + 1)
    assert tell(bench, numbers, AlertKind.GIVEN_UP, "request").height == 0
    assert tell(bench, numbers, AlertKind.GIVEN_UP).height == 0
