"""Columns of many rows that are mostly alike: what is usual is said once, and the engine writes only what differs.

Devices of one request are of few models, in few states and versions. Writing the same word for each of 50,000 costs the
engine more than looking the rows up, and reading it again here as much.
"""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import polars as pl
from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, or_, select

from hanota.records.store.bulk import staged
from hanota.records.store.frames import NO_ROWS, polars_type, read_frame, read_written, written_by

_SAMPLE: Final = 16

Rows = Callable[[Table], Select[Any]]
"""Gives a query of one row for each number of a set, which is its first column; for the same set the same query."""


def read_alike(connection: Connection, rows: Rows, named: Table, ids: pl.Series) -> pl.DataFrame:
    """Give what `read_columns` would of `rows(named)`, in the order of `ids`: the numbers of the set, each once.

    What is usual is guessed from a few rows of all over the set; where that is wrong, this costs what `read_columns`
    does.
    """
    query = rows(named)
    key, *names = query.selected_columns.keys()
    frame = ids.alias(key).to_frame()
    if frame.is_empty():
        return read_frame(connection, query)
    usual = _usual(connection, rows, ids)
    statement = _differing(query, connection.dialect.name)
    texts = connection.execute(statement, {f"usual_{name}": usual[name] for name in names}).one()
    columns = query.selected_columns
    frame = frame.with_columns(pl.lit(usual[name], polars_type(columns[name].type)).alias(name) for name in names)
    for name, which, values in zip(names, texts[::2], texts[1::2], strict=True):
        if which not in NO_ROWS:
            frame = _corrected(frame, read_written({key: columns[key], name: columns[name]}, (which, values)))
    return frame


def _usual(connection: Connection, rows: Rows, ids: pl.Series) -> dict[str, Any]:
    """What most of a few rows have."""
    few = ids.gather_every(max(1, len(ids) // _SAMPLE)).alias("id").to_frame()
    result = connection.execute(rows(staged(connection, "sample", few)))
    columns = zip(*result.all(), strict=True)
    return {name: Counter(values).most_common(1)[0][0] for name, values in zip(result.keys(), columns, strict=True)}


def _corrected(frame: pl.DataFrame, differing: pl.DataFrame) -> pl.DataFrame:
    """Put in a column what it has in the rows that are told to differ."""
    key, name = differing.columns
    told = differing.select(key, pl.col(name).alias("told"), differs=True)
    joined = frame.join(told, on=key, how="left", maintain_order="left")
    return joined.with_columns(pl.when("differs").then("told").otherwise(name).alias(name)).drop("told", "differs")


@lru_cache(maxsize=16)
def _differing(query: Select[Any], engine: str) -> Select[Any]:
    """Two texts a column: which rows have what is not usual in it, and what they have; rows all usual are skipped."""
    key, *columns = query.subquery().columns
    differs = {column: column.is_distinct_from(_parameter(column)) for column in columns}
    texts: list[Any] = [
        written_by(engine, part, unusual) for column, unusual in differs.items() for part in (key, column)
    ]
    return select(*texts).where(or_(*differs.values()))


def _parameter(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return bindparam(f"usual_{column.key}", type_=column.type)
