"""`hanota bench share`: what one Supplier's flood costs another who asks for little."""

from typing import TYPE_CHECKING, Annotated

import typer

from hanota.faces.cli.options import AsJson

if TYPE_CHECKING:
    from hanota.app.bench.share import ShareOutcome


def share(
    *,
    as_json: AsJson = False,
    flood: Annotated[int, typer.Option(min=1, max=10_000_000, help="devices that one Supplier asks for")] = 100_000,
    devices: Annotated[int, typer.Option(min=1, max=50_000, help="devices that the other one asks for")] = 1_000,
    octets_per_s: Annotated[int, typer.Option(min=1, help="what each region's network carries")] = 5_000,
) -> None:
    """Let a small request compete with another Supplier's flood, and compare it with the same request alone.

    Exit code 1: it takes more than twice its time alone.
    """
    import json

    from hanota.app.bench.share import bench_share
    from hanota.app.clock import wall_clock

    outcome = bench_share(now=wall_clock(), flood=flood, devices=devices, octets_per_s=octets_per_s)
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), indent=2))
    else:
        _show(outcome)
    if not outcome.passed:
        raise typer.Exit(1)


def _show(outcome: "ShareOutcome") -> None:
    rows = (
        ("small request", f"{outcome.devices} devices, beside another's {outcome.flood}"),
        ("networks", f"{outcome.octets_per_s} octets a second in each of three regions"),
        ("alone", f"confirmed in {outcome.alone.confirmed_s:.0f} s, ordered in {outcome.alone.ordered_s:.0f} s"),
        (
            "in the flood",
            f"confirmed in {outcome.flooded.confirmed_s:.0f} s, ordered in {outcome.flooded.ordered_s:.0f} s",
        ),
        ("ratio", f"{outcome.ratio}, at most {outcome.limits['ratio_max']:.0f}; of orders {outcome.ratio_ordered}"),
        (
            "without limits",
            f"{outcome.unlimited_flooded.rows} rows of work until ordered, alone {outcome.unlimited_alone.rows}",
        ),
        ("machine", outcome.machine),
        ("outcome", "passed" if outcome.passed else "a limit is broken"),
    )
    for title, text in rows:
        typer.echo(f"{title:<20}{text}")
