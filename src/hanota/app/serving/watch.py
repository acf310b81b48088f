"""The service as whoever watches it sees it: whether its store answers, and its figures, asked for at any rate."""

import threading
import time
from typing import Final

from hanota.app.clock import wall_clock
from hanota.base.instant import Instant
from hanota.records.store import Store
from hanota.records.store.figures import Figures, figures
from hanota.records.store.leases import lanes_held

KEPT_S: Final = 2.0
"""For how long figures are given again instead of being counted anew, however many ask."""


class Watch:
    """Reads one store, from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._figures: Figures | None = None
        self._counted_s = 0.0

    def now(self) -> Instant:
        """Give the service's clock, if its store answers."""
        now = wall_clock()
        with self._store.reading() as connection:
            lanes_held(connection, now)
        return now

    def figures(self) -> Figures:
        """Count everything, or give what was counted a moment ago."""
        with self._lock:
            if self._figures is None or time.monotonic() - self._counted_s >= KEPT_S:
                with self._store.reading() as connection:
                    self._figures = figures(connection, wall_clock())
                self._counted_s = time.monotonic()
            return self._figures
