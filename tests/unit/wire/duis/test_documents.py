import contextlib

import pytest
from hypothesis import given

from hanota.base.errors import BadValue
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import parse_iso
from hanota.base.vocabulary.devices import AlertCode, DeviceType, TransferResponseCode
from hanota.base.vocabulary.duis import DccAlertCode, DeviceList, ResponseCode
from hanota.wire.duis import (
    ActivateFirmware,
    CommandFailure,
    CommsHubAlert,
    CspFirmwareDeliveryStatus,
    DccAlertMessage,
    DeviceStatusChangeEvent,
    FirmwareDistributionFailure,
    FirmwareRequest,
    FirmwareTransferAlert,
    FirmwareUpgradeRequested,
    FirmwareVersionMismatch,
    FirmwareWarning,
    PpmidAlert,
    PpmidFirmwareUpgrade,
    QuarantinedRequest,
    RequestHeader,
    Response,
    ResponseMessage,
    SchemaInvalid,
    UnsupportedRequest,
    UnsupportedResponse,
    join_devices,
    parse_safely,
    read_header,
    read_request,
    read_response,
    write_request,
    write_response,
)
from helpers.shared import shared
from unit.wire.duis.official import official_schema, officially_valid
from unit.wire.duis.people import DCC, PPMID, SUPPLIER, request
from unit.wire.duis.strategies import requests, responses

AT = parse_iso("2026-01-15T09:00:00Z")
REQUEST_ID = RequestId(SUPPLIER, DCC, 1000)
HUB, ESME, GSME = (Eui64.parse(f"00-DB-12-34-56-78-90-A{digit}") for digit in (2, 0, 1))


def header(srv, variant=8):
    return RequestHeader(
        request_id=REQUEST_ID, command_variant=variant, service_reference=srv, service_reference_variant=srv
    )


def made(name):
    return parse_safely((shared() / "duis" / "made" / name).read_bytes())


def alert(code, content):
    return Response(
        response_id=RequestId(DCC, SUPPLIER, 5001),
        code=ResponseCode.I0,
        at=AT,
        body=DccAlertMessage(code=code, alert=content),
    )


@given(requests)
def test_every_request_written_is_officially_valid_and_reads_back(value):
    root = parse_safely(write_request(value))
    assert officially_valid(root), official_schema().error_log
    assert read_request(root) == value


@given(responses)
def test_every_response_written_is_officially_valid_and_reads_back(value):
    root = parse_safely(write_response(value))
    assert officially_valid(root), official_schema().error_log
    assert read_response(root) == value


def test_documents_are_written_compact_with_a_declaration():
    octets = write_request(request())
    assert octets.startswith(b'<?xml version="1.0" encoding="UTF-8"?><sr:Request ')
    assert b"> <" not in octets
    assert b">\n<" not in octets


@pytest.mark.parametrize(("srv", "name"), [("11.1", "UPDATE_FIRMWARE"), ("11.4", "UPDATE_PPMID_FIRMWARE")])
def test_the_industrys_firmware_requests_are_read(srv, name):
    octets = (shared() / "duis" / "templates" / f"{srv}_{name}_REQUEST_DUIS.XML").read_bytes()
    value = read_request(parse_safely(octets))
    assert value.header == RequestHeader(
        request_id=REQUEST_ID, command_variant=8, service_reference=srv, service_reference_variant=srv
    )
    assert value.image[:4] == bytes.fromhex("1ef1ee0b")
    assert (value.firmware_version, len(value.devices)) == ("00000000", 1)


ALERTS = {
    "alert_CSPFirmwareDeliveryStatus_N60.xml": alert(
        DccAlertCode.N60,
        CspFirmwareDeliveryStatus(
            request_id=REQUEST_ID, hub=HUB, device=PPMID, firmware_version="0123ABCD", at=AT, success=True
        ),
    ),
    "alert_CSPFirmwareDeliveryStatus_N61.xml": alert(
        DccAlertCode.N61,
        CspFirmwareDeliveryStatus(
            request_id=REQUEST_ID, hub=HUB, device=PPMID, firmware_version="0123ABCD", at=AT, success=False
        ),
    ),
    **{
        f"alert_CommsHubAlert_{code:04X}_{name}.xml": alert(
            DccAlertCode.N62,
            CommsHubAlert(
                hub=HUB,
                alert_code=code,
                at=AT,
                transfer=FirmwareTransferAlert(
                    request_id=REQUEST_ID, device=PPMID, firmware_version="0123ABCD", result=result
                ),
            ),
        )
        for code, name, result in (
            (AlertCode(0x8F89), "FileTransferFailure", TransferResponseCode.FILE_TRANSFER_FAILURE),
            (AlertCode(0x8F89), "FirmwareImageDiscarded", TransferResponseCode.FIRMWARE_IMAGE_DISCARDED),
            (AlertCode(0x8F89), "HardwareVersionMismatch", TransferResponseCode.HARDWARE_VERSION_MISMATCH),
            (AlertCode(0x8F8A), "FileTransferSuccess", TransferResponseCode.FILE_TRANSFER_SUCCESS),
        )
    },
    "alert_FirmwareDistributionFailure_N18.xml": alert(
        DccAlertCode.N18,
        FirmwareDistributionFailure(request_id=REQUEST_ID, device_list=join_devices((ESME, GSME))),
    ),
    "alert_FirmwareUpgradeRequested.xml": alert(
        DccAlertCode.N59,
        FirmwareUpgradeRequested(
            device_type=DeviceType.PPMID, firmware_version="0123ABCD", device_list=join_devices((PPMID,))
        ),
    ),
    "alert_FirmwareVersionMismatch.xml": alert(
        DccAlertCode.N49,
        FirmwareVersionMismatch(
            device=PPMID, device_type=DeviceType.PPMID, version_smi="0123ABCC", version_device="0123ABCD"
        ),
    ),
    "alert_PPMIDAlert_8F8B.xml": alert(
        DccAlertCode.N39,
        PpmidAlert(
            device=PPMID,
            alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION,
            at=AT,
            upgrade=PpmidFirmwareUpgrade(firmware_version="0123ABCD", success=True),
        ),
    ),
}


