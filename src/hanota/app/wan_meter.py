"""Counting what the head end hands to the wide-area networks and gets from them, until it is written down."""

from collections import defaultdict

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.records.store import Connection
from hanota.records.store.wan_use import Handed, Kind, add_use


class WanMeter:
    """Counts frames and octets by hub, direction, kind and, of image octets, the image.

    They are written in a transaction that is there anyway; those of a process that dies before are lost.
    """

    def __init__(self) -> None:
        self._handed: defaultdict[Kind, Handed] = defaultdict(Handed)

    def down(self, hub: Eui64, kind: str, octets: int, image: bytes | None = None) -> None:
        """Count a frame to a hub."""
        self._handed["down", kind, image].add(hub, octets)

    def up(self, hub: Eui64, kind: str, octets: int) -> None:
        """Count a frame from a hub."""
        self._handed["up", kind, None].add(hub, octets)

    def write(self, connection: Connection, now: Instant) -> None:
        """Add what was counted since the last time to the store's figures."""
        handed, self._handed = self._handed, defaultdict(Handed)
        add_use(connection, handed, now)
