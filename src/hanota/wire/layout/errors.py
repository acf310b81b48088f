"""What is wrong with octets, or with a value that has to become octets."""

from hanota.base.errors import Fault, HanotaError


class WireError(HanotaError):
    """Base of what is wrong with octets, or with a value that has to become octets."""

    code, fault = "HOTA-WIRE-000", Fault.PEER
    what = "the octets have no meaning"
    remedy = "ask the sender what it sent; nothing was taken over"


class ValueShort(WireError):
    """The octets end inside a field (facts: layout, field, offset, got and expected in octets)."""

    code = "HOTA-WIRE-001"
    what = "{layout}: {field} at offset {offset} needs {expected} octets, got {got}"
    remedy = "send the whole message"


class ValueWrong(WireError):
    """A field holds what it may not hold (facts: layout, field, offset, got, expected)."""

    code = "HOTA-WIRE-002"
    what = "{layout}: {field} at offset {offset} is {got}, expected {expected}"
    remedy = "correct the field named"


class ValueUnwritable(WireError):
    """A value of ours doesn't fit its layout (facts: layout, field, got, expected)."""

    code, fault = "HOTA-WIRE-003", Fault.US
    what = "{layout}: {field} can't be written as {got}, expected {expected}"
    remedy = "report this: a value was built that its message can't carry"
