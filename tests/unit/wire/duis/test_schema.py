"""The check by our schema: limits, and how problems are told. Its agreement with the official one: test_agreement."""

from base64 import b64encode

import pytest
from lxml import etree

from hanota.base.eui import Eui64
from hanota.base.limits import DEVICE_LIST_CHARS_MAX, IMAGE_OCTETS_MAX_SCHEMA
from hanota.wire.duis import (
    SchemaInvalid,
    check_schema,
    join_devices,
    longtext,
    parse_safely,
    require_schema,
    write_request,
)
from hanota.wire.duis.errors import TextTooLong
from hanota.wire.duis.schema import PROBLEMS_MAX
from unit.wire.duis.official import officially_valid
from unit.wire.duis.people import request


def verdicts(octets):
    """Judge by both schemas; ours sees the document as intake does, theirs as it is."""
    ours = check_schema(parse_safely(octets))
    return ours, officially_valid(etree.fromstring(octets, etree.XMLParser(huge_tree=True)))


def devices(count):
    return join_devices(Eui64(0x00DB_1234_0000_0000 + number) for number in range(count))


def test_50_000_devices_pass_both_and_50_001_neither():
    octets = write_request(request(device_list=devices(50_000)))
    assert verdicts(octets) == ((), True)
    one_more = octets.replace(b"</sr:DeviceIDList>", b",00-DB-12-34-56-78-90-A4</sr:DeviceIDList>")
    ours, theirs = verdicts(one_more)
    assert not theirs
    assert "50,000 devices" in ours[0].message
    assert str(DEVICE_LIST_CHARS_MAX) in ours[0].message


@pytest.mark.parametrize(("octets", "fits"), [(IMAGE_OCTETS_MAX_SCHEMA, True), (IMAGE_OCTETS_MAX_SCHEMA + 1, False)])
def test_an_image_may_have_10_240_000_octets_by_both(octets, fits):
    """By libxml2's limit, which stays in force, none of more than 7.5 MB comes as far as a schema."""
    text = b64encode(bytes(octets)).decode()
    document = write_request(request(image=b"-")).replace(b">LQ==<", b">" + text.encode() + b"<")
    assert (longtext.image(text) is None) is fits
    assert officially_valid(etree.fromstring(document, etree.XMLParser(huge_tree=True))) is fits
    with pytest.raises(TextTooLong):
        parse_safely(document)


def test_a_problem_names_line_path_and_what_was_expected():
    pretty = etree.tostring(etree.fromstring(write_request(request(firmware_version="1"))), pretty_print=True)
    spoilt = pretty.replace(b">1</sr:FirmwareVersion>", b">123456789</sr:FirmwareVersion>").replace(b"-A4<", b"-A<")
    problems = check_schema(parse_safely(spoilt))
    assert [(p.line, p.path.rpartition(":")[2]) for p in problems] == [(11, "FirmwareVersion"), (12, "DeviceIDList")]
    assert "maxLength" in problems[0].message
    with pytest.raises(SchemaInvalid) as caught:
        require_schema(parse_safely(spoilt))
    assert caught.value.problems == problems
    assert "2 places, first at line 11" in str(caught.value)


def test_the_place_of_a_wrong_character_in_a_device_list_is_told():
    octets = write_request(request(device_list=devices(3)))
    (problem,) = check_schema(parse_safely(octets.replace(b",", b";", 1)))
    assert problem.message.startswith("character 24 is ';'")


def test_at_most_so_many_problems_are_told():
    alien = b"<sr:x/>" * 500
    octets = write_request(request()).replace(b"<sr:Header>", alien + b"<sr:Header>")
    assert len(check_schema(parse_safely(octets))) <= PROBLEMS_MAX


def test_problems_of_two_threads_do_not_mix():
    from concurrent.futures import ThreadPoolExecutor

    good = write_request(request())
    bad = good.replace(b"<sr:CommandVariant>8", b"<sr:CommandVariant>0")
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda octets: len(check_schema(parse_safely(octets))), [good, bad] * 200))
    assert set(counts[::2]) == {0}
    assert set(counts[1::2]) == {1}
