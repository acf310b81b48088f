"""The network between workers and hubs, by what the operator names."""

from typing import Protocol

from hanota.base.errors import Fault, HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.wan.port import HeadEndWan


class CarrierMissing(HanotaError):
    """Workers have nothing to reach hubs by."""

    code, fault = "HOTA-APP-022", Fault.OPERATOR
    what = "workers need a network to the hubs, and none was named"
    remedy = (
        "give --nats nats://HOST:4222 and run `hanota hub-agent` there; for homes within one process use `hanota up`; "
        "a host without workers needs none (--workers 0)"
    )


class Carrier(HeadEndWan, Protocol):
    """A carrier that is closed when its worker ends."""

    def close(self) -> None:
        """Let go of connections; what was not acknowledged comes again to another worker."""


class CountingWan:
    """A carrier that counts what crosses it, until `take` is asked."""

    def __init__(self, carrier: HeadEndWan) -> None:
        self._carrier = carrier
        self._counts = {"down": (0, 0), "up": (0, 0)}

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        """Hand one frame on. Raises WanError."""
        self._carrier.send(hub, frame, now)
        self._count("down", [frame])

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        """Take frames that have arrived. Raises WanError."""
        frames = self._carrier.receive(now, limit)
        self._count("up", frames)
        return frames

    def _count(self, direction: str, frames: list[bytes]) -> None:
        count, octets = self._counts[direction]
        self._counts[direction] = (count + len(frames), octets + sum(map(len, frames)))

    def take(self) -> dict[str, tuple[int, int]]:
        """Give frames and octets by direction since this was asked last."""
        counts, self._counts = self._counts, dict.fromkeys(self._counts, (0, 0))
        return counts


def open_carrier(nats: str | None, lane: str) -> Carrier:
    """Connect a worker to the network that is named. Raises CarrierMissing, WanError."""
    del lane
    raise CarrierMissing(nats=nats)
