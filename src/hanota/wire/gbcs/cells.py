"""Payloads that are rows of fixed-size fields: DLMS and ZigBee ones, written as tables.

A table lists its cells in wire order. A cell is either the same in every message (or follows from the header), or it
holds one attribute of the value. A payload that has several forms has a table for each; the first one that fits is
taken, in both directions.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hanota.base.errors import HanotaError, require
from hanota.base.instant import SECOND, Instant, from_zigbee_utc, iso, zigbee_utc
from hanota.base.openenum import OpenIntEnum
from hanota.wire.gbcs.asn1 import coded
from hanota.wire.gbcs.codec import HASH_OCTETS, VERSION_OCTETS, Codec, Part, require_time, version_octets
from hanota.wire.gbcs.errors import MessageMalformed, MessageShort, MessageTrailing, MessageUnwritable
from hanota.wire.gbcs.message import Header
from hanota.wire.gbcs.values import Payload

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_TIME: Final = struct.Struct(">HBBBBBBBHB")
_ANY_DAY, _NO_HUNDREDTHS, _NO_DEVIATION, _NO_STATUS = 0xFF, 0x00, 0x8000, 0xFF


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of `size` octets.

    `expected` gives the octets that alone are right; or `attribute` names what the value holds, which `load` makes of
    octets and `dump` makes octets of. `show` says in words what the octets mean.
    """

    name: str
    size: int
    show: Callable[[bytes], str]
    expected: Callable[[Header], bytes] | None = None
    attribute: str = ""
    load: Callable[[bytes], object] = bytes
    dump: Callable[[Any], bytes] = bytes


@dataclass(frozen=True, slots=True)
class Table:
    """One form of a payload. `given` are the attributes that the form itself says; no cell holds them."""

    kind: type[Payload]
    cells: tuple[Cell, ...]
    given: Mapping[str, object] = field(default_factory=dict)

    def fits(self, payload: Payload) -> bool:
        """Say whether this is the form for a value."""
        return isinstance(payload, self.kind) and all(getattr(payload, name) == it for name, it in self.given.items())


def table_codec(*tables: Table) -> Codec:
    """Make the codec of a payload that has these forms."""

    def read(octets: bytes, header: Header) -> Payload:
        problems: list[MessageMalformed] = []
        for table in tables:
            try:
                payload = _read(table, octets, header)
            except MessageMalformed as problem:
                problems.append(problem)
                continue
            own = next(form for form in tables if form.fits(payload)) is table
            require(own, MessageMalformed, field="form", offset=0, got=payload, expected="the form for what it says")
            return payload
        raise max(problems, key=lambda problem: int(str(problem.facts["offset"])))

    def write(payload: Payload, header: Header) -> bytes:
        for table in tables:
            if table.fits(payload):
                return b"".join(_dump(cell, payload, header) for cell in table.cells)
        raise MessageUnwritable(field="payload", got=payload, expected="a version if and only if reading succeeded")

    def parts(octets: bytes) -> list[Part]:
        return _parts(next(table for table in tables if _looks_like(table, octets)), octets)

    return Codec(tuple(dict.fromkeys(table.kind for table in tables)), read, write, parts)


def _read(table: Table, octets: bytes, header: Header) -> Payload:
    offset = 0
    attributes: dict[str, Any] = dict(table.given)
    for cell in table.cells:
        taken = octets[offset : offset + cell.size]
        short = len(taken) < cell.size
        require(not short, MessageShort, field=cell.name, offset=offset, got=len(taken), expected=cell.size)
        if cell.expected is None:
            attributes[cell.attribute] = _load(cell, taken, offset)
        elif taken != cell.expected(header):
            expected = cell.expected(header).hex()
            raise MessageMalformed(field=cell.name, offset=offset, got=taken.hex(), expected=expected)
        offset += cell.size
    require(offset == len(octets), MessageTrailing, offset=offset, got=len(octets) - offset)
    return table.kind(**attributes)


def _load(cell: Cell, octets: bytes, offset: int) -> object:
    try:
        value = cell.load(octets)
        again = cell.dump(value)
    except (HanotaError, ValueError, OverflowError) as cause:
        raise MessageMalformed(field=cell.name, offset=offset, got=octets.hex(), expected=cell.name) from cause
    require(again == octets, MessageMalformed, field=cell.name, offset=offset, got=octets.hex(), expected=again.hex())
    return value


