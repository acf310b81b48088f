"""The pages say what is there: links lead somewhere, the picture names real modules, every choice is recorded."""

import re
import subprocess
from pathlib import Path

import pytest
from pydantic import BaseModel

from hanota.model.policies import Policies
from helpers.source import PACKAGE, ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        target, _, anchor = link["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (page.parent / target) if target else page
        assert file.exists(), f"{page.name}: {link['target']}"
        if anchor:
            assert anchor in _anchors(file), f"{page.name}: {link['target']}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_picture_in_the_readme_names_modules_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = readme.split("```text")[1].split("```")[0]
    named = set(re.findall(r"\b(?:faces|process|records|wan|edge|callbacks)(?:/\w+)+", picture))
    assert len(named) >= 12
    missing = {name for name in named if not ((PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file())}
    assert missing == set()


def test_the_readme_gives_commands_that_make_knows() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page.name}: make {target}"


def test_adrs_are_numbered_without_gaps_and_listed() -> None:
    assert [int(page.name[:4]) for page in ADRS] == list(range(1, len(ADRS) + 1))
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in ADRS if page.name not in index] == []


@pytest.mark.parametrize("page", ADRS, ids=lambda page: page.stem)
def test_an_adr_states_context_choice_and_consequences(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(page.name[:4])}. ")
    for heading in ("## Context", "## Choice", "## Consequences"):
        assert heading in text
    assert re.search(r"^Status: (accepted|superseded by \d{4})", text, re.MULTILINE)


def _settings(model: type[BaseModel], prefix: str = "") -> set[str]:
    names = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= _settings(kind, f"{prefix}{name}.")
        else:
            names.add(prefix + name)
    return names


def test_questions_name_policies_that_exist_or_say_that_they_do_not_yet() -> None:
    known = _settings(Policies)
    for line in (ROOT / "docs" / "questions.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| M") and "not yet" not in line:
            assert set(re.findall(r"`([a-z_]+\.[a-z_]+)`", line)) <= known, line


def test_questions_cover_every_requirement_that_the_minutes_left_open() -> None:
    text = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    named = {int(number) for number in re.findall(r"\bR(\d+)\b", text)}
    assert set(range(1, 34)) <= named


def test_no_page_or_source_holds_a_secret() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and path != Path(__file__):
            assert b"PRIVATE KEY-----" not in path.read_bytes(), name
