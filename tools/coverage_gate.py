"""Coverage of the parts that must not be wrong, each against its floor: `python tools/coverage_gate.py REPORT.json`.

The report is coverage.py's JSON. Lines and branches are held to the floor separately. `make test` runs this inside
pytest (tests/conftest.py), so that a part below its floor fails the run.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLOOR_PERCENT = 90.0
AREAS = ("base", "wire", "model", "process", "edge/hub", "edge/devices")
PACKAGE = "src/hanota/"
GAPS_SHOWN = 8
GAP_CHARS_MAX = 160


@dataclass(slots=True)
class Area:
    """Counts of one part of the package, and its files with something left out."""

    name: str
    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_run: int = 0
    gaps: list[str] = field(default_factory=list)

    def add(self, file: str, facts: Mapping[str, Any]) -> None:
        """Count one file of coverage.py's report."""
        summary = facts["summary"]
        self.lines += summary["num_statements"]
        self.lines_run += summary["covered_lines"]
        self.branches += summary.get("num_branches", 0)
        self.branches_run += summary.get("covered_branches", 0)
        lines = facts["missing_lines"]
        branches = [f"{start}→{end}" for start, end in facts.get("missing_branches", [])]
        if lines or branches:
            self.gaps.append(f"{file}: lines {_spans(lines) or '-'}; branches {' '.join(branches) or '-'}")

    def worst(self) -> list[str]:
        """Give the files with most left out, each on one line that fits a screen."""
        longest = sorted(self.gaps, key=len, reverse=True)[:GAPS_SHOWN]
        return [gap if len(gap) <= GAP_CHARS_MAX else gap[: GAP_CHARS_MAX - 1] + "…" for gap in longest]

    @property
    def measured(self) -> bool:
        """Whether the report holds any statement of this part."""
        return self.lines > 0

    @property
    def line_percent(self) -> float:
        """Share of statements run, percent."""
        return _percent(self.lines_run, self.lines)

    @property
    def branch_percent(self) -> float:
        """Share of branches taken, percent; 100 where there is none."""
        return _percent(self.branches_run, self.branches)

    @property
    def holds(self) -> bool:
        """Whether lines and branches both reach the floor."""
        return min(self.line_percent, self.branch_percent) >= FLOOR_PERCENT


def measure(report: Mapping[str, Any], names: Iterable[str] = AREAS) -> list[Area]:
    """Sum coverage.py's JSON report by area, in the order of `names`."""
    areas = [Area(name) for name in names]
    for file, facts in sorted(report["files"].items()):
        inside = file.replace("\\", "/").partition(PACKAGE)[2]
        for area in areas:
            if inside.startswith(area.name + "/") or inside == area.name + ".py":
                area.add(file, facts)
    return areas


def broken(areas: Iterable[Area], source: Path = Path(PACKAGE)) -> list[Area]:
    """Give the areas below their floor, and those that exist in the source but were not measured at all."""
    return [area for area in areas if (not area.holds if area.measured else any((source / area.name).rglob("*.py")))]


def table(areas: Iterable[Area]) -> str:
    """Write one row per area, and below the rows what an area under its floor has left out."""
    rows = [f"{'part':<14}{'lines':>8}{'branches':>10}   floor {FLOOR_PERCENT:.0f} %"]
    below = []
    for area in areas:
        if not area.measured:
            rows.append(f"{area.name:<14}{'-':>8}{'-':>10}   not measured")
            continue
        rows.append(
            f"{area.name:<14}{area.line_percent:>8.1f}{area.branch_percent:>10.1f}   {'' if area.holds else 'BELOW'}"
        )
        if not area.holds:
            below += [f"  {gap}" for gap in area.worst()]
    return "\n".join(row.rstrip() for row in rows + below)


def main(arguments: list[str]) -> int:
    """Print the table; give 1 if an area is below its floor."""
    areas = measure(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    sys.stdout.write(table(areas) + "\n")
    return 1 if broken(areas) else 0


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0


def _spans(lines: Iterable[int]) -> str:
    """Write 3, 4, 5, 9 as `3-5 9`."""
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
