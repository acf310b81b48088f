"""Whether a store is whole: its file, and that what is named by other rows is there (docs/adr/0020)."""

from typing import Final

from sqlalchemy import Column, Connection, select, text

from hanota.records.store import schema as t
from hanota.records.store.engine import Store

_NAMED: Final[tuple[tuple[Column[int], Column[int]], ...]] = (
    (t.work.c.delivery, t.delivery.c.id),
    (t.outbox.c.delivery, t.delivery.c.id),
    (t.message.c.delivery, t.delivery.c.id),
    (t.message.c.request, t.request.c.id),
    (t.report.c.delivery, t.delivery.c.id),
)
"""What is named without a constraint, and where it must be."""


def integrity(store: Store) -> str:
    """Ask whether a store is whole: "ok", or what is wrong. Reads all of it."""
    with store.reading() as connection:
        return _of_the_file(connection) or _of_what_is_named(connection) or "ok"


def _of_the_file(connection: Connection) -> str | None:
    """What SQLite finds wrong with its file, and with rows that are held against others; a server looks by itself."""
    if connection.dialect.name != "sqlite":
        return None
    said = str(connection.execute(text("PRAGMA integrity_check")).scalar_one())
    if said != "ok":
        return said
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    return None if broken is None else f"row {broken[1]} of {broken[0]} refers to no row of {broken[2]}"


def _of_what_is_named(connection: Connection) -> str | None:
    for name, key in _NAMED:
        lost = select(name).where(name.is_not(None), ~select(key).where(key == name).exists()).limit(1)
        number = connection.execute(lost).scalar()
        if number is not None:
            return f"{name.table.name} names {key.table.name} {number}, which is not there"
    return None
