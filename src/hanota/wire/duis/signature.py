"""XML signature in the one profile that DUIS has (domain 2.7).

- Enveloped, one Reference to the whole document, no other transform; SHA-256; ECDSA on P-256, value r‖s.
- The digest is over Canonical XML 1.0 of the document without its Signature and without white space between elements;
  so is what the industry's own tool signs and checks. A document that was indented *before* it was signed by another
  tool therefore doesn't hold, and one that was indented *after* does.
- The signature is over Exclusive Canonical XML of SignedInfo. The signer's certificate is named, not carried.

`verify` holds the Signature element to this shape, element by element, so there is nothing for an attacker to choose;
whoever gets a good report reads `signed_octets` and nothing else.
"""

import binascii
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from xml.sax.saxutils import escape

from hanota.base.errors import Fault, HanotaError
from hanota.wire import ecdsa
from hanota.wire.duis.errors import NoCanonicalForm
from hanota.wire.duis.problems import Problem
from hanota.wire.duis.profile import DS, SIGNATURE, SIGNED_INFO, departures, in_ds
from hanota.wire.duis.xml import DECLARATION, Element, canonical, parse_safely
from hanota.wire.smki import Certificate, Credential

_SERIAL_CHARS_MAX: Final = 60  # 20 octets (RFC 5280) have 49 decimal digits

FindCertificate = Callable[[str, int], Certificate | None]


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """What a check of a signature found; true only if it holds and its signer is known.

    `signed_octets` is the canonical form under a digest that agrees: parse this, never the input again. `signer` is the
    certificate that the signature names; whether its holder may send the message is for the caller to judge.
    """

    signed_octets: bytes | None
    signer: Certificate | None
    problems: tuple[Problem, ...]

    def __bool__(self) -> bool:
        return self.signed_octets is not None and self.signer is not None and not self.problems


class SignatureRefused(HanotaError):
    """A document whose signature doesn't hold; `problems` says everything that is wrong with it."""

    code, fault = "HOTA-DUIS-030", Fault.REQUESTER
    what = "the signature is refused: {reasons}"
    remedy = "{remedies}"

    def __init__(self, problems: tuple[Problem, ...] = ()) -> None:
        reasons = "; ".join(problem.text for problem in problems)
        super().__init__(reasons=reasons, remedies="; ".join(dict.fromkeys(problem.remedy for problem in problems)))
        self.problems = problems


def sign(octets: bytes, credential: Credential) -> bytes:
    """Sign a document with the credential's key; signatures that it has are replaced. Raises DuisMalformed.

    The result is compact: declaration, canonical form, the Signature as the root's last child. The same octets and key
    always give the same signature (RFC 6979).
    """
    root = parse_safely(octets)
    for old in root.findall(in_ds("Signature")):
        root.remove(old)
    document = canonical(root)
    signed_info = SIGNED_INFO.format(digest=_base64(sha256(document).digest()))
    value = ecdsa.sign(_canonical_signed_info(signed_info), credential.key)
    certificate = credential.certificate
    signature = SIGNATURE.format(
        signed_info=signed_info,
        value=_base64(value),
        issuer=escape(certificate.issuer),
        serial=certificate.serial,
    ).encode()
    end = document.rindex(b"</")
    return b"".join((DECLARATION, document[:end], signature, document[end:]))


def verify(root: Element, find: FindCertificate) -> SignatureReport:
    """Check the signature of a document that `parse_safely` gave; `find` gives a certificate by issuer and serial.

    Never raises for what stands in the document: every problem is in the report. `root` stays as it is.
    """
    signatures = list(root.iter(in_ds("Signature")))
    problems = [*_misplaced(root, signatures)]
    if problems:
        return SignatureReport(None, None, tuple(problems))
    signature = signatures[0]
    problems = [*departures(signature)]
    if problems:
        return SignatureReport(None, None, tuple(problems))
    try:
        signed, signed_info = _without_signature(root), canonical(signature[0], exclusive=True)
    except NoCanonicalForm:
        return SignatureReport(None, None, (Problem.NO_CANONICAL_FORM,))
    agrees = sha256(signed).digest() == _octets(signature, "SignedInfo/Reference/DigestValue")
    signer = _signer(signature, find)
    problems = [*_value_problems(_octets(signature, "SignatureValue"), signed_info, signer)]
    if not agrees:
        problems.insert(0, Problem.DIGEST_DIFFERS)
    return SignatureReport(signed if agrees else None, signer, tuple(problems))


def require_signature(report: SignatureReport) -> bytes:
    """Give the signed octets of a good report. Raises SignatureRefused otherwise."""
    if not report or report.signed_octets is None:
        raise SignatureRefused(report.problems)
    return report.signed_octets


def _misplaced(root: Element, signatures: list[Element]) -> Iterator[Problem]:
    if not signatures:
        yield Problem.NO_SIGNATURE
    elif len(signatures) > 1:
        yield Problem.TWO_SIGNATURES
    elif len(root) == 0 or root[-1] is not signatures[0] or (signatures[0].tail or "").strip():
        yield Problem.SIGNATURE_NOT_LAST


def _without_signature(root: Element) -> bytes:
    """Cut the last child, whose element `departures` found good, out of the canonical form; a copy costs more."""
    document = canonical(root)
    prefix = root[-1].prefix
    name = f"<{prefix}:Signature" if prefix else "<Signature"
    begin = max(document.rfind(f"{name}{end}".encode()) for end in (" ", ">"))  # no text, nor attribute, has "<" in it
    return document[:begin] + document[document.rindex(b"</") :]


def _signer(signature: Element, find: FindCertificate) -> Certificate | None:
    serial = _text(signature, "KeyInfo/X509Data/X509IssuerSerial/X509SerialNumber").strip()
    if not (serial.isascii() and serial.isdigit() and len(serial) <= _SERIAL_CHARS_MAX):
        return None
    return find(_text(signature, "KeyInfo/X509Data/X509IssuerSerial/X509IssuerName").strip(), int(serial))


def _value_problems(value: bytes | None, signed_info: bytes, signer: Certificate | None) -> Iterator[Problem]:
    if value is None or len(value) != ecdsa.SIGNATURE_OCTETS:
        yield Problem.SIGNATURE_VALUE_MALFORMED
    elif signer is not None and not ecdsa.holds(value, signed_info, signer.public_key):
        yield Problem.SIGNATURE_DIFFERS
    if signer is None:
        yield Problem.SIGNER_UNKNOWN


def _canonical_signed_info(signed_info: str) -> bytes:
    return canonical(
        parse_safely(f'<ds:Signature xmlns:ds="{DS}">{signed_info}</ds:Signature>'.encode())[0], exclusive=True
    )


def _base64(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")


def _text(signature: Element, path: str) -> str:
    return signature.findtext("/".join(map(in_ds, path.split("/")))) or ""


def _octets(signature: Element, path: str) -> bytes | None:
    try:
        return binascii.a2b_base64("".join(_text(signature, path).split()), strict_mode=True)
    except ValueError:
        return None
