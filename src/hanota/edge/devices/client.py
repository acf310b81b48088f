"""The OTA client of a device, from an offer to the activation of the image; `fetching` has the octets.

The client drives the transfer, whoever serves it only answers. Once it waits to activate, the server may tell it
unasked when to (Upgrade End Response), or that it shall not at all (ABORT). The server is the hub; a stranger's offer
is taken while nothing else is under way, and dropped as soon as the hub has one (R25).
"""

from collections.abc import Callable, Mapping
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from hanota.edge.backoff import Backoff
from hanota.edge.devices.assembly import START_OCTETS_MAX, Assembly
from hanota.edge.devices.banks import Banks
from hanota.edge.devices.fetching import Download
from hanota.edge.devices.identity import DeviceIdentity
from hanota.edge.devices.judge import ImageCase, Offer, OfferCase, unfit_image, unfit_offer
from hanota.edge.effects import Turn
from hanota.edge.memory import pack, unpack
from hanota.model.lifecycle import lifecycle
from hanota.model.policies import Policies
from hanota.model.profiles import Activation
from hanota.wire.zcl import (
    OTA_CLUSTER,
    Command,
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
    DOWNLOADING  part_here         PASSING     # a segment, kept now or before; others are missing (R7)
    PASSING      told_to_stop      IDLE        # the hub has heard of it, and tells when it has the next one
    REJECTING    told_to_stop      IDLE        # the hub has heard of it
    ENDING       told_to_stop      IDLE        # cancelled after the last block
    ENDING       told_to_hold      IDLE        # until a signed command; the client is free for another image
    ENDING       told_to_wait      WAITING     # until a time, or until told otherwise
    ENDING       told_to_activate  TRIAL
    WAITING      told_to_wait      WAITING     # another time
    WAITING      told_to_activate  TRIAL       # the hub needs not be asked to say so
    WAITING      activation_due    TRIAL
    WAITING      told_to_stop      IDLE        # refused after all: the image that waits is dropped
    TRIAL        trial_ended       IDLE
    """,
)

RETRY: Final = Backoff(first_ms=2 * SECOND, longest_ms=5 * MINUTE)
QUERY_TRIES_MAX: Final = 6  # then the device waits for the next Image Notify, or for QUERY_AGAIN_MS
QUERY_AGAIN_MS: Final = 6 * HOUR  # by the query alone a hub that was away learns which version runs (R25)
STRANGER_TRIES_MAX: Final = 6  # then one that is not the hub is taken to have gone
WAIT_MAX_MS: Final = DAY
ASK_WHEN_MS: Final = HOUR  # a client told to wait until told otherwise asks again within this (ZCL 11.13.9)
_NEVER: Final = 0xFFFF_FFFF
_TRY_AGAIN: Final = frozenset({OtaStatus.TIMEOUT})  # the server was too slow; any other refusal ends the download
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
        self._downgrade_allowed = policies.version.downgrade == "allow"
        kept = unpack(memory[_RECORD]) if _RECORD in memory else {}
        self.state: str = kept.get("state", CLIENT.start)
        self._offer = Offer(*kept["offer"]) if "offer" in kept else None
        self._activate_at = Instant(kept["activate_at"]) if kept.get("activate_at") is not None else None
        self._download = Download(policies.han, memory)
        self._assembly = Assembly(identity, memory)
        self._blocks_at_once = policies.han.wake_blocks if identity.profile.sleepy else None
        self._blocks_left = self._blocks_at_once
        self._server = Eui64.parse(kept["stranger"]) if kept.get("stranger") else identity.hub
        self._knocked: Eui64 | None = None
        self._querying = False
        self._sequence = 0
        self._tries = 0
        self.due: Instant | None = None

    @property
    def server(self) -> Eui64:
        """Who serves the image under way, or would."""
        return self._server

    @property
    def offer(self) -> Offer | None:
        """The last image that it was offered and took an interest in."""
        return self._offer

    @property
    def fetched_octets(self) -> int:
        """How much of the image under way is here without a gap."""
        return self._download.got_octets

    @property
    def activate_at(self) -> Instant | None:
        """When the image that waits is to be activated; None for none, or for when the server says so."""
        return self._activate_at

    @property
    def period_ms(self) -> int:
        """The least time between two of its requests."""
        return self._download.period_ms

    def start(self, turn: Turn) -> None:
        """Go on where memory says. A stranger that left the last question before a sleep unanswered has gone."""
        if self._tries:
            self._turn_to_hub(turn)
        self._blocks_left = self._blocks_at_once
        self._querying = self.state == "IDLE" and self._identity.profile.ota  # so the hub learns which version runs
        self._tries = 0
        self.due = self._activate_at or turn.now
        self.do_due(turn)

    def do_due(self, turn: Turn) -> None:
        """Ask, or ask again and ever later; activate when the time has come."""
        if self.due is None or self.due > turn.now:
            return
        if self._tries >= STRANGER_TRIES_MAX and self._activate_at is None:
            self._turn_to_hub(turn)
        match self.state:
            case "IDLE" if self._identity.profile.ota:
                self._query(turn)
            case "DOWNLOADING":
                self._ask_block(turn)
            case "ENDING":
                self._say_end(OtaStatus.SUCCESS, turn)
            case "REJECTING":
                self._say_end(OtaStatus.INVALID_IMAGE, turn)
            case "PASSING":
                self._say_end(OtaStatus.REQUIRE_MORE_IMAGE, turn)
            case "WAITING" if self._activate_at is not None:
                self._activate("activation_due", turn)
            case "WAITING":
                self._say_end(OtaStatus.SUCCESS, turn)
                self.due = Instant(turn.now + ASK_WHEN_MS)
            case "TRIAL" if self._banks.held is not None:  # the power went as the pointer was about to move
                self._banks.switch(turn)
            case _:
                self.due = None

    def end_trial(self, turn: Turn) -> None:
        """The new image has passed its self-test, or the old one is back; not for us, if a command activated it."""
        if self.state == "TRIAL":
            self._move("trial_ended", turn)
            self.due = None

    def on_command(self, sender: Eui64, sequence: int, command: Command, turn: Turn) -> None:
        """Take one command; what does not fit the present state or is not the server's changes nothing."""
        if isinstance(command, ImageNotify):
            self._on_notify(sender, command, turn)
        elif sender == self._server:
            self._on_answer(sequence, command, turn)
        self.do_due(turn)

    def _on_answer(self, sequence: int, command: Command, turn: Turn) -> None:
        match command:
            case QueryNextImageResponse() if self.state == "IDLE" and self._querying:
                self._on_offer(command, turn)
            case ImageBlockResponse(status=OtaStatus.SUCCESS) if self.state == "DOWNLOADING":
                self._on_block(command, turn)
            case ImageBlockResponse(status=OtaStatus.SUCCESS):
                pass
            case ImageBlockResponse() if sequence == self._sequence:
                self._on_no_block(command, turn)
            case ImageBlockResponse(status=OtaStatus.ABORT) if self.state == "WAITING":  # of the hub's own accord
                self._on_no_block(command, turn)
            case UpgradeEndResponse() if self.state in ("ENDING", "WAITING"):
                self._on_upgrade_time(command, turn)
            case _:
                pass

    def _on_notify(self, sender: Eui64, notify: ImageNotify, turn: Turn) -> None:
        own = self._identity
        ours = notify.manufacturer in (None, own.manufacturer) and notify.image_type in (None, own.image_type)
        if not ours or not self._may_turn_to(sender, turn):
            return
        if self.state == "IDLE":
            self._server = sender
            self._querying = True
            self._tries = 0
            self.due = turn.now
        elif self.state in ("DOWNLOADING", "PASSING", "ENDING", "REJECTING") and self._tries > 1:
            self.due = turn.now  # the hub is back: no need to wait the long wait out

    def _may_turn_to(self, sender: Eui64, turn: Turn) -> bool:
        """Whether whoever offers an image is to be asked for it.

        A stranger (a hand-held terminal, R25) only while nothing is under way and no image waits. The hub always: what
        a stranger was serving is dropped for it.
        """
        if sender == self._identity.hub:
            self._turn_to_hub(turn)
            return True
        free = self.state == "IDLE" and self._banks.held is None
        if free and self._querying and sender != self._server:
            self._knocked = sender
            return False
        return free or sender == self._server

    def _rest(self, turn: Turn) -> None:
        """Nobody has an image, unless a stranger said so while the hub was being asked."""
        knocked, self._knocked = self._knocked, None
        self._server = knocked or self._identity.hub
        if knocked is not None:
            self._querying = True
            self._tries = 0
            self.due = turn.now

    def _turn_to_hub(self, turn: Turn) -> None:
        """Have done with a stranger that serves, and ask the hub instead."""
        if self._server == self._identity.hub:
            return
        if CLIENT.takes(self.state, "told_to_stop"):
            self._stop(turn)
        if self.state == "IDLE":
            self._server = self._identity.hub
            self._querying = True
            self._tries = 0
            self.due = turn.now

    def _query(self, turn: Turn) -> None:
        if self._querying and self._tries >= QUERY_TRIES_MAX:
            self._querying, self._server, self._tries = False, self._identity.hub, 0
            self.due = Instant(turn.now + QUERY_AGAIN_MS)
            return
        self._querying = True
        own = self._identity
        self._send(
            QueryNextImageRequest(own.manufacturer, own.image_type, self._banks.version, own.hardware_version), turn
        )

    def _on_offer(self, answer: QueryNextImageResponse, turn: Turn) -> None:
        self._querying = False
        self.due = None
        numbers = (answer.manufacturer, answer.image_type, answer.file_version, answer.image_octets)
        if answer.status != OtaStatus.SUCCESS or None in numbers:
            self._rest(turn)
            return
        self._offer = Offer(*(number or 0 for number in numbers))
        problem = self._unfit(self._offer)
        turn.note("offer", version=self._offer.file_version, octets=self._offer.octets, unfit=problem)
        self._download.drop(turn)
        self._assembly.forget_others(self._offer, turn)
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
        if self._blocks_left == 0:  # until the device wakes the next time
            self.due = None
            return
        self._send(self._download.ask(self._offer, self._blocks_left, turn.now), turn)

    def _on_block(self, block: ImageBlockResponse, turn: Turn) -> None:
        offer = self._offer
        assert offer is not None
        if not self._download.take(block, offer, turn):
            return
        turn.note("block", offset=block.offset, octets=len(block.data or b""), of=offer.octets)
        self._tries = 0
        if self._blocks_left is not None:
            self._blocks_left = max(0, self._blocks_left - 1)
        self.due = self._download.next_due(turn.now)
        if (block.offset or 0) < START_OCTETS_MAX and self._assembly.holds(self._download.octets):
            self._pass_part(turn)
        elif self._download.complete(offer):
            self._verify(offer, turn)

    def _pass_part(self, turn: Turn) -> None:
        self._download.drop(turn)
        self._move("part_here", turn)
        self.due = turn.now

    def _verify(self, offer: Offer, turn: Turn) -> None:
        case = self._assembly.take(ImageCase.of(self._identity, offer, self._download.octets), turn)
        if case is None:
            self._pass_part(turn)
            return
        problem = unfit_image(case) or self._unfit(case.offer)  # another version may have been activated meanwhile
        turn.note("image_checked", version=offer.file_version, unfit=problem)
        self._download.drop(turn)
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
                self._download.stop_page()
                self._download.period_ms = answer.min_block_period_ms or self._download.period_ms
                self._tries = 0
                self.due = Instant(turn.now + min(max(wait_s * SECOND, self._download.period_ms), WAIT_MAX_MS))
        elif answer.status not in _TRY_AGAIN and CLIENT.takes(self.state, "told_to_stop"):
            turn.note("stopped", status=answer.status.name, state=self.state)
            self._stop(turn)

    def _stop(self, turn: Turn) -> None:
        self._download.drop(turn)
        if self.state in ("ENDING", "WAITING"):
            self._banks.drop_held(turn)
        self._activate_at = self.due = None
        self._move("told_to_stop", turn)

    def _say_end(self, status: OtaStatus, turn: Turn) -> None:
        assert self._offer is not None
        self._send(UpgradeEndRequest(status, *self._offer.image), turn)

    def _on_upgrade_time(self, answer: UpgradeEndResponse, turn: Turn) -> None:
        assert self._offer is not None
        wildcards = (0xFFFF, 0xFFFF, 0xFFFF_FFFF)
        said = (answer.manufacturer, answer.image_type, answer.file_version)
        if any(number not in (own, any_) for number, own, any_ in zip(said, self._offer.image, wildcards, strict=True)):
            return
        self._activate_at = self.due = None
        if self._by_command:  # whatever the hub says: it has no say in when a meter changes its firmware
            self._move("told_to_hold", turn)
        elif answer.upgrade_time == _NEVER:
            self.due = Instant(turn.now + ASK_WHEN_MS)
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
        self._move(event, turn)
        self._banks.switch(turn)

    def _send(self, command: Command, turn: Turn) -> None:
        self._sequence = (self._sequence + 1) & 0xFF
        turn.send_han(self._server, OTA_CLUSTER, write_command(self._sequence, command))
        self.due = Instant(turn.now + RETRY.wait_ms(self._tries))
        self._tries += 1

    def _move(self, event: str, turn: Turn) -> None:
        self.state = CLIENT.move(self.state, event)
        self._tries = 0
        if self.state == CLIENT.start:
            self._server = self._identity.hub
        record: dict[str, object] = {
            "state": self.state,
            "offer": self._offer,
            "activate_at": self._activate_at,
            "stranger": None if self._server == self._identity.hub else str(self._server),  # the hub may be another one
        }
        turn.store(_RECORD, None if self.state == CLIENT.start else pack(record))
