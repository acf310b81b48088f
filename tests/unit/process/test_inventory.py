"""8.2, 8.4 and 12.2: what the inventory says, and how Users change it."""

from dataclasses import replace
from typing import Any

import pytest

from hanota.app.registering import register_estate
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.devices import CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.reasons import RequestReason
from hanota.records.ledger import verify
from hanota.records.registry.register import DeviceRow, HomeRow, register_homes
from hanota.records.store import schema as t
from hanota.wire.duis import (
    DeleteDevice,
    DetailsUpdate,
    Inventory,
    InventoryDevice,
    MpxnUpdate,
    PropertyFilter,
    StatusUpdate,
)
from helpers.asking import DEVICE, GPF, ask_inventory, prenotification, update
from helpers.premises import NOW
from helpers.world import (
    CAD,
    ESME,
    GSME,
    HCALCS,
    HUB,
    IHD,
    PPMID,
    READER,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    description,
    keys,
    opened,
    request,
    signed,
)

HOME_1 = [HUB, GPF, ESME, GSME, PPMID, HCALCS, IHD, CAD]
_S = DeviceStatus
INSTALLED = StatusUpdate(status=_S.INSTALLED_NOT_COMMISSIONED, hub=False)
NEW_GPF = replace(GPF, value=GPF.value + 0x10)


def inventory(bench: Bench, **asked: Any) -> dict[Any, InventoryDevice]:
    """What an 8.2 brings, by device, in the order given."""
    answer = bench.submit(ask_inventory(**asked))
    assert answer.code is ResponseCode.I0, answer
    content = opened(answer.octets).body.content
    assert isinstance(content, Inventory)
    return {device.device: device for device in content.devices}


def done(bench: Bench, asked: Any) -> Bench:
    answer = bench.submit(asked)
    assert answer.code is ResponseCode.I0, bench.rows(t.request)[-1]
    assert opened(answer.octets).body.content is None
    return bench


# --- 8.2 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {"uprn": "100000000001"},
        {"device": HUB},
        {"device": GPF},
        {"device": PPMID},
        {"mpxn": "1234567890121"},
        {"mpxn": "9876543211"},
        {"address": ("TE1 1AA", "1 Meter Lane")},
        {"address": ("te1 1aa", "METER")},
    ],
    ids=lambda asked: "-".join(map(str, asked.items())),
)
def test_any_of_the_four_keys_brings_all_devices_of_the_premises_hub_first(asked: dict[str, Any]) -> None:
    assert list(inventory(Bench(), **asked)) == HOME_1


def test_what_is_said_of_a_meter() -> None:
    assert inventory(Bench(), device=ESME)[ESME] == InventoryDevice(
        device=ESME,
        device_type=DeviceType.ESME,
        status=_S.COMMISSIONED,
        manufacturer="121D",
        model="00001111",
        firmware_version="00010000",
        firmware_version_status=CplStatus.ACTIVE,
        cpl_status=CplStatus.ACTIVE,
        date_commissioned="2024-01-01",
        import_mpxn="1234567890121",
        esme_variant="A",
        uprn="100000000001",
        property_filter=PropertyFilter(post_code="TE1 1AA", address_identifier="1 Meter Lane, Testford, TE1 1A"),
        csp_region=CspRegion.NORTH,
        gbcs_version="4.3",
    )


def test_what_is_said_of_a_hub_and_of_a_device_outside_gbcs() -> None:
    home = inventory(Bench(), uprn="100000000002")
    hub = next(iter(home.values()))
    assert (hub.device_type, hub.connectivity, hub.csp_region) == (DeviceType.CHF, "Cellular", CspRegion.CENTRAL)
    assert [device.connectivity for device in list(home.values())[1:]] == [None] * 4
    assert inventory(Bench(), device=HUB)[HUB].connectivity is None  # long-range radio in the North
    assert inventory(Bench(), device=CAD)[CAD].status is None


