"""`hanota`: the commands, and the one place where errors become text and exit codes.

Exit codes: 0 done, 1 an error (its code, what happened and the remedy stand on stderr), 2 wrong usage. With `--json`
one document stands on stdout, errors included, and logs on stderr. Commands import what they need when they run, so
that `--help` is quick.
"""

import json
import logging
import os
import sys
from typing import Annotated, NoReturn, cast

import typer

from hanota import __version__
from hanota.base.errors import HanotaError
from hanota.faces.cli import (
    attest,
    bench,
    demo,
    duis,
    estate,
    gbcs,
    home,
    hub_agent,
    image,
    pki,
    send,
    serve,
    simulate,
    simulate_more,
    up,
)
from hanota.faces.cli.logs import set_up_logs

_HELP = """Firmware over the air for the home area network of GB smart metering.

[bold]First time:[/] hanota demo — one home, one signed request, followed until its new version is confirmed.
"""

app = typer.Typer(
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=demo.EXAMPLES)(demo.demo)
app.command(epilog=up.EXAMPLES)(up.up)
app.command(epilog=hub_agent.EXAMPLES)(hub_agent.hub_agent)
app.command(epilog=serve.EXAMPLES)(serve.serve)
app.command("serve-part", hidden=True)(serve.serve_part)
app.command(epilog=send.EXAMPLES)(send.send)
app.command(epilog=attest.EXAMPLES)(attest.attest)
app.add_typer(image.app, name="image")
app.add_typer(duis.app, name="duis")
app.add_typer(gbcs.app, name="gbcs")
app.add_typer(pki.app, name="pki")
app.add_typer(estate.app, name="estate")
app.add_typer(home.app, name="home")
app.add_typer(bench.app, name="bench")
simulate_more.add_to(simulate.app)
app.add_typer(simulate.app, name="simulate")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hanota {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more, to stderr.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    del version  # shown by its callback
    set_up_logs(verbose=verbose)


def main() -> None:
    """Run the command line with the process's arguments."""
    # Batches are of some thousand rows: threads that wait for parts of them cost more than they do.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    try:
        app()
    except HanotaError as error:
        _tell(error, as_json="--json" in sys.argv)
        sys.exit(1)


def program() -> NoReturn:
    """Run the command line and end the process with its exit code, as `hanota` and `python -m hanota` do."""
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    server = sys.modules.get("hanota.faces.server")
    if server is not None and server.has_served and (code is None or isinstance(code, int)):
        # Threads of the server, which are Rust's, may be about to call Python still: while the interpreter is taken
        # down that aborts the process. All that it had is closed by now.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)
    sys.exit(cast("str | int | None", code))


def _tell(error: HanotaError, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": error.as_dict()}, indent=2))
        return
    facts = error.as_dict()
    typer.secho(f"{error.code}: {facts['message']}", fg=typer.colors.RED, err=True)
    typer.echo(f"Remedy: {facts['remedy']}", err=True)
