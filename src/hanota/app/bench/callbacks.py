"""`hanota bench callbacks`: messages read, rendered, signed, posted and recorded, over real HTTP to another process.

Beside the whole path, its parts are measured one by one, and the limit that nothing in Python passes here: ECDSA
signatures and posts of the same size by the same client, without anything else.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp

from hanota.app.bench.crowd import Crowd, gather
from hanota.app.bench.machine import machine
from hanota.app.messages import render
from hanota.app.posting import FLIGHTS_MAX
from hanota.base.errors import Fault, HanotaError, require
from hanota.base.instant import Instant
from hanota.callbacks.http import HttpCallback
from hanota.records.ledger import verify
from hanota.records.store.outgoing import DueMessage, due_messages
from hanota.wire import ecdsa

PER_S_MIN: Final = 500.0
PEER: Final = "bare ECDSA P-256 signatures and bare posts by the same client, one after the other, on this machine"
_RECEIVER: Final = "hanota.app.bench.receiver"
_START_S_MAX: Final = 20.0
_SAMPLE_MIN: Final = 500
_ROUNDS: Final = 3


class MessagesAstray(HanotaError):
    """Not every message arrived once and is recorded once: the figures would mean nothing."""

    code, fault = "HOTA-BENCH-004", Fault.US
    what = "of {messages} messages {different} arrived in {posts} posts, and {recorded} are recorded as taken"
    remedy = "report this with the log lines around it"


class ReceiverSilent(HanotaError):
    """The receiving process does not say where it listens."""

    code, fault = "HOTA-BENCH-005", Fault.OPERATOR
    what = "the receiver did not start: {told}"
    remedy = "run python -m hanota.app.bench.receiver by hand and see what it says"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbacksOutcome:
    """What was measured, in messages per second; `per_s` is the whole path on one core, the receiver on another.

    `per_cpu_s` is the whole path again, by the time that the processor spent on it: on a busy machine the steadier one.
    """

    messages: int
    parties: int
    seconds: float
    per_s: float
    per_cpu_s: float
    rendered_per_s: float
    signed_per_s: float
    posted_per_s: float
    bare_signed_per_s: float
    bare_posted_per_s: float
    peer_per_s: float
    ratio: float
    peer: str
    octets_max: int
    machine: str

    @property
    def limits(self) -> dict[str, float]:
        """What the figures are held to."""
        return {"per_s_min": PER_S_MIN}

    @property
    def passed(self) -> bool:
        """Whether the whole path is fast enough."""
        return self.per_s >= PER_S_MIN

    def as_dict(self) -> dict[str, Any]:
        """Give the row for JSON."""
        return {"name": "callbacks", **asdict(self), "limits": self.limits, "passed": self.passed}


def bench_callbacks(*, now: Instant, messages: int = 5_000, parties: int = 8) -> CallbacksOutcome:
    """Deliver so many messages to so many parties, then measure the parts. Raises: MessagesAstray, ReceiverSilent."""
    with tempfile.TemporaryDirectory(prefix="hanota-bench-") as folder, _receiver() as address:
        endpoints = [f"{address}/party-{number}" for number in range(parties)]
        callback = HttpCallback()
        crowd = gather(Path(folder), messages=messages, endpoints=endpoints, callback=callback, now=now)
        sample = _sample(crowd, now)
        seconds, cpu_s = _deliver(crowd, now)
        callback.close()
        arrived = _tally(address)
        _require_all(crowd, arrived)
        parts = [_parts(crowd, sample, endpoints, now) for _ in range(_ROUNDS)]
        crowd.store.close()
    best = _Parts(*map(max, zip(*parts, strict=True)))  # what else the machine did in a round is nobody's figure
    peer_per_s = 1 / (1 / best.bare_signed + 1 / best.bare_posted)
    return CallbacksOutcome(
        messages=messages,
        parties=parties,
        seconds=round(seconds, 3),
        per_s=round(messages / seconds),
        per_cpu_s=round(messages / cpu_s),
        rendered_per_s=round(best.rendered),
        signed_per_s=round(best.signed),
        posted_per_s=round(best.posted),
        bare_signed_per_s=round(best.bare_signed),
        bare_posted_per_s=round(best.bare_posted),
        peer_per_s=round(peer_per_s),
        ratio=round(messages / seconds / peer_per_s, 3),
        peer=PEER,
        octets_max=arrived["octets_max"],
        machine=machine(),
    )


class _Parts(NamedTuple):
    """Messages per second in each part of the path, and of the limit."""

    rendered: float
    signed: float
    posted: float
    bare_signed: float
    bare_posted: float


def _parts(crowd: Crowd, sample: list[DueMessage], endpoints: list[str], now: Instant) -> _Parts:
    documents, rendered_s = _timed(lambda message: render(message, dcc=crowd.dcc, now=now), sample)
    signed, signed_s = _timed(crowd.sign, documents)
    posted_s = _post_all(endpoints, signed)
    _, bare_signed_s = _timed(lambda octets: ecdsa.sign(octets, crowd.signer.key), documents)
    bare_posted_s = asyncio.run(_bare_posts(endpoints, signed))
    times = (rendered_s, signed_s, posted_s, bare_signed_s, bare_posted_s)
    return _Parts(*(len(sample) / seconds for seconds in times))


def _deliver(crowd: Crowd, now: Instant) -> tuple[float, float]:
    """Give the seconds that it took, by the clock on the wall and of this process's processor."""
    began, cpu_began = time.perf_counter(), time.process_time()
    while (due := crowd.head_end.next_due()) is not None and due <= now:
        crowd.head_end.drain_alerts(now)
    return time.perf_counter() - began, time.process_time() - cpu_began


