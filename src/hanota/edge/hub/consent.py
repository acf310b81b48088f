"""Asking a consumer before an IHD or PPMID runs a new image, on the device's own screen (R27; ADR 10).

The device holds the image and waits to be told when to activate it. The hub puts a question on its screen by the
Messaging cluster, and repeats it until the device says that it is shown; the device repeats an answer until the hub
takes the question back. A no is told to the head end first: only when it has that on disk does the order end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, MINUTE, Instant, zigbee_utc
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.hub.book import OrderBook
from hanota.edge.hub.orders import Order
from hanota.edge.hub.outbox import Outbox
from hanota.edge.memory import below, pack, unpack
from hanota.model.lifecycle import lifecycle
from hanota.model.profiles import PROFILES
from hanota.wire.wan import ConsentAnswer, ConsentGiven
from hanota.wire.zcl import (
    ANSWER,
    MESSAGING_CLUSTER,
    OTA_CLUSTER,
    SHOWN,
    UNTIL_TAKEN_BACK,
    Answer,
    CancelMessage,
    Command,
    DisplayMessage,
    GetLastMessage,
    ImageBlockResponse,
    MessageConfirmation,
    OtaStatus,
    UpgradeEndResponse,
    read_answer,
    write_command,
    write_question,
)

CONSENT: Final = lifecycle(
    "consent at a hub",
    start="NEW",
    terminal=("DONE",),
    table="""
    NEW                             to_tell       TELLING    # mode notify: the image is activated meanwhile
    NEW                             to_ask        ASKING
    TELLING                         shown         DONE
    TELLING                         tried_enough  DONE
    ASKING                          shown         ASKED      # the device has it on its screen
    ASKING|ASKED                    said_yes      ACCEPTED
    ASKING|ASKED                    said_later    DEFERRED
    ASKING|ASKED                    said_no       REFUSED    # the order lives until the head end knows
    ASKED|DEFERRED                  asked_enough  ACCEPTED   # mode may_defer: installed all the same
    DEFERRED                        time_over     ASKING     # again, under a new number
    ASKING|ASKED|DEFERRED|REFUSED   order_ended   WITHDRAWN
    ACCEPTED|WITHDRAWN              tried_enough  DONE       # from now on the device learns it when it asks
    """,
)

RETRY: Final = Backoff(first_ms=15_000, longest_ms=30 * MINUTE)
REMIND_MS: Final = DAY  # of a question that is on the screen: a device that lost it shows it again
TRIES_MAX: Final = 8
"""How often a device is told unasked of the outcome; one that waits for it asks by itself within the hour."""

NOTICE_MINUTES: Final = 24 * 60
_NOW: Final = 0
_KEPT: Final = "consent/"
_LAST: Final = "message"

_NOTICE: Final = "New software {version:08X}: this display updates itself and restarts once. Your settings stay."
_QUESTION: Final = "New software {version:08X} is here. It takes some minutes; your settings stay. Install it now?"
_EVENTS: Final = {Answer.YES: "said_yes", Answer.LATER: "said_later", Answer.NO: "said_no"}


@dataclass(slots=True, kw_only=True)
class Asking:
    """How far the asking for one order is. `message` is the number of the present question, `event` that of the uplink
    which tells of a refusal; `until` ends a deferral, `silent_until` the wait for any answer at all.
    """

    order: int
    device: Eui64
    image: tuple[int, int, int]
    state: str
    message: int = 0
    defers: int = 0
    event: int = 0
    until: Instant | None = None
    silent_until: Instant | None = None
    tries: int = field(default=0, compare=False)
    due: Instant | None = field(default=None, compare=False)

    def pack(self) -> bytes:
        """Write what has to outlive a restart."""
        return pack(
            {
                "device": str(self.device),
                "image": self.image,
                "state": self.state,
                "message": self.message,
                "defers": self.defers,
                "event": self.event,
                "until": self.until,
                "silent_until": self.silent_until,
            }
        )

    @classmethod
    def unpack(cls, order: int, octets: bytes) -> "Asking":
        """Read what `pack` wrote."""
        kept = unpack(octets)
        return cls(order=order, **kept | {"device": Eui64.parse(kept["device"]), "image": tuple(kept["image"])})


class Consents:
    """Every asking of one hub, by the number of its order."""

    def __init__(self, book: OrderBook, outbox: Outbox, memory: Mapping[str, bytes]) -> None:
        self._book = book
        self._outbox = outbox
        self._policy = book.policies.consent
        self._askings = {int(key, 16): Asking.unpack(int(key, 16), kept) for key, kept in below(memory, _KEPT)}
        self._last = int.from_bytes(memory.get(_LAST, b""), "big")
        self._sequence = 0

    @property
    def due(self) -> Instant | None:
        """When something is to be said or decided."""
        return min((asking.due for asking in self._askings.values() if asking.due is not None), default=None)

    def start(self, turn: Turn) -> None:
        """Go on after a restart."""
        for asking in self._askings.values():
            asking.tries = 0
            asking.due = max(turn.now, asking.until or turn.now) if asking.state == "DEFERRED" else turn.now
        self.settle(turn)

    def image_taken(self, order: Order, turn: Turn) -> None:
        """The device has the whole image: ask, tell, or just let it be activated, by policy `consent.mode`."""
        on_screen = PROFILES[order.distribute.device_type].consent_display
        mode = self._policy.mode if on_screen else "none"
        if mode in ("none", "notify"):
            self._book.end(order, "image_taken", turn)
        else:
            self._book.hand_over(order, turn)
        if mode == "none":
            return
        asking = Asking(order=order.number, device=order.device, image=order.facts[2:5], state=CONSENT.start)
        self._askings[order.number] = asking
        self._number(asking, turn)
        if mode == "notify":
            self._outbox.put(_given(order.number, ConsentAnswer.TOLD), turn)
        self._move(asking, "to_tell" if mode == "notify" else "to_ask", turn)
        self.do_due(turn)

    def standing(self, device: Eui64, image: tuple[int, int, int]) -> Order | None:
        """Give the order whose image the device holds while its consumer is asked."""
        order = self._book.order_of(device)
        return order if order is not None and order.state == "CONSENT" and order.names(*image) else None

    def refused(self, order: Order) -> bool:
        """Whether the consumer has said no to an order that has not ended yet."""
        asking = self._askings.get(order.number)
        return asking is not None and asking.state == "REFUSED"

    def on_command(self, sender: Eui64, command: Command, turn: Turn) -> None:
        """Take what a device says of a message."""
        asking = next((each for each in self._askings.values() if each.device == sender and _open(each)), None)
        if isinstance(command, MessageConfirmation):
            answer = read_answer(command.answer)
            if asking is not None and asking.message == command.message:
                self._confirmed(asking, answer, turn)
            elif answer is not None:
                self._send(sender, MESSAGING_CLUSTER, CancelMessage(command.message), turn)
        elif isinstance(command, GetLastMessage) and asking is not None and asking.state != "DEFERRED":
            asking.due = turn.now
        self.do_due(turn)

    def settle(self, turn: Turn) -> None:
        """Follow what happened to orders and uplinks in this turn."""
        if not self._askings:
            return
        for asking in list(self._askings.values()):
            order = self._book.order(asking.order)
            live = order is not None and not order.ended
            if asking.state == "REFUSED" and order is not None and live and not self._outbox.waits(asking.event):
                self._book.end(order, "consent_refused", turn)
                live = False
            if not live and CONSENT.takes(asking.state, "order_ended"):
                self._move(asking, "order_ended", turn)
        self.do_due(turn)

    def do_due(self, turn: Turn) -> None:
        """Ask and tell again, and end what has waited long enough."""
        for asking in list(self._askings.values()):
            if asking.due is None or asking.due > turn.now:
                continue
            if asking.state == "DEFERRED":
                self._deferral_over(asking, turn)
            elif asking.state == "ASKED" and asking.silent_until is not None and asking.silent_until <= turn.now:
                self._install_unasked(asking, turn)
            if asking.state in ("TELLING", "ACCEPTED", "WITHDRAWN") and self._told_enough(asking):
                self._move(asking, "tried_enough", turn)
            elif asking.due is not None and asking.due <= turn.now:
                self._say(asking, turn)

    def _told_enough(self, asking: Asking) -> bool:
        """Whether a device has heard of an outcome often enough; a later order of it ends that in any case."""
        later = self._book.order_of(asking.device)
        return asking.tries >= TRIES_MAX or (later is not None and later.number != asking.order)

    def _say(self, asking: Asking, turn: Turn) -> None:
        """Tell the device how things stand, again and ever later."""
        match asking.state:
            case "TELLING":
                text = _NOTICE.format(version=asking.image[2]).encode()
                notice = DisplayMessage(asking.message, SHOWN, _NOW, NOTICE_MINUTES, text)
                self._send(asking.device, MESSAGING_CLUSTER, notice, turn)
            case "ASKING" | "ASKED":
                text = write_question(_QUESTION.format(version=asking.image[2]), self._buttons(asking))
                question = DisplayMessage(asking.message, SHOWN | ANSWER, _NOW, UNTIL_TAKEN_BACK, text)
                self._send(asking.device, MESSAGING_CLUSTER, question, turn)
            case "ACCEPTED":
                self._send(asking.device, OTA_CLUSTER, UpgradeEndResponse(*asking.image, _NOW, _NOW), turn)
            case _:
                self._send(asking.device, MESSAGING_CLUSTER, CancelMessage(asking.message), turn)
                self._send(asking.device, OTA_CLUSTER, ImageBlockResponse(OtaStatus.ABORT), turn)
        wait_ms = REMIND_MS if asking.state == "ASKED" else RETRY.wait_ms(asking.tries)
        ends = asking.silent_until if asking.state == "ASKED" else None
        asking.due = min(Instant(turn.now + wait_ms), ends or Instant(turn.now + wait_ms))
        asking.tries += 1

    def _buttons(self, asking: Asking) -> tuple[Answer, ...]:
        offered = {
            Answer.YES: True,
            Answer.LATER: asking.defers < self._policy.defers_max,
            Answer.NO: self._policy.mode == "may_refuse",
        }
        return tuple(answer for answer, given in offered.items() if given)

    def _confirmed(self, asking: Asking, answer: Answer | None, turn: Turn) -> None:
        """The question is on the screen, or was answered."""
        if CONSENT.takes(asking.state, "shown"):
            self._on_screen(asking, turn)
        if answer is None:
            return
        if CONSENT.takes(asking.state, _EVENTS[answer]) and answer in self._buttons(asking):
            turn.note("consumer_answered", order=asking.order, device=str(asking.device), answer=answer.value)
            self._answered(asking, answer, turn)
        if asking.state not in ("ASKING", "ASKED"):
            self._send(asking.device, MESSAGING_CLUSTER, CancelMessage(asking.message), turn)

    def _on_screen(self, asking: Asking, turn: Turn) -> None:
        if asking.state == "ASKING":
            if self._policy.mode == "may_defer" and asking.silent_until is None:
                rounds = self._policy.defers_max + 1
                asking.silent_until = Instant(turn.now + self._policy.defer_ms * rounds)
            self._outbox.put(_given(asking.order, ConsentAnswer.ASKED, asking.silent_until), turn)
        self._move(asking, "shown", turn)
        if asking.state == "ASKED":
            reminder = Instant(turn.now + REMIND_MS)
            asking.due = min(reminder, asking.silent_until or reminder)

    def _answered(self, asking: Asking, answer: Answer, turn: Turn) -> None:
        if answer is Answer.YES:
            self._install(asking, "said_yes", ConsentAnswer.ACCEPTED, turn)
            return
        if answer is Answer.LATER:
            asking.defers += 1
            asking.until = Instant(turn.now + self._policy.defer_ms)
            self._outbox.put(_given(asking.order, ConsentAnswer.DEFERRED, asking.until), turn)
        else:
            asking.until = Instant(turn.now + self._policy.refusal_days * DAY)
            asking.event = self._outbox.put(_given(asking.order, ConsentAnswer.REFUSED, asking.until), turn)
        self._move(asking, _EVENTS[answer], turn)
        if answer is Answer.LATER:
            asking.due = asking.until

    def _deferral_over(self, asking: Asking, turn: Turn) -> None:
        spent = asking.defers >= self._policy.defers_max or (asking.silent_until or turn.now) < turn.now
        if self._policy.mode == "may_defer" and spent:
            self._install_unasked(asking, turn)
            return
        asking.until = None
        self._number(asking, turn)
        self._move(asking, "time_over", turn)

    def _install_unasked(self, asking: Asking, turn: Turn) -> None:
        """Install without a yes: the consumer could put it off, and has done so or said nothing for long enough."""
        self._install(asking, "asked_enough", ConsentAnswer.TOLD, turn)

    def _install(self, asking: Asking, event: str, answer: ConsentAnswer, turn: Turn) -> None:
        order = self._book.order(asking.order)
        if order is None or order.state != "CONSENT":
            return  # it has just ended: `settle` withdraws the question
        self._move(asking, event, turn)
        self._outbox.put(_given(asking.order, answer), turn)
        self._book.end(order, "consent_given", turn)

    def _number(self, asking: Asking, turn: Turn) -> None:
        """Give a question a number above all earlier ones, also above those of a hub that has lost its memory."""
        self._last = asking.message = max(self._last + 1, zigbee_utc(turn.now))
        turn.store(_LAST, self._last.to_bytes(4, "big"))

    def _send(self, device: Eui64, cluster: int, command: Command, turn: Turn) -> None:
        self._sequence = (self._sequence + 1) & 0xFF
        turn.send_han(device, cluster, write_command(self._sequence, command))

    def _move(self, asking: Asking, event: str, turn: Turn) -> None:
        asking.state = CONSENT.move(asking.state, event)
        asking.tries, asking.due = 0, turn.now
        key = f"{_KEPT}{asking.order:016x}"
        turn.note("consent", order=asking.order, device=str(asking.device), state=asking.state)
        if asking.state in CONSENT.terminal:
            del self._askings[asking.order]
            asking.due = None
            turn.store(key, None)
        else:
            turn.store(key, asking.pack())


def _open(asking: Asking) -> bool:
    """Whether the device may still say something that counts."""
    return asking.state in ("TELLING", "ASKING", "ASKED", "DEFERRED")


def _given(order: int, answer: ConsentAnswer, until: Instant | None = None) -> ConsentGiven:
    return ConsentGiven(order=order, answer=answer, until=until or Instant(0))
