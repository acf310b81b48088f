"""Image slots of a hub: which device types share one, and how an image gets into one and out again (R11, R13).

A slot takes one image at a time. While it holds or receives one, no other image gets in: nothing is ever displaced.
"""

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.memory import below, offset_key
from hanota.model.lifecycle import lifecycle
from hanota.model.profiles import PROFILES
from hanota.wire.otaimage import ImageMalformed, read_header
from hanota.wire.wan import Distribute, Fetch, ImageChunk, write_frame

SLOT: Final = lifecycle(
    "hub image slot",
    start="EMPTY",
    terminal=("EMPTY",),
    table="""
    EMPTY      order_accepted     RECEIVING
    RECEIVING  last_octet_stored  VERIFYING
    RECEIVING  orders_ended       EMPTY        # cancelled or expired: nothing partial is kept
    VERIFYING  image_matched      HOLDING      # SHA-256 and header agree with the signed order
    VERIFYING  image_doubted      RECEIVING    # one forged chunk must not end an order
    VERIFYING  image_differed     EMPTY
    HOLDING    orders_ended       EMPTY
    """,
)

# Policy `hub.slots`: for each device type the slots that its image may take, in order of preference.
LAYOUTS: Final[Mapping[str, Mapping[DeviceType, tuple[str, ...]]]] = {
    "as_set": {kind: (profile.slot.value,) for kind, profile in PROFILES.items() if profile.ota},
}

REFETCHES_MAX: Final = 2  # of an image whose SHA-256 is not the order's, before the order ends
FETCH_RETRY: Final = Backoff(first_ms=3_000, longest_ms=5 * 60_000)


class ImageFacts(NamedTuple):
    """What the DCC's order says of an image. Orders with equal facts share one slot."""

    sha256: bytes
    octets: int
    manufacturer: int
    image_type: int
    file_version: int
    hardware_min: int | None
    hardware_max: int | None

    @classmethod
    def of(cls, order: Distribute) -> "ImageFacts":
        """Take the facts out of an order."""
        return cls(
            order.image_hash,
            order.image_octets,
            order.manufacturer,
            order.image_type,
            order.file_version,
            order.hardware_min,
            order.hardware_max,
        )

    def hardware_fits(self, version: int) -> bool:
        """Whether a device of hardware `version` may have the image."""
        return (self.hardware_min is None or self.hardware_min <= version) and (
            self.hardware_max is None or version <= self.hardware_max
        )

    def header_agrees(self, image: bytes) -> bool:
        """Whether the image's own header says what the order says."""
        try:
            header = read_header(image)
        except ImageMalformed:
            return False
        return self[1:] == (
            header.file_octets,
            header.manufacturer,
            header.image_type,
            header.file_version,
            header.hardware_min,
            header.hardware_max,
        )


class Slot:
    """One slot: its state, the octets it has, and the fetching of those it has not."""

    def __init__(self, name: str, memory: Mapping[str, bytes]) -> None:
        self.name = name
        self.state = memory.get(f"slot/{name}", SLOT.start.encode()).decode()
        self.facts: ImageFacts | None = None
        self.image = bytearray()
        self.due: Instant | None = None
        self._tries = 0
        self._refetches = int.from_bytes(memory.get(f"refetches/{name}", b""), "big")
        self._kept: list[str] = []
        for key, data in below(memory, f"slot/{name}/"):
            self._kept.append(f"slot/{name}/{key}")
            self.image += data

    @property
    def empty(self) -> bool:
        """Whether an image may come in."""
        return self.state == SLOT.start

    @property
    def holding(self) -> bool:
        """Whether the image is complete and verified."""
        return self.state == "HOLDING"

    def open(self, facts: ImageFacts, turn: Turn) -> None:
        """Take an accepted order's image in."""
        self._move("order_accepted", turn)
        self.facts = facts
        self.due = turn.now

    def go_on(self, facts: ImageFacts, now: Instant) -> None:
        """After a restart, know again what the slot is for and fetch what is missing."""
        self.facts = facts
        self.due = now if self.state == "RECEIVING" else None

    def fetch_due(self, hub: Eui64, chunk_octets: int, turn: Turn) -> None:
        """Ask the head end for the octets after the last one stored; ask again, ever later, until they come."""
        if self.due is None or self.due > turn.now or self.facts is None:
            return
        ask = Fetch(hub=hub, image_hash=self.facts.sha256, offset=len(self.image), max_octets=chunk_octets)
        turn.send_wan(write_frame(ask))
        self.due = Instant(turn.now + FETCH_RETRY.wait_ms(self._tries))
        self._tries += 1

    def take(self, chunk: ImageChunk, turn: Turn) -> bool:
        """Store the octets that come next; others are late, repeated or overtaken. True when the image is complete."""
        facts = self.facts
        if self.state != "RECEIVING" or facts is None or chunk.image_hash != facts.sha256:
            return False
        has = len(self.image)
        fits = chunk.image_octets == facts.octets and has + len(chunk.data) <= facts.octets
        if chunk.offset != has or not chunk.data or not fits:
            return False
        key = f"slot/{self.name}/{offset_key(has)}"
        turn.store(key, chunk.data)
        self._kept.append(key)
        self.image += chunk.data
        self._tries = 0
        self.due = turn.now
        if len(self.image) < facts.octets:
            return False
        self.due = None
        self._move("last_octet_stored", turn)
        return True

    def hash_agrees(self) -> bool:
        """Whether the octets are those that the DCC signed for."""
        return self.facts is not None and hashlib.sha256(self.image).digest() == self.facts.sha256

    def accept_image(self, turn: Turn) -> None:
        """The image is the ordered one: it may be served."""
        self._move("image_matched", turn)

    def fetch_again(self, turn: Turn) -> bool:
        """Drop an image with the wrong hash to fetch it from its start; False where that was done often enough."""
        if self._refetches == REFETCHES_MAX:
            return False
        self._move("image_doubted", turn)
        self._drop_octets(turn)
        self._count_refetches(self._refetches + 1, turn)
        self.due = turn.now
        return True

    def release(self, event: str, turn: Turn) -> None:
        """Forget the image; the slot is free again."""
        self._move(event, turn)
        self._drop_octets(turn)
        if self._refetches:
            self._count_refetches(0, turn)
        self.facts = None
        self.due = None

    def _drop_octets(self, turn: Turn) -> None:
        for key in self._kept:
            turn.store(key, None)
        self._kept.clear()
        self.image = bytearray()
        self._tries = 0

    def _count_refetches(self, count: int, turn: Turn) -> None:
        self._refetches = count
        turn.store(f"refetches/{self.name}", bytes([count]) if count else None)

    def _move(self, event: str, turn: Turn) -> None:
        self.state = SLOT.move(self.state, event)
        turn.store(f"slot/{self.name}", self.state.encode())
