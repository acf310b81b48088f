"""What must hold of every step of a hub's arbitration, stated apart from the code that it judges."""

from collections.abc import Callable
from typing import Final, NamedTuple

from hanota.base.vocabulary.devices import DeviceType, TransferResponseCode
from hanota.sim.arbitration_events import KINDS, Event, State

_METERS: Final = (DeviceType.ESME, DeviceType.GSME)
_FAILED: Final = TransferResponseCode.FILE_TRANSFER_FAILURE


class Step(NamedTuple):
    """One event between two states."""

    event: Event
    before: State
    after: State


def _is_displaced(step: Step, number: int) -> bool:
    """Whether the arrival of an order displaced another by its owner's own rule (R12)."""
    config, orders = step.before.home.config, step.before.home.orders
    if step.event.kind != "arrives" or config.force_replace != "own" or step.after.ended[number] != "DISCARDED":
        return False
    new, old = orders[step.event.order].plan, orders[number].plan
    kinds = config.devices[new.device], config.devices[old.device]
    return (
        step.event.order in step.after.live
        and step.event.order > number
        and new.force_replace != 0
        and new.supplier == old.supplier
        and kinds[0] == kinds[1]
        and kinds[0] in _METERS
    )


def _ends_rightly(step: Step) -> bool:
    event, allowed = step.event, KINDS[step.event.kind].ends
    own = {event.order}
    if event.slot:  # octets of an image come to every slot that receives it
        facts = step.before.book.slots[event.slot].facts
        own |= {order.number for order in step.before.needing if order.facts == facts and order.state == "ACCEPTED"}
    return all(
        (number in own and how in allowed) or _is_displaced(step, number) for number, how in step.after.ended.items()
    )


def _ends_told(step: Step) -> bool:
    """By a receipt; a failed transfer of what is no meter by CCS08; at a consumer's yes all has been told."""
    if step.event.kind == "consents":
        return True
    after, orders = step.after, step.after.home.orders
    return all(
        (number, how) in after.receipts
        or (how == "TRANSFER_FAILED" and (orders[number].order.device, _FAILED) in after.alerts)
        for number, how in after.ended.items()
    )


def _slots_agree(step: Step) -> bool:
    """Every live order has its own image in its slot, whole if it may be served."""
    for order in step.after.needing:
        slot = step.after.book.slots[order.slot]
        whole = bytes(slot.image) == step.after.home.images[step.after.home.image_names[order.facts.sha256]]
        if slot.facts != order.facts or slot.holding != order.served or slot.holding != whole:
            return False
    return True


def _one_image(step: Step) -> bool:
    images: dict[str, set[bytes]] = {}
    for order in step.after.needing:
        images.setdefault(order.slot, set()).add(order.facts.sha256)
    return all(len(hashes) == 1 for hashes in images.values())


def _no_leak(step: Step) -> bool:
    needed = {order.slot for order in step.after.needing}
    in_memory = {key.split("/")[1] for key in step.after.memory if key.startswith(("slot/", "refetches/"))}
    in_use = {name for name, slot in step.after.book.slots.items() if not slot.empty}
    return in_use == needed == in_memory


def _one_order(step: Step) -> bool:
    devices = [order.device for order in step.after.live.values()]
    return len(devices) == len(set(devices))


def _in_its_layout(step: Step) -> bool:
    return all(order.slot in step.after.book.layout[order.device] for order in step.after.live.values())


def _idle(step: Step) -> bool:
    """A restart, and an order that is known or has just ended, change nothing."""
    known = step.event.kind == "arrives" and step.event.order in step.before.live
    idle = not (known or step.event.kind == "restarts") or step.after.key == step.before.key
    return idle and not step.after.echoed


def _free_is_given(step: Step) -> bool:
    """An order that finds an empty slot and no other order for its device is taken."""
    before, number = step.before, step.event.order
    if step.event.kind != "arrives" or number in before.live:
        return True
    order = before.home.orders[number].order
    stands = any(other.device == order.device for other in before.live.values())
    empty = any(before.book.slots[name].empty for name in before.book.layout[order.device])
    return stands or not empty or number in step.after.live


def _waits_rightly(step: Step) -> bool:
    """A device waits for a meter that is fetching, and for nothing else."""
    if step.event.kind != "asks":
        return True
    devices, live = step.before.home.config.devices, step.before.live
    kinds = {number: devices[step.before.home.orders[number].plan.device] for number in live}
    meters = any(kinds[number] in _METERS and live[number].served for number in step.before.attentive)
    return step.after.waited == (meters and kinds[step.event.order] not in _METERS)


def _remembers(step: Step) -> bool:
    """What the hub thinks is what its memory says, so a power cut between two turns loses nothing."""
    kept = {fact for fact in step.after.key if str(fact[0]).startswith("order/")}
    slots = {order.number: order.slot for order in step.after.needing}
    live = step.after.live.items()
    return kept == {(f"order/{number:016x}", order.state, slots.get(number, "")) for number, order in live}


def _forgets(step: Step) -> bool:
    """A hub without a live order remembers nothing of any."""
    return bool(step.after.live) or not step.after.memory


LAWS: Final[tuple[tuple[str, Callable[[Step], bool]], ...]] = (
    ("I1: an order ends by what happens to it, or by its owner's own replacement, and by nothing else", _ends_rightly),
    ("a slot has one image at a time", _one_image),
    ("every live order has its own image in its slot, and is served when it is whole", _slots_agree),
    ("a slot is in use exactly while a live order needs it", _no_leak),
    ("a device has one live order", _one_order),
    ("an order is in a slot that its device may have", _in_its_layout),
    ("a restart or a repeated order changes nothing", _idle),
    ("an empty slot is given to who asks for it", _free_is_given),
    ("a device waits for a meter that is fetching, and for nothing else", _waits_rightly),
    ("every end is told", _ends_told),
    ("a hub without a live order remembers nothing", _forgets),
    ("the memory says what the hub thinks", _remembers),
)


def broken(step: Step) -> str | None:
    """Name the first law that a step breaks, None if it keeps all."""
    return next((law for law, holds in LAWS if not holds(step)), None)
