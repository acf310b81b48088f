"""Writing a step: the end of the transaction that claimed its rows. All of it is written, or nothing."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
from sqlalchemy import ColumnElement, Connection, Table, case, delete, func, select, tuple_, update

from hanota.base.errors import Fault, HanotaError, require
from hanota.base.instant import Instant
from hanota.model.delivery import ENDS
from hanota.model.step import Step
from hanota.records.ledger import Event, append, batch_event
from hanota.records.store import schema as t
from hanota.records.store.alerts import Grouping, alert_events, write_alerts
from hanota.records.store.bulk import insert_frame, staged_apart
from hanota.records.store.directed import from_staged, only_checked
from hanota.records.store.outbox import end_cancels
from hanota.records.store.versions import write_reported

_KEPT: Final = ("version", "offset", "blocks", "repeats")  # what an event brings beside the state
_BROUGHT: Final = (*_KEPT, "result", "until")


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
    kept_as_taken: bool = False,
) -> int:
    """Write a step: moves, reports taken, sends, alerts, versions and the events that record all of it.

    The deliveries must be held by this transaction since before it was decided on them. `attested` tells whether
    statements explain versions (R26); `kept_as_taken`: the reports were kept so in this transaction. Returns: how many
    moves were written. Raises MoveUnguarded.
    """
    moves = step.moves
    if moves.is_empty():
        return 0
    net = _net(moves.with_columns(report=pl.lit(None, pl.Int64)) if kept_as_taken else moves)
    moved, c = staged_apart(connection, "moves", net)
    _write_deliveries(connection, net, moved, c, now)
    _take_reports(connection, net, moved, c)
    answered = moves.filter(pl.col("event").is_in(["cancelled", "discarded"]))
    if answered.height:  # so an order that is cancelled ended at its hub
        end_cancels(connection, answered["delivery"])
    sends = step.sends.with_columns(pl.col("due").fill_null(now))
    insert_frame(connection, t.outbox, sends, queued_at=now)
    versions = write_reported(connection, lane, step.versions, now, attested=attested)
    events = [*_move_events(moves, now), *_version_events(versions, now)]
    alerts = write_alerts(connection, step.alerts, moved, now=now, service_level_ms=service_level_ms, grouping=grouping)
    append(connection, lane, [*events, *alert_events(alerts, now)])
    return moves.height


def _net(moves: pl.DataFrame) -> pl.DataFrame:
    """Give for each delivery where its moves bring it, with what they bring, and the report that woke it."""
    counts = pl.col("event").is_not_null() & ~pl.col("late")
    brought = [pl.when(counts).then(name).alias(name) for name in _KEPT]
    rows = moves.select("delivery", "from", "to", "late", "report", "deadline", "due", "tries", *brought)
    if rows["delivery"].n_unique() == rows.height:
        return rows
    last, first = ("to", "deadline", "due", "tries"), ("from", "report")
    whole = rows.group_by("delivery", maintain_order=True)
    newest = [pl.col(name).drop_nulls().last() for name in _KEPT]
    return whole.agg(pl.col(first).first(), pl.col(last).last(), pl.col("late").all(), *newest).select(rows.columns)


def _write_deliveries(
    connection: Connection, net: pl.DataFrame, moved: Table, c: Mapping[str, ColumnElement[Any]], now: Instant
) -> None:
    """Write what is staged. A late event leaves its delivery as it is, but for when it was decided on."""
    d = t.delivery
    written = connection.execute(
        update(d)
        .where(d.c.id == c["delivery"], only_checked(d.c.state == c["from"]))
        .values(
            state=c["to"],
            since=case((c["to"] == d.c.state, d.c.since), else_=now),
            deadline=c["deadline"],
            due=c["due"],
            tries=c["tries"],
            decided_at=now,
            version_reported=func.coalesce(c["version"], d.c.version_reported),
            offset=func.coalesce(c["offset"], d.c.offset),
            blocks=func.coalesce(c["blocks"], d.c.blocks),
            repeats=func.coalesce(c["repeats"], d.c.repeats),
        )
    ).rowcount
    require(written == net.height, MoveUnguarded, missing=net.height - written, rows=net.height)
    if net["to"].is_in(sorted(ENDS)).any():
        _end(connection, moved, c)


def _end(connection: Connection, moved: Table, c: Mapping[str, ColumnElement[Any]]) -> None:
    """Let go of the devices of deliveries that ended, and of orders that have not left: they must not leave now."""
    d, w, o = t.delivery.c, t.work.c, t.outbox.c
    ended = ~c["late"], c["to"].in_(sorted(ENDS))
    works = select(d.device, d.id).where(d.id == c["delivery"], *ended)
    connection.execute(delete(t.work).where(tuple_(w.device, w.delivery).in_(works)))
    waiting = o.delivery == c["delivery"], only_checked(o.due.is_not(None) & o.sent_at.is_(None))
    orders = select(o.id).select_from(from_staged(moved, t.outbox, *waiting)).where(*ended)
    connection.execute(delete(t.outbox).where(o.id.in_(orders)))


def _take_reports(connection: Connection, net: pl.DataFrame, moved: Table, c: Mapping[str, ColumnElement[Any]]) -> None:
    if net["report"].null_count() < net.height:
        woken = select(c["report"]).select_from(moved).where(c["report"].is_not(None))
        connection.execute(update(t.report).where(t.report.c.id.in_(woken)).values(taken=True))


def _move_events(moves: pl.DataFrame, now: Instant) -> list[Event]:
    told = moves.filter(pl.col("event").is_not_null())
    events = []
    for (request, event, late), rows in told.group_by(["request", "event", "late"], maintain_order=True):
        brought = [name for name in _BROUGHT if rows[name].null_count() < rows.height]
        columns = rows.select("delivery", "from", "to", *brought, reported_at="at")
        kind = f"late_{event}" if late else str(event)
        events.append(batch_event(kind, now, columns, request=int(str(request))))
    return events


def _version_events(versions: pl.DataFrame, now: Instant) -> list[Event]:
    if versions.is_empty():
        return []
    return [batch_event("inventory_changed", now, versions.select("delivery", "device", "version"), euis=["device"])]
