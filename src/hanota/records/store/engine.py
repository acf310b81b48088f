"""Opening a store, and its transactions.

SQLite runs in WAL mode with `synchronous=FULL`: with NORMAL a power cut loses acknowledged commits. Writers take their
turn: every writing transaction begins IMMEDIATE, so acceptance is serialised. On PostgreSQL (`postgres`) writers of one
process take their turn, those of several don't: what has to be done by one at a time asks for that (`turns`).
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from hanota.base.errors import Fault, HanotaError
from hanota.records.store.postgres import READING, WRITING, is_postgres, postgres_engine, told, was_taken_back

PRAGMAS = (
    *("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"),
    "cache_size=-65536",  # KiB: a batch changes more pages than the 2 MiB that it would have
    "wal_autocheckpoint=65536",  # pages, 256 MiB: what batch after batch changes is written back once
)
"""What every connection to SQLite is told."""

HEAD: Final = "0011"
"""The last step of `migrations`: a store that has it is as the code wants it."""

_BUSY_TIMEOUT_S = 30
_S = TypeVar("_S", bound="Store")


class StoreUnavailable(HanotaError):
    """The store can't be opened."""

    code, fault, retryable = "HOTA-STORE-001", Fault.OPERATOR, True
    what = "the store {url} can't be opened: {cause}"
    remedy = "check the path and its permissions, or that the database server runs"


class DriverMissing(HanotaError):
    """The driver of a database server is not installed."""

    code, fault = "HOTA-STORE-002", Fault.OPERATOR
    what = "the store {url} can't be opened: its driver is not installed ({cause})"
    remedy = "install it: pip install 'hanota[postgres]'"


class TransactionLost(HanotaError):
    """The database server ended a transaction, or went away."""

    code, fault, retryable = "HOTA-STORE-003", Fault.OPERATOR, True
    what = "the database server ended a transaction: {cause}"
    remedy = "do the same again, it counts once; if that does not help, see whether the database server runs"


class Store:
    """One store: a reading and a writing side. Safe to use from several threads.

    In memory there is one connection for all of them: whoever reads or writes has the store for itself, and may read
    inside its own transaction.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # SQLite lets writers that wait sleep for ever longer, in no order; threads that queue here wake at once. On
        # PostgreSQL two threads that append to one lane would each wait for rows of the other.
        self._turn: contextlib.AbstractContextManager[object] = threading.Lock()
        sqlite = engine.dialect.name == "sqlite"
        self._reads: dict[str, Any] = {"hanota_begin": "DEFERRED"} if sqlite else READING
        self._writes: dict[str, Any] = {"hanota_begin": "IMMEDIATE"} if sqlite else WRITING
        self._reading: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        self._shared = isinstance(engine.pool, StaticPool)
        self._open: Connection | None = None  # of whoever has the turn; only where one connection is shared
        if self._shared:
            self._turn = self._reading = threading.RLock()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection whose reads agree with each other; nothing is written. Raises TransactionLost."""
        with self._reading:
            if self._open is not None:
                yield self._open
                return
            with self._connected(self._reads) as connection:
                yield connection
                connection.rollback()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a writing transaction: committed at the end, rolled back by an exception.

        Raises TransactionLost: whether it was committed is known by looking, if the server went away at its end.
        """
        with self._turn:
            if self._open is not None:
                raise RuntimeError("a store in memory has one connection: end reading or writing before writing")
            with self._connected(self._writes) as connection, connection.begin():
                yield connection

    @contextlib.contextmanager
    def _connected(self, options: dict[str, Any]) -> Iterator[Connection]:
        with _told_as_lost(), self._engine.connect().execution_options(**options) as connection:
            if not self._shared:
                yield connection
                return
            self._open = connection
            try:
                yield connection
            finally:
                self._open = None

    def copied(self, kind: "type[_S]") -> "_S":
        """Give a store in memory with the contents of this one, which is SQLite: much quicker than making one."""
        store = kind(_alike(self._engine, _engine(URL.create("sqlite"))))
        with self.reading() as source, store.reading() as target:
            ours, theirs = source.connection.driver_connection, target.connection.driver_connection
            assert isinstance(ours, sqlite3.Connection)
            assert isinstance(theirs, sqlite3.Connection)
            ours.backup(theirs)
        return store

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


@contextlib.contextmanager
def _told_as_lost() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if was_taken_back(error):
            raise TransactionLost(cause=error.orig) from error
        raise


def open_store(where: Path | str | None) -> Store:
    """Open the store at a file, at a database URL, or with None in memory; bring its schema up to date.

    Raises: StoreUnavailable; DriverMissing.
    """
    url = _url(where)
    try:
        engine = _engine(url)
        _migrate(engine)
    except ImportError as cause:
        raise (DriverMissing if is_postgres(url) else StoreUnavailable)(url=told(url), cause=cause) from cause
    except DBAPIError as cause:
        raise StoreUnavailable(url=told(url), cause=str(cause.orig).strip()) from cause
    except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeDecodeError) as cause:  # of damage, told in its octets
        raise StoreUnavailable(url=told(url), cause=cause) from cause
    return Store(engine)


def _url(where: Path | str | None) -> URL:
    if where is None:
        return URL.create("sqlite")
    if isinstance(where, str) and "://" in where:
        with contextlib.suppress(SQLAlchemyError, ValueError):
            url = make_url(where)
            if "@" not in (url.host or ""):  # part of a password that should have been written %40
                return url
        scheme = where.partition("://")[0]  # what can't be read may hold a password anywhere: it is not repeated
        raise StoreUnavailable(url=f"{scheme}://…", cause="this is no database URL") from None
    return URL.create("sqlite", database=str(where))


def _engine(url: URL) -> Engine:
    if is_postgres(url):
        return postgres_engine(url)
    if url.get_backend_name() != "sqlite":
        return create_engine(url)
    in_memory = url.database is None
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_S},
        **({"poolclass": StaticPool} if in_memory else {}),
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # this module says when a transaction begins, not the driver
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        how = connection.get_execution_options().get("hanota_begin", "IMMEDIATE")
        connection.exec_driver_sql(f"BEGIN {how}")

    return engine


def _alike(first: Engine, other: Engine) -> Engine:
    """Let another engine for the same kind of server use what the first has compiled: statements are kept by dialect.

    To compile what a turn of the pipeline says takes ten times as long as the turn on an empty store.
    """
    other.dialect, other._compiled_cache = first.dialect, first._compiled_cache
    return other


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        if _is_whole(connection):
            return
    from hanota.records.store.migrating import migrate  # noqa: PLC0415  Alembic takes a start a fifth of a second

    migrate(engine)


def _is_whole(connection: Connection) -> bool:
    """Whether the schema is that of the code."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
