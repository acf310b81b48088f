"""The schema: the tables of the code are those of the migrations, and opening again changes nothing."""

import sqlite3
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from hanota.records.store import Store, open_store
from hanota.records.store.engine import HEAD
from hanota.records.store.schema import metadata
from helpers.postgres import Cluster
from helpers.stores import new_store


def tables_of(path: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY type, name").fetchall()


def of_the_code(thing: Any, name: str | None, kind: str, *_: object) -> bool:
    """Partitions are tables, too, where there are any, and are referred to; the code knows the whole."""
    table = thing.elements[0].target_fullname.split(".")[0] if kind == "foreign_key_constraint" else name
    return kind not in ("table", "foreign_key_constraint") or table in metadata.tables


@pytest.mark.usefixtures("each_store")
def test_migrations_give_the_tables_of_the_code() -> None:
    store = new_store()
    opts = {"compare_type": True, "compare_server_default": True, "include_object": of_the_code}
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=opts), metadata) == []


def details(store: Store) -> dict[str, Any]:
    """What autogeneration does not compare: keys, uniqueness, what may be empty, and indexes."""
    found = {}
    with store.reading() as connection:
        look = inspect(connection)
        for table in metadata.tables:
            found[table] = {
                "key": look.get_pk_constraint(table)["constrained_columns"],
                "unique": sorted(tuple(row["column_names"]) for row in look.get_unique_constraints(table)),
                "empty": {column["name"]: column["nullable"] for column in look.get_columns(table)},
                "indexes": sorted((row["name"], tuple(row["column_names"])) for row in look.get_indexes(table)),
                "foreign": sorted(
                    (tuple(row["constrained_columns"]), row["referred_table"])
                    for row in look.get_foreign_keys(table)
                    if row["referred_table"] in metadata.tables
                ),
            }
    return found


@pytest.mark.parametrize("where", [None, "a server"])
def test_keys_indexes_and_constraints_are_those_of_the_code_too(where: str | None, postgres: Cluster) -> None:
    fresh, migrated = (open_store(where and postgres.url(postgres.create())) for _ in range(2))
    with fresh.writing() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert details(migrated) == details(fresh)
    fresh.close()
    migrated.close()


def test_the_code_names_the_last_step() -> None:
    """Or else a store that lacks one would be taken for whole."""
    steps = ScriptDirectory(str(resources.files("hanota.records.store") / "migrations"))
    assert steps.get_heads() == [HEAD]


def test_a_key_is_found_without_its_certificate() -> None:
    with new_store().reading() as connection:
        plan = "EXPLAIN QUERY PLAN SELECT eui, public_key FROM certificate WHERE eui IN (1, 2) AND usage = 'DS'"
        (how,) = connection.exec_driver_sql(f"{plan} AND revoked_at IS NULL").all()
        assert "COVERING INDEX certificate_key (eui=? AND usage=? AND revoked_at=?)" in how[3]


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
