"""What can be wrong with a frame between head end and hub."""

from hanota.base.errors import Fault
from hanota.wire.layout import ValueShort, ValueWrong, WireError


class FrameMalformed(WireError):
    """Base of refusals of a frame."""

    code = "HOTA-FRAME-000"


class FrameShort(FrameMalformed, ValueShort):
    """The frame ends inside a field."""

    code = "HOTA-FRAME-001"


class FrameWrong(FrameMalformed, ValueWrong):
    """A field holds what it may not hold, or octets are left behind the last one."""

    code = "HOTA-FRAME-002"
    remedy = "compare the versions of hanota at both ends"


class FrameUnknown(FrameMalformed):
    """A kind of frame that isn't expected there (facts: offset, got, expected)."""

    code = "HOTA-FRAME-003"
    what = "kind {got} at offset {offset} is not one of {expected}"
    remedy = "compare the versions of hanota at both ends"


class FrameTooLong(FrameMalformed):
    """A frame above WAN_FRAME_OCTETS_MAX (facts: got, expected in octets)."""

    code = "HOTA-FRAME-004"
    what = "the frame has {got} octets, at most {expected} may travel"
    remedy = "carry the image in smaller chunks"


class OrderNotSigned(FrameMalformed):
    """An order that the DCC didn't sign, or not like this."""

    code = "HOTA-FRAME-005"
    what = "the order's signature is not the DCC's over these octets"
    remedy = "check that the hub trusts the DCC's present certificate; the order was not obeyed"


class UplinkNotSigned(FrameMalformed):
    """A report that the hub didn't sign, or not like this (facts: hub, event)."""

    code = "HOTA-FRAME-006"
    what = "event {event} doesn't carry the signature of hub {hub} over these octets"
    remedy = "check that the hub's present certificate is registered; the report was not believed"


class ChunkBeyondFile(FrameMalformed):
    """Image octets that reach beyond the size of their file (facts: offset, got, expected)."""

    code, fault = "HOTA-FRAME-007", Fault.PEER
    what = "a chunk of {got} octets at offset {offset} reaches beyond the file's {expected} octets"
    remedy = "ask for the image again"
