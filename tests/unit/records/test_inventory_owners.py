"""Whose a device is in the inventory: his who announced it, then its home's; and what is deleted stays deleted."""

from dataclasses import replace
from typing import Any

import pytest

from hanota.app.registering import register_estate
from hanota.base.eui import Eui64
from hanota.base.instant import HOUR
from hanota.base.vocabulary.devices import CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.inventory import STATUS_AFTER
from hanota.model.reasons import RequestReason
from hanota.records.registry.register import DeviceRow, HomeRow, SupplyRow, register_homes
from hanota.records.store import schema as t
from hanota.wire import duis
from helpers.asking import (
    DEVICE,
    GPF,
    ask_inventory,
    command,
    content,
    kinds,
    prenotification,
    read_version,
    sent,
    told,
    update,
)
from helpers.world import (
    ESME,
    HCALCS,
    HUB,
    PPMID,
    READER,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    description,
    keys,
)

pytestmark = pytest.mark.usefixtures("each_store")

_S = DeviceStatus
NEW_GPF = Eui64.parse("00-DB-12-34-56-78-90-B3")
CHANGES = [
    duis.DetailsUpdate(firmware_version="00000042"),
    duis.DetailsUpdate(smets_chts_version="5.0"),
    duis.StatusUpdate(status=_S.INSTALLED_NOT_COMMISSIONED, hub=False),
    duis.DeleteDevice(),
]


def announced(**more: Any) -> Bench:
    """A bench on which Supplier 1 has pre-notified a PPMID."""
    bench = Bench()
    assert bench.submit(prenotification(**more)).code is ResponseCode.I0
    return bench


def row_of(**changes: Any) -> DeviceRow:
    """The announced device as the description of its home has it."""
    facts: dict[str, Any] = {
        "eui": DEVICE,
        "device_type": DeviceType.PPMID,
        "status": _S.COMMISSIONED,
        "manufacturer": 0x106C,
        "image_type": 0x0090,
        "hardware": 0x0007,
        "gbcs_version": "4.3",
        "capacity_octets": 768_000,
        "version": 0x77,
        "smets_version": "5.1",
    }
    return DeviceRow(**(facts | changes))


def install(bench: Bench, *devices: DeviceRow, supplies: tuple[SupplyRow, ...] = ()) -> None:
    """Register a home with these devices."""
    home = HomeRow(
        name="New", address="1 New Street", region=CspRegion.NORTH, hub=HUB, devices=devices, supplies=supplies
    )
    with bench.store.writing() as connection:
        register_homes(connection, [replace(home, hub=Eui64(5))])


def found(bench: Bench, device: Eui64 = DEVICE) -> Any:
    """What the inventory says of a device (8.2)."""
    devices = content(bench.submit(ask_inventory(device=device))).devices
    return next(row for row in devices if row.device == device)


# --- until it is in some premises --------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", [SUPPLIER_2, STRANGER, READER])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_nobody_changes_or_deletes_what_another_announced(sender: Eui64, change: Any) -> None:
    bench = announced()
    before = bench.device(DEVICE)
    assert bench.submit(update(DEVICE, change, sender=sender)).code is ResponseCode.E2
    assert bench.device(DEVICE) == before


@pytest.mark.parametrize("sender", [SUPPLIER_1, READER])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_whoever_announced_it_does(sender: Eui64, change: Any) -> None:
    bench = announced(sender=sender)
    assert bench.submit(update(DEVICE, change, sender=sender)).code is ResponseCode.I0


def test_a_hub_and_its_gpf_belong_to_the_same_user() -> None:
    bench = Bench()
    hub = prenotification(device_type=DeviceType.CHF, gpf=NEW_GPF)
    assert bench.submit(hub).code is ResponseCode.I0
    change = duis.StatusUpdate(status=_S.INSTALLED_NOT_COMMISSIONED, hub=True)
    for device in (DEVICE, NEW_GPF):
        assert bench.submit(update(device, change, sender=SUPPLIER_2)).code is ResponseCode.E2
        assert bench.submit(update(device, change)).code is ResponseCode.I0


# --- from then on ------------------------------------------------------------------------------------------------


def test_what_was_said_of_a_device_before_its_home_had_it_binds_nobody() -> None:
    bench = announced()
    for change in CHANGES[:3]:
        bench.submit(update(DEVICE, change))
    install(bench, row_of())
    row = bench.device(DEVICE)
    assert (row.prenotified_by, row.edited_at) == (None, None)
    assert (row.status, row.version, row.smets_version) == ("Commissioned", 0x77, "5.1")
    seen = found(bench)
    assert (seen.manufacturer, seen.model, seen.firmware_version) == ("106C", "00900007", "00000077")


def test_its_home_says_it_again_and_again() -> None:
    bench = announced()
    install(bench, row_of())
    install(bench, row_of(version=0x78, hardware=8))
    assert (bench.device(DEVICE).version, found(bench).model) == (0x78, "00900008")


def test_who_announced_it_has_no_say_once_it_is_in_a_home_of_others() -> None:
    bench = announced(sender=READER)
    install(bench, row_of(status=_S.INSTALLED_NOT_COMMISSIONED))
    assert bench.submit(update(DEVICE, CHANGES[1], sender=READER)).code is ResponseCode.E2


