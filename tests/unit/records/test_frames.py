"""Rows as columns, and sets of numbers that queries join with."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import literal, select

from hanota.records.store import open_store
from hanota.records.store import schema as t
from hanota.records.store.bulk import staged
from hanota.records.store.frames import name_set, read_columns, read_frame
from helpers.stores import new_store

STORE = open_store(None)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50))
def test_in_a_set_repeats_count_once(numbers: list[int]) -> None:
    with STORE.writing() as connection:
        named = name_set(connection, numbers)
        rows = connection.execute(select(named.c.id)).scalars().all()
    assert sorted(rows) == sorted(set(numbers))


def test_the_next_set_replaces_the_one_before() -> None:
    with STORE.writing() as connection:
        name_set(connection, [1, 2, 3])
        assert read_frame(connection, select(name_set(connection, [4]).c.id))["id"].to_list() == [4]
        assert read_frame(connection, select(name_set(connection, []).c.id)).is_empty()


def test_types_come_from_the_query_also_when_it_is_empty() -> None:
    columns = (t.image.c.hash, t.image.c.size, t.request.c.key, t.request.c.materialised)
    joined = t.image.join(t.request, t.request.c.image == t.image.c.hash)
    query = select(*columns).select_from(joined).where(literal(value=False))
    with STORE.reading() as connection:
        frame = read_frame(connection, query)
    assert frame.schema == {"hash": pl.Binary, "size": pl.Int64, "key": pl.String, "materialised": pl.Boolean}


def test_a_column_of_nothing_but_empty_values_keeps_its_type() -> None:
    with STORE.writing() as connection:
        name_set(connection, [1, 2])
        named = name_set(connection, [1, 2])
        frame = read_frame(
            connection,
            select(named.c.id, t.device.c.eui, t.device.c.status).outerjoin(t.device, t.device.c.eui == named.c.id),
        )
    assert frame.rows() == [(1, None, None), (2, None, None)]
    assert frame.schema == {"id": pl.Int64, "eui": pl.Int64, "status": pl.String}


VALUES = {
    "n": [-(2**63), None, 2**63 - 1, 2**53 + 1],
    "s": ['"x\\\n\u2028', None, "[1, null]", "é\U0001f600"],
    "b": [True, None, False, True],
}


@pytest.mark.usefixtures("each_store")
@pytest.mark.parametrize("rows", [4, 1, 0])
def test_columns_are_read_as_rows_are(rows: int) -> None:
    frame = pl.DataFrame(VALUES, schema={"n": pl.Int64, "s": pl.String, "b": pl.Boolean}).head(rows)
    with new_store().writing() as connection:
        query = select(staged(connection, "values", frame))
        assert read_columns(connection, query).equals(read_frame(connection, query))
        assert read_columns(connection, query).equals(frame)
        assert read_columns(connection, query).schema == frame.schema


@pytest.mark.usefixtures("each_store")
def test_columns_keep_the_order_of_their_query() -> None:
    numbers = pl.DataFrame({"n": range(1000)})
    with new_store().writing() as connection:
        query = select(table := staged(connection, "numbers", numbers.sample(fraction=1, shuffle=True, seed=1)))
        assert read_columns(connection, query.order_by(table.c.n)).equals(numbers)
        assert read_columns(connection, query.order_by(table.c.n.desc())).equals(numbers.reverse())
