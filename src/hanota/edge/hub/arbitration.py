"""Who goes first at a hub, and who may take whose place: the rules as tables and pure functions (R12, R13)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from hanota.base.instant import MINUTE, SECOND, Instant
from hanota.edge.hub.orders import Order
from hanota.edge.hub.slots import Slot
from hanota.model.inventory import METERS
from hanota.model.policies import Policies
from hanota.wire.wan import Distribute

ATTENTIVE_MS: Final = 10 * MINUTE  # a meter that is silent for longer, off or asleep, holds nobody up
ASIDE_MS: Final = 60 * SECOND  # how long who steps aside waits before it asks again

# Policy `hub.force_replace: own`: an order takes the place of another if every row holds (R12).
REPLACE_RULES: Final[tuple[tuple[str, Callable[[Distribute, Order], bool]], ...]] = (
    ("the image is a meter's", lambda new, _: new.device_type in METERS),
    ("its ForceReplace octet says so", lambda new, _: new.force_replace != 0),
    ("both are for one type of device", lambda new, old: new.device_type == old.distribute.device_type),
    ("both are one Supplier's", lambda new, old: new.request.originator == old.distribute.request.originator),
    ("the other was ordered before", lambda new, old: old.number < new.order),
    ("no device has the other yet", lambda _, old: old.needs_slot),
)


def may_replace(policies: Policies, new: Distribute, old: Order) -> bool:
    """Whether a new order may take the place of one that stands; under `off` none ever may."""
    return policies.hub.force_replace == "own" and all(holds(new, old) for _, holds in REPLACE_RULES)


def of_meter(order: Order) -> bool:
    """Whether an order is for a meter."""
    return order.distribute.device_type in METERS


def _within(since: Instant | None, now: Instant) -> bool:
    return since is not None and since <= now < since + ATTENTIVE_MS


def _meter_fetches(order: Order, others: Iterable[Order], now: Instant) -> bool:
    """Whether a meter of the home is fetching its image while the device of `order`, no meter, asks for blocks."""
    return not of_meter(order) and any(
        of_meter(other) and other.served and _within(other.asked_at, now) for other in others
    )


# Policy `hub.priority` (R12): whether the device of an order has to wait with its blocks.
PRIORITIES: Final[Mapping[str, Callable[[Order, Iterable[Order], Instant], bool]]] = {
    "none": lambda *_: False,
    "meters_first": _meter_fetches,
}


def steps_aside(order: Order, live: Iterable[Order], now: Instant, policies: Policies) -> bool:
    """Whether the device of `order` has to wait while others of the orders `live` are served."""
    return PRIORITIES[policies.hub.priority](order, live, now)


def never_steps_aside(order: Order, policies: Policies) -> bool:
    """Whether the device of `order` never waits for another one, whatever that one does."""
    return policies.hub.priority == "none" or of_meter(order)


def fetch_waits(slot: Slot, slots: Iterable[Slot], live: Iterable[Order], now: Instant, policies: Policies) -> bool:
    """Whether a slot leaves the wide-area network to a meter's image; not to one that brings nothing for long."""
    if policies.hub.priority != "meters_first":
        return False
    meters = {order.slot for order in live if of_meter(order) and order.needs_slot}
    return slot.name not in meters and any(
        other.name in meters and other.receiving and _within(other.gained_at, now) for other in slots
    )
