"""One order of the DCC at a hub: its lifecycle, what is counted, and how it is kept."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.effects import Turn
from hanota.edge.hub.slots import ImageFacts
from hanota.edge.memory import pack, unpack
from hanota.model.lifecycle import lifecycle
from hanota.model.profiles import PROFILES
from hanota.wire.otaimage.segments import SEGMENTS_MAX
from hanota.wire.wan import Distribute, FrameMalformed, Part, Receipt, ReceiptStatus, read_parts

ORDER: Final = lifecycle(
    "order at a hub",
    start="ARRIVED",
    terminal=(
        "REFUSED_NO_SLOT",
        "REFUSED_MALFORMED",
        "HASH_MISMATCH",
        "HARDWARE_MISMATCH",
        "TRANSFERRED",
        "TRANSFER_FAILED",
        "CANCELLED",
        "EXPIRED",
        "DISCARDED",
    ),
    table="""
    ARRIVED                     slot_free          ACCEPTED
    ARRIVED                     slot_busy          REFUSED_NO_SLOT    # R13; not kept
    ARRIVED                     contradicted       REFUSED_MALFORMED  # not our device, wrong type, too large
    ARRIVED                     cancelled          CANCELLED          # the Cancel overtook its order
    ARRIVED                     time_over          EXPIRED
    ACCEPTED                    image_matched      HELD
    ACCEPTED                    image_differed     HASH_MISMATCH
    ACCEPTED                    contradicted       REFUSED_MALFORMED  # the image's header says other than the order
    ACCEPTED                    time_over          EXPIRED
    HELD                        block_asked        TRANSFERRING
    HELD|TRANSFERRING           image_taken        TRANSFERRED        # CCS08 code 0, where there is one
    HELD|TRANSFERRING           time_over          DISCARDED          # CCS08 code 1
    HELD|TRANSFERRING           hardware_differed  HARDWARE_MISMATCH  # CCS08 code 2
    HELD|TRANSFERRING           device_failed      TRANSFER_FAILED    # CCS08 code 3
    ACCEPTED|HELD|TRANSFERRING  displaced          DISCARDED          # by the same Supplier's later one (R12)
    ACCEPTED|HELD|TRANSFERRING  cancelled          CANCELLED
    HELD|TRANSFERRING           part_taken         BETWEEN_PARTS      # R7: the next segment is fetched into the slot
    BETWEEN_PARTS               image_matched      TRANSFERRING
    BETWEEN_PARTS               image_differed     TRANSFER_FAILED    # CCS08 code 3
    BETWEEN_PARTS               contradicted       TRANSFER_FAILED
    BETWEEN_PARTS               time_over          DISCARDED          # CCS08 code 1
    BETWEEN_PARTS               displaced          DISCARDED
    BETWEEN_PARTS               cancelled          CANCELLED
    HELD|TRANSFERRING           consent_wanted     CONSENT            # CCS08 code 0; the device holds the image (R27)
    CONSENT                     consent_given      TRANSFERRED
    CONSENT                     consent_refused    DISCARDED          # CCS08 code 1
    CONSENT                     time_over          DISCARDED          # CCS08 code 1
    CONSENT                     cancelled          CANCELLED
    """,
)

_STATUS_OF: Final[Mapping[str, ReceiptStatus]] = {
    state: ReceiptStatus[state] for state in ORDER.states if state in ReceiptStatus.__members__
} | {"CONSENT": ReceiptStatus.TRANSFERRED, "BETWEEN_PARTS": ReceiptStatus.TRANSFERRING}
# Where a failed transfer is told by CCS08, its receipt only brings the last counts.
_STATUS_WITH_ALERT: Final[Mapping[str, ReceiptStatus]] = {"TRANSFER_FAILED": ReceiptStatus.TRANSFERRING}

COUNTS: Final = struct.Struct(">III")
ROUNDS_MAX: Final = 2  # through all parts of an image, for a device that lost some; then the transfer has failed


def parts_of(distribute: Distribute) -> tuple[Part, ...]:
    """Give the parts of an order's image; none for one in one piece. Of octets that can't be read, none either."""
    try:
        return read_parts(distribute.parts)
    except FrameMalformed:
        return ()


def parts_agree(distribute: Distribute, octets_max: int) -> bool:
    """Whether an order says the same of its parts throughout, and each fits a slot of that size."""
    if not distribute.parts:
        return True
    parts = parts_of(distribute)
    return (
        2 <= len(parts) <= SEGMENTS_MAX
        and parts[0] == Part(distribute.image_hash, distribute.image_octets)
        and all(0 < part.octets <= octets_max for part in parts)
        and PROFILES[distribute.device_type].segments
    )


@dataclass(slots=True, kw_only=True)
class Order:
    """An order as the hub has it.

    `offset` is the end of the furthest block served, `blocks` counts every block served and `repeats` those among them
    that began before `offset`. `since` is when the present state began, `asked_at` when its device last asked for
    something, as far as this run of the hub knows. Of an image in parts, `facts` are those of the present part, `part`
    its index and `round` how often all were gone through; all octets are counted over the whole.
    """

    distribute: Distribute
    frame: bytes
    state: str = ORDER.start
    slot: str = ""
    since: Instant
    offset: int = 0
    blocks: int = 0
    repeats: int = 0
    notify_due: Instant | None = None
    notify_tries: int = 0
    asked_at: Instant | None = None
    part: int = 0
    round: int = 0
    parts: tuple[Part, ...] = field(init=False)
    facts: ImageFacts = field(init=False)

    @property
    def number(self) -> int:
        """The DCC's number for it, unique per delivery."""
        return self.distribute.order

    @property
    def device(self) -> Eui64:
        """The device that is to have the image."""
        return self.distribute.device

    def __post_init__(self) -> None:
        self.parts = parts_of(self.distribute)
        self._see_facts()

    def _see_facts(self) -> None:
        self.facts = ImageFacts.of(self.distribute)
        if self.parts:
            part = self.parts[self.part]
            self.facts = self.facts._replace(sha256=part.sha256, octets=part.octets)

    @property
    def whole_octets(self) -> int:
        """Octets of all files that the device has to fetch."""
        return sum(part.octets for part in self.parts) or self.distribute.image_octets

    @property
    def _before(self) -> int:
        """Octets of the parts before the present one."""
        return sum(part.octets for part in self.parts[: self.part])

    @property
    def part_begun(self) -> bool:
        """Whether any octet of the present part has been served."""
        return self.offset > self._before

    @property
    def part_served(self) -> bool:
        """Whether every octet of the present part has been served."""
        return self.offset == self._before + self.facts.octets

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ORDER.terminal

    @property
    def served(self) -> bool:
        """Whether its device may have blocks now."""
        return self.state in ("HELD", "TRANSFERRING")

    @property
    def sleepy(self) -> bool:
        """Whether its device sleeps: it is told of the image when it shows itself, not when the hub likes."""
        return PROFILES[self.distribute.device_type].sleepy

    @property
    def needs_slot(self) -> bool:
        """Whether its image has to stay in its slot, or has yet to come in."""
        return self.state in ("ACCEPTED", "HELD", "TRANSFERRING", "BETWEEN_PARTS")

    @property
    def told_by_alert(self) -> bool:
        """Whether the DCC hears of its end by CCS08; of a meter's it hears by receipts alone."""
        return not PROFILES[self.distribute.device_type].own_receipt

    def names(self, manufacturer: int, image_type: int, file_version: int) -> bool:
        """Whether the three numbers that name an image on the HAN are those of this order."""
        facts = self.facts
        return (manufacturer, image_type, file_version) == (facts.manufacturer, facts.image_type, facts.file_version)

    def receipt(self) -> Receipt:
        """Say how the order stands."""
        status = _STATUS_OF[self.state]
        return Receipt(
            order=self.number,
            status=_STATUS_WITH_ALERT.get(self.state, status) if self.told_by_alert else status,
            offset=self.offset,
            blocks=self.blocks,
            repeats=self.repeats,
        )

    def move(self, event: str, turn: Turn) -> None:
        """Take one event. Raises NoSuchMove."""
        self.state = ORDER.move(self.state, event)
        self.since = turn.now
        self.store(turn)

    def count(self, offset: int, octets: int, turn: Turn) -> bool:
        """Count a served block; True where a further tenth of the image has been served for the first time."""
        offset += self._before
        self.blocks += 1
        if offset < self.offset:
            self.repeats += 1
        before = self.offset
        self.offset = max(self.offset, offset + octets)
        self._store_counts(turn)
        whole = self.whole_octets
        return self.offset * 10 // whole > before * 10 // whole

    def turn_over(self, turn: Turn) -> None:
        """Go on to the next part; after the last one comes the first again. Raises NoSuchMove."""
        self.part += 1
        if self.part == len(self.parts):
            self.part, self.round = 0, self.round + 1
        self._see_facts()
        self.offset = self._before
        self.notify_due, self.notify_tries = None, 0
        self.move("part_taken", turn)
        self._store_counts(turn)

    @property
    def next_tenth_at(self) -> int:
        """The offset from which on `count` would find a further tenth served."""
        whole = self.whole_octets
        return -(-(self.offset * 10 // whole + 1) * whole // 10)

    @property
    def counts_key(self) -> str:
        """Where the counts are kept."""
        return f"served/{self.number:016x}"

    def _store_counts(self, turn: Turn) -> None:
        turn.store(self.counts_key, COUNTS.pack(self.offset, self.blocks, self.repeats))

    def store(self, turn: Turn) -> None:
        """Keep all but the counts, which `count` keeps."""
        key = f"order/{self.number:016x}"
        record = {"state": self.state, "slot": self.slot, "since": self.since, "frame": self.frame.hex()}
        turn.store(key, pack(record | ({"part": self.part, "round": self.round} if self.parts else {})))

    def forget(self, turn: Turn) -> None:
        """Drop every trace of it."""
        turn.store(f"order/{self.number:016x}", None)
        turn.store(f"served/{self.number:016x}", None)

    @classmethod
    def recall(cls, distribute: Distribute, record: bytes, counts: bytes | None) -> "Order":
        """Read what `store` and `count` kept."""
        kept = unpack(record)
        offset, blocks, repeats = COUNTS.unpack(counts) if counts else (0, 0, 0)
        return cls(
            distribute=distribute,
            frame=bytes.fromhex(kept["frame"]),
            state=kept["state"],
            slot=kept["slot"],
            since=Instant(kept["since"]),
            offset=offset,
            blocks=blocks,
            repeats=repeats,
            part=kept.get("part", 0),
            round=kept.get("round", 0),
        )
