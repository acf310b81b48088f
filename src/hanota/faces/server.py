"""Serve the HTTP application inside this very process: one process to start, to watch and to kill.

granian's embedded server does it (its usual one spawns workers); the sockets are Rust's, the application runs on this
thread's event loop.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from fastapi import FastAPI
from granian.constants import Interfaces
from granian.server.embed import Server

from hanota.base.errors import Fault, HanotaError

DEFAULT_ADDRESS: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8079
_STOP_S_MAX: Final = 3
_END_S_MAX: Final = 1
_POLL_S: Final = 0.05


class PortTaken(HanotaError):
    """The port that was asked for is in use."""

    code, fault = "HOTA-FACE-010", Fault.OPERATOR
    what = "{address}:{port} is in use by another program"
    remedy = "stop that program (another `hanota up`?) or choose another port with --port"


class HttpServer:
    """Serves one application until stopped: by SIGINT or SIGTERM on the main thread, or by `stop()` from anywhere."""

    def __init__(self, app: FastAPI, *, address: str = DEFAULT_ADDRESS, port: int = DEFAULT_PORT) -> None:
        self._app, self._address, self._port = app, address, port
        self._server: Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://{self._address}:{self._port}"

    def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Serve; return when stopped. `on_ready` is called once connections are taken. Raises PortTaken."""
        self._claim_port()
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._serve(on_ready or (lambda: None)))
        finally:
            _end(loop)

    def stop(self) -> None:
        """Ask it to stop, from any thread; `run` returns soon after."""
        if self._loop is not None and self._server is not None:
            self._loop.call_soon_threadsafe(self._server.stop)

    def _claim_port(self) -> None:
        # granian binds with SO_REUSEPORT: it would share a taken port instead of saying so.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._address, self._port))
            except OSError as cause:
                raise PortTaken(address=self._address, port=self._port) from cause

    async def _serve(self, on_ready: Callable[[], None]) -> None:
        logging.getLogger("_granian").setLevel(logging.ERROR)  # its own start and stop lines, and "experimental"
        self._loop = asyncio.get_running_loop()
        self._server = Server(
            self._app,
            address=self._address,
            port=self._port,
            interface=Interfaces.ASGI,
            websockets=True,
            log_enabled=False,
        )
        self._server.workers_kill_timeout = _STOP_S_MAX  # an open browser tab must not keep the process
        with suppress(ValueError, RuntimeError):  # not on the main thread: `stop` is the only way
            for number in (signal.SIGINT, signal.SIGTERM):
                self._loop.add_signal_handler(number, self._server.stop)
        announcing = asyncio.create_task(self._announce(on_ready))
        try:
            with suppress(TimeoutError):  # a connection outlasted _STOP_S_MAX and was cut
                await self._server.serve()
        finally:
            announcing.cancel()

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(self._address, self._port)
                writer.close()
                break
            await asyncio.sleep(_POLL_S)
        on_ready()


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


def free_port(address: str = DEFAULT_ADDRESS) -> int:
    """Give a port of `address` that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        number: int = probe.getsockname()[1]
        return number
