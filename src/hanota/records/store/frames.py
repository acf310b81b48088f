"""Rows of a query as columns, and sets of numbers that a query joins with."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import polars as pl
from sqlalchemy import Boolean, ColumnElement, Connection, Integer, Select, Table, Text, cast, func, select
from sqlalchemy.types import LargeBinary, TypeEngine

from hanota.records.store.bulk import staged, staging

named: Final = staging("set", (("id", pl.Int64),))
"""What `name_set` was given last in this transaction."""

_ROWS_AT_ONCE: Final = 10_000
_ARRAY: Final = {"sqlite": func.json_group_array, "postgresql": func.json_agg}
"""How each engine writes a column as one JSON text."""

NO_ROWS: Final = (None, "[]")
"""What either engine writes of no rows."""

_POLARS: Final[Mapping[type, type[pl.DataType]]] = {int: pl.Int64, str: pl.String, bool: pl.Boolean, bytes: pl.Binary}


def read_frame(connection: Connection, query: Select[Any], **values: Any) -> pl.DataFrame:
    """Run a query and give its rows as columns; the types come from the query's columns, also when it is empty.

    `values` are those of the query's parameters.
    """
    schema = {column.name: polars_type(column.type) for column in query.selected_columns}
    result = connection.execute(query, values)
    frames = [_frame(schema, rows) for rows in fetched(result.cursor)]
    result.close()
    return pl.concat(frames, rechunk=True) if frames else _frame(schema, [])


def read_columns(connection: Connection, query: Select[Any], **values: Any) -> pl.DataFrame:
    """Like `read_frame`, for many rows of numbers and texts, none of octets: in a third of the time.

    The engine writes every column as one JSON text, so that no value of it is ever an object of its own here.
    """
    texts = connection.execute(_writing(query, connection.dialect.name), values).one()
    return read_written(dict(query.selected_columns.items()), texts)


@lru_cache(maxsize=64)
def _writing(query: Select[Any], engine: str) -> Select[Any]:
    """Kept for queries that are given again: to make a statement costs as much as to run it on few rows."""
    texts: list[Any] = [written_by(engine, column) for column in query.subquery().columns]
    return select(*texts)


def written_by(engine: str, column: ColumnElement[Any], which: ColumnElement[bool] | None = None) -> ColumnElement[str]:
    """Have an engine write a column, of all rows or of some, as one JSON text, for `read_written`."""
    number = cast(column, Integer) if isinstance(column.type, Boolean) else column  # SQLite has numbers for it
    array = _ARRAY[engine](number)
    return cast(array if which is None else array.filter(which), Text)


def read_written(columns: Mapping[str, ColumnElement[Any]], texts: Iterable[str | None]) -> pl.DataFrame:
    """Read columns of one length from the texts that the engine wrote of them."""
    kinds = {name: polars_type(column.type) for name, column in columns.items()}
    first, *others = texts
    if first in NO_ROWS:
        return pl.DataFrame(schema=kinds)
    whole = pl.DataFrame([[text] for text in (first, *others)], schema=list(kinds))
    parsed = whole.select(_parsed(name, kind) for name, kind in kinds.items())
    return pl.DataFrame([column.item().alias(column.name) for column in parsed])


def _parsed(name: str, kind: type[pl.DataType]) -> pl.Expr:
    stored = pl.Int8 if kind is pl.Boolean else kind
    return pl.col(name).str.json_decode(pl.List(stored)).cast(pl.List(kind))


def fetched(cursor: Any) -> Iterator[list[Any]]:
    """Give rows as the driver has them, for a Row of each would cost more than the query; some at a time, as columns
    take far less room.
    """
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield rows


def _frame(schema: Mapping[str, type[pl.DataType]], rows: list[Any]) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pl.DataFrame([_series(*each, values) for each, values in zip(schema.items(), columns, strict=True)])


def _series(name: str, kind: type[pl.DataType], values: Iterable[Any]) -> pl.Series:
    if kind is pl.Boolean:  # SQLite has numbers for it
        return pl.Series(name, values, pl.Int8, strict=False).cast(pl.Boolean)
    return pl.Series(name, values, kind)


def polars_type(sql_type: TypeEngine[object]) -> type[pl.DataType]:
    """Give the type in which a column of the store is kept in a frame."""
    python_type = bytes if isinstance(sql_type, LargeBinary) else sql_type.python_type
    return _POLARS[python_type]


def name_set(connection: Connection, ids: Iterable[int]) -> Table:
    """Put a set of numbers where queries of this transaction can join it as `named`; repeats count once.

    Its statements are as many whatever the size, so that the number of queries does not grow with a batch.
    """
    given = ids if isinstance(ids, pl.Series) else pl.Series(list(ids), dtype=pl.Int64)
    return staged(connection, "set", distinct(given).alias("id").to_frame())


def distinct(numbers: pl.Series) -> pl.Series:
    """Give each number once, in the order of first occurrence: at once where none is repeated, as is usual."""
    return numbers if numbers.n_unique() == len(numbers) else numbers.unique(maintain_order=True)
