"""The network between workers and hubs, by what the operator names."""

from collections.abc import Callable
from typing import Protocol

from hanota.app.carrying import head_end_over_nats
from hanota.base.errors import Fault, HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.records.store import Store
from hanota.wan.port import HeadEndWan


class CarrierMissing(HanotaError):
    """Workers have nothing to reach hubs by."""

    code, fault = "HOTA-APP-022", Fault.OPERATOR
    what = "workers need a network to the hubs, and none was named"
    remedy = (
        "give --nats nats://HOST:4222 and run `hanota hub-agent` there; for homes within one process use `hanota up`; "
        "a host without workers needs none (--workers 0)"
    )


class WorkersCarrier(HeadEndWan, Protocol):
    """The end of a network that a worker holds."""

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, from any thread, whenever frames have arrived."""

    def close(self) -> None:
        """Let go of connections; what was not settled comes again to another worker."""


class CountingWan:
    """A carrier that counts what crosses it, until `take` is asked. Frames that could not be handed over count, too:
    they are on their way again soon.
    """

    def __init__(self, carrier: HeadEndWan) -> None:
        self._carrier = carrier
        self._counts = {"down": (0, 0), "up": (0, 0)}

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        """Hand one frame on. Raises WanError."""
        self._carrier.send(hub, frame, now)
        self._count("down", [frame])

    def flush(self) -> frozenset[Eui64]:
        """Wait until the carrier has what was sent; give the hubs of what it has not."""
        return self._carrier.flush()

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        """Take frames that have arrived."""
        frames = self._carrier.receive(now, limit)
        self._count("up", frames)
        return frames

    def settle(self) -> None:
        """All that was received is durable."""
        self._carrier.settle()

    def give_back(self) -> None:
        """Nothing of what was received and not settled is durable."""
        self._carrier.give_back()

    def offer(self, image_hash: bytes, octets: Callable[[], bytes | None], *, anew: bool = False) -> None:
        """Let hubs have an image where the carrier keeps images."""
        self._carrier.offer(image_hash, octets, anew=anew)

    def next_due(self) -> Instant | None:
        """When the next frame arrives, as far as is known."""
        return self._carrier.next_due()

    def _count(self, direction: str, frames: list[bytes]) -> None:
        count, octets = self._counts[direction]
        self._counts[direction] = (count + len(frames), octets + sum(map(len, frames)))

    def take(self) -> dict[str, tuple[int, int]]:
        """Give frames and octets by direction since this was asked last."""
        counts, self._counts = self._counts, dict.fromkeys(self._counts, (0, 0))
        return counts


def open_carrier(store: Store, nats: str | None, lane: str) -> WorkersCarrier:
    """Connect a worker to the network that is named; it goes on connecting while that is away.

    Raises CarrierMissing; NatsMissing, NatsUrlWrong.
    """
    if nats is None:
        raise CarrierMissing
    return head_end_over_nats(store, nats, lane=lane)
