"""What is going to happen, as rows by time: sorted runs, of which each call takes the beginnings that are due."""

import heapq
from typing import Final

import polars as pl

from hanota.base.instant import Instant

RUNS_MAX: Final = 64  # more are put into one: many small pushes must not make each look expensive


class TimeQueue:
    """Rows of one shape, among whose columns is `at`; cheap for pushes of thousands of rows."""

    def __init__(self, shape: pl.Schema) -> None:
        self._empty = shape.to_frame()
        self._runs: dict[int, pl.DataFrame] = {}
        self._heap: list[tuple[int, int]] = []  # first `at` of each run
        self._made = 0

    def push(self, rows: pl.DataFrame) -> None:
        """Add rows, in any order."""
        if rows.is_empty():
            return
        if len(self._runs) >= RUNS_MAX:
            rows = pl.concat([*self._runs.values(), rows])
            self._runs.clear()
            self._heap.clear()
        self._keep(rows.select(self._empty.columns).sort("at", maintain_order=True))

    def _keep(self, run: pl.DataFrame) -> None:
        self._made += 1
        self._runs[self._made] = run
        heapq.heappush(self._heap, (int(run["at"][0]), self._made))

    def pop(self, now: Instant) -> pl.DataFrame:
        """Take what is due by `now`, the earliest first."""
        taken = []
        while self._heap and self._heap[0][0] <= now:
            _, number = heapq.heappop(self._heap)
            run = self._runs.pop(number)
            cut = int(run["at"].search_sorted(now, side="right"))
            taken.append(run[:cut])
            if cut < run.height:
                self._keep(run[cut:])
        if not taken:
            return self._empty
        return taken[0] if len(taken) == 1 else pl.concat(taken).sort("at", maintain_order=True)

    @property
    def next_due(self) -> Instant | None:
        """When the earliest row is due; None if there is none."""
        return Instant(self._heap[0][0]) if self._heap else None
