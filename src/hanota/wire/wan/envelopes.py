"""Envelopes: many frames in one message of a carrier that counts messages, each with its hub. Versioned as frames are.

An envelope begins with the version octet of frames and a kind that no frame has; then follow its entries until it ends:
hub (EUI-64), length (U32) and octets of one frame. Nothing is signed here: what must be believed is signed inside.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.limits import WAN_ENVELOPE_OCTETS_MAX, WAN_FRAME_OCTETS_MAX
from hanota.wire.layout import BIG, Eui64Field, Octets32, RestOctets, constant8, layout
from hanota.wire.wan.errors import FrameShort, FrameTooLong, FrameWrong
from hanota.wire.wan.tables import VERSION

KIND: Final = 0xE0


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame in an envelope, and the hub that it is for or from."""

    hub: Eui64Field
    frame: Octets32


@dataclass(frozen=True, slots=True)
class _Envelope:
    entries: RestOctets


_LEADS: Final = (constant8("version", VERSION), constant8("kind", KIND))
_ENVELOPE: Final = layout(_Envelope, BIG, _LEADS, short=FrameShort, wrong=FrameWrong)
_ENTRY: Final = layout(Entry, BIG, (), short=FrameShort, wrong=FrameWrong)
_EMPTY: Final = len(_ENVELOPE.write(_Envelope(b"")))
_ENTRY_EMPTY: Final = len(_ENTRY.write(Entry(Eui64(0), b"")))

ENVELOPED_OCTETS_MAX: Final = min(WAN_FRAME_OCTETS_MAX, WAN_ENVELOPE_OCTETS_MAX - _EMPTY - _ENTRY_EMPTY)
"""What a frame may have so that it fits an envelope by itself."""


def write_envelopes(entries: Iterable[Entry]) -> Iterator[tuple[bytes, list[Eui64]]]:
    """Pack frames, in their order, into as few envelopes as hold them; give each with the hubs in it.

    Raises FrameTooLong: a frame is above ENVELOPED_OCTETS_MAX.
    """
    packed: list[bytes] = []
    hubs: list[Eui64] = []
    octets = _EMPTY
    for entry in entries:
        if len(entry.frame) > ENVELOPED_OCTETS_MAX:
            raise FrameTooLong(got=len(entry.frame), expected=ENVELOPED_OCTETS_MAX)
        written = _ENTRY.write(entry)
        if packed and octets + len(written) > WAN_ENVELOPE_OCTETS_MAX:
            yield _ENVELOPE.write(_Envelope(b"".join(packed))), hubs
            packed, hubs, octets = [], [], _EMPTY
        packed.append(written)
        hubs.append(entry.hub)
        octets += len(written)
    if packed:
        yield _ENVELOPE.write(_Envelope(b"".join(packed))), hubs


def read_envelope(octets: bytes) -> list[Entry]:
    """Take an envelope apart; the frames inside stay closed.

    Raises FrameMalformed: FrameTooLong, FrameShort or FrameWrong.
    """
    if len(octets) > WAN_ENVELOPE_OCTETS_MAX:
        raise FrameTooLong(got=len(octets), expected=WAN_ENVELOPE_OCTETS_MAX)
    rest = _ENVELOPE.read_whole(octets).entries
    if not rest:
        raise FrameShort(layout="envelope", field="entries", offset=_EMPTY, got=0, expected="at least one")
    entries, at = [], 0
    while at < len(rest):
        entry, at = _ENTRY.read_at(rest, at)
        entries.append(entry)
    return entries
