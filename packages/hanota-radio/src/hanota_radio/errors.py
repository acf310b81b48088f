"""What can go wrong between hanota and a radio, in the shape of hanota's errors."""

from hanota.base.errors import Fault, HanotaError


class NotTheStick(HanotaError):
    """A node can only stand on the radio that has its address."""

    code, fault = "HOTA-RADIO-001", Fault.OPERATOR
    what = "the node is {node}, but the radio's EUI-64 is {stick}"
    remedy = "make the node with the radio's EUI-64; `hanota-radio scan` shows it"


class NoSuchRadio(HanotaError):
    """A radio library that is not known, not installed, or no zigpy radio."""

    code, fault = "HOTA-RADIO-002", Fault.OPERATOR
    what = "{radio!r} can't be used as a radio: {reason}"
    remedy = "pip install 'hanota-radio[ezsp]' (or znp, deconz, xbee), or name a class as package.module:Class"


class RadioFailed(HanotaError):
    """The radio did not start, or went away."""

    code, fault, retryable = "HOTA-RADIO-003", Fault.CARRIER, True
    what = "the radio at {device} failed: {reason}"
    remedy = "check the cable, the permissions of the device file and that nothing else uses it; then start again"
