"""Leases: whoever is first has it, nobody else until it ends; and what each lane has carried."""

import pytest

from hanota.base.instant import Instant
from hanota.records.store import Store, open_store
from hanota.records.store import schema as t
from hanota.records.store.figures import figures
from hanota.records.store.leases import (
    LeaseLost,
    give_back,
    lanes_held,
    parties_to_take,
    release_parties,
    renew_lane,
    require_lane,
    take_lane,
    take_parties,
)
from helpers.outgoing import queue
from helpers.world import PPMID, SUPPLIER_1, SUPPLIER_2, Bench

NOW, LATER, END = Instant(1_000), Instant(20_000), Instant(31_000)


@pytest.fixture
def store() -> Store:
    return open_store(None)


def take(store: Store, holder: str, now: Instant = NOW) -> str:
    with store.writing() as connection:
        return take_lane(connection, "north", holder, now=now, until=Instant(now + 30_000))


def test_each_gets_a_lane_of_its_own_and_the_first_that_is_free(store: Store) -> None:
    assert [take(store, holder) for holder in "abc"] == ["north-1", "north-2", "north-3"]
    with store.writing() as connection:
        give_back(connection, "b")
        assert lanes_held(connection, NOW) == [("north-1", "a"), ("north-3", "c")]
    assert take(store, "d") == "north-2"


def test_a_lane_whose_time_is_over_is_anothers_and_its_holder_finds_out(store: Store) -> None:
    take(store, "a")
    assert take(store, "b", END) == "north-1"
    for act in (require, renew):
        with pytest.raises(LeaseLost, match="north-1"):
            act(store, "a", END)
    require(store, "b", END)


def test_a_lane_is_held_for_as_long_as_it_is_renewed(store: Store) -> None:
    take(store, "a")
    renew(store, "a", LATER)
    require(store, "a", END)
    assert take(store, "b", END) == "north-2"


def test_a_lease_that_ran_out_is_not_renewed_even_if_nobody_took_it(store: Store) -> None:
    take(store, "a")
    with pytest.raises(LeaseLost):
        renew(store, "a", END)


def renew(store: Store, holder: str, now: Instant) -> None:
    with store.writing() as connection:
        renew_lane(connection, "north-1", holder, now=now, until=Instant(now + 30_000))


def require(store: Store, holder: str, now: Instant) -> None:
    with store.writing() as connection:
        require_lane(connection, "north-1", holder, now)


def test_a_party_belongs_to_one_worker_for_as_long_as_that_one_is_alive() -> None:
    bench = Bench()
    queue(bench, PPMID), queue(bench, PPMID, party=SUPPLIER_2)
    both = {SUPPLIER_1, SUPPLIER_2}
    with bench.store.writing() as connection:
        for holder in "ab":
            take_lane(connection, "north", holder, now=bench.now, until=Instant(bench.now + 30_000))
        assert set(parties_to_take(connection, bench.now, 8, now=bench.now)) == both
        assert take_parties(connection, "a", both, bench.now) == both
        assert parties_to_take(connection, bench.now, 8, now=bench.now) == []
        assert take_parties(connection, "b", both, bench.now) == set()
        release_parties(connection, "a", [SUPPLIER_1])
        assert parties_to_take(connection, bench.now, 8, now=bench.now) == [SUPPLIER_1]
        give_back(connection, "a")
        assert take_parties(connection, "b", both, bench.now) == both


def test_a_party_of_a_worker_that_died_is_anothers_when_its_lane_ends() -> None:
    bench = Bench()
    queue(bench, PPMID)
    with bench.store.writing() as connection:
        take_lane(connection, "north", "a", now=bench.now, until=Instant(bench.now + 10))
        take_parties(connection, "a", [SUPPLIER_1], bench.now)
        then = Instant(bench.now + 10)
        assert parties_to_take(connection, then, 8, now=then) == [SUPPLIER_1]
        take_lane(connection, "north", "b", now=then, until=Instant(then + 10))
        assert take_parties(connection, "b", [SUPPLIER_1], then) == {SUPPLIER_1}


def test_the_service_in_numbers() -> None:
    bench = Bench()
    queue(bench, PPMID), queue(bench, PPMID)
    bench.change(t.message, {"due": None, "dead_at": 1}, id=1)
    with bench.store.reading() as connection:
        found = figures(connection, Instant(bench.now + 5_000))
    assert (found.alert_lag_ms, found.messages_due, found.messages_dead) == (5_000, {SUPPLIER_1: 1}, 1)
    assert (found.deliveries, found.open_work, found.outbox_due, found.lanes) == ({}, 0, 0, ())
