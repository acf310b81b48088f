"""`hanota up`: gateway, REST, console and an emulated estate in one process."""

from pathlib import Path
from typing import Annotated

import typer

from hanota.faces.cli.options import DEFAULT_HOME, examples

EXAMPLES = examples(
    "hanota up",
    "hanota up --speed 60 --home /tmp/hanota",
    "hanota up --estate my-estate.toml --policy check.version_matches_header=warn",
)


def up(
    speed: Annotated[float, typer.Option(min=0.001, help="How many times faster than real time its clock runs.")] = 1.0,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8079,
    home: Annotated[
        Path, typer.Option(file_okay=False, metavar="DIR", help="Where everything that must outlive it is kept.")
    ] = DEFAULT_HOME,
    estate: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Homes, parties, products; default: built in."),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A policy other than by default. Repeatable."),
    ] = None,
) -> None:
    """Serve until stopped with Ctrl-C. It may be killed at any time: started again, it goes on where it was."""
    from hanota.app.running import Running
    from hanota.app.settings import read_policies
    from hanota.faces.http import create_app
    from hanota.faces.server import HttpServer

    running = Running(home, speed=speed, estate=estate, policies=read_policies(policy or ()))
    try:
        running.start()
        app = create_app(running.desk, now=running.now, at_work=lambda: running.healthy)
        server = HttpServer(app, port=port)
        server.run(lambda: _announce(server.url, home, speed))
    finally:
        running.stop()
    typer.echo("Stopped; everything acknowledged is kept.")


def _announce(url: str, home: Path, speed: float) -> None:
    typer.echo(
        f"hanota is up at {url}\n"
        f"  console     {url}/\n"
        f"  gateway     {url}/api/v1/serviceD\n"
        f"  REST        {url}/api/docs\n"
        f"  kept in     {home.resolve()}   keys in {home / 'pki'}\n"
        f"  clock       {speed:g} times real time\n"
        f"Next:  hanota send REQUEST.xml --pki {home / 'pki'}     Stop with Ctrl-C."
    )
