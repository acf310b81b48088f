"""Carrier over HTTP: POST application/xml, success is any 2xx (DCC Boxed clients answer 204)."""

from typing import Final

import httpx

from hanota.callbacks.port import CallbackError

_TIMEOUT_S: Final = 3.0


class HttpCallback:
    """Posts messages; one connection pool for all parties."""

    def __init__(self, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False)

    def post(self, endpoint: str, octets: bytes) -> None:
        """Post one message. Raises CallbackError."""
        try:
            response = self._client.post(endpoint, content=octets, headers={"Content-Type": "application/xml"})
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as cause:  # an endpoint may be any text
            raise CallbackError(endpoint=endpoint, cause=cause) from cause
        if not response.is_success:
            raise CallbackError(endpoint=endpoint, cause=f"HTTP {response.status_code}")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
