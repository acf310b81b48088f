"""What may happen to a hub's arbitration, one small event at a time, over the hub's real order book.

A state is an order book with the memory it has stored. An event forks both, so that a state can be gone on from in
every direction. An order that ends is sent once more, which must change nothing, and is then forgotten, as the hub does
after a long time: so it may come again, and sequences of any length are covered by few states.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Final, NamedTuple

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import TransferResponseCode
from hanota.edge.effects import Store, Turn
from hanota.edge.hub.arbitration import of_meter, steps_aside
from hanota.edge.hub.orders import Order
from hanota.edge.hub.slots import REFETCHES_MAX, Slot
from hanota.edge.memory import unpack
from hanota.sim.arbitration_home import NOW, Book, Home
from hanota.wire.wan import Cancel

Key = frozenset[tuple[object, ...]]


class Event(NamedTuple):
    """One thing that happens: its kind, and the order (by number) or slot (by name) that it happens to."""

    kind: str
    order: int = 0
    slot: str = ""


@dataclass(eq=False)
class State:
    """A hub between two turns, and what the last event showed.

    How orders ended, what the hub told of orders by receipts and of devices by alerts, whether a device was told to
    wait (`waited`), and whether an order that had ended still changed something (`echoed`).
    """

    home: Home
    book: Book
    memory: dict[str, bytes]
    receipts: frozenset[tuple[int, str]] = frozenset()
    alerts: frozenset[tuple[Eui64, TransferResponseCode]] = frozenset()
    ended: dict[int, str] = field(default_factory=dict)
    waited: bool = False
    echoed: bool = False

    @classmethod
    def first(cls, home: Home) -> "State":
        """A hub that has never had an order."""
        return cls(home, home.book({}), {})

    def fork(self) -> "State":
        """Give a state that can go on without touching this one."""
        return State(self.home, _fork(self.book), dict(self.memory))

    def turn(self, handler: Callable[[Turn], object]) -> None:
        """Let one handler run, and keep what it stores."""
        turn = Turn(NOW)
        handler(turn)
        for effect in turn.effects:
            if type(effect) is not Store:
                continue
            if effect.value is None:
                self.memory.pop(effect.key, None)
            else:
                self.memory[effect.key] = effect.value

    @cached_property
    def live(self) -> dict[int, Order]:
        """The orders that have not ended, by number."""
        return {order.number: order for order in self.book.live()}

    @cached_property
    def needing(self) -> tuple[Order, ...]:
        """The live orders whose device does not have the image yet."""
        return tuple(o for o in self.live.values() if o.state in ("ACCEPTED", "HELD", "TRANSFERRING"))

    @cached_property
    def attentive(self) -> frozenset[int]:
        """The orders of meters that have asked for something of late, where that matters."""
        return _attentive(self)

    @cached_property
    def key(self) -> Key:
        """The state in canonical form: what the hub remembers, and who is attentive."""
        return _key(self)


def _attentive(state: State) -> frozenset[int]:
    if state.home.config.priority == "none":
        return frozenset()
    return frozenset(order.number for order in state.book.live() if of_meter(order) and order.asked_at is not None)


def _key(state: State) -> Key:
    facts = [_fact(key, value) for key, value in state.memory.items()]
    return frozenset([*facts, *(("attentive", number) for number in _attentive(state))])


def _fact(key: str, value: bytes) -> tuple[object, ...]:
    if key.startswith("order/"):
        return (key, *_standing(value))
    return key, value


_STANDINGS: Final[dict[bytes, tuple[str, str]]] = {}


def _standing(record: bytes) -> tuple[str, str]:
    """Read a kept order's state, and its slot while that matters; the same record was read often before."""
    if record not in _STANDINGS:
        kept = unpack(record)
        _STANDINGS[record] = kept["state"], kept["slot"] if kept["state"] != "CONSENT" else ""
    return _STANDINGS[record]


