"""What is no DUIS is refused, each for its own reason. `tests/hostile` measures the time and memory that it takes."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from hanota.base.errors import Fault, HanotaError
from hanota.base.limits import REQUEST_OCTETS_MAX
from hanota.wire.duis import (
    DuisMalformed,
    check_schema,
    parse_safely,
    read_header,
    read_request,
    require_schema,
    require_signature,
    require_supported,
    sign,
    verify,
    write_request,
)
from hanota.wire.duis.errors import (
    CommentInText,
    DoctypeRefused,
    DocumentTooLarge,
    EncodingRefused,
    InstructionRefused,
    TextTooLong,
    TooMuchMarkup,
)
from hanota.wire.duis.xml import TEXT_OCTETS_MAX, canonical, parse_beginning
from helpers.shared import shared
from unit.wire.duis.people import SIGNER, find, request

SECONDS_MAX = 2.0
BOMB = b"<!DOCTYPE a [<!ENTITY x 'xxxxxxxxxx'>" + b"".join(
    f"<!ENTITY x{n} '{f'&x{n - 1};' * 10}'>".encode() for n in range(1, 10)
)
XINCLUDE = b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" parse="text"/></a>'

REFUSED = {
    "nothing": (b"", DuisMalformed),
    "no XML": (b"firmware", DuisMalformed),
    "cut short": (write_request(request())[:-3], DuisMalformed),
    "two roots": (b"<a/><b/>", DuisMalformed),
    "text after the root": (b"<a/>b", DuisMalformed),
    "prefix without namespace": (b"<sr:Request/>", DuisMalformed),
    "attribute twice": (b"<a x='1' x='1'/>", DuisMalformed),
    "control character": (b"<a>\x01</a>", DuisMalformed),
    "control character by number": (b"<a>&#1;</a>", DuisMalformed),
    "entity that nobody declared": (b"<a>&xxe;</a>", DuisMalformed),
    "entity expansion": (BOMB + b"]><a>&x9;</a>", DoctypeRefused),
    "entity expansion in an attribute": (BOMB + b"]><a b='&x9;'/>", DoctypeRefused),
    "external entity": (b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", DoctypeRefused),
    "external entity with a parameter": (b"<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://h/'> %x;]><a/>", DoctypeRefused),
    "external DTD": (b"<!DOCTYPE a SYSTEM 'http://localhost:1/a.dtd'><a/>", DoctypeRefused),
    "empty DOCTYPE": (b"<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE a><a/>", DoctypeRefused),
    "DOCTYPE within": (b"<a><!DOCTYPE a></a>", DoctypeRefused),
    "deep nesting": (b"<a>" * 5_000 + b"</a>" * 5_000, DuisMalformed),
    "a million elements": (b"<a>" + b"<b/>" * 1_000_000 + b"</a>", TooMuchMarkup),
    "200,000 attributes": (b"<a " + b" ".join(b"a%d=''" % n for n in range(200_000)) + b"/>", TooMuchMarkup),
    "200,000 namespaces": (b"<a " + b" ".join(b"xmlns:a%d='b'" % n for n in range(200_000)) + b"/>", TooMuchMarkup),
    "huge attribute": (b"<a b='" + b"x" * (TEXT_OCTETS_MAX + 1) + b"'/>", TextTooLong),
    "large attribute": (b"<a b='" + b"x" * (TEXT_OCTETS_MAX - 100) + b"'/>", None),
    "huge text": (b"<a>" + b"x" * (TEXT_OCTETS_MAX + 1) + b"</a>", TextTooLong),
    "huge text in pieces": (
        b"<a>" + b"<![CDATA[" + b"x" * 6_000_000 + b"]]><![CDATA[" + b"x" * 6_000_000 + b"]]></a>",
        TextTooLong,
    ),
    "large text": (b"<a>" + b"x" * (TEXT_OCTETS_MAX - 100) + b"</a>", None),
    "huge element name": (b"<" + b"x" * 5_000_000 + b"/>", DuisMalformed),
    "large schema version": (b"<Request schemaVersion='5." + b"4" * 9_000_000 + b"'/>", None),
    "huge comment": (b"<a><!--" + b"x" * 14_000_000 + b"--></a>", TextTooLong),
    "large comment": (b"<a><!--" + b"x" * 9_000_000 + b"--></a>", None),
    "huge white space": (b"<a/>" + b" " * 14_000_000, TextTooLong),
    "comment within a text": (b"<a>b<!-- -->c</a>", CommentInText),
    "comment before a text": (b"<a> <!-- --> c</a>", CommentInText),
    "comment after a text": (b"<a>b <!-- --> </a>", CommentInText),
    "comments within a text": (b"<a>b<!-- --><!-- -->c</a>", CommentInText),
    "comment beside a CDATA section": (b"<a><!-- --><![CDATA[b]]></a>", CommentInText),
    "comment after a CDATA section": (b"<a><![CDATA[b]]><!-- --></a>", CommentInText),
    "comment that another hides": (b"<a><![CDATA[><!--]]>b<!-- -->c</a>", CommentInText),
    "too large": (b"<a>" + b"x" * REQUEST_OCTETS_MAX + b"</a>", DocumentTooLarge),
    "UTF-16 with mark": ("\ufeff<a/>".encode("utf-16-le"), EncodingRefused),
    "UTF-16 big-endian with mark": ("\ufeff<a/>".encode("utf-16-be"), EncodingRefused),
    "UTF-16 without mark": ("<a/>".encode("utf-16-le"), EncodingRefused),
    "UTF-16 big-endian without mark": ("<a/>".encode("utf-16-be"), EncodingRefused),
    "UTF-32": ("<a/>".encode("utf-32-be"), EncodingRefused),
    "EBCDIC": ('<?xml version="1.0"?><a/>'.encode("cp500"), DuisMalformed),
    "UTF-7 declared": (b"<?xml version='1.0' encoding='UTF-7'?><a>+ADw-</a>", EncodingRefused),
    "Latin-1 declared": (b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>\xe9</a>", EncodingRefused),
    "Latin-1 not declared": (b"<a>\xe9</a>", DuisMalformed),
    "overlong UTF-8": (b"<a>\xc0\xbc</a>", DuisMalformed),
    "surrogate in UTF-8": (b"<a>\xed\xa0\x80</a>", DuisMalformed),
    "processing instruction": (b"<a><?php x?></a>", InstructionRefused),
    "instruction before the root": (b"<?xml-stylesheet href='x'?><a/>", InstructionRefused),
    "instruction after the root": (b"<a/><?x y?>", InstructionRefused),
    "inclusion": (XINCLUDE, None),
    "same id twice": (b'<a xmlns:b="urn:c"><b:d xml:id="x"/><b:d xml:id="x"/></a>', None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_duis_is_refused(name):
    """What is well-formed is refused by the schema, and also by the signature check if it came first."""
    octets, error = REFUSED[name]
    if error is not None:
        with pytest.raises(error) as caught:
            parse_safely(octets)
        assert len(str(caught.value)) < 1_000
    else:
        root = parse_safely(octets)
        problems = check_schema(root)
        assert problems
        assert all(len(str(problem)) < 1_000 for problem in problems)
        assert not verify(root, find)
        assert canonical(root)


def intake(octets):
    """Take a document through every step of intake."""
    root = parse_safely(octets)
    require_supported(root)
    require_schema(root)
    return read_request(parse_safely(require_signature(verify(root, find))))


SIGNED = sign(write_request(request()), SIGNER)


@settings(max_examples=500)
@given(st.binary(max_size=200) | st.text(alphabet="<>/?!&;='\"ax: \n[]-", max_size=60).map(str.encode))
def test_any_octets_are_refused_by_an_error_of_ours(octets):
    with pytest.raises(HanotaError) as caught:
        intake(octets)
    assert caught.value.code.startswith("HOTA-DUIS")


@settings(max_examples=500)
@given(st.integers(0, len(SIGNED)), st.integers(0, 40), st.binary(max_size=6) | st.sampled_from([b"<a/>", b"<!-- -->"]))
def test_a_spoilt_request_is_refused_or_read_as_it_was_signed(start, length, instead):
    try:
        assert intake(SIGNED[:start] + instead + SIGNED[start + length :]) == request()
    except HanotaError as refused:
        assert refused.fault is Fault.REQUESTER  # noqa: PT017 - either outcome is right


def test_no_file_is_read_for_the_industrys_example_of_an_external_entity():
    octets = (shared() / "duis" / "responses" / "signing-tool" / "duis-xxe.xml").read_bytes()
    with pytest.raises(DoctypeRefused) as caught:
        parse_safely(octets)
    assert "octet 55" in str(caught.value)


def test_as_much_markup_as_is_let_through_takes_little_time_in_every_step():
    attributes = b"<a " + b" ".join(b"b%d=''" % n for n in range(3_999)) + b"/>"
    elements = b"<a>" + b"<b></b>" * 9_998 + b"</a>"
    for octets in (attributes, elements):
        start = time.perf_counter()
        root = parse_safely(octets)
        assert check_schema(root)
        assert not verify(root, find)
        canonical(root)
        assert time.perf_counter() - start < SECONDS_MAX


@pytest.mark.parametrize(
    "octets",
    [
        b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><a/>",
        b"<?xml version='1.0'?><a/>",
        b"<?xml version='1.0' standalone='yes'?><a/>",
        b"<?xml version='1.0' encoding='Utf-8' standalone='no'?>\n<a/>",
        b"<!-- encoding='ISO-8859-1' --><a/>",
    ],
)
def test_utf_8_is_read_with_and_without_mark_and_declaration(octets):
    assert canonical(parse_safely(octets)) == b"<a></a>"


def test_white_space_between_elements_and_comments_are_gone_after_parsing():
    root = parse_safely(
        b"<!-- b --><a>\n  <!-- c --> <!-- d --><b> </b>\r\n\t<c>f<![CDATA[ <g> ]]></c>\n</a><!-- h -->"
    )
    assert canonical(root) == b"<a><b> </b><c>f &lt;g&gt; </c></a>"


def test_text_keeps_its_white_space():
    assert parse_safely(b"<a> b\n</a>").text == " b\n"


def test_errors_say_where_and_what_to_do():
    with pytest.raises(HanotaError) as caught:
        parse_safely(b"<a>\n<b></a>")
    told = caught.value.as_dict()
    assert told["code"] == "HOTA-DUIS-001"
    assert told["fault"] == "requester"
    assert "line 2" in str(told["message"])


IMAGE = write_request(request(image=b"-")).replace(b">LQ==<", b">" + b"A" * 13_000_000 + b"<")


def test_a_text_beyond_libxml2s_limit_is_told_with_its_place_and_size():
    with pytest.raises(TextTooLong) as caught:
        parse_safely(IMAGE)
    assert isinstance(caught.value, DocumentTooLarge)
    place = IMAGE.index(b"<sr:FirmwareImage")
    assert "13000000 octets, in sr:FirmwareImage" in caught.value.explain()
    assert (caught.value.offset, caught.value.facts["octets_max"]) == (place, TEXT_OCTETS_MAX)


@pytest.mark.parametrize(("octets", "fits"), [(TEXT_OCTETS_MAX, True), (TEXT_OCTETS_MAX + 1, False)])
def test_our_limit_for_a_text_is_libxml2s(octets, fits):
    document = b"<a>" + b"x" * octets + b"</a>"
    parser = etree.XMLParser()
    if fits:
        assert parse_safely(document).text == etree.fromstring(document, parser).text
        return
    with pytest.raises(TextTooLong):
        parse_safely(document)
    with pytest.raises(etree.XMLSyntaxError, match="Text node too long"):
        etree.fromstring(document, parser)


def test_the_header_before_a_text_that_is_too_long_can_be_read():
    beginning = parse_beginning(IMAGE, IMAGE.index(b"<sr:FirmwareImage"))
    assert read_header(beginning) == request().header


@pytest.mark.parametrize("octets", [b"", b"x", b"<", b"</a>", b"\xff", b"<?xml", b" "])
def test_no_element_begins_where_there_is_none(octets):
    assert parse_beginning(octets + b"<a/>", len(octets)) is None


@given(st.binary(max_size=60) | st.text(alphabet="<>/?!&;='\"ax: \n[]-", max_size=60).map(str.encode))
def test_any_beginning_is_read_or_refused_by_an_error_of_ours(octets):
    try:
        parse_beginning(octets, len(octets))
    except DuisMalformed as refused:
        assert refused.fault is Fault.REQUESTER  # noqa: PT017 - either outcome is right
