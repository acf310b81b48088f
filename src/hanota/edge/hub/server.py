"""The OTA server of a hub: it offers a held image to the device that an order stands for, and answers its requests.

The server keeps no place in a transfer: the device drives by offset and any offset inside the file is answered, so a
device may resume wherever it stopped. A device for which no order stands gets no block.
"""

from collections.abc import Mapping
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, Instant
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.hub.book import OrderBook
from hanota.edge.hub.orders import Order
from hanota.model.profiles import PROFILES, Activation
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

NOTIFY_RETRY: Final = Backoff(first_ms=15_000, longest_ms=30 * MINUTE)
SILENCE_MS: Final = 10 * MINUTE  # without a request, after which the device is told of the image again
_JITTER: Final = 100  # every client that hears the notify asks
_NOW, _NEVER = 0, 0xFFFF_FFFF

# Upgrade time in Upgrade End Response: at once, or not before a signed command says so (GBCS 11.2.1).
UPGRADE_TIME: Final[Mapping[Activation, int]] = {Activation.ON_RECEIPT: _NOW, Activation.SIGNED_COMMAND: _NEVER}


class OtaServer:
    """Answers OTA cluster commands out of an order book."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._sequence = 0

    @property
    def due(self) -> Instant | None:
        """When the next device is to be told of its image."""
        dues = [order.notify_due for order in self._book.live() if order.served]
        return min((due for due in dues if due is not None), default=None)

    def notify_due(self, turn: Turn) -> None:
        """Tell devices of their image, again and ever later while they don't ask."""
        for order in self._book.live():
            if not order.served or order.notify_due is None or order.notify_due > turn.now:
                continue
            _, _, manufacturer, image_type, version, *_ = order.facts
            self._sequence = (self._sequence + 1) & 0xFF
            notify = ImageNotify(_JITTER, manufacturer, image_type, version)
            turn.send_han(order.device, OTA_CLUSTER, write_command(self._sequence, notify))
            turn.note("image_notify", order=order.number, device=str(order.device), tries=order.notify_tries + 1)
            order.notify_due = Instant(turn.now + NOTIFY_RETRY.wait_ms(order.notify_tries))
            order.notify_tries += 1

    def on_command(self, sender: Eui64, sequence: int, command: Command, turn: Turn) -> None:
        """Answer one command of a device under its own sequence number."""
        match command:
            case QueryNextImageRequest():
                answer: Command | None = self._query(sender, command, turn)
            case ImageBlockRequest():
                answer = self._block(sender, command, turn)
            case UpgradeEndRequest():
                answer = self._end(sender, command, turn)
            case _:
                turn.note("command_ignored", device=str(sender), command=type(command).__name__)
                return
        if answer is not None:
            turn.send_han(sender, OTA_CLUSTER, write_command(sequence, answer))

    def refuse(self, sender: Eui64, sequence: int, command: Command, turn: Turn) -> None:
        """Answer a node that stands in no device log (R25)."""
        turn.note("stranger_refused", device=str(sender), command=type(command).__name__)
        match command:
            case QueryNextImageRequest():
                answer: Command = QueryNextImageResponse(OtaStatus.NOT_AUTHORIZED)
            case ImageBlockRequest():
                answer = ImageBlockResponse(OtaStatus.NOT_AUTHORIZED)
            case _:
                return
        turn.send_han(sender, OTA_CLUSTER, write_command(sequence, answer))

    def _served(self, device: Eui64, turn: Turn) -> Order | None:
        order = self._book.order_of(device)
        if order is None or not order.served:
            return None
        order.notify_due, order.notify_tries = Instant(turn.now + SILENCE_MS), 0
        return order

    def _query(self, sender: Eui64, query: QueryNextImageRequest, turn: Turn) -> QueryNextImageResponse:
        order = self._served(sender, turn)
        if order is None or (query.manufacturer, query.image_type) != order.facts[2:4]:
            return QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE)
        facts = order.facts
        if query.hardware_version is not None and not facts.hardware_fits(query.hardware_version):
            self._book.end(order, "hardware_differed", turn)
            return QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE)
        turn.note("image_offered", order=order.number, device=str(sender), running=query.file_version)
        return QueryNextImageResponse(
            OtaStatus.SUCCESS, facts.manufacturer, facts.image_type, facts.file_version, facts.octets
        )

    def _block(self, sender: Eui64, ask: ImageBlockRequest, turn: Turn) -> ImageBlockResponse:
        order = self._served(sender, turn)
        if order is None or not order.names(ask.manufacturer, ask.image_type, ask.file_version):
            return ImageBlockResponse(OtaStatus.ABORT)
        if ask.offset > 0 and self._book.may_splice(order):
            turn.note("splice_prevented", order=order.number, device=str(sender), offset=ask.offset)
            order.notify_due = Instant(turn.now + NOTIFY_RETRY.first_ms)
            return ImageBlockResponse(OtaStatus.ABORT)
        image = self._book.slots[order.slot].image
        octets = min(ask.max_octets, self._book.policies.han.block_octets)
        if ask.offset >= len(image) or octets == 0:
            return ImageBlockResponse(OtaStatus.MALFORMED_COMMAND)
        data = bytes(image[ask.offset : ask.offset + octets])
        started = order.state == "HELD"
        if started:
            order.move("block_asked", turn)
        if order.count(ask.offset, len(data), turn) or started:
            self._book.progress(order, turn)
        return ImageBlockResponse(
            OtaStatus.SUCCESS, ask.manufacturer, ask.image_type, ask.file_version, ask.offset, data
        )

    def _end(self, sender: Eui64, said: UpgradeEndRequest, turn: Turn) -> UpgradeEndResponse | ImageBlockResponse:
        """End the order as the device says; a failure is answered with ABORT, so that the device knows it was heard."""
        image = (said.manufacturer, said.image_type, said.file_version)
        order = self._served(sender, turn)
        if order is None or not order.names(*image):
            order = self._book.last_ended(sender, image)
        elif said.status == OtaStatus.SUCCESS:
            self._book.end(order, "image_taken", turn)
        else:
            turn.note("device_refused", order=order.number, device=str(sender), status=said.status.name)
            self._book.end(order, "device_failed", turn)
        if order is None or order.state != "TRANSFERRED" or said.status != OtaStatus.SUCCESS:
            return ImageBlockResponse(OtaStatus.ABORT)
        activation = PROFILES[order.distribute.device_type].activation
        return UpgradeEndResponse(*image, current_time=_NOW, upgrade_time=UPGRADE_TIME[activation])
