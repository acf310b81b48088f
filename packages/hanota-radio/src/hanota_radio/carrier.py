"""One node of hanota on a real network: the runner that does over zigpy what the estate does over the emulated HAN.

All of it happens in one asyncio loop. What a turn stores is durable before anything of that turn is sent. A frame that
cannot be delivered is lost, as on the emulated HAN: whoever needs an answer asks again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

import structlog
import zigpy.types as t
from zigpy.device import ZigbeeDevice

from hanota.app.clock import wall_clock
from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant
from hanota.edge.effects import Effect, Node, Note, SendHan, SendWan, Store, Wake
from hanota.edge.hub import CommsHub
from hanota_radio.application import SMART_ENERGY, HanApplication
from hanota_radio.errors import NotTheStick
from hanota_radio.frames import Header, for_nodes, hanota_eui, read_header, unanswered, zigpy_eui

NAP_S_MAX: Final = 60.0
"""The alarm clock looks at the time this often at least: the computer's clock may be set meanwhile."""

QUEUE_MAX: Final = 64
"""Frames that wait for one device, e.g. while it sleeps. Later ones are lost."""

_ANY_ENDPOINT: Final = 0xFF
_log = structlog.get_logger()


class Keeper(Protocol):
    """What nodes remember, on disk: `hanota.edge.estate.EstateFile` is one."""

    def put(self, node: Eui64, key: str, value: bytes | None) -> None:
        """Take one Store effect; durable with the next `commit`."""

    def commit(self) -> None:
        """Make all that was put durable, together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """How frames go out. A device that has been heard is answered under the profile and endpoints that it used.

    `endpoint` is the node's own. `peer_endpoint` is where a device is looked for that neither spoke nor told zigpy its
    endpoints. `aps_encryption` encrypts with the device's link key, too. `retries` are zigpy's, within a moment.
    """

    profile: int = SMART_ENERGY
    endpoint: int = 3
    peer_endpoint: int = 1
    aps_encryption: bool = False
    retries: int = 1


@dataclass(frozen=True, slots=True)
class _Route:
    profile: int
    endpoint: int
    peer_endpoint: int


@dataclass(slots=True)
class _Lane:
    """Frames on their way to one device, in order."""

    queue: asyncio.Queue[tuple[int, bytes]]
    worker: asyncio.Task[None]


class RadioHan:
    """Runs `node` on `app`, which has started. Use it as `async with`; `failed` ends with what broke, if anything does.

    `memory` keeps what the node stores; the node was made from it. `clock` tells the instant. `send_wan` takes what a
    hub says to the head end. `observe` is told what the node notes, and of frames `frame_lost` on their way out,
    `frame_missed` by a sleeping node and `frame_refused`. Entering raises NotTheStick: the node's address is not that
    of the radio.
    """

    def __init__(
        self,
        app: HanApplication,
        node: Node,
        memory: Keeper,
        *,
        air: Air | None = None,
        clock: Callable[[], Instant] = wall_clock,
        send_wan: Callable[[bytes], None] | None = None,
        observe: Callable[[Note], None] | None = None,
    ) -> None:
        self._app = app
        self._node = node
        self._memory = memory
        self._air = air or Air()
        self._clock = clock
        self._send_wan = send_wan
        self._observe = observe
        self._routes: dict[tuple[Eui64, int], _Route] = {}
        self._lanes: dict[Eui64, _Lane] = {}
        self._due: Instant | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self.failed: asyncio.Future[object]

    async def __aenter__(self) -> Self:
        stick = hanota_eui(self._app.state.node_info.ieee)
        if stick != self._node.address:
            raise NotTheStick(node=self._node.address, stick=stick)
        self.failed = asyncio.get_running_loop().create_future()
        self._running = True
        self._app.taker = self._take
        self._app.add_listener(self)
        self._do(self._node.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go of the radio; what was waiting to be sent is lost. The application goes on."""
        self._stop()
        workers = [lane.worker for lane in self._lanes.values()]
        await asyncio.gather(*workers, return_exceptions=True)
        self.failed.cancel()
        if self.failed.done() and not self.failed.cancelled():
            self.failed.exception()  # seen: whoever waited for it has it, too

    def from_wan(self, octets: bytes) -> None:
        """Give the hub one frame of the head end; nothing for a device."""
        node = self._node
        if isinstance(node, CommsHub):
            self._do(lambda now: node.on_wan(octets, now))

    def connection_lost(self, error: Exception) -> None:
        """zigpy tells that the radio is gone."""
        self._fail(error)

    def _take(self, packet: t.ZigbeePacket) -> bool:
        """Take a frame of one of the HAN's clusters; False if zigpy has to see it.

        That is where the sender's EUI-64 is not known yet, so that zigpy asks for it, and where the command is one that
        all clusters share and the node has no answer to it: it may belong to zigpy's own interview.
        """
        assert packet.src is not None
        assert packet.dst is not None
        try:
            device = self._app.get_device_with_address(packet.src)
        except (KeyError, ValueError):
            return False
        if not isinstance(device, ZigbeeDevice):
            return False
        _saw(device, packet)
        sender, octets = hanota_eui(device.ieee), packet.data.serialize()
        header = read_header(octets)
        if header is None:
            self._tell(Note("frame_refused", {"device": str(sender), "error": "too short for a ZCL header"}))
            return True
        if header.general and not for_nodes(packet.cluster_id, header):
            return False
        unicast = packet.dst.addr_mode in (t.AddrMode.NWK, t.AddrMode.IEEE)
        self._routes[sender, packet.cluster_id] = self._back(packet, unicast=unicast)
        if header.general:
            return self._hear(sender, packet.cluster_id, header.spelt(octets))
        answered = header.of_cluster and self._hear(sender, packet.cluster_id, header.spelt(octets))
        if unicast and not answered and header.wants_default_response:
            self._answer_by_default(sender, packet.cluster_id, header, octets)
        return True

    def _back(self, packet: t.ZigbeePacket, *, unicast: bool) -> _Route:
        """Where an answer to a packet goes; what was meant for many is answered from the node's own endpoint."""
        own = packet.dst_ep if unicast and packet.dst_ep != _ANY_ENDPOINT else None
        return _Route(packet.profile_id, own or self._air.endpoint, packet.src_ep or self._air.peer_endpoint)

    def _hear(self, sender: Eui64, cluster: int, frame: bytes) -> bool:
        """Give the node a frame; tell whether it answered at once. One whose radio is off misses it."""
        if not self._node.listening:
            self._tell(Note("frame_missed", {"device": str(sender), "cluster": cluster}))
            return False
        effects = self._do(lambda now: self._node.on_frame(sender, cluster, frame, now))
        return any(isinstance(effect, SendHan) and effect.to == sender for effect in effects)

    def _answer_by_default(self, sender: Eui64, cluster: int, header: Header, octets: bytes) -> None:
        status = unanswered(cluster, header, octets)
        if status is not None and self._running:
            self._enqueue(sender, cluster, header.default_response(status))

    def _do(self, handler: Callable[[Instant], list[Effect]]) -> list[Effect]:
        """Let the node have a turn, and do what it wants: first store all, then the rest."""
        if not self._running:
            return []
        try:
            effects = handler(self._clock())
            stores = [effect for effect in effects if isinstance(effect, Store)]
            for store in stores:
                self._memory.put(self._node.address, store.key, store.value)
            if stores:
                self._memory.commit()
        except Exception as error:  # raised here it would only end up in the radio library's reader: `failed` tells
            self._fail(error)
            return []
        for effect in effects:
            match effect:
                case SendHan():
                    self._enqueue(effect.to, effect.cluster, effect.octets)
                case SendWan():
                    if self._send_wan is not None:
                        asyncio.get_running_loop().call_soon(self._send_wan, effect.octets)
                case Wake():
                    self._set_alarm(effect.at)
                case Note():
                    self._tell(effect)
                case _:
                    pass
        return effects

    def _set_alarm(self, at: Instant) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = at
        wait_s = min(max(at - self._clock(), 0) / SECOND, NAP_S_MAX)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._ring)

    def _ring(self) -> None:
        self._timer, due = None, self._due
        if due is None:
            return
        if self._clock() < due:
            self._set_alarm(due)
            return
        self._due = None
        self._do(self._node.on_wake)

    def _enqueue(self, to: Eui64, cluster: int, octets: bytes) -> None:
        lane = self._lanes.get(to)
        if lane is None:
            queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(QUEUE_MAX)
            worker = asyncio.get_running_loop().create_task(self._work_off(to, queue), name=f"han-{to}")
            lane = self._lanes[to] = _Lane(queue, worker)
        try:
            lane.queue.put_nowait((cluster, octets))
        except asyncio.QueueFull:
            self._lost(to, cluster, f"{QUEUE_MAX} frames wait for the device already")

    async def _work_off(self, to: Eui64, queue: asyncio.Queue[tuple[int, bytes]]) -> None:
        while True:
            cluster, octets = await queue.get()
            try:
                await self._send(to, cluster, octets)
            except Exception as error:  # every radio library has errors of its own; whichever it is, the frame is lost
                self._lost(to, cluster, str(error) or type(error).__name__)

    async def _send(self, to: Eui64, cluster: int, octets: bytes) -> None:
        """Send one frame by zigpy, which waits longer for devices that sleep."""
        device = self._app.devices.get(zigpy_eui(to))
        if not isinstance(device, ZigbeeDevice):
            self._lost(to, cluster, "no such device on the network")
            return
        route = self._routes.get((to, cluster)) or self._described(device, cluster)
        header = read_header(octets)
        assert header is not None
        await device.request(
            profile=route.profile,
            cluster=cluster,
            src_ep=route.endpoint,
            dst_ep=route.peer_endpoint,
            sequence=header.sequence,
            data=octets,
            expect_reply=False,
            retries=self._air.retries,
            aps_encryption=self._air.aps_encryption,
        )

    def _described(self, device: ZigbeeDevice, cluster: int) -> _Route:
        """Where a device has the cluster by its own description."""
        for endpoint in device.non_zdo_endpoints:
            if cluster in endpoint.out_clusters or cluster in endpoint.in_clusters:
                return _Route(endpoint.profile_id or self._air.profile, self._air.endpoint, endpoint.endpoint_id)
        return _Route(self._air.profile, self._air.endpoint, self._air.peer_endpoint)

    def _lost(self, to: Eui64, cluster: int, why: str) -> None:
        _log.info("frame_lost", device=str(to), cluster=f"{cluster:#06x}", why=why)
        self._tell(Note("frame_lost", {"device": str(to), "cluster": cluster, "why": why}))

    def _tell(self, note: Note) -> None:
        if self._observe is not None:
            self._observe(note)

    def _fail(self, error: Exception) -> None:
        """A node that broke is as one without power: it says nothing more."""
        self._stop()
        if not self.failed.done():
            self.failed.set_exception(error)

    def _stop(self) -> None:
        self._running = False
        self._app.taker = None
        self._app.remove_listener(self)
        if self._timer is not None:
            self._timer.cancel()
        for lane in self._lanes.values():
            lane.worker.cancel()


def _saw(device: ZigbeeDevice, packet: t.ZigbeePacket) -> None:
    """Note what zigpy would have noted of the packet."""
    device.last_seen = packet.timestamp
    if packet.lqi is not None:
        device.lqi = packet.lqi
    if packet.rssi is not None:
        device.rssi = packet.rssi
