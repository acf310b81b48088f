"""`hanota pki`: a test PKI in the shape of SMKI."""

from pathlib import Path
from typing import Annotated

import typer

from hanota.base.errors import Fault, HanotaError, require
from hanota.faces.cli.options import AsJson, Pem, examples

app = typer.Typer(help="Make test keys and certificates in the shape of SMKI.", no_args_is_help=True)


class NotEmpty(HanotaError):
    """A folder that holds something already."""

    code, fault = "HOTA-CLI-001", Fault.REQUESTER
    what = "{folder} is not empty"
    remedy = "name a new folder: keys are never overwritten"


@app.callback()
def _pki() -> None:
    """Keep `init` a command of its own even while it is the only one."""


@app.command(
    epilog=examples(
        "hanota pki init keys",
        "hanota pki init keys --estate my-estate.toml",
        'hanota pki init keys --supplier "90-B3-D5-1F-30-07-00-00=My Energy" --device 00-DB-12-34-56-78-90-A4',
    )
)
def init(
    folder: Annotated[Path, typer.Argument(file_okay=False, metavar="DIR", help="A new folder.")],
    supplier: Annotated[
        list[str] | None,
        typer.Option(metavar="EUI=NAME", help="A supplier; repeatable. None given: those of the built-in estate."),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(metavar="EUI", help="A device or hub; repeatable. None given: those of the built-in estate."),
    ] = None,
    estate: Annotated[
        Path | None,
        typer.Option(**Pem, help="Make them for the DCC, the parties and the devices of this description."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make authorities, the DCC, suppliers (message signing, key agreement, XML signing) and devices.

    For tests only: all private keys lie side by side, readable by you alone.
    """
    import json
    import secrets

    from hanota.app.clock import wall_clock
    from hanota.app.pki import Party, make_pki
    from hanota.base.eui import Eui64
    from hanota.edge.estate import builtin_description, read_description
    from hanota.wire.smki import write_directory

    require(not folder.exists() or not any(folder.iterdir()), NotEmpty, folder=folder)
    described = builtin_description() if estate is None else read_description(estate)
    parties = [
        Party(Eui64.parse(eui), name or eui) for eui, _, name in (text.partition("=") for text in supplier or ())
    ]
    directory = make_pki(
        dcc=described.dcc,
        suppliers=parties or [Party(party.eui, party.name) for party in described.parties],
        devices=[Eui64.parse(eui) for eui in device] if device else described.nodes(),
        rng=secrets.SystemRandom(),
        now=wall_clock(),
    )
    write_directory(folder, directory)
    certificates = directory.certificates()
    if as_json:
        rows = [{"eui": str(c.eui), "role": c.role, "usage": c.usage, "serial": str(c.serial)} for c in certificates]
        typer.echo(json.dumps({"folder": str(folder), "certificates": rows}, indent=2))
        return
    subjects = {certificate.eui for certificate in certificates}
    typer.echo(f"{folder}: {len(certificates)} certificates with keys for {len(subjects)} subjects.")
    typer.echo(f"Next: hanota send REQUEST.xml --pki {folder}")
