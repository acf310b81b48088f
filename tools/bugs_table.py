"""Write docs/planted-bugs.md from the planted bugs themselves: `python tools/bugs_table.py [--check]`."""

import sys
from pathlib import Path

from hanota.sim.bugs import BUGS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "planted-bugs.md"
_INTRODUCTION = """\
# Planted bugs

Written by `make tables`; don't edit it by hand. Each is a fault of one line, planted for a run of
[the simulator](simulator.md) and taken out again. `hanota simulate bugs` plants each and runs the seed that caught it;
`--hunt` looks for them from seed 0 on. *Seeds* is how many seeds that took.

| bug | what it does | caught by | seed | seeds |
|---|---|---|---|---|
"""


def page() -> str:
    """Write the page: one row a bug."""
    rows = [f"| `{bug.name}` | {bug.says} | {bug.rule} | {bug.seed} | {bug.seed + 1} |\n" for bug in BUGS]
    return _INTRODUCTION + "".join(rows)


def main() -> int:
    """Write the page, or with `--check` say whether it is as it should be."""
    wanted = page()
    if "--check" in sys.argv:
        return int(not PAGE.is_file() or PAGE.read_text("utf-8") != wanted)
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
