"""Claiming rows for a stage and applying its step: the two transactions around every decision.

A claim has a lease and an epoch. `apply` writes a row only if its epoch and state are still those of the claim, so a
worker that slept through its lease writes nothing, and a crash between the two only delays: the row is claimed again.
"""

from collections.abc import Iterable
from typing import Final

import polars as pl
from sqlalchemy import BigInteger, Connection, Integer, Table, bindparam, case, delete, func, insert, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant
from hanota.model.delivery import ENDS
from hanota.model.step import Step
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.alerts import Grouping, alert_events, write_alerts
from hanota.records.store.frames import name_set, read_frame
from hanota.records.store.outbox import end_cancels
from hanota.records.store.outgoing import next_message_due

LEASE_MS: Final = 30 * SECOND
BATCH_MAX: Final = 10_000


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
        )
        .join(named, named.c.id == d.c.id)
        .join(r, r.c.id == d.c.request)
        .join(v, v.c.eui == d.c.device)
        .join(i, i.c.hash == r.c.image)
        .order_by(d.c.id)
    )
    return read_frame(connection, query)


def apply(
    connection: Connection, lane: str, step: Step, *, now: Instant, service_level_ms: int, grouping: Grouping = "device"
) -> int:
    """Write a step: moves, reports taken, sends, alerts, versions and the events that record all of it.

    Returns: how many rows were written; rows whose claim was lost are left alone, wholly.
    """
    moves = _still_claimed(connection, step.moves)
    if moves.is_empty():
        return 0
    kept = moves.select("delivery")
    done = moves.filter(~pl.col("late"))
    _write_deliveries(connection, done, now)
    _release(connection, moves.filter(pl.col("late")))
    _take_reports(connection, moves)
    end_cancels(connection, moves.filter(pl.col("event") == "cancelled")["delivery"].to_list())
    _write_sends(connection, step.sends.join(kept, on="delivery", how="semi"), now)
    versions = _newer(connection, step.versions.join(kept, on="delivery", how="semi"))
    _write_versions(connection, versions)
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


def _write_versions(connection: Connection, versions: pl.DataFrame) -> None:
    if versions.height:
        connection.execute(
            update(t.device)
            .where(t.device.c.eui == bindparam("_device"))
            .values(version=bindparam("_version"), version_at=bindparam("_at"), version_origin="reported"),
            versions.select(_device="device", _version="version", _at="at").to_dicts(),
        )


def _move_events(moves: pl.DataFrame, now: Instant) -> list[Event]:
    told = moves.filter(pl.col("event").is_not_null())
    facts = ["at", "version", "result", "offset", "blocks", "repeats"]
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


def next_due(connection: Connection, window: int = 4) -> Instant | None:
    """When the next row wants to be looked at; None if nothing is open. `window` is that of the policy for messages.

    A report that was kept and not taken wants it as soon as nobody has a lease on its delivery: its worker died.
    """
    d, r = t.delivery, t.report
    free = case((d.c.leased_until > d.c.due, d.c.leased_until), else_=d.c.due)
    soonest = [
        connection.execute(select(func.min(free)).where(d.c.due.is_not(None))).scalar_one(),
        connection.execute(
            select(func.min(d.c.leased_until)).join(r, r.c.delivery == d.c.id).where(~r.c.taken)
        ).scalar_one(),
        next_message_due(connection, window),
        connection.execute(select(func.min(t.outbox.c.due))).scalar_one(),
        connection.execute(select(func.min(t.command.c.due))).scalar_one(),
    ]
    return min((Instant(when) for when in soonest if when is not None), default=None)
