"""Claiming rows for a stage and applying its step: the beginning and the end of one transaction.

A claim is the lock that its transaction has on the rows: SQLite's one writer, on PostgreSQL row locks that others pass
over. It ends with the transaction, however that ends, so a crash loses nothing and delays nothing; and a worker writes
in it only while it holds its lane (`leases`), so one that slept through its lease writes nothing (docs/adr/0016).
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
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal,
    null,
    select,
    union_all,
)

from hanota.base.instant import Instant
from hanota.model.delivery import ENDS, State
from hanota.model.policies import WanPolicy
from hanota.records.store import schema as t
from hanota.records.store.bulk import staged, staged_from, staging
from hanota.records.store.facts import delivery_facts, transferred_at
from hanota.records.store.frames import read_frame
from hanota.records.store.outgoing import next_message_due
from hanota.records.store.spoken import TOLD
from hanota.records.store.turns import writes_alone
from hanota.records.store.wan import BATCH_MAX, let_go, queue_opens, requested_in_turn

_WAN: Final = WanPolicy()
_QUEUE: Final = "queue"
_NO_REPORT: Final = cast(null(), BigInteger).label("report")
_OPEN: Final = tuple(state.value for state in State if state not in ENDS)
_NOW: Final = bindparam("now", type_=BigInteger)
_CLAIMED: Final = staging("claimed", (("id", pl.Int64), ("report", pl.Int64)))
_IN_TURN: Final = staging("in_turn", (("id", pl.Int64),))
_NEVER_HELD: Final = pl.DataFrame(schema={"delivery": pl.Int64, "transferred_at": pl.Int64})

_FREE_IN_TURN: Final = (
    select(t.delivery.c.id, _NO_REPORT)
    .join(_IN_TURN, _IN_TURN.c.id == t.delivery.c.id)
    .with_for_update(of=t.delivery, key_share=True, skip_locked=True)
)
_HEARD_OF: Final = select(t.report.c.id).where(t.report.c.delivery == t.delivery.c.id, ~t.report.c.taken).exists()
_FREE_AND_QUIET: Final = _FREE_IN_TURN.where(~_HEARD_OF)
_NEXT: Final = t.report.alias("next")
_MORE: Final = select(_NEXT.c.id).where(
    _NEXT.c.delivery == t.report.c.delivery, ~_NEXT.c.taken, _NEXT.c.id != t.report.c.id
)
_REPORTS: Final = (
    select(
        t.report.c.delivery,
        t.report.c.id.label("report"),
        *(t.report.c[name] for name in TOLD),
        _MORE.correlate(t.report).exists().label("more_said"),
    )
    .select_from(_CLAIMED.join(t.report, t.report.c.id == _CLAIMED.c.report))
    .where(bindparam("by_report", type_=Boolean))
)


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
    due = _there(state, (d.state == state.c.name, d.due <= _NOW), d.due)
    heard = _there(event, (r.event == event.c.name, ~r.taken), r.id)
    queue = select(literal(_QUEUE)).where(exists().where(t.is_queued))
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


def claim(connection: Connection, *, takes: Iterable[str], hears: Iterable[str], now: Instant) -> pl.DataFrame:
    """Claim up to BATCH_MAX rows: first those with a report that the stage hears, else those in a state it takes, due.

    Returns: one row a delivery with its facts; `report` and the
    report's columns are null where time woke the row. `more_said`: another report of it waits. `transferred_at`: when a
    device that says that it has no image had one, by its own word or its hub's.
    """
    count = staged_from(connection, _CLAIMED, _heard(frozenset(hears)), now=now)
    count -= _forget_taken(connection, count)
    by_report = count > 0
    if not by_report:
        staged_from(connection, _CLAIMED, _due(frozenset(takes)), now=now)
    return _take(connection, now, by_report=by_report)


def claim_requested(connection: Connection, now: Instant, wan: WanPolicy = _WAN) -> pl.DataFrame:
    """Claim what was asked for, in turn, whoever asked for it; as `claim` does, with `region` and `turn`."""
    rows = requested_in_turn(connection, wan, now)
    _numbered(connection, rows["delivery"], now)
    return _take(connection, now, by_report=False).join(rows, on="delivery", how="inner", maintain_order="left")


def claim_leaving(connection: Connection, now: Instant, wan: WanPolicy = _WAN) -> pl.DataFrame:
    """Claim what leaves the queues of the wide-area networks now, as `claim` does."""
    _numbered(connection, let_go(connection, wan, now), now)
    return _take(connection, now, by_report=False)


def _numbered(connection: Connection, deliveries: pl.Series, now: Instant) -> None:
    """Name the deliveries to claim, which time and their turn woke, less what another worker is claiming."""
    staged(connection, "in_turn", deliveries.alias("id").to_frame())
    staged_from(connection, _CLAIMED, _FREE_IN_TURN, now=now)


def claim_quiet(connection: Connection, deliveries: pl.Series, now: Instant) -> pl.Series:
    """Claim those of deliveries of which nothing waits to be taken, and which nobody else has: what is said of them now
    may be taken now. `facts_for` gives their facts.
    """
    staged(connection, "in_turn", deliveries.alias("id").to_frame())
    count = staged_from(connection, _CLAIMED, _FREE_AND_QUIET, now=now)
    return deliveries if count == deliveries.len() else read_frame(connection, select(_CLAIMED.c.id))["id"]


def facts_for(
    connection: Connection, said: pl.DataFrame, now: Instant, rows: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Give what `claim` gives of what `claim_quiet` has claimed, for each thing that is `spoken` of it.

    `rows` are these deliveries as they stand (`facts.standing`), if that is known.
    """
    return _beside_facts(connection, said, now, rows).sort("turn", maintain_order=True)