@pytest.mark.parametrize("sender", [SUPPLIER_1, SUPPLIER_2, STRANGER, READER])
def test_any_user_may_read(sender: Any) -> None:
    assert list(inventory(Bench(), device=HUB, sender=sender)) == HOME_1


@pytest.mark.parametrize(
    "asked",
    [
        {"uprn": "999999999999"},
        {"device": DEVICE},
        {"mpxn": "1234567890999"},
        {"address": ("TE1 1AA", "2 Meter Lane")},
        {"address": ("TE9 9ZZ", "1 Meter Lane")},
        {"address": ("TE1 1AA", "%")},
        {"address": ("TE1 1AA", "_ Meter Lane")},
    ],
    ids=lambda asked: "-".join(map(str, asked.items())),
)
def test_what_is_not_found_is_said(asked: dict[str, Any]) -> None:
    bench = Bench()
    assert bench.submit(ask_inventory(**asked)).code is ResponseCode.E080201
    assert bench.row(t.request).reason == RequestReason.INVENTORY_NOT_FOUND


def test_what_finds_two_premises_finds_none() -> None:
    bench = Bench()
    bench.change(t.premises, {"postcode": "TE1 1AA"})
    assert bench.submit(ask_inventory(address=("TE1 1AA", "Lane"))).code is ResponseCode.E080202
    assert list(inventory(bench, address=("TE1 1AA", "1 Meter"))) == HOME_1


def test_no_answer_names_more_devices_than_one_can_hold() -> None:
    bench, plain = Bench(), {"status": _S.COMMISSIONED, "manufacturer": 1, "image_type": 1, "hardware": 1}
    many = tuple(
        DeviceRow(
            eui=replace(HUB, value=0x00DB000000000000 + number),
            device_type=DeviceType.PPMID,
            gbcs_version="4.3",
            capacity_octets=0,
            version=None,
            **plain,
        )
        for number in range(20)
    )
    home = HomeRow(name="Crowd", address="x", region=CspRegion.NORTH, hub=DEVICE, uprn="7", devices=many, supplies=())
    with bench.store.writing() as connection:
        register_homes(connection, [home])
    assert len(inventory(bench, uprn="7")) == 17


@pytest.mark.parametrize("version", ["5.1", "5.2", "5.3", "5.4"])
def test_an_answer_is_written_in_the_version_of_its_request(version: str) -> None:
    bench = Bench()
    bench.change(t.premises, {"region": CspRegion.CENTRAL_4G.value})
    octets = bench.submit(ask_inventory(device=HUB, schema_version=version)).octets
    assert f'schemaVersion="{version}"'.encode() in octets
    assert (b"Connectivity" in octets) == (version == "5.4")
    region = b"4G Central" if version in {"5.3", "5.4"} else b"Unknown"
    assert b"<sr:CSPRegion>" + region + b"</sr:CSPRegion>" in octets
    assert bench.row(t.party, eui=SUPPLIER_1.signed).duis_version in {version, None}


def test_the_version_that_a_device_reported_is_the_one_that_is_read() -> None:
    bench = Bench()
    bench.keep("activation_succeeded", None, version=0x42, result=0)
    found = inventory(bench, device=PPMID)[PPMID]
    assert (found.firmware_version, found.firmware_version_status) == ("00000042", None)


# --- 12.2 --------------------------------------------------------------------------------------------------------


def test_a_prenotified_device_stands_alone_until_it_is_installed() -> None:
    bench = done(Bench(), prenotification(smets_chts_version="SMETS V1.58"))
    assert inventory(bench, device=DEVICE) == {
        DEVICE: InventoryDevice(
            device=DEVICE,
            device_type=DeviceType.PPMID,
            status=_S.PENDING,
            manufacturer="121D",
            model="00841111",
            smets_chts_version="SMETS V1.58",
            firmware_version="00010000",
            firmware_version_status=CplStatus.ACTIVE,
            cpl_status=CplStatus.ACTIVE,
        )
    }
    assert bench.device(DEVICE).version_origin == "declared"
    assert bench.submit(prenotification()).code is ResponseCode.E120201


