"""What must be done by one at a time, and numbers that nobody else gets.

SQLite has one writing transaction at a time: there each has its turn already, and the next number is the last one plus
one. On PostgreSQL several processes write at once, so they queue here: by advisory locks, which end with the
transaction or with its session, and by sequences, which give no number twice. Numbers of what was rolled back stay out.
"""

import zlib
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, func, select

from hanota.records.store.schema import delivery

_SPACE: Final = 0x0074A  # ours among the advisory locks of a server


def writes_alone(connection: Connection) -> bool:
    """Whether nobody else writes as long as this transaction lasts: what was read of the store stays so."""
    return connection.dialect.name == "sqlite"


def serialise(connection: Connection, what: str) -> None:
    """Wait until no other transaction is at `what`, and keep others from it until this one ends.

    What is read after this includes all that they wrote. Take "acceptance" before any lane.
    """
    if not writes_alone(connection):
        connection.execute(select(func.pg_advisory_xact_lock(_SPACE, _number_of(what))))


def hold_open(connection: Connection, *which: ColumnElement[bool]) -> None:
    """Wait until no step is at work on such open deliveries, and keep steps from them until this transaction ends.

    Take it before facts change on which steps decide: one that read those of before is written before, too.
    """
    if not writes_alone(connection):
        held = select(delivery.c.id).where(delivery.c.deadline.is_not(None), *which).order_by(delivery.c.id)
        connection.execute(select(func.count()).select_from(held.with_for_update(key_share=True).subquery()))


def reserve(connection: Connection, table: Table, count: int) -> int:
    """Give the first of `count` numbers in a row for new rows of a table, which nobody else gets."""
    (key,) = table.primary_key.columns
    if writes_alone(connection):
        return 1 + int(connection.execute(select(func.coalesce(func.max(key), 0))).scalar_one())
    if count < 1:
        return 0
    sequence, lock = f"{table.name}_{key.name}_seq", _number_of(f"numbers of {table.name}")
    # Two at once would get numbers in turn, not in a row. The lock lasts for an instant, not for the transaction.
    connection.execute(select(func.pg_advisory_lock(_SPACE, lock)))
    try:
        last = func.setval(sequence, func.nextval(sequence) + (count - 1))
        first = 1 + int(connection.execute(select(last)).scalar_one()) - count
        connection.execute(select(func.pg_advisory_unlock(_SPACE, lock)))
    except BaseException:
        connection.invalidate()  # and the lock goes with the session
        raise
    return first


def _number_of(name: str) -> int:
    """A name as the signed 32 bits of an advisory lock."""
    return zlib.crc32(name.encode()) - (1 << 31)