def _take(connection: Connection, now: Instant, *, by_report: bool) -> pl.DataFrame:
    return _beside_facts(connection, read_frame(connection, _REPORTS, by_report=by_report), now)


def _beside_facts(
    connection: Connection, heard: pl.DataFrame, now: Instant, rows: pl.DataFrame | None = None
) -> pl.DataFrame:
    facts = delivery_facts(connection, _CLAIMED, now, rows)
    missed = heard.filter(pl.col("event") == "image_missing")["delivery"]
    held = transferred_at(connection, missed) if missed.len() else _NEVER_HELD
    return facts.join(heard.join(held, on="delivery", how="left"), on="delivery", how="left", maintain_order="left")


@lru_cache
def _heard(hears: frozenset[str]) -> Select[Any]:
    """The deliveries with a report that nobody has taken, and which nobody else has: each with its oldest report."""
    r, d = t.report, t.delivery
    oldest = (
        select(r.c.id, r.c.delivery)
        .join(d, d.c.id == r.c.delivery)
        .where(~r.c.taken, r.c.event.in_(sorted(hears)))
        .order_by(r.c.id)
        .limit(BATCH_MAX)
        .with_for_update(of=d, key_share=True, skip_locked=True)
        .subquery()
    )
    return select(oldest.c.delivery.label("id"), func.min(oldest.c.id).label("report")).group_by(oldest.c.delivery)


def _forget_taken(connection: Connection, count: int) -> int:
    """Look again once the deliveries are locked: until then another worker may have taken what was said of them."""
    if not count or writes_alone(connection):
        return 0
    taken = select(t.report.c.id).where(t.report.c.taken, t.report.c.id == _CLAIMED.c.report).exists()
    return connection.execute(delete(_CLAIMED).where(taken)).rowcount


@lru_cache
def _due(takes: frozenset[str]) -> Select[Any]:
    d = t.delivery
    return (
        select(d.c.id, _NO_REPORT)
        .where(d.c.state.in_(sorted(takes)), d.c.due <= _NOW, ~_HEARD_OF)  # what was said counts before time does
        .order_by(d.c.due)
        .limit(BATCH_MAX)
        .with_for_update(of=d, key_share=True, skip_locked=True)
    )


_DUES: Final = (
    select(func.min(t.delivery.c.due)).where(t.delivery.c.due.is_not(None)),
    select(func.min(t.report.c.received_at)).where(~t.report.c.taken),
    queue_opens(),
    select(func.min(t.outbox.c.due)).where(t.outbox.c.due.is_not(None)),
    select(func.min(t.command.c.due)),
)


def next_due(connection: Connection, window: int = 4) -> Instant | None:
    """When the next row wants to be looked at; None if nothing is open. `window` is that of the policy for messages.

    A report that was kept and not taken wants it at once: nothing else would ever wake its row in time.
    """
    soonest = [connection.execute(query).scalar_one() for query in _DUES]
    soonest.append(next_message_due(connection, window))
    return min((Instant(when) for when in soonest if when is not None), default=None)