def test_what_its_supplier_changes_later_stands_against_the_description() -> None:
    bench = announced()
    meter = row_of(status=_S.INSTALLED_NOT_COMMISSIONED, device_type=DeviceType.ESME)
    supplied = SupplyRow(mpxn="1", meter=DEVICE, party=SUPPLIER_1)
    install(bench, meter, supplies=(supplied,))
    assert bench.submit(update(DEVICE, CHANGES[1])).code is ResponseCode.I0
    install(bench, meter, supplies=(supplied,))
    assert bench.device(DEVICE).smets_version == "5.0"


# --- statuses ----------------------------------------------------------------------------------------------------


def test_no_user_leads_a_device_back_from_commissioned() -> None:
    assert all(_S.COMMISSIONED not in before for before in STATUS_AFTER.values())


@pytest.mark.parametrize("device", [HUB, GPF, PPMID, ESME, HCALCS])
def test_one_supplier_takes_no_device_from_a_home_that_has_several(device: Eui64) -> None:
    bench = Bench()
    before, hub = bench.device(device), device in (HUB, GPF)
    statuses = [_S.INSTALLED_NOT_COMMISSIONED, _S.WITHDRAWN if hub else _S.PENDING]
    for change in (*(duis.StatusUpdate(status=status, hub=hub) for status in statuses), duis.DeleteDevice()):
        assert not bench.submit(update(device, change)).code.accepted
    assert bench.device(device) == before


# --- deleted -----------------------------------------------------------------------------------------------------


def deleted(device: Eui64) -> Bench:
    """A bench on which a supplier has deleted a device of home 1 that was never commissioned."""
    bench = Bench()
    bench.change(t.device, {"status": _S.INSTALLED_NOT_COMMISSIONED.value}, eui=device.signed)
    assert bench.submit(update(device, duis.DeleteDevice())).code is ResponseCode.I0
    return bench


def restart(bench: Bench) -> Bench:
    register_estate(bench.store, description(), keys())
    return bench.restart()


@pytest.mark.parametrize("device", [PPMID, ESME])
def test_a_deleted_device_stays_away_over_every_restart(device: Eui64) -> None:
    bench = deleted(device)
    for _ in range(3):
        restart(bench)
        assert bench.rows(t.device, eui=device.signed) == []
        assert bench.rows(t.supply, meter=device.signed) == []
        assert bench.rows(t.eligibility, device=device.signed) == []
    assert len(bench.rows(t.deleted)) == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_a_deleted_meter_makes_nobody_responsible_for_its_home(restarted: bool) -> None:
    bench = deleted(ESME)
    if restarted:
        restart(bench)
    assert bench.rows(t.eligibility, device=HCALCS.signed) == []
    parties = {row.party for row in bench.rows(t.eligibility, device=PPMID.signed)}
    assert parties == {SUPPLIER_2.signed}  # the gas meter's


def test_what_is_announced_anew_gets_its_place_and_its_supplier_back() -> None:
    bench = restart(deleted(ESME))
    anew = prenotification(ESME, device_type=DeviceType.ESME, model="00001111", esme_variant="A")
    assert bench.submit(anew).code is ResponseCode.I0
    assert bench.rows(t.deleted) == []
    restart(bench)
    assert bench.device(ESME).premises == bench.device(HUB).premises
    assert [row.party for row in bench.rows(t.eligibility, device=ESME.signed)] == [SUPPLIER_1.signed]


def test_a_device_may_be_deleted_more_than_once() -> None:
    bench = deleted(PPMID)
    for _ in range(2):
        assert bench.submit(prenotification(PPMID)).code is ResponseCode.I0
        assert bench.submit(update(PPMID, duis.DeleteDevice())).code is ResponseCode.I0
    assert len(bench.rows(t.deleted)) == 1


def test_nothing_waits_to_leave_for_a_device_that_is_deleted() -> None:
    bench = Bench()
    bench.change(t.device, {"status": _S.INSTALLED_NOT_COMMISSIONED.value}, eui=PPMID.signed)
    assert bench.submit(read_version(), "S").code is ResponseCode.I99
    bench.run()  # it is in the outbox, and has not left
    assert bench.submit(update(PPMID, duis.DeleteDevice())).code is ResponseCode.I0
    due = bench.next_due()
    assert due is not None
    assert due > bench.now  # else the head end would turn round and round
    assert sent(bench) == []
    bench.run(after_ms=HOUR)
    assert (command(bench).state, kinds(bench)) == ("UNANSWERED", ["Response"])
    assert [document.code for document in told(bench)] == [ResponseCode.E31]


# --- versions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["v1.2", "0x12", " 12", "12 ", "1_2", "+12", "-1", "١٢"])
def test_a_version_that_is_no_hex_number_is_refused_and_not_forgotten(text: str) -> None:
    bench = announced()
    answer = bench.submit(update(DEVICE, duis.DetailsUpdate(firmware_version=text)))
    assert not answer.code.accepted
    assert bench.device(DEVICE).version == 0x0001_0000


def test_such_a_version_has_reasons_of_its_own() -> None:
    bench = announced()
    assert bench.submit(update(DEVICE, duis.DetailsUpdate(firmware_version="v1.2"))).code is ResponseCode.E080409
    assert bench.rows(t.request)[-1].reason == RequestReason.VERSION_UNREADABLE
    other = prenotification(Eui64.parse("00-DB-12-34-56-78-90-B5"), firmware_version="v1.2")
    assert bench.submit(other).code is ResponseCode.E120203
    assert bench.rows(t.request)[-1].reason == RequestReason.PRENOTIFIED_NOT_LISTED
