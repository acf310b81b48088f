"""An estate as its TOML file describes it: parties, premises with hubs, meter points and devices, certified products.

The file is the whole test world: the head end fills its registry from it, the estate builds its homes from it.
"""

import importlib.resources
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

from hanota.base.errors import BadValue, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant, parse_iso
from hanota.base.openenum import OpenStrEnum
from hanota.base.vocabulary.devices import CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.parties import UserRole
from hanota.edge.estate.tables import DescriptionWrong, Table
from hanota.model.profiles import PROFILES

_E = TypeVar("_E", bound=OpenStrEnum)

_METERS: Final = frozenset({DeviceType.ESME, DeviceType.GSME})

# What holds where the file does not say otherwise.
HUB_MANUFACTURER: Final = "121D"
HUB_MODEL: Final = "00A21111"
ESME_VARIANT: Final = "A"
COMMISSIONED_SINCE: Final = parse_iso("2024-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyDescription:
    """A DCC User. `callback` is the address that its responses and alerts are posted to, None for none."""

    name: str
    eui: Eui64
    roles: tuple[UserRole, ...]
    callback: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyDescription:
    """From when on which party supplies a meter point."""

    since: Instant
    party: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPointDescription:
    """A meter point: its MPxN, the meter on it, and its suppliers, earliest first."""

    mpxn: str
    device: Eui64
    suppliers: tuple[SupplyDescription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """A maker's model. Image type and hardware version are the two halves of DeviceModel."""

    manufacturer: int
    image_type: int
    hardware_version: int
    firmware_version: int

    @property
    def manufacturer_text(self) -> str:
        """DeviceManufacturer as DUIS writes it, 4 hex digits."""
        return f"{self.manufacturer:04X}"

    @property
    def model_text(self) -> str:
        """DeviceModel as DUIS writes it, 8 hex digits."""
        return f"{self.image_type:04X}{self.hardware_version:04X}"

    @property
    def version_text(self) -> str:
        """FirmwareVersion as DUIS writes it, 8 hex digits."""
        return f"{self.firmware_version:08X}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubDescription(ModelDescription):
    """A Communications Hub: its two functions, and the firmware that both run."""

    chf: Eui64
    gpf: Eui64
    gbcs_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDescription(ModelDescription):
    """A device.

    `maker`: whose signature the device wants inside an image; None where the model has no maker's key. The facts that
    only an inventory shows (DUIS 8.2) are None where there are none: `smets_version`, `esme_variant` (ESME alone),
    `commissioned` (None for one that is not) and `han_variant`.
    """

    eui: Eui64
    device_type: DeviceType
    status: DeviceStatus
    gbcs_version: str
    capacity_octets: int
    maker: Eui64 | None
    smets_version: str | None
    esme_variant: str | None
    commissioned: Instant | None
    han_variant: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PremisesDescription:
    """One home."""

    name: str
    address: str
    postcode: str
    uprn: int
    region: CspRegion
    hub: HubDescription
    meter_points: tuple[MeterPointDescription, ...]
    devices: tuple[DeviceDescription, ...]

    def nodes(self) -> tuple[Eui64, ...]:
        """Give the hub's two functions and every device, which all have device certificates."""
        return (self.hub.chf, self.hub.gpf, *(device.eui for device in self.devices))

    def supplier_of(self, device: DeviceDescription, now: Instant) -> Eui64 | None:
        """Give the Supplier responsible for `device` at `now`: a meter's own, for others that of the home's first ESME.

        None where no meter point says who it is.
        """
        if device.device_type in _METERS:
            meter = device.eui
        else:
            esmes = (other.eui for other in self.devices if other.device_type is DeviceType.ESME)
            meter = next(esmes, device.eui)
        supplies = [supply for point in self.meter_points if point.device == meter for supply in point.suppliers]
        begun = [supply for supply in supplies if supply.since <= now]
        return max(begun, key=lambda supply: supply.since).party if begun else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDescription(ModelDescription):
    """An entry of the Certified Product List. `manufacturer_hash` is the SHA-256 of the Manufacturer Image.

    `predecessors` are the versions from which one may come to this one; none given means any.
    """

    manufacturer_hash: bytes
    status: CplStatus
    predecessors: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateDescription:
    """A whole test world. `dcc` is the DCC as ACB and DSP."""

    dcc: Eui64
    parties: tuple[PartyDescription, ...]
    premises: tuple[PremisesDescription, ...]
    products: tuple[ProductDescription, ...]

    def nodes(self) -> tuple[Eui64, ...]:
        """Give every hub and device, which all have device certificates (GPFs too)."""
        return tuple(eui for home in self.premises for eui in home.nodes())


def builtin_description() -> EstateDescription:
    """Give the estate that comes with hanota: the identities of the industry's examples in three homes."""
    return parse_description(importlib.resources.files(__package__).joinpath("builtin.toml").read_text("utf-8"))


def read_description(path: Path) -> EstateDescription:
    """Read an estate from its file. Raises DescriptionWrong, OSError."""
    return parse_description(path.read_text("utf-8"))


def parse_description(text: str) -> EstateDescription:
    """Read an estate from TOML. Raises DescriptionWrong, which names table and key."""
    document = Table.parse(text)
    dcc = document.table("dcc")
    description = EstateDescription(
        dcc=dcc.eui("eui"),
        parties=tuple(_party(table) for table in document.tables("party")),
        premises=tuple(_premises(table) for table in document.tables("premises")),
        products=tuple(_product(table) for table in document.tables("product")),
    )
    dcc.end()
    document.end()
    _check_identities(description)
    return description


def _party(table: Table) -> PartyDescription:
    party = PartyDescription(
        name=table.text("name"),
        eui=table.eui("eui"),
        roles=tuple(_word(table, "roles", UserRole, role) for role in table.texts("roles")),
        callback=table.text("callback") if table.has("callback") else None,
    )
    table.end()
    return party


def _premises(table: Table) -> PremisesDescription:
    premises = PremisesDescription(
        name=table.text("name"),
        address=table.text("address"),
        postcode=table.text("postcode"),
        uprn=table.number("uprn"),
        region=_word(table, "region", CspRegion, table.text("region")),
        hub=_hub(table.table("hub")),
        meter_points=tuple(_meter_point(below) for below in table.tables("meter_point")),
        devices=tuple(_device(below) for below in table.tables("device")),
    )
    table.end()
    meters = {device.eui for device in premises.devices if device.device_type in _METERS}
    for place, point in enumerate(premises.meter_points, 1):
        if point.device not in meters:
            name = f"{table.name}.meter_point #{place}"
            raise DescriptionWrong(table=name, key="device", problem=f"{point.device} is no meter of this home")
    return premises


def _hub(table: Table) -> HubDescription:
    model = table.hex_number("model", 8, HUB_MODEL)
    hub = HubDescription(
        chf=table.eui("chf"),
        gpf=table.eui("gpf"),
        manufacturer=table.hex_number("manufacturer", 4, HUB_MANUFACTURER),
        image_type=model >> 16,
        hardware_version=model & 0xFFFF,
        firmware_version=table.hex_number("firmware_version", 8),
        gbcs_version=table.text("gbcs_version"),
    )
    table.end()
    return hub


def _meter_point(table: Table) -> MeterPointDescription:
    supplies = []
    for below in table.tables("supplier"):
        supplies.append(SupplyDescription(since=below.instant("since"), party=below.eui("party")))
        below.end()
    ordered = all(a.since < b.since for a, b in pairwise(supplies))
    if not supplies or not ordered:
        raise table.wrong("supplier", "expected one or more, the earliest first")
    point = MeterPointDescription(mpxn=table.text("mpxn"), device=table.eui("device"), suppliers=tuple(supplies))
    table.end()
    return point


def _device(table: Table) -> DeviceDescription:
    device_type = _word(table, "type", DeviceType, table.text("type"))
    model = table.hex_number("model", 8)
    status = _word(table, "status", DeviceStatus, table.text("status", DeviceStatus.COMMISSIONED.value))
    device = DeviceDescription(
        eui=table.eui("eui"),
        device_type=device_type,
        manufacturer=table.hex_number("manufacturer", 4),
        image_type=model >> 16,
        hardware_version=model & 0xFFFF,
        status=status,
        firmware_version=table.hex_number("firmware_version", 8),
        gbcs_version=table.text("gbcs_version"),
        capacity_octets=table.number("capacity_octets", PROFILES[device_type].capacity_octets),
        maker=table.eui("maker") if table.has("maker") else None,
        smets_version=table.text("smets_version") if table.has("smets_version") else None,
        esme_variant=_esme_variant(table, device_type),
        commissioned=_commissioned(table, status),
        han_variant=table.text("han_variant") if table.has("han_variant") else None,
    )
    table.end()
    return device


def _esme_variant(table: Table, device_type: DeviceType) -> str | None:
    if device_type is DeviceType.ESME:
        return table.text("esme_variant", ESME_VARIANT)
    if table.has("esme_variant"):
        raise table.wrong("esme_variant", f"only an ESME has one, this is a {device_type}")
    return None


def _commissioned(table: Table, status: DeviceStatus) -> Instant | None:
    if table.has("commissioned"):
        return table.instant("commissioned")
    return COMMISSIONED_SINCE if status is DeviceStatus.COMMISSIONED else None


def _product(table: Table) -> ProductDescription:
    model = table.hex_number("model", 8)
    product = ProductDescription(
        manufacturer=table.hex_number("manufacturer", 4),
        image_type=model >> 16,
        hardware_version=model & 0xFFFF,
        firmware_version=table.hex_number("firmware_version", 8),
        manufacturer_hash=table.hex_number("manufacturer_hash", 64).to_bytes(32, "big"),
        status=_word(table, "status", CplStatus, table.text("status", CplStatus.ACTIVE.value)),
        predecessors=tuple(_version(table, text) for text in table.texts("predecessors")),
    )
    table.end()
    return product


def _version(table: Table, text: str) -> int:
    def parse(written: str) -> int:
        digits = len(written) == 8 and all(sign in "0123456789ABCDEFabcdef" for sign in written)
        require(digits, BadValue, kind="version", value=written, expected="8 hex digits")
        return int(written, 16)

    return _parse(table, "predecessors", parse, text)


def _word(table: Table, key: str, words: type[_E], text: str) -> _E:
    word = words(text)
    if not word.known:
        raise table.wrong(key, f"{text!r} is not one of {', '.join(words)}")
    return word


def _parse(table: Table, key: str, parse: Callable[[str], int], text: str) -> int:
    try:
        return parse(text)
    except BadValue as error:
        raise table.wrong(key, error.explain()) from None


def _check_identities(description: EstateDescription) -> None:
    """Refuse an EUI-64 that stands for two things, and a supplier that is no party."""
    parties = {party.eui for party in description.parties}
    _refuse_twice("party", "eui", [description.dcc, *(party.eui for party in description.parties)])
    _refuse_twice("premises", "eui", description.nodes())
    _refuse_twice("premises", "name", [home.name for home in description.premises])
    for home in description.premises:
        for point in home.meter_points:
            for supply in point.suppliers:
                if supply.party not in parties:
                    problem = f"{supply.party} is no party of this estate"
                    raise DescriptionWrong(table=f"premises {home.name!r}", key="meter_point.supplier", problem=problem)


def _refuse_twice(table: str, key: str, values: Iterable[object]) -> None:
    seen: set[object] = set()
    for value in values:
        require(value not in seen, DescriptionWrong, table=table, key=key, problem=f"{value} stands there twice")
        seen.add(value)
