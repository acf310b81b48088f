"""A plan out of a seed: town, settings, who asks for what, and which faults happen when.

Each seed switches some kinds of faults off altogether: a fault that always comes with all the others hides what it
does alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, MINUTE, SECOND
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.estate import EstateDescription
from hanota.model.profiles import PROFILES
from hanota.sim.plan import Deed, Firmware, Plan
from hanota.sim.settings import draw_policies
from hanota.sim.suburb import Suburb, draw_suburb

ASKS_WITHIN_MS: Final = 20 * HOUR
HEAL_MS: Final = 2 * DAY
_KIND_ON: Final = 0.55


def draw_plan(seed: int) -> Plan:
    """Draw everything that a seed stands for; the same seed always gives the same plan."""
    rng = Random(f"hanota town {seed}")  # noqa: S311 - a simulation, not a secret
    policies = draw_policies(rng)
    suburb = draw_suburb(rng, policies)
    asks = sorted(_asks(rng, suburb), key=lambda deed: deed.at_ms)
    scene = _Scene(rng=rng, suburb=suburb, asks=asks)
    faults = [deed for kind, draw in FAULTS.items() if rng.random() < _KIND_ON for deed in draw(scene, kind)]
    deeds = sorted([*asks, *faults], key=lambda deed: deed.at_ms)
    return Plan(
        seed=seed,
        estate=suburb.estate,
        firmware=suburb.firmware,
        policies=policies,
        look_every_ms=rng.choice((2, 5, 15, 40)) * SECOND,
        deeds=tuple(deeds),
        heal_ms=HEAL_MS,
        newcomers=suburb.newcomers,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What a fault may be aimed at."""

    rng: Random
    suburb: Suburb
    asks: list[Deed]

    @property
    def estate(self) -> EstateDescription:
        return self.suburb.estate

    def moment(self) -> int:
        """Give an instant soon after somebody asked for an update: there is most to be disturbed."""
        asked = self.rng.choice(self.asks).at_ms if self.asks else self.rng.randrange(ASKS_WITHIN_MS)
        soon = self.rng.choice((20 * SECOND, 2 * MINUTE, 10 * MINUTE, 2 * HOUR, 16 * HOUR))
        return min(asked + self.rng.randrange(soon), HEAL_MS - 1)

    def times(self, most: int) -> range:
        return range(self.rng.randint(1, most))

    def device(self) -> Eui64:
        return self.rng.choice([device.eui for home in self.estate.premises for device in home.devices])

    def hub(self) -> Eui64:
        return self.rng.choice(self.estate.premises).hub.chf

    def home(self) -> str:
        return self.rng.choice(self.estate.premises).name


def _asks(rng: Random, suburb: Suburb) -> Iterator[Deed]:
    """Suppliers ask for updates: mostly as they may, sometimes not, sometimes two for one device, sometimes twice.

    Most asks of a seed come close to each other, so that images meet in the hubs.
    """
    busy = rng.randrange(ASKS_WITHIN_MS)
    for _ in range(rng.randint(2, 6)):
        firmware = rng.choice(suburb.firmware)
        devices = [d.eui for home in suburb.estate.premises for d in home.devices if _fits(firmware, d.device_type)]
        if rng.random() < 0.08:  # a device that it is not for
            devices += [rng.choice([d.eui for home in suburb.estate.premises for d in home.devices])]
        if not devices:
            continue
        party = rng.choice(suburb.suppliers_of(devices[0]) or suburb.parties)
        if rng.random() < 0.1:
            party = rng.choice(suburb.parties)
        at_ms = min(busy + rng.randrange(rng.choice((MINUTE, 10 * MINUTE, 2 * HOUR, 20 * HOUR))), ASKS_WITHIN_MS)
        chosen = tuple(dict.fromkeys(rng.sample(devices, rng.randint(1, len(devices)))))
        ask = Deed(
            at_ms=at_ms,
            kind="ask",
            party=party,
            name=firmware.name,
            nodes=chosen,
            amount=rng.choice((0, 0, 1)),  # the ForceReplace octet of a signed image
            for_ms=_activation_delay(rng),
        )
        yield ask
        if rng.random() < 0.25:  # whoever had no success may try once more
            yield replace(ask, at_ms=min(at_ms + rng.randrange(20 * HOUR), HEAL_MS - HOUR))
        if rng.random() < 0.3:
            yield from _competing(rng, suburb, ask)
        if rng.random() < 0.1:
            yield Deed(at_ms=at_ms + rng.randrange(HOUR), kind="ask_again", party=party, name=firmware.name)


def _competing(rng: Random, suburb: Suburb, ask: Deed) -> Iterator[Deed]:
    """Somebody else, or the same one, wants another image, or this one, on the same device."""
    node = rng.choice(ask.nodes)
    kind = suburb.type_of(node)
    others = [firmware.name for firmware in suburb.firmware if _fits(firmware, kind)]
    if others:
        yield Deed(
            at_ms=ask.at_ms + rng.choice((0, rng.randrange(MINUTE), rng.randrange(HOUR))),
            kind="competing_request",
            party=rng.choice(suburb.suppliers_of(node) or suburb.parties),
            name=rng.choice(others),
            nodes=(node,),
            amount=rng.choice((0, 1)),
            for_ms=_activation_delay(rng),
        )


