"""`hanota home`: let a home of a running `hanota up` change, as homes do: Supplier, occupiers, a device, the hub."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer

from hanota.base.errors import Fault, HanotaError
from hanota.faces.cli.options import DEFAULT_URL, AsJson, Pem, examples

app = typer.Typer(
    help="Let a home of a running service change: who supplies it, who lives there, what hangs there.",
    no_args_is_help=True,
)

_REST: Final = "/api/rest/v1"
_TIMEOUT_S: Final = 30.0

To = Annotated[str, typer.Option(metavar="URL", help="The running service.")]
Ca = Annotated[Path | None, typer.Option(**Pem, help="Trust a service with a certificate from here (PEM).")]
Cert = Annotated[Path | None, typer.Option(**Pem, help="Certificate to show to the service (PEM).")]
Key = Annotated[Path | None, typer.Option(**Pem, help="Its private key (PEM).")]
Home = Annotated[str, typer.Argument(metavar="HOME", help="The home's name, as in GET /api/rest/v1/homes.")]


class ServiceUnreachable(HanotaError):
    """Nobody answers at the service's address, or something else than hanota does."""

    code, fault, retryable = "HOTA-CLI-103", Fault.CARRIER, True
    what = "no hanota answers at {url}: {reason}"
    remedy = "start one with `hanota up`, or give its address with --to"


class ChangeRefused(HanotaError):
    """The service did not make the change, and says why."""

    code, fault = "HOTA-CLI-104", Fault.REQUESTER
    what = "{message} ({service_code})"
    remedy = "{service_remedy}"


@app.command(epilog=examples("hanota home supplier 1234567890121 90-B3-D5-1F-30-03-00-00"))
def supplier(
    mpxn: Annotated[str, typer.Argument(metavar="MPXN", help="The meter point.")],
    party: Annotated[str, typer.Argument(metavar="PARTY", help="EUI-64 of the party that supplies it from now on.")],
    *,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From this instant on, e.g. 2026-02-01T00:00:00Z.")
    ] = None,
    to: To = DEFAULT_URL,
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let another party supply a meter point. Updates of meters under way end; those of displays go on if their hub
    holds the image, and the new Supplier is told."""
    body = {"party": party} | ({} if since is None else {"since": since})
    _change(f"/meter-points/{quote(mpxn, safe='')}/supplier", body, to=to, tls=(ca, cert, key), as_json=as_json)


@app.command(epilog=examples("hanota home tenancy 'Home 1'"))
def tenancy(
    home: Home, *, to: To = DEFAULT_URL, ca: Ca = None, cert: Cert = None, key: Key = None, as_json: AsJson = False
) -> None:
    """Let new occupiers move in: what the former ones refused ends."""
    _change(f"/homes/{quote(home, safe='')}/tenancy", None, to=to, tls=(ca, cert, key), as_json=as_json)


@app.command("swap-device", epilog=examples("hanota home swap-device 00-DB-12-34-56-78-90-A4 00-DB-12-34-56-78-90-B4"))
def swap_device(
    old: Annotated[str, typer.Argument(metavar="OLD", help="EUI-64 of the device that leaves.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="EUI-64 of the one that takes its place.")],
    *,
    version: Annotated[
        str | None, typer.Option(metavar="HEX", help="Its factory firmware, 8 hex digits; default: as the old one's.")
    ] = None,
    to: To = DEFAULT_URL,
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Put a new device of the same model in the place of an old one, whose updates end."""
    body = {"device": new} | ({} if version is None else {"version": version})
    _change(f"/devices/{quote(old, safe='')}/swap", body, to=to, tls=(ca, cert, key), as_json=as_json)


@app.command(
    "swap-hub", epilog=examples("hanota home swap-hub 'Home 1' 00-DB-12-34-56-78-90-B2 00-DB-12-34-56-78-90-B3")
)
def swap_hub(
    home: Home,
    chf: Annotated[str, typer.Argument(metavar="CHF", help="EUI-64 of its Communications Hub Function.")],
    gpf: Annotated[str, typer.Argument(metavar="GPF", help="EUI-64 of its Gas Proxy Function.")],
    *,
    to: To = DEFAULT_URL,
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Put a new Communications Hub in the place of a home's hub. Updates that were on their way start anew."""
    body = {"chf": chf, "gpf": gpf}
    _change(f"/homes/{quote(home, safe='')}/hub", body, to=to, tls=(ca, cert, key), as_json=as_json)


def _change(
    path: str,
    body: dict[str, str] | None,
    *,
    to: str,
    tls: tuple[Path | None, Path | None, Path | None],
    as_json: bool,
) -> None:
    """Ask for a change and say what came of it. Raises ServiceUnreachable, ChangeRefused, TlsFileUnusable."""
    import json

    told = _post(f"{to.rstrip('/')}{_REST}{path}", body, tls)
    typer.echo(json.dumps(told, indent=2) if as_json else str(told["text"]))


def _post(
    url: str, body: dict[str, str] | None, tls: tuple[Path | None, Path | None, Path | None]
) -> dict[str, object]:
    import httpx

    from hanota.supplier.send import client_tls

    try:
        answer = httpx.post(url, json=body, timeout=_TIMEOUT_S, verify=client_tls(*tls) or True)
        told = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as cause:
        raise ServiceUnreachable(url=url, reason=str(cause)) from cause
    if answer.is_success and isinstance(told, dict) and "text" in told:
        return told
    if not isinstance(told, dict) or not {"code", "message", "remedy"} <= told.keys():
        raise ServiceUnreachable(url=url, reason=f"it answered HTTP {answer.status_code}")
    raise ChangeRefused(message=told["message"], service_code=told["code"], service_remedy=told["remedy"])
