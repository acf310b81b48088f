"""What can be wrong with a ZCL frame. All carry the facts field, offset, got and expected."""

from hanota.wire.layout import ValueShort, ValueWrong, WireError


class ZclMalformed(WireError):
    """Base of refusals of a ZCL frame."""

    code = "HOTA-ZCL-000"


class ZclShort(ZclMalformed, ValueShort):
    """The frame ends inside a field."""

    code = "HOTA-ZCL-001"
    remedy = "the frame was cut on its way or its sender is faulty; wait for the sender to repeat it"


class ZclWrong(ZclMalformed, ValueWrong):
    """A field holds what it may not hold, or octets are left behind the last one."""

    code = "HOTA-ZCL-002"
    remedy = "compare the sender's ZCL implementation with the layout of this command"


class ZclUnknown(ZclMalformed):
    """No row of the command table fits."""

    code = "HOTA-ZCL-003"
    what = "cluster {cluster} has no command {got} sent by the {sender} (offset {offset})"
    remedy = "add a row to the command table if this command is to be understood"
