"""Issued certificates read back as they were asked for, chain to their issuer, and are always the same octets."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.smki.certificate import Certificate
from hanota.wire.smki.errors import CertificateUnissuable
from hanota.wire.smki.issue import SERIAL_MAX, Validity, issue_authority, issue_certificate
from helpers.gbcs import CHF, SUPPLIER, certificate, euis

KEY = ec.derive_private_key(7, ec.SECP256R1())
VALIDITY = Validity(parse_iso("2026-01-01T00:00:00Z"), parse_iso("9999-12-31T23:59:59Z"))
ROOT = issue_authority(subject="CN=R,OU=00", key=KEY, serial=1, validity=VALIDITY)
ISSUING = issue_authority(
    subject="CN=Z1,OU=07", key=ec.derive_private_key(8, ec.SECP256R1()), serial=2, validity=VALIDITY, issuer=ROOT
)


def issue(
    eui: Eui64 = Eui64(5),  # noqa: B008 - a frozen value
    role: CertificateRole | None = None,
    usage: KeyUsage = KeyUsage.DIGITAL_SIGNATURE,
    serial: int = 3,
    validity: Validity = VALIDITY,
    name: str | None = None,
) -> Certificate:
    return issue_certificate(
        ISSUING,
        eui=eui,
        role=role,
        usage=usage,
        public_key=KEY.public_key(),
        serial=serial,
        validity=validity,
        name=name,
    )


@given(
    euis,
    st.none() | st.integers(0, 255).map(CertificateRole),
    st.sampled_from([KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT]),
    st.integers(1, SERIAL_MAX),
)
def test_an_issued_certificate_says_what_was_asked_for(
    eui: Eui64, role: CertificateRole | None, usage: KeyUsage, serial: int
) -> None:
    held = issue(eui=eui, role=role, usage=usage, serial=serial)
    assert (held.eui, held.role, held.usage, held.serial) == (eui, role, usage, serial)
    assert (held.not_before, held.not_after) == VALIDITY
    assert held.issuer == "CN=Z1,OU=07"
    assert held.public_key == KEY.public_key()
    assert held.issued_by(ISSUING.certificate)
    assert not held.issued_by(ROOT.certificate)


def test_issuing_again_gives_the_same_octets() -> None:
    assert (
        issue(role=CertificateRole.SUPPLIER, name="ACME").der == issue(role=CertificateRole.SUPPLIER, name="ACME").der
    )


def test_the_authorities_form_a_chain() -> None:
    issuing, root = (x509.load_der_x509_certificate(held.certificate.der) for held in (ISSUING, ROOT))
    issuing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert (ISSUING.certificate.issuer, ROOT.certificate.issuer) == ("CN=R,OU=00", "CN=R,OU=00")


@pytest.mark.parametrize(
    ("reference", "ours"),
    [
        (
            lambda: certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE),
            lambda: issue(role=CertificateRole.SUPPLIER, name="N"),
        ),
        (lambda: certificate(CHF, KeyUsage.KEY_AGREEMENT), lambda: issue(usage=KeyUsage.KEY_AGREEMENT)),
    ],
    ids=["organisation", "device"],
)
def test_extensions_are_those_of_the_reference_certificates(reference, ours) -> None:
    def shape(held: Certificate) -> set[tuple[str, bool]]:
        extensions = x509.load_der_x509_certificate(held.der).extensions
        return {(extension.oid.dotted_string, extension.critical) for extension in extensions}

    assert shape(ours()) == shape(reference())


def test_key_identifiers_are_made_as_in_the_reference_certificates() -> None:
    theirs = certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE)
    ours = issue_certificate(
        ISSUING,
        eui=theirs.eui,
        role=theirs.role,
        usage=theirs.usage,
        public_key=theirs.public_key,
        serial=3,
        validity=VALIDITY,
    )
    first, second = (
        x509.load_der_x509_certificate(held.der).extensions.get_extension_for_oid(ExtensionOID.SUBJECT_KEY_IDENTIFIER)
        for held in (theirs, ours)
    )
    assert first.value == second.value


@pytest.mark.parametrize(
    "wrong",
    [
        {"serial": 0},
        {"serial": SERIAL_MAX + 1},
        {"validity": Validity(VALIDITY.not_after, VALIDITY.not_before)},
        {"validity": Validity(Instant(-1), VALIDITY.not_after)},
        {"role": CertificateRole(256)},
        {"role": None, "name": "a device has no name"},
        {"role": CertificateRole.SUPPLIER, "name": "x" * 65},
        {"usage": KeyUsage("??")},
    ],
    ids=str,
)
def test_what_no_certificate_can_state_is_refused(wrong) -> None:
    with pytest.raises(CertificateUnissuable):
        issue(**wrong)


def test_an_authority_needs_a_name() -> None:
    with pytest.raises(CertificateUnissuable):
        issue_authority(subject="no name", key=KEY, serial=1, validity=VALIDITY)
