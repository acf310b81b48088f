"""Our schema against the official one: what passes ours passes theirs; what theirs alone lets pass has a reason."""

import random
import re

import pytest
from lxml import etree

from hanota.base.eui import Eui64
from hanota.base.limits import DEVICE_LIST_CHARS_MAX, IMAGE_OCTETS_MAX_SCHEMA
from hanota.wire.duis import (
    DuisMalformed,
    SchemaInvalid,
    UnsupportedRequest,
    UnsupportedResponse,
    check_schema,
    join_devices,
    parse_safely,
    read_request,
    read_response,
    require_schema,
    require_supported,
    write_request,
)
from hanota.wire.duis.elements import SR
from hanota.wire.duis.schema import PROBLEMS_MAX
from helpers.shared import shared
from unit.wire.duis.official import officially_valid
from unit.wire.duis.people import request

# What the official schema lets pass of our messages and we refuse: words in our problem, and why.
STRICTER = {
    "'schemaVersion'": "we read 5.1 … 5.4, the official schema any decimal number",
    "'ResponseDateTime'": "a time needs a zone and a year of four digits to be an instant",
    "'TimeStamp'": "as ResponseDateTime",
    "'Timestamp'": "as ResponseDateTime",
    "'AlertCode'": "alert codes have two octets (GBCS 16), the official schema counts none",
    "'DeviceAlertCode'": "as AlertCode",
    "is no base64 there": "libxml2 skips foreign characters in base64; XML Schema and we don't",
}


def documents():
    """Give every reference document of a kind that hanota speaks."""
    for path in sorted((shared() / "duis").rglob("*")):
        if path.suffix.lower() == ".xml":
            octets = path.read_bytes()
            try:
                root = parse_safely(octets)
                require_supported(root) if root.tag.endswith("}Request") else read_response(root)
            except (DuisMalformed, UnsupportedRequest, UnsupportedResponse):
                continue
            yield path.name, octets


def verdicts(octets):
    """Judge by both schemas; ours sees the document as intake does, theirs as it is."""
    ours = check_schema(parse_safely(octets))
    theirs = officially_valid(etree.fromstring(octets, etree.XMLParser(huge_tree=True)))
    return ours, theirs


def agree(octets):
    """Say whether both judge alike, or we are stricter for a reason told above."""
    ours, theirs = verdicts(octets)
    if not ours:
        return theirs
    return not theirs or all(any(words in problem.message for words in STRICTER) for problem in ours)


def test_every_reference_document_of_ours_is_valid_by_both():
    names = []
    for name, octets in documents():
        assert verdicts(octets) == ((), True), name
        names.append(name)
    assert len(names) >= 19


TEXTS = (
    *("", " ", "0", "1", "x", "-1", "+8", "8", "08", " 8 ", "9", "10", "1.0", "true", "TRUE", " false\n", "é", "&amp;"),
    *("I0", " I0 ", "E6", "E110104", "E110106", "W110101", "E1012", "N32", "N65", "N66", "AD1", "N999", "N01"),
    *("11.1", "11.4", "11.5", "11.10", "6.2.6", "6.2.10", "8.10", "8.14.2", "14.1", "4.4.1", "4.9"),
    *("5.4", "5.5", "PPMID", "ppmid", "XYZ", "Success", "FileTransferFailure", "ActivationSuccess"),
    *("12345678", "123456789", "1234567\n", "        ", "𝔸𝔸𝔸𝔸𝔸𝔸𝔸𝔸"),
    *("8F8A", "8f8a", "8F8", "8F8A00", " 8F8A "),
    *("4294967295", "4294967296", "1000000000000", "1000000000001"),
    *("2026-01-15T09:00:00Z", "2026-01-15T09:00:00", "2026-01-15T24:00:00Z", "2026-02-30T00:00:00Z"),
    *("2026-01-15T09:00:00.123456789+01:00", "10000-01-15T09:00:00Z", "-0001-01-15T09:00:00Z", "0000-01-01T00:00:00Z"),
    *("2026-01-15T09:60:00Z", "2026-01-15T09:00:00+15:00", "2026-01-15T09:00:00+14:00 \n", "2026-1-15T09:00:00Z"),
    *("00-DB-12-34-56-78-90-A4", "00-db-12-34-56-78-90-a4", " 00-DB-12-34-56-78-90-A4 ", "00-DB-12-34-56-78-90"),
    *("00-DB-12-34-56-78-90-A4,00-DB-12-34-56-78-90-A5", "00-DB-12-34-56-78-90-A4,", "00-DB-12-34-56-78-90-AG"),
    *("00-DB-12-34-56-78-90-A4, 00-DB-12-34-56-78-90-A5", "00-DB-12-34-56-78-90-A4\n", "00-DB-12-34-56-78-90-Aé"),
    *(
        "A",
        "AA==",
        "AB==",
        "AAA=",
        "AAB=",
        "AAAA",
        " A A\tA\nA ",
        "AAAA=",
        "====",
        "AA=A",
        "=AAA",
        "AA = =",
        "AA-_",
        "A===",
    ),
    *(
        f"00-DB-12-34-56-78-90-A4:00-DB-12-34-56-78-90-A5:{counter}"
        for counter in ("0", "00", "01", "-1", "", "18446744073709551615", "18446744073709551616", " 1", "1 ", "٣")
    ),
)


