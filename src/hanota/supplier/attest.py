"""A statement about a local upgrade: written, signed as the Supplier who states it, posted (R26)."""

import ssl
from collections.abc import Mapping
from typing import Any, Final

import httpx

from hanota.base.errors import require
from hanota.supplier.errors import AnswerLate, GatewayRefused, GatewayUnreachable, StatementNotTaken
from hanota.supplier.keys import xml_signer
from hanota.wire.duis import sign
from hanota.wire.otaimage import Tail, read_image
from hanota.wire.smki import KeyDirectory
from hanota.wire.statements import LocalUpgradeStatement, write_statement

TIMEOUT_S: Final = 10.0
_DETAIL_CHARS_MAX: Final = 200


def hash_of(file: bytes, *, signed: bool = False) -> bytes:
    """Give the Manufacturer Image hash of an image file; `signed`: it ends with a Supplier's signature.

    Raises ImageMalformed.
    """
    return read_image(file, Tail.SIGNED if signed else Tail.NONE).manufacturer_hash


def signed_statement(statement: LocalUpgradeStatement, keys: KeyDirectory) -> bytes:
    """Sign a statement as its party. Raises StatementMalformed, CertificateMissing, KeyMissing."""
    return sign(write_statement(statement), xml_signer(keys, statement.party))


def post_statement(
    octets: bytes, *, to: str, tls: ssl.SSLContext | None = None, transport: httpx.BaseTransport | None = None
) -> Mapping[str, Any]:
    """Post a signed statement to the service at `to`. Returns: `explained` and a `text` for people.

    Raises StatementNotTaken: refused, with the reason; GatewayUnreachable, AnswerLate: post the same again;
    GatewayRefused: something else than hanota answers.
    """
    url = f"{to.rstrip('/')}/api/rest/v1/statements"
    try:
        with httpx.Client(timeout=TIMEOUT_S, transport=transport, verify=tls or True) as client:
            answer = client.post(url, content=octets, headers={"Content-Type": "application/xml"})
    except httpx.ConnectTimeout as cause:
        raise GatewayUnreachable(url=url, reason=f"no connection within {TIMEOUT_S} s") from cause
    except httpx.TimeoutException as cause:
        raise AnswerLate(url=url, seconds=TIMEOUT_S) from cause
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise GatewayUnreachable(url=url, reason=str(cause)) from cause
    try:
        told = answer.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise GatewayRefused(url=url, status=answer.status_code, detail=answer.text[:_DETAIL_CHARS_MAX])
    if not answer.is_success:
        facts = {"message": told.get("message"), "service_code": told.get("code"), "service_remedy": told.get("remedy")}
        raise StatementNotTaken(**facts)
    require("explained" in told, GatewayRefused, url=url, status=answer.status_code, detail=str(told)[:200])
    return told
