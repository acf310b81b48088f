"""Writing the registry: parties, certificates, homes, devices, supply and products. Every call may be repeated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Table, delete, insert, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import FOREVER, Instant
from hanota.base.vocabulary.devices import CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.parties import UserRole
from hanota.records.registry.responsibility import project_eligibility, wake_handovers
from hanota.records.store import schema as t
from hanota.records.store.turns import hold_open

_ALWAYS: Final = Instant(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyRow:
    """A DCC User."""

    eui: Eui64
    name: str
    roles: tuple[UserRole, ...]
    endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A device of the inventory; `version` is what was declared before commissioning (R5)."""

    eui: Eui64
    device_type: DeviceType
    status: DeviceStatus
    manufacturer: int
    image_type: int
    hardware: int
    gbcs_version: str
    capacity_octets: int
    version: int | None
    joined: bool = True
    smets_version: str | None = None
    esme_variant: str | None = None
    commissioned_at: Instant | None = None
    han_variant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyRow:
    """Who supplies a meter point from `since` until `until`."""

    mpxn: str
    meter: Eui64
    party: Eui64
    since: Instant = _ALWAYS
    until: Instant = FOREVER


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRow:
    """A home with its hub, devices and meter points."""

    name: str
    address: str
    region: CspRegion
    hub: Eui64
    postcode: str | None = None
    uprn: str | None = None
    devices: tuple[DeviceRow, ...]
    supplies: tuple[SupplyRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """An entry of the Certified Product List (CPL)."""

    manufacturer: int
    image_type: int
    hardware: int
    version: int
    manufacturer_hash: bytes
    status: CplStatus = CplStatus.ACTIVE
    predecessors: tuple[int, ...] = field(default=())


def register_parties(connection: Connection, parties: Iterable[PartyRow]) -> None:
    """Enter parties, or bring their name, roles and endpoint up to date."""
    for row in parties:
        values = {"name": row.name, "roles": ",".join(row.roles), "endpoint": row.endpoint}
        _put(connection, t.party, {"eui": row.eui.signed}, values)


def register_homes(connection: Connection, homes: Iterable[HomeRow]) -> None:
    """Enter homes. A device that stands keeps the version it reported: a declaration does not undo a report (R5)."""
    hold_open(connection)
    for home in homes:
        where = {
            "address": home.address,
            "region": home.region.value,
            "hub": home.hub.signed,
            "postcode": home.postcode,
            "uprn": home.uprn,
        }
        _put(connection, t.premises, {"name": home.name}, where)
        premises = connection.execute(select(t.premises.c.id).where(t.premises.c.name == home.name)).scalar_one()
        gone = _deleted(connection, home)
        install_devices(connection, [row for row in home.devices if row.eui not in gone], premises, home.hub)
        for supply in home.supplies:
            if supply.meter in gone:
                continue
            place = {"mpxn": supply.mpxn, "since": supply.since}
            values = {"meter": supply.meter.signed, "party": supply.party.signed, "until": supply.until}
            _put(connection, t.supply, place, values)
    project_eligibility(connection)
    wake_handovers(connection)


def install_devices(connection: Connection, rows: Iterable[DeviceRow], premises: int, hub: Eui64) -> None:
    """Enter devices of a home, or bring them up to date, but for versions that they reported."""
    for row in rows:
        _install(connection, row.eui)
        _put(connection, t.device, {"eui": row.eui.signed}, _place(row, premises, hub), _details(row))
        connection.execute(
            update(t.device)
            .where(
                t.device.c.eui == row.eui.signed,
                t.device.c.version_origin == "declared",
                t.device.c.edited_at.is_(None),
            )
            .values(version=row.version)
        )


def _deleted(connection: Connection, home: HomeRow) -> frozenset[Eui64]:
    """Give the devices of a home that a User took out: a description does not bring them back."""
    named = [row.eui.signed for row in home.devices]
    rows = connection.execute(select(t.deleted.c.device).where(t.deleted.c.device.in_(named))).scalars()
    return frozenset(map(Eui64.from_signed, rows))


def _install(connection: Connection, eui: Eui64) -> None:
    """Forget what a User said of a device before it was in any premises, and what one reported that comes back: from
    now on its home says so.
    """
    d = t.device.c
    said = {"edited_at": None, "prenotified_by": None, "manufacturer_text": None, "model_text": None}
    connection.execute(update(t.device).where(d.eui == eui.signed, d.premises.is_(None)).values(said))
    back = (d.eui == eui.signed, d.status == DeviceStatus.DECOMMISSIONED.value)
    connection.execute(update(t.device).where(*back).values(edited_at=None, version_origin="declared", version_at=None))


def _place(row: DeviceRow, premises: int, hub: Eui64) -> dict[str, object]:
    return {
        "premises": premises,
        "hub": hub.signed if row.joined else None,
        "device_type": row.device_type.value,
        "gbcs_version": row.gbcs_version,
        "capacity_octets": row.capacity_octets,
    }


def _details(row: DeviceRow) -> dict[str, object]:
    """What a User may change by 8.4; what he has changed stands against any description."""
    return {
        "status": row.status.value,
        "manufacturer": row.manufacturer,
        "image_type": row.image_type,
        "hardware": row.hardware,
        "smets_version": row.smets_version,
        "esme_variant": row.esme_variant,
        "commissioned_at": row.commissioned_at,
        "han_variant": row.han_variant,
    }


def register_products(connection: Connection, products: Iterable[ProductRow]) -> None:
    """Enter or update products of the list."""
    for row in products:
        key = {
            "manufacturer": row.manufacturer,
            "image_type": row.image_type,
            "hardware": row.hardware,
            "version": row.version,
        }
        _put(connection, t.product, key, {"manufacturer_hash": row.manufacturer_hash, "status": row.status.value})
        same = [t.product.c[name] == value for name, value in key.items()]
        number = connection.execute(select(t.product.c.id).where(*same)).scalar_one()
        connection.execute(delete(t.predecessor).where(t.predecessor.c.product == number))
        if row.predecessors:
            steps = [{"product": number, "version": version} for version in row.predecessors]
            connection.execute(insert(t.predecessor), steps)


def _put(
    connection: Connection,
    table: Table,
    key: Mapping[str, object],
    values: Mapping[str, object],
    unedited: Mapping[str, object] | None = None,
) -> None:
    """Enter a row or bring it up to date; `unedited` are values that a User's own edit of the row stands against."""
    same = [table.c[name] == value for name, value in key.items()]
    if connection.execute(update(table).where(*same).values(values)).rowcount == 0:
        fresh = {"version_origin": "declared"} if "version_origin" in table.c else {}
        connection.execute(insert(table).values({**key, **values, **(unedited or {}), **fresh}))
    elif unedited:
        connection.execute(update(table).where(*same, table.c.edited_at.is_(None)).values(unedited))
