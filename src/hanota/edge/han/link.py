"""A model of the air in one home: latency, loss, repetition, alteration, duty cycle, and how much of it is taken (R8).

Two bands: 2.4 GHz, and sub-GHz, where a sender may transmit for a share of each hour only and is suspended beyond it
(domain 6.4). No random number is drawn for what has the probability 0.
"""

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, MINUTE, Instant
from hanota.model.airtime import GHZ_2_4, Band, Window, airtime_us

HOLD_BACK_MS: Final = 7_680  # how long a suspended sender's frame waits for room before it is dropped
MINUTES_KEPT: Final = 7 * 24 * 60
_ALTERED_MAX: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HanModel:
    """How one frame fares. `loss`, `duplication` and `corruption` are probabilities per frame, 0…1; times in ms.

    Frames may overtake each other within `jitter_ms`. An altered frame does not pass the integrity code that every
    ZigBee frame carries, and the receiver's radio drops it; with `integrity` off it is handed up as it is.
    """

    band: Band = GHZ_2_4
    latency_ms: int = 15
    jitter_ms: int = 10
    loss: float = 0.0
    duplication: float = 0.0
    corruption: float = 0.0
    integrity: bool = True


@dataclass(slots=True)
class Occupancy:
    """What a home's channel has carried: frames, ZCL octets, time on air in microseconds.

    Of the frames, `lost` never arrived, `altered` were changed on their way, `suspended` were not sent at all, as their
    sender had used its share of the hour up, and `missed` came to a device that slept. `repeated` arrived twice,
    `overtaken` after one that was sent later.
    """

    frames: int = 0
    octets: int = 0
    airtime_us: int = 0
    lost: int = 0
    altered: int = 0
    suspended: int = 0
    missed: int = 0
    repeated: int = 0
    overtaken: int = 0
    minutes: deque[tuple[Instant, int]] = field(default_factory=lambda: deque(maxlen=MINUTES_KEPT))

    def count(self, octets: int, taken_us: int, now: Instant) -> None:
        """Count one frame on the air."""
        self.frames += 1
        self.octets += octets
        self.airtime_us += taken_us
        minute = Instant(now - now % MINUTE)
        if self.minutes and self.minutes[-1][0] == minute:
            taken_us += self.minutes.pop()[1]
        self.minutes.append((minute, taken_us))

    def shares(self) -> list[tuple[Instant, float]]:
        """Give each minute in which a frame was sent, the last week's at most, and the share of it that was taken."""
        return [(minute, taken_us / (MINUTE * 1000)) for minute, taken_us in self.minutes]

    def share(self, first: Instant, last: Instant) -> float:
        """Give the share that was taken of the minutes from the one of `first` to the one of `last`."""
        start, end = first - first % MINUTE, last - last % MINUTE
        taken_us = sum(taken_us for minute, taken_us in self.minutes if start <= minute <= end)
        return taken_us / ((end - start + MINUTE) * 1000)


class HanLink:
    """The channel of one home; a lost frame takes airtime too."""

    def __init__(self, model: HanModel, rng: Random) -> None:
        self.model = model
        self.occupancy = Occupancy()
        self._rng = rng
        self._sent: dict[Eui64 | None, Window] = {}
        self._latest = Instant(0)

    def carry(self, octets: bytes, now: Instant, sender: Eui64 | None = None) -> tuple[tuple[Instant, bytes], ...]:
        """Give when the frame arrives and as what: nothing where it is lost or not sent, two where it is repeated."""
        model, taken = self.model, self.occupancy
        spent_us = airtime_us(len(octets), model.band)
        sent_at = now
        if model.band.duty_cycle is not None:
            sent_at = self._sent_at(sender, spent_us, model.band.duty_cycle, now)
            if sent_at > now + HOLD_BACK_MS:
                taken.suspended += 1
                return ()
        taken.count(len(octets), spent_us, now)
        if model.loss and self._rng.random() < model.loss:
            taken.lost += 1
            return ()
        if model.corruption and self._rng.random() < model.corruption:
            taken.altered += 1
            if model.integrity:
                return ()
            octets = self._altered(octets)
        arrival = (self._arrival(sent_at), octets)
        if model.duplication and self._rng.random() < model.duplication:
            taken.repeated += 1
            return arrival, (self._arrival(sent_at), octets)
        return (arrival,)

    def _sent_at(self, sender: Eui64 | None, spent_us: int, duty_cycle: float, now: Instant) -> Instant:
        """Give when the sender's share of the hour has room for the frame; what is sent soon enough counts."""
        window = self._sent.setdefault(sender, Window(HOUR))
        at = window.room_at(spent_us, int(duty_cycle * HOUR * 1000), now)
        if at <= now + HOLD_BACK_MS:
            window.add(spent_us, now)
        return at

    def _arrival(self, sent_at: Instant) -> Instant:
        jitter = self._rng.randint(0, self.model.jitter_ms) if self.model.jitter_ms else 0
        arrival = Instant(sent_at + self.model.latency_ms + jitter)
        self.occupancy.overtaken += arrival < self._latest
        self._latest = max(self._latest, arrival)
        return arrival

    def _altered(self, octets: bytes) -> bytes:
        altered = bytearray(octets)
        for _ in range(self._rng.randint(1, _ALTERED_MAX) if altered else 0):
            altered[self._rng.randrange(len(altered))] ^= self._rng.randint(1, 0xFF)
        return bytes(altered)
