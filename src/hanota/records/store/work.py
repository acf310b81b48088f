"""Claiming rows for a stage and applying its step: the two transactions around every decision.

A claim has a lease and an epoch. `apply` writes a row only if its epoch and state are still those of the claim, so a
worker that slept through its lease writes nothing, and a crash between the two only delays: the row is claimed again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant
from hanota.model.alerts import AlertKind
from hanota.model.delivery import ENDS, State
from hanota.model.step import Step
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.alerts import Grouping, alert_events, write_alerts
from hanota.records.store.frames import name_set, read_frame
from hanota.records.store.outbox import end_cancels
from hanota.records.store.outgoing import next_message_due
from hanota.records.store.segments import missing
from hanota.records.store.versions import write_reported

LEASE_MS: Final = 30 * SECOND
BATCH_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What could be claimed now: states of rows that are due, and reports that nobody has taken."""

    states: frozenset[str]
    events: frozenset[str]

    def any_for(self, takes: frozenset[State], hears: frozenset[str]) -> bool:
        """Whether a stage may find something."""
        return bool(self.states & takes or self.events & hears)


_OPEN_EVENTS: Final = (
    select(t.report.c.event)
    .join(t.delivery, t.delivery.c.id == t.report.c.delivery)
    .where(~t.report.c.taken, t.delivery.c.leased_until <= bindparam("now"))
    .distinct()
)
_DUE_STATES: Final = (
    select(t.delivery.c.state)
    .where(t.delivery.c.due <= bindparam("now"), t.delivery.c.leased_until <= bindparam("now"))
    .distinct()
)


def waiting(connection: Connection, now: Instant) -> Waiting:
    """Look what could be claimed, at much less cost than four stages that find nothing."""
    return Waiting(
        frozenset(connection.execute(_DUE_STATES, {"now": now}).scalars()),
        frozenset(connection.execute(_OPEN_EVENTS, {"now": now}).scalars()),
    )


def claim(connection: Connection, *, takes: Iterable[str], hears: Iterable[str], now: Instant) -> pl.DataFrame:
    """Claim up to BATCH_MAX rows: first those with a report that the stage hears, else those in a state it takes, due.

    Returns: one row a delivery with its facts; `report` and the report's columns are null where time woke the row.
    """
    heard = _heard(connection, hears, now)
    ids = heard["delivery"].to_list() if heard.height else _due(connection, takes, now)
    if not ids:
        return heard
    named = name_set(connection, ids)
    connection.execute(
        update(t.delivery)
        .where(t.delivery.c.id.in_(select(named.c.id)))
        .values(epoch=t.delivery.c.epoch + 1, leased_until=now + LEASE_MS)
    )
    facts = _facts(connection, named, now)
    return facts.join(heard, on="delivery", how="left", maintain_order="left")


def _heard(connection: Connection, hears: Iterable[str], now: Instant) -> pl.DataFrame:
    r, d = t.report, t.delivery
    oldest = (
        select(func.min(r.c.id).label("id"))
        .join(d, d.c.id == r.c.delivery)
        .where(~r.c.taken, r.c.event.in_(list(hears)), d.c.leased_until <= now)
        .group_by(r.c.delivery)
        .order_by("id")
        .limit(BATCH_MAX)
        .subquery()
    )
    query = select(
        r.c.delivery,
        r.c.id.label("report"),
        r.c.event,
        r.c.at,
        r.c.version,
        r.c.result,
        r.c.offset,
        r.c.blocks,
        r.c.repeats,
        r.c.until,
    ).join(oldest, oldest.c.id == r.c.id)
    return read_frame(connection, query)


def _due(connection: Connection, takes: Iterable[str], now: Instant) -> list[int]:
    d, r = t.delivery, t.report
    heard_of = (
        select(r.c.id).where(r.c.delivery == d.c.id, ~r.c.taken).exists()
    )  # what was said counts before time does
    query = (
        select(d.c.id)
        .where(d.c.state.in_(list(takes)), d.c.due <= now, d.c.leased_until <= now, ~heard_of)
        .order_by(d.c.due)
        .limit(BATCH_MAX)
    )
    return list(connection.execute(query).scalars())


def _facts(connection: Connection, named: Table, now: Instant) -> pl.DataFrame:
    d, r, v, i = t.delivery, t.request, t.device, t.image
    eligible_until = (
        select(func.max(t.eligibility.c.until))
        .where(
            t.eligibility.c.device == d.c.device,
            t.eligibility.c.party == r.c.originator,
            t.eligibility.c.since <= now,
            t.eligibility.c.until > now,
        )
        .scalar_subquery()
    )
    query = (
        select(
            d.c.id.label("delivery"),
            d.c.epoch,
            d.c.state,
            d.c.since,
            d.c.deadline,
            d.c.due,
            d.c.tries,
            d.c.device,
            d.c.hub,
            v.c.device_type,
            v.c.version.label("version_smi"),
            i.c.version.label("version_target"),
            eligible_until.is_not(None).label("eligible"),
            eligible_until.label("eligible_until"),
            _untold(now).exists().label("newcomer"),
            _next_supplier(now).scalar_subquery().label("supplier_from"),
            _transferred_at().scalar_subquery().label("transferred_at"),
            missing().label("segments_missing"),
            select(t.work.c.device).where(t.work.c.delivery == d.c.id).exists().label("claimed"),
        )
        .join(named, named.c.id == d.c.id)
        .join(r, r.c.id == d.c.request)
        .join(v, v.c.eui == d.c.device)
        .join(i, i.c.hash == r.c.image)
        .order_by(d.c.id)
    )
    return read_frame(connection, query)


