"""`hanota duis`: look into DUIS documents."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hanota.faces.cli.gbcs import call_parties, is_bad, open_store, shower
from hanota.faces.cli.options import examples

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(help="Look into DUIS documents.", no_args_is_help=True)

_FAILS = "does not hold"
_STANDARD = "DUIS Schema V5.4, "
"""Said once, above the table."""


@app.callback()
def _duis() -> None:
    """Keep `explain` a command of its own even while it is the only one."""


@app.command(
    epilog=examples(
        "hanota duis explain request.xml",
        "hanota duis explain response.xml --certs var/pki",
        "hanota duis explain *.xml --keystore node_modules/@smartdcc/dccboxed-keystore --json",
    )
)
def explain(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE…", help="DUIS documents.")],
    certs: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, metavar="DIR", help="Certificates (PEM, DER), or a key directory."),
    ] = None,
    keystore: Annotated[
        Path | None,
        typer.Option(exists=True, metavar="FILE", help="The public key store: its JSON, or its npm package's folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line, one for each file.")] = False,
) -> None:
    """Say what documents say, field by field, and whether their signatures hold; GBCS messages in them too.

    Exit code 1: a document can't be read, departs from the schema, or has a signature or MAC that does not hold. All
    files are explained even so.
    """
    import json

    from hanota.supplier.meanings import meaning_of
    from hanota.wire.duis.describe import describe
    from hanota.wire.gbcs.describe import describe as describe_gbcs

    keys = open_store(certs, keystore)
    name = call_parties(keys)
    show = None if as_json else _shower()
    good = True
    for file in files:
        said = describe(
            file.read_bytes(),
            keys.certificate,
            meanings=meaning_of,
            explain_gbcs=lambda octets: describe_gbcs(octets, keys, name),
        )
        facts = {"source": str(file), **said}
        good = good and not _is_bad(facts)
        if show is None:
            typer.echo(json.dumps(facts, ensure_ascii=False))
        else:
            show(facts)
    if not good:
        raise typer.Exit(1)


def _is_bad(facts: dict[str, Any]) -> bool:
    signature = facts["signature"]
    broken = signature is not None and signature["verdict"] == _FAILS
    within = (field["gbcs"] for field in facts["fields"] if "gbcs" in field)
    return facts["error"] is not None or bool(facts["problems"]) or broken or any(map(_is_bad_within, within))


def _is_bad_within(gbcs: dict[str, Any]) -> bool:
    """A GBCS message that could not even be cut out of its field stands as an error alone."""
    return "fields" not in gbcs or is_bad(gbcs)


def _shower() -> Callable[[dict[str, Any]], None]:
    """Make what prints one document; tables are loaded once."""
    from rich.console import Console
    from rich.table import Column, Table

    console = Console(markup=False, highlight=False)
    show_gbcs = shower()

    def show(facts: dict[str, Any]) -> None:
        table = Table(
            Column("line", justify="right"),
            Column("element", overflow="fold"),
            Column("value", overflow="fold"),
            Column("meaning", overflow="fold"),
            Column("type", overflow="fold"),
            title=f"{facts['source']}, by {_STANDARD.rstrip(' ,')}",
        )
        within = ""
        for row in facts["fields"]:
            parent, _, name = row["path"].rpartition("/")
            if parent != within:
                table.add_section()
                table.add_row("", f"{parent}/")
            within = parent
            clause = (row["clause"] or "").removeprefix(_STANDARD)
            table.add_row(str(row["line"]), f"  {name}", row["value"], row["meaning"] or "", clause)
        if facts["fields"]:
            console.print(table)
        _summarise(facts, console)
        for row in facts["fields"]:
            if "fields" in row.get("gbcs", ()):
                show_gbcs({"source": f"{facts['source']}, {row['path']}", **row["gbcs"]})

    return show


def _summarise(facts: dict[str, Any], console: "Console") -> None:
    if facts["kind"] is not None:
        said = (facts["kind"], facts["carries"], facts["schema_version"] and f"DUIS {facts['schema_version']}")
        console.print(" ".join(filter(None, said)) + f", {facts['octets']} octets")
    signature = facts["signature"]
    if signature is not None:
        who = signature["signer"] or signature["named"]
        by = "" if who is None else f" ({', '.join(str(value) for value in who.values() if value)})"
        console.print(f"Signature: {signature['verdict']}{by}")
        for problem in signature["problems"]:
            console.print(f"  {problem['text']}. Remedy: {problem['remedy']}.")
    for problem in facts["problems"]:
        console.print(f"{facts['source']}:{problem['line']}: {problem['path']}: {problem['message']}")
    error = facts["error"]
    if error is not None and not facts["problems"]:
        place = f":{error['facts']['line']}" if "line" in error["facts"] else ""
        console.print(f"{facts['source']}{place}: {error['code']}: {error['message']}. Remedy: {error['remedy']}.")
    console.print()
