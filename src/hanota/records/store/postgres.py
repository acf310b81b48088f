"""PostgreSQL below the store: its connections, how rows go in by COPY, and what its errors come to.

A store on a server has several writers, one in each worker's process, so what SQLite gives by having one writer at a
time is taken here where it is needed: see `turns`. Transactions that write are READ COMMITTED, those that read see one
snapshot. `synchronous_commit` is never off: what was acknowledged is on the server's disk.
"""

from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

_POOL_SIZE: Final = 5
_POOL_OVERFLOW: Final = 15
_CONNECT_TIMEOUT_S: Final = 10
_SAFE_IN_MESSAGES: Final = frozenset({"host", "port", "dbname", "sslmode", "application_name"})

# A worker that is stopped inside a transaction must not keep its locks from the others: the server ends its session
# after the time of a lease, and nothing of the transaction is kept. The same where its machine has gone.
# Whoever has named rows in a temporary table finds all others from there by an index, as on SQLite. Left to choose, the
# server goes by figures of tables that were much smaller a minute ago, and reads all of them instead.
_SESSION: Final = (
    "SET idle_in_transaction_session_timeout = '30s'",
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
    "SET jit = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET enable_material = off",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)
# Deadlock, serialisation failure, lock not available, and the server or somebody ending the session or the statement.
_TAKEN_BACK: Final = frozenset({"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "57P05", "25P03"})

READING: Final = {"isolation_level": "REPEATABLE READ"}
WRITING: Final = {"isolation_level": "READ COMMITTED"}


def is_postgres(url: URL) -> bool:
    """Whether a URL names a PostgreSQL database."""
    return url.get_backend_name() in ("postgresql", "postgres")


def postgres_engine(url: URL) -> Engine:
    """Give an engine over psycopg 3, whatever driver the URL names. Nothing is connected yet.

    Raises ImportError: psycopg is not installed.
    """
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_OVERFLOW,
        pool_pre_ping=True,  # so that a server that was started again is noticed before something is begun
        connect_args={"connect_timeout": _CONNECT_TIMEOUT_S, "prepare_threshold": None},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.execute("; ".join(_SESSION))
        connection.commit()

    return engine


def told(url: URL) -> str:
    """A URL as it may stand in messages: passwords may be in its query, too."""
    query = {name: value for name, value in url.query.items() if name in _SAFE_IN_MESSAGES}
    return url.set(query=query).render_as_string(hide_password=True)


def was_taken_back(error: DBAPIError) -> bool:
    """Whether the server ended a transaction for reasons that may be gone when it is done again."""
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _TAKEN_BACK


def copy_frame(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    """Insert the rows of a frame by one COPY; its columns are named like those of the table.

    What the server refuses is raised as the error that SQLAlchemy has for it.
    """
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column) for column in rows.columns)
    binary = [name for name, kind in rows.schema.items() if kind == pl.Binary]
    octets = [pl.concat_str(pl.lit("\\x"), pl.col(name).bin.encode("hex")).alias(name) for name in binary]
    text = rows.with_columns(octets).write_csv(include_header=False)  # empty text is quoted, null is nothing at all
    driver = connection.connection.driver_connection
    assert driver is not None
    sql, refused = f"COPY {quote(table.name)} ({names}) FROM STDIN (FORMAT csv)", connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(sql) as copy:
            copy.write(text.encode())
    except refused as error:
        raise DBAPIError.instance(sql, None, error, refused, dialect=connection.dialect) from error
