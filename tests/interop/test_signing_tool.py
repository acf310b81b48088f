"""The industry's signing tool and hanota accept each other's signatures; the tool knows DUIS 5.1."""

import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import parse_iso
from hanota.base.limits import DEVICES_PER_REQUEST_MAX, IMAGE_OCTETS_MAX_BUSINESS
from hanota.base.vocabulary.duis import ResponseCode
from hanota.wire.duis import (
    FirmwareRequest,
    ReadInventory,
    Request,
    RequestHeader,
    Response,
    ResponseMessage,
    check_schema,
    join_devices,
    parse_safely,
    read_request,
    require_signature,
    sign,
    verify,
    write_request,
    write_response,
)
from hanota.wire.smki import Certificate, Credential
from helpers.interop import (
    DCC_SIGNER,
    XML_SIGNER,
    sign_by_tool,
    tool_certificate,
    tool_file,
    validate_by_tool,
)
from helpers.shared import shared
from unit.wire.duis.people import SIGNER

SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
DCC = Eui64.parse("90-B3-D5-1F-30-00-00-02")
PPMID = Eui64.parse("00-DB-12-34-56-78-90-A4")
NOW = parse_iso("2026-01-15T09:00:00Z")
TOOLS_VERSION = "5.1"
XSD_OR_SIGNATURE, SUCCESS = 10, 0


def header(srv: str) -> RequestHeader:
    return RequestHeader(
        request_id=RequestId(SUPPLIER, DCC, 1000),
        command_variant=8,
        service_reference=srv,
        service_reference_variant=srv,
        schema_version=TOOLS_VERSION,
    )


def firmware(octets: int, devices: int) -> FirmwareRequest:
    return FirmwareRequest(
        header=header("11.4"),
        image=random.Random(octets).randbytes(octets),
        firmware_version="0002012F",
        device_list=join_devices(Eui64(PPMID.value + number) for number in range(devices)),
    )


REQUESTS: dict[str, Request] = {
    "8.2, small": ReadInventory(header=header("8.2"), device=PPMID),
    "11.4, small": firmware(300, 1),
    "11.4, largest": firmware(IMAGE_OCTETS_MAX_BUSINESS, DEVICES_PER_REQUEST_MAX),
}
by_request = pytest.mark.parametrize("name", REQUESTS)


def credential(name: str) -> Credential:
    """A signer of the tool's, with the private key that is in the tool."""
    key = load_der_private_key(tool_file(f"{name}.key"), password=None)
    return Credential(tool_certificate(name), key)


def finder(*certificates: Certificate):
    known = {(one.issuer, one.serial): one for one in certificates}
    return lambda issuer, serial: known.get((issuer, serial))


def answer() -> bytes:
    body = ResponseMessage(service_reference="11.4", service_reference_variant="11.4")
    request_id = RequestId(SUPPLIER, DCC, 1000)
    return write_response(
        Response(request_id=request_id, code=ResponseCode.I0, at=NOW, body=body, schema_version=TOOLS_VERSION)
    )


@by_request
def test_the_tool_accepts_a_request_that_we_sign_with_the_suppliers_test_key(name: str) -> None:
    signed = sign(write_request(REQUESTS[name]), credential(XML_SIGNER))
    done = validate_by_tool(signed)
    assert done.returncode == SUCCESS, done.stderr
    report = verify(parse_safely(signed), finder(tool_certificate(XML_SIGNER)))
    assert done.stdout.strip() == require_signature(report), "both digest the same octets"


def test_the_tool_accepts_a_request_that_we_sign_with_a_key_of_our_own(tmp_path: Path) -> None:
    certificate = tmp_path / "signer.der"
    certificate.write_bytes(SIGNER.certificate.der)
    signed = sign(write_request(REQUESTS["11.4, small"]), SIGNER)
    assert validate_by_tool(signed, certificate).returncode == SUCCESS
    spoilt = signed.replace(b"-90-A4</", b"-90-A5</")
    assert spoilt != signed
    assert validate_by_tool(spoilt, certificate).returncode == XSD_OR_SIGNATURE


def test_the_tool_accepts_an_answer_that_we_sign_with_the_dccs_test_key() -> None:
    signed = sign(answer(), credential(DCC_SIGNER))
    assert b"<ds:Signature" in signed
    assert validate_by_tool(signed).returncode == SUCCESS
    assert validate_by_tool(signed.replace(b">I0<", b">I99<")).returncode == XSD_OR_SIGNATURE


@by_request
def test_we_accept_a_request_that_the_tool_signs(name: str) -> None:
    done = sign_by_tool(write_request(REQUESTS[name]))
    assert done.returncode == SUCCESS, done.stderr
    root = parse_safely(done.stdout)
    assert not check_schema(root)
    report = verify(root, finder(tool_certificate(XML_SIGNER)))
    assert report, report.problems
    assert read_request(parse_safely(require_signature(report))) == REQUESTS[name]


def test_we_accept_the_industrys_example_as_the_tool_signs_it_though_it_is_indented_with_comments() -> None:
    (file,) = (shared() / "duis" / "templates").glob("8.2_*")
    plain = file.read_bytes()
    assert b"\n" in plain
    done = sign_by_tool(plain)
    assert done.returncode == SUCCESS, done.stderr
    assert verify(parse_safely(done.stdout), finder(tool_certificate(XML_SIGNER)))


def test_neither_accepts_a_document_that_was_changed_after_the_tool_signed_it() -> None:
    spoilt = sign_by_tool(write_request(REQUESTS["8.2, small"])).stdout.replace(b"-90-A4<", b"-90-A5<")
    assert validate_by_tool(spoilt).returncode == XSD_OR_SIGNATURE
    assert not verify(parse_safely(spoilt), finder(tool_certificate(XML_SIGNER)))


def test_the_tool_too_takes_our_documents_indented_afterwards() -> None:
    signed = sign(write_request(REQUESTS["11.4, small"]), credential(XML_SIGNER))
    indented = signed.replace(b"><sr:", b">\n  <sr:")
    assert validate_by_tool(indented).returncode == SUCCESS
    assert verify(parse_safely(indented), finder(tool_certificate(XML_SIGNER)))
