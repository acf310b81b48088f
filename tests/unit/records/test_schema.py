"""The schema: the tables of the code are those of the migrations, and opening again changes nothing."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from hanota.records.store import Store, open_store
from hanota.records.store.schema import metadata


def tables_of(path: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY type, name").fetchall()


def test_migrations_give_the_tables_of_the_code() -> None:
    store = open_store(None)
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def details(store: Store) -> dict[str, Any]:
    """What autogeneration does not compare: keys, uniqueness, what may be empty, and indexes."""
    found = {}
    with store.reading() as connection:
        look = inspect(connection)
        for table in look.get_table_names():
            found[table] = {
                "key": look.get_pk_constraint(table)["constrained_columns"],
                "unique": sorted(tuple(row["column_names"]) for row in look.get_unique_constraints(table)),
                "empty": {column["name"]: column["nullable"] for column in look.get_columns(table)},
                "indexes": sorted((row["name"], tuple(row["column_names"])) for row in look.get_indexes(table)),
                "foreign": sorted(
                    (tuple(row["constrained_columns"]), row["referred_table"]) for row in look.get_foreign_keys(table)
                ),
            }
    found.pop("alembic_version", None)
    return found


def test_keys_indexes_and_constraints_are_those_of_the_code_too() -> None:
    fresh = open_store(None)
    with fresh.writing() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert details(open_store(None)) == details(fresh)


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    open_store(path).close()
    before = tables_of(path)
    open_store(path).close()
    assert tables_of(path) == before


def test_a_store_that_was_begun_by_a_killed_process_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    sqlite3.connect(path).close()
    open_store(path).close()
    assert tables_of(path)


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_has_a_key(table: Any) -> None:
    assert len(table.primary_key.columns) >= 1
