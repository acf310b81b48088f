"""The network between workers and hubs, by what the operator names."""

from collections.abc import Callable
from typing import Protocol

from hanota.app.carrying import head_end_over_nats
from hanota.base.errors import Fault, HanotaError
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


def open_carrier(store: Store, nats: str | None, lane: str) -> WorkersCarrier:
    """Connect a worker to the network that is named; it goes on connecting while that is away.

    Raises CarrierMissing; NatsMissing, NatsUrlWrong.
    """
    if nats is None:
        raise CarrierMissing
    return head_end_over_nats(store, nats, lane=lane)
