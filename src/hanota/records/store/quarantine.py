"""Requests beyond an anomaly limit: held with their octets until an operator releases or drops them (R29)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from hanota.base.errors import Fault, HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t


class Quarantine(StrEnum):
    """How a request stands that was held."""

    HELD = "held"
    RELEASED = "released"
    DROPPED = "dropped"


class NotHeld(HanotaError):
    """A request that is not in quarantine, or no longer."""

    code, fault = "HOTA-STORE-010", Fault.OPERATOR
    what = "no request number {number} is held in quarantine"
    remedy = "see the list of what is held; another operator may have decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A request in quarantine, as it came."""

    number: int
    octets: bytes
    service: str
    received_at: Instant


def recent_requests(connection: Connection, party: Eui64, services: frozenset[str], since: Instant) -> int:
    """Count the authentic requests of a party for these services that came after `since`; dropped ones don't count."""
    r, q = t.request.c, t.quarantine
    query = (
        select(func.count())
        .select_from(t.request.outerjoin(q, q.c.request == r.id))
        .where(
            r.originator == party.signed,
            r.service_reference.in_(sorted(services)),
            r.received_at > since,
            r.key.is_not(None),
            func.coalesce(q.c.state, "") != Quarantine.DROPPED.value,
        )
    )
    return int(connection.execute(query).scalar_one())


def held_of(connection: Connection, party: Eui64) -> int:
    """Count what is held of a party."""
    q = t.quarantine.c
    query = select(func.count()).where(q.party == party.signed, q.state == Quarantine.HELD.value)
    return int(connection.execute(query).scalar_one())


def hold(connection: Connection, lane: str, number: int, *, party: Eui64, service: str, now: Instant) -> None:
    """Put a request that was just kept into quarantine."""
    values = {"request": number, "party": party.signed, "service": service, "since": now, "state": Quarantine.HELD}
    connection.execute(insert(t.quarantine).values(values))
    append(connection, lane, [Event(kind="quarantined", at=now, request=number, facts={"party": str(party)})])


def decide(connection: Connection, lane: str, number: int, state: Quarantine, now: Instant) -> Held:
    """Release or drop what is held. Raises NotHeld."""
    q = t.quarantine.c
    done = connection.execute(
        update(t.quarantine)
        .where(q.request == number, q.state == Quarantine.HELD.value)
        .values(state=state.value, decided_at=now)
    )
    if not done.rowcount:
        raise NotHeld(number=number)
    append(connection, lane, [Event(kind=f"quarantine_{state.value}", at=now, request=number)])
    row = connection.execute(
        select(t.request.c.octets, t.request.c.received_at, q.service)
        .join(t.quarantine, q.request == t.request.c.id)
        .where(t.request.c.id == number)
    ).one()
    return Held(number=number, octets=row.octets, service=row.service, received_at=row.received_at)


def quarantined(connection: Connection, *, party: Eui64 | None = None, limit: int = 100) -> Sequence[Row[Any]]:
    """Give requests that are or were held, newest first: of one party, or of all."""
    q, r, p = t.quarantine, t.request, t.party
    query = (
        select(q, r.c.request_id, r.c.service_reference, p.c.name.label("party_name"))
        .join(r, r.c.id == q.c.request)
        .outerjoin(p, p.c.eui == q.c.party)
        .order_by(q.c.request.desc())
        .limit(limit)
    )
    return connection.execute(query if party is None else query.where(q.c.party == party.signed)).all()
