"""Wherever the power goes, the store has all that it acknowledged, and nothing half (T2, I7, I8).

What is cut are runs of the simulator's towns over a file: every write there is one that `hanota up` makes.
"""

import os
import sqlite3
from pathlib import Path
from random import Random

import pytest

from helpers.leaving_out import leave_out
from helpers.power import vfs
from helpers.power.cuts import Figures, judge, require_whole, run_cuts
from helpers.power.disk import Disk, Op, Remove, Resize, Sync, Write
from helpers.power.trace import STORE, Synchronous, Trace, record

NIGHTLY = os.environ.get("HANOTA_TEST_PROFILE") == "nightly"
SEEDS, CUTS_EACH = (20, 500) if NIGHTLY else (2, 500)
CONTROLS, CONTROL_CUTS = (4, 250) if NIGHTLY else (1, 100)
"""A run is recorded once, which takes as long as a hundred cuts of it."""


@pytest.fixture(scope="module", name="apsw")
def _apsw() -> None:
    if vfs.apsw() is None:
        leave_out(vfs.HOW_TO_GET_IT)


def cut(seeds: int, cuts_each: int, synchronous: Synchronous) -> Figures:
    figures = run_cuts(range(1, seeds + 1), cuts_each, synchronous)
    print(f"\n{figures.line(f'power cuts, synchronous={synchronous}')}")
    return figures


@pytest.mark.usefixtures("apsw")
def test_no_power_cut_loses_or_halves_what_was_acknowledged() -> None:
    figures = cut(SEEDS, CUTS_EACH, "FULL")
    assert figures.why == []
    assert (figures.lost, figures.half, figures.corrupt) == (0, 0, 0)
    assert figures.cuts == SEEDS * CUTS_EACH
    assert min(figures.moments[moment] for moment in ("in a commit", "in a checkpoint")) > figures.cuts // 100
    assert min(figures.faults[f"sectors {how}"] for how in ("kept", "dropped", "torn")) > figures.cuts


@pytest.mark.usefixtures("apsw")
def test_the_harness_sees_what_weaker_syncing_loses_but_no_damage() -> None:
    figures = cut(CONTROLS, CONTROL_CUTS, "NORMAL")
    assert figures.lost > figures.cuts // 10
    assert {"event", "report"} <= figures.gone.keys()
    assert (figures.half, figures.corrupt) == (0, 0)


@pytest.mark.usefixtures("apsw")
def test_the_harness_sees_that_without_syncing_the_store_is_lost_or_corrupt() -> None:
    figures = cut(CONTROLS, CONTROL_CUTS, "OFF")
    assert figures.lost > 0
    assert figures.corrupt > 0


# --- the harness itself -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(apsw: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trace, Path]:
    folder = tmp_path_factory.mktemp("recorded")
    trace, outcome = record(1, folder)
    assert outcome
    return trace, folder


def test_the_calls_recorded_give_the_files_that_the_run_left(recorded: tuple[Trace, Path]) -> None:
    trace, folder = recorded
    require_whole(trace, folder)
    assert any(isinstance(op, Write) and op.file == STORE for op in trace.ops[trace.acknowledged[-1] // 2 :])
    assert len(trace.acknowledged) > 300


def test_every_kind_of_promise_is_made_by_the_runs(recorded: tuple[Trace, Path]) -> None:
    trace, _ = recorded
    assert {kind for kind, *_ in trace.due(len(trace.images) - 1)} == {"request", "event", "alert", "report", "order"}


def test_a_store_that_lacks_one_acknowledged_event_is_found_out(recorded: tuple[Trace, Path], tmp_path: Path) -> None:
    trace, folder = recorded
    last = len(trace.acknowledged) - 1
    assert judge(folder / STORE, trace, last)
    damaged = tmp_path / STORE
    damaged.write_bytes((folder / STORE).read_bytes())
    with sqlite3.connect(damaged) as driver:
        driver.execute("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")
    driver.close()
    verdict = judge(damaged, trace, last)
    assert verdict.half
    assert verdict.gone["event"] >= 1


def cached(*ops: Op) -> Disk:
    disk = Disk()
    for op in ops:
        disk.do(op)
    return disk


def outcomes(disk: Disk, name: str = "a") -> set[bytes | None]:
    found = [disk.after_cut(Random(seed))[0].get(name) for seed in range(300)]
    return {None if octets is None else bytes(octets) for octets in found}


def test_what_was_synced_survives_every_cut() -> None:
    assert outcomes(cached(Write("a", 0, b"old"), Sync("a"))) == {b"old"}


def test_what_was_not_synced_is_there_or_not_or_torn() -> None:
    found = outcomes(cached(Write("a", 0, b"old"), Sync("a"), Write("a", 0, b"new")))
    assert found == {b"old", b"new", b"nld", b"ned", b"oew", b"olw"}


def test_sectors_of_one_write_have_each_their_own_fate() -> None:
    found = outcomes(cached(Write("a", 0, bytes(1024)), Sync("a"), Write("a", 0, b"\1" * 1024)))
    assert {bytes(512) + b"\1" * 512, b"\1" * 512 + bytes(512)} <= found


def test_a_file_cut_off_and_not_synced_may_have_its_end_again() -> None:
    assert outcomes(cached(Write("a", 0, b"old"), Sync("a"), Resize("a", 1))) == {b"old", b"o"}


def test_a_file_removed_may_come_back_until_the_folder_is_synced() -> None:
    gone = (Write("a", 0, b"old"), Sync("a"), Remove("a", durable=False))
    assert outcomes(cached(*gone)) == {b"old", None}
    assert outcomes(cached(*gone[:2], Remove("a", durable=True))) == {None}
    assert outcomes(cached(*gone, Write("b-wal", 0, b"new"), Sync("b-wal"))) == {None}
