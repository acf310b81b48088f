"""What the distribution says of itself, and that hanota does not know it."""

import re
import tomllib
from pathlib import Path

from hanota_radio import __version__
from helpers.source import PACKAGE, ROOT

OWN = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((OWN / "pyproject.toml").read_text("utf-8"))["project"]


def test_it_is_gpl_and_says_so() -> None:
    assert PROJECT["license"] == "GPL-3.0-or-later"
    assert "GPL-3.0-or-later" in (OWN / "LICENSE").read_text("utf-8")
    assert "Version 3, 29 June 2007" in (OWN / "COPYING").read_text("utf-8")


def test_the_version_is_stated_once_in_truth() -> None:
    assert PROJECT["version"] == __version__


def test_radio_libraries_are_extras_and_in_none_of_our_locks() -> None:
    needed = {name.split(">")[0] for name in PROJECT["dependencies"]}
    assert needed == {"hanota", "typer", "zigpy"}
    for lock in (ROOT / "requirements").glob("*.txt"):
        names = {line.split("==")[0] for line in lock.read_text("utf-8").splitlines() if "==" in line}
        assert names.isdisjoint({"bellows", "zigpy-znp", "zigpy-deconz", "zigpy-xbee"})


def test_hanota_does_not_import_it() -> None:
    sources = {path.name: path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
    assert [name for name, text in sources.items() if re.search(r"^\s*(import|from) hanota_radio", text, re.M)] == []
