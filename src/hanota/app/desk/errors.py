"""What the desk refuses."""

from hanota.base.errors import Fault, HanotaError
from hanota.model.access import NotAllowed
from hanota.records.store.quarantine import NotHeld

__all__ = ["NotAllowed", "NotFound", "NotHeld"]


class NotFound(HanotaError):
    """There is no such thing."""

    code, fault = "HOTA-APP-002", Fault.REQUESTER
    what = "there is no {kind} {name}"
    remedy = "check the name, or list what there is"