def _dump(cell: Cell, payload: Payload, header: Header) -> bytes:
    if cell.expected is not None:
        return cell.expected(header)
    value = getattr(payload, cell.attribute)
    try:
        octets = cell.dump(value)
    except (HanotaError, OverflowError) as cause:
        raise MessageUnwritable(field=cell.name, got=value, expected=f"what {cell.size} octets can say") from cause
    require(len(octets) == cell.size, MessageUnwritable, field=cell.name, got=value, expected=f"{cell.size} octets")
    return octets


def _looks_like(table: Table, octets: bytes) -> bool:
    return sum(cell.size for cell in table.cells) == len(octets)


def _parts(table: Table, octets: bytes) -> list[Part]:
    parts = []
    offset = 0
    for cell in table.cells:
        taken = octets[offset : offset + cell.size]
        parts.append(Part(cell.name, offset, taken, cell.show(taken)))
        offset += cell.size
    return parts


def fixed(name: str, octets: str, meaning: str) -> Cell:
    """Octets, in hex, that are the same in every message."""
    same = bytes.fromhex(octets)
    return Cell(name, len(same), lambda _: meaning, expected=lambda _: same)


def from_header(name: str, size: int, expected: Callable[[Header], bytes], meaning: str) -> Cell:
    """Octets that follow from the header."""
    return Cell(name, size, lambda _: meaning, expected=expected)


def code(name: str, attribute: str, codes: type[OpenIntEnum], size: int = 1) -> Cell:
    """A code of `codes`, big-endian; unknown ones stay what they are."""
    return Cell(
        name,
        size,
        lambda octets: coded(codes(int.from_bytes(octets, "big"))),
        attribute=attribute,
        load=lambda octets: codes(int.from_bytes(octets, "big")),
        dump=lambda value: int(value).to_bytes(size, "big"),
    )


def version() -> Cell:
    """The firmware version, as `file_version`."""
    return Cell(
        "firmware version",
        VERSION_OCTETS,
        lambda octets: octets.hex().upper(),
        attribute="file_version",
        load=lambda octets: int.from_bytes(octets, "big"),
        dump=version_octets,
    )


def image_hash() -> Cell:
    """The Manufacturer Image Hash that a device computed, as `manufacturer_hash`."""
    show = lambda octets: octets.hex().upper()  # noqa: E731 - one word for what it says
    return Cell("calculated Manufacturer Image Hash", HASH_OCTETS, show, attribute="manufacturer_hash")


def dlms_time() -> Cell:
    """A DLMS date-time as `at`: UTC, with no weekday, hundredths, deviation or status (DLMS Blue Book, 4.1.6.1)."""
    show = lambda octets: iso(read_date_time(octets))  # noqa: E731 - one word for what it says
    return Cell("date-time", _DATE_TIME.size, show, attribute="at", load=read_date_time, dump=write_date_time)


def zigbee_time() -> Cell:
    """ZigBee UTCTime, big-endian, as `at`: seconds since 2000."""
    return Cell(
        "time stamp",
        4,
        lambda octets: iso(from_zigbee_utc(int.from_bytes(octets, "big"))),
        attribute="at",
        load=lambda octets: from_zigbee_utc(int.from_bytes(octets, "big")),
        dump=lambda at: zigbee_utc(at).to_bytes(4, "big"),
    )


def read_date_time(octets: bytes) -> Instant:
    """Read a DLMS date-time of 12 octets as UTC; what it says of weekday, hundredths and zone is not read.

    Raises MessageMalformed: no such day or hour.
    """
    try:
        year, month, day, _, hour, minute, second, *_ = _DATE_TIME.unpack(octets)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (struct.error, ValueError) as cause:
        raise MessageMalformed(field="date-time", offset=0, got=octets.hex(), expected="a day and an hour") from cause
    return Instant((moment - _EPOCH) // timedelta(milliseconds=1))


def write_date_time(at: Instant) -> bytes:
    """Write a DLMS date-time as the reference messages do, to the second. Raises MessageUnwritable."""
    require_time(at)
    moment = _EPOCH + timedelta(seconds=at // SECOND)
    day, clock = (moment.year, moment.month, moment.day), (moment.hour, moment.minute, moment.second)
    return _DATE_TIME.pack(*day, _ANY_DAY, *clock, _NO_HUNDREDTHS, _NO_DEVIATION, _NO_STATUS)
