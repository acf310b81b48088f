"""Reading a GBCS message field by field: every length is checked before use, each value has one encoding."""

from enum import IntEnum
from typing import NamedTuple

from hanota.base.errors import require
from hanota.wire.gbcs.errors import MessageMalformed, MessageShort, MessageTrailing, MessageUnwritable

LENGTH_MAX = 0xFFFF  # what the longest form of a length field can say
LENGTH_OF = "length of "  # so begin the names of lengths among the fields taken


class Taken(NamedTuple):
    """A field that was read: its name, where it begins in the message, its octets."""

    field: str
    offset: int
    octets: bytes


class Reader:
    """A place in a message. Every method names the field it reads, for the error and for `taken`.

    `taken` lists all that was read so far, in order; after an error it ends where the message stopped making sense. It
    stays empty unless the reader is `listing`: to list takes as long as to read.
    """

    __slots__ = ("end_offset", "listing", "octets", "offset", "taken")

    def __init__(self, octets: bytes, offset: int = 0, end: int | None = None, *, listing: bool = False) -> None:
        self.octets = octets
        self.offset = offset
        self.end_offset = len(octets) if end is None else end
        self.taken: list[Taken] = []
        self.listing = listing

    @property
    def left(self) -> int:
        """How many octets follow."""
        return self.end_offset - self.offset

    def take(self, field: str, count: int) -> bytes:
        """Read `count` octets. Raises MessageShort."""
        octets = self._go(field, count)
        if octets and self.listing:
            self.taken.append(Taken(field, self.offset - count, octets))
        return octets

    def _go(self, field: str, count: int) -> bytes:
        begin = self.offset
        end = begin + count
        if end > self.end_offset:  # plainly, here and below: a message has a dozen fields, a second thousands of them
            raise MessageShort(field=field, offset=begin, got=self.left, expected=count)
        self.offset = end
        return self.octets[begin:end]

    def expect(self, field: str, octets: bytes) -> None:
        """Read exactly these octets. Raises MessageMalformed, MessageShort."""
        offset = self.offset
        got = self._go(field, len(octets))
        if got != octets:
            raise MessageMalformed(field=field, offset=offset, got=got.hex(), expected=octets.hex())
        if self.listing:
            self.taken.append(Taken(field, offset, got))

    def code(self, field: str, codes: type[IntEnum]) -> int:
        """Read an octet that is one of `codes`. Raises MessageMalformed, MessageShort."""
        offset = self.offset
        octets = self._go(field, 1)
        try:
            codes(octets[0])
        except ValueError:
            numbers = [int(code) for code in codes]
            raise MessageMalformed(field=field, offset=offset, got=octets[0], expected=numbers) from None
        if self.listing:
            self.taken.append(Taken(field, offset, octets))
        return octets[0]

    def short_field(self, field: str, lengths: tuple[int, ...]) -> bytes:
        """Read a length octet that is one of `lengths`, and as many octets. Raises MessageMalformed, MessageShort."""
        return self.take(field, self.short_length(field, lengths))

    def short_length(self, field: str, lengths: tuple[int, ...]) -> int:
        """Read a length octet that is one of `lengths`. Raises MessageMalformed, MessageShort."""
        offset = self.offset
        length = self._go(field, 1)[0]
        if length not in lengths:
            raise MessageMalformed(field=field, offset=offset, got=length, expected=lengths)
        self._take_length(field, offset)
        return length

    def field(self, field: str) -> bytes:
        """Read a length and as many octets. Raises MessageMalformed, MessageShort."""
        return self.take(field, self.length(field))

    def part(self, field: str) -> "Reader":
        """Read a length; give a reader of as many octets, which lists what it takes here, and go behind them.

        Raises MessageMalformed, MessageShort.
        """
        length = self.length(field)
        if length > self.left:
            raise MessageShort(field=field, offset=self.offset, got=self.left, expected=length)
        inner = Reader(self.octets, self.offset, self.offset + length, listing=self.listing)
        inner.taken = self.taken
        self.offset += length
        return inner

    def length(self, field: str) -> int:
        """Read a length in the fewest octets that can say it. Raises MessageMalformed, MessageShort."""
        offset = self.offset
        length = self._go(field, 1)[0]
        if length >= 0x80:
            more = length - 0x80
            known = more in (1, 2)
            require(known, MessageMalformed, field=field, offset=offset, got=f"{length:02x}", expected="00…82")
            length = int.from_bytes(self._go(field, more), "big")
            shortest = len(write_length(length)) == 1 + more
            require(shortest, MessageMalformed, field=field, offset=offset, got=length, expected="its shortest form")
        self._take_length(field, offset)
        return length

    def _take_length(self, field: str, offset: int) -> None:
        if self.listing:
            self.taken.append(Taken(f"{LENGTH_OF}{field}", offset, self.octets[offset : self.offset]))

    def end(self) -> None:
        """Require that nothing follows. Raises MessageTrailing."""
        if self.left:
            raise MessageTrailing(offset=self.offset, got=self.left)


def write_length(length: int) -> bytes:
    """Write a length: one octet below 128, else 81 or 82 and one or two octets. Raises MessageUnwritable."""
    if length < 0x80:
        return bytes((length,))
    require(length <= LENGTH_MAX, MessageUnwritable, field="length", got=length, expected=f"at most {LENGTH_MAX}")
    return bytes((0x81, length)) if length < 0x100 else b"\x82" + length.to_bytes(2, "big")


def write_field(octets: bytes) -> bytes:
    """Write octets after their length. Raises MessageUnwritable."""
    return write_length(len(octets)) + octets
