"""Who may act on which device and when, worked out from premises, devices and supply; and what a change of it wakes."""

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from hanota.base.vocabulary.devices import DeviceType
from hanota.model.alerts import AlertKind
from hanota.model.delivery import DELIVERY, State
from hanota.model.profiles import PROFILES, Eligibility
from hanota.records.store import schema as t


def project_eligibility(connection: Connection, premises: int | None = None) -> None:
    """Work out anew who may act on which device, and when (R16): for the devices of one home, or for all.

    A meter: its own Responsible Supplier. An HCALCS: those of the ESMEs of its home. Every other device: those of any
    meter of its home.
    """
    own, s, d, e = t.device.alias("own"), t.supply, t.device, t.eligibility
    single = [kind for kind, row in PROFILES.items() if row.eligibility is Eligibility.RESPONSIBLE_FOR_METER]
    meters = [DeviceType.ESME.value, DeviceType.GSME.value]
    by_meter = select(s.c.meter, s.c.party, s.c.since, func.max(s.c.until)).group_by(s.c.meter, s.c.party, s.c.since)
    by_home = (
        select(own.c.eui.label("device"), s.c.party, s.c.since, func.max(s.c.until))
        .join(d, d.c.premises == own.c.premises)
        .join(s, s.c.meter == d.c.eui)
        .group_by(own.c.eui, s.c.party, s.c.since)  # one supplier of two meters from one day, until different days
    )
    by_esme = by_home.where(own.c.device_type == DeviceType.HCALCS.value, d.c.device_type == DeviceType.ESME.value)
    by_any = by_home.where(own.c.device_type.not_in([*meters, *(kind.value for kind in single)]))
    statements = (
        by_meter.where(*_within(s.c.meter, premises)),
        by_esme.where(*_within(own.c.eui, premises)),
        by_any.where(*_within(own.c.eui, premises)),
    )
    connection.execute(delete(e).where(*_within(e.c.device, premises)))
    for statement in statements:
        connection.execute(insert(e).from_select(["device", "party", "since", "until"], statement))


def wake_handovers(connection: Connection, premises: int | None = None) -> None:
    """Have open deliveries of one home, or of all, looked at when who is responsible changes, if that is sooner than
    was known: when their sender's time ends, where they die with it, and when somebody's begins who was not told.
    """
    d = t.delivery.c
    for concerned, when in ((_dies(), _sender_ends()), (_goes_on(), _other_begins())):
        connection.execute(
            update(t.delivery).where(concerned, *_within(d.device, premises), d.due > when).values(due=when)
        )


def _within(device: ColumnElement[int], premises: int | None) -> list[ColumnElement[bool]]:
    if premises is None:
        return []
    return [device.in_(select(t.device.c.eui).where(t.device.c.premises == premises))]


def _dies() -> ColumnElement[bool]:
    """Deliveries that end with their sender's responsibility; what a hub activates only until the hub holds it."""
    d = t.delivery.c
    signed = [kind.value for kind, row in PROFILES.items() if row.supplier_signed]
    bound = d.device.in_(select(t.device.c.eui).where(t.device.c.device_type.in_(signed)))
    watched = d.state.in_([state for state, event in DELIVERY.moves if event == "responsibility_lost"])
    return watched & (bound | (d.state == State.ON_WAN))


def _sender_ends() -> ColumnElement[int]:
    d, r, e = t.delivery.c, t.request.c, t.eligibility.c
    his = (e.device == d.device, e.until > r.received_at, e.party == r.originator, r.id == d.request)
    ends = select(func.coalesce(func.min(e.until), d.since))  # he never was responsible: at once
    return ends.where(*his).scalar_subquery()


def _goes_on() -> ColumnElement[bool]:
    d = t.delivery.c
    return d.deadline.is_not(None) & (d.state != State.REQUESTED)  # scheduling tells everybody of its day


def _other_begins() -> ColumnElement[int]:
    d, r, e, m = t.delivery.c, t.request.c, t.eligibility.c, t.message.c
    told = select(m.id).where(m.delivery == d.id, m.party == e.party, m.kind == AlertKind.UPGRADE_REQUESTED.value)
    others = (e.device == d.device, e.until > r.received_at, e.party != r.originator, r.id == d.request)
    untold = ~told.correlate(t.delivery, t.eligibility).exists()
    return select(func.min(e.since)).where(*others, untold).scalar_subquery()
