"""The Smart Metering Inventory: found, read whole premises at a time, and changed on a User's word (8.2, 8.4, 12.2)."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, func, insert, or_, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CspRegion, DeviceStatus, DeviceType
from hanota.model.inventory import DEVICES_OF_PREMISES_MAX, KnownDevice
from hanota.records.ledger import Event, append
from hanota.records.registry.responsibility import project_eligibility
from hanota.records.store import schema as t

GBCS_VERSION_UNKNOWN: Final = "0.0"
"""Of a pre-notified device: nothing has told yet which version it speaks."""


def find_device(connection: Connection, eui: Eui64) -> KnownDevice | None:
    """Find a device by its EUI."""
    d = t.device
    query = select(d, t.premises.c.region).outerjoin(t.premises, t.premises.c.id == d.c.premises)
    row = connection.execute(query.where(d.c.eui == eui.signed)).first()
    if row is None:
        return None
    return KnownDevice(
        eui=eui,
        device_type=DeviceType(row.device_type),
        status=DeviceStatus(row.status),
        premises=row.premises,
        hub=None if row.hub is None else Eui64.from_signed(row.hub),
        region=None if row.region is None else CspRegion(row.region),
        manufacturer=row.manufacturer,
        image_type=row.image_type,
        hardware=row.hardware,
        version=row.version,
        gbcs_version=row.gbcs_version,
        prenotified_by=None if row.prenotified_by is None else Eui64.from_signed(row.prenotified_by),
    )


def eligible(connection: Connection, device: Eui64, party: Eui64, now: Instant) -> bool:
    """Say whether a party may act on a device at `now` (R16)."""
    e = t.eligibility.c
    query = select(e.device).where(e.device == device.signed, e.party == party.signed, e.since <= now, e.until > now)
    return connection.execute(query).first() is not None


def listed(connection: Connection, manufacturer: int, image_type: int, hardware: int) -> bool:
    """Say whether a model stands on the Certified Product List, in whatever version."""
    p = t.product.c
    query = select(p.id).where(p.manufacturer == manufacturer, p.image_type == image_type, p.hardware == hardware)
    return connection.execute(query.limit(1)).first() is not None


def holder_of(connection: Connection, meter_point: str) -> Eui64 | None:
    """Find the meter that has a meter point, by a User's word or by who supplies it."""
    device = connection.execute(select(t.device.c.eui).where(_has_meter_point(meter_point))).scalar()
    if device is None:
        device = connection.execute(select(t.supply.c.meter).where(t.supply.c.mpxn == meter_point)).scalar()
    return None if device is None else Eui64.from_signed(device)


def _has_meter_point(number: str) -> ColumnElement[bool]:
    d = t.device.c
    return or_(d.mpxn_import == number, d.mpxn_secondary == number, d.mpxn_export == number)


def places(
    connection: Connection,
    *,
    device: Eui64 | None = None,
    meter_point: str | None = None,
    uprn: str | None = None,
    address: tuple[str, str] | None = None,
) -> list[tuple[int | None, int]]:
    """Give where devices are that this finds, as (premises, device): premises once, devices without premises each.

    `address` is a post code and a text within the address. More than two are not looked for.
    """
    d, p = t.device, t.premises
    if device is not None:
        rows = connection.execute(select(d.c.premises, d.c.eui).where(d.c.eui == device.signed)).all()
    elif meter_point is not None:
        found = holder_of(connection, meter_point)
        rows = [] if found is None else connection.execute(_place_of(found)).all()
    else:
        query = select(p.c.id, func.min(d.c.eui)).join(d, d.c.premises == p.c.id).group_by(p.c.id).limit(2)
        if uprn is not None:
            query = query.where(p.c.uprn == uprn)
        elif address is not None:
            query = query.where(func.lower(p.c.postcode) == address[0].lower(), _contains(p, address[1]))
        rows = connection.execute(query).all()
    return [(row[0], row[1]) for row in rows]


def _place_of(eui: Eui64) -> Any:
    return select(t.device.c.premises, t.device.c.eui).where(t.device.c.eui == eui.signed)


