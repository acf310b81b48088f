"""The alert outbox: each alert is made once for each party concerned, and stays until the party has taken it."""

from dataclasses import dataclass
from typing import Final

import polars as pl
from sqlalchemy import BigInteger, Connection, Table, case, func, insert, literal, or_, select, update

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import HOUR, SECOND, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.model.alerts import ALERTS, AlertKind, Audience
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.frames import name_set, read_frame

RETRY_FIRST_MS: Final = 5 * SECOND
RETRY_MAX_MS: Final = 1 * HOUR
POSTED_AT_ONCE_MAX: Final = 50
"""How many alerts one party with an endpoint is given at a time: others wait meanwhile."""
_DOUBLINGS_MAX: Final = (RETRY_MAX_MS // RETRY_FIRST_MS).bit_length()


def write_alerts(connection: Connection, alerts: pl.DataFrame, now: Instant, service_level_ms: int) -> pl.DataFrame:
    """Make one alert for each party of each alert's audience; an alert that stands already is not made again."""
    if alerts.is_empty():
        return alerts
    audience = {kind.value: row.audience.value for kind, row in ALERTS.items()}
    due = alerts.with_columns(pl.col("kind").replace_strict(audience).alias("audience"))
    named = name_set(connection, due["delivery"].unique(maintain_order=True))
    concerned = _concerned(connection, named, now)
    wanted = pl.col("is_sender") & (pl.col("audience") != Audience.OTHERS.value)
    others = ~pl.col("is_sender") & (pl.col("audience") != Audience.SENDER.value)
    rows = due.join(concerned, on="delivery", how="inner", maintain_order="left").filter(wanted | others)
    standing = read_frame(
        connection,
        select(t.alert.c.delivery, t.alert.c.party, t.alert.c.kind).join(named, named.c.id == t.alert.c.delivery),
    )
    rows = rows.join(standing, on=["delivery", "party", "kind"], how="anti")
    first = connection.execute(select(func.coalesce(func.max(t.alert.c.id), 0))).scalar_one() + 1
    rows = (
        rows.drop("audience", "is_sender").with_row_index("id", offset=first).with_columns(pl.col("id").cast(pl.Int64))
    )
    if rows.height:
        connection.execute(
            insert(t.alert).values(created_at=now, deadline=now + service_level_ms, due=now, tries=0), rows.to_dicts()
        )
    return rows


def _concerned(connection: Connection, named: Table, now: Instant) -> pl.DataFrame:
    """Sender and other Responsible Suppliers of each delivery (R16, R18)."""
    d, r, e = t.delivery, t.request, t.eligibility
    senders = read_frame(
        connection,
        select(d.c.id.label("delivery"), r.c.originator.label("party"))
        .join(named, named.c.id == d.c.id)
        .join(r, r.c.id == d.c.request),
    ).with_columns(pl.lit(value=True).alias("is_sender"))
    others = read_frame(
        connection,
        select(d.c.id.label("delivery"), e.c.party)
        .join(named, named.c.id == d.c.id)
        .join(e, e.c.device == d.c.device)
        .where(e.c.since <= now, e.c.until > now),
    ).with_columns(pl.lit(value=False).alias("is_sender"))
    return pl.concat([senders, others.join(senders, on=["delivery", "party"], how="anti")]).unique(
        ["delivery", "party"], maintain_order=True
    )


def alert_events(alerts: pl.DataFrame, now: Instant) -> list[Event]:
    """Give the events that record alerts: one a kind, a column row an alert."""
    events = []
    for (kind,), rows in alerts.group_by(["kind"], maintain_order=True):
        columns = {
            "delivery": rows["delivery"].to_list(),
            "alert": rows["id"].to_list(),
            "party": [str(Eui64.from_signed(eui)) for eui in rows["party"]],
        }
        facts = {"alert_kind": str(kind), "code": ALERTS[AlertKind(str(kind))].code.value}
        events.append(Event(kind="alert_due", at=now, facts=facts, columns=columns))
    return events


@dataclass(frozen=True, slots=True, kw_only=True)
class DueAlert:
    """An alert that is to go to its party, with all that its message says."""

    id: int
    party: Eui64
    endpoint: str | None
    kind: AlertKind
    request_id: RequestId
    delivery: int
    hub: Eui64
    device: Eui64
    device_type: DeviceType
    version_target: int
    at: Instant
    version: int | None
    version_smi: int | None
    result: int | None
    tries: int


def due_alerts(connection: Connection, now: Instant, limit: int = 500) -> list[DueAlert]:
    """Give alerts that are due, the earliest deadline first; at most POSTED_AT_ONCE_MAX for one endpoint."""
    a, d, r, v, i, p = t.alert, t.delivery, t.request, t.device, t.image, t.party
    place = func.row_number().over(partition_by=a.c.party, order_by=(a.c.deadline, a.c.id)).label("place")
    first = select(a.c.id, place).where(a.c.due <= now).subquery()
    query = (
        select(
            a.c.id,
            a.c.party,
            p.c.endpoint,
            a.c.kind,
            r.c.request_id,
            d.c.id.label("delivery"),
            d.c.hub,
            d.c.device,
            v.c.device_type,
            i.c.version.label("version_target"),
            a.c.at,
            a.c.version,
            a.c.version_smi,
            a.c.result,
            a.c.tries,
        )
        .join(first, first.c.id == a.c.id)
        .join(d, d.c.id == a.c.delivery)
        .join(r, r.c.id == d.c.request)
        .join(v, v.c.eui == d.c.device)
        .join(i, i.c.hash == r.c.image)
        .outerjoin(p, p.c.eui == a.c.party)
        .where(or_(p.c.endpoint.is_(None), first.c.place <= POSTED_AT_ONCE_MAX))
        .order_by(a.c.deadline, a.c.id)
        .limit(limit)
    )
    return [
        DueAlert(
            id=row.id,
            party=Eui64.from_signed(row.party),
            endpoint=row.endpoint,
            kind=AlertKind(row.kind),
            request_id=RequestId.parse(row.request_id),
            delivery=row.delivery,
            hub=Eui64.from_signed(row.hub),
            device=Eui64.from_signed(row.device),
            device_type=DeviceType(row.device_type),
            version_target=row.version_target,
            at=Instant(row.at),
            version=row.version,
            version_smi=row.version_smi,
            result=row.result,
            tries=row.tries,
        )
        for row in connection.execute(query)
    ]


def keep_for_reading(connection: Connection, alert: DueAlert, response_id: str, octets: bytes, now: Instant) -> None:
    """Put a message where a party without endpoint reads it; the same message again changes nothing."""
    standing = connection.execute(select(t.inbox.c.party).where(t.inbox.c.response_id == response_id)).first()
    if standing is None:
        row = {"response_id": response_id, "party": alert.party.signed, "octets": octets, "delivered_at": now}
        connection.execute(insert(t.inbox).values(row))


def mark_delivered(connection: Connection, lane: str, alert: DueAlert, now: Instant) -> None:
    """Record that the party has taken an alert."""
    connection.execute(
        update(t.alert)
        .where(t.alert.c.id == alert.id, t.alert.c.delivered_at.is_(None))
        .values(due=None, delivered_at=now, tries=t.alert.c.tries + 1)
    )
    columns: dict[str, list[int | str | None]] = {
        "delivery": [alert.delivery],
        "alert": [alert.id],
        "party": [str(alert.party)],
    }
    facts = {"alert_kind": alert.kind.value}
    append(connection, lane, [Event(kind="alert_delivered", at=now, facts=facts, columns=columns)])


def mark_refused(connection: Connection, alert: DueAlert, now: Instant) -> None:
    """Set the next try after one that failed: doubling from RETRY_FIRST_MS to RETRY_MAX_MS."""
    wait = min(RETRY_FIRST_MS << min(alert.tries, 20), RETRY_MAX_MS)
    connection.execute(
        update(t.alert).where(t.alert.c.id == alert.id).values(due=now + wait, tries=t.alert.c.tries + 1)
    )


def put_off(connection: Connection, party: Eui64, now: Instant) -> None:
    """Set the next try of every alert that a party is due, as if each had been refused."""
    a = t.alert.c
    doubled = literal(RETRY_FIRST_MS, BigInteger).bitwise_lshift(a.tries)
    wait = case((a.tries >= _DOUBLINGS_MAX, RETRY_MAX_MS), else_=doubled)
    waiting = (a.party == party.signed, a.due <= now)
    connection.execute(update(t.alert).where(*waiting).values(due=now + wait, tries=a.tries + 1))
