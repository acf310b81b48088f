"""Reading for people: rows of requests, deliveries, devices and alerts as the desk asks. No rule lives here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, Select, case, func, or_, select

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.delivery import CONSENT_REPORTS, ENDS, State
from hanota.records.store import schema as t
from hanota.records.store.quarantine import Quarantine
from hanota.records.store.segments import octets_in_all

Rows = Sequence[Row[Any]]


@dataclass(frozen=True, slots=True)
class Concern:
    """Narrows a query to what concerns a party: what it sent, and devices it is responsible for at that instant."""

    party: Eui64
    at: Instant


def requests(
    connection: Connection, *, originator: Eui64 | None, limit: int, before: int | None = None, key: str | None = None
) -> Rows:
    """Give requests, newest first; of one originator, or before a row number, or of one RequestID."""
    r, p, i = t.request, t.party, t.image
    query = (
        select(r, p.c.name.label("party_name"), i.c.size.label("image_size"))
        .outerjoin(p, p.c.eui == r.c.originator)
        .outerjoin(i, i.c.hash == r.c.image)
        .order_by(r.c.id.desc())
        .limit(limit)
    )
    if originator is not None:
        query = query.where(r.c.originator == originator.signed)
    if before is not None:
        query = query.where(r.c.id < before)
    if key is not None:
        query = query.where(r.c.request_id == key)
    return connection.execute(query).all()


def outcomes(connection: Connection, request_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Count the deliveries of requests by state."""
    d = t.delivery
    query = (
        select(d.c.request, d.c.state, func.count().label("deliveries"))
        .where(d.c.request.in_(request_ids))
        .group_by(d.c.request, d.c.state)
    )
    found: dict[int, dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.request, {})[row.state] = row.deliveries
    return found


def deliveries(
    connection: Connection,
    *,
    concern: Concern | None = None,
    request_id: str | None = None,
    state: str | None = None,
    device: Eui64 | None = None,
    delivery: int | None = None,
    after: int = 0,
    limit: int = 100,
) -> Rows:
    """Give deliveries in order of their numbers, each with its request, device and image."""
    d, r = t.delivery, t.request
    query = _delivery_rows().where(d.c.id > after).order_by(d.c.id).limit(limit)
    if request_id is not None:
        query = query.where(r.c.request_id == request_id)
    if state is not None:
        query = query.where(d.c.state == state)
    if device is not None:
        query = query.where(d.c.device == device.signed)
    if delivery is not None:
        query = query.where(d.c.id == delivery)
    if concern is not None:
        query = query.where(_concerned(concern))
    return connection.execute(query).all()


def attention(connection: Connection, *, concern: Concern | None, limit: int) -> Rows:
    """Give the newest deliveries that ended otherwise than confirmed."""
    d = t.delivery
    bad = sorted(ENDS - {State.CONFIRMED})
    query = _delivery_rows().where(d.c.state.in_(bad)).order_by(d.c.since.desc()).limit(limit)
    if concern is not None:
        query = query.where(_concerned(concern))
    return connection.execute(query).all()


def counts(connection: Connection, *, concern: Concern | None) -> dict[str, int]:
    """Count deliveries by state."""
    d, r = t.delivery, t.request
    query = select(d.c.state, func.count().label("deliveries")).join(r, r.c.id == d.c.request).group_by(d.c.state)
    if concern is not None:
        query = query.where(_concerned(concern))
    return {row.state: row.deliveries for row in connection.execute(query)}


@cache  # to build it takes longer than to run it; what narrows it down makes a copy
def _delivery_rows() -> Select[Any]:
    d, r, v, i, said = t.delivery, t.request, t.device, t.image, t.report.alias("said")
    return (
        select(
            d,
            r.c.request_id,
            r.c.originator,
            v.c.device_type,
            i.c.version.label("version_target"),
            octets_in_all().label("image_size"),
            said.c.result.label("consent_answer"),
            said.c.at.label("consent_at"),
            said.c.until.label("consent_until"),
        )
        .select_from(d)
        .join(r, r.c.id == d.c.request)
        .join(v, v.c.eui == d.c.device)
        .join(i, i.c.hash == r.c.image)
        .outerjoin(said, said.c.id == _last_said())
    )


