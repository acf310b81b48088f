"""A town of homes behind one WAN port, frame by frame.

One heap holds everything that is going to happen: frames on their way through the air of a home, alarm clocks, homes
where the power comes back. `advance` lets it happen in order of time, makes it durable, and only then hands to the WAN
what the hubs had to say.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from hanota.base.errors import BadValue, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.devices import HanDevice
from hanota.edge.devices.screen import Showing
from hanota.edge.effects import Effect, Node, Note, SendHan, SendWan, Store, Wake
from hanota.edge.estate.building import NodeMaker
from hanota.edge.estate.description import EstateDescription, PremisesDescription
from hanota.edge.estate.memory import EstateFile
from hanota.edge.estate.rebuilding import handovers, rebuilding
from hanota.edge.han.link import HanLink, HanModel, Occupancy
from hanota.edge.han.pcap import TappedFrame
from hanota.edge.handheld import Handheld
from hanota.edge.hub import CommsHub
from hanota.model.policies import Policies
from hanota.wan.port import PremisesWan
from hanota.wire.smki.directory import KeyDirectory
from hanota.wire.zcl import Answer

EVENTS_MAX: Final = 10_000  # of one `advance`, unless told otherwise
PARENT_HOLDS_MS: Final = 7_680  # a frame for a device that sleeps (macTransactionPersistenceTime, IEEE 802.15.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Something that a node noted: for timelines, progress bars and tests."""

    at: Instant
    home: str
    node: Eui64
    kind: str
    facts: Mapping[str, object]


@dataclass(slots=True)
class PowerCut:
    """A power cut at one of a node's next writes: `writes` 1 is the next turn that stores something.

    Before the write nothing of that turn is stored; after it all is, and nothing of it was sent.
    """

    writes: int
    after: bool
    off_ms: int = 1_000
    struck: bool = False


