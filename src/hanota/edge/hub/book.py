"""The order book of a hub: accepting orders into slots, and every way in which an order ends.

An order number is good for one delivery: the same order again gets the same receipt again and nothing else happens. An
order that finds no slot is not kept: the head end repeats it, and each time it is judged as if it had just come.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.devices import TransferResponseCode
from hanota.edge.effects import Turn
from hanota.edge.hub.arbitration import ASIDE_MS, fetch_waits, may_replace
from hanota.edge.hub.identity import HubIdentity
from hanota.edge.hub.orders import ORDER, ROUNDS_MAX, Order, parts_agree
from hanota.edge.hub.outbox import Outbox
from hanota.edge.hub.slots import LAYOUTS, ImageFacts, Layout, Slot, slots_in_use
from hanota.edge.memory import below, unpack
from hanota.model.policies import Policies
from hanota.wire.wan import (
    Cancel,
    Distribute,
    FrameMalformed,
    ImageChunk,
    Receipt,
    ReceiptStatus,
    SignedOrder,
    open_order,
    read_frame,
)

CONSENT_SPARE_MS: Final = 7 * DAY  # beyond the head end's deadline for consent, whose Cancel comes before that
REMEMBER_MS: Final = 90 * DAY  # an ended order, so that a late copy of it is known

_Judge = Callable[["OrderBook", Distribute], bool]

# The first row that fails is why the order is refused.
ORDER_CHECKS: Final[tuple[tuple[str, _Judge], ...]] = (
    ("device is in the device log", lambda book, order: order.device in book.identity.device_log),
    ("type is the device's", lambda book, order: book.identity.device_log[order.device] == order.device_type),
    ("type has a slot", lambda book, order: order.device in book.layout),
    ("image fits a slot", lambda book, order: 0 < order.image_octets <= book.policies.image.max_octets),
    ("parts agree", lambda book, order: parts_agree(order, book.policies.image.max_octets)),
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
    layout: Layout

    def __init__(self, identity: HubIdentity, policies: Policies, outbox: Outbox, memory: Mapping[str, bytes]) -> None:
        self.identity = identity
        self.policies = policies
        self.layout = LAYOUTS[policies.hub.slots](identity.device_log, policies.hub)
        self._outbox = outbox
        self._orders: dict[int, Order] = {}
        self._cancelled_early = {int(key, 16): Instant(unpack(at)["at"]) for key, at in below(memory, "cancelled/")}
        for key, record in below(memory, "order/"):
            distribute = self._believed(bytes.fromhex(unpack(record)["frame"]))
            if distribute is not None:
                self._orders[distribute.order] = Order.recall(distribute, record, memory.get(f"served/{key}"))
        # A slot that another layout left behind goes on until its image is not needed any more.
        left = [*slots_in_use(memory), *(order.slot for order in self.live() if order.needs_slot)]
        names = [name for choice in self.layout.values() for name in choice]
        self.slots = {name: Slot(name, memory) for name in dict.fromkeys([*names, *left])}

    def _believed(self, frame: bytes) -> Distribute | None:
        """Read a kept order; None for one that can't be read, or that the DCC's key of today did not sign."""
        try:
            signed = read_frame(frame)
            order = open_order(signed, self.identity.acb_signing) if isinstance(signed, SignedOrder) else None
        except FrameMalformed:
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
        ends = ORDER.terminal
        return iter([order for order in self._orders.values() if order.state not in ends])

    def order(self, number: int) -> Order | None:
        """Give the order of that number, ended or not."""
        return self._orders.get(number)

    def order_of(self, device: Eui64) -> Order | None:
        """Give the order that stands for `device`."""
        number = device.value  # asked for each frame: numbers compare faster
        return next((order for order in self.live() if order.distribute.device.value == number), None)

    def orders_in(self, slot: Slot) -> list[Order]:
        """Give the orders that need the image of a slot."""
        return [order for order in self.live() if order.needs_slot and order.slot == slot.name]

    def last_ended(self, device: Eui64, image: tuple[int, int, int]) -> Order | None:
        """Give the latest ended order of `device` for the image of that manufacturer, type and version."""
        ended = (order for order in self._orders.values() if order.ended and order.device == device)
        return max((order for order in ended if order.names(*image)), key=lambda order: order.since, default=None)

    def may_splice(self, order: Order) -> bool:
        """Whether the device may still hold blocks of another file under the same name, from an order that ended early.

        Nothing on the HAN tells the two files apart, so the hub has to. Nor does it tell parts of one image apart: each
        is begun at its start.
        """
        if order.parts:
            return not order.part_begun
        return order.blocks == 0 and any(
            earlier.device == order.device
            and earlier.blocks > 0
            and earlier.state != "TRANSFERRED"
            and earlier.names(*order.facts[2:5])
            and earlier.facts.sha256 != order.facts.sha256
            for earlier in self._orders.values()
        )

    def may_have_all(self, order: Order) -> bool:
        """Whether the device may have the whole image of `order`: its end was served, now or for an earlier order.

        An Upgrade End Request names no hash: it may be a late one, about another file under the same name.
        """
        if order.part_served:
            return True
        image = order.facts[2:5]
        earlier = [each for each in self._orders.values() if each.ended and each.device == order.device]
        begun = [each for each in earlier if each.blocks > 0 and each.names(*image)]
        last = max(begun, key=lambda each: each.since, default=None)
        if last is None or last.parts or order.parts:
            return False
        return last.part_served and last.facts.sha256 == order.facts.sha256

    def start(self, turn: Turn) -> None:
        """Go on after a restart: fetch what is missing, and do what fell due meanwhile."""
        for order in self.live():
            if order.needs_slot:
                self.slots[order.slot].go_on(order.facts, turn.now)
            if order.served:
                order.notify_due = turn.now
        self.release_unneeded(turn)  # also those whose orders are not believed any more
        self.do_due(turn)

    def do_due(self, turn: Turn) -> None:
        """Fetch, and end what has waited too long."""
        for order in list(self.live()):
            if self._deadline(order) <= turn.now:
                self.end(order, "time_over", turn)
        self._fetch(turn)

    def _fetch(self, turn: Turn) -> None:
        for slot in self.slots.values():
            if slot.receiving and fetch_waits(slot, self.slots.values(), self.live(), turn.now, self.policies):
                slot.put_off(Instant(turn.now + ASIDE_MS))
            slot.fetch_due(self.identity.chf, self.policies.wan.chunk_octets, turn)

    def take_order(self, order: Distribute, frame: bytes, turn: Turn) -> None:
        """Accept or refuse an order of the DCC; a known one gets its receipt again."""
        known = self._orders.get(order.order)
        if known is not None:
            self._outbox.put(known.receipt(), turn)
            return
        self._forget_old(turn)
        arrived = Order(distribute=order, frame=frame, since=turn.now)
        slot, event, displaced = self._judge(order, turn)
        for earlier in displaced:
            turn.note("order_displaced", order=earlier.number, by=order.order)
            self.end(earlier, "displaced", turn)
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
            self._fetch(turn)
        elif slot.holding:
            self._hold(arrived, turn)

    def _judge(self, order: Distribute, turn: Turn) -> tuple[Slot | None, str, list[Order]]:
        """Give the slot for an order, the event that follows, and whom it displaces, without changing anything."""
        if order.order in self._cancelled_early:
            return None, "cancelled", []
        if order.expires <= turn.now:
            return None, "time_over", []
        for check, holds in ORDER_CHECKS:
            if not holds(self, order):
                turn.note("order_refused", order=order.order, check=check)
                return None, "contradicted", []
        slot, displaced = self._place(order)
        return (slot, "slot_free", displaced) if slot else (None, "slot_busy", [])

    def _place(self, order: Distribute) -> tuple[Slot | None, list[Order]]:
        """Find a slot: one with this image, else an empty one, else one whose orders this one may replace."""
        standing = self.order_of(order.device)
        if standing is not None and not may_replace(self.policies, order, standing):
            return None, []
        leaving = [standing] if standing is not None else []
        choices = [self.slots[name] for name in self.layout[order.device]]
        free = next((slot for slot in choices if self._has(slot, order)), None)
        free = free or next((slot for slot in choices if slot.empty), None)
        if free is not None:
            return free, leaving
        for slot in choices:
            held_for = self.orders_in(slot)
            if held_for and all(may_replace(self.policies, order, earlier) for earlier in held_for):
                return slot, leaving + [earlier for earlier in held_for if earlier is not standing]
        return None, []

    def _has(self, slot: Slot, order: Distribute) -> bool:
        """Whether a slot has the image of an order; images in parts pass through it and are nobody else's."""
        alone = bool(order.parts) or any(other.distribute.parts for other in self.orders_in(slot))
        return not alone and not slot.empty and slot.facts == ImageFacts.of(order)

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
        self._fetch(turn)

    def _verify(self, slot: Slot, turn: Turn) -> None:
        waiting = self.orders_in(slot)
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
        turn.note("image_held", order=order.number, device=str(order.device), octets=order.facts.octets)
        self._outbox.put(order.receipt(), turn)

    def next_part(self, order: Order, turn: Turn) -> None:
        """Let the slot of an image in parts go on to the next one; no other image gets in between."""
        if order.round == ROUNDS_MAX and order.part + 1 == len(order.parts):
            self.end(order, "device_failed", turn)
            return
        order.turn_over(turn)
        self.slots[order.slot].turn_over(order.facts, turn)
        self.progress(order, turn)
        self._fetch(turn)

    def progress(self, order: Order, turn: Turn) -> None:
        """Tell the head end how far the device has come."""
        self._outbox.put(order.receipt(), turn)

    def hand_over(self, order: Order, turn: Turn) -> None:
        """The device has the image and its consumer is asked: all is told of the transfer, and the slot is free."""
        order.move("consent_wanted", turn)
        turn.note("order_handed_over", order=order.number, device=str(order.device))
        self._outbox.put(order.receipt(), turn)
        done = TransferResponseCode.FILE_TRANSFER_SUCCESS
        self._outbox.put_transfer_alert(order.device, order.distribute.file_version, done, turn)
        self.release_unneeded(turn)

    def end(self, order: Order, event: str, turn: Turn) -> None:
        """End an order: receipt, CCS08 where one is due, and the slot freed once nobody needs its image."""
        order.move(event, turn)
        turn.note("order_ended", order=order.number, device=str(order.device), state=order.state)
        if event == "consent_given":  # all was told when the device had the image
            return
        self._outbox.put(order.receipt(), turn)
        code = _ALERT_AT_END.get(order.state)
        if code is not None and order.told_by_alert:
            self._outbox.put_transfer_alert(order.device, order.distribute.file_version, code, turn)
        self.release_unneeded(turn)

    def release_unneeded(self, turn: Turn) -> None:
        """Free every slot whose image no live order needs any more."""
        for slot in self.slots.values():
            if not slot.empty and not self.orders_in(slot):
                slot.release("orders_ended", turn)

    def _deadline(self, order: Order) -> Instant:
        """When the order ends by itself: at its expiry, or when its image has been held for too long."""
        expires = order.distribute.expires
        if order.state == "CONSENT":
            return Instant(order.since + self.policies.deadline.consent_ms + CONSENT_SPARE_MS)
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
