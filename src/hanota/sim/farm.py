"""Many seeds on several processes, and what came of all of them together."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

from hanota.sim.draw import FAULTS, draw_plan
from hanota.sim.quiet import quiet
from hanota.sim.run import Outcome, run_plan

_BATCH: Final = 5
TIMES_WANTED: Final = 100
"""How often each kind of fault has to have struck before a run of many seeds says something about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What came of many seeds. `digest` covers every run: the same seeds always give the same one."""

    seeds: int
    seconds: float
    faults: Counter[str]
    outcomes: Counter[str]
    broken: tuple[Outcome, ...]
    digest: str
    virtual_days: float
    jobs: int

    @property
    def seeds_per_minute(self) -> float:
        """How many towns were run in a minute, on all processes together."""
        return 60 * self.seeds / max(self.seconds, 0.001)

    def missing(self) -> tuple[str, ...]:
        """Kinds of faults that struck too seldom."""
        return tuple(kind for kind in sorted(FAULTS) if self.faults[kind] < TIMES_WANTED)

    def summary(self) -> dict[str, Any]:
        """Give what `--json` prints."""
        return {
            "name": "simulate",
            "seeds": self.seeds,
            "violations": len(self.broken),
            "faults": {kind: self.faults[kind] for kind in sorted({*FAULTS, *self.faults})},
            "faults_in_all": sum(self.faults.values()),
            "outcomes": dict(sorted(self.outcomes.items())),
            "seeds_per_minute": round(self.seeds_per_minute, 1),
            "seconds": round(self.seconds, 1),
            "virtual_days": round(self.virtual_days, 1),
            "jobs": self.jobs,
            "digest": self.digest,
            "broken": [{"seed": each.seed, "rule": each.broken, "story": each.story} for each in self.broken],
        }


def run_seed(seed: int) -> Outcome:
    """Draw the town that a number stands for, and run it."""
    return run_plan(draw_plan(seed))


def run_seeds(seeds: Sequence[int], jobs: int, tell: Callable[[Outcome], None] | None = None) -> Harvest:
    """Run seeds, on `jobs` processes where that is more than one; `tell` hears of each as it ends."""
    started = time.monotonic()
    outcomes: dict[int, Outcome] = {}
    for outcome in _outcomes(seeds, jobs):
        outcomes[outcome.seed] = outcome
        if tell is not None:
            tell(outcome)
    ordered = [outcomes[seed] for seed in seeds]
    return Harvest(
        seeds=len(ordered),
        seconds=time.monotonic() - started,
        faults=_sum(each.faults for each in ordered),
        outcomes=_sum(each.outcomes for each in ordered),
        broken=tuple(each for each in ordered if not each),
        digest=hashlib.sha256("".join(each.digest for each in ordered).encode()).hexdigest(),
        virtual_days=sum(each.virtual_s for each in ordered) / 86_400,
        jobs=jobs,
    )


def _outcomes(seeds: Sequence[int], jobs: int) -> Iterator[Outcome]:
    if jobs <= 1:
        with quiet():
            yield from map(run_seed, seeds)
        return
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # of the processes begun below; each has one core
    batches = [seeds[at : at + _BATCH] for at in range(0, len(seeds), _BATCH)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(_run_batch, batch) for batch in batches]):
            yield from done.result()


def _run_batch(seeds: Sequence[int]) -> list[Outcome]:
    with quiet():
        return [run_seed(seed) for seed in seeds]


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total
