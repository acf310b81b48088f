"""The only place where real time is read. Everything else is given instants."""

import time
from typing import Protocol

from hanota.base.errors import Fault, HanotaError, require
from hanota.base.instant import Instant
from hanota.records.store import Store
from hanota.records.store.position import keep_position, kept_position


class SpeedOutOfRange(HanotaError):
    """A clock can't run at this speed."""

    code, fault = "HOTA-APP-001", Fault.OPERATOR
    what = "a clock can't run at {speed} times real time"
    remedy = "give a speed above 0 and at most 100000"


class Clock(Protocol):
    """Tells the instant."""

    def now(self) -> Instant:
        """The instant now."""


class ManualClock:
    """A clock that stands until it is moved: for demonstrations and tests."""

    def __init__(self, start: Instant) -> None:
        self._now = start

    def now(self) -> Instant:
        """The instant it was moved to."""
        return self._now

    def move_to(self, instant: Instant) -> None:
        """Move it forward; it never goes back."""
        self._now = max(self._now, instant)


def wall_clock() -> Instant:
    """The computer's own time."""
    return Instant(time.time_ns() // 1_000_000)


class ScaledClock:
    """A clock that runs `speed` times as fast as real time, and whose position outlives the process.

    It goes on from the later of the position kept in the store and the wall clock. A process that may be killed keeps a
    position ahead of it (`keep_ahead_s`) before it gets there, so time never goes back over a restart.
    """

    def __init__(self, store: Store, speed: float) -> None:
        require(0 < speed <= 100_000, SpeedOutOfRange, speed=speed)
        self._store = store
        self._speed = speed
        self._origin = max(self._kept(), wall_clock())
        self._started_s = time.monotonic()

    def now(self) -> Instant:
        """The scaled instant."""
        return Instant(self._origin + int((time.monotonic() - self._started_s) * 1000 * self._speed))

    def seconds_until(self, instant: Instant) -> float:
        """Real seconds until the clock shows `instant`; 0 if it has passed."""
        return max(0.0, (instant - self.now()) / 1000 / self._speed)

    def after_s(self, seconds: float) -> Instant:
        """The instant that the clock shows when so many real seconds have passed."""
        return Instant(self.now() + int(seconds * 1000 * self._speed))

    def keep(self, keep_ahead_s: float = 0.0) -> None:
        """Make durable where it stands, or where it will stand in `keep_ahead_s` real seconds."""
        with self._store.writing() as connection:
            keep_position(connection, self.after_s(keep_ahead_s))

    def _kept(self) -> Instant:
        with self._store.reading() as connection:
            return kept_position(connection)


class CommonClock:
    """The wall clock, or one that runs `speed` times as fast from an instant on; processes that are given the same two
    agree on the time over all their lives, for as long as the wall clocks of their machines do.
    """

    def __init__(self, speed: float = 1.0, since: Instant | None = None) -> None:
        require(0 < speed <= 100_000, SpeedOutOfRange, speed=speed)
        self.speed = speed
        self.since = since if since is not None else wall_clock()

    def now(self) -> Instant:
        """The instant that all of them show."""
        return Instant(self.since + int((wall_clock() - self.since) * self.speed))

    def seconds_until(self, instant: Instant) -> float:
        """Real seconds until the clock shows `instant`; 0 if it has passed."""
        return max(0.0, (instant - self.now()) / 1000 / self.speed)
