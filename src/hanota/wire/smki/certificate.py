"""Certificates of the SMKI shape, read into plain values.

- An organisation's subject has its EUI-64 in x500UniqueIdentifier and its role in OU, two hex digits.
- A device's subject is empty; its EUI-64 is the serial number of a hardwareModuleName in subjectAltName.
- Keys are P-256, signatures ECDSA with SHA-256, and a key is either for signatures or for key agreement.
- An authority (root or issuing) has no EUI-64; it is known by its name, and its key signs certificates.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from hanota.base.errors import require
from hanota.base.eui import EUI64_OCTETS, Eui64
from hanota.base.instant import Instant, from_datetime
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.der import DerMalformed, DerSchema
from hanota.wire.ecdsa import point_of
from hanota.wire.smki.errors import CertificateMalformed, KeyMismatch, WrongKeyUsage

SMKI_ASN: Final = DerSchema("hanota.wire.smki", "smki.asn")
HARDWARE_MODULE_NAME: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.4")  # id-on-hardwareModuleName, RFC 4108

_ROLE: Final = re.compile(r"[0-9A-Fa-f]{2}\Z")
_PEM: Final = b"-----BEGIN"
# What `cryptography` raises while it parses, at once or when a field is first asked for.
_FOREIGN: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityCertificate:
    """Certificate of a certification authority; `subject` is the name that stands as issuer in what it issues."""

    subject: str
    issuer: str
    serial: int
    not_before: Instant
    not_after: Instant
    der: bytes = field(repr=False)

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The certified key, P-256."""
        return _public_key(x509.load_der_x509_certificate(self.der))


class CertifiedKey(NamedTuple):
    """Whose key a certificate is, for which use, and the point that it is, written out (65 octets; SEC 1, 2.3.3): all
    that a message needs of it.
    """

    eui: Eui64
    usage: KeyUsage
    point: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Certificate of a party or a device for one use. `role` is None for a device.

    `issuer` and `serial` are written as DUIS writes X509IssuerName and X509SerialNumber.
    """

    eui: Eui64
    role: CertificateRole | None
    usage: KeyUsage
    issuer: str
    serial: int
    not_before: Instant
    not_after: Instant
    der: bytes = field(repr=False)

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The certified key, P-256."""
        return _public_key(x509.load_der_x509_certificate(self.der))

    def valid_at(self, now: Instant) -> bool:
        """Say whether `now` lies within the validity; both ends belong to it (RFC 5280, 4.1.2.5)."""
        return self.not_before <= now <= self.not_after

    def issued_by(self, authority: AuthorityCertificate) -> bool:
        """Say whether `authority` is named as issuer and its key made the signature."""
        try:
            x509.load_der_x509_certificate(self.der).verify_directly_issued_by(
                x509.load_der_x509_certificate(authority.der)
            )
        except (InvalidSignature, *_FOREIGN):
            return False
        return True

    @property
    def certified_key(self) -> CertifiedKey:
        """What of it messages need."""
        return CertifiedKey(self.eui, self.usage, point_of(self.public_key))

    def require_usage(self, usage: KeyUsage) -> None:
        """Refuse a certificate that is not for `usage`. Raises WrongKeyUsage."""
        require(
            self.usage is usage, WrongKeyUsage, serial=self.serial, subject=self.eui, got=self.usage, expected=usage
        )


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate with its private key. Raises KeyMismatch when they don't belong together."""

    certificate: Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        held = self.certificate
        matching = self.key.public_key() == held.public_key
        require(matching, KeyMismatch, usage=held.usage, serial=held.serial, subject=held.eui)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority with its private key. Raises KeyMismatch when they don't belong together."""

    certificate: AuthorityCertificate
    key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        held = self.certificate
        matching = self.key.public_key() == held.public_key
        require(matching, KeyMismatch, usage="authority", serial=held.serial, subject=held.subject)


def read_certificate(octets: bytes) -> Certificate:
    """Read the certificate of a party or a device, DER or PEM. Raises CertificateMalformed.

    Source: SMKI organisation and device certificate profiles, as the ZAZ1 test certificates show them.
    """
    parsed = _load(octets)
    eui, role = _identity(parsed)
    return Certificate(
        eui=eui,
        role=role,
        usage=_usage(parsed),
        issuer=_name_text(parsed, "issuer"),
        serial=parsed.serial_number,
        not_before=_instant(parsed, "not_valid_before_utc"),
        not_after=_instant(parsed, "not_valid_after_utc"),
        der=parsed.public_bytes(Encoding.DER),
    )


def read_authority_certificate(octets: bytes) -> AuthorityCertificate:
    """Read the certificate of a certification authority, DER or PEM. Raises CertificateMalformed."""
    parsed = _load(octets)
    bits = _key_usage(parsed)
    require(bits.key_cert_sign, CertificateMalformed, field="key usage", got=_usage_text(bits), expected="keyCertSign")
    return AuthorityCertificate(
        subject=_name_text(parsed, "subject"),
        issuer=_name_text(parsed, "issuer"),
        serial=parsed.serial_number,
        not_before=_instant(parsed, "not_valid_before_utc"),
        not_after=_instant(parsed, "not_valid_after_utc"),
        der=parsed.public_bytes(Encoding.DER),
    )


