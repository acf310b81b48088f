"""Claiming rows for a stage and applying its step: the two transactions around every decision.

A claim has a lease and an epoch. `apply` writes a row only if its epoch and state are still those of the claim, so a
worker that slept through its lease writes nothing, and a crash between the two only delays: the row is claimed again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    null,
    select,
    union_all,
    update,
)

from hanota.base.eui import texts_of_signed
from hanota.base.instant import SECOND, Instant
from hanota.model.delivery import ENDS, State
from hanota.model.policies import WanPolicy
from hanota.model.step import Step
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.alerts import Grouping, alert_events, write_alerts
from hanota.records.store.bulk import insert_frame, staged, staged_apart, staged_from, staging
from hanota.records.store.facts import delivery_facts, transferred_at
from hanota.records.store.frames import read_frame
from hanota.records.store.outbox import end_cancels
from hanota.records.store.outgoing import next_message_due
from hanota.records.store.versions import write_reported
from hanota.records.store.wan import BATCH_MAX, let_go, queue_opens, requested_in_turn

LEASE_MS: Final = 30 * SECOND
_WAN: Final = WanPolicy()
_QUEUE: Final = "queue"
_NO_REPORT: Final = cast(null(), BigInteger).label("report")
_OPEN: Final = tuple(state.value for state in State if state not in ENDS)
_NOW: Final = bindparam("now", type_=BigInteger)
_CLAIMED: Final = staging("claimed", (("id", pl.Int64), ("report", pl.Int64)))
_IN_TURN: Final = staging("in_turn", (("id", pl.Int64),))
_NEVER_HELD: Final = pl.DataFrame(schema={"delivery": pl.Int64, "transferred_at": pl.Int64})
_MOVED: Final = ("version", "offset", "blocks", "repeats")  # what an event brings beside the state

_FREE_IN_TURN: Final = (
    select(t.delivery.c.id, _NO_REPORT)
    .join(_IN_TURN, _IN_TURN.c.id == t.delivery.c.id)
    .where(t.delivery.c.leased_until <= _NOW)
    .with_for_update(of=t.delivery, key_share=True, skip_locked=True)
)
_LEASING: Final = (
    update(t.delivery)
    .where(t.delivery.c.id.in_(select(_CLAIMED.c.id)))
    .values(epoch=t.delivery.c.epoch + 1, leased_until=bindparam("until", type_=BigInteger))
)
_TOLD: Final = ("event", "at", "version", "result", "offset", "blocks", "repeats", "until")
_REPORTS: Final = (
    select(t.report.c.delivery, t.report.c.id.label("report"), *(t.report.c[name] for name in _TOLD))
    .select_from(_CLAIMED.join(t.report, t.report.c.id == _CLAIMED.c.report))
    .where(bindparam("by_report", type_=Boolean))
)

Staged = tuple[Table, dict[str, ColumnElement[Any]]]
"""Moves of a step, as statements join with them."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What could be claimed now: states of rows that are due, reports that nobody has taken, a network's queue."""

    states: frozenset[str]
    events: frozenset[str]
    queue: bool

    def any_for(self, takes: frozenset[State], hears: frozenset[str]) -> bool:
        """Whether a stage may find something."""
        return bool(self.states & takes or self.events & hears)


def waiting(connection: Connection, events: Iterable[str], now: Instant) -> Waiting:
    """Look what could be claimed, of states that are no ends and of reports `events`, at much less cost than stages
    that find nothing: each is one look into an index, however many rows wait.
    """
    found = frozenset(connection.execute(_looks(tuple(events)), {"now": now}).scalars())
    return Waiting(found.intersection(_OPEN), found.difference(_OPEN, {_QUEUE}), _QUEUE in found)


@lru_cache
def _looks(events: tuple[str, ...]) -> CompoundSelect[Any]:
    d, r = t.delivery.c, t.report.c
    state, event = _names("states", _OPEN), _names("events", sorted(events))
    lease = select(d.leased_until).where(d.id == r.delivery).correlate(t.report).scalar_subquery()
    due = _there(state, (d.state == state.c.name, d.due <= _NOW, d.leased_until <= _NOW), d.due)
    heard = _there(event, (r.event == event.c.name, ~r.taken, lease <= _NOW), r.id)
    queue = select(literal(_QUEUE)).where(exists().where(t.is_queued, d.leased_until <= _NOW))
    return union_all(due, heard, queue)


def _names(what: str, names: Sequence[str]) -> CTE:
    """Names as rows: so a look into each is planned once, not once a name and partition."""
    return union_all(*(select(literal(name).label("name")) for name in names)).cte(what)