@pytest.mark.parametrize("name", ALERTS)
def test_each_reference_alert_reads_as_its_value_and_is_written_alike(name):
    root = made(name)
    assert read_response(root) == ALERTS[name]
    written = parse_safely(write_response(ALERTS[name]))
    assert [(e.tag, e.text) for e in written.iter() if "Time" not in e.tag] == [
        (e.tag, e.text) for e in root.iter() if "Time" not in e.tag
    ]


def test_warning_lists_are_read_by_reason():
    warned = read_response(made("sync_W110401_11.4.xml"))
    assert warned.code is ResponseCode.W110401
    assert isinstance(warned.body, ResponseMessage)
    lists = warned.body.content.lists
    assert list(lists) == list(DeviceList)
    assert lists[DeviceList.INVALID_DEVICE_ID].split(",") == ["00-DB-12-34-56-78-90-B1", "00-DB-12-34-56-78-90-B2"]


def test_a_warning_of_another_service_is_refused_not_dropped():
    octets = (shared() / "duis" / "made" / "sync_W110401_11.4.xml").read_bytes()
    root = parse_safely(octets.replace(b"DSPUpdatePPMIDFirmwareWarning", b"DSPUpdateFirmwareWarning"))
    assert officially_valid(root)
    with pytest.raises(SchemaInvalid, match="no meaning"):
        read_response(root)


def test_a_warning_fits_no_answer_to_another_service():
    body = ResponseMessage(service_reference="11.2", service_reference_variant="11.2", content=FirmwareWarning({}))
    with pytest.raises(BadValue):
        write_response(Response(code=ResponseCode.I0, at=AT, body=body))


@pytest.mark.parametrize(
    "changes",
    [
        {"firmware_version": ""},
        {"firmware_version": "012345678"},
        {"firmware_version": "\x00"},
        {"device_list": ""},
        {"device_list": "00-DB-12-34-56-78-90-A4,"},
        {"device_list": "00-DB-12-34-56-78-90-A4 00-DB-12-34-56-78-90-A5"},
        {"image": bytes(10_240_001)},
    ],
    ids=["no version", "version of 9", "control", "no device", "comma at end", "space", "image too large"],
)
def test_what_duis_has_no_room_for_is_not_written(changes):
    with pytest.raises((SchemaInvalid, BadValue)):
        write_request(request(**changes))


def test_codes_that_duis_lacks_are_not_written():
    body = ResponseMessage(service_reference="11.4", service_reference_variant="11.4")
    with pytest.raises(SchemaInvalid):
        write_response(Response(code=ResponseCode("E9999"), at=AT, body=body))
    result = TransferResponseCode(9)
    transfer = FirmwareTransferAlert(device=PPMID, firmware_version="1", result=result)
    with pytest.raises(BadValue):
        write_response(alert(DccAlertCode.N62, CommsHubAlert(hub=HUB, alert_code=AlertCode(1), transfer=transfer)))


@pytest.mark.parametrize(
    "path",
    [
        "templates/12.1_REQUEST_WAN_MATRIX_ADDRESS_REQUEST_DUIS.XML",
        "responses/CS02aMAC_6.24.1_SUCCESS_REQUEST_DUIS.XML",
    ],
)
def test_other_requests_are_refused_with_the_header_to_answer_by(path):
    root = parse_safely((shared() / "duis" / path).read_bytes())
    with pytest.raises(UnsupportedRequest) as caught:
        read_request(root)
    assert caught.value.header == read_header(root)
    assert caught.value.header.service_reference_variant in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"GBCSPayload>", b"DSPScheduledMessage>"),
        (b"ResponseMessage>", b"SMETS1ResponseMessage>"),
    ],
)
def test_other_responses_are_refused_by_kind(old, new):
    octets = (shared() / "duis" / "made" / "async_11.3_immediate.xml").read_bytes()
    with pytest.raises(UnsupportedResponse, match=new[:-1].decode()):
        read_response(parse_safely(octets.replace(old, new)))


