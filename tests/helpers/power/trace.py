"""A town's head end at work over a file: every call to the disk in order, and what was durable when it said so.

The workload is the simulator's: Suppliers who send, homes that report, hubs, alerts, commands, changes of homes, and a
head end whose process dies now and then. Every transaction that returned is an acknowledgement.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from unittest import mock

from sqlalchemy import event
from sqlalchemy.pool import Pool

from hanota.records.store import Connection, Store, open_store
from hanota.sim import town
from hanota.sim.draw import draw_plan
from hanota.sim.quiet import quiet
from hanota.sim.run import Outcome, run_plan
from hanota.sim.stores import MortalStore
from helpers.power.disk import Op
from helpers.power.vfs import recording

Synchronous = Literal["FULL", "NORMAL", "OFF"]
Promise = tuple[Any, ...]
"""A kind of thing, and what tells one from the others, its contents included."""

STORE: Final = "store.sqlite"
CHECKPOINT_PAGES: Final = 60  # SQLite's own 1,000 would leave few checkpoints to cut
_PROMISED: Final = {
    "request": "SELECT key, answer FROM request WHERE key IS NOT NULL",
    "event": "SELECT lane, seq, octets, digest FROM event",
    "alert": "SELECT id, party, kind, delivery, device FROM message",
    "report": "SELECT source, octets FROM report",
    "order": "SELECT id, kind, delivery FROM outbox",
}


@dataclass
class Trace:
    """What a run had the disk do. `acknowledged[n]` is how many calls had been made when transaction n had returned;
    `images[n]` is the whole store as it stood then.
    """

    seed: int
    ops: list[Op] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    images: list[bytes] = field(default_factory=list)
    made: dict[Promise, int] = field(default_factory=dict)
    withdrawn: dict[Promise, int] = field(default_factory=dict)

    def note(self, driver: sqlite3.Connection) -> None:
        """A transaction has returned: take down what it promises."""
        image = image_of(driver)
        if not self.images or image != self.images[-1]:
            standing = promises(driver)
            number = len(self.images)
            for promise in standing - self.made.keys():
                self.made[promise] = number
            for promise in self.made.keys() - self.withdrawn.keys() - standing:
                self.withdrawn[promise] = number
        self.images.append(image)
        self.acknowledged.append(len(self.ops))

    def due(self, transaction: int) -> set[Promise]:
        """Give what must stand if that transaction was the last to return; the one after it may be there or not."""
        gone = {promise for promise, at in self.withdrawn.items() if at <= transaction + 1}
        return {promise for promise, at in self.made.items() if at <= transaction} - gone


def image_of(driver: sqlite3.Connection) -> bytes:
    """Give a digest of all pages of a store, as a reader sees them."""
    return hashlib.sha256(driver.serialize()).digest()


def promises(driver: sqlite3.Connection) -> set[Promise]:
    """Give everything that a store holds for somebody."""
    return {(kind, *row) for kind, query in _PROMISED.items() for row in driver.execute(query)}


def record(seed: int, folder: Path, synchronous: Synchronous = "FULL") -> tuple[Trace, Outcome]:
    """Run the town of a seed over a store in `folder`."""
    trace = Trace(seed)

    def fresh_store() -> Store:
        store = open_store(folder / STORE)
        store.__class__ = MortalStore
        return store

    with (
        quiet(),
        recording(folder, trace.ops.append),
        _pragmas(synchronous),
        _noted(trace.note),
        mock.patch.object(town, "fresh_store", fresh_store),
    ):
        outcome = run_plan(draw_plan(seed))
    return trace, outcome


@contextmanager
def _pragmas(synchronous: Synchronous) -> Iterator[None]:
    """Let every connection that is handed out checkpoint often, and sync as told rather than as the store says."""
    more = () if synchronous == "FULL" else (f"synchronous={synchronous}",)

    def prepare(driver: Any, _record: object, _proxy: object) -> None:
        for pragma in (f"wal_autocheckpoint={CHECKPOINT_PAGES}", *more):
            driver.execute(f"PRAGMA {pragma}")

    event.listen(Pool, "checkout", prepare)
    try:
        yield
    finally:
        event.remove(Pool, "checkout", prepare)


@contextmanager
def _noted(note: Callable[[sqlite3.Connection], None]) -> Iterator[None]:
    """Be told of every writing transaction that returned."""
    real = Store.writing

    @contextmanager
    def writing(store: Store) -> Iterator[Connection]:
        with real(store) as connection:
            yield connection
        with store.reading() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            note(driver)

    with mock.patch.object(Store, "writing", writing):
        yield
