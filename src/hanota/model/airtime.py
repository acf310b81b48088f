"""What a frame costs on the air of a home, and how much of the channel has been taken lately (R8, domain 6.4).

The hub judges by it how fast it may serve; the links of the emulated air measure with it.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hanota.base.instant import Instant

FRAME_OVERHEAD_OCTETS: Final = 53  # MAC 11, network 8 and its security 18, application support 8 and its security 8
_PARTS: Final = 60


@dataclass(frozen=True, slots=True)
class Band:
    """A radio band: bits per second, and the share of an hour that one sender may transmit (None: no limit)."""

    name: str
    bits_per_s: int
    duty_cycle: float | None = None


GHZ_2_4: Final = Band("2.4 GHz", 250_000)
SUB_GHZ: Final = Band("sub-GHz", 100_000, duty_cycle=0.01)
BANDS: Final[Mapping[str, Band]] = {band.name: band for band in (GHZ_2_4, SUB_GHZ)}


def airtime_us(octets: int, band: Band = GHZ_2_4) -> int:
    """Time on air of one frame with `octets` of ZCL, microseconds."""
    return (octets + FRAME_OVERHEAD_OCTETS) * 8 * 1_000_000 // band.bits_per_s


class Window:
    """A sum over the last `span_ms`, kept in parts: an amount counts until its whole part is out, so never too short.

    A clock that is put back makes it forget what now lies in the future.
    """

    __slots__ = ("_part_ms", "_parts", "_span_ms", "_total")

    def __init__(self, span_ms: int) -> None:
        self._span_ms = span_ms
        self._part_ms = max(1, span_ms // _PARTS)
        self._parts: deque[list[int]] = deque()  # [start, amount]
        self._total = 0

    def add(self, amount: int, now: Instant) -> None:
        """Count `amount` at `now`."""
        parts = self._parts
        if not parts or not 0 <= now - parts[-1][0] < self._part_ms:
            self._forget(now)
            parts.append([now - now % self._part_ms, 0])
        parts[-1][1] += amount
        self._total += amount

    def add_within(self, limit: int, room: int, amount: int, now: Instant) -> bool:
        """Count `amount` at `now` if there is room for `room` more without a look at what has run out; say whether."""
        if self._total + room > limit:
            return False
        part = self._parts[-1] if self._parts else None
        if part is not None and 0 <= now - part[0] < self._part_ms:
            part[1] += amount
            self._total += amount
        else:
            self.add(amount, now)
        return True

    def total(self, now: Instant) -> int:
        """Give the sum of what counts at `now`."""
        self._forget(now)
        return self._total

    def room_at(self, amount: int, limit: int, now: Instant) -> Instant:
        """Give when `amount` more is within `limit`, `now` if it already is; with nothing counted it always is."""
        if self._total + amount <= limit:
            return now  # what runs out, or is forgotten, only makes more room
        left = self.total(now)
        at = now
        for start, counted in self._parts:
            if left + amount <= limit:
                break
            left -= counted
            at = Instant(start + self._part_ms + self._span_ms)
        return at

    def _forget(self, now: Instant) -> None:
        parts, edge = self._parts, now - self._span_ms - self._part_ms
        while parts and parts[0][0] <= edge:
            self._total -= parts.popleft()[1]
        while parts and parts[-1][0] > now:
            self._total -= parts.pop()[1]
