"""Hostile XML is refused in bounded time and memory, each document for its own reason."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hanota.wire.duis import DuisMalformed, parse_safely, verify
from hostile.documents import DOCUMENTS, KINDS, SIGNED, Hostile
from unit.wire.duis.people import find

SECONDS_MAX = 1.0
GROWTH_MB_MAX = 60.0
DETAIL_CHARS_MAX = 1_000
MEASURED_S_MAX = 120

TESTS = Path(__file__).resolve().parents[1]
every_document = pytest.mark.parametrize("hostile", DOCUMENTS, ids=str)


@pytest.fixture(scope="module")
def measured() -> Mapping[str, dict[str, Any]]:
    """What another process measured: a document that it did not survive is missing."""
    command = [sys.executable, "-m", "hostile.measuring"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=MEASURED_S_MAX, check=True)
    rows = map(json.loads, done.stdout.splitlines())
    return {row["name"]: row for row in rows}


@every_document
def test_it_is_refused_for_its_reason_in_bounded_time_and_memory(
    hostile: Hostile, measured: Mapping[str, dict[str, Any]]
) -> None:
    row = measured[str(hostile)]
    assert row["reason"] == hostile.reason
    assert row["seconds"] < SECONDS_MAX
    assert row["growth_mb"] < GROWTH_MB_MAX
    assert len(row["detail"]) < DETAIL_CHARS_MAX


@every_document
def test_the_signature_check_alone_would_refuse_it_too(hostile: Hostile) -> None:
    try:
        root = parse_safely(hostile.build())
    except DuisMalformed:
        return
    assert not verify(root, find)


def test_there_are_fourteen_kinds() -> None:
    assert len(KINDS) == 14


def test_the_document_that_they_are_made_of_is_good() -> None:
    assert verify(parse_safely(SIGNED), find)
