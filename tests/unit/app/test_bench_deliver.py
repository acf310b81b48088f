"""The measurement of rollouts: every device of it is confirmed, or there is no figure."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hanota.app.bench import rollout as module
from hanota.app.bench.deliver import bench_deliver
from hanota.app.bench.rollout import Plan, RolloutUnfinished
from hanota.app.bench.town import CACHE
from hanota.base.instant import MINUTE
from hanota.faces.cli.bench import app
from helpers.premises import NOW


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path))


def test_each_device_of_a_rollout_ends_confirmed_with_its_alerts_and_its_floor_is_measured() -> None:
    outcome = bench_deliver(now=NOW, devices=2_000)
    found = outcome.as_dict()
    assert (found["name"], found["devices"], found["store"], found["reports"]) == ("deliver", 2_000, "sqlite", "heard")
    assert found["reports_per_device"] == 3
    assert (found["rows"]["delivery"], found["rows"]["work"]) == (2_000, 0)
    assert found["rows"]["message"] >= 3 * 2_000
    assert found["devices_per_s"] == pytest.approx(2_000 / outcome.seconds, rel=0.1)
    assert found["ratio"] == pytest.approx(found["devices_per_s"] / found["floor_devices_per_s"], abs=0.001)
    assert sum(found["phases_us"].values()) == pytest.approx(outcome.seconds / 2_000 * 1e6, rel=0.1)


def test_homes_that_send_every_receipt_lead_to_the_same_end(tmp_path: Path) -> None:
    profile = tmp_path / "profile.pstats"
    outcome = bench_deliver(
        now=NOW, devices=40, requests=4, registry=60, whole=True, with_floor=False, growth=(20,), profile=profile
    )
    assert outcome.reports_per_device == 3 + 3 + 9  # outcomes, receipts, nine tenths on the way
    assert outcome.registry == 60
    assert outcome.floor_devices_per_s is None
    assert set(outcome.growth_us) == {"20"}
    assert profile.stat().st_size > 0


def test_a_rollout_that_does_not_come_to_its_end_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GIVE_UP_MS", 5 * MINUTE)
    with pytest.raises(RolloutUnfinished) as caught:
        bench_deliver(now=NOW, devices=5, requests=1, with_floor=False)
    assert caught.value.facts["devices"] == 5


@pytest.mark.parametrize(("devices", "requests"), [(1, 1), (7, 3), (3, 20), (50_000, 7)])
def test_requests_share_the_devices_without_gap_or_overlap(devices: int, requests: int) -> None:
    shares = Plan(devices=devices, requests=requests).shares()
    assert sum(count for _, count in shares) == devices
    assert all(first + count == after for (first, count), (after, _) in pairwise(shares))


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_shows_what_was_measured_and_ends_by_whether_it_is_enough(as_json: bool) -> None:
    command = ["deliver", "--devices", "10", "--requests", "2", *(["--json"] if as_json else [])]
    result = CliRunner().invoke(app, command)
    told = json.loads(result.stdout)["passed"] if as_json else "outcome             passed" in result.stdout
    assert result.exit_code == (0 if told else 1), result.output
