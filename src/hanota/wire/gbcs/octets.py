"""Reading a GBCS message field by field: every length is checked before use, each value has one encoding."""

from hanota.base.errors import require
from hanota.wire.gbcs.errors import MessageMalformed, MessageShort, MessageTrailing, MessageUnwritable

LENGTH_MAX = 0xFFFF  # what the longest form of a length field can say


class Reader:
    """A place in a message. Every method names the field it reads, for the error."""

    def __init__(self, octets: bytes, offset: int = 0) -> None:
        self.octets = octets
        self.offset = offset

    @property
    def left(self) -> int:
        """How many octets follow."""
        return len(self.octets) - self.offset

    def take(self, field: str, count: int) -> bytes:
        """Read `count` octets. Raises MessageShort."""
        require(count <= self.left, MessageShort, field=field, offset=self.offset, got=self.left, expected=count)
        self.offset += count
        return self.octets[self.offset - count : self.offset]

    def expect(self, field: str, octets: bytes) -> None:
        """Read exactly these octets. Raises MessageMalformed, MessageShort."""
        offset = self.offset
        got = self.take(field, len(octets))
        require(got == octets, MessageMalformed, field=field, offset=offset, got=got.hex(), expected=octets.hex())

    def short_field(self, field: str, lengths: tuple[int, ...]) -> bytes:
        """Read a length octet that is one of `lengths`, and as many octets. Raises MessageMalformed, MessageShort."""
        offset = self.offset
        length = self.take(field, 1)[0]
        require(length in lengths, MessageMalformed, field=field, offset=offset, got=length, expected=lengths)
        return self.take(field, length)

    def field(self, field: str) -> bytes:
        """Read a length and as many octets. Raises MessageMalformed, MessageShort."""
        return self.take(field, self.length(field))

    def length(self, field: str) -> int:
        """Read a length in the fewest octets that can say it. Raises MessageMalformed, MessageShort."""
        offset = self.offset
        first = self.take(field, 1)[0]
        if first < 0x80:
            return first
        more = first - 0x80
        require(more in (1, 2), MessageMalformed, field=field, offset=offset, got=f"{first:02x}", expected="00…82")
        length = int.from_bytes(self.take(field, more), "big")
        shortest = len(write_length(length)) == 1 + more
        require(shortest, MessageMalformed, field=field, offset=offset, got=length, expected="its shortest form")
        return length

    def end(self) -> None:
        """Require that nothing follows. Raises MessageTrailing."""
        require(not self.left, MessageTrailing, offset=self.offset, got=self.left)


def write_length(length: int) -> bytes:
    """Write a length: one octet below 128, else 81 or 82 and one or two octets. Raises MessageUnwritable."""
    require(length <= LENGTH_MAX, MessageUnwritable, field="length", got=length, expected=f"at most {LENGTH_MAX}")
    if length < 0x80:
        return bytes((length,))
    return bytes((0x81, length)) if length < 0x100 else b"\x82" + length.to_bytes(2, "big")


def write_field(octets: bytes) -> bytes:
    """Write octets after their length. Raises MessageUnwritable."""
    return write_length(len(octets)) + octets