@dataclass(slots=True, kw_only=True)
class _Seat:
    """Where a node stands: its home, its air, and the node itself while it has power.

    `skew_ms` is how far its clock is ahead of the true time.
    """

    address: Eui64
    home: str
    link: HanLink
    node: Node | None = None
    wake_at: Instant | None = None
    skew_ms: int = 0
    cut: PowerCut | None = None
    held: "list[tuple[Instant, _Frame]]" = field(default_factory=list)

    def clock(self, now: Instant) -> Instant:
        """What its clock shows at the true time `now`."""
        return Instant(now + self.skew_ms)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A ZCL frame about to arrive."""

    sender: Eui64
    cluster: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class _Alarm:
    """An alarm clock about to ring, if it has not been set differently since."""


@dataclass(frozen=True, slots=True)
class _Power:
    """Power about to come (back)."""


@dataclass(frozen=True, slots=True)
class _Handover:
    """Another Supplier's credentials about to take the place of the former one's; a device starts again with them."""


_Event = _Frame | _Alarm | _Power | _Handover


class Estate:
    """All homes of a description. Not safe between threads: one thread drives it.

    `file` is what the nodes remember; an estate on the file of an earlier one goes on where that one stopped. What was
    in the air is lost. `rng` draws latencies and losses.
    """

    def __init__(
        self,
        description: EstateDescription,
        *,
        wan: PremisesWan,
        keys: KeyDirectory,
        policies: Policies,
        rng: Random,
        file: EstateFile | None = None,
        han: HanModel | None = None,
    ) -> None:
        self._wan = wan
        self._file = file if file is not None else EstateFile()
        self._maker = NodeMaker(description, keys, policies)
        self._seats: dict[Eui64, _Seat] = {}
        self._links: dict[str, HanLink] = {}
        self._heap: list[tuple[Instant, int, Eui64, _Event]] = []
        self._pushed = 0
        self._outgoing: list[tuple[Eui64, bytes, Instant]] = []
        self._observers: list[Callable[[Observed], None]] = []
        self._tap: Callable[[TappedFrame], None] | None = None
        self._started = False
        self._handovers = [one for home in description.premises for one in handovers(home)]
        for premises in description.premises:
            link = self._links[premises.name] = HanLink(han or HanModel(), rng)
            for address in self._maker.nodes_of(premises):
                self._seats[address] = _Seat(address=address, home=premises.name, link=link)

    def observe(self, observer: Callable[[Observed], None]) -> None:
        """Tell `observer` of everything that nodes note, as it happens; it must not call back into the estate."""
        self._observers.append(observer)

    def tap(self, listener: Callable[[TappedFrame], None]) -> None:
        """Hand `listener` every frame that is sent in any home from now on, also those that don't arrive."""
        self._tap = listener

    def advance(self, now: Instant, limit: int = EVENTS_MAX) -> Instant | None:
        """Let happen what is due by `now`, at most `limit` events; give when the next is due, None if nothing is.

        A due time in the past means that the limit was reached: call again. Frames that arrive from the WAN before the
        time given are not counted in. Raises WanError where the carrier fails; what was done stays done.
        """
        if not self._started:
            self._started = True
            for address in self._seats:
                self._push(now, address, _Power())
            for since, address in self._handovers:
                if since > now:
                    self._push(since, address, _Handover())
        left = limit
        while left > 0 and (left := self._work_off(now, left)) > 0 and (arrived := self._wan.receive(now, left)):
            for hub, frame in arrived:
                left -= 1
                self._on_wan(hub, frame, now)
        self._file.commit()
        self._wan.settle()
        outgoing, self._outgoing = self._outgoing, []
        for hub, frame, at in outgoing:
            self._wan.send(hub, frame, at)
        self._wan.flush()
        return self.next_due()

    def next_due(self) -> Instant | None:
        """When something is due in the homes of itself; None if nothing is. What was done to a home counts at once."""
        return self._heap[0][0] if self._heap else None

    def reboot(self, address: Eui64, now: Instant, off_ms: int = 1_000) -> None:
        """Cut the power of one node: what it had not stored is gone; after `off_ms` it starts again from memory.

        Raises BadValue: no such node here.
        """
        seat = self._seats.get(address)
        if seat is None or isinstance(seat.node, Handheld):
            raise BadValue(kind="node", value=address, expected="a hub or device of this estate")
        require(off_ms >= 0, BadValue, kind="power-off time", value=off_ms, expected="≥ 0 ms")
        seat.node = seat.wake_at = None
        self._tell(seat, now, "power_cut", {"off_ms": off_ms})
        self._push(Instant(now + off_ms), address, _Power())

    def change_home(self, home: PremisesDescription, keys: KeyDirectory, now: Instant) -> None:
        """Let a home be as described from `now` on; `keys` hold the credentials of all.

        What leaves is gone with all that it remembered, and frames to it vanish; what comes starts with its factory
        firmware; who has another hub, device log or Supplier starts again with what it remembers. Raises BadValue: no
        such home.
        """
        change = rebuilding(self._maker.home(home.name), home, now)
        self._maker.describe(home, keys)
        for address in change.gone:
            del self._seats[address]
            self._file.forget(address)
        for address in change.fresh:
            self._seats[address] = _Seat(address=address, home=home.name, link=self._links[home.name])
            self._push(now, address, _Power())
        for address in change.again:
            if self._seats[address].node is not None:  # else it starts so when its power comes back
                self.reboot(address, now, off_ms=0)
        for since, address in change.handovers:
            self._push(since, address, _Handover())
        self._file.commit()

    def cut_at_write(self, address: Eui64, cut: PowerCut) -> None:
        """Let the power of a node go at one of its next writes."""
        self._seats[address].cut = cut

    def clock_of(self, address: Eui64, now: Instant) -> Instant:
        """Give what a node's own clock shows at the true time `now`."""
        return self._seats[address].clock(now)

    def set_clock(self, address: Eui64, skew_ms: int) -> None:
        """Let a node's clock be so far ahead of the true time, or behind it."""
        self._seats[address].skew_ms = skew_ms

    def heal(self, address: Eui64, now: Instant) -> None:
        """End what was done to a node: its clock is right, no cut is ahead, and its power comes if it is away."""
        seat = self._seats[address]
        seat.skew_ms, seat.cut = 0, None
        if seat.node is None:
            self._push(now, address, _Power())

    def inject(self, sender: Eui64, to: Eui64, cluster: int, octets: bytes, now: Instant) -> None:
        """Let a node of a home send a frame that its own firmware would not."""
        self._send_han(self._seats[sender], SendHan(to, cluster, octets), now)

    def visit(self, home: str, now: Instant, *, image: bytes = b"", device: Eui64 | None = None) -> Eui64:
        """Let somebody come with a hand-held terminal, which leaves when it is done; give its address (R25)."""
        terminal = Handheld(self._maker.home(home).hub.chf, image, device)
        seat = _Seat(address=terminal.address, home=home, link=self._links[home], node=terminal)
        self._seats[seat.address] = seat
        self._apply(seat, terminal.start(now), now)
        return seat.address

    def press(self, address: Eui64, answer: Answer, now: Instant) -> None:
        """The consumer presses a button of a device's screen; without power nothing happens."""
        seat = self._seats.get(address)
        if seat is not None and isinstance(seat.node, HanDevice):
            self._apply(seat, seat.node.press(answer, seat.clock(now)), now)

    def showing(self, address: Eui64) -> Showing | None:
        """Give what a device's screen shows; None without a screen, or without power."""
        seat = self._seats.get(address)
        return seat.node.showing if seat is not None and isinstance(seat.node, HanDevice) else None

    def change_air(self, han: HanModel) -> None:
        """Let the air of every home treat frames sent from now on differently."""
        for link in self._links.values():
            link.model = han

    def occupancy(self, home: str) -> Occupancy:
        """Give what the air of a home has carried so far."""
        return self._links[home].occupancy

    def node(self, address: Eui64) -> Node | None:
        """Give a node for those who watch; None while it has no power."""
        return self._seats[address].node

    def _work_off(self, now: Instant, limit: int) -> int:
        """Do at most `limit` events due by `now`; give how many are left of the limit."""
        heap = self._heap
        while limit > 0 and heap and heap[0][0] <= now:
            due, _, address, event = heapq.heappop(heap)
            limit -= 1
            seat = self._seats.get(address)
            if seat is None:  # it left its home meanwhile
                continue
            match event:
                case _Frame():
                    if seat.node is not None and not seat.node.listening:
                        self._hold(seat, event, due)
                    elif seat.node is not None:
                        effects = seat.node.on_frame(event.sender, event.cluster, event.octets, seat.clock(due))
                        self._apply(seat, effects, due)
                case _Alarm():
                    if seat.node is not None and seat.wake_at == due:
                        seat.wake_at = None
                        self._apply(seat, seat.node.on_wake(seat.clock(due)), due)
                        self._give_held(seat, due)
                case _Power():
                    self._power_on(seat, due)
                case _Handover():
                    if seat.node is not None:  # else it learns of it when its power comes back
                        self.reboot(address, due, off_ms=0)
        return limit

    def _hold(self, seat: _Seat, frame: _Frame, now: Instant) -> None:
        """Let the parent keep a frame for a device whose radio is off; what it kept for too long is lost."""
        kept = [(until, held) for until, held in seat.held if until >= now]
        seat.link.occupancy.missed += len(seat.held) - len(kept)
        seat.held = [*kept, (Instant(now + PARENT_HOLDS_MS), frame)]

    def _give_held(self, seat: _Seat, now: Instant) -> None:
        """Give a device that has woken what its parent still keeps for it."""
        if not seat.held or seat.node is None or not seat.node.listening:
            return
        held, seat.held = seat.held, []
        for until, frame in held:
            if until >= now:
                self._push(now, seat.address, frame)
            else:
                seat.link.occupancy.missed += 1

    def _power_on(self, seat: _Seat, now: Instant) -> None:
        if seat.node is not None:
            return
        seat.node = self._maker.make(seat.address, self._file.memory_of(seat.address), now)
        self._tell(seat, now, "power_on", {})
        self._apply(seat, seat.node.start(seat.clock(now)), now)

    def _on_wan(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        seat = self._seats.get(hub)
        if seat is not None and isinstance(seat.node, CommsHub):
            self._apply(seat, seat.node.on_wan(frame, seat.clock(now)), now)

    def _apply(self, seat: _Seat, effects: list[Effect], now: Instant) -> None:
        """Do what a node wants: first store all, then the rest."""
        if seat.cut is not None and self._cut_off(seat, seat.cut, effects, now):
            return
        for effect in effects:
            if type(effect) is Store:
                self._file.put(seat.address, effect.key, effect.value)
        for effect in effects:
            match effect:
                case SendHan():
                    self._send_han(seat, effect, now)
                case Wake():
                    at = Instant(effect.at - seat.skew_ms)
                    if at != seat.wake_at:
                        seat.wake_at = Instant(max(at, now))
                        self._push(seat.wake_at, seat.address, _Alarm())
                case Note():
                    self._tell(seat, now, effect.kind, effect.facts)
                case SendWan():
                    self._outgoing.append((seat.address, effect.octets, now))
        if isinstance(seat.node, Handheld) and seat.node.done:
            self._seats.pop(seat.address, None)

    def _cut_off(self, seat: _Seat, cut: PowerCut, effects: list[Effect], now: Instant) -> bool:
        """Whether the power goes in this turn; then no more happens of it."""
        stores = [effect for effect in effects if type(effect) is Store]
        if not stores:
            return False
        cut.writes -= 1
        if cut.writes > 0:
            return False
        seat.cut, cut.struck = None, True
        if cut.after:
            for effect in stores:
                self._file.put(seat.address, effect.key, effect.value)
        self.reboot(seat.address, now, cut.off_ms)
        return True

    def _send_han(self, seat: _Seat, sent: SendHan, now: Instant) -> None:
        target = self._seats.get(sent.to)
        if target is None or target.home != seat.home:
            return  # out of range
        before = seat.link.occupancy.frames
        arrivals = seat.link.carry(sent.octets, now, seat.address)
        if self._tap is not None and seat.link.occupancy.frames > before:  # else it was not sent at all
            self._tap(
                TappedFrame(
                    at=now,
                    home=seat.home,
                    sender=seat.address,
                    receiver=sent.to,
                    cluster=sent.cluster,
                    octets=sent.octets,
                    arrives=bool(arrivals),
                )
            )
        for arrival, octets in arrivals:
            self._push(arrival, sent.to, _Frame(seat.address, sent.cluster, octets))

    def _push(self, due: Instant, address: Eui64, event: _Event) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (due, self._pushed, address, event))

    def _tell(self, seat: _Seat, at: Instant, kind: str, facts: Mapping[str, object]) -> None:
        if self._observers:
            observed = Observed(at=at, home=seat.home, node=seat.address, kind=kind, facts=facts)
            for observer in self._observers:
                observer(observed)
