"""Carrier over HTTP: POST application/xml, success is any 2xx (DCC Boxed clients answer 204)."""

import asyncio
import ssl
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from hanota.base.errors import require
from hanota.callbacks.port import CallbackError, MessageRefused

if TYPE_CHECKING:
    import aiohttp

WHOLE_S_MAX: Final = 5.0
"""What one post may take altogether, in real seconds: names, connecting, sending and the answer."""
CONNECTIONS_MAX: Final = 64
_ANSWER_OCTETS_MAX: Final = 64 * 1024
_CLOSING_S_MAX: Final = 0.5
_HEADERS: Final = {"Content-Type": "application/xml", "Accept-Encoding": "identity"}
_OF_THIS_MESSAGE: Final = frozenset({400, 409, 413, 415, 422})
"""Answers of a receiver that looked at the message; any other refusal would meet every message."""


class HttpCallback:
    """Posts messages, up to CONNECTIONS_MAX at once over connections that stay open; safe from any thread.

    It has a thread with an event loop of its own, because only a task can be stopped wherever it is: a party that sends
    an octet now and then keeps every single wait short. `tls` says whom to trust and with which certificate to come.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, whole_s_max: float = WHOLE_S_MAX) -> None:
        self._tls = tls
        self._whole_s_max = whole_s_max
        self._lock = threading.Lock()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._session: aiohttp.ClientSession | None = None

    def post(self, endpoint: str, octets: bytes) -> Future[None]:
        """Begin to post one message; the future ends with None or with CallbackError within `whole_s_max`."""
        with self._lock:
            if self._closed:
                return _failed(CallbackError(endpoint=endpoint, cause="the carrier is closed"))
            return asyncio.run_coroutine_threadsafe(self._deliver(endpoint, octets), self._running())

    def close(self) -> None:
        """Close the connections. Posts that are still under way end with CallbackError."""
        with self._lock:
            loop, thread, self._closed = self._loop, self._thread, True
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_CLOSING_S_MAX)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            import aiohttp  # noqa: F401, PLC0415  (a quarter of a second that who never posts need not spend)

            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_run, args=(self._loop, self), name="hanota-callbacks", daemon=True)
            self._thread.start()
        return self._loop

    async def _deliver(self, endpoint: str, octets: bytes) -> None:
        try:
            async with asyncio.timeout(self._whole_s_max):
                status = await self._exchange(endpoint, octets)
        except TimeoutError as cause:
            raise CallbackError(endpoint=endpoint, cause=f"no answer within {self._whole_s_max:g} s") from cause
        except asyncio.CancelledError as cause:
            raise CallbackError(endpoint=endpoint, cause="the carrier was closed") from cause
        except Exception as cause:  # an endpoint may be any text, and what reads it has errors of many families
            raise CallbackError(endpoint=endpoint, cause=f"{type(cause).__name__}: {cause}") from cause
        if status in _OF_THIS_MESSAGE:
            raise MessageRefused(endpoint=endpoint, cause=f"HTTP {status}")
        require(status // 100 == 2, CallbackError, endpoint=endpoint, cause=f"HTTP {status}")

    async def _exchange(self, endpoint: str, octets: bytes) -> int:
        import aiohttp  # noqa: PLC0415  (as in `_running`)

        try:
            return await self._exchange_once(endpoint, octets)
        except aiohttp.ServerDisconnectedError:  # it closed an idle connection just as this post came: no refusal
            return await self._exchange_once(endpoint, octets)

    async def _exchange_once(self, endpoint: str, octets: bytes) -> int:
        session = self._session_of_loop()
        async with session.post(endpoint, data=octets, headers=_HEADERS, allow_redirects=False) as response:
            read = 0
            async for chunk in response.content.iter_any():  # to its end, so that the connection serves again
                read += len(chunk)
                if read > _ANSWER_OCTETS_MAX:
                    response.close()
                    break
            return response.status

    def _session_of_loop(self) -> "aiohttp.ClientSession":
        import aiohttp  # noqa: PLC0415  (as in `_running`)

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, ssl=True if self._tls is None else self._tls),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    async def _end(self) -> None:
        """Cancel what is under way and let go of the connections."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._session is not None:
            await self._session.close()


def _run(loop: asyncio.AbstractEventLoop, callback: HttpCallback) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(callback._end())
    finally:
        loop.close()


def _failed(error: CallbackError) -> Future[None]:
    found: Future[None] = Future()
    found.set_exception(error)
    return found
