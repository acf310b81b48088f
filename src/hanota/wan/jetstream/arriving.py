"""Envelopes on their way in: taken from the server as there is room, handed out as frames, acknowledged if settled."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from hanota.base.eui import Eui64
from hanota.wan.jetstream.link import Link
from hanota.wire.wan import Entry, FrameMalformed, read_envelope

WAITING_MAX: Final = 32
"""Envelopes of one subject that wait here for whoever receives; as much stays on the server as is beyond."""
_BATCH: Final = 16
_PULL_S: Final = 2.0
_LOOK_AFTER_PULLS: Final = 2  # without anything: then it is asked whether the consumer is still there
_AGAIN_S: Final = 1.0
_FULL_S: Final = 0.02
_log = structlog.get_logger()


class Arrivals:
    """Frames that have arrived; safe between threads.

    An envelope is handed out whole over one or more takes; `settle` then acknowledges it, `give_back` has it sent
    again. `wanted` says which hubs' frames are for us; others are left out.
    """

    def __init__(self, wanted: Callable[[Eui64], bool] | None = None) -> None:
        self._wanted = wanted
        self._lock = threading.Lock()
        self._waiting: deque[tuple[deque[Entry], Msg | None]] = deque()
        self._unsettled: deque[tuple[Msg, int]] = deque()  # and how many frames were handed out up to its last
        self._handed = 0
        self._durable = 0
        self._listener: Callable[[], None] | None = None
        self.frames = 0
        self.malformed = 0

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, in another thread, whenever something has arrived; it must not wait."""
        self._listener = listener

    def __len__(self) -> int:
        """Envelopes that wait."""
        return len(self._waiting)

    def put(self, octets: bytes, message: Msg | None) -> None:
        """Take one envelope in; one that can't be read is counted and done with."""
        try:
            entries = read_envelope(octets)
        except FrameMalformed as refusal:
            self.malformed += 1
            _log.warning("envelope_not_read", why=str(refusal))
            entries = []
        self.put_entries(entries, message)

    def put_entries(self, entries: list[Entry], message: Msg | None = None) -> None:
        """Take frames in; without a message nothing is to be acknowledged."""
        if self._wanted is not None:
            entries = [entry for entry in entries if self._wanted(entry.hub)]
        with self._lock:
            if entries or message is not None:
                self._waiting.append((deque(entries), message))
        if self._listener is not None:
            self._listener()

    def take(self, limit: int) -> list[Entry]:
        """Give at most `limit` frames."""
        taken: list[Entry] = []
        own = 0  # frames that no server sent
        with self._lock:
            while self._waiting:
                entries, message = self._waiting[0]
                before = len(taken)
                while entries and len(taken) < limit:
                    taken.append(entries.popleft())
                own += len(taken) - before if message is None else 0
                if entries:
                    break
                self._waiting.popleft()
                if message is not None:
                    self._unsettled.append((message, self._handed + len(taken)))
            self._handed += len(taken)
            self.frames += len(taken) - own
        return taken

    def settled(self, frames: int | None = None) -> list[Msg]:
        """Give the envelopes that are done with once the next so many frames handed out are; None: once all are."""
        with self._lock:
            self._durable = self._handed if frames is None else min(self._durable + frames, self._handed)
            done = []
            while self._unsettled and self._unsettled[0][1] <= self._durable:
                done.append(self._unsettled.popleft()[0])
        return done

    def forget(self) -> None:
        """Drop what waits and what is not settled: the connection is another one, and all of it comes again."""
        with self._lock:
            self._unsettled.clear()
            self._waiting = deque((entries, None) for entries, message in self._waiting if message is None)


def settle(link: Link, arrivals: Arrivals, frames: int | None = None) -> None:
    """Acknowledge envelopes as frames are settled (`Arrivals.settled`). Nobody waits for it: what is acknowledged in
    vain comes again and is harmless.
    """
    messages = arrivals.settled(frames)
    if messages:
        link.spawn(lambda: _each(messages, Msg.ack))


def give_back(link: Link, arrivals: Arrivals) -> None:
    """Have the server send again, soon, what was handed out and not settled."""
    messages = arrivals.settled()
    if messages:
        link.spawn(lambda: _each(messages, lambda message: message.nak(delay=_AGAIN_S)))


async def _each(messages: list[Msg], act: Callable[[Msg], Coroutine[Any, Any, None]]) -> None:
    for message in messages:
        await act(message)


async def pull(js: JetStreamContext, stream: str, consumer: str, arrivals: Arrivals) -> None:
    """Take envelopes of one consumer for as long as the connection lives. Ends if the consumer is gone."""
    subscription = await js.pull_subscribe_bind(consumer, stream=stream)
    idle = 0
    while True:
        room = WAITING_MAX - len(arrivals)
        if room <= 0:
            await asyncio.sleep(_FULL_S)
            continue
        try:
            messages = await subscription.fetch(min(room, _BATCH), timeout=_PULL_S)
        except TimeoutError:
            idle += 1
            if idle % _LOOK_AFTER_PULLS == 0:
                with contextlib.suppress(TimeoutError):  # a busy server; whether it is alive its pings tell
                    await js.consumer_info(stream, consumer)
            continue
        idle = 0
        for message in messages:
            arrivals.put(message.data, message)
