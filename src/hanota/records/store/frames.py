"""Rows of a query as columns, and sets of numbers that a query joins with."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, Column, Connection, MetaData, Select, Table, delete, insert
from sqlalchemy.types import LargeBinary, TypeEngine

_scratch = MetaData()

named = Table(  # of one connection only; made when it is opened, outside of any transaction that might be undone
    "named",
    _scratch,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)

_POLARS: Mapping[type, type[pl.DataType]] = {int: pl.Int64, str: pl.String, bool: pl.Boolean, bytes: pl.Binary}


def read_frame(connection: Connection, query: Select[Any]) -> pl.DataFrame:
    """Run a query and give its rows as columns; the types come from the query's columns, also when it is empty."""
    result = connection.execute(query)
    schema = {column.name: _polars_type(column.type) for column in query.selected_columns}
    return pl.DataFrame([tuple(row) for row in result], schema=schema, orient="row")


def _polars_type(sql_type: TypeEngine[object]) -> type[pl.DataType]:
    python_type = bytes if isinstance(sql_type, LargeBinary) else sql_type.python_type
    return _POLARS[python_type]


def name_set(connection: Connection, ids: Iterable[int]) -> Table:
    """Put a set of numbers where queries of this transaction can join it as `named`; repeats count once, first place.

    One statement whatever the size, so that the number of queries does not grow with a batch.
    """
    connection.execute(delete(named))
    rows = [{"id": number, "position": place} for place, number in enumerate(dict.fromkeys(ids))]
    if rows:
        connection.execute(insert(named), rows)
    return named
