"""Write docs/errors.md from the error classes themselves: `python tools/errors_table.py [--check]`."""

import importlib
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import hanota
from hanota.base.errors import HanotaError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "errors.md"
_SCRIPTS = {"__main__", "migrations"}  # run by Python or Alembic, not imported
_INTRODUCTION = """\
# Errors

Written by `make tables` from the error classes; don't edit it by hand. Words in braces are facts of the case; `--json`
and REST give them by name. *Fault* says who has to do something. An error marked *again* may succeed when it is tried
again.
"""


def import_everything() -> None:
    """Import every module of the package, so that every error class is known."""
    package = Path(hanota.__path__[0])
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        if _SCRIPTS.isdisjoint(parts):
            importlib.import_module(".".join(parts).removesuffix(".__init__"))


def error_classes(base: type[HanotaError] = HanotaError) -> Iterator[type[HanotaError]]:
    """Give every subclass once, in order of its code."""
    found: set[type[HanotaError]] = set()
    waiting = [base]
    while waiting:
        for child in waiting.pop().__subclasses__():
            if child not in found and child.__module__.startswith("hanota."):
                found.add(child)
                waiting.append(child)
    yield from sorted(found, key=lambda error: (error.code, error.__qualname__))


def has_own_code(error: type[HanotaError]) -> bool:
    """Whether a class states a code of its own; one that doesn't, or ends it in 000, is a family and never raised."""
    return "code" in vars(error) and not error.code.endswith("-000")


def page() -> str:
    """Write the page: one table per area, one row per code."""
    lines = [_INTRODUCTION]
    area = ""
    for error in error_classes():
        if not has_own_code(error):
            continue
        if error.code.split("-")[1] != area:
            area = error.code.split("-")[1]
            lines += [
                "",
                f"## {area}",
                "",
                "| code | error | fault | | what happened | remedy |",
                "|---|---|---|---|---|---|",
            ]
        again = "again" if error.retryable else ""
        name = f"`{error.__module__.removeprefix('hanota.')}.{error.__qualname__}`"
        cells = (error.code, name, error.fault.value, again, _plain(error.what), _plain(error.remedy))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Keep of a format string the names of its facts only: `{value!r:.20}` is `{value}`."""
    parts = string.Formatter().parse(text)
    return "".join(literal + (f"{{{name}}}" if name is not None else "") for literal, name, _, _ in parts)


def main(arguments: list[str]) -> int:
    """Write the page, or with --check only say whether it is current."""
    import_everything()
    if "--check" in arguments:
        return 0 if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page() else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
