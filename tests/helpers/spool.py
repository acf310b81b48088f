"""`hanota serve` over a network that is a file, for tests of processes; and processes that stop at a chosen place.

As a program, `python -m helpers.spool serve …`, it is `hanota` whose workers' carrier is a SQLite file: the database
that `--nats` names, unless that is a URL. Frames wait there until the test, or a worker, takes them.
HANOTA_TEST_LEASE_MS shortens leases; HANOTA_TEST_CLOCK=SPEED:SINCE lets the service's clock run faster from then on;
HANOTA_TEST_BACK_OFF_S is the longest that the supervisor waits before it starts again what ended;
HANOTA_TEST_STOP=step:FILE lets the first worker that creates FILE stop itself (SIGSTOP) when it is about to claim rows.
"""

import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from helpers import prefork
from helpers.ends import PlainEnd

_TURNS: list[AbstractContextManager[object]] = []
"""Whoever has them all knows that no thread of this process is writing to a file. SQLite lets nobody else write then,
so a process that is stopped within that would stop them, too."""


class Spool:
    """Both ends of a network in a file."""

    def __init__(self, path: str | Path) -> None:
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS frame (id INTEGER PRIMARY KEY, up, lane, hub, octets)")
        self.turn = threading.Lock()
        _TURNS.append(self.turn)

    def close(self) -> None:
        self._connection.close()

    def send(self, hub: Eui64, frame: bytes, now: Instant, *, lane: str = "", up: bool = False) -> None:
        query = "INSERT INTO frame (up, lane, hub, octets) VALUES (?, ?, ?, ?)"
        with self.turn:
            self._connection.execute(query, (up, lane, hub.signed, frame))

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        query = "DELETE FROM frame WHERE id IN (SELECT id FROM frame WHERE up LIMIT ?) RETURNING octets"
        with self.turn:
            return [octets for (octets,) in self._connection.execute(query, (limit,))]

    def sent(self) -> list[tuple[str, int, bytes]]:
        """Everything sent down so far: by which lane, to which hub, the frame."""
        return self._connection.execute("SELECT lane, hub, octets FROM frame WHERE NOT up ORDER BY id").fetchall()


class WorkersEnd(PlainEnd):
    """The end of a worker, which signs what it sends with its lane."""

    def __init__(self, spool: Spool, lane: str) -> None:
        self._spool, self._lane = spool, lane

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        self._spool.send(hub, frame, now, lane=self._lane)

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        return self._spool.receive(now, limit)

    def listen(self, listener: Callable[[], None]) -> None:
        pass

    def close(self) -> None:
        self._spool.close()


def stopping_before(act: Callable[..., Any], marker: Path) -> Callable[..., Any]:
    """Give `act`, before which the first process of all to come there is stopped; `marker` tells which."""

    def stopped(*arguments: Any, **named: Any) -> Any:
        try:
            with marker.open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return act(*arguments, **named)
        with ExitStack() as turns:
            for turn in _TURNS:
                turns.enter_context(turn)
            os.kill(os.getpid(), signal.SIGSTOP)
        return act(*arguments, **named)

    return stopped


class _Parts:
    """Begins the parts of a service as `subprocess` does, but sooner, and with this program's arrangements."""

    PIPE, TimeoutExpired = subprocess.PIPE, subprocess.TimeoutExpired

    def Popen(self, _program: object, *, env: dict[str, str], stdin: int, start_new_session: bool) -> prefork.Process:  # noqa: N802
        assert (stdin, start_new_session) == (self.PIPE, True)
        return prefork.begin_fed("helpers.spool", ["serve-part"], env)


def main() -> None:
    """Run `hanota` with the arguments of this program."""
    from hanota.app.serving import carriers, lanes, supervisor, worker
    from hanota.faces import parts
    from hanota.process.pipeline import Pipeline
    from hanota.records.store import engine, outbox

    over_nats = carriers.open_carrier
    carriers.open_carrier = lambda store, url, lane: (
        over_nats(store, url, lane) if "://" in url else WorkersEnd(Spool(url), lane)
    )
    if "HANOTA_TEST_LEASE_MS" in os.environ:
        lanes.LEASE_MS = outbox.CLAIM_MS = int(os.environ["HANOTA_TEST_LEASE_MS"])
    if "HANOTA_TEST_CLOCK" in os.environ:  # leases of lanes go by the wall's clock even so, others last as long
        speed, since = map(int, os.environ["HANOTA_TEST_CLOCK"].split(":"))
        wall = worker.wall_clock
        outbox.CLAIM_MS *= speed
        worker.wall_clock = parts.wall_clock = lambda: Instant(since + (wall() - since) * speed)
    supervisor.subprocess = _Parts()
    if "HANOTA_TEST_BACK_OFF_S" in os.environ:
        supervisor._BACK_OFF_S_MAX = float(os.environ["HANOTA_TEST_BACK_OFF_S"])
    place, _, marker = os.environ.get("HANOTA_TEST_STOP", "").partition(":")
    if place == "step":  # it has seen that rows wait, and no transaction is open
        Pipeline._step = stopping_before(Pipeline._step, Path(marker))
        open_store = engine.Store.__init__

        def opened(store: engine.Store, *given: Any) -> None:
            open_store(store, *given)
            _TURNS.append(store._turn)

        engine.Store.__init__ = opened
    from hanota.faces.cli import main as run

    run()


if __name__ == "__main__":
    main()
