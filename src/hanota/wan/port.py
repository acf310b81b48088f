"""The port between head end and premises. A carrier may lose, repeat, delay and reorder frames; it never invents one.

Nothing in flight is durable: what matters is in the sender's outbox and is sent again until the other end answers.
"""

from collections.abc import Callable
from typing import Protocol

from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.limits import WAN_FRAME_OCTETS_MAX


class WanError(HanotaError):
    """Base of all that may leave a carrier."""

    code, fault = "HOTA-WAN-000", Fault.CARRIER


class FrameTooLong(WanError):
    """A frame that the network does not carry."""

    code, fault = "HOTA-WAN-001", Fault.US
    what = "a frame of {octets} octets to hub {hub} is over the limit of {limit}"
    remedy = "lower policy wan.chunk_octets"


class NatsMissing(WanError):
    """The client library of NATS is not installed."""

    code, fault = "HOTA-WAN-010", Fault.OPERATOR
    what = "the client of NATS is not installed: {cause}"
    remedy = "install it: pip install 'hanota[nats]'"


class HeadEndWan(Protocol):
    """What the head end sees of the network.

    `send` may only gather; what `flush` doesn't name is with the carrier. What was received may come again until it is
    settled.
    """

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        """Hand one frame for `hub` to the network. Raises WanError."""

    def flush(self) -> frozenset[Eui64]:
        """Wait, for a bounded time, until the carrier has what was sent since the last call.

        Returns: hubs to which something could not be handed over; all that was sent to them is to be sent again.
        """

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        """Take at most `limit` frames that have arrived from hubs by `now`; none while the carrier is away."""

    def settle(self, frames: int) -> None:
        """The first so many frames that were received and not settled are durable: the carrier may forget them."""

    def give_back(self) -> None:
        """Nothing of what was received and not settled is durable: it may come again."""

    def offer(self, image_hash: bytes, octets: Callable[[], bytes | None], *, anew: bool = False) -> None:
        """Let hubs have an image by this SHA-256 where the carrier keeps images; `octets` gives it if it is wanted.

        With `anew` the carrier looks again whether it still has it: a hub asked for octets of it.
        """

    def next_due(self) -> Instant | None:
        """When the next frame arrives here, as far as is known; None: none is known of."""


class PremisesWan(Protocol):
    """What an estate of homes sees of the network; `flush` and the rest are as for `HeadEndWan`."""

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        """Hand one frame of `hub` to the network. Raises WanError."""

    def flush(self) -> None:
        """Let what was sent go. It may be lost even so: hubs say again what the head end has not acknowledged."""

    def receive(self, now: Instant, limit: int) -> list[tuple[Eui64, bytes]]:
        """Take at most `limit` frames that have arrived by `now`, each with its hub; none while it is away."""

    def settle(self) -> None:
        """All that was received is durable: the carrier may forget it."""

    def next_due(self) -> Instant | None:
        """When the next frame arrives here, as far as is known; None: none is known of."""


class Carrier(Protocol):
    """A network whose two ends are in one process."""

    @property
    def head_end(self) -> HeadEndWan:
        """The end of the DCC."""

    @property
    def premises(self) -> PremisesWan:
        """The end of the homes."""


def check_frame(hub: Eui64, frame: bytes) -> None:
    """Refuse what no carrier may carry. Raises FrameTooLong."""
    fits = len(frame) <= WAN_FRAME_OCTETS_MAX
    require(fits, FrameTooLong, octets=len(frame), hub=hub, limit=WAN_FRAME_OCTETS_MAX)
