"""`hanota send`: sign a request as its originator, post it, say what the answer means."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hanota.faces.cli.options import DEFAULT_HOME, DEFAULT_URL, AsJson, KeyStore, Pem, examples

if TYPE_CHECKING:
    import ssl

    from hanota.supplier.explain import Explanation
    from hanota.supplier.send import Prepared
    from hanota.wire.duis import Response

EXAMPLES = examples(
    "hanota send 11.4_REQUEST.XML",
    "hanota send 11.4_REQUEST.XML --new-counter --pki var/pki --to http://127.0.0.1:8079",
    "hanota send 11.3_REQUEST.XML",
)
_DEVICES_SHOWN = 8
_COLUMNS: Final = (
    ("device", ("device",)),
    ("type", ("device_type", "esme_variant")),
    ("status", ("status",)),
    ("maker and model", ("manufacturer", "model")),
    ("version", ("firmware_version", "firmware_version_status")),
    ("meter point", ("import_mpxn", "secondary_import_mpan", "export_mpan")),
)
"""Of an inventory: a column's title, and the facts that stand in it. The others are in the JSON."""


def send(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE.xml", help="A DUIS request.")],
    *,
    to: Annotated[str, typer.Option(metavar="URL", help="The DUIS gateway.")] = DEFAULT_URL,
    pki: Annotated[Path, typer.Option(metavar="DIR", help="Key directory with the originator's signing keys.")] = (
        DEFAULT_HOME / "pki"
    ),
    keystore: KeyStore = None,
    new_counter: Annotated[
        bool, typer.Option("--new-counter", help="Put a fresh counter into the RequestID, to ask anew.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(dir_okay=False, metavar="FILE", help="Keep the signed request, to send it again.")
    ] = None,
    transform_only: Annotated[
        bool, typer.Option("--transform-only", help="Stop at the pre-command of a critical command; sign nothing.")
    ] = False,
    ca: Annotated[Path | None, typer.Option(**Pem, help="Trust a gateway with a certificate from here (PEM).")] = None,
    cert: Annotated[Path | None, typer.Option(**Pem, help="Certificate to show to the gateway (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(**Pem, help="Its private key (PEM).")] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a request as the originator in its RequestID (signatures it has are replaced), and send it.

    A critical command (variant 4) comes back as a pre-command; that is held against the request, signed with the
    originator's message-signing key, and sent as variant 5 under the same RequestID.
    Sending the same file again is safe: it gets the same answer and is delivered once. Exit code 1: refused.
    """
    from hanota.app.clock import wall_clock
    from hanota.supplier.keys import open_keys
    from hanota.supplier.precommand import TRANSFORM, answer_pre_command
    from hanota.supplier.send import client_tls, prepare

    keys, tls = open_keys(pki, keystore), client_tls(ca, cert, key)
    prepared = prepare(file.read_bytes(), keys, counter=wall_clock() if new_counter else None)
    if save is not None:
        save.write_bytes(prepared.octets)
    answer, told = _exchange(prepared, to, tls)
    steps = [told]
    if prepared.header.command_variant == TRANSFORM and told.accepted and not transform_only:
        steps.append(_exchange(answer_pre_command(prepared, answer, keys), to, tls)[1])
    if as_json:
        _print_json(steps)
    else:
        _print_steps(steps)
    if not steps[-1].accepted:
        raise typer.Exit(1)


def _exchange(prepared: "Prepared", to: str, tls: "ssl.SSLContext | None") -> "tuple[Response, Explanation]":
    from hanota.supplier.explain import ask_desk, explain, read_answer
    from hanota.supplier.send import post

    answer = read_answer(post(prepared, to=to, tls=tls), prepared, to)
    return answer, explain(prepared, answer, detail=ask_desk(prepared, to, tls), to=to)


def _print_json(steps: "Sequence[Explanation]") -> None:
    """One document: the last answer, and in `transform` the one before it, if there were two."""
    import dataclasses
    import json

    *earlier, last = map(dataclasses.asdict, steps)
    typer.echo(json.dumps({**last, **({"transform": earlier[0]} if earlier else {})}, indent=2))


def _print_steps(steps: "Sequence[Explanation]") -> None:
    *earlier, last = steps
    for step in earlier:
        typer.echo(f"{step.response_code}: {step.meaning}; the pre-command is what was asked for, and was signed")
    _print(last)


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
    if explanation.gbcs:
        typer.echo(f"  gbcs     {explanation.gbcs}")
    if explanation.inventory:
        _print_inventory(explanation.inventory)
    typer.echo(f"  next     {explanation.next}")
    if explanation.console_url:
        typer.echo(f"  follow   {explanation.console_url}")


def _print_inventory(devices: "Sequence[Mapping[str, str]]") -> None:
    """Print a table without lines, as wide as it needs, so that it can be cut and searched; empty columns stay away."""
    rows = [[title for title, _ in _COLUMNS]]
    for device in devices:
        rows.append([" ".join(device[name] for name in names if name in device) for _, names in _COLUMNS])
    widths = [max(map(len, cells)) if any(cells[1:]) else 0 for cells in zip(*rows, strict=True)]
    for row in rows:
        told = (cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width)
        typer.echo("    " + "  ".join(told).rstrip())