def _sample(crowd: Crowd, now: Instant) -> list[DueMessage]:
    """Messages as they are read, often enough to measure what is done with one."""
    with crowd.store.reading() as connection:
        found, _ = due_messages(connection, now)
    return found * -(-_SAMPLE_MIN // len(found))


def _timed(do: Callable[[Any], Any], values: Iterable[Any]) -> tuple[list[Any], float]:
    began = time.perf_counter()
    done = [do(value) for value in values]
    return done, time.perf_counter() - began


def _post_all(endpoints: list[str], bodies: list[bytes]) -> float:
    callback, room = HttpCallback(), threading.Semaphore(FLIGHTS_MAX)

    def landed(_: Future[None]) -> None:
        room.release()

    began = time.perf_counter()
    flights = []
    for number, body in enumerate(bodies):
        room.acquire()
        flights.append(callback.post(endpoints[number % len(endpoints)], body))
        flights[-1].add_done_callback(landed)
    for flight in flights:
        flight.result()
    seconds = time.perf_counter() - began
    callback.close()
    return seconds


async def _bare_posts(endpoints: list[str], bodies: list[bytes]) -> float:
    """Post by the client alone: no thread beside, no limits on time, no look at the answer."""
    waiting = iter(list(enumerate(bodies)))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=FLIGHTS_MAX)) as session:

        async def work() -> None:
            for number, body in waiting:
                async with session.post(endpoints[number % len(endpoints)], data=body) as response:
                    await response.read()

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(FLIGHTS_MAX)))
        return time.perf_counter() - began


@contextmanager
def _receiver() -> Iterator[str]:
    """Run a party's receiver in a process of its own. Gives its address. Raises ReceiverSilent."""
    with subprocess.Popen((sys.executable, "-m", _RECEIVER), stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        silent = threading.Timer(_START_S_MAX, process.kill)
        silent.start()
        try:
            assert process.stdout is not None
            told = process.stdout.readline().strip()
            require(told.isdigit(), ReceiverSilent, told=told or "it ended")
            silent.cancel()
            yield f"http://127.0.0.1:{told}"
        finally:
            silent.cancel()
            process.kill()


def _tally(address: str) -> dict[str, int]:
    with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own receiver on this machine
        found: dict[str, int] = json.load(answer)
        return found


def _require_all(crowd: Crowd, arrived: dict[str, int]) -> None:
    with crowd.store.reading() as connection:
        waiting, unreadable = due_messages(connection, Instant(2**62))
        whole = verify(connection)
    left = len(waiting) + len(unreadable)
    good = arrived["different"] == arrived["posts"] == crowd.messages and not left and whole
    recorded = crowd.messages if not left else f"not all ({left} or more are not)"
    require(good, MessagesAstray, messages=crowd.messages, **arrived, recorded=recorded)
