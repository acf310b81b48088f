"""Frames go into tables, and beside them, in as many statements for thousands of rows as for one."""

import polars as pl
import pytest
from sqlalchemy import func, select, update

from hanota.records.store import schema as t
from hanota.records.store.bulk import insert_frame, staged
from helpers.stores import new_store
from helpers.world import Bench

pytestmark = pytest.mark.usefixtures("each_store")

ROWS = pl.DataFrame({"device": [-5, 0, (1 << 63) - 1], "at": [1, 2, 3]})


def test_a_frame_is_inserted_with_what_is_alike_in_all_rows():
    store = new_store()
    with store.writing() as connection:
        insert_frame(connection, t.deleted, ROWS.select("device"), at=7)
        rows = connection.execute(select(t.deleted).order_by(t.deleted.c.device)).all()
    assert rows == [(-5, 7), (0, 7), ((1 << 63) - 1, 7)]


def test_nothing_is_inserted_of_nothing():
    store = new_store()
    with store.writing() as connection:
        insert_frame(connection, t.deleted, ROWS.clear())
        assert connection.execute(select(func.count()).select_from(t.deleted)).scalar_one() == 0


def test_every_type_comes_back_as_it_went_in():
    frame = pl.DataFrame({"n": [1, None], "s": ["x'\"y", None], "b": [True, None], "o": [b"\x00\xff", None]})
    with Bench().store.writing() as connection:
        table = staged(connection, "types", frame)
        assert connection.execute(select(table)).all() == frame.rows()


def test_a_staged_frame_takes_the_place_of_the_one_before():
    with Bench().store.writing() as connection:
        staged(connection, "again", ROWS)
        table = staged(connection, "again", ROWS.tail(1))
        assert connection.execute(select(table)).all() == ROWS.tail(1).rows()
        assert connection.execute(select(staged(connection, "again", ROWS.clear()))).all() == []


def test_a_staged_frame_changes_the_rows_that_it_names_and_no_others():
    store = new_store()
    with store.writing() as connection:
        insert_frame(connection, t.deleted, ROWS)
        changes = staged(connection, "changes", ROWS.head(2).with_columns(at=pl.col("at") + 10))
        changed = update(t.deleted).where(t.deleted.c.device == changes.c.device).values(at=changes.c.at)
        assert connection.execute(changed).rowcount == 2
        rows = connection.execute(select(t.deleted).order_by(t.deleted.c.device)).all()
    assert [row.at for row in rows] == [11, 12, 3]


def test_what_was_staged_in_a_transaction_that_was_undone_is_staged_anew():
    store = new_store()
    with store.reading() as connection:  # which undoes at its end
        staged(connection, "undone", ROWS)
    with store.writing() as connection:
        assert connection.execute(select(staged(connection, "undone", ROWS))).all() == ROWS.rows()
