"""A town of homes behind one WAN port, frame by frame.

One heap holds everything that is going to happen: frames on their way through the air of a home, alarm clocks, homes
where the power comes back. `advance` lets it happen in order of time, makes it durable, and only then hands to the WAN
what the hubs had to say.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from hanota.base.errors import BadValue, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.effects import Effect, Node, Note, SendHan, SendWan, Store, Wake
from hanota.edge.estate.building import NodeMaker
from hanota.edge.estate.description import EstateDescription
from hanota.edge.estate.memory import EstateFile
from hanota.edge.han.link import HanLink, HanModel, Occupancy
from hanota.edge.hub import CommsHub
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES
from hanota.wan.port import PremisesWan
from hanota.wire.smki.directory import KeyDirectory

EVENTS_MAX: Final = 10_000  # of one `advance`, unless told otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Something that a node noted: for timelines, progress bars and tests."""

    at: Instant
    home: str
    node: Eui64
    kind: str
    facts: Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class _Seat:
    """Where a node stands: its home, its air, and the node itself while it has power."""

    address: Eui64
    home: str
    link: HanLink
    node: Node | None = None
    wake_at: Instant | None = None


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
        self._started = False
        self._handovers = _handovers(description)
        for premises in description.premises:
            link = self._links[premises.name] = HanLink(han or HanModel(), rng)
            for address in self._maker.nodes_of(premises):
                self._seats[address] = _Seat(address=address, home=premises.name, link=link)

    def observe(self, observer: Callable[[Observed], None]) -> None:
        """Tell `observer` of everything that nodes note, as it happens; it must not call back into the estate."""
        self._observers.append(observer)

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
        while left > 0:
            left = self._work_off(now, left)
            if left <= 0:
                break
            arrived = self._wan.receive(now, left)
            if not arrived:
                break
            for hub, frame in arrived:
                left -= 1
                self._on_wan(hub, frame, now)
        self._file.commit()
        outgoing, self._outgoing = self._outgoing, []
        for hub, frame, at in outgoing:
            self._wan.send(hub, frame, at)
        return self._heap[0][0] if self._heap else None

    def reboot(self, address: Eui64, now: Instant, off_ms: int = 1_000) -> None:
        """Cut the power of one node: what it had not stored is gone; after `off_ms` it starts again from memory.

        Raises BadValue: no such node here.
        """
        seat = self._seats.get(address)
        if seat is None:
            raise BadValue(kind="node", value=address, expected="a hub or device of this estate")
        require(off_ms >= 0, BadValue, kind="power-off time", value=off_ms, expected="≥ 0 ms")
        seat.node = None
        seat.wake_at = None
        self._tell(seat, now, "power_cut", {"off_ms": off_ms})
        self._push(Instant(now + off_ms), address, _Power())

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
            seat = self._seats[address]
            limit -= 1
            match event:
                case _Frame():
                    if seat.node is not None:
                        effects = seat.node.on_frame(event.sender, event.cluster, event.octets, due)
                        self._apply(seat, effects, due)
                case _Alarm():
                    if seat.node is not None and seat.wake_at == due:
                        seat.wake_at = None
                        self._apply(seat, seat.node.on_wake(due), due)
                case _Power():
                    self._power_on(seat, due)
                case _Handover():
                    if seat.node is not None:  # else it learns of it when its power comes back
                        self.reboot(address, due, off_ms=0)
        return limit

    def _power_on(self, seat: _Seat, now: Instant) -> None:
        if seat.node is not None:
            return
        seat.node = self._maker.make(seat.address, self._file.memory_of(seat.address), now)
        self._tell(seat, now, "power_on", {})
        self._apply(seat, seat.node.start(now), now)

    def _on_wan(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        seat = self._seats.get(hub)
        if seat is not None and isinstance(seat.node, CommsHub):
            self._apply(seat, seat.node.on_wan(frame, now), now)

    def _apply(self, seat: _Seat, effects: list[Effect], now: Instant) -> None:
        """Do what a node wants: first store all, then the rest."""
        for effect in effects:
            if type(effect) is Store:
                self._file.put(seat.address, effect.key, effect.value)
        for effect in effects:
            match effect:
                case SendHan():
                    self._send_han(seat, effect, now)
                case Wake():
                    if effect.at != seat.wake_at:
                        seat.wake_at = Instant(max(effect.at, now))
                        self._push(seat.wake_at, seat.address, _Alarm())
                case Note():
                    self._tell(seat, now, effect.kind, effect.facts)
                case SendWan():
                    self._outgoing.append((seat.address, effect.octets, now))
                case _:
                    pass

    def _send_han(self, seat: _Seat, sent: SendHan, now: Instant) -> None:
        target = self._seats.get(sent.to)
        if target is None or target.home != seat.home:
            return  # out of range
        frame = _Frame(seat.address, sent.cluster, sent.octets)
        for arrival in seat.link.carry(sent.octets, now):
            self._push(arrival, sent.to, frame)

    def _push(self, due: Instant, address: Eui64, event: _Event) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (due, self._pushed, address, event))

    def _tell(self, seat: _Seat, at: Instant, kind: str, facts: Mapping[str, object]) -> None:
        if self._observers:
            observed = Observed(at=at, home=seat.home, node=seat.address, kind=kind, facts=facts)
            for observer in self._observers:
                observer(observed)


def _handovers(description: EstateDescription) -> list[tuple[Instant, Eui64]]:
    """Give when which device that obeys its Supplier may get another one: whenever one of its home's meters does."""
    return [
        (supply.since, device.eui)
        for home in description.premises
        for device in home.devices
        if PROFILES[device.device_type].supplier_signed
        for point in home.meter_points
        for supply in point.suppliers
    ]