def _activation_delay(rng: Random) -> int:
    """How long after the transfer a Supplier commands the activation; 0: never."""
    return rng.choice((0, rng.randrange(1, MINUTE), rng.randrange(1, HOUR), rng.randrange(1, 8 * HOUR)))


def _fits(firmware: Firmware, device_type: DeviceType) -> bool:
    return firmware.device_type is device_type


_Draw = Callable[[_Scene, str], Iterator[Deed]]


def _noise(most: int) -> _Draw:
    """Noise in the air of a home or on the wide-area network, for some time, in thousandths of all frames."""

    def draw(scene: _Scene, kind: str) -> Iterator[Deed]:
        for _ in scene.times(2):
            yield Deed(
                at_ms=scene.rng.choice((0, scene.moment())),
                kind=kind,
                name=scene.home(),
                amount=scene.rng.randint(5, most),
                for_ms=scene.rng.choice((10 * MINUTE, 2 * HOUR, HEAL_MS)),
            )

    return draw


def _at_hub(most: int, longest_ms: int, amounts: range = range(1)) -> _Draw:
    def draw(scene: _Scene, kind: str) -> Iterator[Deed]:
        for _ in scene.times(most):
            for_ms = scene.rng.choice((0, scene.rng.randrange(MINUTE), scene.rng.randrange(longest_ms)))
            amount = scene.rng.choice(amounts)
            yield Deed(at_ms=scene.moment(), kind=kind, node=scene.hub(), for_ms=for_ms, amount=amount)

    return draw


def _at_device(most: int, longest_ms: int, amounts: range = range(1)) -> _Draw:
    def draw(scene: _Scene, kind: str) -> Iterator[Deed]:
        for _ in scene.times(most):
            for_ms = scene.rng.randrange(longest_ms) if longest_ms else 0
            amount = scene.rng.choice(amounts)
            yield Deed(at_ms=scene.moment(), kind=kind, node=scene.device(), for_ms=for_ms, amount=amount)

    return draw


def _in_town(most: int, longest_ms: int, amounts: range = range(1)) -> _Draw:
    def draw(scene: _Scene, kind: str) -> Iterator[Deed]:
        for _ in scene.times(most):
            for_ms = scene.rng.randrange(1, longest_ms) if longest_ms else 0
            yield Deed(at_ms=scene.moment(), kind=kind, for_ms=for_ms, amount=scene.rng.choice(amounts))

    return draw


def _of_party(scene: _Scene, kind: str) -> Iterator[Deed]:
    for _ in scene.times(2):
        for_ms = scene.rng.randrange(MINUTE, 6 * HOUR)
        yield Deed(at_ms=scene.moment(), kind=kind, party=scene.rng.choice(scene.suburb.parties), for_ms=for_ms)


def _supplier(scene: _Scene, kind: str) -> Iterator[Deed]:
    points = [(point.mpxn, point.suppliers) for home in scene.estate.premises for point in home.meter_points]
    for mpxn, suppliers in scene.rng.sample(points, min(len(points), len(scene.times(2)))):
        others = [party for party in scene.suburb.parties if party != suppliers[-1].party]
        yield Deed(at_ms=scene.moment(), kind=kind, name=mpxn, party=scene.rng.choice(others))


def _of_home(scene: _Scene, kind: str) -> Iterator[Deed]:
    yield Deed(at_ms=scene.moment(), kind=kind, name=scene.home())


def _visit(scene: _Scene, kind: str) -> Iterator[Deed]:
    """A hand-held terminal in a home, with firmware for one of the devices there."""
    for _ in scene.times(2):
        node = scene.device()
        names = [f.name for f in scene.suburb.firmware if _fits(f, scene.suburb.type_of(node))]
        if names and PROFILES[scene.suburb.type_of(node)].ota:
            tampered = scene.rng.choice((0, 1))
            yield Deed(at_ms=scene.moment(), kind=kind, node=node, name=scene.rng.choice(names), amount=tampered)


FAULTS: Final[dict[str, _Draw]] = {
    "han_loss": _noise(300),
    "han_duplication": _noise(500),
    "han_reordering": _noise(900),
    "han_corruption": _noise(100),
    "wan_loss": _noise(300),
    "wan_duplication": _noise(500),
    "wan_reordering": _noise(900),
    "wan_corruption": _noise(100),
    "wan_replay": _in_town(3, 0, range(1, 40)),
    "wan_outage": _in_town(2, 8 * HOUR),
    "slow_wan": _in_town(2, 4 * HOUR, range(5_000, 120_000, 1000)),
    "hub_reboot": _at_hub(3, 4 * HOUR),
    "hub_power_cut": _at_hub(3, HOUR, range(40)),
    "device_power_cut": _at_device(4, HOUR, range(60)),
    "device_off": _at_device(2, 16 * HOUR),
    "service_crash": _in_town(4, 0, range(40)),
    "party_silent": _of_party,
    "clock_skew": _at_device(2, 12 * HOUR, range(-HOUR, HOUR, 7 * SECOND)),
    "hub_clock_skew": _at_hub(2, 12 * HOUR, range(-HOUR, HOUR, 7 * SECOND)),
    "change_of_supplier": _supplier,
    "change_of_tenancy": _of_home,
    "device_swap": _at_device(1, 0),
    "hub_swap": _of_home,
    "hht_attempt": _visit,
    "hht_success": _visit,
    "hostile_device": _at_device(2, 0, range(1, 1_000_000)),
}
"""Every kind of fault, and how it is aimed."""
