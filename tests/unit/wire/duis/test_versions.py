"""Versions 5.1 to 5.4: each document keeps to what its version has; what is written in 5.1 is valid by schema 5.1."""

from dataclasses import replace

import pytest
from hypothesis import given

from hanota.base.instant import parse_iso
from hanota.base.vocabulary.devices import CspRegion, DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.wire.duis import (
    Inventory,
    InventoryDevice,
    Response,
    ResponseMessage,
    SchemaInvalid,
    check_schema,
    parse_safely,
    read_request,
    read_response,
    require_schema,
    write_request,
    write_response,
)
from hanota.wire.duis.versions import plain
from unit.wire.duis.official import official_schema_5_1
from unit.wire.duis.people import PPMID, request
from unit.wire.duis.strategies import latest_responses, requests

HUB = InventoryDevice(
    device=PPMID,
    device_type=DeviceType.CHF,
    manufacturer="121D",
    model="00001111",
    csp_region=CspRegion.CENTRAL_4G,
    connectivity="Virtual",
)


def inventory(version, code=ResponseCode.I0):
    body = ResponseMessage(service_reference="8.2", service_reference_variant="8.2", content=Inventory(devices=(HUB,)))
    return Response(code=code, at=parse_iso("2026-01-15T09:00:00Z"), body=body, schema_version=version)


@given(latest_responses)
def test_every_response_written_in_5_1_is_valid_by_the_official_schema_5_1(value):
    root = parse_safely(write_response(replace(value, schema_version="5.1")))
    assert official_schema_5_1().validate(root), official_schema_5_1().error_log


@given(requests)
def test_every_request_written_in_5_1_is_valid_by_the_official_schema_5_1(value):
    root = parse_safely(write_request(replace(value, header=replace(value.header, schema_version="5.1"))))
    assert official_schema_5_1().validate(root), official_schema_5_1().error_log


@pytest.mark.parametrize(
    ("version", "region", "connectivity"),
    [("5.1", "Unknown", None), ("5.2", "Unknown", None), ("5.3", "4G Central", None), ("5.4", "4G Central", "Virtual")],
)
def test_an_inventory_is_told_as_far_as_the_version_has_words_for_it(version, region, connectivity):
    (device,) = read_response(parse_safely(write_response(inventory(version)))).body.content.devices
    assert (device.csp_region, device.connectivity) == (region, connectivity)


@pytest.mark.parametrize(
    ("version", "code"), [("5.1", "E110102"), ("5.2", "E110102"), ("5.3", "E110106"), ("5.4", "E110106")]
)
def test_a_code_that_came_later_is_told_by_the_nearest_earlier_one(version, code):
    answer = replace(
        inventory(version, ResponseCode.E110106),
        body=ResponseMessage(service_reference="11.1", service_reference_variant="11.1"),
    )
    assert read_response(parse_safely(write_response(answer))).code == code


@pytest.mark.parametrize("code", ["E120103", "E081406", "E050111", "E050112"])
def test_a_code_that_nothing_earlier_stands_for_is_not_written(code):
    with pytest.raises(SchemaInvalid, match=rf"ResponseCode '{code}' came with DUIS 5\.3, the document is 5\.2"):
        write_response(inventory("5.2", ResponseCode(code)))
    assert code.encode() in write_response(inventory("5.3", ResponseCode(code)))


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (b"5.1", ["ResponseCode 'E110106' came", "CSPRegion '4G Central' came", "Connectivity came with DUIS 5.4"]),
        (b"5.3", ["Connectivity came with DUIS 5.4, the document is 5.3"]),
        (b"5.30", ["Connectivity came with DUIS 5.4, the document is 5.3"]),
        (b"5.4", []),
    ],
)
def test_a_document_that_uses_what_its_version_lacks_is_refused_place_by_place(version, told):
    octets = write_response(inventory("5.4", ResponseCode.E110106))
    problems = check_schema(parse_safely(octets.replace(b'"5.4"', b'"' + version + b'"')))
    assert len(problems) == len(told)
    assert all(words in str(problem) for words, problem in zip(told, problems, strict=True))


@pytest.mark.parametrize("version", ["5.0", "5.5", "6.0", "4.4", "5", "", "x", None])
def test_other_versions_are_refused(version):
    octets = write_request(request())
    spoilt = octets.replace(b' schemaVersion="5.4"', b"" if version is None else f' schemaVersion="{version}"'.encode())
    with pytest.raises(SchemaInvalid, match="schemaVersion"):
        require_schema(parse_safely(spoilt))


@pytest.mark.parametrize("text", ["5.3", "5.30", "05.3", " 5.3 ", "+5.3"])
def test_a_version_is_a_number_and_is_read_in_its_one_form(text):
    octets = write_request(request()).replace(b'"5.4"', f'"{text}"'.encode())
    root = parse_safely(octets)
    require_schema(root)
    assert read_request(root).header.schema_version == "5.3"


@pytest.mark.parametrize("text", ["", "5", "6.0", "five", "5.4.0", "-5.4"])
def test_any_other_version_stays_as_it_is(text):
    assert plain(text) == text