def _untold(now: Instant) -> Select[Any]:
    """Responsible Suppliers of a delivery's device who have not been told that another one asked for its update."""
    d, r, e, m = t.delivery, t.request, t.eligibility, t.message
    told = select(m.c.id).where(
        m.c.delivery == d.c.id, m.c.party == e.c.party, m.c.kind == AlertKind.UPGRADE_REQUESTED.value
    )
    untold = ~told.correlate(d, e).exists()
    return select(e.c.party).where(
        e.c.device == d.c.device, e.c.party != r.c.originator, e.c.since <= now, e.c.until > now, untold
    )


def _next_supplier(now: Instant) -> Select[Any]:
    """When somebody next becomes a Responsible Supplier of a delivery's device."""
    e = t.eligibility.c
    return select(func.min(e.since)).where(e.device == t.delivery.c.device, e.since > now)


def _transferred_at() -> Select[Any]:
    """When, by its own word or its hub's, the device held the image of a delivery."""
    r = t.report.c
    return select(func.max(r.at)).where(r.delivery == t.delivery.c.id, r.event == "transferred", r.taken)


def apply(
    connection: Connection,
    lane: str,
    step: Step,
    *,
    now: Instant,
    service_level_ms: int,
    grouping: Grouping = "device",
    attested: bool = False,
) -> int:
    """Write a step: moves, reports taken, sends, alerts, versions and the events that record all of it.

    `attested` tells whether statements explain versions (R26). Returns: how many rows were written; rows whose claim
    was lost are left alone, wholly.
    """
    moves = _still_claimed(connection, step.moves)
    if moves.is_empty():
        return 0
    kept = moves.select("delivery")
    done = moves.filter(~pl.col("late"))
    _write_deliveries(connection, done, now)
    _release(connection, moves.filter(pl.col("late")))
    _take_reports(connection, moves)
    answered = pl.col("event").is_in(["cancelled", "discarded"])  # so an order that is cancelled ended at its hub
    end_cancels(connection, moves.filter(answered)["delivery"].to_list())
    _write_sends(connection, step.sends.join(kept, on="delivery", how="semi"), now)
    versions = _newer(connection, step.versions.join(kept, on="delivery", how="semi"))
    _write_versions(connection, lane, versions, now, attested)
    events = [*_move_events(moves, now), *_version_events(versions, now)]
    due = step.alerts.join(kept, on="delivery", how="semi")
    alerts = write_alerts(connection, due, now, service_level_ms, grouping)
    append(connection, lane, [*events, *alert_events(alerts, now)])
    return moves.height


def _still_claimed(connection: Connection, moves: pl.DataFrame) -> pl.DataFrame:
    d = t.delivery
    named = name_set(connection, moves["delivery"])
    query = (
        select(d.c.id.label("delivery"), d.c.epoch, d.c.state.label("from"), d.c.request)
        .join(named, named.c.id == d.c.id)
        .order_by(d.c.id)
    )
    standing = read_frame(connection, query)
    return moves.join(standing, on=["delivery", "epoch", "from"], how="inner", maintain_order="left")


def _write_deliveries(connection: Connection, moves: pl.DataFrame, now: Instant) -> None:
    if moves.is_empty():
        return
    d = t.delivery
    moved = moves.filter(pl.col("event").is_not_null())
    if moved.height:
        connection.execute(
            update(d)
            .where(d.c.id == bindparam("_id"))
            .values(
                state=bindparam("_to"),
                since=case((d.c.state == bindparam("_to"), d.c.since), else_=now),
                version_reported=func.coalesce(bindparam("_version", type_=BigInteger), d.c.version_reported),
                offset=func.coalesce(bindparam("_offset", type_=Integer), d.c.offset),
                blocks=func.coalesce(bindparam("_blocks", type_=Integer), d.c.blocks),
                repeats=func.coalesce(bindparam("_repeats", type_=Integer), d.c.repeats),
            ),
            moved.select(
                _id="delivery", _to="to", _version="version", _offset="offset", _blocks="blocks", _repeats="repeats"
            ).to_dicts(),
        )
        ended = moved.filter(pl.col("to").is_in(sorted(ENDS)))
        if ended.height:
            ids = ended.select(_id="delivery").to_dicts()
            connection.execute(delete(t.work).where(t.work.c.delivery == bindparam("_id")), ids)
            unsent = t.outbox.c.sent_at.is_(None)  # an order that has not left must not leave now
            connection.execute(delete(t.outbox).where(t.outbox.c.delivery == bindparam("_id"), unsent), ids)
    connection.execute(
        update(d)
        .where(d.c.id == bindparam("_id"))
        .values(deadline=bindparam("_deadline"), due=bindparam("_due"), tries=bindparam("_tries"), leased_until=0),
        moves.select(_id="delivery", _deadline="deadline", _due="due", _tries="tries").to_dicts(),
    )


