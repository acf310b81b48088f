"""The OTA client of a device: it fetches an offered image block by block into memory that survives power loss.

Each block is stored before the next is asked for, so after loss or restart the client asks for the first block it does
not have and never for one it has. It drives the transfer; the hub only answers.
"""

from collections.abc import Callable, Mapping
from typing import Final

from hanota.base.instant import DAY, MINUTE, SECOND, Instant
from hanota.base.limits import BLOCK_OCTETS_MAX
from hanota.edge.backoff import Backoff
from hanota.edge.devices.banks import Banks
from hanota.edge.devices.identity import DeviceIdentity
from hanota.edge.devices.judge import ImageCase, Offer, OfferCase, unfit_image, unfit_offer
from hanota.edge.effects import Turn
from hanota.edge.memory import below, offset_key, pack, unpack
from hanota.model.lifecycle import lifecycle
from hanota.model.policies import Policies
from hanota.model.profiles import Activation
from hanota.wire.zcl import (
    OTA_CLUSTER,
    Command,
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    UpgradeEndRequest,
    UpgradeEndResponse,
    write_command,
)

CLIENT: Final = lifecycle(
    "OTA client",
    start="IDLE",
    terminal=("IDLE",),
    table="""
    IDLE         offer_fits        DOWNLOADING
    IDLE         offer_unfit       REJECTING
    DOWNLOADING  told_to_stop      IDLE        # ABORT: what was fetched is dropped
    DOWNLOADING  image_good        ENDING      # the whole file is in the spare bank
    DOWNLOADING  image_bad         REJECTING
    REJECTING    told_to_stop      IDLE        # the hub has heard of it
    ENDING       told_to_stop      IDLE        # cancelled after the last block
    ENDING       told_to_hold      IDLE        # until a signed command; the client is free for another image
    ENDING       told_to_wait      WAITING     # until a time, or until told otherwise
    ENDING       told_to_activate  TRIAL
    WAITING      activation_due    TRIAL
    TRIAL        trial_ended       IDLE
    """,
)

RETRY: Final = Backoff(first_ms=2 * SECOND, longest_ms=5 * MINUTE)
QUERY_TRIES_MAX: Final = 6  # then the device waits for the next Image Notify
WAIT_MAX_MS: Final = DAY
_NEVER: Final = 0xFFFF_FFFF
_RECORD: Final = "ota"

# Is told how a downloaded image was found: its Manufacturer Image Hash, and what is wrong with it, if anything is.
Judged = Callable[[bytes, str | None, Turn], None]