def test_both_agree_on_every_odd_text_in_every_place():
    bases = {octets[octets.find(b"<sr:Body>") :]: octets for name, octets in documents() if "Signature" not in name}
    for octets in bases.values():
        for match in re.finditer(rb">([^<>]+)</sr:", octets):
            for text in TEXTS:
                changed = octets[: match.start(1)] + text.encode() + octets[match.end(1) :]
                assert agree(changed), changed.decode()


def test_white_space_before_a_time_is_valid_though_libxml2_says_otherwise_by_the_official_schema():
    # whiteSpace is collapse for xs:dateTime; libxml2 collapses only where the type has a pattern, as ours has.
    octets = (shared() / "duis" / "made" / "error_E5_11.3.xml").read_bytes()
    ours, theirs = verdicts(octets.replace(b"<sr:ResponseDateTime>", b"<sr:ResponseDateTime> "))
    assert (ours, theirs) == ((), False)


def reason(read, root):
    """Say why a document that passes the schema is not read, if it isn't."""
    try:
        read(root)
    except (UnsupportedRequest, UnsupportedResponse, SchemaInvalid) as refused:
        return str(refused)
    return None


def test_what_passes_our_schema_is_read():
    for _name, octets in documents():
        for match in re.finditer(rb">([^<>]+)</sr:", octets):
            for text in TEXTS:
                root = parse_safely(octets[: match.start(1)] + text.encode() + octets[match.end(1) :])
                if check_schema(root):
                    continue
                told = reason(read_request if root.tag.endswith("}Request") else read_response, root)
                assert told is None or "carries" in told or "no meaning" in told or "not served" in told


def mangled(octets, rng):
    """Change a document as a careless or a hostile sender might: structure, names, or plain octets."""
    root = etree.fromstring(octets)
    elements = [e for e in root.iter(f"{{{SR}}}*") if e is not root]
    victim, other = rng.choice(elements), rng.choice(elements)
    match rng.randrange(7):
        case 0:
            victim.getparent().remove(victim)
        case 1:
            victim.addnext(etree.fromstring(etree.tostring(victim)))
        case 2:
            victim.addprevious(etree.fromstring(etree.tostring(other)))
        case 3:
            victim.set("x", "1")
        case 4:
            victim.tag = other.tag
        case 5:
            victim.tag = victim.tag.rpartition("}")[2]
        case _:
            spoilt = bytearray(octets)
            for _ in range(rng.randint(1, 3)):
                spoilt[rng.randrange(len(spoilt))] = rng.choice(b'<>/&" 0aA:-,.=\n\xff')
            return bytes(spoilt)
    return etree.tostring(root)


def test_both_agree_on_mangled_documents():
    rng = random.Random(20260115)
    bases = [octets for _, octets in documents() if b"Signature" not in octets]
    judged = 0
    while judged < 2000:
        octets = mangled(rng.choice(bases), rng)
        try:
            assert agree(octets), octets.decode()
        except DuisMalformed:
            continue
        judged += 1


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
    document = write_request(request(image=b"-"))
    text = request(image=bytes(octets))
    with_image = document.replace(b">LQ==<", b">" + b"A" * (octets // 3 * 4) + (b"AA==", b"")[not octets % 3] + b"<")
    if octets % 3 == 2:
        with_image = with_image.replace(b"AA==<", b"AAA=<")
    ours, theirs = verdicts(with_image)
    assert (not ours, theirs) == (fits, fits)
    if fits:
        assert read_request(parse_safely(with_image)) == text


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
