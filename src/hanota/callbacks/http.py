"""Carrier over HTTP: POST application/xml, success is any 2xx (DCC Boxed clients answer 204)."""

import asyncio
import threading
from typing import Final

import httpx

from hanota.base.errors import require
from hanota.callbacks.port import CallbackError

WHOLE_S_MAX: Final = 5.0
"""What one post may take altogether, in real seconds: names, connecting, sending and the answer."""
_STEP_S_MAX: Final = 3.0
_ANSWER_OCTETS_MAX: Final = 64 * 1024


class HttpCallback:
    """Posts messages, one at a time; one connection pool for all parties.

    It has an event loop of its own, because only a task can be stopped wherever it is: a party that sends an octet now
    and then keeps every single wait short. So it is not for threads that run a loop themselves.
    """

    def __init__(self, client: httpx.AsyncClient | None = None, *, whole_s_max: float = WHOLE_S_MAX) -> None:
        self._client = client or httpx.AsyncClient(timeout=_STEP_S_MAX, follow_redirects=False)
        self._whole_s_max = whole_s_max
        self._loop = asyncio.Runner()
        self._turn = threading.Lock()
        self._closed = False

    def post(self, endpoint: str, octets: bytes) -> None:
        """Post one message. Raises CallbackError."""
        try:
            with self._turn:
                require(not self._closed, CallbackError, endpoint=endpoint, cause="the carrier is closed")
                status = self._loop.run(self._post(endpoint, octets))
        except TimeoutError as cause:
            raise CallbackError(endpoint=endpoint, cause=f"no answer within {self._whole_s_max:g} s") from cause
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as cause:  # an endpoint may be any text
            raise CallbackError(endpoint=endpoint, cause=cause) from cause
        if not httpx.codes.is_success(status):
            raise CallbackError(endpoint=endpoint, cause=f"HTTP {status}")

    async def _post(self, endpoint: str, octets: bytes) -> int:
        headers = {"Content-Type": "application/xml", "Accept-Encoding": "identity"}
        async with (
            asyncio.timeout(self._whole_s_max),
            self._client.stream("POST", endpoint, content=octets, headers=headers) as response,
        ):
            read = 0
            async for chunk in response.aiter_bytes():  # to its end, so that the connection serves again
                read += len(chunk)
                if read > _ANSWER_OCTETS_MAX:
                    break
            return response.status_code

    def close(self) -> None:
        """Close the connections. A post that is still under way goes with its process."""
        if self._closed or not self._turn.acquire(blocking=False):
            return
        try:
            self._closed = True
            self._loop.run(self._client.aclose())
            self._loop.close()
        finally:
            self._turn.release()
