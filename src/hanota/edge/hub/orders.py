"""One order of the DCC at a hub: its lifecycle, what is counted, and how it is kept."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.effects import Turn
from hanota.edge.hub.slots import ImageFacts
from hanota.edge.memory import pack, unpack
from hanota.model.lifecycle import lifecycle
from hanota.wire.wan import Distribute, Receipt, ReceiptStatus

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
    ARRIVED                     slot_busy          REFUSED_NO_SLOT    # nothing is displaced (R13); not kept
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
    ACCEPTED|HELD|TRANSFERRING  cancelled          CANCELLED
    """,
)

TOLD_BY_ALERT: Final = frozenset({DeviceType.PPMID, DeviceType.HCALCS, DeviceType.IHD})
"""Of transfers to these the DCC hears by CCS08; of those to meters by receipts alone, as a meter tells its Supplier
itself how it found the image (0x00CE, 0x00CF; domain 7.1)."""

_STATUS_OF: Final[Mapping[str, ReceiptStatus]] = {
    state: ReceiptStatus[state] for state in ORDER.states if state in ReceiptStatus.__members__
}
# Where a failed transfer is told by CCS08, its receipt only brings the last counts.
_STATUS_WITH_ALERT: Final[Mapping[str, ReceiptStatus]] = {"TRANSFER_FAILED": ReceiptStatus.TRANSFERRING}

_COUNTS: Final = struct.Struct(">III")


@dataclass(slots=True, kw_only=True)
class Order:
    """An order as the hub has it.

    `offset` is the end of the furthest block served, `blocks` counts every block served and `repeats` those among them
    that began before `offset`. `since` is when the present state began.
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
        self.facts = ImageFacts.of(self.distribute)

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ORDER.terminal

    @property
    def served(self) -> bool:
        """Whether its device may have blocks now."""
        return self.state in ("HELD", "TRANSFERRING")

    @property
    def told_by_alert(self) -> bool:
        """Whether the DCC hears of its end by CCS08."""
        return self.distribute.device_type in TOLD_BY_ALERT

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
        self.blocks += 1
        if offset < self.offset:
            self.repeats += 1
        before = self.offset
        self.offset = max(self.offset, offset + octets)
        turn.store(f"served/{self.number:016x}", _COUNTS.pack(self.offset, self.blocks, self.repeats))
        whole = self.distribute.image_octets
        return self.offset * 10 // whole > before * 10 // whole

    def store(self, turn: Turn) -> None:
        """Keep all but the counts, which `count` keeps."""
        key = f"order/{self.number:016x}"
        turn.store(key, pack({"state": self.state, "slot": self.slot, "since": self.since, "frame": self.frame.hex()}))

    def forget(self, turn: Turn) -> None:
        """Drop every trace of it."""
        turn.store(f"order/{self.number:016x}", None)
        turn.store(f"served/{self.number:016x}", None)

    @classmethod
    def recall(cls, distribute: Distribute, record: bytes, counts: bytes | None) -> "Order":
        """Read what `store` and `count` kept."""
        kept = unpack(record)
        offset, blocks, repeats = _COUNTS.unpack(counts) if counts else (0, 0, 0)
        return cls(
            distribute=distribute,
            frame=bytes.fromhex(kept["frame"]),
            state=kept["state"],
            slot=kept["slot"],
            since=Instant(kept["since"]),
            offset=offset,
            blocks=blocks,
            repeats=repeats,
        )
