"""`hanota estate`: the homes, parties and products that an estate file describes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hanota.faces.cli.options import AsJson, examples

if TYPE_CHECKING:
    from hanota.edge.estate import EstateDescription

app = typer.Typer(help="Look at the homes, parties and products of an estate file.", no_args_is_help=True)


@app.callback()
def _estate() -> None:
    """Keep `show` a command of its own even while it is the only one."""


@app.command(epilog=examples("hanota estate show", "hanota estate show my-estate.toml --json"))
def show(
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, metavar="[FILE]", help="Default: the built-in estate.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show an estate: parties, homes with their devices, and the Certified Product List. Raises a precise error
    where the file is wrong."""
    from hanota.edge.estate import builtin_description, read_description

    estate = builtin_description() if file is None else read_description(file)
    if as_json:
        import json

        typer.echo(json.dumps(_plain(estate), indent=2))
    else:
        _draw(estate)


def _draw(estate: "EstateDescription") -> None:
    from rich.console import Console
    from rich.table import Table

    parties = Table("party", "name", "roles", "callback", title="Parties", title_justify="left")
    for party in estate.parties:
        parties.add_row(str(party.eui), party.name, " ".join(party.roles), party.callback or "–")
    homes = Table("home", "device", "type", "maker", "model", "version", "status", title="Homes", title_justify="left")
    for home in estate.premises:
        homes.add_row(home.name, str(home.hub.chf), "CHF", "", "", f"{home.hub.firmware_version:08X}", "")
        for device in home.devices:
            makes = (device.manufacturer_text, device.model_text, device.version_text)
            homes.add_row("", str(device.eui), device.device_type, *makes, device.status)
        homes.add_section()
    products = Table("maker", "model", "version", "status", "SHA-256", title="Certified products", title_justify="left")
    for product in estate.products:
        names = (product.manufacturer_text, product.model_text, product.version_text)
        products.add_row(*names, product.status, product.manufacturer_hash.hex())
    console = Console(highlight=False)
    for table in (parties, homes, products):
        console.print(table)


def _plain(value: object) -> object:
    """Give values as JSON has them: identifiers as texts, octets as hex."""
    import dataclasses
    from enum import Enum

    from hanota.base.eui import Eui64

    if isinstance(value, Eui64):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
