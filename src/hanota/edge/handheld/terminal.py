"""An engineer's hand-held terminal: it asks the hub, which refuses it, and then offers its image to a device itself.

To a device it is an OTA server like the hub, and tells it to activate at once. It keeps nothing: when its power goes it
is gone, and so it is once it has what it came for or nobody wants anything of it any more.
"""

from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, MINUTE, SECOND, Instant
from hanota.edge.effects import Effect, Turn
from hanota.model.lifecycle import lifecycle
from hanota.wire.otaimage import OtaHeader, read_header
from hanota.wire.zcl import (
    OTA_CLUSTER,
    Command,
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    ImagePageRequest,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    Side,
    UpgradeEndRequest,
    UpgradeEndResponse,
    ZclMalformed,
    read_command,
    write_command,
)

VISIT: Final = lifecycle(
    "visit of a hand-held terminal",
    start="ASKING",
    terminal=("GONE",),
    table="""
    ASKING    hub_answered   OFFERING   # NOT_AUTHORIZED, if the hub does its duty
    ASKING    hub_silent     OFFERING
    ASKING    came_to_ask    GONE       # with no image for any device
    OFFERING  device_asked   SERVING
    OFFERING  device_silent  GONE
    SERVING   image_taken    LEAVING    # and told to activate
    SERVING   image_refused  LEAVING
    SERVING   device_silent  GONE
    SERVING   visit_over     GONE
    LEAVING   heard_no_more  GONE       # its last word has arrived
    """,
)

VISIT_MS: Final = 8 * HOUR
ASK_EVERY_MS: Final = 3 * SECOND
ASKS_MAX: Final = 4
OFFER_EVERY_MS: Final = 7 * SECOND  # so that one of them reaches a device that sleeps (IEEE 802.15.4)
OFFERS_MAX: Final = 300
SILENCE_MS: Final = 40 * MINUTE  # a sleepy device wakes every half hour
LEAVE_MS: Final = 2 * MINUTE
_PAGE_BLOCKS_MAX: Final = 16  # served of one page; the device asks on
_JITTER: Final = 100
_OWN_PART: Final = 0x00FF_0000_0000_0000  # what its address differs in from that of the home's hub


