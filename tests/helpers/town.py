"""A town for tests of real processes: homes that an agent runs at flow level, and some that one runs frame by frame.

Keys and certificates of homes come from their numbers (`bench.identities`), so an agent that was killed is back soon.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

from hanota.app.bench import town as bench
from hanota.app.bench.identities import Identities
from hanota.app.clock import wall_clock
from hanota.app.pki import add_missing
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.estate import EstateDescription
from hanota.edge.estate.writing import write_description
from hanota.records.registry.register import PartyRow, register_parties
from hanota.records.store import Store
from hanota.wire.smki import Credential, write_directory
from helpers import flow_agent
from helpers.flow_agent import REGIONS

IMAGE_OCTETS: Final = 400


@dataclass(frozen=True)
class TownOnDisk:
    """The first `flow` homes are run at flow level, the others frame by frame from the estate; `pki` has the keys."""

    town: bench.Town
    identities: Identities
    flow: int
    folder: Path

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def estate(self) -> Path:
        return self.folder / "estate.toml"

    def enter(self, store: Store, endpoint: str) -> None:
        """Enter all of it into an empty store; alerts go to `endpoint`."""
        description = self.town.description
        bench.enter(store, self.town.homes, description, self.identities)
        bench.introduce(store, self.town)
        rows = [PartyRow(eui=p.eui, name=p.name, roles=p.roles, endpoint=endpoint) for p in description.parties]
        with store.writing() as connection:
            register_parties(connection, rows)

    def devices(self) -> int:
        return self.town.homes


def make_town(folder: Path, *, flow: int, framed: int) -> TownOnDisk:
    """Make a town with so many homes at flow level, and so many frame by frame."""
    now = wall_clock()
    town = bench.plan_town(flow + framed, image_octets=IMAGE_OCTETS, now=now)
    assert (flow_agent.FIRST_HUB, flow_agent.FIRST_DEVICE) == (bench.FIRST_HUB, bench.FIRST_DEVICE)
    assert town.columns()["version"].unique().to_list() == [flow_agent.VERSION]
    identities = Identities(town.keys, now)
    base = town.description
    described = replace(base, premises=tuple(_home(base, number) for number in range(flow, flow + framed)), products=())
    known = [credential for home in described.premises for credential in _credentials(identities, home.nodes())]
    keys = add_missing(
        town.keys.including(known), suppliers=(), devices=described.nodes(), rng=Random(flow), now=Instant(now)
    )
    made = TownOnDisk(town, identities, flow, folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_directory(made.pki, keys)
    made.estate.write_text(write_description(described), encoding="utf-8")
    return made


def _credentials(identities: Identities, nodes: tuple[Eui64, ...]) -> list[Credential]:
    """What the registry of the town has of a home: its hub signs, its display also agrees on keys."""
    hub, _, display = nodes
    signs, agrees = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
    return [identities.credential(*of) for of in ((hub, signs), (display, signs), (display, agrees))]


def _home(base: EstateDescription, number: int):
    """A home of which the town knows hub and display alone."""
    like = base.premises[0]
    display = next(device for device in like.devices if device.device_type is DeviceType.PPMID)
    hub = replace(like.hub, chf=Eui64(bench.FIRST_HUB + number), gpf=Eui64(bench.FIRST_HUB + (1 << 32) + number))
    return replace(
        like,
        name=f"Home {number}",
        uprn=like.uprn + number,
        region=REGIONS[number % len(REGIONS)],
        hub=hub,
        meter_points=(),
        devices=(replace(display, eui=Eui64(bench.FIRST_DEVICE + number)),),
    )
