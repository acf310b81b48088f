"""The coverage gate counts lines and branches apart, and notices a part that nothing measured."""

import json

import coverage_gate
import pytest


def report(**files: tuple[int, int, int, int]) -> dict[str, object]:
    """One entry per file: statements, statements run, branches, branches taken."""
    return {
        "files": {
            f"src/hanota/{name.replace('__', '/')}.py": {
                "summary": {
                    "num_statements": lines,
                    "covered_lines": lines_run,
                    "num_branches": branches,
                    "covered_branches": branches_run,
                },
                "missing_lines": list(range(1, lines - lines_run + 1)),
                "missing_branches": [[n, n + 1] for n in range(branches - branches_run)],
            }
            for name, (lines, lines_run, branches, branches_run) in files.items()
        }
    }


def area(name: str, **files: tuple[int, int, int, int]) -> coverage_gate.Area:
    return next(area for area in coverage_gate.measure(report(**files)) if area.name == name)


def test_files_are_summed_by_part() -> None:
    wire = area("wire", wire__a=(50, 50, 10, 10), wire__duis__b=(50, 40, 10, 9), app__c=(100, 0, 0, 0))
    assert (wire.line_percent, wire.branch_percent) == (90.0, 95.0)
    assert wire.holds


def test_full_lines_do_not_make_up_for_missing_branches() -> None:
    assert not area("base", base__a=(100, 100, 100, 89)).holds
    assert not area("base", base__a=(100, 89, 100, 100)).holds
    assert area("base", base__a=(100, 90, 0, 0)).holds


def test_a_part_of_edge_is_not_mistaken_for_another() -> None:
    assert not area("edge/hub", edge__han__a=(10, 10, 0, 0)).measured
    assert area("edge/hub", edge__hub__a=(10, 10, 0, 0)).measured


def test_a_part_that_exists_and_was_not_measured_is_broken(tmp_path) -> None:
    areas = coverage_gate.measure(report(base__a=(10, 10, 0, 0)), ("base", "wire", "model"))
    (tmp_path / "wire").mkdir()
    (tmp_path / "wire" / "a.py").touch()
    assert [area.name for area in coverage_gate.broken(areas, tmp_path)] == ["wire"]


def test_the_table_names_what_is_left_out_below_the_floor() -> None:
    text = coverage_gate.table(coverage_gate.measure(report(base__a=(10, 7, 4, 3)), ("base", "wire")))
    assert "BELOW" in text
    assert "src/hanota/base/a.py: lines 1-3; branches 0→1" in text
    assert "not measured" in text


@pytest.mark.parametrize(("run", "status"), [(10, 0), (5, 1)])
def test_the_command_line_gives_the_verdict_as_its_status(run: int, status: int, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.json").write_text(json.dumps(report(base__a=(10, run, 0, 0))), encoding="utf-8")
    assert coverage_gate.main(["report.json"]) == status
    assert "base" in capsys.readouterr().out
