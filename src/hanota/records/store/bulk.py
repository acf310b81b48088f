"""Many rows at once: a frame into a table, or into a temporary one that a set-based statement joins with.

The number of statements never grows with the number of rows: a row costs what the engine takes for it, no more.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    event,
    insert,
)
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from hanota.records.store.postgres import copy_frame

_SQL_TYPES: Final[Mapping[type[pl.DataType], type[TypeEngine[Any]]]] = {
    pl.Int64: BigInteger,
    pl.String: Text,
    pl.Boolean: Boolean,
    pl.Binary: LargeBinary,
}

_MADE: Final = "hanota_staged"  # beside each connection: the temporary tables that it has


def insert_frame(connection: Connection, table: Table, frame: pl.DataFrame, **same: int | str | bytes | None) -> None:
    """Insert the rows of a frame, whose columns are named like those of the table; `same` is alike in all rows.

    One statement whatever the number of rows; none for no rows.
    """
    if frame.is_empty():
        return
    rows = frame.with_columns(**{name: pl.lit(value) for name, value in same.items()}) if same else frame
    _INSERTING.get(connection.dialect.name, _insert_generic)(connection, table, rows)


def staged(connection: Connection, name: str, frame: pl.DataFrame) -> Table:
    """Put a frame into the temporary table `name` of this connection, in place of what it held, for a join.

    A name has one shape for ever. No column is a key: so a plan goes through the frame, never through the table that it
    is joined with. The columns must not be of type Null.
    """
    table = staging(name, tuple((column, kind.base_type()) for column, kind in frame.schema.items()))
    made: set[str] = connection.info.setdefault(_MADE, set())
    if table.name not in made:
        connection.execute(CreateTable(table, if_not_exists=True))
        made.add(table.name)
    connection.execute(delete(table))
    insert_frame(connection, table, frame)
    return table


@event.listens_for(Engine, "rollback")
@event.listens_for(Engine, "rollback_savepoint")
def _forget(connection: Connection, *_: object) -> None:
    """What is undone takes the temporary tables with it that were made in it."""
    if not connection.invalidated:  # what the server has ended has nothing any more
        connection.info.pop(_MADE, None)


@lru_cache(maxsize=64)
def staging(name: str, shape: tuple[tuple[str, type[pl.DataType]], ...]) -> Table:
    """Give the temporary table of this name and shape; a statement may be written before `staged` has filled it."""
    columns = [Column(column, _SQL_TYPES[kind]) for column, kind in shape]
    return Table(f"staged_{name}", MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DELETE ROWS")


def _insert_sqlite(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    """Hand tuples straight to the driver: what SQLAlchemy does for each row costs more than SQLite does."""
    connection.exec_driver_sql(_insert_sql(connection, table, tuple(rows.columns)), rows.rows())


def _insert_sql(connection: Connection, table: Table, columns: tuple[str, ...]) -> str:
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column) for column in columns)
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


def _insert_generic(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    connection.execute(insert(table), rows.to_dicts())


_INSERTING: Final[Mapping[str, Callable[[Connection, Table, pl.DataFrame], None]]] = {
    "sqlite": _insert_sqlite,
    "postgresql": copy_frame,
}
"""How each engine takes many rows."""
