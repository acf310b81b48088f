"""The lane that a process of the head end writes its events in, held by a lease that it keeps up.

Every writing transaction of a worker asks first whether it still holds its lane. One that was stopped, or whose machine
stood still, for longer than a lease finds that out with the first thing it wants to write, and writes nothing.
"""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant
from hanota.records.store import Connection, Store, leases

LEASE_MS: Final = 30 * SECOND
"""How long a lane is held after the last beat: when the work of a process that vanished is taken up by others."""
BEATS: Final = 6  # in the time of a lease
TAKEN_AT_ONCE_MAX: Final = 8
"""How many parties a worker takes at a time; the others get their share meanwhile."""
REST_MS: Final = 5 * SECOND
"""How long a worker keeps a party to which nothing is under way."""
_log = structlog.get_logger()
Clock = Callable[[], Instant]


def new_holder() -> str:
    """Give a name for this process that no other one ever has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Lane:
    """A lane held by this process. `store` is the one to write to; its transactions fail once the lane is lost.

    `lost` is set when a beat finds that out; whoever runs the process then ends it.
    """

    def __init__(self, store: Store, base: str, clock: Clock, *, lease_ms: int | None = None) -> None:
        """Take the first lane that is free: `base-1`, `base-2`, … Raises NoLane."""
        self.holder = new_holder()
        self.lost = threading.Event()
        self._plain, self.clock, self._lease_ms = store, clock, lease_ms or LEASE_MS
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="hanota-lane", daemon=True)
        now = clock()
        with store.writing() as connection:
            self.name = leases.take_lane(connection, base, self.holder, now=now, until=self._until(now))
        self.store: Store = FencedStore(store, self._require)
        self._thread.start()

    def _until(self, now: Instant) -> Instant:
        return Instant(now + self._lease_ms)

    def _require(self, connection: Connection) -> None:
        leases.require_lane(connection, self.name, self.holder, self.clock())

    def _beat(self) -> None:
        while not self._ending.wait(self._lease_ms / BEATS / 1000):
            try:
                with self._plain.writing() as connection:
                    now = self.clock()
                    leases.renew_lane(connection, self.name, self.holder, now=now, until=self._until(now))
            except leases.LeaseLost:
                _log.error("lease_lost", lane=self.name)
                self.lost.set()
                return
            except Exception:  # the store may be away for a while: the next beat may still be in time
                _log.exception("beat_failed", lane=self.name)

    def release(self) -> None:
        """Let others have the lane and all that was taken under it, at once."""
        self._ending.set()
        self._thread.join()
        if not self.lost.is_set():
            with self._plain.writing() as connection:
                leases.give_back(connection, self.holder)


class FencedStore(Store):
    """A store in which nothing is written once `check` raises; it is asked within each writing transaction."""

    def __init__(self, store: Store, check: Callable[[Connection], None]) -> None:
        self._store, self._check = store, check

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection whose reads agree with each other."""
        with self._store.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a writing transaction. Raises what `check` raises, before anything is written."""
        with self._store.writing() as connection:
            self._check(connection)
            yield connection

    def close(self) -> None:
        """Let go of every connection of the store below."""
        self._store.close()


class PartyTurns:
    """The parties to which this worker posts: taken while it holds its lane, let go of once they have been quiet."""

    def __init__(self, lane: Lane) -> None:
        self._store, self._holder, self._clock = lane.store, lane.holder, lane.clock
        self._mine: dict[Eui64, Instant] = {}  # since when each is quiet

    def take(self, now: Instant, busy: Collection[Eui64]) -> Collection[Eui64]:
        """Give the parties that are this worker's, some more among them if others wait."""
        for party in busy:
            self._mine[party] = now
        quiet = [party for party, since in self._mine.items() if now - since >= REST_MS]
        with self._store.reading() as connection:
            wanted = leases.parties_to_take(connection, now, TAKEN_AT_ONCE_MAX, now=self._clock())
        if quiet or wanted:
            with self._store.writing() as connection:
                leases.release_parties(connection, self._holder, quiet)
                taken = leases.take_parties(connection, self._holder, wanted, self._clock())
            self._mine = {party: since for party, since in self._mine.items() if party not in quiet}
            self._mine |= dict.fromkeys(taken, now)
        return self._mine.keys()
