"""A party's receiver for measurements: a process that takes what is posted as a client does, and counts it.

It speaks as much HTTP/1.1 as a client with keep-alive needs, so that its own core is not what is measured. `GET` tells
what came: posts, different documents' identifiers, the largest body.
"""

import asyncio
import json
import re
import sys
from typing import Final

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_RESPONSE_ID: Final = re.compile(rb"ResponseID>([^<]+)<")
_TAKEN: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


class Tally:
    """What came so far, over all connections."""

    def __init__(self) -> None:
        self.posts = 0
        self.octets_max = 0
        self.ids: set[bytes] = set()

    def take(self, body: bytes) -> None:
        """Count one body and remember its ResponseID."""
        self.posts += 1
        self.octets_max = max(self.octets_max, len(body))
        self.ids.update(_RESPONSE_ID.findall(body))

    def answer(self) -> bytes:
        """What a GET is answered."""
        told = {"posts": self.posts, "different": len(self.ids), "octets_max": self.octets_max}
        body = json.dumps(told).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Receiver(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport if isinstance(transport, asyncio.Transport) else None

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole by now."""
        self._read += data
        while (head_end := self._read.find(_HEAD_END)) >= 0:
            head = bytes(self._read[:head_end])
            length = _LENGTH.search(head)
            end = head_end + len(_HEAD_END) + (int(length[1]) if length else 0)
            if len(self._read) < end:
                return
            body = bytes(self._read[head_end + len(_HEAD_END) : end])
            del self._read[:end]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        posted = head.startswith(b"POST ")
        if posted:
            self._tally.take(body)
        if self._transport is not None:
            self._transport.write(_TAKEN if posted else self._tally.answer())


async def serve() -> None:
    """Listen on a free port of this machine, say which one on standard output, and serve until the process ends."""
    tally = Tally()
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(tally), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
