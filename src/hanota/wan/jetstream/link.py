"""One connection to NATS that is kept for ever, behind calls that wait for a bounded time.

The client of NATS is asynchronous and our ports are not: the link has a thread with an event loop of its own. Each
connection is one life: connect, make what is needed on the server, run the tasks that were asked for, until it breaks;
then another begins after a wait that doubles. So a server that comes back with nothing is like one never seen before.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import nats
import structlog
from nats.aio.client import Client
from nats.errors import NoServersError
from nats.js import JetStreamContext
from nats.js.errors import APIError, ServiceUnavailableError

from hanota.base.errors import require
from hanota.wan.jetstream.errors import NatsAway, NatsUrlWrong, NoJetStream, StreamRefused
from hanota.wan.port import WanError

_T = TypeVar("_T")
Prepare = Callable[[JetStreamContext], Awaitable[None]]
"""Makes what is needed on the server; done for each connection before its tasks run."""
Task = Callable[[JetStreamContext], Coroutine[Any, Any, None]]
"""Works on one connection until it is cancelled. If it ends or fails, that life of the connection is over."""

CONNECT_S_MAX: Final = 3.0
CALL_S_MAX: Final = 5.0
WAIT_S_MIN, WAIT_S_MAX = 0.1, 10.0
_CLOSING_S_MAX: Final = 2.0
_SERVERS_FOR_REPLICAS: Final = 3
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class State:
    """How the link stands: whether it is connected, how often it has been, and why it is not now."""

    connected: bool
    lives: int
    failure: WanError | None


class Link:
    """A connection that comes back; safe from any thread. `servers` are addresses with commas between."""

    def __init__(self, servers: str, *, name: str, prepare: Prepare, tasks: tuple[Task, ...] = ()) -> None:
        self._servers = read_servers(servers)
        self._name = name
        self._prepare = prepare
        self._tasks = tasks
        self._lives = 0
        self._failure: WanError | None = None
        self._js: JetStreamContext | None = None
        self._connected = threading.Event()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"hanota-nats-{name}", daemon=True)

    @property
    def replicas(self) -> int:
        """How many servers are to keep each stream where nothing else is said."""
        return _SERVERS_FOR_REPLICAS if len(self._servers) >= _SERVERS_FOR_REPLICAS else 1

    @property
    def state(self) -> State:
        """How it stands now."""
        return State(self._connected.is_set(), self._lives, self._failure)

    def start(self) -> None:
        """Begin to connect, and wait for nothing."""
        self._thread.start()

    def wait(self, within_s: float) -> bool:
        """Wait until there is a connection. Returns: whether there is one."""
        return self._connected.wait(within_s)

    @property
    def connection(self) -> JetStreamContext | None:
        """The connection of this life; None between lives."""
        return self._js

    def call(self, act: Callable[[JetStreamContext], Coroutine[Any, Any, _T]], within_s: float = CALL_S_MAX) -> _T:
        """Do something on the connection and wait for it. Raises NatsAway: there is none, or it took too long."""
        js = self._js
        if js is None:
            raise self._failure or NatsAway(servers=self._named, cause="not connected yet")
        asked = asyncio.run_coroutine_threadsafe(act(js), self.loop)
        return self._outcome(asked, within_s)

    def spawn(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something in the loop when it gets to it; nobody waits. What goes wrong is logged."""
        asyncio.run_coroutine_threadsafe(_logged(act()), self.loop)

    def wake(self, event: asyncio.Event) -> None:
        """Set an event that a task of the loop waits for."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self.loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """End the connection and the thread; what was on its way may be lost."""
        if not self._thread.is_alive():
            return
        with contextlib.suppress(RuntimeError):  # the loop ended by itself just now
            self.loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(_CLOSING_S_MAX)

    @property
    def _named(self) -> str:
        return ",".join(self._servers)

    def _outcome(self, asked: "Future[_T]", within_s: float) -> _T:
        try:
            return asked.result(within_s)
        except WanError:
            raise
        except WaitedTooLong as cause:
            asked.cancel()
            raise NatsAway(servers=self._named, cause=f"no answer within {within_s:g} s") from cause
        except Exception as cause:  # the client has errors of many families, and sockets have theirs
            raise self._ours(cause) from cause

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self._main = self.loop.create_task(self._live_for_ever())
        with contextlib.suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self._main)
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.close()

    async def _live_for_ever(self) -> None:
        wait_s = WAIT_S_MIN
        while True:
            lives = self._lives
            try:
                await self._live_once()
                failure: WanError = NatsAway(servers=self._named, cause="the connection was closed")
            except Exception as cause:  # nothing is above this thread: it says what happened, and tries again
                failure = self._ours(cause)
            wait_s = WAIT_S_MIN if self._lives > lives else min(2 * wait_s, WAIT_S_MAX)
            self._failure = failure
            _log.warning("nats_away", again_in_s=wait_s, **failure.as_dict())
            await asyncio.sleep(wait_s)

    async def _live_once(self) -> None:
        lost = asyncio.Event()
        client = await self._connect(lost)
        try:
            js = client.jetstream(timeout=CALL_S_MAX)
            await js.account_info()
            await self._prepare(js)
            self._js, self._failure = js, None
            self._lives += 1
            self._connected.set()
            _log.info(
                "nats_connected", server=client.connected_url.netloc if client.connected_url else "", name=self._name
            )
            await self._work(js, lost)
        finally:
            self._connected.clear()
            self._js = None
            with contextlib.suppress(Exception):  # it may be broken in any way; another is made
                await asyncio.wait_for(client.close(), _CLOSING_S_MAX)

    async def _work(self, js: JetStreamContext, lost: asyncio.Event) -> None:
        """Run the tasks until one of them ends or the connection is lost."""
        waiting = asyncio.ensure_future(lost.wait())
        tasks = [asyncio.ensure_future(task(js)) for task in self._tasks]
        try:
            done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (waiting, *tasks):
                task.cancel()
            await asyncio.gather(waiting, *tasks, return_exceptions=True)

    async def _connect(self, lost: asyncio.Event) -> Client:
        async def gone() -> None:
            lost.set()

        causes: list[Exception] = []

        async def note(cause: Exception) -> None:
            """Keep it: the client's own last word is only that no server is left."""
            causes[:] = [cause]

        try:
            async with asyncio.timeout(CONNECT_S_MAX * len(self._servers)):
                return await nats.connect(
                    servers=list(self._servers),
                    name=self._name,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,  # it tries each server once more; 0 would mean for ever
                    reconnect_time_wait=0,
                    connect_timeout=2,
                    disconnected_cb=gone,
                    closed_cb=gone,
                    error_cb=note,
                )
        except NoServersError as cause:
            raise self._ours(causes[-1] if causes else cause) from cause

    def _ours(self, cause: Exception) -> WanError:
        """Say what happened in our own words."""
        if isinstance(cause, WanError):
            return cause
        text = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
        if isinstance(cause, ServiceUnavailableError):
            return NoJetStream(servers=self._named, cause=text)
        if isinstance(cause, APIError):
            return StreamRefused(servers=self._named, cause=text)
        return NatsAway(servers=self._named, cause=text)


def read_servers(text: str) -> tuple[str, ...]:
    """Read addresses with commas between. Raises NatsUrlWrong."""
    servers = tuple(part.strip() for part in text.split(",") if part.strip())
    require(servers, NatsUrlWrong, url=text)
    for server in servers:
        try:
            parts = urlsplit(server)
            good = parts.scheme in ("nats", "tls") and parts.hostname and (parts.port or 1) > 0
        except ValueError:
            good = False
        require(good, NatsUrlWrong, url=text)
    return servers


async def _logged(act: Coroutine[Any, Any, None]) -> None:
    try:
        await act
    except Exception as failure:  # nobody waits for it; what was lost is sent again
        _log.warning("nats_not_done", why=f"{type(failure).__name__}: {failure}")
