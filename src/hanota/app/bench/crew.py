"""Who is at work in a rollout that is measured: this process, or workers in processes of their own on one database.

Both hold the reports of homes until they are told to take them: handing them over is no part of what is measured.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Final, NoReturn, Protocol

from hanota.app.memory import collect_seldom
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.policies import Policies
from hanota.model.returns import Row
from hanota.process.pipeline import Pipeline
from hanota.records.store import open_store
from hanota.records.store.reports import columns_of


class Crew(Protocol):
    """So many workers, who take reports and do what is due at the same time."""

    @property
    def size(self) -> int:
        """How many batches of reports they hold at a time."""

    def hold(self, batches: Sequence[list[Row]]) -> None:
        """Give at most `size` batches to workers, one each."""

    def take(self, now: Instant) -> float:
        """Let them take what they hold. Returns: seconds of the processor outside of this process."""

    def run(self, now: Instant) -> float:
        """Let them do what is due. Returns: seconds of the processor outside of this process."""


class Alone:
    """This process, with the pipeline that it accepts requests by."""

    size: Final = 1

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._held: list[list[Row]] = []

    def hold(self, batches: Sequence[list[Row]]) -> None:
        """Keep reports to take them."""
        self._held = list(batches)

    def take(self, now: Instant) -> float:
        """Take what is held. Raises whatever went wrong with a report."""
        for batch in self._held:
            _take_all(self._pipeline, batch, now)
        self._held = []
        return 0.0

    def run(self, now: Instant) -> float:
        """Do what is due."""
        self._pipeline.run(now)
        return 0.0


class Workers:
    """Processes that share a database, as those of `hanota serve --workers` do, each with a lane of its own."""

    def __init__(self, url: str, *, size: int, dcc: Eui64, policies: Policies) -> None:
        self._pools = [
            ProcessPoolExecutor(
                1, mp_context=get_context("spawn"), initializer=_begin, initargs=(url, f"{lane}", dcc, policies)
            )
            for lane in range(1, size + 1)
        ]
        self._all([pool.submit(_hold, []) for pool in self._pools])  # so that all have started

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self._pools)

    def hold(self, batches: Sequence[list[Row]]) -> None:
        """Hand reports over, a batch to each."""
        self._all([pool.submit(_hold, batch) for pool, batch in zip(self._pools, batches, strict=False)])

    def take(self, now: Instant) -> float:
        """Let all take what they hold, at the same time."""
        return self._all([pool.submit(_take, now) for pool in self._pools])

    def run(self, now: Instant) -> float:
        """Let all do what is due, at the same time."""
        return self._all([pool.submit(_run, now) for pool in self._pools])

    def close(self) -> None:
        """End them."""
        for pool in self._pools:
            pool.shutdown()

    @staticmethod
    def _all(deeds: Sequence[Future[float]]) -> float:
        return sum(deed.result() for deed in deeds)


def _take_all(pipeline: Pipeline, reports: list[Row], now: Instant) -> None:
    failures = pipeline.take(columns_of(reports), now)
    if failures:
        raise failures[0]


# --- in a worker's process ---------------------------------------------------------------------------------------

_mine: dict[str, Any] = {}


def _begin(url: str, lane: str, dcc: Eui64, policies: Policies) -> None:
    collect_seldom()
    store = open_store(url)
    _mine["pipeline"] = Pipeline(store, dcc=dcc, policies=policies, seal=_unasked, broker=_Keyless(), lane=lane)


def _hold(reports: list[Row]) -> float:
    _mine["held"] = reports
    return 0.0


def _take(now: Instant) -> float:
    return _counted(lambda: _take_all(_mine["pipeline"], _mine.pop("held", []), now))


def _run(now: Instant) -> float:
    return _counted(lambda: _mine["pipeline"].run(now))


def _counted(deed: Callable[[], object]) -> float:
    before = time.process_time()
    deed()
    return time.process_time() - before


def _unasked(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("requests are accepted, and commands signed, by the process that measures")


class _Keyless:
    """A broker without keys: nothing in this measurement asks for one."""

    read_version = seal = seals_hold = staticmethod(_unasked)
