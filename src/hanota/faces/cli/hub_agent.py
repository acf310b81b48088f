"""`hanota hub-agent`: hubs of an estate, with their homes, as a process of its own behind NATS."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hanota.faces.cli.options import Pem, examples

if TYPE_CHECKING:
    from hanota.app.hub_agent import HubAgent, Share
    from hanota.base.instant import Instant

EXAMPLES = examples(
    "hanota hub-agent --nats nats://127.0.0.1:4222 --estate my-estate.toml --home agent --pki keys",
    "hanota hub-agent --nats nats://n1:4222,nats://n2:4222,nats://n3:4222 --estate my-estate.toml --home north "
    "--pki keys --region North --share 1/2",
)
_SHARE: Final = re.compile(r"(?P<number>[1-9]\d*)/(?P<of>[1-9]\d*)")

_Nats = typer.Option(
    metavar="URL", help="NATS servers with JetStream, several with commas between.", envvar="HANOTA_NATS"
)
_Pki = typer.Option(
    exists=True, file_okay=False, metavar="DIR", help="Keys of its devices and hubs, as `hanota pki init` makes them."
)
_Home = typer.Option(file_okay=False, metavar="DIR", help="Where homes keep what they remember; one agent's own.")
_Region = typer.Option(metavar="NAME", help='Only homes of this CSP region, e.g. "North". Repeatable.')
_ShareOf = typer.Option("--share", metavar="K/N", help="Only every N-th of them, beginning with the K-th.")
_Speed = typer.Option(min=0.001, help="How many times faster than real time; give all processes the same, and --since.")
_From = typer.Option(metavar="INSTANT", help="From when on they are faster, e.g. 2026-11-21T15:00:00Z.")
_Policy = typer.Option(metavar="NAME=VALUE", help="A policy other than by default. Repeatable.")


def hub_agent(
    *,
    nats: Annotated[str, _Nats],
    estate: Annotated[Path, typer.Option(**Pem, help="The description of the estate.")],
    home: Annotated[Path, _Home],
    pki: Annotated[Path, _Pki],
    region: Annotated[list[str] | None, _Region] = None,
    share: Annotated[str, _ShareOf] = "1/1",
    speed: Annotated[float, _Speed] = 1.0,
    since: Annotated[str | None, _From] = None,
    policy: Annotated[list[str] | None, _Policy] = None,
) -> None:
    """Run hubs of an estate and the homes behind them against NATS, until stopped with Ctrl-C or SIGTERM.

    Servers that are away are tried again for ever; the log on stderr says so, and how it is every half a minute. It may
    be killed at any time: started again on the same --home, it goes on where it was.
    """
    from hanota.app.clock import CommonClock
    from hanota.app.hub_agent import HubAgent
    from hanota.app.settings import read_policies
    from hanota.edge.estate import read_description
    from hanota.wire.smki import read_directory

    _log_how_it_is()
    agent = HubAgent(
        _share(tuple(region or ()), share).part_of(read_description(estate)),
        url=nats,
        folder=home,
        keys=read_directory(pki),
        policies=read_policies(tuple(policy or ())),
        clock=CommonClock(speed, _since(since, speed)),
    )
    _stop_on_signals(agent)
    typer.echo(
        f"hub agent with {len(agent.hubs)} hubs in {', '.join(sorted(set(agent.hubs.values())))}\n"
        f"  NATS        {nats}\n"
        f"  kept in     {home.resolve()}\n"
        "Stop with Ctrl-C."
    )
    agent.run()
    typer.echo("Stopped; what the homes remember is kept.")


def _log_how_it_is() -> None:
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))


def _stop_on_signals(agent: "HubAgent") -> None:
    import signal

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())


def _share(regions: tuple[str, ...], text: str) -> "Share":
    from hanota.app.hub_agent import Share

    found = _SHARE.fullmatch(text.strip())
    if found is None or int(found["number"]) > int(found["of"]):
        raise typer.BadParameter(f"{text!r} is no share; write K/N with K from 1 to N, e.g. 2/3", param_hint="--share")
    return Share(regions=regions, number=int(found["number"]), of=int(found["of"]))


def _since(text: str | None, speed: float) -> "Instant | None":
    from hanota.base.instant import parse_iso

    if text is None and speed != 1.0:
        raise typer.BadParameter(
            "say from when on with --since, or time would go back at each start", param_hint="--speed"
        )
    return None if text is None else parse_iso(text)
