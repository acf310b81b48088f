"""The screen of an IHD or PPMID: what it shows now, and the buttons that its consumer presses (R27).

A question of the hub stays on the screen until it is answered, taken back, or its image is gone. An answer is stored
in the turn in which it was given, and said again until the hub takes the question back, which tells that it has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, SECOND, Instant, zigbee_utc
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.memory import pack, unpack
from hanota.model.lifecycle import lifecycle
from hanota.wire.zcl import (
    ANSWER,
    MESSAGING_CLUSTER,
    SHOWN,
    UNTIL_TAKEN_BACK,
    Answer,
    CancelMessage,
    Command,
    DisplayMessage,
    GetLastMessage,
    MessageConfirmation,
    read_question,
    write_answer,
    write_command,
)

QUESTION: Final = lifecycle(
    "question on a screen",
    start="CLOSED",
    terminal=("CLOSED",),
    table="""
    CLOSED          question_came  SHOWN
    SHOWN|ANSWERED  question_came  SHOWN      # a later one takes the earlier one's place
    SHOWN           pressed        ANSWERED   # said to the hub until it has it
    SHOWN|ANSWERED  taken_back     CLOSED
    SHOWN|ANSWERED  image_gone     CLOSED     # activated or dropped: the hub has reacted
    """,
)

RETRY: Final = Backoff(first_ms=3 * SECOND, longest_ms=10 * MINUTE)
HOLDING: Final = frozenset({"ENDING", "WAITING"})
"""States of the OTA client in which an image waits to be activated: only then there is something to ask."""

_RECORD: Final = "screen"
_TRIED: Final = "tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the hub asked last, and how that stands. `message` is the hub's number for it."""

    message: int
    text: str
    buttons: tuple[Answer, ...]
    since: Instant
    state: str
    answer: Answer | None = None
    answered_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A text that asks nothing, shown until `until`; None: without an end."""

    message: int
    text: str
    until: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How the last update ended, and the version that ran afterwards."""

    worked: bool
    version: int
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What a screen shows. `offered` is the version of the image under way, `octets` of `of` are here.

    `client` is the state of the OTA client, `on` whether the device is up.
    """

    on: bool
    version: int
    client: str
    offered: int | None
    octets: int
    of: int
    question: Question | None
    notice: Notice | None
    tried: Tried | None


class Screen:
    """The part of a device that a consumer sees. Messages are numbered upwards, so a late copy is known."""

    def __init__(self, hub: Eui64, memory: Mapping[str, bytes]) -> None:
        self._hub = hub
        kept = unpack(memory[_RECORD]) if _RECORD in memory else {}
        ours = kept if kept.get("hub") == str(hub) else {}  # another hub counts its messages anew
        self.question = _question(ours["question"]) if ours.get("question") else None
        self.notice = Notice(**ours["notice"]) if ours.get("notice") else None
        self.tried = Tried(**unpack(memory[_TRIED])) if _TRIED in memory else None
        self._sequence = 0
        self._tries = 0
        self.due: Instant | None = None

    def start(self, client: str, turn: Turn) -> None:
        """Go on after a boot: say again what the hub has not taken, or ask it what is to be shown."""
        self._tries = 0
        turn.note("screen_on", client=client)
        state = self.question.state if self.question is not None else QUESTION.start
        self.due = turn.now if state == "ANSWERED" else None
        if client == "WAITING" and state == "CLOSED":
            self._send(GetLastMessage(), turn)
        self.do_due(turn)

    def do_due(self, turn: Turn) -> None:
        """Say the answer, again and ever later."""
        question = self.question
        if self.due is None or self.due > turn.now or question is None or question.answer is None:
            return
        at = zigbee_utc(question.answered_at or turn.now)
        self._send(MessageConfirmation(question.message, at, write_answer(question.answer)), turn)
        self.due = Instant(turn.now + RETRY.wait_ms(self._tries))
        self._tries += 1

    def on_command(self, command: Command, client: str, turn: Turn) -> None:
        """Take a message of the hub, or its taking back; what is late changes nothing."""
        if isinstance(command, DisplayMessage):
            if command.control & ANSWER:
                self._on_question(command, client, turn)
            else:
                self._on_notice(command, turn)
        elif isinstance(command, CancelMessage):
            if self.question is not None and self.question.message == command.message:
                self._close("taken_back", turn)
            if self.notice is not None and self.notice.message == command.message:
                self.notice = None
                self._store(turn)

    def press(self, answer: Answer, turn: Turn) -> None:
        """The consumer presses a button; one that is not on the screen does nothing."""
        question = self.question
        if question is None or question.state != "SHOWN" or answer not in question.buttons:
            turn.note("press_ignored", answer=answer.value)
            return
        turn.note("pressed", answer=answer.value, message=question.message)
        moved = QUESTION.move(question.state, "pressed")
        self.question = replace(question, state=moved, answer=answer, answered_at=turn.now)
        self._store(turn)
        self._tries = 0
        self.due = turn.now
        self.do_due(turn)

    def follow(self, client: str, turn: Turn) -> None:
        """Close the question whose image is gone."""
        if client not in HOLDING:
            self._close("image_gone", turn)

    def end_trial(self, worked: bool, version: int, turn: Turn) -> None:
        """Remember how an update ended."""
        self.tried = Tried(worked=worked, version=version, at=turn.now)
        turn.store(_TRIED, pack({"worked": worked, "version": version, "at": turn.now}))

    def _on_question(self, message: DisplayMessage, client: str, turn: Turn) -> None:
        known = self.question
        if client not in HOLDING or (known is not None and message.message < known.message):
            return
        if known is None or message.message > known.message:
            text, buttons = read_question(message.text)
            state = QUESTION.move(known.state if known is not None else QUESTION.start, "question_came")
            self.question = Question(message=message.message, text=text, buttons=buttons, since=turn.now, state=state)
            self.notice = self.due = None
            self._store(turn)
            turn.note("question_shown", message=message.message, buttons=",".join(buttons))
        elif known.state == "ANSWERED":
            self.due, self._tries = turn.now, 0
            self.do_due(turn)
        if self.question is not None and self.question.state == "SHOWN" and message.control & SHOWN:
            self._send(MessageConfirmation(message.message, zigbee_utc(turn.now)), turn)

    def _on_notice(self, message: DisplayMessage, turn: Turn) -> None:
        latest = max((each.message for each in (self.question, self.notice) if each is not None), default=-1)
        if message.message > latest:
            until = None if message.minutes == UNTIL_TAKEN_BACK else Instant(turn.now + message.minutes * MINUTE)
            text = message.text.decode("utf-8", "replace")
            self.notice = Notice(message=message.message, text=text, until=until)
            self._store(turn)
            turn.note("notice_shown", message=message.message)
        if self.notice is not None and self.notice.message == message.message and message.control & SHOWN:
            self._send(MessageConfirmation(message.message, zigbee_utc(turn.now)), turn)

    def _close(self, event: str, turn: Turn) -> None:
        question = self.question
        if question is None or not QUESTION.takes(question.state, event):
            return
        self.question = replace(question, state=QUESTION.move(question.state, event))
        self.due = None
        turn.note("question_closed", message=question.message, why=event)
        self._store(turn)

    def _send(self, command: Command, turn: Turn) -> None:
        self._sequence = (self._sequence + 1) & 0xFF
        turn.send_han(self._hub, MESSAGING_CLUSTER, write_command(self._sequence, command))

    def _store(self, turn: Turn) -> None:
        asked, told = self.question, self.notice
        question = None if asked is None else {name: getattr(asked, name) for name in Question.__slots__}
        notice = None if told is None else {name: getattr(told, name) for name in Notice.__slots__}
        turn.store(_RECORD, pack({"hub": str(self._hub), "question": question, "notice": notice}))


def _question(kept: dict[str, object]) -> Question:
    buttons, answer = kept["buttons"], kept["answer"]
    assert isinstance(buttons, list)
    read = {"buttons": tuple(Answer(word) for word in buttons), "answer": Answer(str(answer)) if answer else None}
    return Question(**(kept | read))  # type: ignore[arg-type]  # what `_store` wrote
