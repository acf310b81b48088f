"""`hanota up`: gateway, REST, console and an emulated estate in one process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hanota.faces.cli.options import DEFAULT_HOME, DEFAULT_URL, KeyStore, Pem, examples

if TYPE_CHECKING:
    from hanota.app.running import Running
    from hanota.app.settings import Serving

EXAMPLES = examples(
    "hanota up",
    "hanota up --speed 60 --home /tmp/hanota",
    "hanota up --estate my-estate.toml --policy check.version_matches_header=warn",
    "hanota up --keystore node_modules/@smartdcc/dccboxed-keystore --smki-port 8083",
    "hanota up --tls-cert server.pem --tls-key server-key.pem --client-ca suppliers.pem",
)

_Port = typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")
_SmkiPort = typer.Option(min=1, max=65535, help="Serve the SMKI repository there too; its clients look at 8083.")
_Policy = typer.Option(metavar="NAME=VALUE", help="A policy other than by default. Repeatable.")


def up(
    *,
    speed: Annotated[float, typer.Option(min=0.001, help="How many times faster than real time its clock runs.")] = 1.0,
    port: Annotated[int, _Port] = 8079,
    smki_port: Annotated[int | None, _SmkiPort] = None,
    home: Annotated[
        Path, typer.Option(file_okay=False, metavar="DIR", help="Where everything that must outlive it is kept.")
    ] = DEFAULT_HOME,
    estate: Annotated[Path | None, typer.Option(**Pem, help="Homes, parties, products; default: built in.")] = None,
    policy: Annotated[list[str] | None, _Policy] = None,
    pki: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            metavar="DIR",
            help="Keys made by `hanota pki init`, used first; or a folder of PEM certificates, which are then known.",
        ),
    ] = None,
    keystore: KeyStore = None,
    tls_cert: Annotated[Path | None, typer.Option(**Pem, help="Serve TLS with this certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(**Pem, help="Its private key (PEM, not encrypted).")] = None,
    client_ca: Annotated[
        Path | None, typer.Option(**Pem, help="Let in only clients with a certificate from this authority (PEM).")
    ] = None,
) -> None:
    """Serve until stopped with Ctrl-C. It may be killed at any time: started again, it goes on where it was.

    Settings may stand in the environment too: HANOTA_TLS__CERT, HANOTA_TLS__KEY, HANOTA_TLS__CLIENT_CA,
    HANOTA_KEYS__DIRECTORY, HANOTA_KEYS__STORE, HANOTA_SMKI_PORT, HANOTA_POLICIES__GROUP__NAME. With --keystore the
    policy check.supplier_in_date is warn unless you say otherwise: that store's Supplier certificates are out of date.
    """
    from hanota.app.running import Running
    from hanota.app.settings import Said, read_policies, read_serving

    said = Said(
        tls_cert=tls_cert, tls_key=tls_key, client_ca=client_ca, pki=pki, keystore=keystore, smki_port=smki_port
    )
    serving = read_serving(said)
    # The public test key store's Supplier certificates ran out in 2025; devices, which hold them, don't look at that.
    lent = ("check.supplier_in_date=warn",) if serving.keys.store else ()
    policies = read_policies((*lent, *(policy or ())))
    _serve(
        port,
        serving,
        lambda: Running(home, speed=speed, estate=estate, policies=policies, keys=serving.keys),
        lambda urls: _announce(urls, home, speed, _options(urls[0], serving)),
    )
    typer.echo("Stopped; everything acknowledged is kept.")


def _serve(
    port: int, serving: "Serving", make: "Callable[[], Running]", announce: Callable[[Sequence[str]], None]
) -> None:
    """Claim the ports, and only then let the world run: who can't serve must not begin to deliver."""
    from hanota.faces.http import create_app, create_repository
    from hanota.faces.listening import Claim, tls_of
    from hanota.faces.server import HttpServer, Site

    tls = tls_of(serving.tls)
    claims = [Claim(number) for number in dict.fromkeys((port, serving.smki_port or port))]
    running = make()
    try:
        running.start()
        apps = [create_app(running.desk, now=running.now, at_work=lambda: running.healthy)]
        if len(claims) > len(apps):
            apps.append(create_repository(running.desk))
        server = HttpServer([Site(app, claim) for app, claim in zip(apps, claims, strict=True)], tls=tls)
        server.run(lambda: announce(server.urls))
    finally:
        running.stop()


def _announce(urls: Sequence[str], home: Path, speed: float, options: str) -> None:
    url = urls[0]
    typer.echo(
        f"hanota is up at {url}\n"
        f"  console     {url}/\n"
        f"  gateway     {url}/api/v1/serviceD\n"
        f"  REST        {url}/api/docs\n"
        f"  SMKI        {urls[-1]}/services/certificatesearch\n"
        f"  kept in     {home.resolve()}   keys in {home / 'pki'}\n"
        f"  clock       {speed:g} times real time\n"
        f"Next:  hanota send REQUEST.xml --pki {home / 'pki'}{options}     Stop with Ctrl-C."
    )


def _options(url: str, serving: "Serving") -> str:
    """What `hanota send` must be told besides, to speak to a service that is set up so."""
    said = {
        "--to": None if url == DEFAULT_URL else url,
        "--keystore": serving.keys.store,
        "--ca": "YOUR-CA.pem" if serving.tls.cert else None,
        "--cert YOURS.pem --key": "YOUR-KEY.pem" if serving.tls.client_ca else None,
    }
    return "".join(f" {name} {value}" for name, value in said.items() if value is not None)
