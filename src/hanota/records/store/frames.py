"""Rows of a query as columns, and sets of numbers that a query joins with."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, Select, Table
from sqlalchemy.types import LargeBinary, TypeEngine

from hanota.records.store.bulk import staged, staging

named: Final = staging("set", (("id", pl.Int64),))
"""What `name_set` was given last in this transaction."""

_ROWS_AT_ONCE: Final = 10_000
_POLARS: Final[Mapping[type, type[pl.DataType]]] = {int: pl.Int64, str: pl.String, bool: pl.Boolean, bytes: pl.Binary}


def read_frame(connection: Connection, query: Select[Any], **values: Any) -> pl.DataFrame:
    """Run a query and give its rows as columns; the types come from the query's columns, also when it is empty.

    `values` are those of the query's parameters.
    """
    schema = {column.name: _polars_type(column.type) for column in query.selected_columns}
    result = connection.execute(query, values)
    frames = [_frame(schema, rows) for rows in _fetched(result.cursor)]
    result.close()
    return pl.concat(frames, rechunk=True) if frames else _frame(schema, [])


def _fetched(cursor: Any) -> Iterator[list[Any]]:
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


def _polars_type(sql_type: TypeEngine[object]) -> type[pl.DataType]:
    python_type = bytes if isinstance(sql_type, LargeBinary) else sql_type.python_type
    return _POLARS[python_type]


def name_set(connection: Connection, ids: Iterable[int]) -> Table:
    """Put a set of numbers where queries of this transaction can join it as `named`; repeats count once.

    Its statements are as many whatever the size, so that the number of queries does not grow with a batch.
    """
    given = ids if isinstance(ids, pl.Series) else pl.Series(list(ids), dtype=pl.Int64)
    return staged(connection, "set", given.unique(maintain_order=True).alias("id").to_frame())