def _there(names: CTE, conditions: tuple[Any, ...], first: ColumnElement[Any]) -> Select[Any]:
    """Those names for which there is such a row: the first of an index, in whose order is asked for lest PostgreSQL
    thinks that it finds one sooner among all rows.
    """
    one = select(literal(1)).where(*conditions).order_by(first).limit(1)
    return select(names.c.name).where(one.correlate(names).scalar_subquery().is_not(None))


def claim(
    connection: Connection, *, takes: Iterable[str], hears: Iterable[str], now: Instant, wan: WanPolicy = _WAN
) -> pl.DataFrame:
    """Claim up to BATCH_MAX rows: first those with a report that the stage hears, else those in a state it takes, due.

    Those REQUESTED come in turn, whoever asked for them. Returns: one row a delivery with its facts; `report` and the
    report's columns are null where time woke the row. `transferred_at`: when a device that says that it has no image
    had one, by its own word or its hub's.
    """
    count = staged_from(connection, _CLAIMED, _heard(frozenset(hears)), now=now)
    count -= _forget_taken(connection, count)
    by_report = count > 0
    if not by_report and State.REQUESTED in takes:
        count = _numbered(connection, requested_in_turn(connection, wan, now), now)
    elif not by_report:
        count = staged_from(connection, _CLAIMED, _due(frozenset(takes)), now=now)
    return _take(connection, count, now, by_report=by_report)


def claim_leaving(connection: Connection, now: Instant, wan: WanPolicy = _WAN) -> pl.DataFrame:
    """Claim what leaves the queues of the wide-area networks now, as `claim` does."""
    return _take(connection, _numbered(connection, let_go(connection, wan, now), now), now, by_report=False)


def _numbered(connection: Connection, deliveries: pl.Series, now: Instant) -> int:
    """Name the deliveries to claim, which time and their turn woke, less what another worker is claiming."""
    staged(connection, "in_turn", deliveries.alias("id").to_frame())
    return staged_from(connection, _CLAIMED, _FREE_IN_TURN, now=now)


def _take(connection: Connection, count: int, now: Instant, *, by_report: bool) -> pl.DataFrame:
    if count:
        connection.execute(_LEASING, {"until": now + LEASE_MS})
    facts = delivery_facts(connection, _CLAIMED, now)
    heard = read_frame(connection, _REPORTS, by_report=by_report)
    missed = heard.filter(pl.col("event") == "image_missing")["delivery"]
    held = transferred_at(connection, missed) if missed.len() else _NEVER_HELD
    return facts.join(heard.join(held, on="delivery", how="left"), on="delivery", how="left", maintain_order="left")


@lru_cache
def _heard(hears: frozenset[str]) -> Select[Any]:
    """The deliveries with a report that nobody has taken, of which nobody has a lease: each with its oldest report."""
    r, d = t.report, t.delivery
    oldest = (
        select(r.c.id, r.c.delivery)
        .join(d, d.c.id == r.c.delivery)
        .where(~r.c.taken, r.c.event.in_(sorted(hears)), d.c.leased_until <= _NOW)
        .order_by(r.c.id)
        .limit(BATCH_MAX)
        .with_for_update(of=d, key_share=True, skip_locked=True)
        .subquery()
    )
    return select(oldest.c.delivery.label("id"), func.min(oldest.c.id).label("report")).group_by(oldest.c.delivery)


def _forget_taken(connection: Connection, count: int) -> int:
    """Look again once the deliveries are locked: until then another worker may have taken what was said of them."""
    if not count or connection.dialect.name == "sqlite":  # there nobody writes meanwhile
        return 0
    taken = select(t.report.c.id).where(t.report.c.taken, t.report.c.id == _CLAIMED.c.report).exists()
    return connection.execute(delete(_CLAIMED).where(taken)).rowcount


@lru_cache
def _due(takes: frozenset[str]) -> Select[Any]:
    d, r = t.delivery, t.report
    heard_of = (
        select(r.c.id).where(r.c.delivery == d.c.id, ~r.c.taken).exists()
    )  # what was said counts before time does
    return (
        select(d.c.id, _NO_REPORT)
        .where(d.c.state.in_(sorted(takes)), d.c.due <= _NOW, d.c.leased_until <= _NOW, ~heard_of)
        .order_by(d.c.due)
        .limit(BATCH_MAX)
        .with_for_update(of=d, key_share=True, skip_locked=True)
    )


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
    moves, standing = _still_claimed(connection, step.moves)
    if moves.is_empty():
        return 0
    kept = moves.select("delivery")
    _write_deliveries(connection, standing, moves, now)
    _take_reports(connection, standing, moves)
    answered = moves.filter(pl.col("event").is_in(["cancelled", "discarded"]))
    if answered.height:  # so an order that is cancelled ended at its hub
        end_cancels(connection, answered["delivery"])
    sends = step.sends.join(kept, on="delivery", how="semi", maintain_order="left")
    insert_frame(connection, t.outbox, sends, queued_at=now, due=now)
    reported = step.versions.join(kept, on="delivery", how="semi")
    versions = write_reported(connection, lane, reported, now, attested=attested)
    events = [*_move_events(moves, now), *_version_events(versions, now)]
    due = step.alerts.join(kept, on="delivery", how="semi")
    alerts = write_alerts(connection, due, now, service_level_ms, grouping)
    append(connection, lane, [*events, *alert_events(alerts, now)])
    return moves.height


