"""The log in the store: append in the transaction that makes the change, read back, verify."""

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import Connection, func, insert, select

from hanota.records.ledger.chain import GENESIS, ChainReport, Entry, Event, check, entry_of, of_delivery
from hanota.records.store.schema import event
from hanota.records.store.turns import serialise


def append(connection: Connection, lane: str, events: Iterable[Event]) -> None:
    """Append events to a lane; the caller's transaction makes them durable together with what they record."""
    serialise(connection, f"lane {lane}")
    last = connection.execute(
        select(event.c.seq, event.c.digest).where(event.c.lane == lane).order_by(event.c.seq.desc()).limit(1)
    ).first()
    before, digest = (last.seq, last.digest) if last else (0, GENESIS)
    rows = []
    for seq, happened in enumerate(events, before + 1):
        entry = entry_of(happened, lane, seq, digest)
        digest = entry.digest
        rows.append(asdict(entry))
    if rows:
        connection.execute(insert(event), rows)


def entered(connection: Connection, lane: str, after: int, limit: int = 1000) -> list[Entry]:
    """Give the events of a lane beyond a number, oldest first."""
    query = select(event).where(event.c.lane == lane, event.c.seq > after).order_by(event.c.seq).limit(limit)
    return [Entry(**row) for row in connection.execute(query).mappings()]


def last_number(connection: Connection, lane: str) -> int:
    """Give the number of the newest event of a lane; 0 where it has none."""
    return connection.execute(select(func.max(event.c.seq)).where(event.c.lane == lane)).scalar_one() or 0


def story(connection: Connection, delivery: int) -> list[dict[str, int | str | None]]:
    """Give what happened to one delivery, oldest first: each event's facts and its own row of the columns."""
    rows = connection.execute(
        select(event.c.octets)
        .where(event.c.first_delivery <= delivery, event.c.last_delivery >= delivery)
        .order_by(event.c.at, event.c.lane, event.c.seq)
    )
    return [line for row in rows for line in of_delivery(row.octets, delivery)]


def verify(connection: Connection) -> ChainReport:
    """Check every chain from its beginning."""
    query = select(event).order_by(event.c.lane, event.c.seq)
    rows = connection.execution_options(yield_per=1000).execute(query)
    return check(Entry(**row) for row in rows.mappings())
