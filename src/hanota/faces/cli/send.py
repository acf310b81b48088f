"""`hanota send`: sign a request as its originator, post it, say what the answer means."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hanota.faces.cli.options import DEFAULT_HOME, DEFAULT_URL, AsJson, examples

if TYPE_CHECKING:
    from hanota.supplier.explain import Explanation

EXAMPLES = examples(
    "hanota send 11.4_REQUEST.XML",
    "hanota send 11.4_REQUEST.XML --new-counter --pki var/pki --to http://127.0.0.1:8079",
)
_DEVICES_SHOWN = 8


def send(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE.xml", help="A DUIS request.")],
    *,
    to: Annotated[str, typer.Option(metavar="URL", help="The DUIS gateway.")] = DEFAULT_URL,
    pki: Annotated[Path, typer.Option(metavar="DIR", help="Key directory with the originator's signing key.")] = (
        DEFAULT_HOME / "pki"
    ),
    new_counter: Annotated[
        bool, typer.Option("--new-counter", help="Put a fresh counter into the RequestID, to ask anew.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(dir_okay=False, metavar="FILE", help="Keep the signed request, to send it again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a request as the originator in its RequestID (signatures it has are replaced), and send it.

    Sending the same file again is safe: it gets the same answer and is delivered once. Exit code 1: refused.
    """
    from hanota.app.clock import wall_clock
    from hanota.supplier.explain import ask_desk, explain, read_answer
    from hanota.supplier.keys import open_keys
    from hanota.supplier.send import post, prepare

    prepared = prepare(file.read_bytes(), open_keys(pki), counter=wall_clock() if new_counter else None)
    if save is not None:
        save.write_bytes(prepared.octets)
    answer = read_answer(post(prepared, to=to), prepared, to)
    explanation = explain(prepared, answer, detail=ask_desk(prepared, to), to=to)
    if as_json:
        _print_json(explanation)
    else:
        _print(explanation)
    if not explanation.accepted:
        raise typer.Exit(1)


def _print_json(explanation: "Explanation") -> None:
    import dataclasses
    import json

    typer.echo(json.dumps(dataclasses.asdict(explanation), indent=2))


def _print(explanation: "Explanation") -> None:
    colour = typer.colors.GREEN if explanation.accepted else typer.colors.RED
    typer.secho(f"{explanation.response_code}: {explanation.meaning}", fg=colour, bold=True)
    typer.echo(f"  request  {explanation.request_id}")
    if explanation.remedy:
        typer.echo(f"  remedy   {explanation.remedy}")
    for group in explanation.left_out:
        typer.echo(f"  left out {len(group.devices)} device(s), {group.device_list}: {group.why}")
        shown = ", ".join(group.devices[:_DEVICES_SHOWN])
        more = len(group.devices) - _DEVICES_SHOWN
        typer.echo(f"           {shown}" + (f" and {more} more" if more > 0 else ""))
        if group.remedy:
            typer.echo(f"           remedy: {group.remedy}")
    typer.echo(f"  next     {explanation.next}")
    if explanation.console_url:
        typer.echo(f"  follow   {explanation.console_url}")
