"""`kill -9` of a lean head end at random moments: nothing acknowledged is lost, nothing counts twice (T3, I7, I9).

That of a whole `hanota up` is in `tests/system/test_kill.py`.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpers.lean.account import Account, entered
from helpers.lean.street import make_street
from helpers.lean.yard import Toll, Yard

NIGHTLY = os.environ.get("HANOTA_TEST_PROFILE") == "nightly"
STORES, LIVES = (24, 25) if NIGHTLY else (4, 25)
YARDS = 2


@pytest.fixture(scope="module")
def street() -> Iterator[Path]:
    """A folder on a real disk: SQLite is to sync as it does at work."""
    with tempfile.TemporaryDirectory(prefix="hanota-kills-", dir="/var/tmp") as name:
        make_street(Path(name))
        yield Path(name)


def kill(street: Path, seeds: range) -> Toll:
    toll = Toll()
    with Yard(street) as yard:
        for seed in seeds:
            toll.add(yard.run(seed, LIVES))
    return toll


def test_killed_at_any_moment_a_head_end_has_lost_nothing_and_counts_nothing_twice(street: Path) -> None:
    toll = Toll()
    with ThreadPoolExecutor(YARDS) as pool:
        for part in pool.map(lambda yard: kill(street, range(1 + yard, STORES + 1, YARDS)), range(YARDS)):
            toll.add(part)
    print(f"\n{toll.line('kills of a lean head end', f'1-{STORES}')}")
    assert toll.kills == STORES * LIVES
    assert toll.acknowledged > toll.kills
    assert toll.deliveries > STORES
    assert {"begot", "answered", "heard", "posted"} <= toll.moments.keys()


# --- the account itself -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived(street: Path) -> Path:
    with Yard(street) as yard:
        yard.run(1000, 2)
    return street / "1000.sqlite"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["answered", "00", "11", "I0"], "an answer that was given is not there"),
        (["heard", "uplink 00-DB-12-40-00-00-07-A2/9999"], "acknowledged to hubs and not there"),
    ],
)
def test_what_was_acknowledged_and_is_not_there_is_found_out(line: list[object], why: str, lived: Path) -> None:
    with pytest.raises(AssertionError, match=why):
        entered([line]).check(lived)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE message SET delivered_at = 1", "nobody was given"),
        ("UPDATE message SET delivered_at = NULL; UPDATE outbox SET sent_at = 1", "counts as sent, and never was"),
        ("DELETE FROM event WHERE seq = 2", "does not hold"),
    ],
)
def test_a_store_that_says_more_than_happened_is_found_out(change: str, why: str, lived: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.sqlite"
    shutil.copy(lived, changed)
    driver = sqlite3.connect(changed)
    driver.executescript(change)
    driver.close()
    with pytest.raises(AssertionError, match=why):
        Account().check(changed)
