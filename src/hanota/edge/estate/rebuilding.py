"""What a changed description of a home means to its nodes: who leaves, who comes, who starts again, and when."""

from collections.abc import Iterator
from dataclasses import dataclass

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.estate.description import DeviceDescription, PremisesDescription
from hanota.model.profiles import PROFILES

Handover = tuple[Instant, Eui64]
"""When a device that obeys its Supplier may get another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilding:
    """Nodes that are `gone`, `fresh` ones, those that start `again` with what they remember, and handovers to come."""

    gone: tuple[Eui64, ...]
    fresh: tuple[Eui64, ...]
    again: tuple[Eui64, ...]
    handovers: tuple[Handover, ...]


def rebuilding(before: PremisesDescription, after: PremisesDescription, now: Instant) -> Rebuilding:
    """Compare two descriptions of one home, the second of which holds from `now` on."""
    old, new = _nodes(before, now), _nodes(after, now)
    known = set(handovers(before))
    return Rebuilding(
        gone=tuple(address for address in old if address not in new),
        fresh=tuple(address for address in new if address not in old),
        again=tuple(address for address in new if address in old and old[address] != new[address]),
        handovers=tuple(one for one in handovers(after) if one[0] > now and one not in known),
    )


def handovers(home: PremisesDescription) -> Iterator[Handover]:
    """Give the handovers of a home: whenever one of its meters gets another Supplier."""
    for device in home.devices:
        if PROFILES[device.device_type].supplier_signed:
            for point in home.meter_points:
                for supply in point.suppliers:
                    yield supply.since, device.eui


def _nodes(home: PremisesDescription, now: Instant) -> dict[Eui64, object]:
    """Give all that each node knows of its home."""
    log = {device.eui: device.device_type for device in home.devices}
    devices = {device.eui: (device, home.hub.chf, _obeyed(home, device, now)) for device in home.devices}
    return {home.hub.chf: (home.hub, log), **devices}


def _obeyed(home: PremisesDescription, device: DeviceDescription, now: Instant) -> Eui64 | None:
    return home.supplier_of(device, now) if PROFILES[device.device_type].supplier_signed else None
