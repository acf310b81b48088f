"""What the package ships and what it is installed from."""

import fnmatch
import re
import tomllib

import pytest

from hanota import __version__
from helpers.source import PACKAGE, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def test_every_data_file_is_package_data() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
    assert [path for path in files if not any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)] == []


def test_the_version_is_stated_once_in_truth() -> None:
    assert PROJECT["project"]["version"] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert PROJECT["project"]["license"] == "Apache-2.0"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_file_pins_and_hashes_and_names_no_address(lock) -> None:
    text = lock.read_text(encoding="utf-8")
    requirements = [part for part in re.split(r"\n(?=\S)", text) if not part.startswith("#")]
    assert requirements
    for requirement in requirements:
        assert PINNED.match(requirement), requirement.splitlines()[0]
        assert "--hash=sha256:" in requirement, requirement.splitlines()[0]
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_compiled_packages_are_hashed_for_more_than_one_platform() -> None:
    text = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    for name in ("lxml", "cryptography", "pydantic-core", "sqlalchemy", "granian"):
        block = re.search(rf"^{name}==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
        assert block, name
        assert block[0].count("--hash") > 10, name


def test_the_lock_files_agree_and_hold_what_the_project_asks_for() -> None:
    runtime, dev = (
        dict(PINNED.findall((ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")))
        for name in ("runtime", "dev")
    )
    assert runtime.items() <= dev.items()
    asked = [_name(line) for line in PROJECT["project"]["dependencies"]]
    extras = PROJECT["project"]["optional-dependencies"]
    assert extras["dev"][0] == "hanota[postgres,nats]"  # the package itself with what it can do without
    asked_for_tests = [_name(line) for extra in extras.values() for line in extra if line != extras["dev"][0]]
    assert set(asked) <= runtime.keys(), "run: make lock"
    assert set(asked_for_tests) <= dev.keys(), "run: make lock"


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-").replace(".", "-")
