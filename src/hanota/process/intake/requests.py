"""Opening a signed Service Request: size, XML, schema, signature, signer. Only the signed octets are read further.

Source: DUIS 2.x message format; XML signature profile (domain 2.7). First failure is the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hanota.base.errors import HanotaError
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import CertificateRole
from hanota.model.reasons import RequestReason
from hanota.wire.duis import (
    REQUESTS,
    DuisMalformed,
    Element,
    Problem,
    Request,
    RequestHeader,
    RequestRow,
    SignatureReport,
    UnsupportedRequest,
    check_schema,
    parse_safely,
    read_header,
    read_request,
    require_supported,
    verify,
)
from hanota.wire.duis.errors import DocumentTooLarge, TextTooLong
from hanota.wire.duis.xml import parse_beginning
from hanota.wire.smki import Certificate


class Registered(Protocol):
    """A certificate as the registry knows it."""

    @property
    def certificate(self) -> Certificate:
        """What SMKI certified: subject, role, validity and key."""

    def revoked(self, now: Instant) -> bool:
        """Whether it is revoked at `now`."""


FindSigner = Callable[[str, int], Registered | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A request that its originator signed."""

    request: Request
    row: RequestRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that goes no further."""

    reason: RequestReason
    detail: str
    header: RequestHeader | None = None


def open_request(octets: bytes, find: FindSigner, now: Instant) -> Opened | Refused:
    """Open a request as it came. Pure: certificates are facts that `find` looks up by issuer and serial number."""
    try:
        root = parse_safely(octets)
    except DocumentTooLarge as error:
        header = _header_before(octets, error)
        return Refused(reason=RequestReason.TOO_LARGE_TO_READ, detail=error.explain(), header=header)
    except DuisMalformed as error:
        return Refused(reason=RequestReason.NOT_XML, detail=error.explain())
    header = _header_if_readable(root)
    try:
        header = require_supported(root)
    except UnsupportedRequest as error:
        return Refused(reason=RequestReason.SERVICE_NOT_HANDLED, detail=error.explain(), header=header)
    except HanotaError as error:
        return Refused(reason=RequestReason.SCHEMA_INVALID, detail=error.explain(), header=header)
    if problems := check_schema(root):
        return Refused(reason=RequestReason.SCHEMA_INVALID, detail=str(problems[0]), header=header)
    return _opened(root, header, find, now)


def _opened(root: Element, header: RequestHeader, find: FindSigner, now: Instant) -> Opened | Refused:
    signers: list[Registered] = []

    def certificate(issuer: str, serial: int) -> Certificate | None:
        found = find(issuer, serial)
        if found is None:
            return None
        signers.append(found)
        return found.certificate

    report = verify(root, certificate)
    if not report or report.signed_octets is None:
        reason, detail = _signature_reason(report)
        return Refused(reason=reason, detail=detail, header=header)
    request = read_request(parse_safely(report.signed_octets))
    if wrong := _signer_reason(signers[-1], request, now):
        return Refused(reason=wrong, detail=f"signer {signers[-1].certificate.eui}", header=header)
    return Opened(request=request, row=REQUESTS[request.header.service_reference_variant])


def _header_before(octets: bytes, error: DocumentTooLarge) -> RequestHeader | None:
    """Give the header of a document whose image was too long to be read, so that the answer names its request."""
    before = parse_beginning(octets, error.offset) if isinstance(error, TextTooLong) else None
    return None if before is None else _header_if_readable(before)


def _header_if_readable(root: Element) -> RequestHeader | None:
    try:
        return read_header(root)
    except HanotaError:
        return None


def _signature_reason(report: SignatureReport) -> tuple[RequestReason, str]:
    texts = "; ".join(problem.text for problem in report.problems)
    if Problem.NO_SIGNATURE in report.problems:
        return RequestReason.UNSIGNED, texts
    if report.problems == (Problem.SIGNER_UNKNOWN,):
        return RequestReason.SIGNER_UNKNOWN, texts
    return RequestReason.SIGNATURE_BROKEN, texts


def _signer_reason(signer: Registered, request: Request, now: Instant) -> RequestReason | None:
    """Issuer and serial found the certificate; the rest must agree too, never the serial number alone (design 3)."""
    held = signer.certificate
    rules = (
        (held.valid_at(now), RequestReason.SIGNER_OUT_OF_DATE),
        (not signer.revoked(now), RequestReason.SIGNER_REVOKED),
        (held.role is CertificateRole.XML_SIGN, RequestReason.SIGNER_NOT_XML_SIGNER),
        (held.eui == request.header.request_id.originator, RequestReason.SIGNER_NOT_ORIGINATOR),
    )
    return next((reason for holds, reason in rules if not holds), None)
