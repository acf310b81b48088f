"""The floor under a rollout: the rows that it wrote, written again by a bare loop of SQL and nothing else.

This is the one place outside of the records that speaks SQL, because it is what the records are measured against: the
driver's own `executemany`, in a copy of the same registry with the same settings, in transactions as large as those of
the rollout. Reading the rows beforehand does not count.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hanota.records.store.engine import PRAGMAS

_BATCH: Final = 10_000
_STEPS: Final = ("QUEUED", "ON_WAN", "ACTIVATING", "ACTIVATED", "CONFIRMED")
"""States in which a delivery's row is written after REQUESTED when all goes well."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What a bare loop took for the same rows."""

    seconds: float
    cpu_seconds: float
    rows: int


def sqlite_floor(source: Path, empty: Path) -> Floor:
    """Write what the store `source` holds of deliveries into `empty`, a copy of its registry as it was before."""
    loop = _Loop(empty)
    with closing(sqlite3.connect(source)) as written, closing(loop):
        last = written.execute("SELECT coalesce(max(id), 0) FROM delivery").fetchone()[0]
        loop.write_events(written.execute("SELECT * FROM request").fetchall(), "request")
        for first in range(1, last + 1, _BATCH):
            loop.write(_Batch.of(written, first, first + _BATCH - 1))
        loop.write_events(written.execute("SELECT * FROM event").fetchall(), "event")
    return Floor(loop.seconds, loop.cpu_seconds, loop.rows)


@dataclass(frozen=True, slots=True)
class _Batch:
    """The rows of some deliveries, by table."""

    rows: dict[str, list[tuple[Any, ...]]]
    states: list[tuple[Any, ...]]  # state, since, deadline, due, delivery
    versions: list[tuple[Any, ...]]  # version, at, device

    @classmethod
    def of(cls, connection: sqlite3.Connection, first: int, last: int) -> "_Batch":
        span = (first, last)
        rows = {
            table: connection.execute(f"SELECT * FROM {table} WHERE delivery BETWEEN ? AND ?", span).fetchall()  # noqa: S608 - a name from this module
            for table in ("outbox", "report", "message")
        }
        rows["delivery"] = connection.execute("SELECT * FROM delivery WHERE id BETWEEN ? AND ?", span).fetchall()
        rows["work"] = connection.execute("SELECT device, id FROM delivery WHERE id BETWEEN ? AND ?", span).fetchall()
        states = connection.execute("SELECT since, deadline, due, id FROM delivery WHERE id BETWEEN ? AND ?", span)
        versions = connection.execute(
            "SELECT v.version, v.version_at, v.eui FROM device v JOIN delivery d ON d.device = v.eui"
            " WHERE d.id BETWEEN ? AND ?",
            span,
        )
        return cls(rows, states.fetchall(), versions.fetchall())


class _Loop:
    """Writes, and counts what writing takes."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        self.seconds = self.cpu_seconds = 0.0
        self.rows = 0

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def write(self, batch: _Batch) -> None:
        """Write some deliveries from their first row to their last change, each step in a transaction of its own."""
        inserts = {table: _insert(table, rows) for table, rows in batch.rows.items() if rows}
        with self._counting():
            self._write(batch, inserts)

    def _write(self, batch: _Batch, inserts: Mapping[str, str]) -> None:
        self._many([(inserts[table], batch.rows[table]) for table in ("delivery", "work")])
        change = "UPDATE delivery SET state=?, since=?, deadline=?, due=?, tries=0 WHERE id=?"
        moved = [(change, [(state, *row) for row in batch.states]) for state in _STEPS]
        inventory = ("UPDATE device SET version=?, version_at=?, version_origin='reported' WHERE eui=?", batch.versions)
        ended = ("DELETE FROM work WHERE device=?", [row[:1] for row in batch.rows["work"]])
        beside = {1: ["outbox"], 2: ["report"], 3: ["message"]}
        for step, statement in enumerate(moved):
            more = [(inserts[table], batch.rows[table]) for table in beside.get(step, ()) if table in inserts]
            last = [inventory, ended] if step == len(moved) - 1 else []
            self._many([statement, *more, *last])

    def write_events(self, rows: list[tuple[Any, ...]], table: str) -> None:
        """Write rows of a table that are few and long, in one transaction."""
        if rows:
            with self._counting():
                self._many([(_insert(table, rows), rows)])

    @contextmanager
    def _counting(self) -> Iterator[None]:
        cpu, start = time.process_time(), time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start
        self.cpu_seconds += time.process_time() - cpu

    def _many(self, statements: Iterable[tuple[str, Sequence[tuple[Any, ...]]]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for statement, rows in statements:
            self._connection.executemany(statement, rows)
            self.rows += len(rows)
        self._connection.execute("COMMIT")


def _insert(table: str, rows: Sequence[tuple[Any, ...]]) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})"  # noqa: S608 - a name from this module
