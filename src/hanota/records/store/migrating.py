"""Bringing the schema of a store up to date, step by step (`migrations`). Alembic is imported here and by the steps."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InvalidRequestError

from hanota.records.store.postgres import is_postgres
from hanota.records.store.turns import serialise

_MIGRATING = threading.Lock()  # Alembic keeps what it is at in one place for all threads


def migrate(engine: Engine) -> None:
    """Do all steps that the store lacks. Raises SQLAlchemyError: they fail, or the store is of a later hanota."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("hanota.records.store") / "migrations"))
    with _MIGRATING, engine.connect() as connection, _unreferenced(connection):
        if is_postgres(engine.url):  # several workers may come to a new database at once
            serialise(connection, "schema")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as cause:
            raise InvalidRequestError(str(cause)) from cause
        _require_whole(connection)
        connection.commit()


@contextlib.contextmanager
def _unreferenced(connection: Connection) -> Iterator[None]:
    """Let steps make tables anew that others refer to: SQLite can alter no column, and drops no such table.

    That can be switched outside of transactions alone, so not by a step.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _require_whole(connection: Connection) -> None:
    """Raise IntegrityError if rows refer to nothing, before anything of a step is kept."""
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection) and (broken := driver.execute("PRAGMA foreign_key_check").fetchall()):
        raise sqlite3.IntegrityError(f"rows that refer to nothing: {broken[:3]}")
