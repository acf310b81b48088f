"""Homes change while updates are under way: Supplier, occupiers, a device, the hub (R10, R16, R27; domain 7.5).

Each change is one call within the caller's transaction: the registry, its event, and what it means to deliveries and
commands, told to them like a report. Made again it changes nothing, and says so.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.instant import FOREVER, Instant
from hanota.base.vocabulary.devices import DeviceStatus
from hanota.model.delivery import DELIVERY, State
from hanota.model.inventory import HUB_TYPES, METERS
from hanota.model.profiles import Activation, types_where
from hanota.records.ledger import Event, append
from hanota.records.registry.lookups import find_party
from hanota.records.registry.register import DeviceRow, install_devices
from hanota.records.registry.responsibility import project_eligibility, wake_handovers
from hanota.records.store import schema as t
from hanota.records.store.outbox import end_cancels
from hanota.records.store.reports import tell_deliveries
from hanota.records.store.turns import hold_open

_GONE: Final = DeviceStatus.DECOMMISSIONED.value
_HUB_TYPES: Final = sorted(kind.value for kind in HUB_TYPES)
_GO_BACK: Final = sorted({state for state, event in DELIVERY.moves if event == "hub_swapped"})


class NotInRegistry(HanotaError):
    """A home, device, meter point or party that the registry does not know."""

    code, fault = "HOTA-STORE-011", Fault.REQUESTER
    what = "the registry knows no {kind} {name}"
    remedy = "check the name; `hanota estate show`, the console and GET /api/rest/v1/homes list what there is"


class ChangeImpossible(HanotaError):
    """A change of a home that contradicts what the registry knows."""

    code, fault = "HOTA-STORE-012", Fault.REQUESTER
    what = "{change} can't be: {problem}"
    remedy = "look at the home as it is now, and ask for what follows from it"


def change_of_supplier(
    connection: Connection, lane: str, mpxn: str, party: Eui64, *, since: Instant, now: Instant
) -> bool:
    """Let another party supply a meter point from `since` on; the time of the one before ends there (R16).

    Open deliveries of the home are judged again at that instant. Returns: False where it is so already.
    Raises NotInRegistry: no such meter point or party.
    """
    require(find_party(connection, party) is not None, NotInRegistry, kind="party", name=party)
    s = t.supply.c
    periods = connection.execute(select(t.supply).where(s.mpxn == mpxn).order_by(s.since)).all()
    require(periods, NotInRegistry, kind="meter point", name=mpxn)
    begun = [period for period in periods if period.since <= since]
    if begun and begun[-1].party == party.signed and begun[-1].until > since:
        return False
    premises = _device(connection, Eui64.from_signed(periods[-1].meter)).premises
    hold_open(connection, _at_home(premises))
    _end_periods(connection, mpxn, since)
    until = min((period.since for period in periods if period.since > since), default=FOREVER)
    own = {"party": party.signed, "until": until, "meter": periods[-1].meter}
    if any(period.since == since for period in periods):
        connection.execute(update(t.supply).where(s.mpxn == mpxn, s.since == since).values(own))
    else:
        connection.execute(insert(t.supply).values(mpxn=mpxn, since=since, **own))
    project_eligibility(connection, premises)
    wake_handovers(connection, premises)
    _record(connection, lane, "home_supplier_changed", now, mpxn=mpxn, party=str(party), since=since)
    return True


def _end_periods(connection: Connection, mpxn: str, since: Instant) -> None:
    s = t.supply.c
    earlier = (s.mpxn == mpxn, s.since < since, s.until > since)
    connection.execute(update(t.supply).where(*earlier).values(until=since))


def change_of_tenancy(connection: Connection, lane: str, home: str, *, since: Instant, now: Instant) -> bool:
    """Note that new occupiers moved in: what the former ones refused ends there (R27).

    Returns: False where it is noted already. Raises NotInRegistry: no such home.
    """
    premises = _premises(connection, home)
    n = t.tenancy.c
    noted = select(n.since).where(n.premises == premises.id, n.since == since)
    if connection.execute(noted).first() is not None:
        return False
    connection.execute(insert(t.tenancy).values(premises=premises.id, since=since))
    _record(connection, lane, "home_tenancy_changed", now, home=home, since=since)
    return True


def device_swap(connection: Connection, lane: str, old: Eui64, new: DeviceRow, *, now: Instant) -> bool:
    """Let a new device, commissioned, take the place of one that leaves its home; meter points go with it.

    Returns: False where it is so already. Raises NotInRegistry: no such device; ChangeImpossible: it is a hub or in no
    home, the new one is of another type, in use or was in a home before.
    """
    leaving = _device(connection, old)
    known = _find(connection, new.eui)
    if leaving.status == _GONE and known is not None and (known.premises, _free(known)) == (leaving.premises, False):
        return False
    problems = (
        (leaving.premises is not None and leaving.status != _GONE, f"{old} is in no home"),
        (leaving.device_type not in _HUB_TYPES, "a hub is swapped as a whole, with its home's other devices on it"),
        (leaving.device_type == new.device_type.value, f"{old} is of type {leaving.device_type}"),
        _unused(known, new.eui),
    )
    wrong = next((problem for fits, problem in problems if not fits), None)
    require(wrong is None, ChangeImpossible, change=f"a swap of {old} for {new.eui}", problem=wrong)
    home = connection.execute(select(t.premises).where(t.premises.c.id == leaving.premises)).one()
    hold_open(connection, _at_home(home.id))
    _leave(connection, [old], f"device_swap {old}", now)
    install_devices(connection, [new], home.id, Eui64.from_signed(home.hub))
    if leaving.device_type in {kind.value for kind in METERS}:
        connection.execute(update(t.supply).where(t.supply.c.meter == old.signed).values(meter=new.eui.signed))
    project_eligibility(connection, home.id)
    _record(connection, lane, "home_device_swapped", now, home=home.name, device=str(old), by=str(new.eui))
    return True


def devices_leave(connection: Connection, lane: str, devices: Collection[Eui64], *, now: Instant) -> None:
    """Let devices leave their homes with nothing in their place."""
    if not devices:
        return
    hold_open(connection, t.delivery.c.device.in_([device.signed for device in devices]))
    _leave(connection, devices, "device_gone", now)
    columns = {"device": [str(device) for device in devices]}
    append(connection, lane, [Event(kind="home_devices_left", at=now, columns=columns)])


def hub_swap(connection: Connection, lane: str, home: str, chf: DeviceRow, gpf: DeviceRow, *, now: Instant) -> bool:
    """Let a new Communications Hub, with nothing in its memory, take the place of a home's hub.

    Its devices join the new one. Deliveries on their way to a device are queued anew, and so are those that wait for a
    consumer's answer; others whose device holds the image go on by the new hub. What the old one says has no standing.

    Returns: False where it is so already. Raises NotInRegistry: no such home; ChangeImpossible: the new hub is in
    use or was in a home before.
    """
    premises = _premises(connection, home)
    if premises.hub == chf.eui.signed:
        return False
    change = f"a swap of the hub of {home}"
    require(chf.eui != gpf.eui, ChangeImpossible, change=change, problem="its two functions need an EUI-64 each")
    for row in (chf, gpf):
        free, problem = _unused(_find(connection, row.eui), row.eui)
        require(free, ChangeImpossible, change=change, problem=problem)
    hold_open(connection, _at_home(premises.id))
    d = t.device.c
    old = select(d.eui).where(d.premises == premises.id, d.device_type.in_(_HUB_TYPES), d.status != _GONE)
    _leave(connection, [Eui64.from_signed(eui) for eui in connection.execute(old).scalars()], f"hub_swap {home}", now)
    connection.execute(update(t.premises).where(t.premises.c.id == premises.id).values(hub=chf.eui.signed))
    install_devices(connection, [chf, gpf], premises.id, chf.eui)
    moved = (d.premises == premises.id, d.hub == premises.hub)
    connection.execute(update(t.device).where(*moved).values(hub=chf.eui.signed))
    _move_deliveries(connection, premises.hub, chf.eui, now)
    open_commands = (t.command.c.hub == premises.hub, t.command.c.due.is_not(None))
    connection.execute(update(t.command).where(*open_commands).values(hub=chf.eui.signed))
    project_eligibility(connection, premises.id)
    facts = {"old": str(Eui64.from_signed(premises.hub)), "chf": str(chf.eui), "gpf": str(gpf.eui)}
    _record(connection, lane, "home_hub_swapped", now, home=home, **facts)
    return True


def _move_deliveries(connection: Connection, old: int, new: Eui64, now: Instant) -> None:
    """Bring open deliveries to the new hub; the old one is not asked to cancel anything any more."""
    d, o = t.delivery.c, t.outbox
    under_way = (d.hub == old, d.deadline.is_not(None))
    # A meter that holds its image waits for its Supplier; any other one for the consumer's answer to the old hub.
    on_receipt = types_where(lambda row: row.activation is Activation.ON_RECEIPT)
    by_hub = d.device.in_(select(t.device.c.eui).where(t.device.c.device_type.in_(on_receipt)))
    back = (*under_way, d.state.in_(_GO_BACK), or_(d.state != State.TRANSFERRED, by_hub))
    going = connection.execute(select(d.id, d.device).where(*back).order_by(d.id)).all()
    tell_deliveries(connection, f"hub_swap {new}", "hub_swapped", [(row.id, row.device) for row in going], now)
    unsent = (o.c.sent_at.is_(None), o.c.kind == "distribute", o.c.delivery.in_(select(d.id).where(*under_way)))
    connection.execute(update(o).where(*unsent).values(due=None))
    end_cancels(connection, list(connection.execute(select(d.id).where(d.hub == old, d.deadline.is_(None))).scalars()))
    connection.execute(update(t.delivery).where(*under_way).values(hub=new.signed))


def _leave(connection: Connection, devices: Iterable[Eui64], change: str, now: Instant) -> None:
    """Take devices off their hub: their deliveries and commands hear that they are gone."""
    gone = [device.signed for device in devices]
    d, c = t.delivery.c, t.command.c
    connection.execute(update(t.device).where(t.device.c.eui.in_(gone)).values(status=_GONE, hub=None))
    under_way = (d.device.in_(gone), d.deadline.is_not(None))
    rows = connection.execute(select(d.id, d.device).where(*under_way).order_by(d.id)).all()
    tell_deliveries(connection, change, "device_gone", [(row.id, row.device) for row in rows], now)
    connection.execute(update(t.command).where(c.device.in_(gone), c.due.is_not(None)).values(due=now))


def _at_home(premises: int) -> ColumnElement[bool]:
    """Which deliveries are to devices of a home."""
    return t.delivery.c.device.in_(select(t.device.c.eui).where(t.device.c.premises == premises))


def _premises(connection: Connection, home: str) -> Row[Any]:
    found = connection.execute(select(t.premises).where(t.premises.c.name == home)).first()
    if found is None:
        raise NotInRegistry(kind="home", name=home)
    return found


def _find(connection: Connection, device: Eui64) -> Row[Any] | None:
    return connection.execute(select(t.device).where(t.device.c.eui == device.signed)).first()


def _free(device: Row[Any] | None) -> bool:
    """Whether a device, if it is known at all, hangs in no home."""
    return device is None or device.premises is None or device.status == _GONE


def _unused(device: Row[Any] | None, eui: Eui64) -> tuple[bool, str]:
    """Whether a device may enter a home as a new one, and what is wrong if not.

    An EUI-64 names one device for ever. One that left a home comes back with the numbers it has counted to, but what
    enters here starts from nothing, and all that it said would be taken for said before (I7).
    """
    if device is None or device.premises is None:
        return True, ""
    was = "was in a home before; give the new device its own EUI-64"
    return False, f"{eui} {was if device.status == _GONE else 'is in use'}"


def _device(connection: Connection, device: Eui64) -> Row[Any]:
    found = _find(connection, device)
    if found is None:
        raise NotInRegistry(kind="device", name=device)
    return found


def _record(connection: Connection, lane: str, kind: str, now: Instant, **facts: int | str) -> None:
    append(connection, lane, [Event(kind=kind, at=now, facts=facts)])


@dataclass(frozen=True, slots=True)
class Standing:
    """What a home holds by the registry: its hub, and the other devices that have not left."""

    hub: Eui64 | None
    devices: tuple[Eui64, ...]


def standing_devices(connection: Connection) -> dict[str, Standing]:
    """Give what every home holds, by its name."""
    d, p = t.device.c, t.premises.c
    here = (d.premises == p.id) & d.device_type.not_in(_HUB_TYPES) & (d.status != _GONE)
    query = select(p.name, p.hub, d.eui).select_from(t.premises.outerjoin(t.device, here)).order_by(p.name, d.eui)
    homes: dict[str, Standing] = {}
    for row in connection.execute(query):
        before = homes.get(row.name) or Standing(None if row.hub is None else Eui64.from_signed(row.hub), ())
        devices = before.devices if row.eui is None else (*before.devices, Eui64.from_signed(row.eui))
        homes[row.name] = Standing(before.hub, devices)
    return homes
