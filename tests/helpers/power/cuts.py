"""Many cuts of recorded runs: each rebuilds the disk, opens the store as a service would, and looks what is left."""

import os
import sqlite3
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from random import Random

from sqlalchemy.exc import SQLAlchemyError

from hanota.records.ledger import verify
from hanota.records.store import Store, open_store
from hanota.records.store.engine import StoreUnavailable
from hanota.records.store.integrity import integrity
from helpers.power.disk import Disk
from helpers.power.trace import STORE, Synchronous, Trace, image_of, promises, record

FIRST_OF_ALL = -1
"""Stands for no transaction: the cut came before any had returned."""


@dataclass
class Figures:
    """What came of cuts, each counted once: `lost` is a store that is whole, but as it stood before the last
    acknowledgement; `half` is one as it never stood; `corrupt` is one that can't be read, or whose log does not hold.

    `gone` counts promises that were not kept, by kind.
    """

    seeds: list[int] = field(default_factory=list)
    cuts: int = 0
    seconds: float = 0.0
    acknowledged: int = 0
    lost: int = 0
    corrupt: int = 0
    half: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    why: list[str] = field(default_factory=list)

    def add(self, other: "Figures") -> None:
        """Count another run's figures in."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def line(self, name: str) -> str:
        """Give the line that is printed."""
        moments, faults, gone = (
            ", ".join(f"{count:,} {kind}" for kind, count in sorted(counted.items())) or "none"
            for counted in (self.moments, self.faults, self.gone)
        )
        return (
            f"{name}: seeds {min(self.seeds)}-{max(self.seeds)}, {self.cuts:,} cuts ({moments}); {faults}; "
            f"{self.acknowledged:,} transactions acknowledged; lost {self.lost:,} (gone: {gone}), half {self.half:,}, "
            f"corrupt {self.corrupt:,}; {self.seconds:.0f} s of one core"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a store that was opened after a cut: at most one of three; and promises gone, by kind."""

    gone: Counter[str] = field(default_factory=Counter)
    lost: bool = False
    half: bool = False
    corrupt: str = ""

    def __bool__(self) -> bool:
        return not (self.lost or self.half or self.corrupt)


def run_cuts(
    seeds: Iterable[int], cuts_each: int, synchronous: Synchronous = "FULL", jobs: int | None = None
) -> Figures:
    """Record the runs of seeds and cut each so often, on all cores."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # of the processes begun below; each has one core
    total = Figures()
    with ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for figures in pool.map(cut_seed, *zip(*((seed, cuts_each, synchronous) for seed in seeds), strict=True)):
            total.add(figures)
    return total


def cut_seed(seed: int, cuts: int, synchronous: Synchronous) -> Figures:
    """Record the run of one seed and cut it so often."""
    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="hanota-cuts-", dir=_memory()) as name:
        folder = Path(name)
        trace, outcome = record(seed, folder, synchronous)
        assert outcome, outcome.story
        require_whole(trace, folder)
        figures = Figures(seeds=[seed], acknowledged=len(trace.acknowledged))
        for files, moment, faults, transaction in _cut(trace, cuts, Random(f"cuts {seed} {synchronous}")):
            _rebuild(folder, files)
            verdict = judge(folder / STORE, trace, transaction)
            _count(figures, moment, faults, verdict)
    figures.seconds = time.process_time() - began
    return figures


def require_whole(trace: Trace, folder: Path) -> None:
    """Nothing escaped the recorder: the calls give the very files that the run has left."""
    disk = Disk()
    for op in trace.ops:
        disk.do(op)
    left = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name: bytes(octets) for name, octets in disk.as_seen().items()} == left


def _memory() -> Path | None:
    """Files that are rebuilt for each cut need no real disk."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else None


def _cut(trace: Trace, cuts: int, rng: Random) -> Iterator[tuple[Mapping[str, bytearray], str, Counter[str], int]]:
    """Give disks after cuts at random points, the moment of each, its faults, and the last transaction returned."""
    disk, done = Disk(), 0
    for point in sorted(rng.randrange(1, len(trace.ops) + 1) for _ in range(cuts)):
        while done < point:
            disk.do(trace.ops[done])
            done += 1
        files, faults = disk.after_cut(rng)
        transaction = bisect_right(trace.acknowledged, point) - 1
        yield files, _moment(disk, transaction), faults, transaction


def _moment(disk: Disk, transaction: int) -> str:
    waiting = disk.unsynced()
    if transaction == FIRST_OF_ALL:
        return "while the schema was made"
    if STORE in waiting:
        return "in a checkpoint"
    return "in a commit" if waiting else "with all synced"


def _rebuild(folder: Path, files: Mapping[str, bytearray]) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name, octets in files.items():
        (folder / name).write_bytes(octets)


def judge(path: Path, trace: Trace, transaction: int) -> Verdict:
    """Open a store after a cut and hold it against what had been acknowledged."""
    try:
        store = open_store(path)
    except StoreUnavailable as cause:
        return Verdict(corrupt=str(cause))
    try:
        return _judge(store, trace, transaction)
    except (SQLAlchemyError, sqlite3.Error, UnicodeDecodeError) as cause:
        return Verdict(corrupt=str(cause))
    finally:
        store.close()


def _judge(store: Store, trace: Trace, transaction: int) -> Verdict:
    if (said := integrity(store)) != "ok":
        return Verdict(corrupt=said)
    with store.reading() as connection:
        if not (report := verify(connection)):
            return Verdict(corrupt=f"event {report.broken_lane}/{report.broken_seq} does not hold")
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        image, standing = image_of(driver), promises(driver)
    if image in trace.images[max(transaction, 0) : transaction + 2]:
        gone = Counter(str(kind) for kind, *_ in trace.due(transaction) - standing)
        return Verdict(gone, lost=bool(gone))
    if transaction == FIRST_OF_ALL:
        return Verdict(half=bool(standing))
    gone = Counter(str(kind) for kind, *_ in trace.due(transaction) - standing)
    behind = image in trace.images[:transaction] or not standing
    return Verdict(gone, lost=behind, half=not behind)


def _count(figures: Figures, moment: str, faults: Counter[str], verdict: Verdict) -> None:
    figures.cuts += 1
    figures.moments[moment] += 1
    figures.faults.update(faults)
    figures.gone.update(verdict.gone)
    figures.lost += verdict.lost
    figures.half += verdict.half
    figures.corrupt += bool(verdict.corrupt)
    if not verdict:
        figures.why.append(f"seed {figures.seeds[0]}, cut {figures.cuts}, {moment}: {verdict}")
