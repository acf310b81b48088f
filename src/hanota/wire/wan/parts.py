"""The parts of an order whose image goes in segments: one row a segment's file, in order, without anything between."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final

from hanota.wire.layout import BIG, U32, fixed, layout
from hanota.wire.wan.errors import FrameShort, FrameWrong


@dataclass(frozen=True, slots=True)
class Part:
    """One segment's file: its SHA-256, and its size."""

    sha256: Annotated[bytes, fixed(32)]
    octets: U32


_LAYOUT: Final = layout(Part, BIG, (), short=FrameShort, wrong=FrameWrong)


def write_parts(parts: Iterable[Part]) -> bytes:
    """Write the `parts` of a Distribute; none for an image in one piece."""
    return b"".join(map(_LAYOUT.write, parts))


def read_parts(octets: bytes) -> tuple[Part, ...]:
    """Read the `parts` of a Distribute. Raises FrameShort: the last one is not whole."""
    parts, at = [], 0
    while at < len(octets):
        part, at = _LAYOUT.read_at(octets, at)
        parts.append(part)
    return tuple(parts)
