"""Certificates: the reference ones read, everything else is refused with our error."""

import contextlib
import datetime
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.smki.certificate import (
    HARDWARE_MODULE_NAME,
    Authority,
    Certificate,
    Credential,
    plain_name,
    read_authority_certificate,
    read_certificate,
)
from hanota.wire.smki.errors import CertificateMalformed, KeyMismatch, WrongKeyUsage
from helpers.gbcs import ACB, CHF, SUPPLIER, certificate, certificates
from helpers.pki import small_pki
from helpers.shared import shared

KEY = ec.derive_private_key(5, ec.SECP256R1())


def test_every_reference_certificate_reads_as_its_file_is_named() -> None:
    for file in sorted((shared() / "vectors/certs").glob("*.pem")):
        held = read_certificate(file.read_bytes())
        if file.stem == "90b3d51f30000007-ka":
            assert str(held.eui) == "90-B3-D5-1F-30-03-00-00"  # this file holds the second supplier's certificate
            continue
        assert held.eui.octets.hex() == file.stem[:16]
        assert held.usage == file.stem[-2:].upper()
        assert (held.role is None) == file.stem.startswith("00db")


def test_an_organisation_certificate_tells_role_validity_and_its_name_in_signatures() -> None:
    held = certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE)
    assert held.role is CertificateRole.SUPPLIER
    assert (held.issuer, held.serial) == ("CN=Z1,OU=07", 105986833131214866166891566273223584671)
    assert (held.not_before, held.not_after) == (parse_iso("2015-10-30T00:00:00Z"), parse_iso("2025-10-29T23:59:59Z"))


def test_the_issuer_is_written_as_in_a_signed_duis_message() -> None:
    text = (shared() / "duis/made/signed_by_python_valid.xml").read_text("utf-8")
    named = re.search(r"X509IssuerName>([^<]*)<.*X509SerialNumber>(\d+)<", text, re.DOTALL)
    assert named is not None
    assert certificate(ACB, KeyUsage.DIGITAL_SIGNATURE).issuer == named[1]


def test_a_device_certificate_has_no_role_and_does_not_end() -> None:
    held = certificate(CHF, KeyUsage.KEY_AGREEMENT)
    assert held.role is None
    assert held.issuer == "CN=E357"
    assert held.not_after == parse_iso("9999-12-31T23:59:59Z")


def test_pem_and_der_read_alike() -> None:
    for file in sorted((shared() / "vectors/certs").glob("*.pem")):
        held = read_certificate(file.read_bytes())
        assert read_certificate(held.der) == held


def test_validity_includes_both_ends() -> None:
    held = certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE)
    assert held.valid_at(held.not_before)
    assert held.valid_at(held.not_after)
    assert not held.valid_at(Instant(held.not_before - 1))
    assert not held.valid_at(Instant(held.not_after + 1))


def test_only_the_issuer_named_and_signing_counts_as_issuer() -> None:
    pki = small_pki()
    issuing, root = pki.authority("CN=Z1,OU=07").certificate, pki.authority("CN=HANOTA-TEST-ROOT, OU=00").certificate
    held = pki.certificate(SUPPLIER, KeyUsage.KEY_AGREEMENT)
    assert held.issued_by(issuing)
    assert not held.issued_by(root)
    assert not certificate(SUPPLIER, KeyUsage.KEY_AGREEMENT).issued_by(issuing)  # same issuer name, other key


def test_a_certificate_for_another_use_is_refused() -> None:
    held = small_pki().certificate(CHF, KeyUsage.KEY_AGREEMENT)
    held.require_usage(KeyUsage.KEY_AGREEMENT)
    with pytest.raises(WrongKeyUsage):
        held.require_usage(KeyUsage.DIGITAL_SIGNATURE)


def test_a_key_of_another_certificate_is_refused() -> None:
    pki = small_pki()
    with pytest.raises(KeyMismatch):
        Credential(pki.certificate(CHF, KeyUsage.KEY_AGREEMENT), KEY)
    with pytest.raises(KeyMismatch):
        Authority(pki.authority("CN=Z1,OU=07").certificate, KEY)


def test_a_credential_does_not_show_its_key() -> None:
    credential = small_pki().credential(CHF, KeyUsage.KEY_AGREEMENT)
    assert "Private" not in repr(credential)


def test_blanks_after_commas_do_not_make_another_name() -> None:
    assert plain_name("CN=U1, OU=07") == plain_name("CN=U1,OU=07") == "CN=U1,OU=07"


