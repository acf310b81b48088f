"""`hanota image`: build firmware images, look into them, cut them into segments."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hanota.base.errors import Fault, HanotaError
from hanota.base.limits import IMAGE_OCTETS_MAX_BUSINESS
from hanota.faces.cli.options import AsJson, examples

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from hanota.wire.otaimage import Tail

app = typer.Typer(help="Build firmware images, look into them, cut them into segments.", no_args_is_help=True)

_File = typer.Option(exists=True, dir_okay=False, help="PEM file")
_TAILS = ("none", "signed")


class KeyUnreadable(HanotaError):
    """A file that should hold a P-256 key or certificate doesn't."""

    code, fault = "HOTA-CLI-101", Fault.REQUESTER
    what = "{file} holds no {expected}"
    remedy = "give a PEM file with {expected}"


class OutputUnwritable(HanotaError):
    """The image was made but can't be put where it should go."""

    code, fault = "HOTA-CLI-102", Fault.REQUESTER
    what = "{file} can't be written: {reason}"
    remedy = "name a file or folder that you may write"


@app.command(
    epilog=examples(
        "hanota image build ppmid.toml",
        "hanota image build esme.toml --supplier-key key.pem -o esme.zigbee",
    )
)
def build(
    description: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="image description, TOML")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="file or folder; the name is MMMM-TTTT-VVVVVVVV-HASH.zigbee")
    ] = None,
    maker_key: Annotated[Path | None, _File] = None,
    supplier_key: Annotated[Path | None, _File] = None,
) -> None:
    """Build an image file from a description."""
    from hanota.wire.otaimage import file_name, write_image
    from hanota.wire.otaimage.build import build_image, read_description

    described = read_description(description.read_text("utf-8", errors="replace"))
    image = build_image(
        described,
        _payload(described.payload.file, description.parent),
        supplier_key=_private_key(supplier_key),
        maker_key=_private_key(maker_key),
    )
    octets = write_image(image)
    place = _write(octets, output or Path(), file_name(image))
    typer.echo(f"{place}: {len(octets)} octets, Manufacturer Image hash {image.manufacturer_hash.hex().upper()}")


@app.command(
    epilog=examples(
        "hanota image inspect 121D-0084-0002012F.zigbee",
        "hanota image inspect esme.zigbee --supplier-cert supplier.pem --json",
    )
)
def inspect(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="image file")],
    as_json: AsJson = False,
    tail: Annotated[str | None, typer.Option(help="none or signed; guessed from the file if not given")] = None,
    maker_cert: Annotated[Path | None, _File] = None,
    supplier_cert: Annotated[Path | None, _File] = None,
) -> None:
    """Show header, sizes, hash and signatures. Exit code 1: not an image, or a signature asked for doesn't hold."""
    import json

    from hanota.wire.otaimage import describe, likely_tail, read_image

    octets = file.read_bytes()
    image = read_image(octets, _tail(tail) or likely_tail(octets))
    facts = describe(image, supplier_key=_public_key(supplier_cert), maker_key=_public_key(maker_cert))
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        _show(file, facts)
    asked = [part for part, key in (("maker", maker_cert), ("tail", supplier_cert)) if key is not None]
    if not all(facts[part]["valid"] for part in asked):
        raise typer.Exit(1)


@app.command(
    epilog=examples(
        "hanota image segment ihd.zigbee --out segments/",
        "hanota image segment ihd.zigbee --max-octets 262144 --json",
    )
)
def segment(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="image file without tail")],
    *,
    max_octets: Annotated[
        int, typer.Option("--max-octets", min=1, help="of one segment's file, as policy image.max_octets")
    ] = IMAGE_OCTETS_MAX_BUSINESS,
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="folder; made if it isn't there")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Cut an image beyond the limit into segments, for PPMIDs and IHDs; each goes by an 11.4 request of its own.

    The Certified Product List names the hash of the whole. The requests may be sent in any order.
    """
    import json

    from hanota.wire.otaimage import Tail, file_name, read_image, write_image
    from hanota.wire.otaimage.segments import split

    whole = read_image(file.read_bytes(), Tail.NONE)
    files = {file_name(part): write_image(part) for part in split(whole, max_octets)}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnwritable(file=out, reason=error.strerror) from None
    written = [(_write(octets, out / name, name), len(octets)) for name, octets in files.items()]
    digest = whole.manufacturer_hash.hex().upper()
    if as_json:
        segments = [{"file": str(place), "octets": octets} for place, octets in written]
        told = {"whole_octets": len(whole.manufacturer_image), "whole_sha256": digest, "segments": segments}
        typer.echo(json.dumps(told, indent=2))
        return
    for place, octets in written:
        typer.echo(f"{place}: {octets} octets")
    typer.echo(f"{len(written)} segments of {len(whole.manufacturer_image)} octets, Manufacturer Image hash {digest}")


def _show(file: Path, facts: dict[str, dict[str, object]]) -> None:
    import itertools

    from rich.console import Console
    from rich.table import Column, Table

    table = Table("part", "field", Column("value", overflow="fold"), title=file.name)
    for part, rows in facts.items():
        titles = itertools.chain([part.replace("_", " ")], itertools.repeat(""))
        for title, (name, value) in zip(titles, rows.items(), strict=False):
            table.add_row(title, name.replace("_", " "), "–" if value is None else str(value))
        table.add_section()
    Console(markup=False, highlight=False).print(table)


def _write(octets: bytes, place: Path, name: str) -> Path:
    if place.is_dir():
        place /= name
    try:
        place.write_bytes(octets)
    except OSError as error:
        raise OutputUnwritable(file=place, reason=error.strerror) from None
    return place


def _payload(name: str | None, folder: Path) -> bytes | None:
    from hanota.wire.otaimage.errors import DescriptionWrong

    if name is None:
        return None
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise DescriptionWrong(problems=f"payload.file: {error.strerror}: {folder / name}") from None


def _tail(name: str | None) -> "Tail | None":
    from hanota.wire.otaimage import Tail

    if name is not None and name not in _TAILS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(_TAILS)}", param_hint="--tail")
    return None if name is None else Tail(name)


def _private_key(file: Path | None) -> "ec.EllipticCurvePrivateKey | None":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if file is None:
        return None
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyUnreadable(file=file, expected="an unencrypted P-256 private key")
    return key


def _public_key(file: Path | None) -> "ec.EllipticCurvePublicKey | None":
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    if file is None:
        return None
    try:
        key = x509.load_pem_x509_certificate(file.read_bytes()).public_key()
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyUnreadable(file=file, expected="a certificate of a P-256 key")
    return key
