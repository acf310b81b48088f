"""`hanota simulate bugs`, `arbitration` and `cuts`: does it see, is every state right, does every device boot."""

from typing import TYPE_CHECKING, Annotated

import typer

from hanota.faces.cli.options import AsJson, examples

if TYPE_CHECKING:
    from hanota.sim.arbitration_home import Config
    from hanota.sim.bugs import Catch

_Jobs = Annotated[int, typer.Option(min=0, help="processes; 0: one a core")]


def bugs(
    hunting: Annotated[bool, typer.Option("--hunt", help="look for each from seed 0 on, not only at its seed")] = False,
    seeds: Annotated[int, typer.Option(min=1, help="with --hunt: how many seeds to try")] = 400,
    jobs: _Jobs = 0,
    as_json: AsJson = False,
) -> None:
    """Plant each known bug, run the seed that caught it, and print what caught it. Exit code 1: one was not seen."""
    import json
    import os

    from hanota.sim.hunting import hunted, known, table

    jobs = jobs or len(os.sched_getaffinity(0))
    catches = hunted(jobs=jobs, seeds=seeds) if hunting else known(jobs=jobs)
    if as_json:
        typer.echo(json.dumps({"name": "bugs", "bugs": table(catches)}, indent=2))
    else:
        _draw_bugs(catches)
    if not all(catch.caught for catch in catches):
        raise typer.Exit(1)


def _draw_bugs(catches: "list[Catch]") -> None:
    from rich.console import Console
    from rich.table import Table

    from hanota.sim.hunting import table

    shown = Table("bug", "what it does", "caught by", "seed", "seeds", title="Planted bugs", title_justify="left")
    for row in table(catches):
        caught = row["rule"] if row["caught"] else "[red]nobody[/]"
        shown.add_row(row["bug"], row["says"], caught, str(row["seed"] or 0), str(row["seeds"]))
    console = Console(highlight=False)
    console.print(shown)
    console.print(f"{sum(catch.caught for catch in catches)} of {len(catches)} caught")


def arbitration(as_json: AsJson = False) -> None:
    """Explore the slots of a hub completely: two Suppliers, three devices, every layout and policy, every order of
    events. Exit code 1: a law is broken; the shortest way there is drawn.
    """
    import json

    from rich.console import Console

    from hanota.sim.arbitration import draw, explore

    explorations = [explore(config) for config in _configs()]
    if as_json:
        rows = [
            {
                "config": found.config.words,
                "states": found.states,
                "transitions": found.transitions,
                "ends": dict(found.ends),
                "broken": found.counterexample.law if found.counterexample else "",
            }
            for found in explorations
        ]
        states = sum(found.states for found in explorations)
        typer.echo(json.dumps({"name": "arbitration", "states": states, "explorations": rows}, indent=2))
    else:
        console = Console(highlight=False)
        for found in explorations:
            console.print(found.words)
            if found.counterexample is not None:
                console.print(draw(found.counterexample))
    if any(found.counterexample for found in explorations):
        raise typer.Exit(1)


def _configs() -> "list[Config]":
    from hanota.sim.arbitration_home import Config

    return [
        Config(slots=slots, force_replace=force_replace, priority=priority)
        for slots in ("as_set", "dedicated", "shared_n")
        for force_replace in ("off", "own")
        for priority in ("none", "meters_first")
    ]


def cuts(
    full: Annotated[bool, typer.Option("--full", help="a cut at every write, also of an image of 750 kB")] = False,
    as_json: AsJson = False,
) -> None:
    """Cut a device's power at every write of an update: it must boot the old image or the new one, and go on.

    Exit code 1: one did not.
    """
    import dataclasses
    import json
    import time

    from hanota.sim.cuts import cut_plans, report_line, run_cuts

    reports = []
    for plan in cut_plans(full=full):
        started = time.monotonic()
        report = run_cuts(plan)
        reports.append(report)
        if not as_json:
            typer.echo(report_line(report, time.monotonic() - started))
    if as_json:
        rows = [dataclasses.asdict(report) for report in reports]
        typer.echo(json.dumps({"name": "cuts", "reports": rows}, indent=2, default=str))
    if not all(reports):
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module beside those of `hanota simulate`."""
    app.command(epilog=examples("hanota simulate bugs", "hanota simulate bugs --hunt --seeds 400 --json"))(bugs)
    app.command(epilog=examples("hanota simulate arbitration", "hanota simulate arbitration --json"))(arbitration)
    app.command(epilog=examples("hanota simulate cuts", "hanota simulate cuts --full --json"))(cuts)
