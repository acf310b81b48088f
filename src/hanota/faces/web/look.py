"""How things look: a word, an icon and a tone for every state, one table each. Colour never speaks alone."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hanota.base.vocabulary.devices import DeviceType
from hanota.model.commands import CommandState
from hanota.model.delivery import State
from hanota.records.store.quarantine import Quarantine


class Tone(StrEnum):
    """What a colour means; the name is the style class's ending."""

    MOVING = "moving"
    WAITING = "waiting"
    GOOD = "good"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Look:
    """A word, a Material icon and a tone."""

    word: str
    icon: str
    tone: Tone


_M, _W, _B, _Q = Tone.MOVING, Tone.WAITING, Tone.BAD, Tone.QUIET
_STATES: Final[dict[State, Look]] = {
    State.REQUESTED: Look("Requested", "inbox", _M),
    State.QUEUED: Look("Queued", "schedule", _M),
    State.ON_WAN: Look("On its way to the hub", "cell_tower", _M),
    State.HELD: Look("Held by the hub", "router", _M),
    State.TRANSFERRING: Look("Transferring", "downloading", _M),
    State.TRANSFERRED: Look("Transferred", "download_done", _W),
    State.CONSENT: Look("Asking the consumer", "contact_support", _W),
    State.ACTIVATING: Look("Activating", "restart_alt", _M),
    State.ACTIVATED: Look("Awaiting confirmation", "hourglass_top", _W),
    State.CONFIRMED: Look("Confirmed", "verified", Tone.GOOD),
    State.REJECTED: Look("Rejected", "block", _B),
    State.EXPIRED: Look("Expired", "timer_off", _B),
    State.CANCELLED: Look("Cancelled", "cancel", _Q),
    State.WAN_FAILED: Look("Did not reach the hub", "signal_disconnected", _B),
    State.DISCARDED: Look("Discarded by the hub", "delete", _B),
    State.TRANSFER_FAILED: Look("Transfer failed", "error", _B),
    State.HARDWARE_MISMATCH: Look("Hardware mismatch", "memory", _B),
    State.REFUSED: Look("Refused by the consumer", "do_not_disturb_on", _Q),
    State.ACTIVATION_FAILED: Look("Activation failed", "error", _B),
    State.VERSION_MISMATCH: Look("Another version runs", "difference", _B),
    State.UNCONFIRMED: Look("No report in time", "help", _B),
    State.RESPONSIBILITY_LOST: Look("Responsibility lost", "swap_horiz", _Q),
    State.DEVICE_GONE: Look("Device gone", "link_off", _Q),
}

STEPS: Final = (
    State.QUEUED,
    State.ON_WAN,
    State.HELD,
    State.TRANSFERRING,
    State.TRANSFERRED,
    State.ACTIVATING,
    State.ACTIVATED,
    State.CONFIRMED,
)
"""The way of a delivery as the console draws it; CONSENT is passed by few and shows as part of TRANSFERRED."""

STEP_WORDS: Final[dict[State, str]] = {
    State.QUEUED: "Queued",
    State.ON_WAN: "On WAN",
    State.HELD: "At hub",
    State.TRANSFERRING: "Transferring",
    State.TRANSFERRED: "Transferred",
    State.ACTIVATING: "Activating",
    State.ACTIVATED: "Activated",
    State.CONFIRMED: "Confirmed",
}

_DEVICES: Final[dict[DeviceType, Look]] = {
    DeviceType.ESME: Look("Electricity meter", "bolt", _Q),
    DeviceType.GSME: Look("Gas meter", "local_fire_department", _Q),
    DeviceType.CHF: Look("Communications Hub", "router", _Q),
    DeviceType.GPF: Look("Gas proxy", "content_copy", _Q),
    DeviceType.HCALCS: Look("Load control switch", "toggle_on", _Q),
    DeviceType.PPMID: Look("Prepayment display", "aod", _Q),
    DeviceType.IHD: Look("In-home display", "tablet", _Q),
    DeviceType.CAD: Look("Consumer access device", "cable", _Q),
}
_COMMANDS: Final[dict[CommandState, Look]] = {
    CommandState.WAITING: Look("Waiting", "schedule", _W),
    CommandState.SENT: Look("Sent", "cell_tower", _M),
    CommandState.HANDED_OVER: Look("Handed to its User", "front_hand", _W),
    CommandState.DATED: Look("Dated in the device", "event", _W),
    CommandState.ANSWERED: Look("Answered", "verified", Tone.GOOD),
    CommandState.UNANSWERED: Look("No answer", "timer_off", _B),
    CommandState.CANCELLED: Look("Called off", "cancel", _Q),
    CommandState.REFUSED: Look("Not responsible any more", "gavel", _B),
}
_QUARANTINE: Final[dict[Quarantine, Look]] = {
    Quarantine.HELD: Look("Held", "front_hand", _W),
    Quarantine.RELEASED: Look("Released", "check_circle", Tone.GOOD),
    Quarantine.DROPPED: Look("Dropped", "block", _Q),
}
_CODES: Final = {"I": ("check_circle", Tone.GOOD), "W": ("rule", Tone.WAITING), "E": ("block", Tone.BAD)}


def of_state(state: str) -> Look:
    """Give the look of a delivery's state; an unknown one shows its name."""
    return _STATES[State(state)] if state in State.__members__ else Look(state, "help", Tone.QUIET)


def of_command(state: str) -> Look:
    """Give the look of a command's state; an unknown one shows its name."""
    return _COMMANDS[CommandState(state)] if state in CommandState.__members__ else Look(state, "help", Tone.QUIET)


def of_quarantine(state: str) -> Look:
    """Give the look of a request that is or was held; an unknown state shows its name."""
    known = {each.value for each in Quarantine}
    return _QUARANTINE[Quarantine(state)] if state in known else Look(state, "help", Tone.QUIET)


def of_device(device_type: str) -> Look:
    """Give the look of a device type; an unknown one shows its name."""
    return _DEVICES.get(DeviceType(device_type), Look(device_type, "devices_other", Tone.QUIET))


def of_code(response_code: str) -> Look:
    """Give the look of a DUIS response code: I accepted, W accepted in part, E refused."""
    icon, tone = _CODES.get(response_code[:1], ("help", Tone.QUIET))
    return Look(response_code, icon, tone)
