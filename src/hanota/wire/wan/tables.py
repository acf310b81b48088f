"""The kinds of frames: number and place of each. Every frame begins with the version octet and its kind."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from hanota.wire.layout import BIG, Layout, Lead, constant8, key8, layout
from hanota.wire.wan import frames as f
from hanota.wire.wan.errors import FrameShort, FrameWrong

VERSION: Final = 0xA1
"""First octet of every frame and of all that is signed here. Neither a GBCS message (0xDD, 0xDF) nor XML begins with
it, so no signature of theirs can pass for one of ours. A changed layout takes a new kind, and the former one is read
as long as a hub may hold it: what is signed can't be written anew."""


class Place(StrEnum):
    """Where a kind may stand."""

    DOWN = "head end to hub"
    UP = "hub to head end"
    ORDER = "in a SignedOrder"
    FORMER_ORDER = "in a SignedOrder that a hub kept; not written any more"
    REPORT = "in an Uplink"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of frame."""

    kind: int
    place: Place
    frame: type[Any]
    layout: Layout[Any]


def _row(kind: int, place: Place, frame: type[Any], *lead: Lead) -> Row:
    leads = (constant8("version", VERSION), constant8("kind", kind), *lead)
    return Row(kind, place, frame, layout(frame, BIG, leads, short=FrameShort, wrong=FrameWrong))


ROWS: Final = (
    _row(0x01, Place.DOWN, f.SignedOrder),
    _row(0x02, Place.DOWN, f.ImageChunk),
    _row(0x03, Place.DOWN, f.GbcsDown),
    _row(0x04, Place.DOWN, f.Acknowledge),
    _row(0x11, Place.FORMER_ORDER, f.FormerDistribute, key8("present")),
    _row(0x12, Place.ORDER, f.Cancel),
    _row(0x13, Place.ORDER, f.ReadDevice),
    _row(0x14, Place.ORDER, f.Distribute, key8("present")),
    _row(0x81, Place.UP, f.Uplink),
    _row(0x82, Place.UP, f.Fetch),
    _row(0x91, Place.REPORT, f.Receipt),
    _row(0x92, Place.REPORT, f.GbcsUp),
    _row(0x93, Place.REPORT, f.DeviceSeen),
    _row(0x94, Place.REPORT, f.StrangerSeen),
    _row(0x95, Place.REPORT, f.ConsentGiven),
)


def _lead(frame: type[Any]) -> bytes:
    return bytes((VERSION, next(row.kind for row in ROWS if row.frame is frame)))


FETCH_LEAD: Final = _lead(f.Fetch)
"""How a Fetch begins, for who looks at many frames and wants only these."""

UPLINK_LEAD: Final = _lead(f.Uplink)
"""How an Uplink begins, for who hands them on to be read elsewhere."""
