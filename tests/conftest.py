"""Settings of the whole test suite, the coverage floor of what must not be wrong, and no skips in CI."""

import gc
import json
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

# Processes of tests have a core each: more threads for frames of a few rows only wait for each other.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import coverage_gate  # noqa: E402  (tools/ is no package: it is put on the path just above)

from helpers.postgres import each_store, on_postgres, postgres  # noqa: F401, E402  (fixtures for all)

_REPORT = pytest.StashKey[Path]()
_TABLE = pytest.StashKey[str]()
_CONSOLE = "tests/faces/"
_COUNTED = ("packages/", *(f"tests/unit/{part}/" for part in ("base", "edge", "model", "process", "wire")))
"""The tests that coverage is counted by; to count doubles the time of what spends it in Python."""
_AGAIN = "[postgresql"
"""What runs on one engine and then on the other runs the same lines of all that is counted."""
_LONG = ("tests/sim/", "tests/system/", "tests/unit/app/", "tests/unit/sim/")

_SLOW_IS_FINE = [HealthCheck.too_slow]
settings.register_profile("hanota", deadline=None, suppress_health_check=_SLOW_IS_FINE, max_examples=100)
settings.register_profile("nightly", deadline=None, suppress_health_check=_SLOW_IS_FINE, max_examples=2_000)
settings.load_profile(os.environ.get("HANOTA_TEST_PROFILE", "hanota"))


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """A command that ran within a test leaves logs set up for a stream that is closed by then.

    Structlog's own default paints every variable of a trace, which may take longer than a browser waits.
    """
    plain = (structlog.processors.add_log_level, structlog.processors.format_exc_info)
    structlog.reset_defaults()
    structlog.configure(processors=[*plain, structlog.processors.KeyValueRenderer()])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `make test` gives."""
    parser.addoption("--coverage-gate", metavar="REPORT", help="hold coverage.py's JSON report to the floors per part")


def pytest_configure(config: pytest.Config) -> None:
    """Forget an old report, so that only this run's is judged."""
    name = config.getoption("--coverage-gate")
    if name and not hasattr(config, "workerinput"):  # where several processes share the tests, one judges them
        config.stash[_REPORT] = Path(name)
        config.stash[_REPORT].unlink(missing_ok=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: to look through it for garbage again and again is a third of the work."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count coverage by the tests of the parts with a floor alone."""
    for item in items:
        if not item.nodeid.startswith(_COUNTED) or _AGAIN in item.nodeid:
            item.add_marker(pytest.mark.no_cover)


class OneConsole(LoadFileScheduling):
    """Tests go to processes by file; long ones each on its own, after the others, so that both end together.

    All that look at the console go to one: NiceGUI has one set of pages per process.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(_LONG):
            return nodeid
        scope: str = super()._split_scope(nodeid)
        return _CONSOLE if scope.startswith(_CONSOLE) else scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneConsole:
    """Say how the tests are shared among processes."""
    return OneConsole(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Judge the report once pytest-cov, which wraps the same hook further in, has written it."""
    result = yield
    report = session.config.stash.get(_REPORT, None)
    if report is not None:
        areas = coverage_gate.measure(json.loads(report.read_text(encoding="utf-8")))
        session.config.stash[_TABLE] = coverage_gate.table(areas)
        session.testsfailed += len(coverage_gate.broken(areas, ROOT / coverage_gate.PACKAGE))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With HANOTA_CI=1 no test may be left out: what would be skipped fails, with its reason."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("HANOTA_CI") == "1":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was left out, which HANOTA_CI=1 forbids: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table; pytest's own closing line stays the last one."""
    table = terminalreporter.config.stash.get(_TABLE, None)
    if table is not None:
        terminalreporter.section("coverage per part, percent")
        terminalreporter.write_line(table)
