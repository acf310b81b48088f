"""Many rows at once: a frame into a table, or into a temporary one that a set-based statement joins with.

The number of statements never grows with the number of rows: a row costs what the engine takes for it, no more.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    delete,
    event,
    insert,
    literal,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from hanota.records.store.postgres import copy_frame

_SQL_TYPES: Final[Mapping[type[pl.DataType], type[TypeEngine[Any]]]] = {
    pl.Int64: BigInteger,
    pl.String: Text,
    pl.Boolean: Boolean,
    pl.Binary: LargeBinary,
}

_INSERT: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_APART_MIN: Final = 64
_COUNTED_MIN: Final = 500
_MANY_MIN: Final = 500
_MADE: Final = "hanota_staged"  # beside each connection: the temporary tables that it has


def insert_frame(connection: Connection, table: Table, frame: pl.DataFrame, **same: int | str | bytes | None) -> None:
    """Insert the rows of a frame, whose columns are named like those of the table; `same` is alike in all rows.

    One statement whatever the number of rows; none for no rows.
    """
    if frame.is_empty():
        return
    rows = frame.with_columns(**{name: pl.lit(value) for name, value in same.items()}) if same else frame
    _INSERTING.get(connection.dialect.name, _insert_generic)(connection, table, rows)


def insert_or(connection: Connection, table: Table) -> Any:
    """Give an INSERT that may be told what to do where a row of that key is there already, as both engines can."""
    return _INSERT[connection.dialect.name](table)


def staged(connection: Connection, name: str, frame: pl.DataFrame) -> Table:
    """Put a frame into the temporary table `name` of this connection, in place of what it held, for a join.

    A name has one shape for ever. No column is a key: so a plan goes through the frame, never through the table that it
    is joined with. The columns must not be of type Null.
    """
    table = staging(name, tuple((column, kind.base_type()) for column, kind in frame.schema.items()))
    _emptied(connection, table)
    insert_frame(connection, table, frame)
    _counted(connection, table, frame.height)
    return table


def staged_from(connection: Connection, table: Table, query: Select[Any], **values: Any) -> int:
    """Put what a query gives into a table that `staging` gave, without a way through here. Returns: how many rows.

    `values` are those of the query's parameters. Statements are kept for queries that are given again.
    """
    _emptied(connection, table)
    count = connection.execute(_filling(table, query), values).rowcount
    _counted(connection, table, count)
    return count


def _counted(connection: Connection, table: Table, rows: int) -> None:
    """Let PostgreSQL know what a temporary table holds: else it guesses, and may read all of another table for it."""
    if rows >= _COUNTED_MIN and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {table.name}")


@lru_cache(maxsize=64)
def _filling(table: Table, query: Select[Any]) -> Insert:
    return insert(table).from_select(list(table.c), query).execution_options(preserve_rowcount=True)


def staged_apart(connection: Connection, name: str, frame: pl.DataFrame) -> tuple[Table, dict[str, ColumnElement[Any]]]:
    """Like `staged`, but what is the same in all rows is said once, in the statement: most columns of a batch are.

    Returns: the table, and what stands for each column in a statement.
    """
    rows, same = _apart(frame)
    shape = sum(1 << place for place, column in enumerate(frame.columns) if column in rows.columns)
    table = staged(connection, f"{name}_{shape:x}", rows)
    alike = {column: literal(value, _SQL_TYPES[frame.schema[column].base_type()]()) for column, value in same.items()}
    return table, {**dict(table.c), **alike}


def _apart(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Part a frame in columns that differ between rows and values that do not. A short one stays whole: so its
    statements are always the same, and need not be made again.
    """
    if frame.height < _APART_MIN:
        return frame, {}
    kinds = frame.select(pl.all().n_unique()).row(0)
    alike = [
        name
        for (name, kind), count in zip(frame.schema.items(), kinds, strict=True)
        if count == 1 and kind != pl.Binary and name != frame.columns[0]
    ]
    return frame.drop(alike), frame.head(1).select(alike).row(0, named=True) if alike else {}


def _emptied(connection: Connection, table: Table) -> Table:
    """Make sure that a temporary table is there, with nothing in it."""
    made: set[str] = connection.info.setdefault(_MADE, set())
    if table.name not in made:
        connection.execute(CreateTable(table, if_not_exists=True))
        made.add(table.name)
    connection.execute(delete(table))
    return table


@event.listens_for(Engine, "rollback")
@event.listens_for(Engine, "rollback_savepoint")
def _forget(connection: Connection, *_: object) -> None:
    """What is undone takes the temporary tables with it that were made in it."""
    if not connection.invalidated:  # what the server has ended has nothing any more
        connection.info.pop(_MADE, None)


@lru_cache(maxsize=256)
def staging(name: str, shape: tuple[tuple[str, type[pl.DataType]], ...]) -> Table:
    """Give the temporary table of this name and shape; a statement may be written before `staged` has filled it."""
    columns = [Column(column, _SQL_TYPES[kind]) for column, kind in shape]
    return Table(f"staged_{name}", MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DELETE ROWS")


def _insert_sqlite(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    """Hand a set of numbers over as one JSON text, anything else as tuples straight to the driver: what SQLAlchemy does
    for each row costs more than SQLite does, and what the driver does costs more than to read a number.
    """
    if rows.dtypes == [pl.Int64]:
        numbers = _json_of(rows.to_series())
        table_name, column = map(connection.dialect.identifier_preparer.quote, (table.name, *rows.columns))
        sql = f"INSERT INTO {table_name} ({column}) SELECT value FROM json_each(?)"  # noqa: S608 - names of our tables
        connection.exec_driver_sql(sql, (numbers,))
        return
    differing, same = _apart(rows)
    dialect = connection.dialect
    said = [
        str(literal(value).compile(dialect=dialect, compile_kwargs={"literal_binds": True})) for value in same.values()
    ]
    names = ", ".join(map(dialect.identifier_preparer.quote, (*same, *differing.columns)))
    values = ", ".join((*said, *"?" * differing.width))
    sql = f"INSERT INTO {dialect.identifier_preparer.quote(table.name)} ({names}) VALUES ({values})"  # noqa: S608 - names of our tables, values that the engine has quoted
    connection.exec_driver_sql(sql, differing.rows())


def _json_of(numbers: pl.Series) -> str:
    if len(numbers) < _MANY_MIN:  # polars takes longer to begin
        return json.dumps(numbers.to_list())
    written = numbers.to_frame().write_csv(include_header=False, line_terminator=",", null_value="null")
    return f"[{written.removesuffix(',')}]"


def _insert_generic(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    connection.execute(insert(table), rows.to_dicts())


_INSERTING: Final[Mapping[str, Callable[[Connection, Table, pl.DataFrame], None]]] = {
    "sqlite": _insert_sqlite,
    "postgresql": copy_frame,
}
"""How each engine takes many rows."""
