"""What the operator looks after: commands under way, requests in quarantine, messages that nobody took.

A party sees its own of each; what is done about them is the operator's alone (R29).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hanota.app.desk.shaping import Shaper
from hanota.app.desk.views import CommandView, DeadLetterView, QuarantineView, Replayed
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.devices.screen import Showing
from hanota.model.access import Action, Caller, Relation, enforce
from hanota.model.statements import StatementReason
from hanota.process.statements import StatementRefused
from hanota.records.store import Store
from hanota.records.store.commands import commands
from hanota.records.store.messages import dead_letters, replay
from hanota.records.store.quarantine import NotHeld, quarantined
from hanota.wire.zcl import Answer

Act = Callable[[int, Instant], object]


def _nothing_held(number: int, _: Instant) -> None:
    raise NotHeld(number=number)


def _unattested(_: bytes, __: Instant) -> bool:
    raise StatementRefused(StatementReason.LOCAL_UPGRADES_BANNED)


def _dark(_: Eui64) -> None:
    return None


def _unheard(_: Eui64, __: Answer, ___: int) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What is done at the operator's word: a request that is held goes on, or is dropped (raises NotHeld); a button of
    a consumer's screen is pressed, in answer to the question of a number. `showing` gives what such a screen shows.
    `attest` takes a signed statement (raises StatementRefused).

    `lane` is the chain of events in which what happens to messages is told.
    """

    showing: Callable[[Eui64], Showing | None] = _dark
    press: Callable[[Eui64, Answer, int], object] = _unheard
    attest: Callable[[bytes, Instant], bool] = _unattested
    release: Act = _nothing_held
    drop: Act = _nothing_held
    lane: str = "0"


class Operating:
    """The desk's part for operators; each method enforces access before it reads."""

    def __init__(self, store: Store, acts: Acts, now: Callable[[], Instant]) -> None:
        self._store, self._acts, self._now = store, acts, now

    def commands(self, caller: Caller, limit: int = 100) -> list[CommandView]:
        """Give commands to devices, newest first: a party's own, or to the operator all."""
        enforce(caller, Action.SEE_COMMANDS, frozenset({Relation.SENDER}))
        with self._store.reading() as connection:
            rows = commands(connection, party=caller.party, limit=limit)
        return [Shaper(self._now()).command(row) for row in rows]

    def quarantined(self, caller: Caller, limit: int = 100) -> list[QuarantineView]:
        """Give requests that are or were held, newest first: a party's own, or to the operator all."""
        enforce(caller, Action.SEE_QUARANTINE, frozenset({Relation.SENDER}))
        with self._store.reading() as connection:
            rows = quarantined(connection, party=caller.party, limit=limit)
        return [Shaper(self._now()).quarantine(row) for row in rows]

    def release(self, caller: Caller, number: int) -> None:
        """Let a request that is held go on as if it had just come. Raises NotHeld."""
        enforce(caller, Action.DECIDE_QUARANTINE, frozenset())
        self._acts.release(number, self._now())

    def drop(self, caller: Caller, number: int) -> None:
        """Refuse a request that is held. Raises NotHeld."""
        enforce(caller, Action.DECIDE_QUARANTINE, frozenset())
        self._acts.drop(number, self._now())

    def dead_letters(self, caller: Caller, limit: int = 100) -> list[DeadLetterView]:
        """Give messages that were given up, the latest first: a party's own, or to the operator all."""
        enforce(caller, Action.SEE_DEAD_LETTERS, frozenset({Relation.RECIPIENT}))
        with self._store.reading() as connection:
            rows = dead_letters(connection, caller.party, limit)
        return [Shaper(self._now()).dead_letter(row) for row in rows]

    def replay(self, caller: Caller, messages: Sequence[int]) -> Replayed:
        """Let messages that were given up be tried anew; numbers of others are passed over."""
        enforce(caller, Action.REPLAY, frozenset())
        with self._store.writing() as connection:
            return Replayed(messages=replay(connection, self._acts.lane, messages, self._now()))
