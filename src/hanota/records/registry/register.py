"""Writing the registry: parties, certificates, homes, devices, supply and products. Every call may be repeated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.parties import UserRole
from hanota.model.delivery import DELIVERY
from hanota.model.profiles import PROFILES, Eligibility
from hanota.records.store import schema as t

FOREVER: Final = Instant((1 << 53) - 1)
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
        for row in home.devices:
            if row.eui in gone:
                continue
            _install(connection, row.eui)
            _put(connection, t.device, {"eui": row.eui.signed}, _place(row, premises, home.hub), _details(row))
            connection.execute(
                update(t.device)
                .where(
                    t.device.c.eui == row.eui.signed,
                    t.device.c.version_origin == "declared",
                    t.device.c.edited_at.is_(None),
                )
                .values(version=row.version)
            )
        for supply in home.supplies:
            if supply.meter in gone:
                continue
            place = {"mpxn": supply.mpxn, "since": supply.since}
            values = {"meter": supply.meter.signed, "party": supply.party.signed, "until": supply.until}
            _put(connection, t.supply, place, values)
    project_eligibility(connection)
    _wake_handovers(connection)


def _deleted(connection: Connection, home: HomeRow) -> frozenset[Eui64]:
    """Give the devices of a home that a User took out: a description does not bring them back."""
    named = [row.eui.signed for row in home.devices]
    rows = connection.execute(select(t.deleted.c.device).where(t.deleted.c.device.in_(named))).scalars()
    return frozenset(map(Eui64.from_signed, rows))


def _install(connection: Connection, eui: Eui64) -> None:
    """Forget what a User said of a device before it was in any premises: from now on its home says so."""
    connection.execute(
        update(t.device)
        .where(t.device.c.eui == eui.signed, t.device.c.premises.is_(None))
        .values(edited_at=None, prenotified_by=None, manufacturer_text=None, model_text=None)
    )


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


def _wake_handovers(connection: Connection) -> None:
    """Have open deliveries looked at when their senders' responsibility ends, if that is sooner than was known."""
    d, r, e = t.delivery, t.request, t.eligibility.c
    ends = (
        select(func.coalesce(func.min(e.until), d.c.since))  # he never was responsible: at once
        .where(
            e.device == d.c.device,
            e.until > r.c.received_at,
            e.party == r.c.originator,
            r.c.id == d.c.request,
        )
        .scalar_subquery()
    )
    watched = d.c.state.in_([state for state, event in DELIVERY.moves if event == "responsibility_lost"])
    signed = [kind.value for kind, row in PROFILES.items() if row.supplier_signed]
    bound = d.c.device.in_(select(t.device.c.eui).where(t.device.c.device_type.in_(signed)))
    connection.execute(update(d).where(watched, bound, d.c.due > ends).values(due=ends))


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


def project_eligibility(connection: Connection) -> None:
    """Work out anew who may act on which device, and when (R16).

    A meter: its own Responsible Supplier. An HCALCS: those of the ESMEs of its home. Every other device: those of any
    meter of its home.
    """
    own, s, d = t.device.alias("own"), t.supply, t.device
    single = [kind for kind, row in PROFILES.items() if row.eligibility is Eligibility.RESPONSIBLE_FOR_METER]
    meters = [DeviceType.ESME.value, DeviceType.GSME.value]
    by_home = (
        select(own.c.eui.label("device"), s.c.party, s.c.since, func.max(s.c.until))
        .join(d, d.c.premises == own.c.premises)
        .join(s, s.c.meter == d.c.eui)
        .group_by(own.c.eui, s.c.party, s.c.since)  # one supplier of two meters from one day, until different days
    )
    statements = (
        select(s.c.meter, s.c.party, s.c.since, func.max(s.c.until)).group_by(s.c.meter, s.c.party, s.c.since),
        by_home.where(own.c.device_type == DeviceType.HCALCS.value, d.c.device_type == DeviceType.ESME.value),
        by_home.where(own.c.device_type.not_in([*meters, *(kind.value for kind in single)])),
    )
    connection.execute(delete(t.eligibility))
    for statement in statements:
        connection.execute(insert(t.eligibility).from_select(["device", "party", "since", "until"], statement))
