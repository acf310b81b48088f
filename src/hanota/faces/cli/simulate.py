"""`hanota simulate`: the whole system under faults, from seeds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hanota.faces.cli.options import AsJson, examples

if TYPE_CHECKING:
    from hanota.sim.farm import Harvest
    from hanota.sim.plan import Plan
    from hanota.sim.story import Story

EXAMPLES = examples(
    "hanota simulate --seeds 100",
    "hanota simulate --seeds 2000 --jobs 2 --json",
    "hanota simulate --replay 17",
    "hanota simulate --replay 17 --shrink --pcap home.pcap",
    "hanota simulate bugs",
    "hanota simulate arbitration",
)

app = typer.Typer(
    help="Run whole towns under faults, each from a seed, and check what must never break.",
    invoke_without_command=True,
)


@app.callback(epilog=EXAMPLES)
def simulate(
    context: typer.Context,
    *,
    seeds: Annotated[int, typer.Option(min=1, help="how many seeds")] = 100,
    first: Annotated[int, typer.Option("--from", min=0, help="the first of them")] = 0,
    jobs: Annotated[int, typer.Option(min=0, help="processes; 0: one a core")] = 0,
    replay: Annotated[
        int | None, typer.Option(metavar="SEED", help="run one seed again and tell what happens as a timeline")
    ] = None,
    shrink: Annotated[
        bool, typer.Option("--shrink", help="with --replay: leave out what its failure does not need")
    ] = False,
    pcap: Annotated[
        Path | None, typer.Option(dir_okay=False, help="with --replay: write the air's frames to a capture file")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run towns with faults and check that nothing breaks that must not (I1 to I10).

    Each seed is a town with Suppliers, hubs and devices, under a virtual clock, and faults aimed at it; the same seed
    always gives the same run. First safety is checked under faults, then they stop and everything has to settle.
    Exit code 1: something broke; its seed, the shrunk schedule and the story are told.
    """
    if context.invoked_subcommand is not None:
        return
    if replay is not None:
        _replay(replay, shrinking=shrink, pcap=pcap, as_json=as_json)
    else:
        _many(range(first, first + seeds), jobs, as_json=as_json)


def _many(seeds: range, jobs: int, *, as_json: bool) -> None:
    import json
    import os

    from hanota.sim.farm import run_seeds

    jobs = jobs or len(os.sched_getaffinity(0))
    if as_json:
        harvest = run_seeds(seeds, jobs)
        typer.echo(json.dumps(harvest.summary(), indent=2))
    else:
        harvest = _with_progress(seeds, jobs)
        _show(harvest)
    if harvest.broken:
        _tell_failure(harvest.broken[0].seed, as_json=as_json)
        raise typer.Exit(1)


def _with_progress(seeds: range, jobs: int) -> "Harvest":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from hanota.sim.farm import run_seeds
    from hanota.sim.run import Outcome

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    broken = 0
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("towns", total=len(seeds))

        def told(outcome: Outcome) -> None:
            nonlocal broken
            broken += not outcome
            progress.update(task, advance=1, description=f"towns, {broken} broken")

        return run_seeds(seeds, jobs, told)


def _show(harvest: "Harvest") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    faults = Table("fault", "times", title="Faults", title_justify="left")
    for kind, count in harvest.summary()["faults"].items():
        faults.add_row(kind.replace("_", " "), f"{count:,}")
    ends = Table("outcome", "times", title="How updates ended", title_justify="left")
    for outcome, count in sorted(harvest.outcomes.items()):
        ends.add_row(outcome, f"{count:,}")
    console.print(faults)
    console.print(ends)
    console.print(
        f"{harvest.seeds:,} seeds, {sum(harvest.faults.values()):,} faults, {harvest.virtual_days:,.0f} virtual days "
        f"in {harvest.seconds:,.0f} s ({harvest.seeds_per_minute:,.0f} seeds a minute on {harvest.jobs} processes)"
    )
    for broken in harvest.broken:
        console.print(f"[red]seed {broken.seed}: {broken.broken}: {broken.story}[/]")
    if not harvest.broken:
        console.print("nothing broke that must not")


def _tell_failure(seed: int, *, as_json: bool) -> None:
    """Show what the first failure needs, and its story, on stderr where stdout has a document."""
    from rich.console import Console

    from hanota.sim.draw import draw_plan
    from hanota.sim.farm import run_seed
    from hanota.sim.quiet import quiet
    from hanota.sim.shrink import shrink
    from hanota.sim.story import tell

    console = Console(highlight=False, stderr=as_json)
    plan = draw_plan(seed)
    with quiet():
        rule = run_seed(seed).broken
        small = shrink(plan, rule) if rule else plan
    _draw_story(tell(small), console)
    console.print(f"again: hanota simulate --replay {seed}")


def _replay(seed: int, *, shrinking: bool, pcap: Path | None, as_json: bool) -> None:
    import json

    from rich.console import Console

    from hanota.sim.draw import draw_plan
    from hanota.sim.story import tell

    plan = draw_plan(seed)
    if shrinking:
        plan = _shrunk(plan)
    if pcap is None:
        story = tell(plan)
    else:
        from hanota.sim.capture import captured

        with pcap.open("wb") as file:
            story = tell(plan, captured(file))
    if as_json:
        lines = [
            {"at": line.after.strip(), "who": line.who, "what": line.what, "detail": line.detail}
            for line in story.lines
        ]
        outcome = story.outcome
        document = {
            "seed": seed,
            "violations": int(not outcome),
            "broken": outcome.broken,
            "story": outcome.story,
            "faults": dict(outcome.faults),
            "outcomes": dict(outcome.outcomes),
            "digest": outcome.digest,
            "timeline": lines,
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        _draw_story(story, Console(highlight=False))
    if not story.outcome:
        raise typer.Exit(1)


def _shrunk(plan: "Plan") -> "Plan":
    from hanota.sim.quiet import quiet
    from hanota.sim.run import run_plan
    from hanota.sim.shrink import shrink

    with quiet():
        rule = run_plan(plan).broken
        return shrink(plan, rule) if rule else plan


def _draw_story(story: "Story", console: "object") -> None:
    from rich.console import Console
    from rich.table import Table

    assert isinstance(console, Console)
    table = Table("after", "who", "what", "", title=f"Seed {story.plan.seed}", title_justify="left", box=None)
    for line in story.lines:
        table.add_row(line.after, line.who, line.what, line.detail[:160])
    console.print(table)
    console.print(f"{len(story.plan.deeds)} deeds:")
    for deed in story.plan.deeds:
        console.print(f"  {deed.at_ms / 1000:>10,.0f} s  {deed.says()}")
    ends = ", ".join(f"{count} {name}" for name, count in sorted(story.outcome.outcomes.items()))
    console.print(f"ended: {ends or 'nothing was asked for'}")
    if story.outcome.broken:
        console.print(f"[red]{story.outcome.broken}: {story.outcome.story}[/]")
