"""Who may ask what: action × relation, default deny (R29). The desk enforces it before it reads anything."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import Eui64


class Action(StrEnum):
    """What somebody may want of the desk."""

    SEE_OVERVIEW = "see the overview"
    SEE_REQUEST = "see a request"
    SEE_DELIVERY = "see a delivery"
    SEE_DEVICE = "see a device"
    SEE_HOME = "see a home"
    SEE_SCREENS = "see what a home's displays show"
    PRESS = "press a button of a home's display"
    SEE_ALERTS = "see alerts"
    SEE_COMMANDS = "see commands"
    SEE_QUARANTINE = "see requests in quarantine"
    DECIDE_QUARANTINE = "release or drop a request in quarantine"
    SEE_DEAD_LETTERS = "see messages that were given up"
    REPLAY = "let messages that were given up be tried anew"
    CHANGE_HOMES = "change who supplies a home, who lives there, what hangs there"


class Relation(StrEnum):
    """How the one who asks stands to what is asked about."""

    OPERATOR = "operator of the DCC"
    SENDER = "sender of the request"
    RESPONSIBLE = "Responsible Supplier at the premises"
    RECIPIENT = "recipient of the alert"
    NONE = "none"


ALLOWED: Final[dict[Action, frozenset[Relation]]] = {
    Action.SEE_OVERVIEW: frozenset({Relation.OPERATOR, Relation.SENDER, Relation.RESPONSIBLE}),
    Action.SEE_REQUEST: frozenset({Relation.OPERATOR, Relation.SENDER}),
    Action.SEE_DELIVERY: frozenset({Relation.OPERATOR, Relation.SENDER, Relation.RESPONSIBLE}),
    Action.SEE_DEVICE: frozenset({Relation.OPERATOR, Relation.RESPONSIBLE}),
    Action.SEE_HOME: frozenset({Relation.OPERATOR, Relation.RESPONSIBLE}),
    Action.SEE_SCREENS: frozenset({Relation.OPERATOR, Relation.RESPONSIBLE}),
    Action.PRESS: frozenset({Relation.OPERATOR}),  # of an emulated home: else the consumer alone
    Action.SEE_ALERTS: frozenset({Relation.OPERATOR, Relation.RECIPIENT}),
    Action.SEE_COMMANDS: frozenset({Relation.OPERATOR, Relation.SENDER}),
    Action.SEE_QUARANTINE: frozenset({Relation.OPERATOR, Relation.SENDER}),
    Action.DECIDE_QUARANTINE: frozenset({Relation.OPERATOR}),
    Action.SEE_DEAD_LETTERS: frozenset({Relation.OPERATOR, Relation.RECIPIENT}),
    Action.REPLAY: frozenset({Relation.OPERATOR}),
    Action.CHANGE_HOMES: frozenset({Relation.OPERATOR}),
}


class NotAllowed(HanotaError):
    """The caller has no relation that allows the action."""

    code, fault = "HOTA-MODEL-003", Fault.REQUESTER
    what = "{party} may not {action}"
    remedy = "ask as a party that is concerned by it"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a party, or with None the DCC's operator."""

    party: Eui64 | None = None

    @property
    def is_operator(self) -> bool:
        """Whether the caller runs the service."""
        return self.party is None


def allowed(action: Action, relations: frozenset[Relation]) -> bool:
    """Whether one of `relations` allows `action`."""
    return bool(ALLOWED[action] & relations)


def enforce(caller: Caller, action: Action, relations: frozenset[Relation]) -> None:
    """Raise NotAllowed unless one of the caller's relations allows the action."""
    standing = relations | ({Relation.OPERATOR} if caller.is_operator else frozenset())
    require(allowed(action, standing), NotAllowed, party=caller.party, action=action.value)
