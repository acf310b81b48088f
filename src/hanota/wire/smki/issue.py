"""Making certificates of the SMKI shape: for test systems and simulated homes. Pure: keys, serials, times are given."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.name import _ASN1Type  # the only way to ask for a BIT STRING in a name
from cryptography.x509.oid import NameOID

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant, iso
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.smki.certificate import (
    HARDWARE_MODULE_NAME,
    SMKI_ASN,
    Authority,
    AuthorityCertificate,
    Certificate,
    read_authority_certificate,
    read_certificate,
)
from hanota.wire.smki.errors import CertificateUnissuable

SERIAL_MAX: Final = (1 << 127) - 1  # 16 octets as a positive INTEGER
_HARDWARE_TYPE: Final = "1.2.826.0.1.8641679.1.2.2.1"  # hwType of the ZAZ1 test devices
_POLICY: Final = x509.ObjectIdentifier("1.2.826.0.1.8641679.1.2.1.4")  # policy of the ZAZ1 test certificates
_KEY_NUMBER_BITS: Final = 60


class Validity(NamedTuple):
    """From when to when a certificate holds, both included; whole seconds."""

    not_before: Instant
    not_after: Instant


def issue_certificate(
    issuer: Authority,
    *,
    eui: Eui64,
    role: CertificateRole | None,
    usage: KeyUsage,
    public_key: ec.EllipticCurvePublicKey,
    serial: int,
    validity: Validity,
    name: str | None = None,
) -> Certificate:
    """Issue the certificate of a party (`role` given, `name` becomes CN) or a device (`role` None, no name).

    Raises CertificateUnissuable: serial outside 1…SERIAL_MAX, validity that ends before it begins, a device with a
    name, a role outside 0…255. Source: SMKI organisation and device certificate profiles.
    """
    fits = role is None or 0 <= role <= 0xFF
    require(fits, CertificateUnissuable, field="role", got=role, expected="0…255")
    require(role is not None or name is None, CertificateUnissuable, field="name", got=name, expected="none: a device")
    builder = _builder(_subject(issuer), public_key, serial, validity)
    if role is None:
        builder = builder.subject_name(x509.Name([])).add_extension(_device_name(eui), critical=True)
    else:
        builder = builder.subject_name(_name(_party_attributes(eui, role, name)))
    builder = builder.add_extension(_usage_bits(usage), critical=True)
    return read_certificate(_signed(builder, issuer.key))


def issue_authority(
    *,
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    serial: int,
    validity: Validity,
    issuer: Authority | None = None,
) -> Authority:
    """Make a certification authority named `subject`, e.g. `CN=Z1,OU=07`; a root signs itself (`issuer` None).

    Raises CertificateUnissuable: as `issue_certificate`, and where `subject` is not an RFC 4514 name.
    """
    name = _parse_name(subject)
    builder = _builder(_subject(issuer) if issuer else name, key.public_key(), serial, validity)
    builder = (
        builder.subject_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True)
        .add_extension(_bits(key_cert_sign=True, crl_sign=True), critical=True)
    )
    certificate: AuthorityCertificate = read_authority_certificate(_signed(builder, issuer.key if issuer else key))
    return Authority(certificate, key)


def _builder(
    issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, serial: int, validity: Validity
) -> x509.CertificateBuilder:
    require(0 < serial <= SERIAL_MAX, CertificateUnissuable, field="serial", got=serial, expected="1…2^127-1")
    begin, end = validity
    ordered = 0 <= begin <= end
    require(
        ordered, CertificateUnissuable, field="validity", got=validity, expected="a beginning from 1970, then an end"
    )
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(_datetime(begin))
        .not_valid_after(_datetime(end))
        .add_extension(x509.SubjectKeyIdentifier(_key_identifier(public_key)), critical=False)
        .add_extension(
            x509.CertificatePolicies([x509.PolicyInformation(_POLICY, None)]),
            critical=True,
        )
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    authority = x509.AuthorityKeyIdentifier(_key_identifier(key.public_key()), None, None)
    builder = builder.add_extension(authority, critical=False)
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def _party_attributes(
    eui: Eui64, role: CertificateRole, name: str | None
) -> Iterable[x509.NameAttribute[str] | x509.NameAttribute[bytes]]:
    if name is not None:
        yield x509.NameAttribute(NameOID.COMMON_NAME, name)
    yield x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"{role:02X}")
    yield x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\x00" + eui.octets, _ASN1Type.BitString)


def _name(attributes: Iterable[x509.NameAttribute[str] | x509.NameAttribute[bytes]]) -> x509.Name:
    try:
        return x509.Name(list(attributes))
    except ValueError as cause:
        raise CertificateUnissuable(field="name", got=str(cause), expected="1…64 characters") from cause


def _subject(authority: Authority) -> x509.Name:
    """Give the authority's name octet for octet, because verifiers compare issuer and subject that way."""
    return x509.load_der_x509_certificate(authority.certificate.der).subject


def _parse_name(text: str) -> x509.Name:
    try:
        return x509.Name.from_rfc4514_string(text)
    except ValueError as cause:
        raise CertificateUnissuable(field="subject", got=text, expected="an RFC 4514 name, CN=Z1,OU=07") from cause


def _device_name(eui: Eui64) -> x509.SubjectAlternativeName:
    value = SMKI_ASN.write("HardwareModuleName", {"hwType": _HARDWARE_TYPE, "hwSerialNum": eui.octets})
    return x509.SubjectAlternativeName([x509.OtherName(HARDWARE_MODULE_NAME, value)])


def _usage_bits(usage: KeyUsage) -> x509.KeyUsage:
    signs = usage is KeyUsage.DIGITAL_SIGNATURE
    agrees = usage is KeyUsage.KEY_AGREEMENT
    require(signs or agrees, CertificateUnissuable, field="usage", got=usage, expected="DS or KA")
    return _bits(digital_signature=signs, key_agreement=agrees)


def _bits(
    *, digital_signature: bool = False, key_agreement: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=key_agreement,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _key_identifier(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Give 8 octets: 0100 and the last 60 bits of the key's SHA-1 (RFC 5280, 4.2.1.2, method 2), as SMKI does."""
    point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    digest = int.from_bytes(hashlib.sha1(point, usedforsecurity=False).digest(), "big")
    return (4 << _KEY_NUMBER_BITS | digest & (1 << _KEY_NUMBER_BITS) - 1).to_bytes(8, "big")


def _datetime(instant: Instant) -> datetime:
    return datetime.fromisoformat(iso(instant)).astimezone(UTC)
