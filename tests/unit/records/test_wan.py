"""Queues of the wide-area networks in the store: who leaves, who waits and until when, what is counted."""

from typing import Any

import pytest

from hanota.app.desk import Desk
from hanota.base.eui import Eui64
from hanota.base.instant import FOREVER, HOUR, MINUTE, SECOND, Instant
from hanota.base.vocabulary.devices import CspRegion, DeviceStatus, DeviceType
from hanota.model.access import Caller
from hanota.model.policies import DeadlinePolicy, Policies, WanPolicy
from hanota.model.wan_share import ORDER_OCTETS
from hanota.process.pipeline import STAGES
from hanota.process.stage import Ctx
from hanota.records.registry.register import DeviceRow, HomeRow, SupplyRow, register_homes
from hanota.records.store import schema as t
from hanota.records.store import schema_wan as tables
from hanota.records.store.outbox import claim_unsent, unsent
from hanota.records.store.wan import queue_opens
from hanota.records.store.wan_use import Handed, Use, add_use, queue_place, wan_standing, wan_use
from hanota.records.store.work import claim_leaving
from helpers.premises import OLD
from helpers.world import SUPPLIER_1, SUPPLIER_2, Bench, image, request

HUB = Eui64(0x00DB_0000_0001_0001)
PARTIES = (SUPPLIER_1, SUPPLIER_2)
HOMES = 12
OPERATOR = Caller()
COST = len(image()) + ORDER_OCTETS


def display(supplier: int, number: int) -> Eui64:
    return Eui64(0x00DB_0000_0000_0000 + 0x1000 * supplier + number)


def bench_of(**wan: Any) -> Bench:
    """A bench with two Suppliers' displays in region North, all on one hub each."""
    bench = Bench(Policies(wan=WanPolicy(**wan)))
    plain: dict[str, Any] = {
        "status": DeviceStatus.COMMISSIONED,
        "manufacturer": 0x121D,
        "image_type": 0x84,
        "hardware": 0x1111,
        "gbcs_version": "4.3",
        "capacity_octets": 768_000,
        "version": OLD,
    }
    homes = []
    for number, party in enumerate(PARTIES):
        meter = display(number, 0xFFF)
        devices = [DeviceRow(eui=display(number, n), device_type=DeviceType.PPMID, **plain) for n in range(HOMES)]
        homes.append(
            HomeRow(
                name=f"Crowd {number}",
                address="5 Meter Lane",
                region=CspRegion.NORTH,
                hub=Eui64(0x00DB_0000_0001_0001 + number),
                devices=(*devices, DeviceRow(eui=meter, device_type=DeviceType.ESME, **plain)),
                supplies=(SupplyRow(mpxn=f"{number}", meter=meter, party=party, until=FOREVER),),
            )
        )
    with bench.store.writing() as connection:
        register_homes(connection, homes)
    return bench


def ask(bench: Bench, supplier: int, homes: int, *, first: int = 0) -> None:
    devices = [display(supplier, first + number) for number in range(homes)]
    asked = request(*devices, counter=1 + len(bench.rows(t.request)), sender=PARTIES[supplier])
    assert bench.submit(asked).code.accepted


def left(bench: Bench) -> dict[Eui64, int]:
    """How many orders of each Supplier have left."""
    with bench.store.reading() as connection:
        sent = [sending.request_id.originator for sending in unsent(connection, bench.now)]
    return {party: sent.count(party) for party in PARTIES}


def opens(bench: Bench) -> Instant | None:
    """When a network that somebody waits for takes more."""
    with bench.store.reading() as connection:
        return connection.execute(queue_opens()).scalar_one()


def test_without_a_limit_all_leave_at_once() -> None:
    bench = bench_of()
    ask(bench, 0, 5)
    ask(bench, 1, 3)
    assert left(bench.run()) == {SUPPLIER_1: 5, SUPPLIER_2: 3}


def test_a_flood_and_a_small_request_share_what_there_is() -> None:
    bench = bench_of(octets_per_s={CspRegion.NORTH: COST}, ahead_ms=6 * SECOND)
    ask(bench, 0, HOMES)
    ask(bench, 1, 4)
    assert left(bench.run()) == {SUPPLIER_1: 3, SUPPLIER_2: 3}
    assert left(bench.run(after_ms=2 * SECOND)) == {SUPPLIER_1: 3, SUPPLIER_2: 3}
    assert opens(bench) == bench.now + SECOND
    assert left(bench.run(after_ms=SECOND)) == {SUPPLIER_1: 5, SUPPLIER_2: 4}


def test_who_comes_late_is_not_behind_all_of_a_flood() -> None:
    bench = bench_of(octets_per_s={CspRegion.NORTH: COST}, ahead_ms=4 * SECOND)
    ask(bench, 0, HOMES)
    assert left(bench.run()) == {SUPPLIER_1: 4, SUPPLIER_2: 0}
    ask(bench, 1, 2)
    assert left(bench.run(after_ms=4 * SECOND)) == {SUPPLIER_1: 6, SUPPLIER_2: 2}


