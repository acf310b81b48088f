"""`hanota attest`: sign a statement that a device was upgraded locally, and hand it to a running service (R26)."""

from pathlib import Path
from typing import Annotated

import typer

from hanota.faces.cli.options import DEFAULT_HOME, DEFAULT_URL, AsJson, KeyStore, Pem, examples

EXAMPLES = examples(
    "hanota attest --as 90-B3-D5-1F-30-01-00-00 --device 00-DB-12-34-56-78-90-A4 --version 0002012F "
    "--image NEW.ota --at 2026-01-15T10:00:00Z",
)


def attest(
    *,
    party: Annotated[str, typer.Option("--as", metavar="EUI", help="The Responsible Supplier who states it.")],
    device: Annotated[str, typer.Option(metavar="EUI", help="The device that was upgraded.")],
    version: Annotated[str, typer.Option(metavar="HEX", help="The version that it runs now, 8 hex digits.")],
    at: Annotated[str, typer.Option(metavar="TIME", help="When it was done, e.g. 2026-01-15T10:00:00Z.")],
    image: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, metavar="FILE", help="The image file that was used.")
    ] = None,
    signed_image: Annotated[
        bool, typer.Option("--signed-image", help="That file ends with a Supplier's signature.")
    ] = False,
    image_hash: Annotated[
        str | None, typer.Option("--hash", metavar="HEX", help="Or the Manufacturer Image hash, 64 hex digits.")
    ] = None,
    by: Annotated[str, typer.Option(metavar="TEXT", help="Who did it.")] = "an engineer of the Supplier",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it was not done over the air.")] = "backup to OTA",
    to: Annotated[str, typer.Option(metavar="URL", help="The running service.")] = DEFAULT_URL,
    pki: Annotated[Path, typer.Option(metavar="DIR", help="Key directory with the Supplier's XML-signing key.")] = (
        DEFAULT_HOME / "pki"
    ),
    keystore: KeyStore = None,
    save: Annotated[
        Path | None, typer.Option(dir_okay=False, metavar="FILE", help="Keep the signed statement, to hand in again.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(**Pem, help="Trust a service with a certificate from here (PEM).")] = None,
    cert: Annotated[Path | None, typer.Option(**Pem, help="Certificate to show to the service (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(**Pem, help="Its private key (PEM).")] = None,
    as_json: AsJson = False,
) -> None:
    """State, signed, that a device was upgraded locally. It explains the version once the device itself reports it.

    A service takes it only under policy local_upgrade.mode=attested. Handing the same statement in again is safe.
    """
    import json

    from hanota.base.eui import Eui64
    from hanota.base.instant import parse_iso
    from hanota.supplier.attest import hash_of, post_statement, signed_statement
    from hanota.supplier.keys import open_keys
    from hanota.supplier.send import client_tls
    from hanota.wire.statements import LocalUpgradeStatement

    if (image is None) is (image_hash is None):
        raise typer.BadParameter("give either --image or --hash")
    digest = hash_of(image.read_bytes(), signed=signed_image) if image is not None else _hex(image_hash or "", 64)
    statement = LocalUpgradeStatement(
        party=Eui64.parse(party),
        device=Eui64.parse(device),
        version=int.from_bytes(_hex(version, 8), "big"),
        manufacturer_hash=digest,
        done_at=parse_iso(at),
        done_by=by,
        reason=reason,
    )
    octets = signed_statement(statement, open_keys(pki, keystore))
    if save is not None:
        save.write_bytes(octets)
    told = post_statement(octets, to=to, tls=client_tls(ca, cert, key))
    typer.echo(json.dumps(dict(told), indent=2) if as_json else f"taken: {told['text']}")


def _hex(text: str, digits: int) -> bytes:
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        octets = b""
    if len(octets) * 2 != digits:
        raise typer.BadParameter(f"{text!r} is not {digits} hex digits")
    return octets
