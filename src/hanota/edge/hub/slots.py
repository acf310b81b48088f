"""Image slots of a hub: which devices share them, and how an image gets into one and out again (R11, R13).

A slot takes one image at a time. While it holds or receives one, no other image gets in. Who opens and releases a slot
is the order book, which asks only whether a live order still needs what is in it.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.memory import below, offset_key
from hanota.model.lifecycle import lifecycle
from hanota.model.policies import HubPolicy
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
    HOLDING    part_taken         RECEIVING    # an image in parts: the next one comes through the same slot (R7)
    """,
)

# For each device the names of the slots that its image may take, in order of preference.
Layout = Mapping[Eui64, tuple[str, ...]]
DeviceLog = Mapping[Eui64, DeviceType]


def _updatable(log: DeviceLog) -> dict[Eui64, DeviceType]:
    return {device: kind for device, kind in log.items() if kind in PROFILES and PROFILES[kind].ota}


def _as_set(log: DeviceLog, _: HubPolicy) -> Layout:
    return {device: (PROFILES[kind].slot.value,) for device, kind in _updatable(log).items()}


def _dedicated(log: DeviceLog, _: HubPolicy) -> Layout:
    return {device: (str(device),) for device in _updatable(log)}


def _shared_n(log: DeviceLog, hub: HubPolicy) -> Layout:
    return dict.fromkeys(_updatable(log), tuple(f"shared-{number + 1}" for number in range(hub.shared_slots)))


# Policy `hub.slots` (R11). A slot's name is its identity in a hub's memory, so names of different layouts differ unless
# they mean the same slot.
LAYOUTS: Final[Mapping[str, Callable[[DeviceLog, HubPolicy], Layout]]] = {
    "as_set": _as_set,
    "dedicated": _dedicated,
    "shared_n": _shared_n,
}

REFETCHES_MAX: Final = 2  # of an image whose SHA-256 is not the order's, before the order ends
FETCH_RETRY: Final = Backoff(first_ms=3_000, longest_ms=5 * 60_000)


def slots_in_use(memory: Mapping[str, bytes]) -> list[str]:
    """Name the slots that have an image or receive one, also those that the layout of today lacks."""
    return [name for name, state in below(memory, "slot/") if "/" not in name and state != SLOT.start.encode()]


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
    """One slot: its state, the octets it has, and the fetching of those it has not.

    `gained_at` is when it was opened or last got octets, as far as this run of the hub knows.
    """

    def __init__(self, name: str, memory: Mapping[str, bytes]) -> None:
        self.name = name
        self.state = memory.get(f"slot/{name}", SLOT.start.encode()).decode()
        self.facts: ImageFacts | None = None
        self.image = bytearray()
        self.due: Instant | None = None
        self.gained_at: Instant | None = None
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
    def receiving(self) -> bool:
        """Whether octets of the image are still to come."""
        return self.state == "RECEIVING"

    @property
    def holding(self) -> bool:
        """Whether the image is complete and verified."""
        return self.state == "HOLDING"

    def open(self, facts: ImageFacts, turn: Turn) -> None:
        """Take an accepted order's image in. Raises NoSuchMove: another image is there."""
        self._move("order_accepted", turn)
        self._expect(facts, turn.now)

    def turn_over(self, facts: ImageFacts, turn: Turn) -> None:
        """Let a held part of an image go and take the next one in. Raises NoSuchMove: no whole part is there."""
        self._move("part_taken", turn)
        self._empty_out(turn)
        self._expect(facts, turn.now)

    def go_on(self, facts: ImageFacts, now: Instant) -> None:
        """After a restart, know again what the slot is for and fetch what is missing."""
        self._expect(facts, now)
        self.due = now if self.receiving else None

    def _expect(self, facts: ImageFacts, now: Instant) -> None:
        self.facts = facts
        self.due = self.gained_at = now

    def put_off(self, until: Instant) -> None:
        """Fetch no more before `until`; what is under way may still come."""
        if self.due is not None:
            self.due = max(self.due, until)

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
        if not self.receiving or facts is None or chunk.image_hash != facts.sha256:
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
        self.due = self.gained_at = turn.now
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
        self._empty_out(turn)
        self.facts = None
        self.due = None

    def _empty_out(self, turn: Turn) -> None:
        self._drop_octets(turn)
        if self._refetches:
            self._count_refetches(0, turn)

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
        turn.store(f"slot/{self.name}", None if self.empty else self.state.encode())
