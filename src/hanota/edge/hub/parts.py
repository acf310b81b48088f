"""Images in parts at a hub: one segment's file after the other goes through the same slot (R7; docs/adr/0009).

A device that has a segment says Upgrade End with REQUIRE_MORE_IMAGE. Nothing in that names the segment, and it may come
late or twice; so it counts only if the device has asked for octets of the present part, and before it said so. Else the
device is told to stop, and finds out from the next offer what it lacks.
"""

from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant
from hanota.edge.effects import Turn
from hanota.edge.hub.book import OrderBook
from hanota.edge.hub.orders import Order
from hanota.wire.zcl import (
    Command,
    ImageBlockRequest,
    ImageBlockResponse,
    ImagePageRequest,
    OtaStatus,
    UpgradeEndRequest,
)

OFFER_AGAIN_MS: Final = 15 * SECOND
_SEQUENCES: Final = 1 << 8  # of ZCL frames; of two, the one less than half a round ahead is the later


class Parts:
    """What devices say of the parts that they have. What is kept here, a restart of the hub may forget."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._asked: dict[Eui64, tuple[int, int, int]] = {}  # by device: order, part, sequence of the last request

    def heard(self, sender: Eui64, sequence: int, command: Command) -> None:
        """Note for which part a device asked last."""
        order = self._book.order_of(sender)
        asks = isinstance(command, ImageBlockRequest | ImagePageRequest)
        if asks and order is not None and order.parts and order.served:
            self._asked[sender] = (order.number, order.part, sequence)

    def wanted(self, sender: Eui64, said: UpgradeEndRequest) -> Order | None:
        """Give the order of which a device wants the next part; None if it is of an image in one piece, or of none."""
        order = self._book.order_of(sender)
        more = said.status == OtaStatus.REQUIRE_MORE_IMAGE
        named = (said.manufacturer, said.image_type, said.file_version)
        return order if more and order is not None and order.parts and order.names(*named) else None

    def go_on(self, order: Order, sequence: int, turn: Turn) -> ImageBlockResponse:
        """Go on to the next part, if the device has this one. The answer only says that it was heard."""
        if order.served:
            order.asked_at = turn.now
            if self._has_this_one(order, sequence):
                turn.note("part_taken", order=order.number, device=str(order.device), part=order.part)
                self._book.next_part(order, turn)
            else:
                order.notify_due, order.notify_tries = Instant(turn.now + OFFER_AGAIN_MS), 0
        return ImageBlockResponse(OtaStatus.ABORT)

    def _has_this_one(self, order: Order, sequence: int) -> bool:
        if not order.part_begun:
            return False
        number, part, last = self._asked.get(order.device, (0, 0, 0))
        if (number, part) == (order.number, order.part):
            return 0 < (sequence - last) % _SEQUENCES < _SEQUENCES // 2
        return order.part_served
