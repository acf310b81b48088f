"""Layouts: what their refusals say, and what a description may not be. The codec laws are in tests/laws."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import pytest

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.openenum import OpenIntEnum
from hanota.wire.layout import (
    BIG,
    LITTLE,
    U8,
    U16,
    U32,
    Eui64Field,
    Octets8,
    Octets32,
    RequestIdField,
    RestOctets,
    Time64,
    ValueShort,
    ValueUnwritable,
    ValueWrong,
    bit,
    constant8,
    constant16,
    enum8,
    fixed,
    key8,
    key16,
    layout,
    level,
    size16,
    status,
    text8,
)


class Colour(OpenIntEnum):
    RED = 1


@dataclass(frozen=True, slots=True)
class Everything:
    number: U16
    colour: Annotated[Colour, enum8(Colour)]
    node: Eui64Field
    request: RequestIdField
    sent: Time64
    key: Annotated[bytes, fixed(4)]
    name: Annotated[str, text8(str)]
    short: Octets8
    long: Octets32
    rest: RestOctets


@dataclass(frozen=True, slots=True)
class Optional:
    always: U8
    first: Annotated[U16 | None, bit(0)] = None
    pair_low: Annotated[U8 | None, bit(2)] = None
    pair_high: Annotated[U8 | None, bit(2)] = None


@dataclass(frozen=True, slots=True)
class Levelled:
    one: Annotated[U8 | None, level(1)] = None
    two: Annotated[U8 | None, level(2)] = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: U8
    found: Annotated[U16 | None, status(0)] = None
    after_s: Annotated[U32 | None, status(7)] = None


EVERYTHING = layout(Everything, BIG, (constant8("kind", 5),))
OPTIONAL = layout(Optional, LITTLE, (constant16("magic", 0xBEEF), size16("size"), key16("control")))
LEVELLED = layout(Levelled, LITTLE, (key8("level"),))
ANSWER = layout(Answer, LITTLE)

VALUE = Everything(
    number=0x0102,
    colour=Colour.RED,
    node=Eui64(0x00DB_1234_5678_90A0),
    request=RequestId(Eui64(1), Eui64(2), 3),
    sent=Instant(4),
    key=b"key!",
    name="PPMID",
    short=b"ab",
    long=b"cde",
    rest=b"fghi",
)
OCTETS = bytes.fromhex(
    "05 0102 01 00db1234567890a0 0000000000000001 0000000000000002 0000000000000003 0000000000000004"
    "6b657921 05 50504d4944 02 6162 00000003 636465 66676869"
)


def test_every_kind_of_field_stands_as_described() -> None:
    assert EVERYTHING.write(VALUE) == OCTETS
    assert EVERYTHING.read_whole(OCTETS) == VALUE


def test_what_follows_a_value_is_given_back() -> None:
    assert ANSWER.read(bytes.fromhex("00 3412 ffff")) == (Answer(0, found=0x1234), b"\xff\xff")


def test_reading_starts_where_it_is_told_to() -> None:
    assert ANSWER.read_at(bytes.fromhex("ffff 00 3412"), 2) == (Answer(0, found=0x1234), 5)


def test_eui_follows_the_byte_order_of_its_layout() -> None:
    @dataclass(frozen=True, slots=True)
    class Node:
        node: Eui64Field

    assert layout(Node, LITTLE).write(Node(Eui64(1))) == bytes.fromhex("0100000000000000")
    assert layout(Node, BIG).write(Node(Eui64(1))) == bytes.fromhex("0000000000000001")


def test_unknown_codes_stay_what_they_are() -> None:
    octets = OCTETS[:3] + b"\x63" + OCTETS[4:]
    colour = EVERYTHING.read_whole(octets).colour
    assert (int(colour), colour.known) == (0x63, False)


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (Optional(9), "efbe 0700 0000 09"),
        (Optional(9, first=1), "efbe 0900 0100 09 0100"),
        (Optional(9, pair_low=1, pair_high=2), "efbe 0900 0400 09 01 02"),
        (Optional(9, first=3, pair_low=1, pair_high=2), "efbe 0b00 0500 09 0300 01 02"),
    ],
)
def test_flags_and_size_follow_from_the_fields_present(value: Optional, octets: str) -> None:
    assert OPTIONAL.write(value) == bytes.fromhex(octets)
    assert OPTIONAL.read_whole(bytes.fromhex(octets)) == value


@pytest.mark.parametrize(
    ("value", "octets"), [(Levelled(), "00"), (Levelled(5), "01 05"), (Levelled(5, 6), "02 05 06")]
)
def test_level_follows_from_the_fields_present(value: Levelled, octets: str) -> None:
    assert LEVELLED.write(value) == bytes.fromhex(octets)
    assert LEVELLED.read_whole(bytes.fromhex(octets)) == value


@pytest.mark.parametrize(
    ("value", "octets"),
    [(Answer(0, found=2), "00 0200"), (Answer(7, after_s=2), "07 02000000"), (Answer(8), "08")],
)
def test_fields_present_follow_the_status(value: Answer, octets: str) -> None:
    assert ANSWER.write(value) == bytes.fromhex(octets)
    assert ANSWER.read_whole(bytes.fromhex(octets)) == value


@pytest.mark.parametrize(
    ("octets", "field", "offset", "got", "expected"),
    [
        (b"", "kind", 0, 0, 1),
        (OCTETS[:2], "number", 1, 1, 2),
        (OCTETS[:40], "sent", 36, 4, 8),
        (OCTETS[:46], "key", 44, 2, 4),
        (OCTETS[:48], "name", 48, 0, 1),
        (OCTETS[:52], "name", 49, 3, 5),
        (OCTETS[:55], "short", 55, 0, 2),
        (OCTETS[:59], "long", 57, 2, 4),
        (OCTETS[:62], "long", 61, 1, 3),
    ],
)
def test_a_short_value_names_field_offset_got_and_expected(
    octets: bytes, field: str, offset: int, got: int, expected: int
) -> None:
    with pytest.raises(ValueShort) as caught:
        EVERYTHING.read(octets)
    facts = caught.value.facts
    assert (facts["field"], facts["offset"], facts["got"], facts["expected"]) == (field, offset, got, expected)


@pytest.mark.parametrize(
    ("octets", "field", "offset", "got", "expected"),
    [
        ("eebe 0700 0000 09", "magic", 0, "0xbeee", "0xbeef"),
        ("efbe 0800 0000 09", "size", 2, "8", "7"),
        ("efbe 0700 0200 09", "control", 4, "0x2", "0x0 or 0x1 or 0x4 or 0x5"),
        ("efbe 0700 0000 09 ff", "the end", 7, "1 octets more", "none"),
    ],
)
def test_a_wrong_value_names_field_offset_got_and_expected(
    octets: str, field: str, offset: int, got: str, expected: str
) -> None:
    with pytest.raises(ValueWrong) as caught:
        OPTIONAL.read_whole(bytes.fromhex(octets))
    facts = caught.value.facts
    assert (facts["field"], facts["offset"], facts["got"], facts["expected"]) == (field, offset, got, expected)
    assert str(caught.value).startswith(
        f"HOTA-WIRE-002: Optional: {field} at offset {offset} is {got}, expected {expected}"
    )


def test_text_that_is_not_ascii_is_wrong() -> None:
    with pytest.raises(ValueWrong, match=r"name at offset 48 is b'\\xffPMID'"):
        EVERYTHING.read(OCTETS.replace(b"PPMID", b"\xffPMID"))


@pytest.mark.parametrize("octets", ["", "efbe", "efbe 0700", "efbe 0700 0000"])
def test_a_lead_cut_off_is_short(octets: str) -> None:
    with pytest.raises(ValueShort):
        OPTIONAL.read(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"number": 0x10000}, "number"),
        ({"number": None}, "number"),
        ({"number": -1}, "number"),
        ({"colour": 256}, "colour"),
        ({"node": 5}, "node"),
        ({"request": None}, "request"),
        ({"sent": -1}, "sent"),
        ({"key": b"key"}, "key"),
        ({"key": b"keys!"}, "key"),
        ({"key": None}, "key"),
        ({"name": "é"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"short": bytes(256)}, "short"),
        ({"short": "ab"}, "short"),
        ({"rest": None}, "rest"),
    ],
)
def test_a_value_that_does_not_fit_names_its_field(changed: dict[str, object], field: str) -> None:
    fields = {name: getattr(VALUE, name) for name in Everything.__slots__}
    with pytest.raises(ValueUnwritable) as caught:
        EVERYTHING.write(Everything(**(fields | changed)))
    assert caught.value.facts["field"] == field


@pytest.mark.parametrize(
    ("write", "field"),
    [
        (lambda: OPTIONAL.write(Optional(9, pair_low=1)), "pair_high"),
        (lambda: OPTIONAL.write(Optional(9, pair_high=1)), "pair_high"),
        (lambda: LEVELLED.write(Levelled(two=1)), "two"),
        (lambda: ANSWER.write(Answer(7, found=1)), "found"),
        (lambda: ANSWER.write(Answer(0)), "found"),
        (lambda: ANSWER.write(Answer(9, after_s=1)), "after_s"),
    ],
)
def test_fields_that_contradict_each_other_are_not_written(write: Callable[[], bytes], field: str) -> None:
    with pytest.raises(ValueUnwritable) as caught:
        write()
    assert caught.value.facts["field"] == field


def test_a_long_value_is_shown_shortened() -> None:
    with pytest.raises(ValueUnwritable) as caught:
        EVERYTHING.write(
            Everything(*(getattr(VALUE, name) for name in Everything.__slots__[:-3]), bytes(9999), b"", b"")
        )
    assert len(str(caught.value)) < 300


def test_a_description_may_not_contradict_itself() -> None:
    @dataclass(frozen=True, slots=True)
    class TwoRules:
        one: Annotated[U8 | None, bit(0)] = None
        two: Annotated[U8 | None, level(1)] = None

    @dataclass(frozen=True, slots=True)
    class StatusLater:
        number: U8
        status: U8
        found: Annotated[U8 | None, status(0)] = None

    with pytest.raises(AssertionError, match="one rule only"):
        layout(TwoRules, BIG, (key8("control"),))
    with pytest.raises(AssertionError, match="status has to come first"):
        layout(StatusLater, BIG)
    with pytest.raises(AssertionError, match="key and rule"):
        layout(Optional, BIG)
    with pytest.raises(AssertionError, match="key and rule"):
        layout(Answer, BIG, (key8("control"),))