def _still_claimed(connection: Connection, moves: pl.DataFrame) -> tuple[pl.DataFrame, Staged]:
    """Give the moves whose claim holds, and what they are staged as."""
    d = t.delivery.c
    brought = [pl.when(pl.col("event").is_not_null()).then(name).alias(name) for name in _MOVED]
    rows = moves.select("delivery", "epoch", "from", "to", "late", "report", "deadline", "due", "tries", *brought)
    s, c = staged_apart(connection, "moves", rows)
    same = and_(d.id == c["delivery"], d.epoch == c["epoch"], d.state == c["from"])
    standing = select(c["delivery"]).select_from(s.join(t.delivery, same)).order_by(c["delivery"])
    locked = standing.with_for_update(of=t.delivery, key_share=True)
    if connection.execute(select(func.count()).select_from(locked.subquery())).scalar_one() == rows.height:
        return moves, (s, c)
    held = read_frame(connection, locked)
    staged_of_held = staged_apart(connection, "moves", rows.join(held, on="delivery", how="semi"))
    return moves.join(held, on="delivery", how="semi", maintain_order="left"), staged_of_held


def _write_deliveries(connection: Connection, standing: Staged, moves: pl.DataFrame, now: Instant) -> None:
    """Write what is staged. A late event leaves its delivery as it is; nobody has it any more.

    A lease ends at the time of what was decided, not before: so no worker whose step began earlier decides next, and
    the times of a delivery's events, in whichever lanes, are in the order in which they happened.
    """
    d, (s, c) = t.delivery, standing
    same = d.c.id == c["delivery"], d.c.epoch == c["epoch"], d.c.state == c["from"]
    if not moves["late"].all():
        connection.execute(
            update(d)
            .where(*same, ~c["late"])
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
                leased_until=now,
            )
        )
    if moves["late"].any():
        connection.execute(update(d).where(*same, c["late"]).values(leased_until=now))
    if moves.filter(~pl.col("late") & pl.col("to").is_in(sorted(ENDS))).height:
        ended = ~c["late"], c["to"].in_(sorted(ENDS))
        deliveries = select(c["delivery"]).where(*ended)
        devices = select(d.c.device).select_from(s.join(d, d.c.id == c["delivery"])).where(*ended)
        connection.execute(delete(t.work).where(t.work.c.device.in_(devices), t.work.c.delivery.in_(deliveries)))
        o = t.outbox.c  # an order that has not left must not leave now
        connection.execute(delete(t.outbox).where(o.delivery.in_(deliveries), o.due.is_not(None), o.sent_at.is_(None)))


def _take_reports(connection: Connection, standing: Staged, moves: pl.DataFrame) -> None:
    if moves["report"].null_count() < moves.height:
        s, c = standing
        woken = select(c["report"]).select_from(s).where(c["report"].is_not(None))
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


_FREE: Final = case((t.delivery.c.leased_until > t.delivery.c.due, t.delivery.c.leased_until), else_=t.delivery.c.due)
_DUES: Final = (
    select(func.min(_FREE)).where(t.delivery.c.due.is_not(None)),
    select(func.min(t.delivery.c.leased_until))
    .join(t.report, t.report.c.delivery == t.delivery.c.id)
    .where(~t.report.c.taken),
    queue_opens(),
    select(func.min(t.outbox.c.due)).where(t.outbox.c.due.is_not(None)),
    select(func.min(t.command.c.due)),
)


def next_due(connection: Connection, window: int = 4) -> Instant | None:
    """When the next row wants to be looked at; None if nothing is open. `window` is that of the policy for messages.

    A report that was kept and not taken wants it as soon as nobody has a lease on its delivery: its worker died.
    """
    soonest = [connection.execute(query).scalar_one() for query in _DUES]
    soonest.append(next_message_due(connection, window))
    return min((Instant(when) for when in soonest if when is not None), default=None)
