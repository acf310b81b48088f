"""The port between head end and premises. A carrier may lose, repeat, delay and reorder frames; it never invents one.

Nothing in flight is durable: what matters is in the sender's outbox and is sent again until the other end answers.
"""

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


class HeadEndWan(Protocol):
    """What the head end sees of the network."""

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        """Hand one frame for `hub` to the network. Raises WanError."""

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        """Take at most `limit` frames that have arrived from hubs by `now`. Raises WanError."""


class PremisesWan(Protocol):
    """What an estate of homes sees of the network."""

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        """Hand one frame of `hub` to the network. Raises WanError."""

    def receive(self, now: Instant, limit: int) -> list[tuple[Eui64, bytes]]:
        """Take at most `limit` frames that have arrived by `now`, each with its hub. Raises WanError."""


def check_frame(hub: Eui64, frame: bytes) -> None:
    """Refuse what no carrier may carry. Raises FrameTooLong."""
    fits = len(frame) <= WAN_FRAME_OCTETS_MAX
    require(fits, FrameTooLong, octets=len(frame), hub=hub, limit=WAN_FRAME_OCTETS_MAX)
