"""The head end's side of NATS: what it sends is handed over when the server has acknowledged it."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import structlog
from nats.js import JetStreamContext

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.limits import WAN_ENVELOPE_OCTETS_MAX
from hanota.wan.jetstream import arriving, images, places
from hanota.wan.jetstream.arriving import Arrivals
from hanota.wan.jetstream.leaving import Outgoing, Packer, publish
from hanota.wan.jetstream.link import Link, State, Task
from hanota.wan.port import FrameTooLong, WanError
from hanota.wire.wan import ENVELOPED_OCTETS_MAX, Entry

GATHERED_OCTETS_MAX: Final = 8 * WAN_ENVELOPE_OCTETS_MAX
"""What is gathered before it goes to the server by itself: more is never waiting here."""
HAND_OVER_S_MAX: Final = 10.0
"""How long one hand-over of what was gathered may take altogether; what the server has not by then is sent again."""
AWAY_S_MAX: Final = 0.5
"""How long a hand-over waits for a connection that is not there."""
_KNOWN_MAX: Final = 10_000
_log = structlog.get_logger()

RegionsOf = Callable[[Sequence[Eui64]], Mapping[Eui64, str]]
"""Gives the CSP regions of hubs, all at once; a hub that is in none is left out."""


class NatsHeadEndWan:
    """Implements `HeadEndWan`. One thread uses it; it has another one for the connection.

    `url` may name several servers with commas between. `regions` are those whose hubs are heard, by all workers
    together; `regions_of` says where to send. Frames for a hub that is in no region are dropped and logged.
    """

    def __init__(
        self,
        url: str,
        *,
        regions: Iterable[str],
        regions_of: RegionsOf,
        lane: str = "0",
        limits: places.Limits | None = None,
    ) -> None:
        self._regions = tuple(regions)
        self._regions_of = regions_of
        self._limits = limits or places.Limits()
        self._arrivals = Arrivals()
        self._packer = Packer()
        self._gathered: list[Entry] = []
        self._octets = 0
        self._failed: set[Eui64] = set()
        self._offered: set[bytes] = set()
        self._offering = threading.Lock()
        self._putting = asyncio.Lock()
        self.handed_over = 0
        tasks = tuple(self._puller(region) for region in self._regions)
        self._link = Link(url, name=f"head-end-{lane}", prepare=self._prepare, tasks=tasks)
        self._link.start()

    @property
    def state(self) -> State:
        """How the connection stands, for health and metrics."""
        return self._link.state

    @property
    def received(self) -> int:
        """Frames taken from it so far."""
        return self._arrivals.frames

    def wait(self, within_s: float) -> bool:
        """Wait until it is connected. Returns: whether it is."""
        return self._link.wait(within_s)

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, in another thread, whenever frames have arrived; it must not wait."""
        self._arrivals.listen(listener)

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        """Gather one frame; much gathered is handed over at once. Raises FrameTooLong."""
        del now  # a server has its own time
        require(
            len(frame) <= ENVELOPED_OCTETS_MAX, FrameTooLong, octets=len(frame), hub=hub, limit=ENVELOPED_OCTETS_MAX
        )
        self._gathered.append(Entry(hub, frame))
        self._octets += len(frame)
        if self._octets >= GATHERED_OCTETS_MAX:
            self._hand_over()

    def flush(self) -> frozenset[Eui64]:
        """Wait until the server has all that was sent, at most HAND_OVER_S_MAX; give the hubs of what it has not."""
        self._hand_over()
        failed, self._failed = self._failed, set()
        return frozenset(failed)

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        """Take at most `limit` frames that hubs have sent; none while there is no connection."""
        del now
        return [entry.frame for entry in self._arrivals.take(limit)]

    def settle(self, frames: int) -> None:
        """Let the server forget the first so many frames that were received and not settled: they are durable."""
        arriving.settle(self._link, self._arrivals, frames)

    def give_back(self) -> None:
        """Have the server send again what was received and is not durable."""
        arriving.give_back(self._link, self._arrivals)

    def offer(self, image_hash: bytes, octets: Callable[[], bytes | None], *, anew: bool = False) -> None:
        """Have the server keep an image for agents, in the background; nobody waits.

        If it can't be kept, hubs fetch from the head end itself, frame by frame.
        """
        with self._offering:
            if image_hash in self._offered and not anew:
                return
            if len(self._offered) >= _KNOWN_MAX:
                self._offered.clear()
            self._offered.add(image_hash)
        self._link.spawn(lambda: self._put(image_hash, octets))

    def next_due(self) -> Instant | None:
        """At once while frames wait; None else: `listen` tells of those to come."""
        return Instant(0) if len(self._arrivals) else None

    def close(self) -> None:
        """End the connection; what was gathered and not flushed is lost, as with a process that dies."""
        self._link.close()

    def _hand_over(self) -> None:
        gathered, self._gathered, self._octets = self._gathered, [], 0
        if not gathered:
            return
        envelopes = self._pack(gathered)
        try:
            self._link.wait(AWAY_S_MAX)
            missing = self._link.call(lambda js: publish(js, envelopes), HAND_OVER_S_MAX)
        except WanError as failure:
            _log.warning("not_handed_over", frames=len(gathered), why=failure.explain())
            missing = envelopes
        self.handed_over += len(gathered) - sum(len(envelope.hubs) for envelope in missing)
        self._failed.update(hub for envelope in missing for hub in envelope.hubs)

    def _pack(self, gathered: list[Entry]) -> list[Outgoing]:
        regions = self._regions_of(list(dict.fromkeys(entry.hub for entry in gathered)))
        lost = [entry.hub for entry in gathered if entry.hub not in regions]
        if lost:
            _log.warning("hub_without_region", hubs=[str(hub) for hub in dict.fromkeys(lost)])
        return self._packer.pack(
            (places.down_subject(regions[entry.hub]), entry) for entry in gathered if entry.hub in regions
        )

    async def _put(self, image_hash: bytes, octets: Callable[[], bytes | None]) -> None:
        js = self._link.connection
        try:
            async with self._putting:  # who asks meanwhile finds it there
                if js is not None and await images.put(js, image_hash, octets):
                    _log.info("image_put", image=image_hash.hex())
        finally:
            if js is None or js is not self._link.connection:
                self._offered.discard(image_hash)

    async def _prepare(self, js: JetStreamContext) -> None:
        replicas = self._limits.replicas or self._link.replicas
        self._arrivals.forget()
        self._offered.clear()
        await places.ensure_images(js, self._limits, replicas)
        await asyncio.gather(*(self._prepare_region(js, region, replicas) for region in self._regions))

    async def _prepare_region(self, js: JetStreamContext, region: str, replicas: int) -> None:
        await places.ensure_region(js, region, self._limits, replicas)
        await places.ensure_consumer(js, places.up_stream(region), places.WORKERS)

    def _puller(self, region: str) -> Task:
        return lambda js: arriving.pull(js, places.up_stream(region), places.WORKERS, self._arrivals)