def test_other_alerts_are_refused_by_kind():
    octets = (shared() / "duis" / "made" / "alert_PPMIDAlert_8F8B.xml").read_bytes()
    with pytest.raises(UnsupportedResponse, match="PPMIDRemoval"):
        read_response(parse_safely(octets.replace(b"PPMIDAlert>", b"PPMIDRemoval>")))


def test_other_changes_of_status_are_refused_by_kind():
    event = DeviceStatusChangeEvent(device=PPMID, change="DeviceSuspended")
    octets = write_response(alert(DccAlertCode.N28, event))
    with pytest.raises(UnsupportedResponse, match="CHFDecommissioning"):
        read_response(parse_safely(octets.replace(b"DeviceSuspended", b"CHFDecommissioning")))


def test_the_body_must_be_that_of_the_service_reference():
    octets = write_request(request()).replace(b"UpdatePPMIDFirmware", b"UpdateFirmware")
    with pytest.raises(SchemaInvalid, match=r"11\.4 carries UpdatePPMIDFirmware, not UpdateFirmware"):
        read_request(parse_safely(octets))


def test_a_limit_and_a_change_of_status_have_the_names_that_duis_has():
    for wrong in (
        QuarantinedRequest(kind="Breach", request_id=REQUEST_ID, event_ref=1),
        DeviceStatusChangeEvent(device=PPMID, change="CHFDecommissioning"),
    ):
        with pytest.raises(BadValue, match="expected"):
            write_response(alert(DccAlertCode.N46, wrong))


def test_an_unchecked_name_or_hash_is_refused():
    octets = write_response(alert(DccAlertCode.N46, DeviceStatusChangeEvent(device=PPMID, change="DeviceRestored")))
    with pytest.raises(SchemaInvalid, match="expected one of DeviceSuspended, DeviceRestored"):
        read_response(parse_safely(octets.replace(b"<sr:DeviceRestored></sr:DeviceRestored>", b"")))
    octets = write_request(ActivateFirmware(header=header("11.3", 4), firmware_hash=bytes(32)))
    with pytest.raises(SchemaInvalid, match="hex digits"):
        read_request(parse_safely(octets.replace(b"Hash>00", b"Hash>zz")))


def test_a_response_is_no_request_and_a_request_no_response():
    with pytest.raises(SchemaInvalid, match="not a service request"):
        read_request(made("sync_I0_11.4.xml"))
    with pytest.raises(SchemaInvalid, match="not a response"):
        read_response(parse_safely(write_request(request())))


@pytest.mark.parametrize("octets", [b"<a/>", b"<a>b</a>"])
def test_any_other_root_is_refused(octets):
    with pytest.raises(SchemaInvalid):
        read_header(parse_safely(octets))


def test_an_unchecked_document_is_read_or_refused_never_more():
    whole = write_request(request())
    root = parse_safely(whole)
    for victim in list(root.iter()):
        for damage in ("text", "drop"):
            again = parse_safely(whole)
            twin = next(e for e in again.iter(victim.tag))
            if damage == "text":
                twin.text = "?"
            elif twin.getparent() is not None:
                twin.getparent().remove(twin)
            with contextlib.suppress(SchemaInvalid, UnsupportedRequest):
                read_request(again)


def test_an_unchecked_response_is_read_or_refused_never_more():
    whole = write_response(ALERTS["alert_CommsHubAlert_8F8A_FileTransferSuccess.xml"])
    for victim in list(parse_safely(whole).iter()):
        again = parse_safely(whole)
        twin = next(e for e in again.iter(victim.tag))
        twin.text = "?"
        for child in list(twin):
            twin.remove(child)
        with contextlib.suppress(SchemaInvalid, UnsupportedResponse):
            read_response(again)


def test_values_with_white_space_around_them_are_read():
    octets = write_request(request()).replace(b"<sr:RequestID>", b"<sr:RequestID>\n  ")
    octets = octets.replace(b"<sr:FirmwareImage>", b"<sr:FirmwareImage>\n  ")
    root = parse_safely(octets)
    assert officially_valid(root)
    assert read_request(root) == request()


def test_command_failure_names_its_schedule():
    value = alert(DccAlertCode.N53, CommandFailure(request_id=REQUEST_ID, schedule_id=7, device=ESME))
    assert b"<sr:DSPScheduleID>7</sr:DSPScheduleID>" in write_response(value)


def test_devices_are_given_in_the_order_of_the_list():
    text = join_devices((PPMID, ESME, PPMID))
    expected = (PPMID, ESME, PPMID)
    assert request(device_list=text).devices == expected
    assert FirmwareDistributionFailure(request_id=REQUEST_ID, device_list=text).devices == expected
    upgrade = FirmwareUpgradeRequested(device_type=DeviceType.PPMID, firmware_version="1", device_list=text)
    assert upgrade.devices == expected


def test_values_are_frozen():
    with pytest.raises(AttributeError):
        request().image = b""
    assert isinstance(request(), FirmwareRequest)