def test_a_hub_is_prenotified_with_its_gpf() -> None:
    bench = done(Bench(), prenotification(device_type=DeviceType.CHF, model="00A21111", gpf=NEW_GPF))
    assert [bench.device(eui).device_type for eui in (DEVICE, NEW_GPF)] == ["CHF", "GPF"]
    assert bench.device(NEW_GPF).status == bench.device(DEVICE).status == "Pending"
    assert bench.device(NEW_GPF).model_text == "00A21111"
    assert bench.submit(prenotification(NEW_GPF)).code is ResponseCode.E120201


def test_text_that_is_no_number_is_given_back_as_it_was_told() -> None:
    bench = done(
        Bench(), prenotification(device_type=DeviceType.CAD, manufacturer="ACME", model="Zwei", firmware_version=None)
    )
    found = inventory(bench, device=DEVICE)[DEVICE]
    assert (found.manufacturer, found.model, found.status, found.firmware_version) == ("ACME", "Zwei", None, None)


def test_a_prenotified_ppmid_is_left_out_as_not_commissioned() -> None:
    bench = done(Bench(), prenotification())
    answer = bench.submit(request(PPMID, DEVICE))
    assert answer.code is ResponseCode.W110401
    lists = opened(answer.octets).body.content.lists
    assert {name.value: text for name, text in lists.items()} == {"NotCommissionedDeviceIDList": str(DEVICE)}


def test_any_user_may_prenotify() -> None:
    done(Bench(), prenotification(sender=READER))


# --- 8.4 ---------------------------------------------------------------------------------------------------------


def bench_at(status: DeviceStatus, device: Any = PPMID) -> Bench:
    bench = Bench()
    bench.change(t.device, {"status": status.value, "commissioned_at": None}, eui=device.signed)
    return bench


@pytest.mark.parametrize(
    ("device", "before", "change", "after"),
    [
        (PPMID, _S.PENDING, INSTALLED, "InstalledNotCommissioned"),
        (PPMID, _S.INSTALLED_NOT_COMMISSIONED, replace(INSTALLED, status=_S.PENDING), "Pending"),
        (HUB, _S.PENDING, StatusUpdate(status=_S.COMMISSIONED, hub=True), "Commissioned"),
        (HUB, _S.PENDING, StatusUpdate(status=_S.WITHDRAWN, hub=True), "Withdrawn"),
    ],
)
def test_a_status_is_set(device: Any, before: DeviceStatus, change: StatusUpdate, after: str) -> None:
    bench = done(bench_at(before, device), update(device, change))
    assert bench.device(device).status == after
    assert bench.device(device).commissioned_at == (NOW if after == "Commissioned" else None)
    if after == "Commissioned":
        assert inventory(bench, device=device)[device].date_commissioned == "2026-01-15"


def test_details_are_set_one_by_one() -> None:
    bench = bench_at(_S.PENDING, ESME)
    done(bench, update(ESME, DetailsUpdate(firmware_version="ABCD", esme_variant="B", smets_chts_version="SMETS V2.0")))
    found = inventory(bench, device=ESME)[ESME]
    assert (found.firmware_version, found.esme_variant, found.smets_chts_version) == ("0000ABCD", "B", "SMETS V2.0")
    assert (found.manufacturer, found.model) == ("121D", "00001111")
    done(bench, update(ESME, DetailsUpdate(manufacturer="121d", model="00011111")))  # that of a GSME: listed
    row = bench.device(ESME)
    assert (row.image_type, row.hardware, row.model_text, row.version) == (1, 0x1111, "00011111", 0xABCD)


def test_points_of_supply_are_set_and_found_by() -> None:
    bench = Bench()
    for change in (
        MpxnUpdate(import_mpxn="1000000000001"),
        MpxnUpdate(secondary_import_mpan="1000000000002"),
        MpxnUpdate(export_mpan="1000000000003"),
    ):
        done(bench, update(ESME, change))
    found = inventory(bench, device=ESME)[ESME]
    assert (found.import_mpxn, found.secondary_import_mpan, found.export_mpan) == (
        "1000000000001",
        "1000000000002",
        "1000000000003",
    )
    for number in ("1000000000001", "1000000000002", "1000000000003"):
        assert list(inventory(bench, mpxn=number)) == HOME_1


