"""`hanota gbcs`: look into GBCS messages."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from hanota.faces.cli.options import examples

if TYPE_CHECKING:
    from rich.console import Console

    from hanota.base.eui import Eui64
    from hanota.wire.smki.keystore import KeyStore

app = typer.Typer(help="Look into GBCS messages.", no_args_is_help=True)

_TITLE_MAX = 48
_FAILS = "does not hold"


class _Given(NamedTuple):
    """One argument: what it is called, and what it holds as it stands."""

    title: str
    octets: bytes


@app.callback()
def _gbcs() -> None:
    """Keep `explain` a command of its own even while it is the only one."""


@app.command(
    epilog=examples(
        "hanota gbcs explain response.hex",
        "hanota gbcs explain DF0902000000… --certs certs",
        "hanota gbcs explain *.hex --certs keys --keystore node_modules/@smartdcc/dccboxed-keystore --json",
    )
)
def explain(
    messages: Annotated[
        list[str],
        typer.Argument(metavar="FILE-or-HEX…", help="Files of octets, hex or base64; or hex or base64 itself."),
    ],
    certs: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, metavar="DIR", help="Certificates (PEM, DER), or a key directory."),
    ] = None,
    keystore: Annotated[
        Path | None,
        typer.Option(exists=True, metavar="FILE", help="The public key store: its JSON, or its npm package's folder."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document a line, one for each message.")
    ] = False,
) -> None:
    """Say what messages say, field by field, and whether their signatures and MACs hold.

    Exit code 1: a message makes no sense, or a signature or MAC that could be checked does not hold. All messages are
    explained even so.
    """
    import json

    from hanota.wire.gbcs.describe import describe

    keys = open_store(certs, keystore)
    name = call_parties(keys)
    show = None if as_json else shower()
    good = True
    for given in _given(messages):
        facts = {"source": given.title, **_described(given.octets, lambda octets: describe(octets, keys, name))}
        good = good and not is_bad(facts)
        if show is None:
            typer.echo(json.dumps(facts, ensure_ascii=False))
        else:
            show(facts)
    if not good:
        raise typer.Exit(1)


def open_store(certs: Path | None, keystore: Path | None) -> "KeyStore":
    """Read what certificates and keys are given; files that hold none are told on stderr."""
    from hanota.wire.smki.keystore import KeyStore, read_folder, read_keystore

    keys = KeyStore()
    for path, read in ((certs, read_folder), (keystore, read_keystore)):
        if path is not None:
            held = read(path)
            keys = keys.including(held)
            for place, reason in held.unread:
                typer.echo(f"left out: {path}, {place}: {reason}", err=True)
    return keys


def call_parties(keys: "KeyStore") -> "Callable[[Eui64], str | None]":
    """Call parties by the roles of their certificates: names stand in no certificate that we read."""
    roles: dict[Eui64, set[str]] = {}
    for held in keys.certificates():
        role = "device" if held.role is None else held.role.name.lower().replace("_", " ")
        roles.setdefault(held.eui, set()).add(role)
    return lambda eui: ", ".join(sorted(roles[eui])) if eui in roles else None


def _given(messages: list[str]) -> Iterator[_Given]:
    for text in messages:
        octets = _file(text)
        if octets is not None:
            yield _Given(text, octets)
        else:
            yield _Given(text if len(text) <= _TITLE_MAX else f"{text[:_TITLE_MAX]}…", text.encode())


def _file(text: str) -> bytes | None:
    try:
        return Path(text).read_bytes()
    except (OSError, ValueError):  # no file, a folder, or hex too long to be a name: then the text is the message
        return None


def _described(given: bytes, describe: Callable[[bytes], dict[str, Any]]) -> dict[str, Any]:
    from hanota.wire.gbcs.errors import MessageUnreadable
    from hanota.wire.gbcs.texts import read_octets

    try:
        return describe(read_octets(given))
    except MessageUnreadable as error:
        return {**dict.fromkeys(describe(b"")), "error": {**error.as_dict(), "offset": error.facts["offset"]}}


def is_bad(facts: dict[str, Any]) -> bool:
    """Say whether a message makes no sense, or a signature or MAC of it that could be checked does not hold."""
    marks = (facts["signature"], facts["mac"])
    return facts["error"] is not None or any(mark is not None and mark["verdict"] == _FAILS for mark in marks)


def shower() -> Callable[[dict[str, Any]], None]:
    """Make what prints one message; tables are loaded once."""
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table

    console = Console(markup=False, highlight=False)

    def show(facts: dict[str, Any]) -> None:
        table = Table(
            Column("octet", justify="right"),
            Column("length", justify="right"),
            Column("hex", overflow="fold"),
            Column("field", overflow="fold", min_width=14),
            Column("meaning", overflow="fold"),
            Column("clause", overflow="fold", min_width=15),
            title=facts["source"],
            title_justify="left",
            box=box.SIMPLE,
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        for row in facts["fields"] or ():
            table.add_row(
                str(row["offset"]), str(row["length"]), row["hex"], row["field"], row["meaning"], row["clause"]
            )
        if facts["fields"]:
            console.print(table)
        _summarise(facts, console)

    return show


def _summarise(facts: dict[str, Any], console: "Console") -> None:
    if facts["use_case"] is not None:
        use_case, counter = facts["use_case"], facts["counter"]
        title = " ".join(filter(None, (use_case["name"] or "unknown use case", use_case["title"], facts["cra"])))
        parties = " to ".join(
            " ".join(filter(None, (facts[side]["eui"], facts[side]["name"]))) for side in ("originator", "recipient")
        )
        console.print(f"{use_case['code']} {title}, counter {counter}, {parties}")
    for mark, title in (("signature", "Signature"), ("mac", "MAC")):
        if facts[mark] is not None:
            console.print(f"{title}: {facts[mark]['verdict']} ({facts[mark]['grounds']})")
    if facts["error"] is not None:
        error = facts["error"]
        console.print(
            f"{facts['source']}: {error['code']} at {error['offset']}: {error['message']}. {error['remedy']}."
        )
    console.print()
