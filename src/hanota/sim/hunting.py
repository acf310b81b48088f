"""The hunt for planted bugs, on several processes, and the table of what caught them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, Final

from hanota.sim.bugs import BUGS, Bug, Catch, hunt

SEEDS_MAX: Final = 400


def known(bugs: Sequence[Bug] = BUGS, jobs: int = 1) -> list[Catch]:
    """Plant each bug once more and run the seed that caught it."""
    return _all([(bug.name, bug.seed, 1) for bug in bugs], jobs)


def hunted(bugs: Sequence[Bug] = BUGS, jobs: int = 1, seeds: int = SEEDS_MAX) -> list[Catch]:
    """Look for each bug from seed 0 on."""
    return _all([(bug.name, 0, seeds) for bug in bugs], jobs)


def _all(errands: Sequence[tuple[str, int, int]], jobs: int) -> list[Catch]:
    found = {catch.bug.name: catch for catch in _catches(errands, jobs)}
    return [found[name] for name, _, _ in errands]


def _catches(errands: Sequence[tuple[str, int, int]], jobs: int) -> Iterator[Catch]:
    if jobs <= 1:
        yield from (_errand(*errand) for errand in errands)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(_errand_by_name, *errand) for errand in errands]):
            name, seeds, outcome = done.result()
            yield Catch(bug=_named(name), seeds=seeds, outcome=outcome)


def _errand(name: str, first: int, seeds: int) -> Catch:
    return hunt(_named(name), range(first, first + seeds))


def _errand_by_name(name: str, first: int, seeds: int) -> tuple[str, int, Any]:
    """A bug has functions in it, which do not travel between processes: its name does."""
    catch = _errand(name, first, seeds)
    return name, catch.seeds, catch.outcome


def _named(name: str) -> Bug:
    return next(bug for bug in BUGS if bug.name == name)


def table(catches: Sequence[Catch]) -> list[dict[str, Any]]:
    """Give the table: bug, what it does, what caught it, at which seed, after how many."""
    return [
        {
            "bug": catch.bug.name,
            "says": catch.bug.says,
            "caught": catch.caught,
            "rule": catch.outcome.broken if catch.outcome is not None else "",
            "story": catch.outcome.story if catch.outcome is not None else "",
            "seed": catch.outcome.seed if catch.outcome is not None else None,
            "seeds": catch.seeds,
        }
        for catch in catches
    ]