def _fork(book: Book) -> Book:
    """Copy all that a turn may change."""
    twin: Book = _copied(book)
    twin._orders = {number: _fork_order(order) for number, order in book._orders.items()}
    twin._cancelled_early = dict(book._cancelled_early)
    twin.slots = {name: _fork_slot(slot) for name, slot in book.slots.items()}
    return twin


def _fork_slot(slot: Slot) -> Slot:
    twin: Slot = _copied(slot)
    twin.image = bytearray(slot.image)
    twin._kept = list(slot._kept)
    return twin


def _copied(thing: Any) -> Any:
    """Do what copy.copy does, several times faster: this is where an exploration spends its time."""
    twin = object.__new__(type(thing))
    twin.__dict__.update(thing.__dict__)
    return twin


_ORDER_FIELDS: Final = tuple(field.name for field in fields(Order))


def _fork_order(order: Order) -> Order:
    twin = object.__new__(Order)
    for name in _ORDER_FIELDS:
        setattr(twin, name, getattr(order, name))
    return twin


def _arrives(state: State, event: Event) -> None:
    planned = state.home.orders[event.order]
    state.turn(lambda turn: state.book.take_order(planned.order, planned.frame, turn))


def _arrives_late(state: State, event: Event) -> None:
    planned = state.home.orders[event.order]
    state.turn(lambda turn: state.book.take_order(planned.late, planned.late_frame, turn))


def _cancelled(state: State, event: Event) -> None:
    state.turn(lambda turn: state.book.take_cancel(Cancel(order=event.order, sent=NOW), turn))


def _overtaken(state: State, event: Event) -> None:
    _cancelled(state, event)
    _restarts(state, event)
    _arrives(state, event)


def _runs_out(state: State, event: Event) -> None:
    order = state.book._orders[event.order]
    order.distribute = replace(order.distribute, expires=NOW)
    if order.state == "CONSENT":  # which has a time of its own
        order.since = Instant(0)
    state.turn(state.book.do_due)


def _asks(state: State, event: Event) -> None:
    order, policies = state.book._orders[event.order], state.home.policies
    order.asked_at = NOW
    state.waited = steps_aside(order, state.book.live(), NOW, policies)
    if not state.waited and order.state == "HELD":
        state.turn(lambda turn: order.move("block_asked", turn))


def _ends(how: str) -> Callable[[State, Event], None]:
    def end(state: State, event: Event) -> None:
        state.turn(lambda turn: state.book.end(state.book._orders[event.order], how, turn))

    return end


def _hands_over(state: State, event: Event) -> None:
    state.turn(lambda turn: state.book.hand_over(state.book._orders[event.order], turn))


def _image_of(state: State, event: Event) -> str:
    facts = state.book.slots[event.slot].facts
    assert facts is not None
    return state.home.image_names[facts.sha256]


def _comes(state: State, event: Event) -> None:
    chunk = state.home.chunk(_image_of(state, event))
    state.turn(lambda turn: state.book.take_chunk(chunk, turn))


def _damaged(state: State, event: Event) -> None:
    chunk = state.home.chunk(_image_of(state, event), damaged=True)
    for _ in range(REFETCHES_MAX + 1):
        state.turn(lambda turn: state.book.take_chunk(chunk, turn))


def _restarts(state: State, _: Event) -> None:
    heard = _attentive(state)
    state.book = state.home.book(state.memory)
    for number in heard:  # a meter that fetches asks again at once
        state.book._orders[number].asked_at = NOW
    state.turn(state.book.start)


def _silent(state: State, _: Event) -> None:
    for number in _attentive(state):
        state.book._orders[number].asked_at = None


class Kind(NamedTuple):
    """A kind of event: what it does, how the orders it happens to may end by it, and what it is in words."""

    do: Callable[[State, Event], None]
    ends: frozenset[str]
    words: str


