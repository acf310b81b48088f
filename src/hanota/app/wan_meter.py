"""Counting what the head end hands to the wide-area networks and gets from them, until it is written down."""

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.records.store import Connection
from hanota.records.store.wan_use import add_use, counted_rows

_Key = tuple[Eui64, str, str, bytes | None]


class WanMeter:
    """Counts frames and octets by hub, direction, kind and, of image octets, the image.

    They are written in a transaction that is there anyway; those of a process that dies before are lost.
    """

    def __init__(self) -> None:
        self._counts: dict[_Key, tuple[int, int]] = {}

    def down(self, hub: Eui64, kind: str, octets: int, image: bytes | None = None) -> None:
        """Count a frame to a hub."""
        self._count((hub, "down", kind, image), octets)

    def up(self, hub: Eui64, kind: str, octets: int) -> None:
        """Count a frame from a hub."""
        self._count((hub, "up", kind, None), octets)

    def _count(self, key: _Key, octets: int) -> None:
        frames, before = self._counts.get(key, (0, 0))
        self._counts[key] = (frames + 1, before + octets)

    def write(self, connection: Connection, now: Instant) -> None:
        """Add what was counted since the last time to the store's figures."""
        counts, self._counts = self._counts, {}
        add_use(connection, counted_rows(counts), now)
