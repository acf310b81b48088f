"""Errors about GBCS messages."""

from hanota.base.errors import Fault, HanotaError


class GbcsMalformed(HanotaError):
    """Octets from elsewhere that GBCS does not allow; the subclasses say where."""

    code, fault = "HOTA-GBCS-001", Fault.PEER
    what = "these octets are not what GBCS allows"
    remedy = "ask the sender for the message as GBCS encodes it"


class MessageMalformed(GbcsMalformed):
    """Octets that are not one GBCS message in its one encoding."""

    code = "HOTA-GBCS-002"
    what = "not a GBCS message: {field} at octet {offset} is {got}, expected {expected}"


class MessageShort(MessageMalformed):
    """A message that ends before it is complete."""

    code = "HOTA-GBCS-003"
    what = "GBCS message ends early: {field} at octet {offset} needs {expected} octets, {got} are left"
    remedy = "send the message again, whole"


class MessageTrailing(MessageMalformed):
    """Octets after the end of a message."""

    code = "HOTA-GBCS-004"
    what = "GBCS message ends at octet {offset}, but {got} more follow"
    remedy = "send one message at a time"


class PayloadMalformed(GbcsMalformed):
    """A payload that is not what its use case carries; `offset` counts from the start of the payload."""

    code = "HOTA-GBCS-005"
    what = "payload of {use_case} is not understood at its octet {offset}: {reason}"
    remedy = "ask the device's manufacturer for a message as GBCS encodes it"


class MessageUnwritable(HanotaError):
    """A message that its encoding has no room for."""

    code, fault = "HOTA-GBCS-006", Fault.US
    what = "can't write a GBCS message: {field} is {got}, expected {expected}"
    remedy = "report this with the log lines around it"


class UnexpectedMessage(HanotaError):
    """A message of another use case where one was asked for."""

    code, fault = "HOTA-GBCS-007", Fault.US
    what = "a {expected} was expected, this is {got}"
    remedy = "report this with the log lines around it"


class MessageUnreadable(GbcsMalformed):
    """A text that should be a message's octets in hex or base64, and is neither; `offset` counts its characters."""

    code = "HOTA-GBCS-008"
    what = "neither a message's octets nor hex or base64 of them: character {offset} is {got}, expected {expected}"
    remedy = "give the message as hex or base64, or a file with its octets"
