"""Changes of homes in the registry: each once, with its event, and nothing that was not asked for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hanota.app.registering import device_row, hub_rows
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, FOREVER, HOUR, Instant
from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.records.ledger import verify
from hanota.records.registry import changes
from hanota.records.registry.changes import ChangeImpossible, NotInRegistry
from hanota.records.registry.inventory import eligible
from hanota.records.registry.register import DeviceRow
from hanota.records.store import schema as t
from helpers.premises import NOW
from helpers.world import (
    CAD,
    ESME,
    GSME,
    HCALCS,
    HUB,
    HUB_2,
    LANE,
    PPMID,
    PPMID_2,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    description,
)

pytestmark = pytest.mark.usefixtures("each_store")

HOME = "Home 1"
MPAN, MPRN = "1234567890121", "9876543211"
NEW_PPMID, NEW_ESME = Eui64(0x00DB_1234_5678_9E04), Eui64(0x00DB_1234_5678_9E00)
NEW_CHF, NEW_GPF = Eui64(0x00DB_1234_5678_9E02), Eui64(0x00DB_1234_5678_9E03)
OLD_GPF = Eui64.parse("00-DB-12-34-56-78-90-A3")
BEGAN = description().premises[0].meter_points[0].suppliers[0].since


def row_like(old: Eui64, new: Eui64) -> DeviceRow:
    """A device of the same model as one of home 1."""
    return device_row(replace(next(d for d in description().premises[0].devices if d.eui == old), eui=new))


def new_hub() -> tuple[DeviceRow, DeviceRow]:
    return hub_rows(replace(description().premises[0].hub, chf=NEW_CHF, gpf=NEW_GPF))


def supplier(bench: Bench, party: Eui64 = STRANGER, mpxn: str = MPAN, since: int = NOW) -> bool:
    with bench.store.writing() as connection:
        return changes.change_of_supplier(connection, LANE, mpxn, party, since=Instant(since), now=bench.now)


def tenancy(bench: Bench, home: str = HOME, since: int = NOW) -> bool:
    with bench.store.writing() as connection:
        return changes.change_of_tenancy(connection, LANE, home, since=Instant(since), now=bench.now)


def device(bench: Bench, old: Eui64 = PPMID, new: DeviceRow | None = None) -> bool:
    with bench.store.writing() as connection:
        return changes.device_swap(connection, LANE, old, new or row_like(PPMID, NEW_PPMID), now=bench.now)


def hub(bench: Bench, home: str = HOME) -> bool:
    with bench.store.writing() as connection:
        return changes.hub_swap(connection, LANE, home, *new_hub(), now=bench.now)


def may(bench: Bench, device: Eui64, party: Eui64, at: int) -> bool:
    with bench.store.reading() as connection:
        return eligible(connection, device, party, Instant(at))


def everything(bench: Bench) -> list[Any]:
    return [bench.rows(table) for table in t.metadata.sorted_tables]


CHANGES: dict[str, Callable[[Bench], bool]] = {
    "home_supplier_changed": supplier,
    "home_tenancy_changed": tenancy,
    "home_device_swapped": device,
    "home_hub_swapped": hub,
}


@pytest.mark.parametrize("event", CHANGES)
def test_a_change_is_recorded_once_and_made_again_changes_nothing(event: str) -> None:
    bench = Bench()
    bench.deliver()
    assert CHANGES[event](bench) is True
    before = everything(bench)
    assert CHANGES[event](bench) is False
    assert everything(bench) == before
    assert [row.kind for row in bench.rows(t.event)].count(event) == 1
    with bench.store.reading() as connection:
        assert verify(connection)


# --- Supplier ----------------------------------------------------------------------------------------------------


def periods(bench: Bench, mpxn: str = MPAN) -> list[tuple[Eui64, int, int]]:
    return [(Eui64.from_signed(row.party), row.since, row.until) for row in bench.rows(t.supply, mpxn=mpxn)]


def test_a_new_supply_period_begins_and_the_one_before_ends() -> None:
    bench = Bench()
    supplier(bench, since=NOW + HOUR)
    assert periods(bench) == [(SUPPLIER_1, BEGAN, NOW + HOUR), (STRANGER, NOW + HOUR, FOREVER)]


def test_it_ends_where_a_later_one_is_known_to_begin() -> None:
    bench = Bench()
    supplier(bench, SUPPLIER_2, since=NOW + DAY)
    supplier(bench, STRANGER, since=NOW + HOUR)
    assert periods(bench) == [
        (SUPPLIER_1, BEGAN, NOW + HOUR),
        (STRANGER, NOW + HOUR, NOW + DAY),
        (SUPPLIER_2, NOW + DAY, FOREVER),
    ]


def test_a_period_may_be_given_to_another_party_from_its_beginning() -> None:
    bench = Bench()
    supplier(bench, STRANGER, since=NOW)
    supplier(bench, SUPPLIER_2, since=NOW)
    assert periods(bench) == [(SUPPLIER_1, BEGAN, NOW), (SUPPLIER_2, NOW, FOREVER)]


def test_who_supplies_already_begins_no_new_period() -> None:
    bench = Bench()
    assert supplier(bench, SUPPLIER_1) is False
    assert periods(bench) == [(SUPPLIER_1, BEGAN, FOREVER)]


@pytest.mark.parametrize("of_home", [ESME, HCALCS, PPMID])
def test_all_devices_that_the_meter_answers_for_change_hands_at_that_instant(of_home: Eui64) -> None:
    bench = Bench()
    supplier(bench, since=NOW + HOUR)
    for at, party in ((NOW + HOUR - 1, SUPPLIER_1), (NOW + HOUR, STRANGER)):
        assert [may(bench, of_home, each, at) for each in (SUPPLIER_1, STRANGER)] == [
            party == SUPPLIER_1,
            party == STRANGER,
        ]


def test_other_devices_and_other_homes_do_not() -> None:
    bench = Bench()
    before = [row for row in bench.rows(t.eligibility) if row.device not in {ESME.signed, HCALCS.signed}]
    supplier(bench)
    after = bench.rows(t.eligibility)
    assert {row for row in before if row.party == SUPPLIER_2.signed} <= set(after)
    assert not may(bench, GSME, STRANGER, NOW)
    assert not may(bench, PPMID_2, STRANGER, NOW)


@pytest.mark.parametrize("change", [{"mpxn": "1"}, {"party": Eui64(5)}])
def test_an_unknown_meter_point_or_party_is_named(change: dict[str, Any]) -> None:
    with pytest.raises(NotInRegistry) as caught:
        supplier(Bench(), **change)
    assert caught.value.facts["name"] == next(iter(change.values()))


# --- occupiers ---------------------------------------------------------------------------------------------------


def test_new_occupiers_are_noted_by_home_and_instant() -> None:
    bench = Bench()
    assert (tenancy(bench), tenancy(bench, since=NOW + DAY), tenancy(bench, "Home 2")) == (True, True, True)
    assert [(row.premises, row.since) for row in bench.rows(t.tenancy)] == [(1, NOW), (1, NOW + DAY), (2, NOW)]


@pytest.mark.parametrize("change", [tenancy, hub])
def test_an_unknown_home_is_named(change: Callable[..., bool]) -> None:
    with pytest.raises(NotInRegistry, match="home Nowhere"):
        change(Bench(), "Nowhere")


# --- a device ----------------------------------------------------------------------------------------------------


def test_the_old_device_leaves_and_the_new_one_is_commissioned_on_its_hub() -> None:
    bench = Bench()
    device(bench)
    old, new = bench.device(PPMID), bench.device(NEW_PPMID)
    assert (old.status, old.hub, old.premises) == (DeviceStatus.DECOMMISSIONED, None, new.premises)
    assert (new.status, new.hub, new.device_type) == (DeviceStatus.COMMISSIONED, HUB.signed, DeviceType.PPMID)
    assert (new.version, new.version_origin) == (0x00010000, "declared")
    assert may(bench, NEW_PPMID, SUPPLIER_1, NOW)
    assert may(bench, NEW_PPMID, SUPPLIER_2, NOW)


def test_a_meter_takes_over_the_meter_point() -> None:
    bench = Bench()
    device(bench, ESME, row_like(ESME, NEW_ESME))
    assert bench.row(t.supply, mpxn=MPAN).meter == NEW_ESME.signed
    assert [may(bench, each, SUPPLIER_1, NOW) for each in (NEW_ESME, ESME, HCALCS, PPMID)] == [True, False, True, True]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (PPMID, row_like(PPMID, PPMID_2), "in use"),
        (PPMID, row_like(PPMID, CAD), "in use"),
        (PPMID, row_like(ESME, NEW_ESME), "of type PPMID"),
        (HUB, row_like(PPMID, NEW_PPMID), "a hub"),
    ],
)
def test_a_swap_that_contradicts_the_registry_is_refused(old: Eui64, new: DeviceRow, problem: str) -> None:
    bench = Bench()
    before = everything(bench)
    with pytest.raises(ChangeImpossible, match=problem):
        device(bench, old, new)
    assert everything(bench) == before


def test_a_device_that_left_can_be_swapped_for_no_third_one() -> None:
    bench = Bench()
    device(bench)
    with pytest.raises(ChangeImpossible, match="in no home"):
        device(bench, PPMID, row_like(PPMID, NEW_ESME))


def test_an_unknown_device_is_named() -> None:
    with pytest.raises(NotInRegistry, match=str(NEW_ESME)):
        device(Bench(), NEW_ESME)


# --- the hub -----------------------------------------------------------------------------------------------------


def test_all_devices_join_the_new_hub_and_the_old_one_leaves() -> None:
    bench = Bench()
    of_home = bench.device(PPMID).premises
    hub(bench)
    stay = [row for row in bench.rows(t.device, premises=of_home) if row.eui not in {HUB.signed, OLD_GPF.signed}]
    assert {row.hub for row in stay} == {NEW_CHF.signed}
    assert len(stay) == 8
    assert {(bench.device(each).status, bench.device(each).hub) for each in (HUB, OLD_GPF)} == {
        ("Decommissioned", None)
    }
    assert bench.row(t.premises, name=HOME).hub == NEW_CHF.signed
    assert bench.row(t.premises, name="Home 2").hub == HUB_2.signed


def test_a_device_that_is_joined_to_no_hub_joins_none() -> None:
    bench = Bench()
    bench.change(t.device, {"hub": None}, eui=CAD.signed)
    hub(bench)
    assert bench.device(CAD).hub is None


def test_a_hub_that_hangs_elsewhere_is_refused() -> None:
    rows = hub_rows(replace(description().premises[0].hub, chf=HUB_2, gpf=NEW_GPF))
    with Bench().store.writing() as connection, pytest.raises(ChangeImpossible, match="in use"):
        changes.hub_swap(connection, LANE, HOME, *rows, now=NOW)