class OtaClient:
    """One download at a time, from offer to activation; where a signed command activates, to the held image."""

    def __init__(
        self,
        identity: DeviceIdentity,
        policies: Policies,
        banks: Banks,
        memory: Mapping[str, bytes],
        judged: Judged | None = None,
    ) -> None:
        self._identity = identity
        self._banks = banks
        self._judged = judged
        self._by_command = identity.profile.activation is Activation.SIGNED_COMMAND
        self._block_octets = min(policies.han.block_octets, BLOCK_OCTETS_MAX)
        self._period_ms = policies.han.min_block_period_ms
        self._downgrade_allowed = policies.version.downgrade == "allow"
        kept = unpack(memory[_RECORD]) if _RECORD in memory else {}
        self.state: str = kept.get("state", CLIENT.start)
        self._offer = Offer(*kept["offer"]) if "offer" in kept else None
        self._activate_at = Instant(kept["activate_at"]) if kept.get("activate_at") is not None else None
        self._fetched = bytearray()
        self._kept: list[str] = []
        for key, data in below(memory, "block/"):
            self._kept.append(f"block/{key}")
            self._fetched += data
        self._querying = False
        self._sequence = 0
        self._asked_at = Instant(0)
        self._tries = 0
        self.due: Instant | None = None

    def start(self, turn: Turn) -> None:
        """Go on where memory says."""
        self._querying = False
        self._tries = 0
        self.due = self._activate_at if self.state == "WAITING" else None if self.state == "IDLE" else turn.now
        self.do_due(turn)

    def do_due(self, turn: Turn) -> None:
        """Ask, or ask again and ever later; activate when the time has come."""
        if self.due is None or self.due > turn.now:
            return
        match self.state:
            case "IDLE" if self._querying and self._tries < QUERY_TRIES_MAX:
                self._query(turn)
            case "DOWNLOADING":
                self._ask_block(turn)
            case "ENDING":
                self._say_end(OtaStatus.SUCCESS, turn)
            case "REJECTING":
                self._say_end(OtaStatus.INVALID_IMAGE, turn)
            case "WAITING":
                self._activate("activation_due", turn)
            case _:
                self._querying = False
                self.due = None

    def end_trial(self, turn: Turn) -> None:
        """The new image has passed its self-test, or the old one is back; not for us, if a command activated it."""
        if self.state == "TRIAL":
            self._move("trial_ended", turn)
            self.due = None

    def on_command(self, sequence: int, command: Command, turn: Turn) -> None:
        """Take one command of the hub; what does not fit the present state is late and changes nothing."""
        match command:
            case ImageNotify():
                self._on_notify(command, turn)
            case QueryNextImageResponse() if self.state == "IDLE" and self._querying:
                self._on_offer(command, turn)
            case ImageBlockResponse(status=OtaStatus.SUCCESS) if self.state == "DOWNLOADING":
                self._on_block(command, turn)
            case ImageBlockResponse() if sequence == self._sequence:
                self._on_no_block(command, turn)
            case UpgradeEndResponse() if self.state == "ENDING":
                self._on_upgrade_time(command, turn)
            case _:
                pass
        self.do_due(turn)

    def _on_notify(self, notify: ImageNotify, turn: Turn) -> None:
        own = self._identity
        ours = notify.manufacturer in (None, own.manufacturer) and notify.image_type in (None, own.image_type)
        if not ours:
            return
        if self.state == "IDLE":
            self._querying = True
            self._tries = 0
            self.due = turn.now
        elif self.state in ("DOWNLOADING", "ENDING", "REJECTING") and self._tries > 1:
            self.due = turn.now  # the hub is back: no need to wait the long wait out

    def _query(self, turn: Turn) -> None:
        own = self._identity
        self._send(
            QueryNextImageRequest(own.manufacturer, own.image_type, self._banks.version, own.hardware_version), turn
        )

    def _on_offer(self, answer: QueryNextImageResponse, turn: Turn) -> None:
        self._querying = False
        self.due = None
        numbers = (answer.manufacturer, answer.image_type, answer.file_version, answer.image_octets)
        if answer.status != OtaStatus.SUCCESS or None in numbers:
            return
        self._offer = Offer(*(number or 0 for number in numbers))
        problem = self._unfit(self._offer)
        turn.note("offer", version=self._offer.file_version, octets=self._offer.octets, unfit=problem)
        self._drop_blocks(turn)
        self._move("offer_unfit" if problem else "offer_fits", turn)
        self.due = turn.now

    def _unfit(self, offer: Offer) -> str | None:
        return unfit_offer(
            OfferCase(
                identity=self._identity,
                offer=offer,
                running_version=self._banks.version,
                downgrade_allowed=self._downgrade_allowed,
            )
        )

    def _ask_block(self, turn: Turn) -> None:
        assert self._offer is not None
        self._asked_at = turn.now
        self._send(ImageBlockRequest(*self._offer.image, len(self._fetched), self._block_octets), turn)

    def _on_block(self, block: ImageBlockResponse, turn: Turn) -> None:
        offer, has = self._offer, len(self._fetched)
        assert offer is not None
        named = (block.manufacturer, block.image_type, block.file_version) == offer.image
        if not named or block.offset != has or not block.data or has + len(block.data) > offer.octets:
            return
        key = f"block/{offset_key(has)}"
        turn.store(key, block.data)
        self._kept.append(key)
        self._fetched += block.data
        turn.note("block", offset=has, octets=len(block.data), of=offer.octets)
        self._tries = 0
        self.due = Instant(max(turn.now, self._asked_at + self._period_ms))
        if len(self._fetched) == offer.octets:
            self._verify(offer, turn)

    def _verify(self, offer: Offer, turn: Turn) -> None:
        case = ImageCase.of(self._identity, offer, bytes(self._fetched))
        problem = unfit_image(case) or self._unfit(offer)  # another version may have been activated meanwhile
        turn.note("image_checked", version=offer.file_version, unfit=problem)
        self._drop_blocks(turn)
        if problem is None:
            self._banks.write_spare(case.octets, turn)
        if self._judged is not None:
            self._judged(case.manufacturer_hash, problem, turn)
        self._move("image_bad" if problem else "image_good", turn)
        self.due = turn.now

    def _on_no_block(self, answer: ImageBlockResponse, turn: Turn) -> None:
        if answer.status == OtaStatus.WAIT_FOR_DATA:
            if self.state == "DOWNLOADING":
                wait_s = (answer.request_time or 0) - (answer.current_time or 0)
                self._period_ms = answer.min_block_period_ms or self._period_ms
                self._tries = 0
                self.due = Instant(turn.now + min(max(wait_s * SECOND, self._period_ms), WAIT_MAX_MS))
        elif CLIENT.takes(self.state, "told_to_stop"):
            turn.note("stopped", status=answer.status.name, state=self.state)
            self._drop_blocks(turn)
            if self.state == "ENDING":
                self._banks.drop_held(turn)
            self._move("told_to_stop", turn)
            self.due = None

    def _say_end(self, status: OtaStatus, turn: Turn) -> None:
        assert self._offer is not None
        self._send(UpgradeEndRequest(status, *self._offer.image), turn)

    def _on_upgrade_time(self, answer: UpgradeEndResponse, turn: Turn) -> None:
        assert self._offer is not None
        wildcards = (0xFFFF, 0xFFFF, 0xFFFF_FFFF)
        said = (answer.manufacturer, answer.image_type, answer.file_version)
        if any(number not in (own, any_) for number, own, any_ in zip(said, self._offer.image, wildcards, strict=True)):
            return
        if self._by_command:  # whatever the hub says: it has no say in when a meter changes its firmware
            self.due = None
            self._move("told_to_hold", turn)
        elif answer.upgrade_time == _NEVER:
            self.due = None
            self._move("told_to_wait", turn)
        elif answer.upgrade_time > answer.current_time:
            self._activate_at = Instant(turn.now + (answer.upgrade_time - answer.current_time) * SECOND)
            self.due = self._activate_at
            self._move("told_to_wait", turn)
        else:
            self._activate("told_to_activate", turn)

    def _activate(self, event: str, turn: Turn) -> None:
        self._activate_at = None
        self.due = None
        self._banks.switch(turn)
        self._move(event, turn)

    def _send(self, command: Command, turn: Turn) -> None:
        self._sequence = (self._sequence + 1) & 0xFF
        turn.send_han(self._identity.hub, OTA_CLUSTER, write_command(self._sequence, command))
        self.due = Instant(turn.now + RETRY.wait_ms(self._tries))
        self._tries += 1

    def _drop_blocks(self, turn: Turn) -> None:
        for key in self._kept:
            turn.store(key, None)
        self._kept.clear()
        self._fetched.clear()

    def _move(self, event: str, turn: Turn) -> None:
        self.state = CLIENT.move(self.state, event)
        self._tries = 0
        record: dict[str, object] = {"state": self.state, "offer": self._offer, "activate_at": self._activate_at}
        turn.store(_RECORD, None if self.state == CLIENT.start else pack(record))