def _last_said() -> ScalarSelect[int]:
    """The latest report of what a consumer was asked or answered, by the hub's clock."""
    other = t.report.alias("other")
    query = select(other.c.id).where(other.c.delivery == t.delivery.c.id, other.c.event.in_(CONSENT_REPORTS))
    return query.order_by(other.c.at.desc(), other.c.id.desc()).limit(1).scalar_subquery()


def _concerned(concern: Concern) -> ColumnElement[bool]:
    sent = t.request.c.originator == concern.party.signed
    return or_(sent, t.delivery.c.device.in_(_eligible_devices(concern)))


def _eligible_devices(concern: Concern) -> Select[Any]:
    e = t.eligibility
    return select(e.c.device).where(e.c.party == concern.party.signed, e.c.since <= concern.at, e.c.until > concern.at)


def devices(
    connection: Connection,
    *,
    concern: Concern | None,
    eui: Eui64 | None = None,
    home: str | None = None,
    after: Eui64 | None = None,
    limit: int | None = None,
) -> Rows:
    """Give devices in order of their EUIs, each with its home and its open delivery."""
    v, p, w = t.device, t.premises, t.work
    unsigned = case((v.c.eui < 0, 1), else_=0)  # negative numbers are the EUIs with the highest bit set
    query = (
        select(v, p.c.name.label("home"), p.c.region, w.c.delivery.label("open_delivery"))
        .outerjoin(p, p.c.id == v.c.premises)  # none before it is installed
        .outerjoin(w, w.c.device == v.c.eui)
        .order_by(unsigned, v.c.eui)
        .limit(limit)
    )
    if concern is not None:
        query = query.where(v.c.eui.in_(_eligible_devices(concern)))
    if eui is not None:
        query = query.where(v.c.eui == eui.signed)
    if home is not None:
        query = query.where(p.c.name == home)
    if after is not None:
        behind = v.c.eui > after.signed
        query = query.where(or_(behind, v.c.eui < 0) if after.signed >= 0 else behind & (v.c.eui < 0))
    return connection.execute(query).all()


def suppliers(connection: Connection, euis: Sequence[int], now: Instant) -> dict[int, tuple[str, ...]]:
    """Give the names of the Responsible Suppliers of devices at `now`."""
    e, p = t.eligibility, t.party
    query = (
        select(e.c.device, p.c.name)
        .join(p, p.c.eui == e.c.party)
        .where(e.c.device.in_(euis), e.c.since <= now, e.c.until > now)
        .order_by(p.c.name)
    )
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(query):
        found[row.device] = (*found.get(row.device, ()), row.name)
    return found


def homes(connection: Connection, name: str | None = None) -> Rows:
    """Give homes by name."""
    p = t.premises
    query = select(p).order_by(p.c.name)
    return connection.execute(query if name is None else query.where(p.c.name == name)).all()


def alerts(
    connection: Connection, *, party: Eui64 | None, delivery: int | None = None, limit: int | None = None
) -> Rows:
    """Give alerts, newest first: those of deliveries, and those of devices that were changed locally."""
    a, p, d, r = t.message, t.party, t.delivery, t.request
    query = (
        select(a, p.c.name.label("party_name"), r.c.request_id)
        .outerjoin(p, p.c.eui == a.c.party)
        .outerjoin(d, d.c.id == a.c.delivery)
        .outerjoin(r, r.c.id == d.c.request)
        .where(a.c.document.is_(None))
        .order_by(a.c.id.desc())
        .limit(limit)
    )
    if party is not None:
        query = query.where(a.c.party == party.signed)
    if delivery is not None:
        query = query.where(a.c.delivery == delivery)
    return connection.execute(query).all()


def messages(connection: Connection, party: Eui64) -> Rows:
    """Give the messages kept for a party without endpoint, oldest first."""
    b = t.inbox
    query = select(b).where(b.c.party == party.signed).order_by(b.c.delivered_at, b.c.response_id)
    return connection.execute(query).all()


def left_to_operator(connection: Connection, *, party: Eui64 | None) -> tuple[int, int]:
    """Count what waits for an operator: requests in quarantine, and messages given up; of one party, or of all."""
    q, m = t.quarantine.c, t.message.c
    held = select(func.count()).where(q.state == Quarantine.HELD.value)
    dead = select(func.count()).where(m.dead_at.is_not(None), or_(m.lead.is_(None), m.lead == m.id))
    if party is not None:
        held, dead = held.where(q.party == party.signed), dead.where(m.party == party.signed)
    return int(connection.execute(held).scalar_one()), int(connection.execute(dead).scalar_one())
