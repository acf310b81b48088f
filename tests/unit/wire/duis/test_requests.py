"""Requests: what belongs to which service and command variant, and what a request has no room for."""

import re

import pytest

from hanota.base.ids import RequestId
from hanota.base.vocabulary.devices import DeviceStatus
from hanota.wire.duis import (
    ActivateFirmware,
    DeleteDevice,
    MpxnUpdate,
    ReadFirmwareVersion,
    ReadInventory,
    RequestHeader,
    SchemaInvalid,
    SignedPreCommand,
    StatusUpdate,
    UnsupportedRequest,
    UpdateInventory,
    parse_safely,
    require_supported,
    write_request,
)
from unit.wire.duis.official import officially_valid
from unit.wire.duis.people import DCC, PPMID, SUPPLIER


def header(srv, variant=8):
    return RequestHeader(
        request_id=RequestId(SUPPLIER, DCC, 1000),
        command_variant=variant,
        service_reference=srv,
        service_reference_variant=srv,
    )


@pytest.mark.parametrize(("variant", "expected"), [(4, "ActivateFirmware"), (5, "SignedPreCommand")])
def test_the_body_must_be_that_of_the_command_variant(variant, expected):
    values = {
        "ActivateFirmware": ActivateFirmware(header=header("11.3", 4), firmware_hash=bytes(32)),
        "SignedPreCommand": SignedPreCommand(header=header("11.3", 5), gbcs=b"\xdf"),
    }
    other = next(name for name in values if name != expected)
    octets = write_request(values[other])
    changed = re.sub(rb"(CommandVariant>).", rb"\g<1>%d" % variant, octets, count=1)
    assert officially_valid(parse_safely(changed))
    with pytest.raises(SchemaInvalid, match=f"carries {expected}, not {other}"):
        require_supported(parse_safely(changed))


def test_a_request_is_written_only_under_its_own_service():
    with pytest.raises(SchemaInvalid, match=r"8\.2 carries ReadInventory, not UpdateInventory"):
        write_request(UpdateInventory(header=header("8.2"), device=PPMID, change=DeleteDevice()))
    with pytest.raises(SchemaInvalid):
        write_request(ReadFirmwareVersion(header=header("11.3", 4)))
    with pytest.raises(UnsupportedRequest):
        write_request(UpdateInventory(header=header("8.3"), device=PPMID, change=DeleteDevice()))


def test_the_inventory_is_read_by_one_key():
    for keys in ({}, {"uprn": "1", "device": PPMID}):
        with pytest.raises(SchemaInvalid):
            write_request(ReadInventory(header=header("8.2"), **keys))


def test_a_hub_and_another_device_have_each_their_statuses():
    for status, hub in ((DeviceStatus.PENDING, True), (DeviceStatus.COMMISSIONED, False)):
        change = StatusUpdate(status=status, hub=hub)
        with pytest.raises(SchemaInvalid, match=status.value):
            write_request(UpdateInventory(header=header("8.4"), device=PPMID, change=change))


def test_a_point_of_supply_is_changed_one_at_a_time():
    for change in (MpxnUpdate(), MpxnUpdate(import_mpxn="1", export_mpan="1" * 13)):
        with pytest.raises(SchemaInvalid):
            write_request(UpdateInventory(header=header("8.4"), device=PPMID, change=change))
