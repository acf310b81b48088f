"""The simulator: nothing breaks that must not, the same seed is the same run, what does break is shrunk and told."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.edge.estate import PowerCut
from hanota.sim.bugs import BUGS, Bug, hunt, planted
from hanota.sim.deeds import DEEDS
from hanota.sim.draw import FAULTS, draw_plan
from hanota.sim.farm import run_seed, run_seeds
from hanota.sim.plan import START
from hanota.sim.quiet import quiet
from hanota.sim.run import Outcome, run_plan
from hanota.sim.shrink import shrink
from hanota.sim.stores import MortalStore, ServiceKilled, fresh_store
from hanota.sim.story import tell
from hanota.sim.town import Town

NIGHTLY = os.environ.get("HANOTA_TEST_PROFILE") == "nightly"
SEEDS = 2000 if NIGHTLY else 50
JOBS = len(os.sched_getaffinity(0))


def test_no_town_breaks_what_must_not_break() -> None:
    harvest = run_seeds(range(SEEDS), JOBS)
    assert [(each.seed, each.broken, each.story) for each in harvest.broken] == []
    assert set(harvest.faults) >= set(FAULTS), "every kind of fault struck"
    assert harvest.outcomes["CONFIRMED"] > SEEDS / 4, "faults do not keep all updates from succeeding"
    if SEEDS >= 2000:
        assert harvest.missing() == ()


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {**{name: getattr(outcome, name) for name in ("seed", "digest", "steps", "virtual_s", "broken")}}


def test_the_same_seed_gives_the_same_run_in_every_process() -> None:
    program = (
        "import json; from hanota.sim.farm import run_seed; from hanota.sim.quiet import quiet\n"
        "with quiet(): outcome = run_seed(8)\n"
        "print(json.dumps([outcome.digest, outcome.steps, outcome.virtual_s, sorted(outcome.faults.items())]))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    with quiet():
        outcome = run_seed(8)
    ours = [outcome.digest, outcome.steps, outcome.virtual_s, [list(pair) for pair in sorted(outcome.faults.items())]]
    assert [json.loads(text) for text in said] == [ours]


def test_a_plan_is_drawn_the_same_each_time_and_differs_from_the_next() -> None:
    assert draw_plan(5) == draw_plan(5)
    assert draw_plan(5).deeds != draw_plan(6).deeds


def test_every_fault_that_is_drawn_can_be_done() -> None:
    assert set(FAULTS) <= set(DEEDS)


def to_plant() -> tuple[Bug, ...]:
    """Every bug at night, else one for each rule: that each check still sees."""
    return BUGS if NIGHTLY else tuple({bug.rule: bug for bug in BUGS}.values())


@pytest.mark.parametrize("bug", to_plant(), ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: Bug) -> None:
    catch = hunt(bug, range(bug.seed, bug.seed + 1))
    assert catch.outcome is not None, f"{bug.says}: nobody saw it"
    assert catch.outcome.broken == bug.rule


def test_a_bug_that_is_taken_out_again_leaves_nothing() -> None:
    bug = BUGS[0]
    with planted(bug):
        pass
    with quiet():
        assert run_seed(bug.seed)


def test_a_failure_is_shrunk_to_what_it_needs_and_told() -> None:
    bug = next(bug for bug in BUGS if bug.name == "hub-skips-hash")
    plan = draw_plan(bug.seed)
    with planted(bug):
        with quiet():
            small = shrink(plan, bug.rule)
        story = tell(small)
    assert len(small.deeds) < len(plan.deeds)
    assert story.outcome.broken == bug.rule
    assert story.lines[-1].who == "check"
    assert {line.what for line in story.lines} >= {"image held"}


def test_a_node_loses_power_before_its_write_or_after_it() -> None:
    plan = replace(draw_plan(3), deeds=())
    town = Town(plan)
    try:
        device = plan.estate.premises[0].devices[0].eui
        town.advance(plan.deeds[0].at if plan.deeds else START)
        for after in (False, True):
            cut = PowerCut(writes=1, after=after)
            town.world.estate.cut_at_write(device, cut)
            before = dict(town.memory.memory_of(device))
            town.world.estate.inject(device, device, 0x0019, b"", town.now)
            assert not cut.struck
            assert town.memory.memory_of(device) == before
    finally:
        town.close()


def test_a_store_dies_before_or_after_its_commit_and_goes_on() -> None:
    for after_commit, kept in ((False, 0), (True, 1)):
        store: MortalStore = fresh_store()
        store.kill_at(0, after_commit=after_commit)
        with pytest.raises(ServiceKilled), store.writing() as connection:
            connection.exec_driver_sql("INSERT INTO party VALUES (1, 'X', 'IS', NULL, NULL)")
        with store.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM party").scalar() == kept
        with store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM party")
        store.close()


def test_a_run_without_deeds_settles_and_changes_nothing() -> None:
    with quiet():
        outcome = run_plan(replace(draw_plan(4), deeds=()))
    assert outcome
    assert outcome.outcomes == {}


def hanota(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "hanota", "simulate", *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_the_command_prints_one_document(tmp_path: Path) -> None:
    ran = hanota("--seeds", "3", "--jobs", "1", "--json")
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert (summary["seeds"], summary["violations"]) == (3, 0)
    assert set(summary["faults"]) >= set(FAULTS)
    assert sum(summary["outcomes"].values()) > 0
    capture = tmp_path / "home.pcap"
    replayed = hanota("--replay", "1", "--json", "--pcap", str(capture))
    assert replayed.returncode == 0, replayed.stderr
    document = json.loads(replayed.stdout)
    assert document["violations"] == 0
    assert document["timeline"]
    assert capture.stat().st_size > 1000


def test_no_two_towns_share_an_identifier() -> None:
    nodes: list[Eui64] = [node for seed in range(20) for node in draw_plan(seed).estate.nodes()]
    assert len(nodes) == len(set(nodes))