class Handheld:
    """One visit to the home of `hub`, to bring the image file `image` to `device`; without them, only to ask.

    Raises ImageMalformed: the file has no header.
    """

    def __init__(self, hub: Eui64, image: bytes = b"", device: Eui64 | None = None) -> None:
        self._hub = hub
        self._device = device
        self._image = image
        self._header: OtaHeader | None = read_header(image) if image else None
        self.state: str = VISIT.start
        self._sequence = 0
        self._tries = 0
        self._due = self._over = Instant(0)

    @property
    def address(self) -> Eui64:
        """Its EUI-64, in no device log."""
        return Eui64(self._hub.value ^ _OWN_PART)

    @property
    def listening(self) -> bool:
        """Its radio is on for as long as the visit lasts."""
        return True

    @property
    def done(self) -> bool:
        """Whether the visit is over."""
        return self.state in VISIT.terminal

    def start(self, now: Instant) -> list[Effect]:
        """Begin the visit: ask the hub for an image, as a device would."""
        turn = Turn(now)
        self._over = Instant(now + VISIT_MS)
        self._ask(turn)
        return self._finished(turn)

    def on_wake(self, now: Instant) -> list[Effect]:
        """Repeat what was not answered, or give up."""
        turn = Turn(now)
        if self._due > now or self.done:
            return self._finished(turn)
        match self.state:
            case "ASKING" if self._tries < ASKS_MAX:
                self._ask(turn)
            case "ASKING":
                self._go_on("hub_silent", turn)
            case "OFFERING" if self._tries < OFFERS_MAX:
                self._offer(turn)
            case "SERVING" if self._over <= now:
                self._move("visit_over", turn)
            case "OFFERING" | "SERVING":
                self._move("device_silent", turn)
            case _:
                self._move("heard_no_more", turn)
        return self._finished(turn)

    def on_frame(self, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
        """Take one ZCL frame: of the hub as its client, of the device as its server."""
        turn = Turn(now)
        if self.done or sender not in (self._hub, self._device):
            return turn.effects
        try:
            sequence, command = read_command(cluster, octets, Side.SERVER if sender == self._hub else Side.CLIENT)
        except ZclMalformed as error:
            turn.note("frame_refused", sender=str(sender), error=str(error))
            return turn.effects
        if sender == self._hub:
            self._on_hub(command, turn)
        else:
            self._on_device(sender, sequence, command, turn)
        return self._finished(turn)

    def _on_hub(self, command: Command, turn: Turn) -> None:
        if isinstance(command, QueryNextImageResponse) and self.state == "ASKING":
            turn.note("hub_answered", status=command.status.name)
            self._go_on("hub_answered", turn)

    def _go_on(self, event: str, turn: Turn) -> None:
        """Turn to the device, if there is something to bring."""
        if self._device is None or self._header is None:
            self._move("came_to_ask", turn)
            return
        self._move(event, turn)
        self._offer(turn)

    def _on_device(self, device: Eui64, sequence: int, command: Command, turn: Turn) -> None:
        header = self._header
        if header is None:
            return
        if VISIT.takes(self.state, "device_asked"):
            self._move("device_asked", turn)
        if self.state == "SERVING":
            self._due = Instant(min(turn.now + SILENCE_MS, self._over))
        for answer in self._answers(header, command, turn):
            turn.send_han(device, OTA_CLUSTER, write_command(sequence, answer))

    def _answers(self, header: OtaHeader, command: Command, turn: Turn) -> list[Command]:
        name = (header.manufacturer, header.image_type, header.file_version)
        match command:
            case QueryNextImageRequest():
                return [QueryNextImageResponse(OtaStatus.SUCCESS, *name, len(self._image))]
            case ImageBlockRequest():
                return self._blocks(name, command.offset, command.max_octets, 1)
            case ImagePageRequest():
                octets = max(command.max_octets, 1)
                blocks = min(-(-command.page_octets // octets), _PAGE_BLOCKS_MAX)
                return self._blocks(name, command.offset, octets, blocks)
            case UpgradeEndRequest(status=OtaStatus.SUCCESS):
                self._leave("image_taken", turn)
                return [UpgradeEndResponse(*name, current_time=0, upgrade_time=0)]
            case UpgradeEndRequest():
                self._leave("image_refused", turn)
                return [ImageBlockResponse(OtaStatus.ABORT)]
            case _:
                return []

    def _blocks(self, name: tuple[int, int, int], offset: int, octets: int, count: int) -> list[Command]:
        found: list[Command] = []
        for start in range(offset, min(offset + octets * count, len(self._image)), max(octets, 1)):
            found.append(ImageBlockResponse(OtaStatus.SUCCESS, *name, start, self._image[start : start + octets]))
        return found or [ImageBlockResponse(OtaStatus.MALFORMED_COMMAND)]

    def _leave(self, event: str, turn: Turn) -> None:
        """Stay for a while, so that a device which did not hear the last word may ask again."""
        if VISIT.takes(self.state, event):
            self._move(event, turn)
            turn.note(event, device=str(self._device))
        self._due = Instant(turn.now + LEAVE_MS)

    def _ask(self, turn: Turn) -> None:
        header = self._header
        name = (0xFFFF, 0xFFFF, 0) if header is None else (header.manufacturer, header.image_type, 0)
        self._send(self._hub, QueryNextImageRequest(*name), turn)
        self._due = Instant(turn.now + ASK_EVERY_MS)

    def _offer(self, turn: Turn) -> None:
        header, device = self._header, self._device
        assert header is not None
        assert device is not None
        notify = ImageNotify(_JITTER, header.manufacturer, header.image_type, header.file_version)
        self._send(device, notify, turn)
        self._due = Instant(turn.now + OFFER_EVERY_MS)

    def _send(self, to: Eui64, command: Command, turn: Turn) -> None:
        self._sequence = (self._sequence + 1) & 0xFF
        self._tries += 1
        turn.send_han(to, OTA_CLUSTER, write_command(self._sequence, command))

    def _move(self, event: str, turn: Turn) -> None:
        self.state = VISIT.move(self.state, event)
        self._tries = 0
        if self.done:
            turn.note("visit_over", why=event)

    def _finished(self, turn: Turn) -> list[Effect]:
        if not self.done:
            turn.wake_at(self._due)
        return turn.effects
