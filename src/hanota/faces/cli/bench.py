"""`hanota bench`: measure what hanota promises, on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hanota.faces.cli import bench_path, bench_share
from hanota.faces.cli.options import AsJson, examples

if TYPE_CHECKING:
    from hanota.app.bench.callbacks import CallbacksOutcome
    from hanota.app.bench.hub import HubOutcome
    from hanota.app.bench.verify import Outcome

app = typer.Typer(help="Measure what hanota promises, on this machine.", no_args_is_help=True)
app.command(epilog=examples("HANOTA_SIGN_WRAP=node_modules/@smartdcc/duis-sign-wrap hanota bench accept --json"))(
    bench_path.accept
)
app.command(epilog=examples("hanota bench flow", "hanota bench flow --homes 200 --json"))(bench_path.flow)
app.command(
    epilog=examples(
        "hanota bench deliver --devices 1000000 --peer --json",
        "hanota bench deliver --devices 10000 --signed --profile deliver.pstats",
        "hanota bench deliver --database postgresql://localhost/empty",
    )
)(bench_path.deliver)
app.command(epilog=examples("hanota bench share", "hanota bench share --flood 600000 --json"))(bench_share.share)


@app.command(
    epilog=examples(
        "hanota bench verify --jar node_modules/@smartdcc/duis-sign-wrap/dist/tool.jar",
        "HANOTA_SIGN_WRAP=node_modules/@smartdcc/duis-sign-wrap hanota bench verify --json",
    )
)
def verify(
    as_json: AsJson = False,
    jar: Annotated[
        Path | None, typer.Option(dir_okay=False, help="the signing tool's jar; else that in HANOTA_SIGN_WRAP")
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, max=200, help="measured rounds, each of three verifications a side")
    ] = 7,
) -> None:
    """Verify the largest legal request, in turns with the industry's signing tool.

    Exit code 1: a figure breaks its limit, or the tool can't run here.
    """
    import json

    from hanota.app.bench.verify import bench_verify, find_jar
    from hanota.app.clock import wall_clock

    outcome = bench_verify(jar=find_jar(jar), now=wall_clock(), rounds=rounds)
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), indent=2))
    else:
        _show(outcome)
    if not outcome.passed:
        raise typer.Exit(1)


@app.command(epilog=examples("hanota bench callbacks", "hanota bench callbacks --messages 20000 --parties 20 --json"))
def callbacks(
    as_json: AsJson = False,
    messages: Annotated[int, typer.Option(min=1, max=50_000, help="messages to deliver")] = 5_000,
    parties: Annotated[int, typer.Option(min=1, max=1_000, help="parties that share them")] = 8,
) -> None:
    """Deliver messages to a receiver in another process: read, rendered, signed, posted over HTTP, recorded.

    Exit code 1: fewer a second than promised.
    """
    import json

    from hanota.app.bench.callbacks import bench_callbacks
    from hanota.app.clock import wall_clock

    outcome = bench_callbacks(now=wall_clock(), messages=messages, parties=parties)
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), indent=2))
    else:
        _show_callbacks(outcome)
    if not outcome.passed:
        raise typer.Exit(1)


@app.command(
    epilog=examples(
        "hanota bench hub", "hanota bench hub --peer packages/hanota-radio/src/hanota_radio/peer.py --rounds 3 --json"
    )
)
def hub(
    as_json: AsJson = False,
    peer: Annotated[
        Path | None, typer.Option(dir_okay=False, help="the peer's program; else that of an installed hanota-radio")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=200, help="measured rounds, each three times a side")] = 7,
) -> None:
    """Let a hub serve an image to many devices at once, in turns with a ZigBee library that only reads and writes.

    Exit code 1: less than so many times the peer as promised, or there is no peer here.
    """
    import json

    from hanota.app.bench.hub import bench_hub, find_peer

    outcome = bench_hub(peer=find_peer(peer), rounds=rounds)
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), indent=2))
    else:
        _show_hub(outcome)
    if not outcome.passed:
        raise typer.Exit(1)


def _show_hub(outcome: "HubOutcome") -> None:
    limits, beside = outcome.limits, "not measured"
    peer = beside if outcome.peer_turns_per_s is None else f"{outcome.peer_turns_per_s:.0f} turns a second"
    ratio = beside if outcome.ratio is None else f"{outcome.ratio}"
    rows = (
        ("hanota", f"{outcome.turns_per_s:.0f} turns a second, aiming at {limits['turns_per_s_aim']:.0f}"),
        ("peer", peer),
        ("ratio", f"{ratio}, at least {limits['ratio_min']:.0f}"),
        ("bare struct", f"{outcome.bare_struct_per_s:.0f} turns a second"),
        ("a round", f"{outcome.turns} turns: {outcome.image_octets} octets for {outcome.devices} devices"),
        ("peer is", outcome.peer or beside),
        ("machine", outcome.machine),
        *((("left out", outcome.left_out),) if outcome.left_out else ()),
        ("outcome", "passed" if outcome.passed else "a limit is broken" if outcome.ratio else "not proved"),
    )
    for title, text in rows:
        typer.echo(f"{title:<20}{text}")


def _show_callbacks(outcome: "CallbacksOutcome") -> None:
    rows = (
        ("delivered", f"{outcome.messages} messages to {outcome.parties} parties in {outcome.seconds} s"),
        ("whole path", f"{outcome.per_s:.0f} a second, at least {outcome.limits['per_s_min']:.0f}"),
        ("by processor time", f"{outcome.per_cpu_s:.0f} a second"),
        ("rendered", f"{outcome.rendered_per_s:.0f} a second"),
        ("signed", f"{outcome.signed_per_s:.0f} a second; bare {outcome.bare_signed_per_s:.0f}"),
        ("posted", f"{outcome.posted_per_s:.0f} a second; bare {outcome.bare_posted_per_s:.0f}"),
        ("limit", f"{outcome.peer_per_s:.0f} a second, of which the whole path is {outcome.ratio:.0%}: {outcome.peer}"),
        ("largest body", f"{outcome.octets_max} octets"),
        ("machine", outcome.machine),
        ("outcome", "passed" if outcome.passed else "a limit is broken"),
    )
    for title, text in rows:
        typer.echo(f"{title:<20}{text}")


def _show(outcome: "Outcome") -> None:
    limits = outcome.limits
    growth = "not measured here" if outcome.rss_growth_mb is None else f"{outcome.rss_growth_mb} MB"
    rows = (
        ("hanota", f"{outcome.ours_ms} ms, at most {limits['ours_ms_max']:.0f}"),
        ("signing tool", f"{outcome.peer_ms} ms; as packaged {outcome.peer_packaged_ms} ms"),
        ("ratio", f"{outcome.ratio}, at least {limits['ratio_min']:.0f}; as packaged {outcome.ratio_packaged}"),
        ("memory above idle", f"{growth}, at most {limits['rss_growth_mb_max']:.0f} MB"),
        ("memory of the tool", "not measured here" if outcome.peer_rss_mb is None else f"{outcome.peer_rss_mb} MB"),
        ("document", f"{outcome.document_octets} octets, {outcome.rounds} rounds"),
        ("tool", outcome.peer),
        ("machine", outcome.machine),
        ("outcome", "passed" if outcome.passed else "a limit is broken"),
    )
    for title, text in rows:
        typer.echo(f"{title:<20}{text}")
