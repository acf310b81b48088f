"""The invariants I1 to I10 (design 6), judged from outside: on durable memory, on the store, on what parties got.

Checks of a node look at what it has just written; checks of the town look at everything. None of them asks the code
under test whether it did right: what is allowed is worked out from the plan and from what was done to the town.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.devices.banks import Banks
from hanota.edge.estate.factory import factory_image
from hanota.edge.memory import below, unpack
from hanota.model.profiles import PROFILES
from hanota.sim.images import plain_image
from hanota.sim.town import Town
from hanota.wire.otaimage import ImageMalformed, Tail, read_image, signature_holds, write_image
from hanota.wire.wan import Distribute, FrameMalformed, SignedOrder, open_order, read_frame

_IN_PROGRESS: Final = frozenset({"ACCEPTED", "HELD", "TRANSFERRING", "BETWEEN_PARTS"})
_METERS: Final = frozenset({DeviceType.ESME, DeviceType.GSME})


class InvariantBroken(AssertionError):
    """Something that must never be, was. `rule` names it, `story` says what was seen."""

    def __init__(self, rule: str, story: str) -> None:
        super().__init__(f"{rule}: {story}")
        self.rule = rule
        self.story = story


def require_that(holds: object, rule: str, story: str) -> None:
    """Raise InvariantBroken unless it holds."""
    if not holds:
        raise InvariantBroken(rule, story)


@dataclass(frozen=True, slots=True)
class HubOrder:
    """An order as a hub's memory shows it."""

    number: int
    state: str
    slot: str
    since: Instant
    distribute: Distribute

    @property
    def images(self) -> frozenset[bytes]:
        """SHA-256 of the file, or of each segment's."""
        parts = self.distribute.parts
        return frozenset([parts[at : at + 32] for at in range(0, len(parts), 36)] or [self.distribute.image_hash])


@dataclass(slots=True)
class Watch:
    """What was seen of the nodes so far, so that one write can be held against the one before."""

    town: Town
    orders: dict[Eui64, dict[int, HubOrder]] = field(default_factory=dict)
    checked: int = 0

    def look(self) -> None:
        """Judge every node that has written something. Raises InvariantBroken."""
        hubs = {home.hub.chf for home in self.town.world.description.premises}
        devices = {device.eui: device for home in self.town.world.description.premises for device in home.devices}
        for node, keys in self.town.memory.look().items():
            if node in hubs and any(key.startswith(("order/", "slot/")) for key in keys):
                self._hub(node)
            elif node in devices and any(key in ("boot", "trial") or key.startswith("bank/") for key in keys):
                self.device(node)
            self.checked += 1

    def device(self, node: Eui64) -> None:
        """A device boots, and only what it may run (I2, I10)."""
        described = next(d for home in self.town.world.description.premises for d in home.devices if d.eui == node)
        memory = self.town.memory.memory_of(node)
        factory = write_image(factory_image(described))
        banks = Banks(factory, memory)
        try:
            version = banks.version
        except ImageMalformed as error:
            raise InvariantBroken("I10", f"{node} has no bootable bank: {error}") from None
        self.town.record.ran.setdefault(node, set()).add(version)
        if banks.running == factory:
            return
        local = banks.running in self.town.record.local.get(node, ())
        signed = PROFILES[described.device_type].supplier_signed
        image = read_image(banks.running, Tail.SIGNED if signed else Tail.NONE)
        certified = [
            made
            for made in self.town.plan.firmware
            if (made.certified or local)
            and made.device_type is described.device_type
            and made.hardware_min <= described.hardware_version <= made.hardware_max
            and plain_image(made).manufacturer_image == image.manufacturer_image
            and made.version == image.header.file_version
        ]
        require_that(certified, "I2", f"{node} boots an image of version {version:08X} that nobody certified for it")
        if signed:
            keys = [
                self.town.supplier_key(party).certificate.public_key
                for party in sorted(self.town.record.suppliers_ever(node))
            ]
            holds = any(signature_holds(image, key) for key in keys)
            require_that(holds, "I2", f"{node} boots version {version:08X}, which none of its Suppliers signed")

    def _hub(self, node: Eui64) -> None:
        """No image in progress is displaced, and a slot holds one image only (I1)."""
        before, now = self.orders.get(node, {}), hub_orders(self.town, node)
        slots: dict[str, HubOrder] = {}
        for order in now.values():
            if order.state in _IN_PROGRESS:
                other = slots.setdefault(order.slot, order)
                same = other.images == order.images
                require_that(
                    same, "I1", f"slot {order.slot} of {node} stands for orders {other.number} and {order.number}"
                )
        for order in before.values():
            after = now.get(order.number)
            if order.state in _IN_PROGRESS and (after is None or after.state == "DISCARDED"):
                self._displaced(node, order, now)
        self.orders[node] = now

    def _displaced(self, node: Eui64, order: HubOrder, now: dict[int, HubOrder]) -> None:
        policies, clock = self.town.plan.policies, self.town.hub_clock(node)
        asked = order.distribute
        late = Instant(order.since + policies.hub.retention_days * DAY)
        if asked.expires <= clock or (order.state == "HELD" and late <= clock):
            return
        for other in now.values():
            own = other.distribute
            if (
                policies.hub.force_replace == "own"
                and (other.slot == order.slot or own.device == asked.device)
                and own.force_replace
                and own.request.originator == asked.request.originator
                and own.device_type == asked.device_type
                and asked.device_type in _METERS
            ):
                return
        raise InvariantBroken("I1", f"order {order.number} at {node}, {order.state}, was displaced")


def hub_orders(town: Town, node: Eui64) -> dict[int, HubOrder]:
    """Read a hub's orders from its memory."""
    found = {}
    for _, record in below(town.memory.memory_of(node), "order/"):
        kept = unpack(record)
        try:
            signed = read_frame(bytes.fromhex(kept["frame"]))
            assert isinstance(signed, SignedOrder)
            distribute = open_order(signed, town.dcc_key)
        except FrameMalformed as error:
            raise InvariantBroken("I1", f"{node} keeps an order that the DCC did not sign: {error}") from None
        assert isinstance(distribute, Distribute)
        order = HubOrder(distribute.order, kept["state"], kept["slot"], Instant(kept["since"]), distribute)
        found[order.number] = order
    return found


def slots_in_use(town: Town, node: Eui64) -> list[str]:
    """Give the slots of a hub that are not empty."""
    memory = town.memory.memory_of(node)
    return [name for name, state in below(memory, "slot/") if "/" not in name and state != b"EMPTY"]


Check = Callable[[Town], Iterator[str]]
"""Looks at the whole town; gives a sentence for everything that is wrong."""
