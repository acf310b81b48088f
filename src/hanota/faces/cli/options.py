"""Options that several commands share, and values with units."""

import re
from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_HOME: Final = Path("var")
"""Where `hanota up` keeps what outlives it."""

DEFAULT_URL: Final = "http://127.0.0.1:8079"

_SIZE: Final = re.compile(r"(?P<number>\d+)\s*(?P<unit>|B|kB|KB|KiB|MB|MiB)", re.IGNORECASE)
_UNITS: Final = {"": 1, "b": 1, "kb": 1024, "kib": 1024, "mb": 1024 * 1024, "mib": 1024 * 1024}

KeyStore = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        metavar="PATH",
        help="The industry's public test key store: the folder of its npm package, or its JSON. "
        "Its keys go before others and are never written.",
    ),
]
Pem = {"exists": True, "dir_okay": False, "metavar": "FILE"}
"""How an option that takes a PEM file is declared."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def octets(text: str) -> int:
    """Read a size such as `256kB`; 1 kB counts as 1024 octets, as in the limits. Raises typer.BadParameter."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no size; write e.g. 65536, 256kB or 1MB")
    return int(found["number"]) * _UNITS[found["unit"].lower()]


def examples(*lines: str) -> str:
    """Write the examples that stand at the end of a command's help."""
    return "Examples:\n\n" + "\n\n".join(f"  $ {line}" for line in lines)