def _release(connection: Connection, late: pl.DataFrame) -> None:
    if late.height:
        connection.execute(
            update(t.delivery).where(t.delivery.c.id == bindparam("_id")).values(leased_until=0),
            late.select(_id="delivery").to_dicts(),
        )


def _take_reports(connection: Connection, moves: pl.DataFrame) -> None:
    woken = moves.filter(pl.col("report").is_not_null())
    if woken.height:
        connection.execute(
            update(t.report).where(t.report.c.id == bindparam("_id")).values(taken=True),
            woken.select(_id="report").to_dicts(),
        )


def _write_sends(connection: Connection, sends: pl.DataFrame, now: Instant) -> None:
    if sends.height:
        connection.execute(insert(t.outbox).values(queued_at=now, due=now), sends.to_dicts())


def _newer(connection: Connection, versions: pl.DataFrame) -> pl.DataFrame:
    """Leave out what was reported before what the inventory knows: an older report may overtake a newer one."""
    if versions.is_empty():
        return versions
    v = t.device
    named = name_set(connection, versions["device"])
    known = read_frame(connection, select(v.c.eui.label("device"), v.c.version_at).join(named, named.c.id == v.c.eui))
    return (
        versions.join(known, on="device", how="inner", maintain_order="left")
        .filter(pl.col("version_at").is_null() | (pl.col("version_at") <= pl.col("at")))
        .drop("version_at")
    )


def _write_versions(connection: Connection, lane: str, versions: pl.DataFrame, now: Instant, attested: bool) -> None:
    if versions.is_empty():
        return
    d, r, i = t.delivery, t.request, t.image
    named = name_set(connection, versions["delivery"])
    targets = read_frame(
        connection,
        select(d.c.id.label("delivery"), i.c.version.label("target"))
        .join(named, named.c.id == d.c.id)
        .join(r, r.c.id == d.c.request)
        .join(i, i.c.hash == r.c.image),
    )
    rows = versions.join(targets, on="delivery", how="inner", maintain_order="left")
    taken = rows.select(_device="device", _version="version", _at="at", _target="target").to_dicts()
    write_reported(connection, lane, taken, now, attested=attested)


def _move_events(moves: pl.DataFrame, now: Instant) -> list[Event]:
    told = moves.filter(pl.col("event").is_not_null())
    facts = ["at", "version", "result", "offset", "blocks", "repeats", "until"]
    events = []
    for (request, event, late), rows in told.group_by(["request", "event", "late"], maintain_order=True):
        columns = {"delivery": rows["delivery"].to_list(), "from": rows["from"].to_list(), "to": rows["to"].to_list()}
        columns |= {name: rows[name].to_list() for name in facts if rows[name].null_count() < rows.height}
        columns["reported_at"] = columns.pop("at", [None] * rows.height)
        kind = f"late_{event}" if late else str(event)
        events.append(Event(kind=kind, at=now, request=int(str(request)), columns=columns))
    return events


def _version_events(versions: pl.DataFrame, now: Instant) -> list[Event]:
    if versions.is_empty():
        return []
    columns = {
        "delivery": versions["delivery"].to_list(),
        "device": [str(Eui64.from_signed(eui)) for eui in versions["device"]],
        "version": versions["version"].to_list(),
    }
    return [Event(kind="inventory_changed", at=now, columns=columns)]


_FREE: Final = case((t.delivery.c.leased_until > t.delivery.c.due, t.delivery.c.leased_until), else_=t.delivery.c.due)
_DUES: Final = (
    select(func.min(_FREE)).where(t.delivery.c.due.is_not(None)),
    select(func.min(t.delivery.c.leased_until))
    .join(t.report, t.report.c.delivery == t.delivery.c.id)
    .where(~t.report.c.taken),
    select(func.min(t.outbox.c.due)),
    select(func.min(t.command.c.due)),
)


def next_due(connection: Connection, window: int = 4) -> Instant | None:
    """When the next row wants to be looked at; None if nothing is open. `window` is that of the policy for messages.

    A report that was kept and not taken wants it as soon as nobody has a lease on its delivery: its worker died.
    """
    soonest = [connection.execute(query).scalar_one() for query in _DUES]
    soonest.append(next_message_due(connection, window))
    return min((Instant(when) for when in soonest if when is not None), default=None)
