"""The fake desk's part for operators: one command, one request held, two messages given up."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hanota.app.desk.errors import NotAllowed, NotHeld
from hanota.app.desk.views import CommandView, DeadLetterView, QuarantineView, Replayed
from hanota.base.instant import MINUTE, Instant, iso, parse_iso
from hanota.model.access import Action, Caller

START = parse_iso("2026-01-15T09:00:00Z")
SUPPLIER = "90-B3-D5-1F-30-01-00-00"
HELD_ID = f"{SUPPLIER}:90-B3-D5-1F-30-00-00-02:1201"
COMMAND_ID = f"{SUPPLIER}:00-DB-12-34-56-78-90-A0:1300"
ESME = "00-DB-12-34-56-78-90-A0"


def _ago(minutes: int) -> str:
    return iso(Instant(START - minutes * MINUTE))


def _letters() -> list[DeadLetterView]:
    common = {
        "party": SUPPLIER,
        "party_name": "Northlight Energy",
        "tries": 20,
        "since": _ago(1440),
        "given_up_at": _ago(3),
        "error": "HTTP 503 from http://127.0.0.1:9999/duis",
    }
    return [
        DeadLetterView(message=41, response_id=COMMAND_ID, kind="Response", device=ESME, devices=1, **common),
        DeadLetterView(
            message=40, response_id=f"{SUPPLIER}/40", kind="UpgradeRequested", device=None, devices=3900, **common
        ),
    ]


@dataclass
class FakeOperating:
    """Keeps OperatingPort. Tests read `acts` and change what there is."""

    quarantine_state: str = "held"
    letters: list[DeadLetterView] = field(default_factory=_letters)
    acts: list[tuple[str, object]] = field(default_factory=list)
    nothing_to_do: bool = False
    decided_elsewhere: bool = False

    def commands(self, caller: Caller, limit: int = 100) -> list[CommandView]:
        if self.nothing_to_do or not _sees(caller):
            return []
        row = CommandView(
            command=7,
            request_id=COMMAND_ID,
            command_variant=5,
            service_reference="11.3",
            party=SUPPLIER,
            party_name="Northlight Energy",
            device=ESME,
            state="SENT",
            ended=False,
            since=_ago(2),
            execute_at=None,
            deadline=_ago(-30),
        )
        dated = {"command": 6, "state": "DATED", "execute_at": _ago(-600), "since": _ago(9)}
        return [row, row.model_copy(update=dated)][:limit]

    def quarantined(self, caller: Caller, limit: int = 100) -> list[QuarantineView]:
        if self.nothing_to_do or not _sees(caller):
            return []
        return [
            QuarantineView(
                number=12,
                request_id=HELD_ID,
                service_reference="11.4",
                party=SUPPLIER,
                party_name="Northlight Energy",
                state=self.quarantine_state,
                since=_ago(4),
                decided_at=None if self.quarantine_state == "held" else _ago(0),
            )
        ][:limit]

    def release(self, caller: Caller, number: int) -> None:
        self._decide(caller, number, "released")

    def drop(self, caller: Caller, number: int) -> None:
        self._decide(caller, number, "dropped")

    def dead_letters(self, caller: Caller, limit: int = 100) -> list[DeadLetterView]:
        return [] if self.nothing_to_do or not _sees(caller) else self.letters[:limit]

    def replay(self, caller: Caller, messages: Sequence[int]) -> Replayed:
        if not caller.is_operator:
            raise NotAllowed(party=caller.party, action=Action.REPLAY)
        due = [letter for letter in self.letters if letter.message in messages]
        self.letters = [letter for letter in self.letters if letter.message not in messages]
        self.acts.append(("replay", list(messages)))
        return Replayed(messages=len(due))

    def _decide(self, caller: Caller, number: int, state: str) -> None:
        if not caller.is_operator:
            raise NotAllowed(party=caller.party, action=Action.DECIDE_QUARANTINE)
        if number != 12 or self.quarantine_state != "held" or self.decided_elsewhere:
            raise NotHeld(number=number)
        self.quarantine_state = state
        self.acts.append((state, number))


def _sees(caller: Caller) -> bool:
    return caller.is_operator or str(caller.party) == SUPPLIER
