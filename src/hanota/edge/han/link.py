"""A model of the air in one home: latency, loss, repetition, and how much of the channel is taken (R8)."""

from dataclasses import dataclass
from random import Random

from hanota.base.instant import Instant

FRAME_OVERHEAD_OCTETS = 53  # MAC 11, network 8 and its security 18, application support 8 and its security 8
RADIO_BITS_PER_S = 250_000  # IEEE 802.15.4 at 2.4 GHz


@dataclass(frozen=True, slots=True, kw_only=True)
class HanModel:
    """How one frame fares. `loss` and `duplication` are probabilities per frame, 0…1; times in milliseconds.

    Frames may overtake each other within `jitter_ms`.
    """

    latency_ms: int = 15
    jitter_ms: int = 10
    loss: float = 0.0
    duplication: float = 0.0


@dataclass(slots=True)
class Occupancy:
    """What a home's channel has carried: frames, ZCL octets, time on air in microseconds, frames lost."""

    frames: int = 0
    octets: int = 0
    airtime_us: int = 0
    lost: int = 0


class HanLink:
    """The channel of one home; a lost frame takes airtime too."""

    def __init__(self, model: HanModel, rng: Random) -> None:
        self.model = model
        self.occupancy = Occupancy()
        self._rng = rng

    def carry(self, octets: bytes, now: Instant) -> tuple[Instant, ...]:
        """Give the instants at which the frame arrives: none where it is lost, two where it is repeated."""
        model, taken = self.model, self.occupancy
        taken.frames += 1
        taken.octets += len(octets)
        taken.airtime_us += airtime_us(len(octets))
        if model.loss and self._rng.random() < model.loss:
            taken.lost += 1
            return ()
        arrival = self._arrival(now)
        if model.duplication and self._rng.random() < model.duplication:
            return arrival, self._arrival(now)
        return (arrival,)

    def _arrival(self, now: Instant) -> Instant:
        jitter = self._rng.randint(0, self.model.jitter_ms) if self.model.jitter_ms else 0
        return Instant(now + self.model.latency_ms + jitter)


def airtime_us(octets: int) -> int:
    """Time on air of one frame with `octets` of ZCL, microseconds."""
    return (octets + FRAME_OVERHEAD_OCTETS) * 8 * 1_000_000 // RADIO_BITS_PER_S