def test_a_device_that_was_never_commissioned_is_deleted_and_may_be_announced_again() -> None:
    bench = done(Bench(), prenotification())
    done(bench, update(DEVICE, DeleteDevice()))
    assert bench.rows(t.device, eui=DEVICE.signed) == []
    assert bench.submit(ask_inventory(device=DEVICE)).code is ResponseCode.E080201
    assert bench.submit(update(DEVICE, DeleteDevice())).code is ResponseCode.E080405
    done(bench, prenotification())


def test_a_meter_that_is_deleted_is_supplied_by_nobody() -> None:
    bench = done(bench_at(_S.PENDING, ESME), update(ESME, DeleteDevice()))
    assert bench.rows(t.supply, meter=ESME.signed) == bench.rows(t.eligibility, device=ESME.signed) == []
    assert bench.submit(ask_inventory(mpxn="1234567890121")).code is ResponseCode.E080201
    assert ESME not in inventory(bench, device=HUB)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (_S.PENDING, INSTALLED),
        (_S.PENDING, DetailsUpdate(firmware_version="ABCD", smets_chts_version="SMETS V2.0")),
        (_S.PENDING, DetailsUpdate(model="00851111")),
    ],
    ids=["status", "version", "model"],
)
def test_what_a_user_changed_stands_against_the_estate_being_registered_again(
    before: DeviceStatus, change: Any
) -> None:
    bench = done(bench_at(before), update(PPMID, change))
    after = bench.device()
    register_estate(bench.store, description(), keys())
    assert bench.device() == after


def test_what_a_user_announced_stands_against_the_estate_being_registered_again() -> None:
    bench = done(Bench(), prenotification())
    after = bench.device(DEVICE)
    register_estate(bench.store, description(), keys())
    assert bench.device(DEVICE) == after


def test_what_a_user_deleted_does_not_come_back_with_the_estate_but_when_it_is_announced_again() -> None:
    bench = done(bench_at(_S.PENDING), update(PPMID, DeleteDevice()))
    register_estate(bench.store, description(), keys())
    assert bench.rows(t.device, eui=PPMID.signed) == []
    done(bench, prenotification(PPMID))
    register_estate(bench.store, description(), keys())
    assert bench.device().status == "Commissioned"  # it is installed: from now on its home says so


def test_what_nobody_changed_follows_the_estate() -> None:
    bench = bench_at(_S.PENDING)
    register_estate(bench.store, description(), keys())
    assert bench.device().status == "Commissioned"


def test_an_update_is_evidence() -> None:
    bench = done(bench_at(_S.PENDING), update(PPMID, INSTALLED))
    done(bench, prenotification())
    done(bench, update(DEVICE, DeleteDevice()))
    found = [row.kind for row in bench.rows(t.event)]
    assert [kind for kind in found if kind != "request_answered"] == [
        "inventory_updated",
        "device_prenotified",
        "device_deleted",
    ]
    with bench.store.reading() as connection:
        assert verify(connection)


# --- the same again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [ask_inventory(device=HUB), prenotification(), update(ESME, MpxnUpdate(export_mpan="1000000000003"))],
    ids=["8.2", "12.2", "8.4"],
)
def test_the_same_octets_again_get_the_same_answer_and_nothing_twice(asked: Any) -> None:
    bench, octets = Bench(), signed(asked)
    first = bench.submit(octets)
    assert first.code is ResponseCode.I0
    devices, events = bench.rows(t.device), len(bench.rows(t.event))
    bench.now = Instant(bench.now + DAY)
    assert bench.submit(octets) == first
    assert (bench.rows(t.device), len(bench.rows(t.event))) == (devices, events)
