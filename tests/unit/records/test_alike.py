"""Columns that are mostly alike are read as any others are, whatever is usual in them."""

from typing import Any

import polars as pl
import pytest
from sqlalchemy import Select, Table, event, select

from hanota.records.store import Connection, Store
from hanota.records.store.alike import read_alike
from hanota.records.store.bulk import staged
from hanota.records.store.frames import name_set, read_frame
from helpers.stores import new_store

pytestmark = pytest.mark.usefixtures("each_store")

IDS = pl.Series("id", range(-100, 100), pl.Int64).sample(fraction=1, shuffle=True, seed=1)
VALUES: dict[str, tuple[Any, type[pl.DataType]]] = {
    "alike": ("said once", pl.String),
    "none_at_all": (None, pl.Int64),
    "rarely_else": (pl.when(pl.col("id") == 7).then(pl.lit('"x\\\n\u2028')).otherwise(pl.lit("usual")), pl.String),
    "rarely_none": (pl.when(pl.col("id") != 7).then(2**63 - 1), pl.Int64),
    "mostly_none": (pl.when(pl.col("id") == 7).then(-(2**63)), pl.Int64),
    "in_halves": (pl.col("id") % 2 == 0, pl.Boolean),
    "of_three": (pl.when(pl.col("id") % 3 > 0).then(pl.col("id") % 3 == 1), pl.Boolean),
    "each_its_own": (pl.col("id") * 3, pl.Int64),
}


def kept(connection: Connection, ids: pl.Series) -> Table:
    """A table with a row for most of the numbers."""
    frame = ids.alias("id").to_frame().filter(pl.col("id") != -50)
    columns = [(pl.lit(of) if not isinstance(of, pl.Expr) else of).cast(kind) for of, kind in VALUES.values()]
    named = [column.alias(name) for name, column in zip(VALUES, columns, strict=True)]
    return staged(connection, "kept", frame.with_columns(named))


def rows_of(table: Table, named: Table) -> Select[Any]:
    columns = [table.c[name] for name in VALUES]
    return select(named.c.id, *columns).select_from(named.outerjoin(table, table.c.id == named.c.id))


@pytest.mark.parametrize("count", [200, 17, 16, 1, 0])
def test_they_are_read_as_rows_are_in_the_order_asked_for(count: int) -> None:
    ids = IDS.head(count)
    with new_store().writing() as connection:
        table, named = kept(connection, IDS), name_set(connection, ids.sort())
        plain = read_frame(connection, rows_of(table, named))
        found = read_alike(connection, lambda of: rows_of(table, of), named, ids)
    assert found.schema == plain.schema
    assert found.equals(ids.to_frame().join(plain, on="id", how="left", maintain_order="left"))


def test_what_is_usual_may_be_what_no_row_was_asked_for_first() -> None:
    """The sample names the rows that are not there: all others differ from it."""
    absent = pl.Series(range(1000, 1016), dtype=pl.Int64)
    ids = pl.concat(
        [
            pl.Series([number, *range(start, start + 9)])
            for number, start in zip(absent, range(-90, 90, 9), strict=False)
        ]
    )
    with new_store().writing() as connection:
        table, named = kept(connection, IDS), name_set(connection, ids)
        plain = read_frame(connection, rows_of(table, named))
        found = read_alike(connection, lambda of: rows_of(table, of), named, ids)
    assert found.equals(ids.alias("id").to_frame().join(plain, on="id", how="left", maintain_order="left"))


def test_the_number_of_statements_does_not_grow_with_the_rows() -> None:
    assert said(new_store(), 1) == said(new_store(), 200)


def said(store: Store, count: int) -> int:
    seen = []
    with store.writing() as connection:
        table, named = kept(connection, IDS), name_set(connection, IDS.head(count))
        event.listen(connection, "before_cursor_execute", lambda *told: seen.append(told[2]))
        read_alike(connection, lambda of: rows_of(table, of), named, IDS.head(count))
    return len(seen)
