"""Sign a request that somebody wrote, and post it. Sending the same octets again is always safe.

prepared = prepare(document, keys)          # old signatures go, the originator's comes
octets = post(prepared, to="http://127.0.0.1:8079")
report = explain(prepared, octets, url)     # explain.py
signed = answer_pre_command(prepared, octets, keys)  # precommand.py, for critical commands
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from lxml import etree

from hanota.base.errors import require
from hanota.base.ids import RequestId
from hanota.supplier.errors import AnswerLate, GatewayRefused, GatewayUnreachable, NoService, TlsFileUnusable
from hanota.supplier.keys import xml_signer
from hanota.wire.duis import WEB_SERVICES, RequestHeader, parse_safely, read_header, sign
from hanota.wire.smki import KeyDirectory

TIMEOUT_S: Final = 3.0
"""What the industry's own clients wait (domain 3.1)."""

_MEDIA_TYPE: Final = "application/xml"
_DETAIL_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A signed request, ready to be posted."""

    header: RequestHeader
    octets: bytes
    service: str

    @property
    def request_id(self) -> RequestId:
        """The RequestID under which it is sent."""
        return self.header.request_id


def prepare(document: bytes, keys: KeyDirectory, *, counter: int | None = None) -> Prepared:
    """Sign a request as its originator. `counter` replaces the counter of its RequestID.

    Whether the request makes sense is for the DCC to judge: it may be sent to see what is answered.
    Raises: DuisMalformed, SchemaInvalid: not a service request; CertificateMissing, KeyMissing; NoService.
    """
    if counter is not None:
        document = _renumber(document, counter)
    header = read_header(parse_safely(document))
    require(header.command_variant in WEB_SERVICES, NoService, variant=header.command_variant)
    octets = sign(document, xml_signer(keys, header.request_id.originator))
    return Prepared(header=header, octets=octets, service=WEB_SERVICES[header.command_variant])


def _renumber(document: bytes, counter: int) -> bytes:
    root = parse_safely(document)
    old = read_header(root).request_id
    for found in root.iterfind("./{*}Header/{*}RequestID"):
        found.text = str(RequestId(old.originator, old.target, counter))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def service_url(to: str, service: str) -> str:
    """Give the address of a web service of the gateway at `to`."""
    return f"{to.rstrip('/')}/api/v1/service{service}"


def client_tls(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Give how to speak TLS: whom to trust, and what to show. None where no file is given: as the machine does.

    Raises TlsFileUnusable.
    """
    if ca is None and certificate is None:
        return None
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as cause:
        files = ", ".join(str(file) for file in (ca, certificate, key) if file is not None)
        raise TlsFileUnusable(files=files, reason=str(cause)) from cause
    return context


def post(
    prepared: Prepared, *, to: str, tls: ssl.SSLContext | None = None, transport: httpx.BaseTransport | None = None
) -> bytes:
    """Post a request to the gateway at `to`. Returns: the octets of the DUIS Response.

    Raises: GatewayUnreachable, AnswerLate: send the same octets again; GatewayRefused: an HTTP error.
    """
    url = service_url(to, prepared.service)
    headers = {"Content-Type": _MEDIA_TYPE, "Accept": _MEDIA_TYPE}
    try:
        with httpx.Client(timeout=TIMEOUT_S, transport=transport, follow_redirects=True, verify=tls or True) as client:
            answer = client.post(url, content=prepared.octets, headers=headers)
    except httpx.ConnectTimeout as cause:
        raise GatewayUnreachable(url=url, reason=f"no connection within {TIMEOUT_S} s") from cause
    except httpx.TimeoutException as cause:
        raise AnswerLate(url=url, seconds=TIMEOUT_S) from cause
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise GatewayUnreachable(url=url, reason=str(cause)) from cause
    media_type = answer.headers.get("content-type", "none").partition(";")[0].strip().lower()
    if answer.status_code >= httpx.codes.BAD_REQUEST or media_type != _MEDIA_TYPE:
        raise GatewayRefused(url=url, status=answer.status_code, detail=answer.text[:_DETAIL_CHARS_MAX])
    return answer.content