def _contains(premises: Table, text: str) -> ColumnElement[bool]:
    return func.lower(premises.c.address).contains(text.lower(), autoescape=True)


def devices_at(connection: Connection, place: tuple[int | None, int]) -> list[Row[Any]]:
    """Give the devices of a place that `places` found, hub first, each with its premises, points and list standing."""
    d, p = t.device, t.premises
    standing = (
        select(func.min(t.product.c.status))
        .where(
            t.product.c.manufacturer == d.c.manufacturer,
            t.product.c.image_type == d.c.image_type,
            t.product.c.hardware == d.c.hardware,
            t.product.c.version == d.c.version,
        )
        .scalar_subquery()
    )
    supplied = select(func.min(t.supply.c.mpxn)).where(t.supply.c.meter == d.c.eui).scalar_subquery()
    query = (
        select(
            d, p.c.region, p.c.uprn, p.c.postcode, p.c.address, standing.label("standing"), supplied.label("supplied")
        )
        .outerjoin(p, p.c.id == d.c.premises)
        .order_by(
            d.c.status == DeviceStatus.DECOMMISSIONED.value, d.c.device_type != "CHF", d.c.device_type != "GPF", d.c.eui
        )
        .limit(DEVICES_OF_PREMISES_MAX)
    )
    premises, device = place
    if premises is not None:
        return list(connection.execute(query.where(d.c.premises == premises)))
    hub = t.device.alias("hub")
    proxy = select(hub.c.gpf).where(hub.c.eui == device).scalar_subquery()  # pre-notified with it
    query = query.where(or_(d.c.eui == device, d.c.eui == proxy))
    return list(connection.execute(query))


def enter_device(connection: Connection, lane: str, eui: Eui64, values: Mapping[str, object], now: Instant) -> None:
    """Enter a pre-notified device: Pending, in no premises, its version as declared."""
    fixed: dict[str, object] = {
        "eui": eui.signed,
        "status": DeviceStatus.PENDING.value,
        "version_origin": "declared",
        "gbcs_version": GBCS_VERSION_UNKNOWN,
        "capacity_octets": 0,
        "manufacturer": 0,
        "image_type": 0,
        "hardware": 0,
    }
    connection.execute(delete(t.deleted).where(t.deleted.c.device == eui.signed))
    connection.execute(insert(t.device).values(fixed | dict(values)))
    append(connection, lane, [_event("device_prenotified", eui, values, now)])


def change_device(connection: Connection, lane: str, eui: Eui64, values: Mapping[str, object], now: Instant) -> None:
    """Change what the inventory says of a device."""
    connection.execute(update(t.device).where(t.device.c.eui == eui.signed).values({**values, "edited_at": now}))
    append(connection, lane, [_event("inventory_updated", eui, values, now)])


def delete_device(connection: Connection, lane: str, eui: Eui64, now: Instant) -> None:
    """Take a device out of the inventory; what it ever did stays in the log."""
    its_own = select(t.command.c.id).where(t.command.c.device == eui.signed)
    connection.execute(update(t.outbox).where(t.outbox.c.command.in_(its_own)).values(due=None))  # none may leave
    connection.execute(delete(t.eligibility).where(t.eligibility.c.device == eui.signed))
    supplied = connection.execute(delete(t.supply).where(t.supply.c.meter == eui.signed)).rowcount
    connection.execute(delete(t.device).where(t.device.c.eui == eui.signed))
    if supplied:  # who was responsible by this meter is not so for the rest of its home any more
        project_eligibility(connection)
    connection.execute(insert(t.deleted).values(device=eui.signed, at=now))
    append(connection, lane, [_event("device_deleted", eui, {}, now)])


def _event(kind: str, eui: Eui64, values: Mapping[str, object], now: Instant) -> Event:
    facts: dict[str, int | str | None] = {"device": str(eui)}
    facts |= {name: value if value is None or isinstance(value, int) else str(value) for name, value in values.items()}
    return Event(kind=kind, at=now, facts=facts)