def test_homes_at_once_wait_for_those_that_fetch() -> None:
    bench = bench_of(homes_at_once={CspRegion.NORTH: 2}, home_held_ms=HOUR)
    ask(bench, 0, 4)
    assert left(bench.run()) == {SUPPLIER_1: 2, SUPPLIER_2: 0}
    bench.tell("image_held", 1, device=display(0, 0), reporter=HUB)
    assert left(bench)[SUPPLIER_1] == 3


def test_a_home_that_never_answers_keeps_no_place_for_ever() -> None:
    bench = bench_of(homes_at_once={CspRegion.NORTH: 1}, home_held_ms=HOUR, order_retry_ms=5 * HOUR)
    ask(bench, 0, 2)
    assert left(bench.run()) == {SUPPLIER_1: 1, SUPPLIER_2: 0}
    assert opens(bench) == bench.now + HOUR
    assert left(bench.run(after_ms=HOUR)) == {SUPPLIER_1: 2, SUPPLIER_2: 0}


def test_who_waits_beyond_his_deadline_ends_expired() -> None:
    bench = bench_of(homes_at_once={CspRegion.NORTH: 1})
    bench.policies = bench.policies.model_copy(update={"deadline": DeadlinePolicy(queued_ms=30 * MINUTE)})
    bench.restart()
    ask(bench, 0, 2)
    bench.run()
    assert bench.run(after_ms=30 * MINUTE).state(2) == "EXPIRED"


def test_the_desk_says_for_which_network_a_delivery_waits_and_at_which_place() -> None:
    bench = bench_of(homes_at_once={CspRegion.NORTH: 1})
    ask(bench, 0, 3)
    bench.run()
    with bench.store.reading() as connection:
        assert [queue_place(connection, number) for number in (1, 2, 3)] == [None, 1, 2]
        (standing,) = wan_standing(connection, bench.now)
    assert (standing.region, standing.queued, standing.on_wan) == ("North", 2, 1)
    desk = Desk(bench.store, bench.submit, lambda: bench.now)
    waiting = desk.delivery(OPERATOR, 3).waiting
    assert waiting is not None
    assert waiting.expects == "release to the wide-area network of region North, at place 2 of its queue"


def test_a_region_that_broadcasts_carries_an_image_once() -> None:
    bench = bench_of(
        broadcast=frozenset({CspRegion.NORTH}),
        broadcast_homes_min=3,
        broadcast_repeats=2,
        homes_at_once={CspRegion.NORTH: 1},
    )
    ask(bench, 0, 5)
    assert left(bench.run()) == {SUPPLIER_1: 5, SUPPLIER_2: 0}
    (carriage,) = bench.rows(tables.wan_carriage)
    assert (carriage.region, carriage.octets, carriage.since) == ("North", 2 * len(image()), bench.now)
    ask(bench, 0, 2, first=5)
    assert left(bench.run()) == {SUPPLIER_1: 7, SUPPLIER_2: 0}
    assert len(bench.rows(tables.wan_carriage)) == 1
    with bench.store.writing() as connection:
        digest = carriage.image
        add_use(connection, {("down", "image", digest): handed(HUB, 500, 400)}, bench.now)
        add_use(connection, {("down", "image", b"other"): handed(HUB, 70)}, bench.now)
        add_use(connection, {("down", "image", b"other"): handed(HUB, 30)}, bench.now)
        found = {(use.kind, use.frames, use.octets) for use in wan_use(connection)}
    assert found == {("broadcast", 1, 2 * len(image())), ("joined", 2, 900), ("image", 2, 100)}


def handed(hub: Eui64, *octets: int) -> Handed:
    """Frames of so many octets each, handed over to or by a hub."""
    handed = Handed()
    for count in octets:
        handed.add(hub, count)
    return handed


def test_a_frame_of_no_known_hub_counts_for_the_unknown_region() -> None:
    bench = bench_of()
    with bench.store.writing() as connection:
        add_use(connection, {("up", "report", None): handed(Eui64(7), 9)}, bench.now)
        assert wan_use(connection) == [Use(region="Unknown", direction="up", kind="report", frames=1, octets=9)]


def test_what_a_worker_claimed_and_never_wrote_leaves_all_the_same() -> None:
    bench = bench_of(homes_at_once={CspRegion.NORTH: HOMES})  # so there is a queue
    ask(bench, 0, 2)
    bench.change(tables.wan_region, {"open_at": 0})
    pipeline = bench.pipeline
    pipeline._materialise(bench.now)
    pipeline._step(STAGES[0], Ctx(now=bench.now, policies=bench.policies))
    with bench.store.writing() as connection:
        assert claim_leaving(connection, bench.now, bench.policies.wan).height == 2
        connection.rollback()  # it died
    assert left(bench.run()) == {SUPPLIER_1: 2, SUPPLIER_2: 0}


@pytest.mark.parametrize("limit", [2, 4, 10])
def test_what_goes_to_hubs_is_drained_alike_for_each_supplier(limit: int) -> None:
    bench = bench_of()
    ask(bench, 0, HOMES)
    bench.run()
    ask(bench, 1, 5)
    bench.run()
    now = Instant(bench.now)
    with bench.store.writing() as connection:
        mine = claim_unsent(connection, now, limit)
        drained = [sending.request_id.originator for sending in unsent(connection, now, limit, claimed=mine)]
    assert drained.count(SUPPLIER_2) == limit // 2