def _raw(
    subject: list[x509.NameAttribute] | None = None,
    alternative: list[x509.GeneralName] | None = None,
    usage: tuple[bool, bool, bool] | None = (True, False, False),
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY,
    algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    """A certificate that need not have the SMKI shape; usage = (signs, agrees, signs certificates)."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject or []))
        .issuer_name(x509.Name.from_rfc4514_string("CN=Z1,OU=07"))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC))
    )
    if alternative is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=True)
    if usage is not None:
        signs, agrees, certifies = usage
        bits = x509.KeyUsage(signs, False, False, False, agrees, certifies, False, False, False)
        builder = builder.add_extension(bits, critical=True)
    return builder.sign(KEY, algorithm or hashes.SHA256()).public_bytes(Encoding.DER)


def _unique(octets: bytes, kind: _ASN1Type = _ASN1Type.BitString) -> x509.NameAttribute:
    return x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, octets, kind)


def _unit(text: str) -> x509.NameAttribute:
    return x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, text)


EUI = _unique(bytes(8) + b"\x05")
MODULE = x509.OtherName(HARDWARE_MODULE_NAME, bytes.fromhex("3019060d2a863a0001848fb90f010202010408000000000000000a"))
SHORT_MODULE = x509.OtherName(
    HARDWARE_MODULE_NAME, bytes.fromhex("3018060d2a863a0001848fb90f0102020104070000000000000a")
)
NOT_DER = x509.OtherName(HARDWARE_MODULE_NAME, b"\x04\x01\x00")

OFF_SHAPE = {
    "neither subject nor alternative name": _raw(),
    "alternative name is a DNS name": _raw(alternative=[x509.DNSName("meter.example")]),
    "two alternative names": _raw(alternative=[MODULE, x509.DNSName("meter.example")]),
    "serial number of the module has seven octets": _raw(alternative=[SHORT_MODULE]),
    "module is not a module": _raw(alternative=[NOT_DER]),
    "subject without EUI-64": _raw(subject=[_unit("02")]),
    "subject with two EUI-64s": _raw(subject=[_unit("02"), EUI, EUI]),
    "EUI-64 with an unused bit": _raw(subject=[_unit("02"), _unique(b"\x01" + bytes(8))]),
    "EUI-64 of seven octets": _raw(subject=[_unit("02"), _unique(bytes(8))]),
    "subject without OU": _raw(subject=[EUI]),
    "OU is not a role": _raw(subject=[_unit("supplier"), EUI]),
    "OU has three digits": _raw(subject=[_unit("137"), EUI]),
    "no key usage": _raw(alternative=[MODULE], usage=None),
    "key usage empty but for certificates": _raw(alternative=[MODULE], usage=(False, False, True)),
    "key for both uses": _raw(alternative=[MODULE], usage=(True, True, False)),
    "key for certificates too": _raw(alternative=[MODULE], usage=(True, False, True)),
    "key on another curve": _raw(alternative=[MODULE], key=ec.derive_private_key(5, ec.SECP384R1())),
    "RSA key": _raw(alternative=[MODULE], key=rsa.generate_private_key(65537, 1024)),
    "signed with SHA-384": _raw(alternative=[MODULE], algorithm=hashes.SHA384()),
    "nothing": b"",
    "PEM of nothing": b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    "octets after the end": _raw(alternative=[MODULE]) + b"\0",
}


@pytest.mark.parametrize("octets", OFF_SHAPE.values(), ids=OFF_SHAPE.keys())
def test_a_certificate_off_the_smki_shape_is_refused(octets: bytes) -> None:
    with pytest.raises(CertificateMalformed):
        read_certificate(octets)


def test_the_smallest_certificates_of_the_shape_read() -> None:
    assert read_certificate(_raw(alternative=[MODULE])).eui == Eui64(10)
    party = read_certificate(_raw(subject=[_unit("87"), EUI]))
    assert (party.eui, party.role) == (Eui64(5), CertificateRole.XML_SIGN)


def test_an_unknown_role_is_kept() -> None:
    role = read_certificate(_raw(subject=[_unit("42"), EUI])).role
    assert role == 0x42
    assert not CertificateRole(0x42).known


def test_an_authority_is_not_a_party_and_a_party_not_an_authority() -> None:
    pki = small_pki()
    with pytest.raises(CertificateMalformed):
        read_certificate(pki.authority("CN=Z1,OU=07").certificate.der)
    with pytest.raises(CertificateMalformed):
        read_authority_certificate(pki.certificate(CHF, KeyUsage.DIGITAL_SIGNATURE).der)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # refused by us too
@given(st.data())
def test_a_damaged_certificate_is_refused_or_keeps_its_octets(data: st.DataObject) -> None:
    octets = bytearray(small_pki().certificate(data.draw(st.sampled_from([SUPPLIER, CHF])), KeyUsage.KEY_AGREEMENT).der)
    position = data.draw(st.integers(0, len(octets) - 1))
    octets[position] ^= data.draw(st.integers(1, 255))
    for read in (read_certificate, read_authority_certificate):
        with contextlib.suppress(CertificateMalformed):
            assert read(bytes(octets)).der == octets


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(CertificateMalformed):
        read_certificate(noise)


def test_reference_certificates_are_all_different() -> None:
    held: tuple[Certificate, ...] = certificates()
    assert len({(c.issuer, c.serial) for c in held}) == len(held) == 19
