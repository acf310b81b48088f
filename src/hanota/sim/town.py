"""A town at work: the live head end, network and homes, its Suppliers and consumers, under a clock that jumps.

Nothing here is a model of hanota: `World` is what `hanota up` runs. Only clock, chance, store, estate file and the
party's end of the callbacks are the simulation's.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from random import Random
from typing import Final

from hanota.app.world import World, WorldSettings
from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, SECOND, Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import PowerCut
from hanota.edge.han.link import HanModel
from hanota.process.acceptance import Answer
from hanota.sim.plan import START, Deed, Plan
from hanota.sim.record import Record
from hanota.sim.stores import MortalStore, ServiceKilled, WatchedFile, fresh_store
from hanota.sim.suppliers import Suppliers
from hanota.wan.inprocess import NetworkModel
from hanota.wire.smki import Credential
from hanota.wire.zcl import Answer as Button

SLICE_MS: Final = 2 * SECOND
"""How far the homes go on before somebody looks: frames of a home are still taken in their order."""

_ACB: Final = CertificateRole.ACCESS_CONTROL_BROKER
SETTLE_LOOK_MS: Final = 10 * MINUTE


class Town:
    """One plan at work. `now` only goes forward."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.now = START
        self.rng = Random(f"hanota chance {plan.seed}")  # noqa: S311 - a simulation, not a secret
        self.store: MortalStore = fresh_store()
        self.memory = WatchedFile()
        self.faults: Counter[str] = Counter()
        self.noise: dict[int, Deed] = {}
        self.ends: list[tuple[Instant, Deed]] = []
        self.done: list[Deed] = []
        self.cuts: list[tuple[str, PowerCut]] = []
        self.record = Record(plan)
        self.world = World(
            WorldSettings(
                description=plan.estate,
                policies=plan.policies,
                han=HanModel(),
                network=NetworkModel(),
            ),
            now=START,
            rng=self.rng,
            callback=_Forward(self),
            store=self.store,
            memory=self.memory,
        )
        self.suppliers = Suppliers(
            dcc=plan.estate.dcc,
            keys=self.world.keys,
            submit=self._submit,
            image_octets_max=plan.policies.image.max_octets,
            now=START,
        )
        self.world.wan.observe(self.record.on_wan)
        self.dcc_key = self.world.keys.certificate(plan.estate.dcc, KeyUsage.DIGITAL_SIGNATURE, _ACB).public_key
        self._look_at = START
        self._newcomers = list(plan.newcomers)
        self.on_deed: Callable[[Deed], None] = lambda _: None
        self.on_close: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Let go of the store."""
        self.on_close()
        self.world.close()

    def advance(self, until: Instant) -> None:
        """Let everything happen up to `until`, but at most until the next look at the head end; then move the clock."""
        due = self.world.homes_due()
        if due is not None and due <= self.now:  # more than one step could do
            self.world.step_homes(self.now)
            return
        looks = [when for when in (self.world.head_end_due(), self.suppliers.due) if when is not None]
        look = Instant(max(min(looks), self._look_at)) if looks else None
        target = until if look is None else min(until, look)
        if due is not None and due < target:
            target = min(target, Instant(max(due, self.now + SLICE_MS)))
        self.now = Instant(max(self.now, target))
        self.world.step_homes(self.now)
        if look is not None and look <= self.now:
            self.look()

    def look(self) -> None:
        """Let Suppliers send and the head end do what is due; its process may die over it."""
        self.suppliers.now = self.now
        self.suppliers.send_due()
        try:
            self.world.step_head_end(self.now)
        except ServiceKilled:
            self._bury()
        self._look_at = Instant(self.now + self.plan.look_every_ms)

    def _bury(self) -> None:
        self.faults["service_crash"] += 1
        self.world.restart_head_end(self.now)

    def _submit(self, octets: bytes, service: str) -> Answer | None:
        try:
            return self.world.submit(octets, service, self.now)
        except ServiceKilled:
            self._bury()
            return None

    def supplier_key(self, party: Eui64) -> Credential:
        """Give what a Supplier signs images with."""
        return self.world.keys.credential(party, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)

    def suppliers_all(self) -> list[Eui64]:
        """Give every Supplier there is."""
        return [party.eui for party in self.plan.estate.parties]

    def newcomer(self) -> Eui64:
        """Give an identifier that nobody has had."""
        return self._newcomers.pop(0)

    def newcomers_left(self) -> int:
        """How many more devices and hubs may come."""
        return len(self._newcomers)

    def enter_homes(self) -> None:
        """Take down how the homes are described now."""
        for home in self.world.description.premises:
            self.record.enter(home)

    def hub_clock(self, hub: Eui64) -> Instant:
        """What a hub's own clock shows."""
        return self.world.estate.clock_of(hub, self.now)

    def in_segments(self, request_id: str) -> bool:
        """Whether a request was one of several for one image."""
        sent = [letter for letter in self.suppliers.letters if letter.asked is not None]
        asked = next((each.asked for each in sent if str(each.prepared.request_id) == request_id), None)
        return sum(1 for each in sent if each.asked is asked) > 1

    def counted_faults(self) -> Counter[str]:
        """Give how many faults of each kind struck: deeds that were done, frames that air and network spoilt."""
        down, up = self.world.wan.down, self.world.wan.up
        air = [self.world.estate.occupancy(home.name) for home in self.world.description.premises]
        frames = {
            "wan_loss": down.lost + up.lost,
            "wan_duplication": down.repeated + up.repeated,
            "wan_reordering": down.overtaken + up.overtaken,
            "wan_corruption": down.altered + up.altered,
            "han_loss": sum(home.lost for home in air),
            "han_duplication": sum(home.repeated for home in air),
            "han_reordering": sum(home.overtaken for home in air),
            "han_corruption": sum(home.altered for home in air),
        }
        struck = Counter(kind for kind, cut in self.cuts if cut.struck)
        return +(self.faults + struck + Counter(frames))

    def visit(self, home: str, device: Eui64 | None, image: bytes | None) -> bool:
        """Let a hand-held terminal come into a home: to offer a device an image, or only to ask the hub."""
        self.world.estate.visit(home, self.now, image=image or b"", device=device)
        return True

    def questions(self) -> list[tuple[Eui64, tuple[Button, ...]]]:
        """Give the devices whose screens ask something, and the buttons that they show."""
        asking = []
        for home in self.world.description.premises:
            for device in home.devices:
                showing = self.world.estate.showing(device.eui)
                if showing is not None and showing.question is not None and showing.question.state == "SHOWN":
                    asking.append((device.eui, showing.question.buttons))
        return asking

    def press(self, device: Eui64, button: Button) -> None:
        """Let a consumer press a button. What ran already, by an earlier yes, no later answer can keep from running."""
        showing = self.world.estate.showing(device)
        offered = None if showing is None else showing.offered
        if offered is not None and offered not in self.record.ran.get(device, ()):
            self.record.said[device, offered] = button
        self.world.estate.press(device, button, self.now)

    def home_of(self, node: Eui64) -> str | None:
        """Give the name of the home that a node stands in now."""
        for home in self.world.description.premises:
            if node == home.hub.chf or any(device.eui == node for device in home.devices):
                return home.name
        return None


class _Forward:
    """The callback port of a town that is not whole yet when its head end is made."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def post(self, endpoint: str, octets: bytes) -> Future[None]:
        """Hand a message to its party."""
        return self._town.suppliers.post(endpoint, octets)
