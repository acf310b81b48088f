"""Homes that change at run time: the description of the estate follows, and the registry after it."""

from collections.abc import Callable
from dataclasses import replace

from hanota.app.registering import hub_rows
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceStatus
from hanota.edge.estate import EstateDescription
from hanota.edge.estate.description import (
    DeviceDescription,
    MeterPointDescription,
    PremisesDescription,
    SupplyDescription,
)
from hanota.records.registry.changes import NotInRegistry, devices_leave, hub_swap, standing_devices
from hanota.records.store import Connection


def home_named(estate: EstateDescription, name: str) -> PremisesDescription:
    """Give a home by its name. Raises NotInRegistry."""
    return _home(estate, lambda home: home.name == name, "home", name)


def home_of_point(estate: EstateDescription, mpxn: str) -> PremisesDescription:
    """Give the home that has a meter point. Raises NotInRegistry."""
    return _home(estate, lambda home: any(point.mpxn == mpxn for point in home.meter_points), "meter point", mpxn)


def home_of_device(estate: EstateDescription, *devices: Eui64) -> PremisesDescription:
    """Give the home that has one of these devices; the first of them names what is missing. Raises NotInRegistry."""
    wanted = set(devices)
    return _home(estate, lambda home: bool(wanted & {device.eui for device in home.devices}), "device", devices[0])


def _home(
    estate: EstateDescription, fits: Callable[[PremisesDescription], bool], kind: str, name: object
) -> PremisesDescription:
    found = next((home for home in estate.premises if fits(home)), None)
    if found is None:
        raise NotInRegistry(kind=kind, name=name)
    return found


def with_home(estate: EstateDescription, home: PremisesDescription) -> EstateDescription:
    """Give the estate in which the home of that name is as described."""
    return replace(estate, premises=tuple(home if home.name == old.name else old for old in estate.premises))


def with_supplier(home: PremisesDescription, mpxn: str, party: Eui64, since: Instant) -> PremisesDescription:
    """Let another party supply a meter point from `since` on."""

    def changed(point: MeterPointDescription) -> MeterPointDescription:
        others = [supply for supply in point.suppliers if supply.since != since]
        supplies = sorted([*others, SupplyDescription(since=since, party=party)], key=lambda supply: supply.since)
        return replace(point, suppliers=tuple(supplies))

    points = (changed(point) if point.mpxn == mpxn else point for point in home.meter_points)
    return replace(home, meter_points=tuple(points))


def successor(old: DeviceDescription, eui: Eui64, version: int | None, now: Instant) -> DeviceDescription:
    """Give a new device of the same model, commissioned `now`; `version` is its factory firmware's, None: as the old
    one's.
    """
    return replace(
        old,
        eui=eui,
        firmware_version=old.firmware_version if version is None else version,
        status=DeviceStatus.COMMISSIONED,
        commissioned=now,
    )


def with_device(home: PremisesDescription, old: Eui64, new: DeviceDescription) -> PremisesDescription:
    """Let a new device take the place of an old one; the old one's meter points go with it."""
    points = (replace(point, device=new.eui) if point.device == old else point for point in home.meter_points)
    devices = (new if device.eui == old else device for device in home.devices)
    return replace(home, meter_points=tuple(points), devices=tuple(devices))


def with_hub(home: PremisesDescription, chf: Eui64, gpf: Eui64) -> PremisesDescription:
    """Let a new hub of the same model take the old one's place."""
    return replace(home, hub=replace(home.hub, chf=chf, gpf=gpf))


def follow(connection: Connection, lane: str, estate: EstateDescription, now: Instant) -> None:
    """Let the registry follow a description that has changed since it was last entered: hubs swapped, devices gone.

    What is new in it is entered by `register_estate`. So a change survives a process that dies in the midst of it.
    """
    standing = standing_devices(connection)
    for home in estate.premises:
        known = standing.get(home.name)
        if known is None:
            continue
        if known.hub != home.hub.chf:
            hub_swap(connection, lane, home.name, *hub_rows(home.hub), now=now)
        described = {device.eui for device in home.devices}
        devices_leave(connection, lane, [eui for eui in known.devices if eui not in described], now=now)
