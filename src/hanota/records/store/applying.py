"""Writing a step: the end of the transaction that claimed its rows. All of it is written, or nothing."""

from typing import Any, Final

import polars as pl
from sqlalchemy import ColumnElement, Connection, Table, case, delete, func, select, update

from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import texts_of_signed
from hanota.base.instant import Instant
from hanota.model.delivery import ENDS
from hanota.model.step import Step
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.alerts import Grouping, alert_events, write_alerts
from hanota.records.store.bulk import insert_frame, staged, staged_apart
from hanota.records.store.outbox import end_cancels
from hanota.records.store.versions import write_reported

_MOVED: Final = ("version", "offset", "blocks", "repeats")  # what an event brings beside the state


class MoveUnguarded(HanotaError):
    """A step was decided on rows that somebody changed meanwhile: whoever decides has to hold them."""

    code, fault, retryable = "HOTA-STORE-022", Fault.US, True
    what = "{missing} of {rows} deliveries are not in the state that was decided on; nothing was written"
    remedy = "it is decided anew by itself; if it comes again, report this with the log lines around it"


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

    The deliveries must be held by this transaction since before it was decided on them. `attested` tells whether
    statements explain versions (R26). Returns: how many moves were written. Raises MoveUnguarded.
    """
    moves = step.moves
    if moves.is_empty():
        return 0
    _write_deliveries(connection, _net(moves), now)
    _take_reports(connection, moves["report"].drop_nulls())
    answered = moves.filter(pl.col("event").is_in(["cancelled", "discarded"]))
    if answered.height:  # so an order that is cancelled ended at its hub
        end_cancels(connection, answered["delivery"])
    sends = step.sends.with_columns(pl.col("due").fill_null(now))
    insert_frame(connection, t.outbox, sends, queued_at=now)
    versions = write_reported(connection, lane, step.versions, now, attested=attested)
    events = [*_move_events(moves, now), *_version_events(versions, now)]
    alerts = write_alerts(connection, step.alerts, now, service_level_ms, grouping)
    append(connection, lane, [*events, *alert_events(alerts, now)])
    return moves.height


def _net(moves: pl.DataFrame) -> pl.DataFrame:
    """Give for each delivery where its moves bring it. A late event leaves its delivery as it is."""
    taken = moves.filter(~pl.col("late")) if moves["late"].any() else moves
    brought = [pl.when(pl.col("event").is_not_null()).then(name).alias(name) for name in _MOVED]
    rows = taken.select("delivery", "from", "to", "deadline", "due", "tries", *brought)
    if rows["delivery"].n_unique() == rows.height:
        return rows
    last, first = ("to", "deadline", "due", "tries"), ("from", *_MOVED)
    whole = rows.group_by("delivery", maintain_order=True)
    return whole.agg(pl.col(first).first(), pl.col(last).last()).select(rows.columns)


def _write_deliveries(connection: Connection, rows: pl.DataFrame, now: Instant) -> None:
    if rows.is_empty():
        return
    d, (s, c) = t.delivery, staged_apart(connection, "moves", rows)
    written = connection.execute(
        update(d)
        .where(d.c.id == c["delivery"], d.c.state == c["from"])
        .values(
            state=c["to"],
            since=case((c["to"] == d.c.state, d.c.since), else_=now),
            deadline=c["deadline"],
            due=c["due"],
            tries=c["tries"],
            version_reported=func.coalesce(c["version"], d.c.version_reported),
            offset=func.coalesce(c["offset"], d.c.offset),
            blocks=func.coalesce(c["blocks"], d.c.blocks),
            repeats=func.coalesce(c["repeats"], d.c.repeats),
        )
    ).rowcount
    require(written == rows.height, MoveUnguarded, missing=rows.height - written, rows=rows.height)
    if rows["to"].is_in(sorted(ENDS)).any():
        _end(connection, s, c)


def _end(connection: Connection, s: Table, c: dict[str, ColumnElement[Any]]) -> None:
    """Let go of the devices of deliveries that ended, and of orders that have not left: they must not leave now."""
    d, o = t.delivery, t.outbox.c
    ended = c["to"].in_(sorted(ENDS))
    deliveries = select(c["delivery"]).where(ended)
    devices = select(d.c.device).select_from(s.join(d, d.c.id == c["delivery"])).where(ended)
    connection.execute(delete(t.work).where(t.work.c.device.in_(devices), t.work.c.delivery.in_(deliveries)))
    connection.execute(delete(t.outbox).where(o.delivery.in_(deliveries), o.due.is_not(None), o.sent_at.is_(None)))


def _take_reports(connection: Connection, reports: pl.Series) -> None:
    if reports.len():
        woken = select(staged(connection, "woken", reports.alias("id").to_frame()).c.id)
        connection.execute(update(t.report).where(t.report.c.id.in_(woken)).values(taken=True))


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
        "device": texts_of_signed(versions["device"]),
        "version": versions["version"].to_list(),
    }
    return [Event(kind="inventory_changed", at=now, columns=columns)]
