"""The race against the industry's signing tool: what it needs, what it holds its figures to, how a side breaks it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hanota.app.bench.sides import Side, SideBroken
from hanota.app.bench.verify import JAR_PACKAGE, JarMissing, JavaMissing, Outcome, bench_verify, find_jar
from hanota.faces.cli import root
from hanota.faces.cli.bench import _show
from helpers.premises import NOW
from helpers.system import hanota

GOOD = Outcome(
    ours_ms=15.0,
    peer_ms=300.0,
    peer_packaged_ms=600.0,
    ratio=20.0,
    ratio_packaged=40.0,
    rss_growth_mb=12.0,
    peer_rss_mb=400,
    document_octets=2_225_500,
    rounds=2,
    ours_rounds_ms=(15.0, 15.0),
    peer_rounds_ms=(300.0, 300.0),
    peer="a tool",
    machine="a machine",
)


def test_the_jar_is_the_one_named_else_that_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, packaged = tmp_path / "named.jar", tmp_path / "package" / "dist" / "tool.jar"
    packaged.parent.mkdir(parents=True)
    for jar in (named, packaged):
        jar.touch()
    monkeypatch.setenv(JAR_PACKAGE, str(tmp_path / "package"))
    assert find_jar(named) == named
    assert find_jar() == packaged


def test_a_missing_jar_is_told_with_its_place_and_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JAR_PACKAGE, raising=False)
    with pytest.raises(JarMissing, match=r"HANOTA_SIGN_WRAP is not set.*npm install"):
        find_jar()
    with pytest.raises(JarMissing, match=r"none\.jar"):
        find_jar(tmp_path / "none.jar")


def test_a_missing_java_is_told_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(JavaMissing, match=r"no java on this machine.*JDK"):
        bench_verify(jar=tmp_path, now=NOW)


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"ratio": 15.0, "ours_ms": 30.0, "rss_growth_mb": 25.0}, True),
        ({"rss_growth_mb": None}, True),
        ({"ratio": 14.9}, False),
        ({"ours_ms": 30.1}, False),
        ({"rss_growth_mb": 25.1}, False),
    ],
)
def test_each_figure_is_held_to_its_limit(changes: dict[str, float], passed: bool) -> None:
    outcome = replace(GOOD, **changes)
    assert outcome.passed is passed
    assert outcome.as_dict()["passed"] is passed
    assert outcome.as_dict()["limits"] == {"ratio_min": 15.0, "ours_ms_max": 30.0, "rss_growth_mb_max": 25.0}


def python(program: str) -> Side:
    return Side("a program", (sys.executable, "-c", program))


def test_a_sides_own_clock_counts() -> None:
    with python("for n, _ in enumerate(open(0)): print('true', (5, 1, 7)[n], flush=True)") as side:
        assert side.round_ms("go", 3) == 5.0


def test_memory_is_that_of_the_side() -> None:
    with python(
        "print('ready', flush=True); input(); x = 50_000_000 * bytes([120]); print('true 1', flush=True); input()"
    ) as side:
        side.wait_ready()
        before = side.memory()
        side.round_ms("go", 1)
        after = side.memory()
    assert before is not None
    assert after is not None
    assert before.now_mb < 40 < after.peak_mb


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import sys; sys.exit('no such thing')", "it ended early.*no such thing"),
        ("input(); print('false 3.0', flush=True); input()", "does not hold the document for good"),
    ],
)
def test_a_side_that_does_not_do_its_part_is_told_with_its_words(program: str, told: str) -> None:
    with python(program) as side, pytest.raises(SideBroken, match=told):
        side.round_ms("go", 3)


def test_the_command_says_each_figure_with_its_limit(capsys: pytest.CaptureFixture[str]) -> None:
    _show(GOOD)
    told = capsys.readouterr().out
    for words in ("15.0 ms, at most 30", "as packaged 600.0 ms", "20.0, at least 15", "12.0 MB, at most 25", "passed"):
        assert words in told
    _show(replace(GOOD, ours_ms=31.0, rss_growth_mb=None))
    told = capsys.readouterr().out
    assert "a limit is broken" in told
    assert "not measured here" in told


def test_the_command_tells_a_missing_jar_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JAR_PACKAGE, raising=False)
    done = hanota("bench", "verify", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "HOTA-BENCH-001"


def test_help_shows_how_to_name_the_jar() -> None:
    assert "--jar" in CliRunner().invoke(root.app, ["bench", "verify", "--help"]).output