KINDS: Final[Mapping[str, Kind]] = {
    "arrives": Kind(_arrives, frozenset(), "{supplier} orders image {image} for {device}{force}"),
    "arrives_late": Kind(_arrives_late, frozenset({"EXPIRED"}), "order {order} for {device} comes past its expiry"),
    "overtaken": Kind(_overtaken, frozenset({"CANCELLED"}), "order {order} comes after its Cancel and a restart"),
    "cancelled": Kind(_cancelled, frozenset({"CANCELLED"}), "order {order} is cancelled"),
    "runs_out": Kind(_runs_out, frozenset({"EXPIRED", "DISCARDED"}), "order {order} runs out of time"),
    "asks": Kind(_asks, frozenset(), "{device} asks for a block"),
    "takes": Kind(_ends("image_taken"), frozenset({"TRANSFERRED"}), "{device} has image {image}"),
    "fails": Kind(_ends("device_failed"), frozenset({"TRANSFER_FAILED"}), "{device} rejects image {image}"),
    "hands_over": Kind(_hands_over, frozenset(), "{device} has image {image} and asks its consumer"),
    "consents": Kind(_ends("consent_given"), frozenset({"TRANSFERRED"}), "the consumer at {device} says yes"),
    "refuses": Kind(_ends("consent_refused"), frozenset({"DISCARDED"}), "the consumer at {device} says no"),
    "unfit": Kind(_ends("hardware_differed"), frozenset({"HARDWARE_MISMATCH"}), "{device} is of other hardware"),
    "comes": Kind(_comes, frozenset(), "the image for slot {slot} comes"),
    "damaged": Kind(_damaged, frozenset({"HASH_MISMATCH"}), "the image for slot {slot} comes damaged, again and again"),
    "restarts": Kind(_restarts, frozenset(), "the hub restarts"),
    "silent": Kind(_silent, frozenset(), "the meters fall silent"),
}


def words_of(home: Home, event: Event) -> str:
    """Say an event in words."""
    plan = home.orders[event.order].plan if event.order else None
    facts = {"order": event.order, "slot": home.slot_name(event.slot)}
    if plan is not None:
        force = f", ForceReplace {plan.force_replace}" if plan.force_replace else ""
        facts |= {"supplier": plan.supplier, "image": plan.image, "device": plan.device, "force": force}
    return KINDS[event.kind].words.format(**facts)


def possible(state: State) -> Iterator[Event]:
    """Give every event that may happen in a state."""
    yield Event("restarts")
    for number in state.home.orders:
        yield Event("arrives", number)
        if number not in state.live:
            yield Event("arrives_late", number)
            yield Event("overtaken", number)
    for number, order in state.live.items():
        yield Event("cancelled", number)
        yield Event("runs_out", number)
        if order.served:
            asks_consumer = state.home.config.consent and not of_meter(order)
            taken = "hands_over" if asks_consumer else "takes"
            yield from (Event(kind, number) for kind in ("asks", taken, "fails"))
        if order.state == "CONSENT":
            yield from (Event(kind, number) for kind in ("consents", "refuses"))
        if order.state == "HELD":
            yield Event("unfit", number)
    for name, slot in state.book.slots.items():
        if slot.receiving and slot.facts is not None:
            yield Event("comes", slot=name)
            yield Event("damaged", slot=name)
    if state.attentive:
        yield Event("silent")


def follow(state: State, event: Event) -> State:
    """Give the state after an event. Raises what the hub raises: it should raise nothing."""
    mailbag = state.home.mailbag
    mailbag.receipts.clear()
    mailbag.alerts.clear()
    after = state.fork()
    KINDS[event.kind].do(after, event)
    after.receipts = frozenset((receipt.order, receipt.status.name) for receipt in mailbag.receipts)
    after.alerts = frozenset(mailbag.alerts)
    after.ended = {order.number: order.state for order in after.book._orders.values() if order.ended}
    for number in after.ended:
        before = dict(after.memory)
        _arrives(after, Event("arrives", number))
        after.echoed |= after.memory != before
        _forget(after, number)
    return after


def _forget(state: State, number: int) -> None:
    state.turn(state.book._orders.pop(number).forget)
    if state.book._cancelled_early.pop(number, None) is not None:
        del state.memory[f"cancelled/{number:016x}"]