def plain_name(text: str) -> str:
    """Write an issuer name without the blanks that some senders put after its commas (`CN=U1, OU=07`)."""
    return ",".join(part.strip() for part in text.split(","))


def _load(octets: bytes) -> x509.Certificate:
    pem = octets.lstrip().startswith(_PEM)
    load = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
    parsed = _checked("encoding", lambda: load(octets))
    _checked("public key", lambda: _public_key(parsed))
    algorithm = _checked("signature algorithm", lambda: parsed.signature_algorithm_oid)
    require(
        parsed.serial_number > 0, CertificateMalformed, field="serial", got=parsed.serial_number, expected="above 0"
    )
    plain = algorithm == SignatureAlgorithmOID.ECDSA_WITH_SHA256
    require(plain, CertificateMalformed, field="signature algorithm", got=algorithm, expected="ECDSA with SHA-256")
    return parsed


def _public_key(parsed: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = parsed.public_key()
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise CertificateMalformed(field="public key", got=type(key).__name__, expected="a P-256 key")
    return key


def _identity(parsed: x509.Certificate) -> tuple[Eui64, CertificateRole | None]:
    subject = _checked("subject", lambda: list(parsed.subject))
    if not subject:
        return _device_eui(parsed), None
    identifier = _only(subject, NameOID.X500_UNIQUE_IDENTIFIER, "x500UniqueIdentifier")
    unit = _only(subject, NameOID.ORGANIZATIONAL_UNIT_NAME, "OU")
    # The value keeps the BIT STRING's first octet: how many bits of the last one are unused.
    whole = isinstance(identifier, bytes) and len(identifier) == 1 + EUI64_OCTETS and identifier[0] == 0
    require(whole, CertificateMalformed, field="x500UniqueIdentifier", got=identifier, expected="64 bits")
    known_shape = isinstance(unit, str) and _ROLE.match(unit)
    require(known_shape, CertificateMalformed, field="OU", got=unit, expected="a role as two hex digits")
    return Eui64.from_octets(cast("bytes", identifier)[1:]), CertificateRole(int(cast("str", unit), 16))


def _only(subject: Sequence[x509.NameAttribute[str | bytes]], oid: x509.ObjectIdentifier, name: str) -> str | bytes:
    values = [attribute.value for attribute in subject if attribute.oid == oid]
    require(len(values) == 1, CertificateMalformed, field=name, got=f"there {len(values)} times", expected="once")
    return values[0]


def _device_eui(parsed: x509.Certificate) -> Eui64:
    names = _checked(
        "subjectAltName", lambda: parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    )
    modules = [
        name.value for name in names if isinstance(name, x509.OtherName) and name.type_id == HARDWARE_MODULE_NAME
    ]
    one = len(modules) == 1 == len(list(names))
    require(one, CertificateMalformed, field="subjectAltName", got=list(names), expected="one hardwareModuleName")
    try:
        module = cast("dict[str, bytes]", SMKI_ASN.read("HardwareModuleName", modules[0]))
    except DerMalformed as cause:
        raise CertificateMalformed(
            field="hardwareModuleName", got=modules[0].hex(), expected="a type and 8 octets"
        ) from cause
    return Eui64.from_octets(module["hwSerialNum"])


def _key_usage(parsed: x509.Certificate) -> x509.KeyUsage:
    return _checked("key usage", lambda: parsed.extensions.get_extension_for_class(x509.KeyUsage).value)


def _usage(parsed: x509.Certificate) -> KeyUsage:
    bits = _key_usage(parsed)
    uses = {
        (True, False): KeyUsage.DIGITAL_SIGNATURE,
        (False, True): KeyUsage.KEY_AGREEMENT,
    }
    use = None if bits.key_cert_sign else uses.get((bits.digital_signature, bits.key_agreement))
    if use is None:
        raise CertificateMalformed(
            field="key usage", got=_usage_text(bits), expected="either digitalSignature or keyAgreement"
        )
    return use


def _usage_text(bits: x509.KeyUsage) -> str:
    names = ("digital_signature", "key_agreement", "key_cert_sign")
    return " and ".join(name for name in names if getattr(bits, name)) or "neither"


def _name_text(parsed: x509.Certificate, name: str) -> str:
    """Write a name as RFC 4514 does, last part first: `CN=Z1,OU=07`; DUIS writes X509IssuerName so."""
    text: str = _checked(name, lambda: getattr(parsed, name).rfc4514_string())
    return text


def _instant(parsed: x509.Certificate, name: str) -> Instant:
    return from_datetime(_checked("validity", lambda: getattr(parsed, name)))


def _checked(field_name: str, ask: Callable[[], _T]) -> _T:
    """Ask the parser for a field; whatever it raises leaves as CertificateMalformed."""
    try:
        return ask()
    except _FOREIGN as cause:
        raise CertificateMalformed(field=field_name, got=str(cause), expected="what X.509 encodes") from cause
