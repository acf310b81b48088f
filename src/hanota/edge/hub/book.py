"""The order book of a hub: accepting orders into slots, and every way in which an order ends.

An order number is good for one delivery: the same order again gets the same receipt again and nothing else happens. An
order that finds no slot is not kept: the head end repeats it, and each time it is judged as if it had just come.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.devices import DeviceType, TransferResponseCode
from hanota.edge.effects import Turn
from hanota.edge.hub.identity import HubIdentity
from hanota.edge.hub.orders import ORDER, Order
from hanota.edge.hub.outbox import Outbox
from hanota.edge.hub.slots import LAYOUTS, ImageFacts, Slot
from hanota.edge.memory import below, unpack
from hanota.model.policies import Policies
from hanota.wire.wan import (
    Cancel,
    Distribute,
    ImageChunk,
    OrderNotSigned,
    Receipt,
    ReceiptStatus,
    SignedOrder,
    open_order,
    read_frame,
)

REMEMBER_MS: Final = 90 * DAY  # an ended order, so that a late copy of it is known

_Judge = Callable[["OrderBook", Distribute], bool]

# The first row that fails is why the order is refused.
ORDER_CHECKS: Final[tuple[tuple[str, _Judge], ...]] = (
    ("device is in the device log", lambda book, order: order.device in book.identity.device_log),
    ("type is the device's", lambda book, order: book.identity.device_log[order.device] == order.device_type),
    ("type has a slot", lambda book, order: order.device_type in book.layout),
    ("image fits a slot", lambda book, order: 0 < order.image_octets <= book.policies.image.max_octets),
)

# What an end means to the DCC beyond the receipt (CCS08 response codes).
_ALERT_AT_END: Final[Mapping[str, TransferResponseCode]] = {
    "TRANSFERRED": TransferResponseCode.FILE_TRANSFER_SUCCESS,
    "DISCARDED": TransferResponseCode.FIRMWARE_IMAGE_DISCARDED,
    "HARDWARE_MISMATCH": TransferResponseCode.HARDWARE_VERSION_MISMATCH,
    "TRANSFER_FAILED": TransferResponseCode.FILE_TRANSFER_FAILURE,
}


class OrderBook:
    """All orders that a hub knows, and its slots."""

    identity: HubIdentity
    policies: Policies
    layout: Mapping[DeviceType, tuple[str, ...]]

    def __init__(self, identity: HubIdentity, policies: Policies, outbox: Outbox, memory: Mapping[str, bytes]) -> None:
        self.identity = identity
        self.policies = policies
        self.layout = LAYOUTS[policies.hub.slots]
        self._outbox = outbox
        names = dict.fromkeys(name for choice in self.layout.values() for name in choice)
        self.slots = {name: Slot(name, memory) for name in names}
        self._orders: dict[int, Order] = {}
        self._cancelled_early = {int(key, 16): Instant(unpack(at)["at"]) for key, at in below(memory, "cancelled/")}
        for key, record in below(memory, "order/"):
            distribute = self._believed(bytes.fromhex(unpack(record)["frame"]))
            if distribute is not None:
                self._orders[distribute.order] = Order.recall(distribute, record, memory.get(f"served/{key}"))

    def _believed(self, frame: bytes) -> Distribute | None:
        """Read a kept order; None for one that the DCC's key of today did not sign."""
        signed = read_frame(frame)
        try:
            order = open_order(signed, self.identity.acb_signing) if isinstance(signed, SignedOrder) else None
        except OrderNotSigned:
            return None
        return order if isinstance(order, Distribute) else None

    @property
    def due(self) -> Instant | None:
        """When something is to be done for an order or a slot without being asked."""
        dues = [slot.due for slot in self.slots.values()]
        dues += [self._deadline(order) for order in self.live()]
        return min((due for due in dues if due is not None), default=None)

    def live(self) -> Iterator[Order]:
        """Give the orders that have not ended."""
        return (order for order in self._orders.values() if not order.ended)

    def order_of(self, device: Eui64) -> Order | None:
        """Give the order that stands for `device`."""
        return next((order for order in self.live() if order.device == device), None)

    def last_ended(self, device: Eui64, image: tuple[int, int, int]) -> Order | None:
        """Give the latest ended order of `device` for the image of that manufacturer, type and version."""
        ended = (order for order in self._orders.values() if order.ended and order.device == device)
        return max((order for order in ended if order.names(*image)), key=lambda order: order.since, default=None)

    def may_splice(self, order: Order) -> bool:
        """Whether the device may still hold blocks of another file under the same name, from an order that ended early.

        Nothing on the HAN tells the two files apart, so the hub has to.
        """
        return order.blocks == 0 and any(
            earlier.device == order.device
            and earlier.blocks > 0
            and earlier.state != "TRANSFERRED"
            and earlier.names(*order.facts[2:5])
            and earlier.facts.sha256 != order.facts.sha256
            for earlier in self._orders.values()
        )

    def start(self, turn: Turn) -> None:
        """Go on after a restart: fetch what is missing, and do what fell due meanwhile."""
        for order in self.live():
            self.slots[order.slot].go_on(order.facts, turn.now)
            if order.served:
                order.notify_due = turn.now
        for slot in self.slots.values():
            if not slot.empty and slot.facts is None:  # its orders are not believed any more
                slot.release("orders_ended", turn)
        self.do_due(turn)

    def do_due(self, turn: Turn) -> None:
        """Fetch, and end what has waited too long."""
        for order in list(self.live()):
            if self._deadline(order) <= turn.now:
                self.end(order, "time_over", turn)
        for slot in self.slots.values():
            slot.fetch_due(self.identity.chf, self.policies.wan.chunk_octets, turn)

    def take_order(self, order: Distribute, frame: bytes, turn: Turn) -> None:
        """Accept or refuse an order of the DCC; a known one gets its receipt again."""
        known = self._orders.get(order.order)
        if known is not None:
            self._outbox.put(known.receipt(), turn)
            return
        self._forget_old(turn)
        arrived = Order(distribute=order, frame=frame, since=turn.now)
        slot, event = self._judge(order, turn)
        arrived.slot = slot.name if slot else ""
        arrived.state = ORDER.move(arrived.state, event)
        if arrived.state != "REFUSED_NO_SLOT":
            self._orders[order.order] = arrived
            arrived.store(turn)
        turn.note("order", order=order.order, device=str(order.device), state=arrived.state)
        self._outbox.put(arrived.receipt(), turn)
        if slot is None:
            return
        if slot.empty:
            slot.open(arrived.facts, turn)
            slot.fetch_due(self.identity.chf, self.policies.wan.chunk_octets, turn)
        elif slot.holding:
            self._hold(arrived, turn)

    def _judge(self, order: Distribute, turn: Turn) -> tuple[Slot | None, str]:
        """Give the slot for an order and the event that follows, without changing anything."""
        if order.order in self._cancelled_early:
            return None, "cancelled"
        if order.expires <= turn.now:
            return None, "time_over"
        for check, holds in ORDER_CHECKS:
            if not holds(self, order):
                turn.note("order_refused", order=order.order, check=check)
                return None, "contradicted"
        if self.order_of(order.device) is not None:
            return None, "slot_busy"
        facts = ImageFacts.of(order)
        choices = [self.slots[name] for name in self.layout[order.device_type]]
        same = next((slot for slot in choices if slot.facts == facts), None)
        slot = same or next((slot for slot in choices if slot.empty), None)
        return (slot, "slot_free") if slot else (None, "slot_busy")

    def take_cancel(self, cancel: Cancel, turn: Turn) -> None:
        """Take an order back, also one that has not arrived yet; an ended one stays as it ended."""
        order = self._orders.get(cancel.order)
        if order is None:
            self._cancelled_early[cancel.order] = turn.now
            turn.store(f"cancelled/{cancel.order:016x}", b'{"at":%d}' % turn.now)
            receipt = Receipt(order=cancel.order, status=ReceiptStatus.CANCELLED, offset=0, blocks=0, repeats=0)
            self._outbox.put(receipt, turn)
        elif order.ended:
            self._outbox.put(order.receipt(), turn)
        else:
            self.end(order, "cancelled", turn)

    def take_chunk(self, chunk: ImageChunk, turn: Turn) -> None:
        """Store fetched octets; when the image is complete, hold it or end the orders that wait for it."""
        for slot in self.slots.values():
            if slot.take(chunk, turn):
                self._verify(slot, turn)
            slot.fetch_due(self.identity.chf, self.policies.wan.chunk_octets, turn)

    def _verify(self, slot: Slot, turn: Turn) -> None:
        waiting = [order for order in self.live() if order.slot == slot.name]
        facts = slot.facts
        assert facts is not None
        hash_agrees = slot.hash_agrees()
        if hash_agrees and facts.header_agrees(bytes(slot.image)):
            slot.accept_image(turn)
            for order in waiting:
                self._hold(order, turn)
            return
        if not hash_agrees and slot.fetch_again(turn):
            turn.note("image_fetched_again", slot=slot.name, sha256=facts.sha256.hex())
            return
        slot.release("image_differed", turn)
        for order in waiting:
            self.end(order, "contradicted" if hash_agrees else "image_differed", turn)

    def _hold(self, order: Order, turn: Turn) -> None:
        order.move("image_matched", turn)
        order.notify_due = turn.now
        turn.note("image_held", order=order.number, device=str(order.device), octets=order.distribute.image_octets)
        self._outbox.put(order.receipt(), turn)

    def progress(self, order: Order, turn: Turn) -> None:
        """Tell the head end how far the device has come."""
        self._outbox.put(order.receipt(), turn)

    def end(self, order: Order, event: str, turn: Turn) -> None:
        """End an order: receipt, CCS08 where one is due, and the slot freed once nobody needs its image."""
        order.move(event, turn)
        turn.note("order_ended", order=order.number, device=str(order.device), state=order.state)
        self._outbox.put(order.receipt(), turn)
        code = _ALERT_AT_END.get(order.state)
        if code is not None and order.told_by_alert:
            self._outbox.put_transfer_alert(order.device, order.distribute.file_version, code, turn)
        slot = self.slots.get(order.slot)
        if slot is not None and not slot.empty and not any(other.slot == slot.name for other in self.live()):
            slot.release("orders_ended", turn)

    def _deadline(self, order: Order) -> Instant:
        """When the order ends by itself: at its expiry, or when its image has been held for too long."""
        expires = order.distribute.expires
        if order.state != "HELD":
            return expires
        return min(expires, Instant(order.since + self.policies.hub.retention_days * DAY))

    def _forget_old(self, turn: Turn) -> None:
        edge = turn.now - REMEMBER_MS
        for order in list(self._orders.values()):
            if order.ended and max(order.since, order.distribute.expires) < edge:
                del self._orders[order.number]
                order.forget(turn)
        for number, at in list(self._cancelled_early.items()):
            if at < edge:
                del self._cancelled_early[number]
                turn.store(f"cancelled/{number:016x}", None)
