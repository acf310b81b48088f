"""A registry of up to millions of homes, made once for a schema and then copied, so that a measurement starts at once.

A home has a hub and a PPMID. What no statement of a rollout reads is left out: meters and their supply, of which
`eligibility`, that is there, is the projection.
"""

import hashlib
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Final

import polars as pl

from hanota.app.bench.identities import Identities
from hanota.app.pki import Party, make_pki
from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import FOREVER, Instant
from hanota.base.vocabulary.devices import CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription, builtin_description
from hanota.edge.estate.description import DeviceDescription
from hanota.records.registry.certificates import register_certificates
from hanota.records.registry.many import enter_town
from hanota.records.registry.register import PartyRow, ProductRow, register_parties, register_products
from hanota.records.store import Store, open_store
from hanota.records.store.census import census
from hanota.wire import duis
from hanota.wire.otaimage import GbImage, write_image
from hanota.wire.otaimage.build import ImageDescription, PayloadDescription, build_image
from hanota.wire.smki import Credential, KeyDirectory

CACHE: Final = "HANOTA_BENCH_CACHE"
"""Environment variable: the folder where registries wait for the next measurement."""

NEW_VERSION: Final = 0x0002_012F
FIRST_HUB: Final = 0x00DB_5000_0000_0000
FIRST_DEVICE: Final = 0x00DB_4000_0000_0000
_LAYOUT: Final = 2  # of the rows below; a change makes old files worthless
_HOMES_AT_ONCE: Final = 100_000
_SEED: Final = 5


class DatabaseInUse(HanotaError):
    """The database of a measurement holds something."""

    code, fault = "HOTA-BENCH-011", Fault.OPERATOR
    what = "the database has devices in it: a measurement would come among them"
    remedy = "give it an empty one: createdb"


@dataclass(frozen=True, slots=True)
class Town:
    """The parties of a town, their keys, and the image that its devices are to get."""

    homes: int
    description: EstateDescription
    keys: KeyDirectory
    image: GbImage
    file: bytes

    @property
    def sender(self) -> Eui64:
        """The Supplier that may update every device."""
        return self.description.parties[0].eui

    @property
    def signer(self) -> Credential:
        """What that Supplier signs requests with."""
        return self._signer(self.sender)

    def _signer(self, supplier: Eui64) -> Credential:
        return self.keys.credential(supplier, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)

    def sign(self, octets: bytes) -> bytes:
        """Sign an answer as the DCC does."""
        role = CertificateRole.DSP_XML_SIGN
        return duis.sign(octets, self.keys.credential(self.description.dcc, KeyUsage.DIGITAL_SIGNATURE, role))

    def request(
        self, number: int, first: int, count: int, *, schema_version: str = "5.4", supplier: Eui64 | None = None
    ) -> bytes:
        """Give a signed 11.4 of a Supplier, else of the town's, for `count` devices from home `first` on."""
        sender = supplier or self.sender
        header = duis.RequestHeader(
            request_id=RequestId(sender, self.description.dcc, number),
            command_variant=8,
            service_reference="11.4",
            service_reference_variant="11.4",
            schema_version=schema_version,
        )
        devices = duis.join_devices(Eui64(FIRST_DEVICE + home) for home in range(first, first + count))
        version = self.image.header.version_text
        asked = duis.FirmwareRequest(header=header, image=self.file, firmware_version=version, device_list=devices)
        return duis.sign(duis.write_request(asked), self._signer(sender))

    def columns(self) -> pl.DataFrame:
        """Give the homes as an estate takes them: hub, device, device_type, version."""
        return _homes(0, self.homes).select(
            "hub",
            "device",
            device_type=pl.lit(DeviceType.PPMID.value),
            version=pl.lit(_display(self.description).firmware_version, pl.Int64),
        )


def plan_town(homes: int, *, image_octets: int, now: Instant, suppliers: int = 1) -> Town:
    """Draw a town: the same one each time, so that what is kept of it can be used again. So many have keys."""
    description = builtin_description()
    senders = [Party(party.eui, party.name) for party in description.parties[:suppliers]]
    rng = random.Random(_SEED)  # noqa: S311 - keys of a measurement, that open nothing
    keys = make_pki(dcc=description.dcc, suppliers=senders, rng=rng, now=now)
    image = display_image(description, image_octets)
    return Town(homes, description, keys, image, write_image(image))


def settle_town(town: Town, where: Path | str, identities: Identities | None = None) -> Store:
    """Open a store in a new file, or in an empty database by its URL, with the registry of a town.

    With `identities` hubs and devices have certificates. Files are copied from those made before. Raises DatabaseInUse.
    """
    if isinstance(where, str):
        store = open_store(where)
        with store.reading() as connection:
            require(not census(connection)["device"], DatabaseInUse)
        enter(store, town.homes, town.description, identities)
        introduce(store, town)
        return store
    certified = "" if identities is None else "-certified"
    kept = cache_folder() / f"{_schema_digest()}-{town.homes}{certified}.sqlite"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}")
        store = open_store(part)
        enter(store, town.homes, town.description, identities)
        store.close()
        part.replace(kept)
    shutil.copyfile(kept, where)
    store = open_store(where)
    introduce(store, town)
    return store


