"""Mutation of a corpus, seed by seed, until time is up: a batch by Hypothesis, which makes small what it finds, and a
burst of plain random mutants, a hundred times as many.

Inputs that reach an outcome not seen before (another error, raised elsewhere) join the pool for the seeds that follow,
so the search goes on from there. The same corpus, code and seeds give the same inputs.
"""

import hashlib
import re
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fuzz.targets import Target
from hanota.base.errors import HanotaError

CORPUS = Path(__file__).with_name("corpus")
VECTORS = Path(__file__).resolve().parents[1] / "vectors"
BATCH, BURST = 50, 5_000
INPUT_S_MAX = 1.0
INPUT_OCTETS_MAX = 20_000
POOL_MAX = 2_000
SHRINK_TRIES_MAX = 2_000
_FRAMES = 2
_FACT_CHARS_MAX = 80
_VALUES = re.compile(r"'[^']*'|[0-9]+")


def corpus(target: Target) -> list[bytes]:
    """The start of every run: what is kept for the target, and our own vectors of its messages."""
    kept = [path.read_bytes() for path in sorted((CORPUS / target.name).glob("*"))]
    vectors = [bytes.fromhex(path.read_text("ascii")) for path in sorted((VECTORS / target.name).glob("*.hex"))]
    return kept + vectors


@dataclass
class Fuzzer:
    """One target under fuzz, and figures of it."""

    target: Target
    pool: list[bytes]
    inputs: int = 0
    slowest_s: float = 0.0
    seeds: int = 0
    outcomes: set[tuple[str, ...]] = field(default_factory=set)
    learnt: list[bytes] = field(default_factory=list)

    def replay(self) -> None:
        """Take what is in the pool, unchanged."""
        for octets in self.pool:
            self._take(octets)

    def run(self, seconds: float, first_seed: int = 0) -> None:
        """Take mutants until time is up, of one seed at least. Raises what the target raises."""
        until = time.monotonic() + seconds
        while not self.seeds or time.monotonic() < until:
            number = first_seed + self.seeds
            start = tuple(self.pool)  # what is learnt counts from the next seed on, so that a seed means its inputs
            self._batch(number, start)
            self._burst(number, start, until)
            self.seeds += 1

    def _batch(self, number: int, start: Sequence[bytes]) -> None:
        @seed(number)
        @settings(
            max_examples=BATCH,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(mutants(start, self.target.words))
        def check(octets: bytes) -> None:
            self._take(octets)

        check()

    def _burst(self, number: int, start: Sequence[bytes], until: float) -> None:
        rng = Random(number)
        for _ in range(BURST):
            octets = mutant(rng.randint, rng.choice, start, self.target.words)
            try:
                self._take(octets)
            except Exception as finding:
                small = shrunk(self.target.take, octets, type(finding))
                finding.add_note(f"fuzz {self.target.name}, seed {number}: {small!r}")
                raise
            if time.monotonic() > until:
                break

    def _time(self, octets: bytes) -> float:
        start = time.thread_time()  # other programs' time doesn't count
        self.target.take(octets)
        return time.thread_time() - start

    def _take(self, octets: bytes) -> None:
        taken_s = self._time(octets)
        if taken_s >= INPUT_S_MAX:  # that may have been a round of the interpreter's own; what is slow is so again
            taken_s = self._time(octets)
        assert taken_s < INPUT_S_MAX, f"{taken_s:.2f} s for {len(octets)} octets"
        self.inputs += 1
        self.slowest_s = max(self.slowest_s, taken_s)
        reached = outcome(self.target.read, octets)
        if reached not in self.outcomes:
            self.outcomes.add(reached)
            if octets not in self.pool and len(self.pool) < POOL_MAX:
                self.pool.append(octets)
                self.learnt.append(octets)

    def figures(self) -> str:
        """Sum up the run in a line."""
        return (
            f"fuzz {self.target.name}: {self.inputs} inputs of {self.seeds} seeds, {len(self.outcomes)} outcomes, "
            f"{len(self.learnt)} inputs learnt, slowest {self.slowest_s * 1000:.0f} ms, no finding"
        )


Integer = Callable[[int, int], int]
Pick = Callable[[Sequence[bytes]], bytes]


def mutant(integer: Integer, pick: Pick, pool: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One of the pool with one to six changes: bits, octets, words, cuts, repeats, pieces of others."""
    octets = bytearray(pick(pool))
    for _ in range(integer(1, 6)):
        at = integer(0, len(octets))
        size = integer(0, 64) if integer(0, 3) else integer(0, len(octets))
        match integer(0, 6):
            case 0 if at < len(octets):
                octets[at] ^= 1 << integer(0, 7)
            case 1 if at < len(octets):
                octets[at] = integer(0, 255)
            case 2:
                octets[at:at] = pick(words)
            case 3:
                word = pick(words)
                octets[at : at + len(word)] = word
            case 4:
                del octets[at : at + size]
            case 5:
                octets[at:at] = octets[at : at + size] * integer(1, 3)
            case _:
                other = pick(pool)
                start = integer(0, len(other))
                octets[at : at + integer(0, 1) * size] = other[start : start + size]
        del octets[INPUT_OCTETS_MAX:]
    return bytes(octets)


@st.composite
def mutants(draw: st.DrawFn, pool: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """The same, drawn by Hypothesis."""
    return mutant(lambda low, high: draw(st.integers(low, high)), lambda some: draw(st.sampled_from(some)), pool, words)


def shrunk(take: Callable[[bytes], object], octets: bytes, finding: type[Exception]) -> bytes:
    """Cut away what a finding does not need, halves first."""
    tries, size = 0, len(octets) // 2
    while size and tries < SHRINK_TRIES_MAX:
        at = 0
        while at < len(octets) and tries < SHRINK_TRIES_MAX:
            tries += 1
            shorter = octets[:at] + octets[at + size :]
            try:
                take(shorter)
            except finding:
                octets = shorter
            except Exception:  # another finding, for another day
                pass
            else:
                at += size
                continue
            at += 0 if octets == shorter else size
        size //= 2
    return octets


def outcome(read: Callable[[bytes], Any], octets: bytes) -> tuple[str, ...]:
    """Tell apart what becomes of an input: which error, raised where; or which kind of value."""
    try:
        return ("read", *read(octets))
    except HanotaError as error:
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        places = (f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
        return (error.code, *places, _VALUES.sub("", str(error.facts.get("first", "")))[:_FACT_CHARS_MAX])


def keep(target: Target, octets: bytes) -> Path:
    """Put an input into the corpus under the beginning of its digest."""
    place = CORPUS / target.name / hashlib.sha256(octets).hexdigest()[:16]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(octets)
    return place
