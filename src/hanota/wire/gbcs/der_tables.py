"""DER payloads as tables: leaves in the order of the wire, in a sequence that may hold another; read in one pass.

What firmware messages carry is short and of few kinds, so a table says all that a compiler of ASN.1 would find out. No
value here is longer than 127 octets: every length is one octet. Only the one encoding of a value is read (X.690, 10).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from hanota.base.errors import HanotaError
from hanota.wire.der import DerMalformed, DerUnwritable
from hanota.wire.gbcs.codec import Codec, Part
from hanota.wire.gbcs.message import Header
from hanota.wire.gbcs.values import Payload

INTEGER, OCTET_STRING, NULL, GENERALIZED_TIME, SEQUENCE = 0x02, 0x04, 0x05, 0x18, 0x30  # X.690, universal tags

_HEAD: Final = 2  # octets of tag and length
_LENGTH_MAX: Final = 0x7F


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value: what it is called, its tag, which attribute holds it (none for a NULL), how many octets it has.

    `octets` None: as many as it needs. `load` gives the value of its contents and `dump` the contents of a value; both
    raise HanotaError, ValueError or OverflowError for what has no such encoding. `show` says in words what it means.
    """

    name: str
    tag: int
    attribute: str
    octets: int | None
    load: Callable[[bytes], Any]
    dump: Callable[[Any], bytes]
    show: Callable[[bytes], str]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A SEQUENCE: the class of the value and its parts in order; within another, the attribute that holds it."""

    kind: type[Any]
    parts: "tuple[Leaf | Row, ...]"
    attribute: str = ""
    name: str = "sequence"


@dataclass(frozen=True, slots=True)
class Bare:
    """A NULL by itself, which stands for the one value of a class."""

    kind: type[Any]
    name: str


def der_codec(type_name: str, *forms: Row | Bare) -> Codec:
    """Make the codec of a payload that has these forms, of which the first octet tells which it is."""
    by_tag = {(SEQUENCE if isinstance(form, Row) else NULL): form for form in forms}
    by_kind = {form.kind: form for form in forms}

    def read(octets: bytes, _: Header) -> Payload:
        form = by_tag.get(octets[0]) if octets else None
        value: Payload
        try:
            if isinstance(form, Row):
                value, end = _read_row(form, octets, 0, len(octets))
            elif form is not None:
                end = _content(octets, 0, len(octets), 0) + _HEAD
                value = form.kind()
            else:
                _refuse(0, "another tag")
            if end != len(octets):
                _refuse(end, "octets after the end")
        except _Wrong as wrong:
            why, offset = str(wrong.reason), wrong.offset
            raise DerMalformed(type=type_name, octets=octets.hex(), reason=why, offset=offset) from wrong
        return value

    def write(payload: Payload, _: Header) -> bytes:
        form = by_kind[type(payload)]
        return _write_row(type_name, form, payload) if isinstance(form, Row) else bytes((NULL, 0))

    def parts(octets: bytes) -> list[Part]:
        form = by_tag[octets[0]]
        return list(_parts(form, octets)) if isinstance(form, Row) else [Part(form.name, 0, octets, "null")]

    return Codec(tuple(by_kind), read, write, parts)


class _Wrong(Exception):
    """What is wrong, and where; it never leaves this module."""

    def __init__(self, offset: int, reason: object) -> None:
        self.offset, self.reason = offset, reason


def _refuse(offset: int, reason: object) -> NoReturn:
    raise _Wrong(offset, reason)


def _content(octets: bytes, at: int, end: int, expected: int | None) -> int:
    """Give the length of what begins at `at`, whose tag is right."""
    left = end - at - _HEAD
    length = octets[at + 1] if left >= 0 else -1
    if not 0 <= length <= min(left, _LENGTH_MAX) or (expected is not None and length != expected):
        _refuse(min(at + 1, end), "a length that does not fit, or not in one octet")
    return length


def _read_row(row: Row, octets: bytes, at: int, end: int) -> tuple[Any, int]:
    if at >= end or octets[at] != SEQUENCE:
        _refuse(at, "another tag")
    stop = at + _HEAD + _content(octets, at, end, None)
    at += _HEAD
    held: dict[str, Any] = {}
    for part in row.parts:
        if isinstance(part, Row):
            held[part.attribute], at = _read_row(part, octets, at, stop)
            continue
        if at >= stop or octets[at] != part.tag:
            if part.optional and at == stop:
                held[part.attribute] = None
                continue
            _refuse(at, "another tag")
        begin = at + _HEAD
        at = begin + _content(octets, at, stop, part.octets)
        try:
            held[part.attribute] = part.load(octets[begin:at])
        except (HanotaError, ValueError) as cause:
            _refuse(begin, cause)
    if at != stop:
        _refuse(at, "octets after the end")
    return row.kind(**held), at


def _write_row(type_name: str, row: Row, value: Any) -> bytes:
    content = b""
    for part in row.parts:
        held = getattr(value, part.attribute)
        if isinstance(part, Row):
            content += _write_row(type_name, part, held)
        elif not (part.optional and held is None):
            content += _write_leaf(type_name, part, held)
    return bytes((SEQUENCE, len(content))) + content


def _write_leaf(type_name: str, leaf: Leaf, held: Any) -> bytes:
    try:
        octets = leaf.dump(held)
    except (ValueError, OverflowError) as cause:
        raise DerUnwritable(type=type_name, value=held, reason=f"{leaf.name}: {cause}") from cause
    if leaf.octets not in (None, len(octets)):
        raise DerUnwritable(type=type_name, value=held, reason=f"{leaf.name}: not {leaf.octets} octets")
    return bytes((leaf.tag, len(octets))) + octets


def read_integer(content: bytes, most: int) -> int:
    """Read an INTEGER from 0 to `most`. Raises ValueError, also where it is longer than it need be."""
    number = int.from_bytes(content, "big")
    shortest = len(content) == 1 or (len(content) > 1 and (content[0] or content[1] > _LENGTH_MAX))
    if not shortest or content[0] > _LENGTH_MAX or number > most:
        raise ValueError(f"{content.hex()} is no number from 0 to {most} in its shortest form")
    return number


def write_integer(number: int, most: int) -> bytes:
    """Write an INTEGER. Raises ValueError."""
    if not 0 <= number <= most:
        raise ValueError(f"{number} is not from 0 to {most}")
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _parts(row: Row, octets: bytes, offset: int = 0) -> list[Part]:
    """Name what was read without error; what is optional may be missing."""
    found = [Part(row.name, offset, octets[offset : offset + _HEAD], "its fields follow")]
    offset += _HEAD
    for part in row.parts:
        if isinstance(part, Row):
            found += _parts(part, octets, offset)
        elif offset < len(octets):
            end = offset + _HEAD + octets[offset + 1]
            found.append(Part(part.name, offset, octets[offset:end], part.show(octets[offset + _HEAD : end])))
        offset = found[-1].offset + len(found[-1].octets)
    return found