def enter(store: Store, homes: int, description: EstateDescription, identities: Identities | None = None) -> None:
    """Enter the homes of a town into an empty registry."""
    with store.writing() as connection:
        for first in range(0, homes, _HOMES_AT_ONCE):
            chunk = _homes(first, min(_HOMES_AT_ONCE, homes - first))
            devices = pl.concat(list(_devices(chunk, description)))
            party = pl.lit(description.parties[0].eui.signed)
            mine = {"party": party, "since": pl.lit(0), "until": pl.lit(int(FOREVER))}
            enter_town(
                connection,
                premises=_premises(chunk),
                devices=devices,
                eligibility=chunk.select("device", **mine),
                certificates=None if identities is None else identities.rows(chunk.select("hub", "device").iter_rows()),
            )


def introduce(store: Store, town: Town) -> None:
    """Enter the parties of a town with their certificates, and its image in the Certified Product List."""
    display, header = _display(town.description), town.image.header
    product = ProductRow(
        manufacturer=display.manufacturer,
        image_type=display.image_type,
        hardware=display.hardware_version,
        version=header.file_version,
        manufacturer_hash=town.image.manufacturer_hash,
        status=CplStatus.ACTIVE,
    )
    with store.writing() as connection:
        register_parties(
            connection,
            [PartyRow(eui=party.eui, name=party.name, roles=party.roles) for party in town.description.parties],
        )
        register_products(connection, [product])
        register_certificates(connection, town.keys.certificates())


def _homes(first: int, count: int) -> pl.DataFrame:
    home = pl.int_range(first, first + count, eager=True).alias("home")
    return home.to_frame().with_columns(hub=home + FIRST_HUB, device=home + FIRST_DEVICE)


def _premises(homes: pl.DataFrame) -> pl.DataFrame:
    regions = pl.Series([region.value for region in (CspRegion.NORTH, CspRegion.CENTRAL, CspRegion.SOUTH)])
    return homes.select(
        "hub",
        id=pl.col("home") + 1,
        name=pl.format("Home {}", "home"),
        address=pl.format("{} Long Lane", "home"),
        region=regions.gather(homes["home"] % len(regions)),
    )


def _devices(homes: pl.DataFrame, description: EstateDescription) -> Iterator[pl.DataFrame]:
    hub = description.premises[0].hub
    home = {"premises": pl.col("home") + 1, "hub": pl.col("hub")}
    same = {"status": DeviceStatus.COMMISSIONED.value, "version_origin": "declared"}
    display = _display(description)
    for eui, like, device_type in (("hub", hub, DeviceType.CHF), ("device", display, DeviceType.PPMID)):
        model = {
            "device_type": device_type.value,
            "manufacturer": like.manufacturer,
            "image_type": like.image_type,
            "hardware": like.hardware_version,
            "gbcs_version": like.gbcs_version,
            "capacity_octets": like.capacity_octets if isinstance(like, DeviceDescription) else 0,
            "version": like.firmware_version,
        }
        yield homes.select(eui=eui, **home, **{name: pl.lit(value) for name, value in (same | model).items()})


def _display(description: EstateDescription) -> DeviceDescription:
    devices = description.premises[0].devices
    display = next(device for device in devices if device.device_type is DeviceType.PPMID)
    return replace(display, capacity_octets=max(display.capacity_octets, 1 << 20))


def display_image(description: EstateDescription, octets: int) -> GbImage:
    """Give an image with so many octets of payload for the PPMIDs of an estate."""
    display = _display(description)
    return build_image(
        ImageDescription(
            manufacturer=display.manufacturer,
            image_type=display.image_type,
            file_version=NEW_VERSION,
            label="hanota measurement",
            hardware_min=display.hardware_version,
            hardware_max=display.hardware_version,
            payload=PayloadDescription(octets=octets, seed=1),
        )
    )


def cache_folder() -> Path:
    """Where measurements keep what they need again: that of the user, or what the environment names."""
    given = os.environ.get(CACHE)
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "hanota", "bench")


def _schema_digest() -> str:
    """Tell schemas apart: by what their migrations say."""
    versions = resources.files("hanota.records.store") / "migrations" / "versions"
    found = sorted((item.name, item.read_bytes()) for item in versions.iterdir() if item.name.endswith(".py"))
    return hashlib.sha256(repr((_LAYOUT, found)).encode()).hexdigest()[:16]
