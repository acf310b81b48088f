"""The industry's messages: each of a kind that hanota speaks is read, and written back as it was."""

from datetime import datetime

import pytest
from lxml import etree

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import parse_iso
from hanota.base.vocabulary.devices import AlertCode, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.wire.duis import (
    ActivateFirmware,
    DeleteDevice,
    DetailsUpdate,
    DeviceAlertMessage,
    DevicePrenotification,
    DuisMalformed,
    FutureDatedDeviceAlert,
    GbcsPayload,
    Inventory,
    PreCommand,
    PropertyFilter,
    ReadFirmwareVersion,
    ReadInventory,
    ReturnLocalCommandResponse,
    SignedPreCommand,
    StatusUpdate,
    UnsupportedRequest,
    UpdateInventory,
    parse_safely,
    read_request,
    read_response,
    require_supported,
    write_request,
    write_response,
)
from hanota.wire.duis.profile import in_ds
from helpers.shared import shared
from unit.wire.duis.people import PPMID

DUIS = "duis"
ESME = Eui64.parse("00-DB-12-34-56-78-90-A0")
HASH = bytes.fromhex("AA758690730934FF0685AA758690730934FF0685657788990011223344556677")


def root_of(path):
    return parse_safely((shared() / DUIS / path).read_bytes())


def template(name):
    return read_request(root_of(f"templates/{name}_REQUEST_DUIS.XML"))


def made(name):
    return read_response(root_of(f"made/{name}.xml"))


def facts(root):
    """Elements, texts and version; a time as the instant that it is."""
    for element in root.findall(in_ds("Signature")):
        root.remove(element)
    return root.get("schemaVersion"), [
        (element.tag, datetime.fromisoformat(element.text) if "Time" in str(element.tag) else element.text)
        for element in root.iter()
    ]


def test_every_reference_message_is_written_back_as_it_was_read():
    written = []
    for path in sorted((shared() / DUIS).rglob("*")):
        if path.suffix.lower() != ".xml" or path.name == "readfw-response-invalid.xml":
            continue
        try:
            root = parse_safely(path.read_bytes())
            request = etree.QName(root).localname == "Request"
            octets = write_request(read_request(root)) if request else write_response(read_response(root))
        except (DuisMalformed, UnsupportedRequest):
            continue
        assert facts(parse_safely(octets)) == facts(root), path.name
        written.append(path.name)
    assert len(written) >= 45


def test_every_service_of_the_templates_is_served_or_refused_by_its_name():
    refused = []
    for path in sorted((shared() / DUIS / "templates").iterdir()):
        try:
            require_supported(parse_safely(path.read_bytes()))
        except UnsupportedRequest as error:
            refused.append(error.header.service_reference_variant)
    assert refused == ["12.1", "8.14.1", "8.14.2", "8.14.3", "8.14.4"]


def test_reading_the_inventory_names_one_device():
    asked = template("8.2_READ_INVENTORY")
    assert isinstance(asked, ReadInventory)
    assert (asked.device, asked.uprn, asked.mpxn) == (Eui64.parse("00-DB-12-34-56-78-90-A2"), None, None)


def test_a_device_is_deleted_from_the_inventory():
    change = template("8.4_UPDATE_INVENTORY")
    assert isinstance(change, UpdateInventory)
    assert (change.device, change.change) == (ESME, DeleteDevice())


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("request_8.4_status", StatusUpdate(status=DeviceStatus.INSTALLED_NOT_COMMISSIONED, hub=False)),
        ("request_8.4_update_details", DetailsUpdate(firmware_version="0123ABCD")),
    ],
)
def test_the_inventory_is_changed(name, change):
    value = read_request(root_of(f"made/{name}.xml"))
    assert (value.device, value.change) == (PPMID, change)


def test_a_local_response_names_its_request():
    value = template("8.13_RETURN_LOCAL_COMMAND_RESPONSE_CS06")
    assert isinstance(value, ReturnLocalCommandResponse)
    assert str(value.original_request_id) == "90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:1000"
    assert value.gbcs[:3] == bytes.fromhex("df0902")


@pytest.mark.parametrize("name", ["CS08_11.2_SUCCESS", "ECS52_11.2_SUCCESS", "GCS38_11.2_SUCCESS"])
def test_reading_a_version_asks_nothing_else(name):
    value = template(name)
    assert value == ReadFirmwareVersion(header=value.header)


@pytest.mark.parametrize(
    ("name", "execution"),
    [("IMMEDIATE", None), ("FUTURE_DATED", parse_iso("2030-01-15T09:00:00Z"))],
)
def test_activation_names_the_image_by_its_hash_and_perhaps_a_time(name, execution):
    value = template(f"CS06_11.3_{name}_SUCCESS")
    assert value == ActivateFirmware(header=value.header, execution=execution, firmware_hash=HASH)
    assert value.header.command_variant == 4


def test_a_signed_pre_command_carries_the_message():
    value = read_request(root_of("made/request_11.3_cv5_signed_precommand.xml"))
    assert isinstance(value, SignedPreCommand)
    assert (value.execution, len(value.gbcs)) == (None, 139)


def test_a_device_is_announced():
    value = template("12.2_DEVICE_PRE_NOTIFICATION")
    assert value == DevicePrenotification(
        header=value.header,
        device=ESME,
        manufacturer="AB01",
        model="010A030B",
        device_type=DeviceType.ESME,
        smets_chts_version="SMETS V1.58",
        firmware_version="0002012F",
        esme_variant="AD",
    )


def test_a_captured_inventory_is_read_device_by_device():
    answer = read_response(root_of("responses/signing-tool/read-inventory-response-5.4.xml"))
    assert isinstance(answer.body.content, Inventory)
    hub, display, proxy = answer.body.content.devices
    assert [device.device_type for device in (hub, display, proxy)] == [DeviceType.CHF, DeviceType.CAD, DeviceType.GPF]
    assert (hub.csp_region, hub.connectivity, hub.firmware_version) == (CspRegion.CENTRAL_4G, "Virtual", "9001")
    assert hub.property_filter == PropertyFilter(post_code="1111-111", address_identifier="12334")
    assert (hub.uprn, hub.date_commissioned, hub.han_variant) == ("123456789012", "2025-12-28Z", "Single Band")
    assert display.status is None


def test_answers_carry_gbcs_messages():
    assert isinstance(made("async_11.3_immediate").body.content, GbcsPayload)
    drafted = made("transform_I0_11.3_precommand").body.content
    assert isinstance(drafted, PreCommand)
    assert (drafted.gbcs_version, drafted.octets[-1]) == ("4.2", 0)
    dated = made("async_11.3_future_dated_alert_8F66").body.content
    assert isinstance(dated, FutureDatedDeviceAlert)
    assert (dated.alert_code, dated.instruction_number, dated.total) == (AlertCode(0x8F66), 1, 1)


def test_an_acknowledgement_has_no_content():
    acknowledged = made("ack_I99_11.3_cv5")
    assert (acknowledged.code, acknowledged.body.content) == (ResponseCode.I99, None)


def test_a_devices_alert_is_passed_on_whole():
    value = made("device_alert_8F72_throttled")
    assert isinstance(value.body, DeviceAlertMessage)
    assert (value.body.alert_code, value.body.throttled_sequence, value.body.throttled_count) == (0x8F72, 1, 0)
    assert value.request_id is None
    assert value.response_id == RequestId(ESME, Eui64.parse("90-B3-D5-1F-30-01-00-00"), 2000)
