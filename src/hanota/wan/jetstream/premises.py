"""The homes' side of NATS: envelopes for the hubs here, what they say sent until the server has it, images kept beside.

A hub asks for image octets by Fetch frames. Here they are answered from a file beside the agent, which takes the image
from the server once for all its hubs; only while that can't be had, one Fetch goes up to the head end now and then.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import structlog
from nats.js import JetStreamContext

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.wan.jetstream import arriving, places
from hanota.wan.jetstream.arriving import Arrivals
from hanota.wan.jetstream.images import LocalImages
from hanota.wan.jetstream.leaving import AT_ONCE, Outgoing, Packer, publish
from hanota.wan.jetstream.link import Link, State, Task
from hanota.wan.port import FrameTooLong
from hanota.wire.wan import ENVELOPED_OCTETS_MAX, Entry, Fetch, FrameMalformed, ImageChunk, read_frame, write_frame
from hanota.wire.wan.tables import FETCH_LEAD

QUEUED_OCTETS_MAX: Final = 32 * 1024 * 1024
"""What waits here for the server; beyond it frames are dropped, and hubs say again what was not acknowledged."""
CHUNK_OCTETS_MAX: Final = 256 * 1024
_AGAIN_S: Final = 0.5
_LOOKS_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0)
"""How often an image is looked for that the server does not have, and how long between; hubs then ask anew."""
_log = structlog.get_logger()


class NatsPremisesWan:
    """Implements `PremisesWan`. One thread uses it; it has another one for the connection.

    `hubs` says which hubs are here and in which CSP region each is. `name` is the agent's own and stays the same over
    its lives: the server keeps for it what came while it was away. `folder` keeps images.
    """

    def __init__(
        self,
        url: str,
        *,
        hubs: Mapping[Eui64, str],
        name: str,
        folder: Path,
        limits: places.Limits | None = None,
    ) -> None:
        self._hubs = hubs
        self._name = name
        self._limits = limits or places.Limits()
        self._regions = tuple(dict.fromkeys(hubs.values()))
        self._arrivals = Arrivals(hubs.__contains__)
        self._packer = Packer()
        self._gathered: list[tuple[str, Entry]] = []
        self._queue: deque[Outgoing] = deque()
        self._queued = threading.Condition()
        self._queued_octets = 0
        self._some = asyncio.Event()
        self.images = LocalImages(folder)
        self._lock = threading.Lock()
        self._wanting: dict[bytes, dict[Eui64, Fetch]] = {}
        self.dropped = 0
        self.handed_over = 0
        tasks = (self._publish_for_ever, *(self._puller(region) for region in self._regions))
        self._link = Link(url, name=f"agent-{name}", prepare=self._prepare, tasks=tasks)
        self._link.start()

    @property
    def state(self) -> State:
        """How the connection stands, for health and metrics."""
        return self._link.state

    @property
    def received(self) -> int:
        """Frames taken from it so far."""
        return self._arrivals.frames

    @property
    def busy(self) -> bool:
        """Whether anything is queued for the server, or an image is being fetched."""
        return bool(self._queue or self._wanting)

    def wait(self, within_s: float) -> bool:
        """Wait until it is connected. Returns: whether it is."""
        return self._link.wait(within_s)

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, in another thread, whenever frames have arrived; it must not wait."""
        self._arrivals.listen(listener)

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        """Gather one frame of a hub; a Fetch of an image that is here is answered at once. Raises FrameTooLong."""
        del now  # a server has its own time
        require(
            len(frame) <= ENVELOPED_OCTETS_MAX, FrameTooLong, octets=len(frame), hub=hub, limit=ENVELOPED_OCTETS_MAX
        )
        if frame.startswith(FETCH_LEAD) and self._served(hub, frame):
            return
        self._gathered.append((places.up_subject(self._hubs[hub]), Entry(hub, frame)))

    def flush(self) -> None:
        """Queue what was gathered for the server; it is published in the background until the server has it."""
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._enqueue(self._packer.pack(gathered))

    def drain(self, within_s: float) -> bool:
        """Wait until the server has all that was flushed. Returns: whether it has."""
        with self._queued:
            return self._queued.wait_for(lambda: not self._queue, within_s)

    def receive(self, now: Instant, limit: int) -> list[tuple[Eui64, bytes]]:
        """Take at most `limit` frames for hubs here; none while there is no connection."""
        del now
        return [(entry.hub, entry.frame) for entry in self._arrivals.take(limit)]

    def settle(self) -> None:
        """Let the server forget what was received: it is durable."""
        arriving.settle(self._link, self._arrivals)

    def next_due(self) -> Instant | None:
        """At once while frames wait; None else: `listen` tells of those to come."""
        return Instant(0) if len(self._arrivals) else None

    def close(self) -> None:
        """End the connection; what is queued is lost, as with a process that dies: hubs say it again."""
        self._link.close()

    def _served(self, hub: Eui64, frame: bytes) -> bool:
        """Whether a Fetch is dealt with: it is answered, or will be once its image is here."""
        try:
            fetch = read_frame(frame)
        except FrameMalformed:  # it is for the head end to say so
            return False
        if not isinstance(fetch, Fetch):
            return False
        with self._lock:
            if fetch.image_hash not in self.images:
                waiting = self._wanting.get(fetch.image_hash)
                if waiting is None:
                    self._wanting[fetch.image_hash] = {hub: fetch}
                    self._link.spawn(lambda: self._bring(fetch.image_hash))
                else:
                    waiting[hub] = fetch
                return True
        self._answer(hub, fetch)
        return True

    def _answer(self, hub: Eui64, fetch: Fetch) -> None:
        found = self.images.slice(fetch.image_hash, fetch.offset, min(fetch.max_octets, CHUNK_OCTETS_MAX))
        if found is not None and found[0]:  # nothing is beyond the end of an image
            data, size = found
            chunk = ImageChunk(image_hash=fetch.image_hash, offset=fetch.offset, image_octets=size, data=data)
            self._arrivals.put_entries([Entry(hub, write_frame(chunk))])

    async def _bring(self, image_hash: bytes) -> None:
        """Fetch an image that hubs wait for, and answer them; while the server lacks it, have the head end asked."""
        try:
            for wait_s in _LOOKS_S:
                if await self._brought(image_hash):
                    break
                with self._lock:
                    hub, fetch = next(iter(self._wanting[image_hash].items()))
                self._enqueue(self._packer.pack([(places.up_subject(self._hubs[hub]), Entry(hub, write_frame(fetch)))]))
                await asyncio.sleep(wait_s)
        finally:
            with self._lock:
                waiting = self._wanting.pop(image_hash)
        for hub, fetch in waiting.items():  # if it did not come: nothing to answer, and they ask again by themselves
            self._answer(hub, fetch)

    async def _brought(self, image_hash: bytes) -> bool:
        js = self._link.connection
        if js is None:
            return False
        try:
            return await self.images.fetch(js, image_hash)
        except Exception as failure:  # the connection broke, or the disk is full: what came stays, and it goes on
            _log.warning("image_not_fetched", image=image_hash.hex(), why=f"{type(failure).__name__}: {failure}")
            return False

    def _enqueue(self, envelopes: list[Outgoing]) -> None:
        with self._queued:
            for envelope in envelopes:
                if self._queued_octets + len(envelope.octets) > QUEUED_OCTETS_MAX:
                    self.dropped += len(envelope.hubs)
                    continue
                self._queue.append(envelope)
                self._queued_octets += len(envelope.octets)
        self._link.wake(self._some)

    async def _publish_for_ever(self, js: JetStreamContext) -> None:
        while True:
            with self._queued:
                batch = list(islice(self._queue, AT_ONCE))
            if not batch:
                await self._some.wait()
                self._some.clear()
                continue
            missing = await publish(js, batch)
            with self._queued:
                for _ in batch:
                    done = self._queue.popleft()
                    self._queued_octets -= len(done.octets)
                self._queue.extendleft(reversed(missing))
                self._queued_octets += sum(len(envelope.octets) for envelope in missing)
                self.handed_over += sum(len(envelope.hubs) for envelope in batch if envelope not in missing)
                self._queued.notify_all()
            if missing:
                await asyncio.sleep(_AGAIN_S)

    async def _prepare(self, js: JetStreamContext) -> None:
        replicas = self._limits.replicas or self._link.replicas
        self._arrivals.forget()
        await places.ensure_images(js, self._limits, replicas)
        await asyncio.gather(*(self._prepare_region(js, region, replicas) for region in self._regions))

    async def _prepare_region(self, js: JetStreamContext, region: str, replicas: int) -> None:
        await places.ensure_region(js, region, self._limits, replicas)
        stream = places.down_stream(region)
        await places.ensure_consumer(js, stream, self._name, unused_s=self._limits.agent_age_s)

    def _puller(self, region: str) -> Task:
        return lambda js: arriving.pull(js, places.down_stream(region), self._name, self._arrivals)
