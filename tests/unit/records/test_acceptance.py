"""What acceptance reads and writes: facts in the order named, by as many queries whatever their number."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest
from sqlalchemy import event, func, select

from hanota.base.eui import Eui64
from hanota.base.instant import DAY
from hanota.base.vocabulary.devices import CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.model.returns import Return
from hanota.records.registry.register import DeviceRow, HomeRow, SupplyRow, register_homes
from hanota.records.store import schema as t
from hanota.records.store.acceptance import DECISION, read_decision, stored_answer
from hanota.records.store.device_facts import device_facts
from hanota.records.store.materialising import materialise
from hanota.records.store.reports import save_reports
from helpers.premises import NEW, NOW, OLD
from helpers.world import ESME, HUB, LANE, PPMID, PPMID_2, STRANGER, SUPPLIER_1, SUPPLIER_2, Bench, image, read, request

pytestmark = pytest.mark.usefixtures("each_store")

HASH = read(image()).manufacturer_hash
CROWD_HUB = Eui64(0x00DB_0000_0001_0001)
CROWD = [Eui64(0x00DB_0000_0000_0000 + number) for number in range(500)]


def facts(bench: Bench, *devices: Eui64, sender: Eui64 = SUPPLIER_1, digest: bytes = HASH) -> pl.DataFrame:
    with bench.store.writing() as connection:
        named = pl.Series([eui.signed for eui in devices], dtype=pl.Int64)
        return device_facts(connection, named, sender=sender, manufacturer_hash=digest, now=bench.now)


def crowded() -> Bench:
    """A bench with 500 PPMIDs more in one home of Supplier 1."""
    bench = Bench()
    meter = Eui64(0x00DB_0000_0001_0000)
    plain: dict[str, Any] = {
        "status": DeviceStatus.COMMISSIONED,
        "manufacturer": 0x121D,
        "image_type": 0x84,
        "hardware": 0x1111,
        "gbcs_version": "4.3",
        "capacity_octets": 768_000,
        "version": OLD,
    }
    devices = [DeviceRow(eui=eui, device_type=DeviceType.PPMID, **plain) for eui in CROWD]
    devices.append(DeviceRow(eui=meter, device_type=DeviceType.ESME, **plain))
    home = HomeRow(
        name="Crowd",
        address="5 Meter Lane",
        region=CspRegion.NORTH,
        hub=CROWD_HUB,
        devices=tuple(devices),
        supplies=(SupplyRow(mpxn="1", meter=meter, party=SUPPLIER_1),),
    )
    with bench.store.writing() as connection:
        register_homes(connection, [home])
    return bench


@contextmanager
def statements(bench: Bench) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("ANALYZE"):  # of what was staged, once a table where it is not small
            seen.append(statement.split("\n", maxsplit=1)[0])

    event.listen(bench.store._engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(bench.store._engine, "before_cursor_execute", note)


# --- facts -------------------------------------------------------------------------------------------------------


def test_one_row_for_each_device_in_the_order_named() -> None:
    named = (PPMID_2, STRANGER, PPMID, ESME)
    assert facts(Bench(), *named)["device"].to_list() == [eui.signed for eui in named]


def test_a_device_named_twice_has_one_row_at_its_first_place() -> None:
    assert facts(Bench(), PPMID, ESME, PPMID)["device"].to_list() == [PPMID.signed, ESME.signed]


def test_facts_of_a_device() -> None:
    (row,) = facts(Bench(), PPMID).to_dicts()
    assert row.pop("product") is not None
    assert row == {
        "device": PPMID.signed,
        "known": True,
        "device_type": "PPMID",
        "status": "Commissioned",
        "smets1": False,
        "joined": True,
        "manufacturer": 0x121D,
        "image_type": 0x84,
        "hardware": 0x1111,
        "gbcs_version": "4.3",
        "capacity_octets": 768_000,
        "version": OLD,
        "eligible": True,
        "open": False,
        "displaceable": False,
        "refused": False,
        "updated_ms_ago": None,
        "predecessors": 0,
        "follows": False,
    }


def test_a_device_that_nobody_knows_has_a_row_that_says_so() -> None:
    (row,) = facts(Bench(), STRANGER).to_dicts()
    assert (row["known"], row["eligible"], row["open"], row["joined"]) == (False, False, False, False)


def test_no_devices_have_no_facts() -> None:
    assert facts(Bench()).is_empty()


@pytest.mark.parametrize(
    ("changes", "certified"),
    [
        ({}, True),
        ({"status": CplStatus.EXPIRED}, False),
        ({"hardware": 0x1112}, True),  # beside the entry that stands
        ({"image_type": 0x85}, True),
    ],
)
def test_a_product_is_certified_for_the_model_of_the_device(changes: dict[str, Any], certified: bool) -> None:
    bench = Bench()
    bench.certify(image(), **changes)
    assert (facts(bench, PPMID)["product"].item() is not None) == certified


def test_only_an_update_confirmed_within_the_interval_tells_how_long_ago_it_was() -> None:
    bench = Bench()
    bench.deliver()
    bench.change(t.delivery, {"state": "CONFIRMED", "since": bench.now - DAY}, id=1)
    told = []
    for interval_ms in (0, DAY, DAY + 1):
        with bench.store.writing() as connection:
            named = pl.Series([PPMID.signed, ESME.signed])
            asked: dict[str, Any] = {"sender": SUPPLIER_1, "manufacturer_hash": HASH, "now": bench.now}
            found = device_facts(connection, named, **asked, interval_ms=interval_ms)
        told.append(found["updated_ms_ago"].to_list())
    assert told == [[None, None], [None, None], [DAY, None]]


def test_another_hash_is_another_product() -> None:
    assert facts(Bench(), PPMID, digest=bytes(32))["product"].item() is None


def test_predecessors_are_those_of_the_product() -> None:
    bench = Bench()
    bench.certify(image(), predecessors=(OLD, OLD - 1))
    assert facts(bench, PPMID).select("predecessors", "follows").row(0) == (2, True)
    bench.certify(image(), predecessors=(OLD - 1,))
    assert facts(bench, PPMID).select("predecessors", "follows").row(0) == (1, False)
    bench.certify(image())
    assert facts(bench, PPMID).select("predecessors", "follows").row(0) == (0, False)


def test_predecessors_of_another_model_are_not_those_of_this_one() -> None:
    bench = Bench()
    bench.certify(image(), predecessors=(OLD - 1,))
    bench.certify(image(), hardware=0x9999, predecessors=(OLD, OLD - 1))
    bench.change(t.device, {"hardware": 0x9999}, eui=PPMID_2.signed)
    found = facts(bench, PPMID, PPMID_2).select("predecessors", "follows")
    assert found.rows() == [(1, False), (2, True)]


# --- decisions that wait -----------------------------------------------------------------------------------------


def test_a_device_is_open_from_the_durable_decision_on() -> None:
    bench = Bench()
    assert facts(bench, PPMID, PPMID_2)["open"].to_list() == [False, False]
    bench.submit(request(PPMID, PPMID_2))  # PPMID_2 is not Supplier 1's: left out, so it stays free
    assert bench.rows(t.work) == []
    assert facts(bench, PPMID, PPMID_2)["open"].to_list() == [True, False]
    bench.run()
    assert [row.device for row in bench.rows(t.work)] == [PPMID.signed]
    assert facts(bench, PPMID, PPMID_2)["open"].to_list() == [True, False]
    bench.tell("wan_failed")
    assert facts(bench, PPMID, PPMID_2)["open"].to_list() == [False, False]


def test_a_refused_request_keeps_no_device() -> None:
    bench = Bench()
    bench.submit(request(PPMID, image=image(601), firmware_version=f"{NEW:08X}"))
    assert facts(bench, PPMID)["open"].to_list() == [False]


def test_decisions_are_materialised_oldest_first_each_once() -> None:
    bench = Bench()
    bench.submit(request(PPMID, counter=1))
    bench.submit(request(PPMID_2, counter=2, sender=SUPPLIER_2))
    made = []
    for _ in range(3):
        with bench.store.writing() as connection:
            made.append(materialise(connection, LANE, bench.now, bench.now))
    assert made == [1, 1, 0]
    rows = bench.rows(t.delivery)
    assert [(row.id, row.device, row.hub, row.version_before, row.state) for row in rows] == [
        (1, PPMID.signed, HUB.signed, OLD, "REQUESTED"),
        (2, PPMID_2.signed, bench.device(PPMID_2).hub, OLD, "REQUESTED"),
    ]
    assert [row.device for row in bench.rows(t.work)] == [PPMID.signed, PPMID_2.signed]


def test_numbers_of_deliveries_rise_over_requests() -> None:
    bench = Bench()
    bench.deliver(counter=1)
    bench.tell("wan_failed")
    assert bench.deliver(counter=2) == 2


def test_a_device_that_left_its_hub_in_between_does_not_stop_the_others() -> None:
    bench = crowded()
    bench.submit(request(CROWD[0], CROWD[1]))
    bench.change(t.device, {"hub": None}, eui=CROWD[0].signed)
    bench.run()
    assert (bench.state(1), bench.state(2)) == ("DEVICE_GONE", "ON_WAN")


# --- answers -----------------------------------------------------------------------------------------------------


def test_the_stored_answer_is_found_by_its_key_alone() -> None:
    bench = Bench()
    answer = bench.submit(request())
    kept = bench.row(t.request)
    with bench.store.reading() as connection:
        found = stored_answer(connection, kept.key)
        assert found is not None
        assert (found.answer, found.code, found.digest) == (answer.octets, "I0", hashlib.sha256(kept.octets).digest())
        assert stored_answer(connection, kept.request_id) is None


def test_a_decision_without_devices_is_an_empty_frame() -> None:
    assert read_decision(None).schema == DECISION
    assert read_decision(None).is_empty()


# --- sets, not loops ---------------------------------------------------------------------------------------------


def test_the_number_of_statements_does_not_grow_with_the_devices() -> None:
    counted = {}
    for size in (1, 500):
        bench = crowded()
        with statements(bench) as accepted:
            assert bench.submit(request(*CROWD[:size])).code.accepted
        with statements(bench) as run:
            bench.run()
        with statements(bench) as told:
            bench.run(after_ms=600_000)  # every order is repeated
        reports = [
            Return(
                source=f"{number}",
                reporter=CROWD_HUB,
                at=bench.now,
                event="order_accepted",
                device=CROWD_HUB,
                octets=b"",
                delivery=number,
            )
            for number in range(1, size + 1)
        ]
        with statements(bench) as heard:
            with bench.store.writing() as connection:
                assert len(save_reports(connection, LANE, reports, bench.now).sources) == size
            bench.run()
        counted[size] = (len(accepted), len(run), len(told), len(heard))
        assert len(bench.rows(t.delivery)) == size
        assert {row.state for row in bench.rows(t.delivery)} == {"ON_WAN"}
    assert counted[1] == counted[500]
    assert sum(counted[1]) < 200


def test_one_event_holds_a_whole_batch() -> None:
    bench = crowded()
    bench.deliver(*CROWD)
    with bench.store.reading() as connection:
        rows = connection.execute(select(t.event.c.kind, func.count()).group_by(t.event.c.kind)).all()
    assert {tuple(row) for row in rows} == {
        ("request_answered", 1),
        ("requested", 1),
        ("scheduled", 1),
        ("released", 1),
    }
    assert bench.story(250) == ["requested", "scheduled", "released"]


def test_reading_and_materialising_keep_the_order_of_the_request() -> None:
    bench = crowded()
    named = CROWD[::-1][:50]
    bench.deliver(*named)
    assert [row.device for row in bench.rows(t.delivery)] == [eui.signed for eui in named]
    assert bench.now == NOW
