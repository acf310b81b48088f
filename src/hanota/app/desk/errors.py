"""What the desk refuses."""

from hanota.base.errors import Fault, HanotaError
from hanota.model.access import NotAllowed
from hanota.records.registry.changes import ChangeImpossible, NotInRegistry
from hanota.records.store.quarantine import NotHeld

__all__ = ["ChangeImpossible", "NotAllowed", "NotFound", "NotHeld", "NotInRegistry", "NotOnScreen"]


class NotFound(HanotaError):
    """There is no such thing."""

    code, fault = "HOTA-APP-002", Fault.REQUESTER
    what = "there is no {kind} {name}"
    remedy = "check the name, or list what there is"


class NotOnScreen(HanotaError):
    """A button that the screen does not show, or not any more."""

    code, fault = "HOTA-APP-012", Fault.REQUESTER
    what = "the screen of {device} shows no button {button}"
    remedy = "look at the screen again: what it offers has changed, or never had this button"
