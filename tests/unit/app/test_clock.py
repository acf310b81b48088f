"""Clocks: none of them goes back, not over a restart either."""

import threading
from pathlib import Path

import pytest

from hanota.app import clock as module
from hanota.app.clock import ManualClock, ScaledClock, SpeedOutOfRange, wall_clock
from hanota.base.instant import DAY, Instant, parse_iso
from hanota.records.ledger import Event, append
from hanota.records.store import Store, open_store
from hanota.records.store.position import keep_position

NOW = parse_iso("2026-01-15T09:00:00Z")


class Time:
    """Stands for the computer's time: wall and monotonic, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.ticks_s = NOW, 1000.0
        monkeypatch.setattr(module, "wall_clock", lambda: self.wall)
        monkeypatch.setattr(module.time, "monotonic", lambda: self.ticks_s)

    def passes(self, seconds: float) -> None:
        self.ticks_s += seconds
        self.wall = Instant(self.wall + int(seconds * 1000))


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


@pytest.fixture
def store() -> Store:
    return open_store(None)


def test_it_starts_with_the_wall_and_runs_at_its_speed(time: Time, store: Store) -> None:
    clock = ScaledClock(store, 60)
    assert clock.now() == NOW
    time.passes(2)
    assert clock.now() == NOW + 120_000


def test_real_and_scaled_time_fit_each_other(time: Time, store: Store) -> None:
    clock = ScaledClock(store, 60)
    assert clock.after_s(0.5) == NOW + 30_000
    assert clock.seconds_until(Instant(NOW + 30_000)) == pytest.approx(0.5)
    assert clock.seconds_until(Instant(NOW - 1)) == 0


def test_it_goes_on_from_the_position_it_kept(time: Time, store: Store) -> None:
    first = ScaledClock(store, 1000)
    time.passes(100)
    first.keep()
    stood = first.now()
    assert stood > time.wall
    time.passes(1)
    assert ScaledClock(store, 1).now() == stood


def test_it_goes_on_from_the_wall_when_that_is_later(time: Time, store: Store) -> None:
    ScaledClock(store, 1).keep()
    time.passes(DAY)
    assert ScaledClock(store, 1).now() == time.wall


def test_it_never_goes_behind_what_was_recorded_though_it_was_killed(time: Time, store: Store) -> None:
    clock = ScaledClock(store, 1000)
    clock.keep()
    time.passes(0.9)  # and then the process dies, without keeping the position
    with store.writing() as connection:
        append(connection, "0", [Event(kind="k", at=clock.now())])
    recorded = clock.now()
    assert ScaledClock(store, 1000).now() >= recorded


def test_a_wall_clock_that_is_set_back_changes_nothing(time: Time, store: Store) -> None:
    clock = ScaledClock(store, 1)
    time.wall = Instant(NOW - DAY)
    assert clock.now() == NOW
    clock.keep()
    assert ScaledClock(store, 1).now() == NOW


def test_the_position_outlives_the_process(time: Time, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    first = open_store(path)
    with first.writing() as connection:
        keep_position(connection, Instant(NOW + DAY))
    first.close()
    assert ScaledClock(open_store(path), 1).now() == NOW + DAY


def test_it_never_goes_back_while_it_runs(store: Store) -> None:
    clock, seen = ScaledClock(store, 100_000), []

    def look() -> None:
        seen.append([clock.now() for _ in range(200)])

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(list(times) == sorted(times) for times in seen)


@pytest.mark.parametrize("speed", [0, -1, 100_001, float("inf"), float("nan")])
def test_a_speed_that_is_none_is_refused(speed: float, store: Store) -> None:
    with pytest.raises(SpeedOutOfRange):
        ScaledClock(store, speed)


@pytest.mark.parametrize("speed", [0.001, 1, 100_000])
def test_slow_and_fast_are_fine(speed: float, store: Store) -> None:
    assert ScaledClock(store, speed).now() > 0


def test_a_manual_clock_moves_forward_only() -> None:
    clock = ManualClock(NOW)
    clock.move_to(Instant(NOW + 5))
    clock.move_to(NOW)
    assert clock.now() == NOW + 5


def test_the_wall_clock_is_in_milliseconds_since_1970() -> None:
    assert parse_iso("2024-01-01T00:00:00Z") < wall_clock() < parse_iso("2100-01-01T00:00:00Z")
