"""Run all measurements one after the other and write what they say as JSON lines: `python tools/measure.py [--full]`.

A measurement that can't run here (no Java, no signing tool, no PostgreSQL) is named with its reason and left out. The
exit code is 1 if a figure breaks its limit. `--full` takes the sizes for which the limits are promised: hours, not
minutes. Profiles of the rollouts lie beside the file with the figures.
"""

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "var" / "bench" / "figures.jsonl"
_TOLD_MAX = 400


class Run(NamedTuple):
    """One measurement: its command, and what it needs besides."""

    title: str
    arguments: tuple[str, ...]
    jar: bool = False
    postgres: bool = False


def runs(*, full: bool, folder: Path) -> list[Run]:
    """Give the measurements; the short ones fit into a quarter of an hour on two cores."""
    homes, on_server, signed = ("1000000", "200000", "100000") if full else ("100000", "20000", "10000")
    growth = "1000,10000,100000" if full else "1000,10000"
    profile = str(folder / "deliver.pstats")
    return [
        Run("verify", ("verify",), jar=True),
        Run("accept", ("accept", "--registry", "1000000"), jar=True),
        Run("hub", ("hub",)),
        Run("callbacks", ("callbacks",)),
        Run("flow", ("flow",)),
        Run("share", ("share", "--flood", "600000" if full else "20000")),
        Run("deliver", ("deliver", "--devices", homes, "--growth", growth, "--peer")),
        Run("deliver, profiled", ("deliver", "--devices", "100000", "--no-floor", "--profile", profile)),
        Run("deliver, signed", ("deliver", "--devices", signed, "--signed", "--no-floor")),
        Run("deliver, PostgreSQL", ("deliver", "--devices", on_server), postgres=True),
    ]


def main() -> int:
    """Run them. Returns: the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes for which the limits are promised")
    parser.add_argument("--only", default="", help="titles that begin so")
    parser.add_argument("--out", type=Path, default=FILE, help="file for the JSON lines")
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    broken = 0
    with given.out.open("a", encoding="utf-8") as out:
        for run in runs(full=given.full, folder=given.out.parent):
            if run.title.startswith(given.only):
                told = measure(run)
                broken += told.get("passed") is False
                out.write(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **told}) + "\n")
                out.flush()
                say(run, told)
    return int(broken > 0)


def measure(run: Run) -> dict[str, Any]:
    """Give what a measurement said, or under `left_out` why it did not."""
    if run.jar and not os.environ.get("HANOTA_SIGN_WRAP"):
        return {"name": run.title, "left_out": "HANOTA_SIGN_WRAP does not name the signing tool's package"}
    with contextlib.ExitStack() as stack:
        database: tuple[str, ...] = ()
        if run.postgres:
            url = stack.enter_context(a_database())
            if url is None:
                return {"name": run.title, "left_out": "there is no PostgreSQL server here"}
            database = ("--database", url)
        command = [sys.executable, "-m", "hanota", "bench", *run.arguments, *database, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - commands of this file
    try:
        return {"title": run.title, **json.loads(done.stdout)}
    except json.JSONDecodeError:
        return {"name": run.title, "passed": False, "left_out": f"it failed: {done.stderr.strip()[-_TOLD_MAX:]}"}


@contextlib.contextmanager
def a_database() -> Iterator[str | None]:
    """Give an empty database: that of HANOTA_BENCH_DATABASE, else of a server of the tests' own, on disk."""
    if named := os.environ.get("HANOTA_BENCH_DATABASE"):
        yield named
        return
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        cluster = importlib.import_module("helpers.postgres").Cluster(
            where=None, autovacuum="on", shared_buffers="256MB"
        )
    except BaseException as missing:  # pytest's own way to leave out is no Exception
        if type(missing).__name__ not in ("Skipped", "Failed"):
            raise
        yield None
        return
    try:
        yield cluster.url(cluster.create())
    finally:
        cluster.remove()


def say(run: Run, told: dict[str, Any]) -> None:
    """Print a line of what was measured."""
    if reason := told.get("left_out"):
        outcome = f"left out: {reason}"
    else:
        figures = ("seconds", "ratio", "ratio_peer", "devices_per_s", "floor_devices_per_s", "per_s", "growth")
        parts = [f"{name} {told[name]}" for name in figures if told.get(name) is not None]
        outcome = ", ".join([*parts, "passed" if told.get("passed") else "a limit is broken"])
    sys.stdout.write(f"{run.title:<22}{outcome}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
