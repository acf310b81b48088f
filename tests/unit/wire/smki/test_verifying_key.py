"""The key of a certificate, taken from where it stands: the same that a whole reading of the certificate gives."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire import ecdsa
from hanota.wire.der import der_contents
from hanota.wire.smki.certificate import public_key_of, verifying_key_of
from hanota.wire.smki.errors import CertificateMalformed
from helpers.gbcs import CHF, SUPPLIER, certificates
from helpers.pki import small_pki

MESSAGE = b"sample"
OWNERS = {SUPPLIER: CertificateRole.SUPPLIER, CHF: None}
SIGNED = {owner: small_pki().credential(owner, KeyUsage.DIGITAL_SIGNATURE, role) for owner, role in OWNERS.items()}
SIGNATURES = {owner: ecdsa.sign(MESSAGE, SIGNED[owner].key) for owner in OWNERS}


def values(octets: bytes, at: int, end: int) -> list[bytes]:
    """The values that stand one after the other from `at` to `end`."""
    found = []
    while at < end:
        _, after = der_contents(octets, at)
        found.append(octets[at:after])
        at = after
    return found


def sequence(*parts: bytes) -> bytes:
    contents = b"".join(parts)
    length = len(contents).to_bytes(2, "big").lstrip(b"\0")
    return b"\x30" + (length if len(contents) < 0x80 else bytes((0x80 + len(length),)) + length) + contents


def changed(der: bytes, *, info: bytes | None = None, version: bool = True) -> bytes:
    """A certificate with another SubjectPublicKeyInfo, or without its version, what it needs if it has no extensions.

    Nobody has signed it.
    """
    signed, *rest = values(der, *der_contents(der, 0))
    fields = values(signed, *der_contents(signed, 0))
    if info is not None:
        fields[6] = info
    return sequence(sequence(*(fields if version else fields[1:7])), *rest)


@pytest.mark.parametrize("owner", OWNERS)
def test_the_key_of_a_certificate_looks_at_its_holders_signatures(owner: Eui64) -> None:
    key = verifying_key_of(SIGNED[owner].certificate.der)
    assert key.holds(SIGNATURES[owner], MESSAGE)
    assert not key.holds(SIGNATURES[owner], MESSAGE + b"x")
    others = next(signature for other, signature in SIGNATURES.items() if other != owner)
    assert not key.holds(others, MESSAGE)


def test_the_keys_of_reference_certificates_are_read() -> None:
    for held in certificates():
        assert not verifying_key_of(held.der).holds(bytes(64), MESSAGE)


def test_the_key_is_found_without_a_version_and_when_its_point_is_compressed() -> None:
    der, key = SIGNED[CHF].certificate.der, SIGNED[CHF].key.public_key()
    point = b"\x00" + key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    compressed = sequence(algorithm, b"\x03" + bytes((len(point),)) + point)
    for octets in (changed(der), changed(der, version=False), changed(der, info=compressed)):
        assert public_key_of(octets) == key
        assert verifying_key_of(octets).holds(SIGNATURES[CHF], MESSAGE)


def test_a_key_beside_the_curve_or_on_another_is_refused() -> None:
    der, key = SIGNED[CHF].certificate.der, SIGNED[CHF].key.public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    other = ec.derive_private_key(1, ec.SECP384R1()).public_key()
    for wrong in (
        info[:-1] + bytes((info[-1] ^ 1,)),
        other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ):
        with pytest.raises(CertificateMalformed):
            verifying_key_of(changed(der, info=wrong))


@given(st.sampled_from(list(OWNERS)), st.data())
def test_of_a_damaged_certificate_no_other_key_is_taken(owner: Eui64, data: st.DataObject) -> None:
    octets = bytearray(SIGNED[owner].certificate.der)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        whole = public_key_of(bytes(octets))
    except CertificateMalformed:
        return
    expected = ecdsa.holds(SIGNATURES[owner], MESSAGE, whole)
    assert verifying_key_of(bytes(octets)).holds(SIGNATURES[owner], MESSAGE) == expected


@given(st.binary(max_size=200))
def test_noise_has_no_key(noise: bytes) -> None:
    with pytest.raises(CertificateMalformed):
        verifying_key_of(noise)
