"""`describe`: every field with its place and meaning, the signature's verdict, and what is wrong and where."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from hanota.base.errors import BadValue
from hanota.base.instant import parse_iso
from hanota.base.vocabulary.duis import DccAlertCode, DeviceList, ResponseCode
from hanota.wire.duis import (
    DccAlertMessage,
    DeviceStatusChangeEvent,
    FirmwareWarning,
    GbcsPayload,
    Inventory,
    InventoryDevice,
    Response,
    ResponseMessage,
    describe,
    sign,
    write_request,
    write_response,
)
from hanota.wire.duis.describe import FIELDS_MAX
from hanota.wire.duis.words import WORDS
from unit.wire.duis.mangling import mangled
from unit.wire.duis.people import PPMID, SERIAL, SIGNER, SUPPLIER, find, request
from unit.wire.duis.strategies import requests, responses

KEYS = {
    *("octets", "kind", "schema_version", "carries", "fields", "problems", "signature", "error"),
}
AT = parse_iso("2026-01-15T09:00:00Z")


def answer(content, srv="11.4", code=ResponseCode.I0):
    body = ResponseMessage(service_reference=srv, service_reference_variant=srv, content=content)
    return write_response(Response(code=code, at=AT, body=body))


def field(told, path):
    (found,) = (row for row in told["fields"] if row["path"] == path)
    return found


def test_a_request_is_told_field_by_field():
    told = describe(write_request(request()), find)
    assert (told["kind"], told["schema_version"], told["carries"]) == ("Request", "5.4", "UpdatePPMIDFirmware")
    assert [row["path"] for row in told["fields"]] == [
        "Header/RequestID",
        "Header/CommandVariant",
        "Header/ServiceReference",
        "Header/ServiceReferenceVariant",
        "Body/UpdatePPMIDFirmware/FirmwareImage",
        "Body/UpdatePPMIDFirmware/FirmwareVersion",
        "Body/UpdatePPMIDFirmware/DeviceIDList",
    ]
    assert field(told, "Header/ServiceReferenceVariant")["meaning"] == "Update PPMID Firmware"
    assert field(told, "Header/CommandVariant")["meaning"].endswith("(Non-Device Service)")
    assert field(told, "Header/RequestID")["meaning"].endswith("counter 1000")
    image = field(told, "Body/UpdatePPMIDFirmware/FirmwareImage")
    assert image["meaning"] == f"256 octets, SHA-256 {sha256(bytes(range(256))).hexdigest()}"
    assert image["value"].endswith("…")
    assert field(told, "Body/UpdatePPMIDFirmware/DeviceIDList")["meaning"] == "1 device"
    assert field(told, "Body/UpdatePPMIDFirmware/FirmwareVersion")["clause"] == "DUIS Schema V5.4, FirmwareVersion"
    assert (told["problems"], told["error"]) == ([], None)


def test_the_line_of_each_field_is_that_of_the_document():
    pretty = etree.tostring(etree.fromstring(write_request(request())), pretty_print=True)
    told = describe(pretty, find)
    lines = pretty.decode().splitlines()
    assert all(f"<sr:{row['path'].rpartition('/')[2]}>" in lines[row["line"] - 1] for row in told["fields"])


def test_repeated_elements_are_told_apart_whatever_their_prefix():
    device = InventoryDevice(device=PPMID, device_type="PPMID", manufacturer="1", model="2")
    octets = answer(Inventory(devices=(device, device)), "8.2").replace(b"sr:", b"").replace(b":sr=", b"=")
    told = describe(octets, find)
    assert told["carries"] == "DSPInventory"
    assert [row["value"] for row in told["fields"] if row["path"].endswith("Device[2]/DeviceID")] == [str(PPMID)]


def test_a_signature_that_holds_names_its_signer():
    verdict = describe(sign(write_request(request()), SIGNER), find)["signature"]
    assert (verdict["verdict"], verdict["problems"]) == ("holds", [])
    assert verdict["signer"] == {"eui": str(SUPPLIER), "role": "XML_SIGN"}
    assert verdict["named"] == {"issuer": SIGNER.certificate.issuer, "serial": str(SERIAL)}


@pytest.mark.parametrize(
    ("octets", "known", "verdict", "problems"),
    [
        (write_request(request()), find, "unsigned", ["NO_SIGNATURE"]),
        (sign(write_request(request()), SIGNER), lambda *_: None, "signer unknown", ["SIGNER_UNKNOWN"]),
        (
            sign(write_request(request()), SIGNER).replace(b">0123ABCD<", b">0123ABCE<"),
            find,
            "does not hold",
            ["DIGEST_DIFFERS"],
        ),
    ],
)
def test_a_signature_that_does_not_hold_says_why_and_what_to_do(octets, known, verdict, problems):
    told = describe(octets, known)["signature"]
    assert (told["verdict"], [problem["code"] for problem in told["problems"]]) == (verdict, problems)
    assert all(problem["text"] and problem["remedy"] for problem in told["problems"])


def test_codes_and_lists_have_the_meanings_that_are_brought_along():
    told = describe(
        answer(FirmwareWarning({DeviceList.NOT_COMMISSIONED: f"{PPMID},{SUPPLIER}"}), code=ResponseCode.W110401),
        find,
        meanings={"W110401": "accepted for some", "NotCommissionedDeviceIDList": "not commissioned"}.get,
    )
    assert field(told, "Header/ResponseCode")["meaning"] == "accepted for some"
    path = "Body/ResponseMessage/DSPUpdatePPMIDFirmwareWarning/NotCommissionedDeviceIDList"
    assert field(told, path)["meaning"] == "2 devices; not commissioned"


def test_an_alert_is_told_by_its_kind():
    event = DeviceStatusChangeEvent(device=PPMID, change="DeviceSuspended")
    body = DccAlertMessage(code=DccAlertCode.N28, alert=event)
    told = describe(write_response(Response(code=ResponseCode.I0, at=AT, body=body)), find, meanings={"N28": "x"}.get)
    assert told["carries"] == "DeviceStatusChangeEvent"
    assert field(told, "Body/DCCAlertMessage/DCCAlertCode")["meaning"] == "x"
    assert told["fields"][-1]["path"].endswith("DeviceStatusChange/DeviceSuspended")


def test_a_gbcs_message_inside_is_handed_on():
    told = describe(answer(GbcsPayload(octets=b"\xdf\x09"), "11.2"), find, explain_gbcs=lambda octets: octets.hex())
    assert field(told, "Body/ResponseMessage/GBCSPayload")["gbcs"] == "df09"
    assert "gbcs" not in field(told, "Header/ResponseCode")


def test_a_gbcs_message_that_makes_no_sense_is_an_error_of_its_own():
    def refuse(octets):
        raise BadValue(kind="message", value=octets, expected="a GBCS message")

    told = describe(answer(GbcsPayload(octets=b"?"), "11.2"), find, explain_gbcs=refuse)
    assert field(told, "Body/ResponseMessage/GBCSPayload")["gbcs"]["code"] == "HOTA-BASE-001"
    assert told["error"] is None


def test_a_departure_from_the_schema_is_told_with_its_place():
    octets = write_request(request()).replace(b">0123ABCD<", b">0123ABCDE<").replace(b"-A4<", b"-A<")
    told = describe(octets, find)
    assert [(row["line"], row["path"]) for row in told["problems"]] == [
        (1, "/Request/Body/UpdatePPMIDFirmware/FirmwareVersion"),
        (1, "/Request/Body/UpdatePPMIDFirmware/DeviceIDList"),
    ]
    assert "maxLength" in told["problems"][0]["message"]


def test_a_value_that_means_nothing_is_told_as_it_stands():
    octets = answer(GbcsPayload(octets=b"\xdf"), "11.2").replace(b">3w==<", b">3w=<")
    told = describe(octets, find, explain_gbcs=len)
    shown = field(told, "Body/ResponseMessage/GBCSPayload")
    assert (shown["value"], shown["meaning"]) == ("3w=", None)
    assert shown["gbcs"]["code"] == "HOTA-BASE-001"
    assert told["problems"]
    assert told["error"]["code"] == "HOTA-DUIS-010"


def test_a_service_that_is_not_served_is_described_even_so():
    octets = write_request(request()).replace(b">11.4<", b">12.1<").replace(b"UpdatePPMIDFirmware", b"RequestWANMatrix")
    told = describe(octets, find)
    assert (told["carries"], told["problems"]) == ("RequestWANMatrix", [])
    assert told["error"]["code"] == "HOTA-DUIS-020"
    assert field(told, "Header/ServiceReference")["meaning"] is None
    assert len(told["fields"]) == 7


@pytest.mark.parametrize("octets", [b"", b"<", b"<!DOCTYPE a><a/>", b"\xff\xfe<\x00a\x00/\x00>\x00"])
def test_what_is_no_xml_is_told_by_its_error(octets):
    told = describe(octets, find)
    assert told["error"]["code"].startswith("HOTA-DUIS-00")
    assert (told["kind"], told["fields"], told["signature"]) == (None, [], None)


@pytest.mark.parametrize("octets", [b"<a/>", b"<a><b/></a>"])
def test_other_xml_is_told_to_be_no_message(octets):
    told = describe(octets, find)
    assert (told["kind"], told["carries"], told["fields"]) == ("a", None, [])
    assert told["error"]["code"] == "HOTA-DUIS-010"


def test_no_more_fields_are_told_than_the_largest_message_has():
    octets = write_request(request()).replace(b"<sr:Body>", b"<sr:x/>" * 2 * FIELDS_MAX + b"<sr:Body>")
    assert len(describe(octets, find)["fields"]) == FIELDS_MAX


@given(
    requests.map(write_request) | responses.map(write_response), st.integers(0, 3), st.randoms(use_true_random=False)
)
def test_any_document_is_described_never_refused(octets, changes, rng):
    for _ in range(changes):
        try:
            octets = mangled(octets, rng)
        except etree.XMLSyntaxError:
            break
    told = describe(octets, find, explain_gbcs=len)
    assert set(told) == KEYS
    assert json.loads(json.dumps(told)) == told


@given(responses)
def test_every_field_that_hanota_writes_has_its_words(value):
    told = describe(write_response(value), find)
    assert {row["path"].rpartition("/")[2].partition("[")[0] for row in told["fields"]} <= {
        *WORDS,
        # empty by the writer's choice, not by their nature
        *("DSPUpdateFirmwareWarning", "DSPUpdatePPMIDFirmwareWarning", "UpdateDeviceDetails"),
    }
    assert told["error"] is None


@pytest.mark.parametrize("text", ["", "x", "0", "99", "1234", "10"])
def test_a_command_variant_that_there_is_not_means_nothing(text):
    octets = write_request(request()).replace(b"Variant>8<", f"Variant>{text}<".encode())
    assert field(describe(octets, find), "Header/CommandVariant")["meaning"] is None
