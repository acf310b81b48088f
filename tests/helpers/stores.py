"""The stores of a test: in memory, or databases of the tests' own server while `on_server` lasts.

Making one takes time, so what many tests begin with is made once, by a function under `template`, and copied.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy
from alembic import command
from alembic.config import Config
from psycopg import Connection
from sqlalchemy.engine import URL, Engine, make_url

from hanota.records.store import Store, open_store
from hanota.records.store.engine import _alike as alike
from hanota.records.store.engine import _engine as engine_of
from hanota.records.store.schema import metadata


class Server(Protocol):
    def create(self, template: str = ...) -> str: ...
    def url(self, database: str) -> str: ...
    def session(self, database: str) -> Connection: ...


class _Template:
    """A database that was filled once, and its copies: each may be used by one test at a time, and is then restored."""

    def __init__(self, server: Server, fill: Callable[[Store], None]) -> None:
        self._server = server
        self._original = server.create()
        self._free: list[str] = []
        store = open_store(server.url(self._original))
        fill(store)
        store.close()  # a database is copied only while nobody is connected
        keep = "".join(f"CREATE TABLE kept.{table.name} AS TABLE public.{table.name};" for table in _TABLES)
        with server.session(self._original) as session:
            session.execute(f"CREATE SCHEMA kept; {keep}")

    def take(self) -> str:
        if not self._free:
            return self._server.create(self._original)
        with self._server.session(name := self._free.pop()) as session:
            session.execute(_RESTORE)
        return name

    def give_back(self, database: str) -> None:
        self._free.append(database)


def _restore() -> str:
    """SQL that brings a copy back to what was kept: a quarter of the time that a new copy takes."""
    steps = ["BEGIN; SET LOCAL session_replication_role = replica"]  # references hold again at the end
    for table in _TABLES:
        steps += [f"DELETE FROM {table.name}", f"INSERT INTO {table.name} SELECT * FROM kept.{table.name}"]
        (*_, key) = table.primary_key.columns
        if table.autoincrement_column is not None:
            last = f"(SELECT coalesce(max({key.name}), 0) + 1 FROM {table.name})"
            steps.append(f"SELECT setval('{table.name}_{key.name}_seq', {last}, false)")
    return "; ".join([*steps, "COMMIT"])


_TABLES: Final = metadata.sorted_tables
_RESTORE: Final = _restore()


class _Databases:
    """The databases of one test."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._stores: list[Store] = []
        self._taken: list[tuple[_Template, str]] = []
        self.at: dict[Path, str] = {}

    def copy(self, name: str, fill: Callable[[Store], None]) -> str:
        if (self.server, name) not in _on_server:
            _on_server[self.server, name] = _Template(self.server, fill)
        template = _on_server[self.server, name]
        self._taken.append((template, database := template.take()))
        return database

    def open(self, url: str | URL) -> Store:
        engine = engine_of(make_url(url))
        self._stores.append(store := Store(alike(_engines.setdefault(self.server, engine), engine)))
        return store

    def close(self) -> None:
        for store in self._stores:
            store.close()
        for template, database in self._taken:
            template.give_back(database)


_databases: _Databases | None = None
_in_memory: dict[str, Store] = {}
_on_server: dict[tuple[Server, str], _Template] = {}
_engines: dict[Server, Engine] = {}  # what the first one of a server has compiled serves all


@contextlib.contextmanager
def on_server(server: Server) -> Iterator[None]:
    """Let stores be databases of a server."""
    global _databases  # noqa: PLW0603
    _databases = _Databases(server)
    try:
        yield
    finally:
        _databases.close()
        _databases = None


def template(fill: Callable[[Store], None]) -> Callable[[], Store]:
    """Let a store be filled once for each engine; each call gives a copy of it: ten times as fast as making one."""
    name = f"{fill.__module__}.{fill.__qualname__}"

    @wraps(fill)
    def copy() -> Store:
        if _databases is None:
            if name not in _in_memory:
                _in_memory[name] = open_store(None)
                fill(_in_memory[name])
            return _in_memory[name].copied(Store)
        return _databases.open(_databases.server.url(_databases.copy(name, fill)))

    return copy


def _nothing(_store: Store) -> None:
    """A store has its schema by itself."""


new_store = template(_nothing)


def store_at(path: Path | None) -> Store:
    """Give the store that a test keeps at a path: what was committed is there when it is opened again."""
    if _databases is None:
        return open_store(path)
    if path is None:
        return new_store()
    if path not in _databases.at:
        _databases.at[path] = _databases.copy("at a path", _nothing)
    return _databases.open(_databases.server.url(_databases.at[path]))


def another(store: Store) -> Store:
    """The same database as another process opens it: the two know nothing of each other."""
    assert _databases is not None
    return _databases.open(store._engine.url)


def bring_to(connection: sqlalchemy.Connection, step: str) -> None:
    """Make the schema of an empty database what it was at a step of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("hanota.records.store") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, step)
