"""Serve the HTTP application inside this very process: one process to start, to watch and to kill.

granian's embedded server does it (its usual one spawns workers); the sockets are Rust's, the application runs on this
thread's event loop.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI
from granian.constants import Interfaces, SSLProtocols
from granian.server.embed import Server

from hanota.faces.listening import Claim, Place, Tls

_STOP_S_MAX: Final = 3
_END_S_MAX: Final = 1
_POLL_S: Final = 0.05

has_served = False
"""Whether this process has served: granian's threads may live on a little after it, and call Python."""


@dataclass(frozen=True, slots=True)
class Site:
    """One application and the port that it is served at."""

    app: FastAPI
    claim: Claim | Place


class HttpServer:
    """Serves sites until stopped: by SIGINT or SIGTERM on the main thread, or by `stop()` from anywhere."""

    def __init__(self, sites: Sequence[Site], *, tls: Tls | None = None) -> None:
        self._sites, self._tls = sites, tls
        self._servers: list[Server] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the sites are served."""
        scheme = "https" if self._tls else "http"
        return tuple(f"{scheme}://{site.claim.address}:{site.claim.port}" for site in self._sites)

    def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Serve; return when stopped. `on_ready` is called once connections are taken at every site."""
        global has_served  # noqa: PLW0603 - of the process, as its threads are
        has_served = True
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._serve(on_ready or (lambda: None)))
        finally:
            _end(loop)

    def stop(self) -> None:
        """Ask it to stop, from any thread; `run` returns soon after."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_all)

    def _stop_all(self) -> None:
        for server in self._servers:
            stop: Callable[[], None] = server.stop
            stop()

    async def _serve(self, on_ready: Callable[[], None]) -> None:
        logging.getLogger("_granian").setLevel(logging.ERROR)  # its own start and stop lines, and "experimental"
        self._loop = asyncio.get_running_loop()
        self._servers = [self._server(site) for site in self._sites]
        with suppress(ValueError, RuntimeError):  # not on the main thread: `stop` is the only way
            for number in (signal.SIGINT, signal.SIGTERM):
                self._loop.add_signal_handler(number, self._stop_all)
        announcing = asyncio.create_task(self._announce(on_ready))
        try:
            await asyncio.gather(*(self._until_stopped(server) for server in self._servers))
        finally:
            announcing.cancel()

    async def _until_stopped(self, server: Server) -> None:
        try:
            with suppress(TimeoutError):  # a connection outlasted _STOP_S_MAX and was cut
                await server.serve()
        finally:
            self._stop_all()  # one that ended by itself leaves no half of a service behind

    def _server(self, site: Site) -> Server:
        tls = self._tls
        server = Server(
            site.app,
            address=site.claim.address,
            port=site.claim.port,
            interface=Interfaces.ASGI,
            websockets=True,
            log_enabled=False,
            ssl_cert=tls.certificate if tls else None,
            ssl_key=tls.key if tls else None,
            ssl_ca=tls.client_ca if tls else None,
            ssl_client_verify=bool(tls and tls.client_ca),
            ssl_protocol_min=SSLProtocols.tls12,
        )
        server.workers_kill_timeout = _STOP_S_MAX  # an open browser tab must not keep the process
        return server

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        for site in self._sites:
            await _reachable(site.claim)
        on_ready()


async def _reachable(claim: Claim | Place) -> None:
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(claim.address, claim.port)
            writer.close()
            return
        await asyncio.sleep(_POLL_S)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """End what still runs, as `asyncio.run` does, but in bounded time.

    A browser's web socket that granian has let go of answers neither its close nor its cancellation.
    """
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_END_S_MAX))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.set_exception_handler(lambda *_: None)  # it would tell of the tasks that are left
    loop.close()
