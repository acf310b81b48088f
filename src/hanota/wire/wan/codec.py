"""Octets ⇄ frames between head end and hub."""

from typing import Any, Final

from hanota.base.limits import WAN_FRAME_OCTETS_MAX
from hanota.wire.layout import ValueUnwritable
from hanota.wire.wan.errors import ChunkBeyondFile, FrameShort, FrameTooLong, FrameUnknown
from hanota.wire.wan.frames import Frame, ImageChunk
from hanota.wire.wan.tables import ROWS, Place

_KIND_AT: Final = 1
_LAYOUTS: Final = {row.kind: row for row in ROWS}
_BY_FRAME: Final = {row.frame: row for row in ROWS}


def read_frame(octets: bytes) -> Frame:
    """Read one frame as it travels. What it carries in signed form stays closed: see `signing`.

    Raises FrameMalformed: FrameTooLong, FrameShort, FrameWrong, FrameUnknown or ChunkBeyondFile.
    """
    if len(octets) > WAN_FRAME_OCTETS_MAX:
        raise FrameTooLong(got=len(octets), expected=WAN_FRAME_OCTETS_MAX)
    frame: Frame = read_kind(octets, Place.DOWN, Place.UP)
    _require_within_file(frame)
    return frame


def write_frame(frame: Frame) -> bytes:
    """Write one frame to travel. Raises ValueUnwritable, FrameTooLong, ChunkBeyondFile."""
    row = _BY_FRAME.get(type(frame))
    if row is None or row.place not in (Place.DOWN, Place.UP):
        expected = "a frame that travels by itself; orders are signed first, reports go in an Uplink"
        raise ValueUnwritable(layout="frame", field="kind", got=type(frame).__name__, expected=expected)
    _require_within_file(frame)
    octets = row.layout.write(frame)
    if len(octets) > WAN_FRAME_OCTETS_MAX:
        raise FrameTooLong(got=len(octets), expected=WAN_FRAME_OCTETS_MAX)
    return octets


def read_kind(octets: bytes, *places: Place) -> Any:
    """Read octets that are one of the kinds for `places`. Raises FrameMalformed."""
    if len(octets) <= _KIND_AT:
        raise FrameShort(layout="frame", field="version and kind", offset=0, got=len(octets), expected=_KIND_AT + 1)
    row = _LAYOUTS.get(octets[_KIND_AT])
    if row is None or row.place not in places:
        expected = ", ".join(f"{row.kind:#04x} {row.frame.__name__}" for row in ROWS if row.place in places)
        raise FrameUnknown(offset=_KIND_AT, got=f"{octets[_KIND_AT]:#04x}", expected=expected)
    return row.layout.read_whole(octets)


def write_kind(frame: object) -> bytes:
    """Write any kind, also those that travel inside others. Raises ValueUnwritable."""
    return _BY_FRAME[type(frame)].layout.write(frame)


def _require_within_file(frame: Frame) -> None:
    if isinstance(frame, ImageChunk) and frame.offset + len(frame.data) > frame.image_octets:
        raise ChunkBeyondFile(offset=frame.offset, got=len(frame.data), expected=frame.image_octets)
