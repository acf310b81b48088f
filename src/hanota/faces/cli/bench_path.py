"""`hanota bench accept` and `hanota bench deliver`: the path from a request to confirmed devices, at size."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hanota.faces.cli.options import AsJson

if TYPE_CHECKING:
    from hanota.app.bench.accept import AcceptOutcome
    from hanota.app.bench.deliver import DeliverOutcome
    from hanota.app.bench.flow import FlowOutcome


def accept(
    *,
    as_json: AsJson = False,
    jar: Annotated[
        Path | None, typer.Option(dir_okay=False, help="the signing tool's jar; else that in HANOTA_SIGN_WRAP")
    ] = None,
    registry: Annotated[int, typer.Option(min=1, max=10_000_000, help="homes in the registry")] = 1_000_000,
    devices: Annotated[int, typer.Option(min=1, max=50_000, help="devices that a request names")] = 50_000,
    rounds: Annotated[int, typer.Option(min=1, max=200, help="measured rounds, each with a request of its own")] = 7,
) -> None:
    """Acknowledge the largest legal request durably, in turns with the industry's signing tool, which validates it.

    Exit code 1: a figure breaks its limit, or the tool can't run here.
    """
    import json

    from hanota.app.bench.accept import bench_accept
    from hanota.app.bench.verify import find_jar
    from hanota.app.clock import wall_clock

    outcome = bench_accept(jar=find_jar(jar), now=wall_clock(), registry=registry, devices=devices, rounds=rounds)
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), indent=2))
    else:
        _show_accept(outcome)
    if not outcome.passed:
        raise typer.Exit(1)


def _show_accept(outcome: "AcceptOutcome") -> None:
    limits = outcome.limits
    growth = "not measured here" if outcome.rss_growth_mb is None else f"{outcome.rss_growth_mb} MB"
    rows = (
        ("hanota", f"{outcome.seconds * 1000:.0f} ms to the durable acknowledgement"),
        ("signing tool", f"{outcome.peer_ms} ms to validate the same document"),
        ("ratio", f"{outcome.ratio}, at least {limits['ratio_min']:.0f}, aiming at {limits['ratio_aim']:.0f}"),
        ("memory above idle", f"{growth}, at most {limits['rss_growth_mb_max']:.0f} MB"),
        ("document", f"{outcome.document_octets} octets, {outcome.devices} devices, {outcome.rounds} rounds"),
        ("store", f"{outcome.store}, {outcome.registry} homes in the registry"),
        ("tool", outcome.peer),
        ("machine", outcome.machine),
        ("outcome", "passed" if outcome.passed else "a limit is broken"),
    )
    for title, text in rows:
        typer.echo(f"{title:<20}{text}")


def deliver(
    *,
    as_json: AsJson = False,
    devices: Annotated[int, typer.Option(min=1, max=10_000_000, help="devices to bring to a new version")] = 10_000,
    requests: Annotated[int, typer.Option(min=1, max=200, help="staggered requests that share them")] = 20,
    registry: Annotated[int | None, typer.Option(min=1, help="homes in the registry, if more than devices")] = None,
    receipts: Annotated[bool, typer.Option(help="homes send every receipt that a hub sends")] = False,
    signed: Annotated[bool, typer.Option(help="orders and reports are frames, each signed and verified")] = False,
    processes: Annotated[
        int | None, typer.Option(min=0, max=64, help="look at signatures in so many processes; else one a core but one")
    ] = None,
    database: Annotated[str | None, typer.Option(help="URL of an empty database; else a SQLite file")] = None,
    workers: Annotated[int, typer.Option(min=1, max=32, help="processes that share the work on a database")] = 1,
    floor: Annotated[bool, typer.Option(help="also write the same rows by a bare loop of SQL")] = True,
    peer: Annotated[bool, typer.Option(help="also install and run the update server goosebit")] = False,
    peer_devices: Annotated[int, typer.Option(min=1, max=100_000, help="devices that goosebit updates")] = 500,
    growth: Annotated[str, typer.Option(help="also the cost for these numbers of devices, joined by commas")] = "",
    profile: Annotated[Path | None, typer.Option(dir_okay=False, help="keep a profile here (pstats)")] = None,
) -> None:
    """Bring devices to a new version through the durable pipeline, until each is confirmed.

    Exit code 1: fewer a second than promised.
    """
    import json

    from hanota.app.bench.deliver import Beside, bench_deliver
    from hanota.app.clock import wall_clock

    outcome = bench_deliver(
        now=wall_clock(),
        devices=devices,
        requests=requests,
        registry=registry,
        whole=receipts,
        signed=signed,
        processes=processes,
        database=database,
        workers=workers,
        beside=Beside(
            floor=floor,
            growth=tuple(int(size) for size in growth.split(",") if size),
            peer_devices=peer_devices if peer else None,
            profile=profile,
        ),
    )
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), indent=2))
    else:
        _show_deliver(outcome)
    if not outcome.passed:
        raise typer.Exit(1)


def _show_deliver(outcome: "DeliverOutcome") -> None:
    phases = ", ".join(f"{name} {us:.0f}" for name, us in outcome.phases_us.items())
    floor = "not measured" if outcome.floor_devices_per_s is None else f"{outcome.floor_devices_per_s:.0f} a second"
    grown = ", ".join(f"{size}: {us:.0f}" for size, us in outcome.growth_us.items())
    rows = (
        ("confirmed", f"{outcome.devices} devices in {outcome.seconds} s, {outcome.cpu_seconds} s of the processor"),
        ("rate", f"{outcome.devices_per_s:.0f} a second; limits {outcome.limits}"),
        ("bare SQL", f"{floor}; ratio {outcome.ratio}"),
        ("µs a device", phases),
        *((("µs by size", f"{grown}; from 100000 on {outcome.growth} times, at most 1.5"),) if grown else ()),
        *(_peer_rows(outcome) if outcome.peer else ()),
        ("reports", f"{outcome.reports_per_device} a device, {outcome.reports}"),
        ("signatures", f"{outcome.signatures_per_device} looked at for a device, in {outcome.processes} processes"),
        ("store", f"{outcome.store}, workers {outcome.workers}, {outcome.registry} homes; rows {dict(outcome.rows)}"),
        ("peak memory", f"{outcome.peak_rss_mb} MB"),
        ("machine", outcome.machine),
        ("outcome", "passed" if outcome.passed else "a limit is broken"),
    )
    for title, text in rows:
        typer.echo(f"{title:<20}{text}")


def _peer_rows(outcome: "DeliverOutcome") -> tuple[tuple[str, str], ...]:
    return (
        ("peer", f"{outcome.peer_devices_per_s} a second ({outcome.peer_devices} devices): {outcome.peer}"),
        ("against the peer", f"{outcome.ratio_peer} times, at least {outcome.limits['ratio_peer_min']:.0f}"),
        ("how they differ", outcome.how_they_differ or ""),
    )


def flow(
    *,
    as_json: AsJson = False,
    homes: Annotated[int, typer.Option(min=2, max=2_000, help="homes at each level")] = 24,
) -> None:
    """Give the same orders to homes frame by frame and to homes at flow level, and print how their times differ.

    Exit code 1: a delivery as a whole takes another time at flow level.
    """
    import json

    from hanota.app.bench.flow import bench_flow
    from hanota.app.clock import wall_clock

    outcome = bench_flow(now=wall_clock(), homes=homes)
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), indent=2))
    else:
        _show_flow(outcome)
    if not outcome.passed:
        raise typer.Exit(1)


def _show_flow(outcome: "FlowOutcome") -> None:
    typer.echo(f"{'':<12}{'frames':>12}{'flow':>12}{'apart':>9}{'KS':>8}")
    for part, (frames, level) in outcome.median_ms.items():
        apart, distance = outcome.median_difference[part], outcome.ks_distance[part]
        typer.echo(f"{part:<12}{frames:>9.0f} ms{level:>9.0f} ms{apart:>9.2%}{distance:>8.3f}")
    typer.echo(f"{outcome.homes} homes, {outcome.image_octets} octets; chance alone gives a KS of {outcome.ks_noise}")
    typer.echo("passed" if outcome.passed else "the homes at flow level take another time")
