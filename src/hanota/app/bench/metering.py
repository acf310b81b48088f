"""A clock that runs only while what is measured is at work, told apart by phase; with a profile if one is wanted."""

import cProfile
import gc
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hanota.app.memory import collect_seldom

_KB_PER_MB = 1024


@dataclass(slots=True)
class Spent:
    """What a phase has taken so far: by the wall's clock, and of the processor by all threads at work for it."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(slots=True)
class Meter:
    """Phases by name. Outside of them the clock stands still.

    What other processes did for what is measured is put in by whoever knows: `beside_cpu_s` of the processor, and how
    many signatures were looked at, here or there.
    """

    profile: cProfile.Profile | None = None
    phases: dict[str, Spent] = field(default_factory=dict)
    beside_cpu_s: float = 0.0
    signatures: int = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[Spent]:
        """Count what happens inside for a phase; phases do not nest. Whoever has others at work adds what they take."""
        spent = self.phases.setdefault(name, Spent())
        cpu, start = time.process_time(), time.perf_counter()
        if self.profile is not None:
            self.profile.enable()
        try:
            yield spent
        finally:
            if self.profile is not None:
                self.profile.disable()
            spent.seconds += time.perf_counter() - start
            spent.cpu_seconds += time.process_time() - cpu

    @contextmanager
    def collecting_seldom(self) -> Iterator[None]:
        """Look for garbage in cycles as seldom as a worker does (`app.memory`), and afterwards as before."""
        before = gc.get_threshold()
        collect_seldom()
        try:
            yield
        finally:
            gc.set_threshold(*before)
            gc.unfreeze()

    @property
    def seconds(self) -> float:
        """What all phases took by the wall's clock."""
        return sum(spent.seconds for spent in self.phases.values())

    @property
    def cpu_seconds(self) -> float:
        """What all phases took of the processor, in this process and beside it."""
        return sum(spent.cpu_seconds for spent in self.phases.values()) + self.beside_cpu_s

    def keep_profile(self, file: Path | None) -> None:
        """Write the profile, if there is one and it is wanted, for `python -m pstats`."""
        if self.profile is not None and file is not None:
            self.profile.dump_stats(file)


def peak_rss_mb() -> float:
    """Give the most resident memory that this process ever had."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB_PER_MB, 1)
