"""Fair share (Must hold): beside another Supplier's flood, a request takes at most twice its time alone."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hanota.app.bench.share import RATIO_MAX, bench_share
from hanota.app.bench.town import CACHE
from hanota.faces.cli.bench import app
from hanota.records.store.wan import BATCH_MAX
from helpers.premises import NOW


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path))


def test_a_flood_of_twenty_times_as_much_at_most_doubles_the_time_of_a_small_request() -> None:
    outcome = bench_share(now=NOW, flood=20_000, devices=1_000, octets_per_s=20_000)
    assert outcome.ratio <= RATIO_MAX, outcome
    assert outcome.ratio_ordered <= RATIO_MAX + 0.1, outcome  # what was let go ahead of it, a minute's worth, on top
    assert outcome.unlimited_flooded.ordered_s == outcome.unlimited_alone.ordered_s == 0
    made_and_a_batch_of_two_stages = outcome.flood + 2 * BATCH_MAX  # the flood takes four times as many rows in all
    assert outcome.unlimited_flooded.rows < made_and_a_batch_of_two_stages + 5 * outcome.unlimited_alone.rows, outcome


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_shows_what_was_measured_and_ends_by_whether_it_is_fair(as_json: bool) -> None:
    command = ["share", "--flood", "30", "--devices", "6", "--octets-per-s", "500", *(["--json"] if as_json else [])]
    result = CliRunner().invoke(app, command)
    told = json.loads(result.stdout)["passed"] if as_json else "outcome             passed" in result.stdout
    assert result.exit_code == (0 if told else 1), result.output
