"""The OTA server of a hub: it offers a held image to the device that an order stands for, and answers its requests.

The server keeps no place in a transfer: the device drives by offset and any offset inside the file is answered, so a
device may resume wherever it stopped. The one exception is a page, whose blocks go out unasked; it ends with the
device's next request, and a restart forgets it. A device for which no order stands gets no block.
"""

from collections.abc import Mapping
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, Instant
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.hub.arbitration import ASIDE_MS, never_steps_aside, steps_aside
from hanota.edge.hub.book import OrderBook
from hanota.edge.hub.consent import Consents
from hanota.edge.hub.lanes import Lane, is_block
from hanota.edge.hub.orders import Order
from hanota.edge.hub.pace import REQUEST_OCTETS, RESPONSE_OCTETS, Pace, Wait
from hanota.edge.hub.pages import Page, Pages
from hanota.edge.hub.parts import Parts
from hanota.model.profiles import PROFILES, Activation
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
    QuerySpecificFileRequest,
    QuerySpecificFileResponse,
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

    def __init__(self, book: OrderBook, consents: Consents) -> None:
        self._book = book
        self._consents = consents
        self._pace = Pace(book.policies.han)
        self._pages = Pages()
        self._parts = Parts(book)
        self._sequence = 0

    @property
    def due(self) -> Instant | None:
        """When the next device is to be told of its image, or the next block of a page is to go out."""
        dues = [order.notify_due for order in self._book.live() if order.served and not order.sleepy]
        return min((due for due in (*dues, self._pages.due) if due is not None), default=None)

    def do_due(self, turn: Turn) -> None:
        """Send the blocks of pages that are due, and tell devices of their image."""
        for page in self._pages.take_due(turn.now):
            self._next_of_page(page, turn)
        for order in self._book.live():
            if order.notify_due is not None and order.notify_due <= turn.now and order.served and not order.sleepy:
                self._notify(order, turn)

    def shown(self, device: Eui64, turn: Turn) -> None:
        """A sleepy device is awake: tell it of an image that it has not begun to fetch."""
        order = self._book.order_of(device)
        if order is None or order.state != "HELD":
            return
        if order.asked_at is None or not 0 <= turn.now - order.asked_at < NOTIFY_RETRY.first_ms:
            self._notify(order, turn)

    def _notify(self, order: Order, turn: Turn) -> None:
        """Tell a device of its image, again and ever later while it doesn't ask; not in quiet hours."""
        quiet = self._pace.quiet_until(turn.now)
        if quiet is not None:
            order.notify_due = quiet
            return
        _, _, manufacturer, image_type, version, *_ = order.facts
        self._sequence = (self._sequence + 1) & 0xFF
        notify = ImageNotify(_JITTER, manufacturer, image_type, version)
        turn.send_han(order.device, OTA_CLUSTER, write_command(self._sequence, notify))
        turn.note("image_notify", order=order.number, device=str(order.device), tries=order.notify_tries + 1)
        order.notify_due = Instant(turn.now + NOTIFY_RETRY.wait_ms(order.notify_tries))
        order.notify_tries += 1

    def on_command(self, sender: Eui64, sequence: int, command: Command, turn: Turn) -> None:
        """Answer one command of a device under its own sequence number."""
        if self._pages.repeats(sender, sequence, command):
            return
        self._pages.end(sender)
        self._parts.heard(sender, sequence, command)
        match command:
            case QueryNextImageRequest():
                answer: Command | None = self._query(sender, command, turn)
            case ImageBlockRequest():
                answer = self._block(sender, command, turn)
            case ImagePageRequest():
                answer = self._page(sender, sequence, command, turn)
            case QuerySpecificFileRequest():
                answer = self._specific_file(sender, command)
            case UpgradeEndRequest() if (order := self._parts.wanted(sender, command)) is not None:
                answer = self._parts.go_on(order, sequence, turn)
            case UpgradeEndRequest():
                answer = self._end(sender, command, turn)
            case _:
                turn.note("command_ignored", device=str(sender), command=type(command).__name__)
                return
        if answer is not None:
            turn.send_han(sender, OTA_CLUSTER, write_command(sequence, answer))

    def lane_for(self, sender: Eui64, ask: ImageBlockRequest, asked: bytes, answered: bytes) -> Lane | None:
        """Cut a lane for requests like `ask` (frame: `asked`); None where each has to be looked at as this one was.

        What `_judged` and `_give` look at besides is for the lane to look at.
        """
        order, policies = self._book.order_of(sender), self._book.policies
        if order is None or order.state != "TRANSFERRING" or order.parts or not is_block(answered):
            return None
        if not never_steps_aside(order, policies):
            return None
        return Lane(
            order,
            self._book.slots[order.slot],
            self._pace,
            asked=asked,
            ask=ask,
            answered=answered,
            block_octets=min(ask.max_octets, policies.han.block_octets),
            silence_ms=SILENCE_MS,
        )

    def refuse(self, sender: Eui64, sequence: int, command: Command, turn: Turn) -> None:
        """Answer a node that stands in no device log (R25)."""
        turn.note("stranger_refused", device=str(sender), command=type(command).__name__)
        match command:
            case QueryNextImageRequest():
                answer: Command = QueryNextImageResponse(OtaStatus.NOT_AUTHORIZED)
            case ImageBlockRequest() | ImagePageRequest():
                answer = ImageBlockResponse(OtaStatus.NOT_AUTHORIZED)
            case QuerySpecificFileRequest():
                answer = QuerySpecificFileResponse(OtaStatus.NOT_AUTHORIZED)
            case _:
                return
        turn.send_han(sender, OTA_CLUSTER, write_command(sequence, answer))

    def _served(self, device: Eui64, turn: Turn) -> Order | None:
        order = self._book.order_of(device)
        if order is None or not order.served:
            return None
        order.notify_due, order.notify_tries = Instant(turn.now + SILENCE_MS), 0
        order.asked_at = turn.now
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

    def _specific_file(self, sender: Eui64, ask: QuerySpecificFileRequest) -> QuerySpecificFileResponse:
        """Answer that there is none: no image that the DCC orders is made for one node alone."""
        own = ask.node == sender
        return QuerySpecificFileResponse(OtaStatus.NO_IMAGE_AVAILABLE if own else OtaStatus.NOT_AUTHORIZED)

    def _block(self, sender: Eui64, ask: ImageBlockRequest, turn: Turn) -> ImageBlockResponse:
        order = self._judged(sender, ask, ask.min_block_period_ms, turn)
        if isinstance(order, ImageBlockResponse):
            return order
        block = self._give(order, ask.offset, ask.max_octets, turn)
        self._pace.count(turn.now, asked=REQUEST_OCTETS, answered=RESPONSE_OCTETS + len(block.data or b""))
        return block

    def _page(self, sender: Eui64, sequence: int, ask: ImagePageRequest, turn: Turn) -> ImageBlockResponse | None:
        """Take a page on; its blocks go out when they are due, the first at once. Else say why not."""
        order = self._judged(sender, ask, None, turn)
        if isinstance(order, ImageBlockResponse):
            return order
        spacing_ms = max(ask.spacing_ms, self._pace.period_ms(turn.now))
        end = min(ask.offset + ask.page_octets, len(self._book.slots[order.slot].image))
        self._pages.begin(Page(sender, sequence, ask, ask.offset, end, spacing_ms, turn.now))
        return None

    def _next_of_page(self, page: Page, turn: Turn) -> None:
        """Send one block of a page; the page ends with its last block, or with what the device is told instead."""
        ask = page.rest
        order = self._judged(page.device, ask, None, turn)
        if isinstance(order, Order):
            answer = self._give(order, ask.offset, min(ask.max_octets, ask.page_octets), turn)
            self._pace.count(turn.now, asked=0, answered=RESPONSE_OCTETS + len(answer.data or b""))
            self._pages.go_on(page, len(answer.data or b""), turn.now)
        else:
            answer = order
        turn.send_han(page.device, OTA_CLUSTER, write_command(page.sequence, answer))

    def _judged(
        self, sender: Eui64, ask: ImageBlockRequest | ImagePageRequest, stated_ms: int | None, turn: Turn
    ) -> Order | ImageBlockResponse:
        """Give the order whose image is asked for, or the answer that says why nothing of it goes out now."""
        order = self._served(sender, turn)
        if order is None or not order.names(ask.manufacturer, ask.image_type, ask.file_version):
            if order is not None:  # it drops the image of an earlier order, and soon hears of this one
                order.notify_due = Instant(turn.now + NOTIFY_RETRY.first_ms)
            return ImageBlockResponse(OtaStatus.ABORT)
        if ask.offset > 0 and self._book.may_splice(order):
            turn.note("splice_prevented", order=order.number, device=str(sender), offset=ask.offset)
            order.notify_due = Instant(turn.now + NOTIFY_RETRY.first_ms)
            return ImageBlockResponse(OtaStatus.ABORT)
        nothing = ask.max_octets == 0 or (isinstance(ask, ImagePageRequest) and ask.page_octets == 0)
        if nothing or ask.offset >= len(self._book.slots[order.slot].image):
            return ImageBlockResponse(OtaStatus.MALFORMED_COMMAND)
        if steps_aside(order, self._book.live(), turn.now, self._book.policies):
            turn.note("stepped_aside", order=order.number, device=str(sender))
            return Wait(Instant(turn.now + ASIDE_MS), self._pace.period_ms(turn.now)).told(turn.now)
        wait = self._pace.hold(sender, stated_ms, turn.now)
        if wait is None:
            return order
        turn.note("told_to_wait", order=order.number, device=str(sender), until=wait.until, period_ms=wait.period_ms)
        order.notify_due = Instant(wait.until + SILENCE_MS)
        return wait.told(turn.now)

    def _give(self, order: Order, offset: int, octets_max: int, turn: Turn) -> ImageBlockResponse:
        """Give one block, counted."""
        _, _, manufacturer, image_type, version, *_ = order.facts
        octets = min(octets_max, self._book.policies.han.block_octets)
        data = bytes(self._book.slots[order.slot].image[offset : offset + octets])
        started = order.state == "HELD"
        if started:
            order.move("block_asked", turn)
        if order.count(offset, len(data), turn) or started:
            self._book.progress(order, turn)
        return ImageBlockResponse(OtaStatus.SUCCESS, manufacturer, image_type, version, offset, data)

    def _end(self, sender: Eui64, said: UpgradeEndRequest, turn: Turn) -> UpgradeEndResponse | ImageBlockResponse:
        """End the order as the device says; a failure is answered with ABORT, so that the device knows it was heard."""
        image = (said.manufacturer, said.image_type, said.file_version)
        order = self._served(sender, turn)
        if order is None or not order.names(*image):
            order = self._consents.standing(sender, image) or self._book.last_ended(sender, image)
        elif said.status == OtaStatus.SUCCESS and not self._book.may_have_all(order):
            turn.note("end_not_believed", order=order.number, device=str(sender), offset=order.offset)
            order.notify_due = Instant(turn.now + NOTIFY_RETRY.first_ms)
        elif said.status == OtaStatus.SUCCESS:
            self._consents.image_taken(order, turn)
        else:
            turn.note("device_refused", order=order.number, device=str(sender), status=said.status.name)
            self._book.end(order, "device_failed", turn)
        asked = order is not None and order.state == "CONSENT" and not self._consents.refused(order)
        held = order is not None and (asked or order.state == "TRANSFERRED")
        if order is None or not held or said.status != OtaStatus.SUCCESS:
            return ImageBlockResponse(OtaStatus.ABORT)
        activation = PROFILES[order.distribute.device_type].activation
        when = _NEVER if asked else UPGRADE_TIME[activation]
        return UpgradeEndResponse(*image, current_time=_NOW, upgrade_time=when)
