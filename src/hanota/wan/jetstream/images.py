"""Images on the server and beside a hub agent: put once by SHA-256, fetched piece by piece, believed by their hash.

The server keeps them in its object store (bucket `hanota-images`, name: the hash in hex). A fetch takes the pieces one
by one and adds each to a `.part` file; one that breaks goes on behind the last octet it has, also in another process.
"""

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError
from nats.js.object_store import ObjectStore

from hanota.wan.jetstream.places import BUCKET, OBJECT_STREAM

PIECE_OCTETS: Final = 64 * 1024
KEPT_MAX: Final = 200
"""Images beside an agent: 150 MB of the largest; the one not asked for longest goes first."""
_LIST_S: Final = 2.0
_LISTED_AT_ONCE: Final = 256
_log = structlog.get_logger()


async def put(js: JetStreamContext, image_hash: bytes, octets: Callable[[], bytes | None]) -> bool:
    """Have the server keep an image unless it does. Returns: whether it had to be put."""
    store = await js.object_store(BUCKET)
    name = image_hash.hex()
    if await _whole(js, store, name) is not None:
        return False
    data = await asyncio.to_thread(octets)
    if data is None:
        return False
    options = api.ObjectMetaOptions(max_chunk_size=PIECE_OCTETS)
    await store.put(name, data, meta=api.ObjectMeta(name=name, options=options))
    return True


async def _whole(js: JetStreamContext, store: ObjectStore, name: str) -> list[tuple[int, int]] | None:
    """Give where the pieces of an object are: sequence number and size of each; None if it is not there whole."""
    try:
        info = await store.get_info(name)
    except NotFoundError:
        return None
    pieces = await _pieces(js, f"$O.{BUCKET}.C.{info.nuid}", info.chunks or 0)
    return pieces if sum(octets for _, octets in pieces) == info.size else None


async def _pieces(js: JetStreamContext, subject: str, count: int) -> list[tuple[int, int]]:
    """List the messages of a subject without their contents."""
    config = api.ConsumerConfig(
        headers_only=True, ack_policy=api.AckPolicy.NONE, mem_storage=True, inactive_threshold=10 * _LIST_S
    )
    listing = await js.pull_subscribe(subject, stream=OBJECT_STREAM, config=config)
    pieces: list[tuple[int, int]] = []
    try:
        while len(pieces) < count:
            for message in await listing.fetch(min(count - len(pieces), _LISTED_AT_ONCE), timeout=_LIST_S):
                size = int((message.headers or {}).get("Nats-Msg-Size", 0))
                pieces.append((message.metadata.sequence.stream, size))
    except TimeoutError:
        pass  # some are gone; who asked finds the sum wanting
    finally:
        await listing.unsubscribe()
    return pieces


class LocalImages:
    """Images in a folder, each under its SHA-256; safe between threads, for one process at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._known: OrderedDict[bytes, int] = OrderedDict()
        self.pieces_fetched = 0
        for path in sorted(folder.glob("*.ota"), key=lambda found: found.stat().st_mtime):
            self._known[bytes.fromhex(path.stem)] = path.stat().st_size

    def __contains__(self, image_hash: object) -> bool:
        return image_hash in self._known

    def slice(self, image_hash: bytes, offset: int, octets_max: int) -> tuple[bytes, int] | None:
        """Give at most `octets_max` octets from `offset` on, and the size of the whole; None if it is not here."""
        size = self._known.get(image_hash)
        if size is None:
            return None
        self._known.move_to_end(image_hash)
        with self._path(image_hash).open("rb") as file:
            return os.pread(file.fileno(), octets_max, min(offset, size)), size

    def _path(self, image_hash: bytes) -> Path:
        return self._folder / f"{image_hash.hex()}.ota"

    async def fetch(self, js: JetStreamContext, image_hash: bytes) -> bool:
        """Fetch an image from the server, from where an earlier fetch stopped. Returns: whether it is here now.

        False: the server does not have it whole, or what it has is another file. Whatever else goes wrong is raised;
        what was fetched until then stays.
        """
        store = await js.object_store(BUCKET)
        pieces = await _whole(js, store, image_hash.hex())
        if pieces is None:
            return False
        part = self._path(image_hash).with_suffix(".part")
        at, octets = 0, part.stat().st_size if part.exists() else 0
        with part.open("ab") as file:
            for sequence, size in pieces:
                if at + size > octets:
                    data = (await js.get_msg(OBJECT_STREAM, seq=sequence, direct=True)).data or b""
                    self.pieces_fetched += 1
                    file.write(data[octets - at :])
                    file.flush()
                    octets = at + size
                at += size
        return await asyncio.to_thread(self._keep, image_hash, part)

    def _keep(self, image_hash: bytes, part: Path) -> bool:
        """Believe a file that has the hash; another is dropped, and fetched from its start when it is wanted again."""
        octets = part.read_bytes()
        if hashlib.sha256(octets).digest() != image_hash:
            _log.warning("image_not_believed", image=image_hash.hex(), octets=len(octets))
            part.unlink()
            return False
        part.replace(self._path(image_hash))
        self._known[image_hash] = len(octets)
        while len(self._known) > KEPT_MAX:
            oldest, _ = self._known.popitem(last=False)
            self._path(oldest).unlink(missing_ok=True)
        return True
