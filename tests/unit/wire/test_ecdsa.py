"""Signatures are 64 octets r‖s, the same each time, and never cause an error when they are wrong."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from hanota.wire import ecdsa
from helpers.gbcs import certificates

KEY = ec.derive_private_key(1, ec.SECP256R1())
POINT = ecdsa.point_of(KEY.public_key())
MESSAGE = b"sample"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EDGES = (0, 1, 2, ORDER - 1, ORDER, ORDER + 1, (1 << 256) - 1)


def test_a_signature_is_64_octets_and_deterministic() -> None:
    signature = ecdsa.sign(MESSAGE, KEY)
    assert len(signature) == ecdsa.SIGNATURE_OCTETS
    assert ecdsa.sign(MESSAGE, KEY) == signature
    assert ecdsa.holds(signature, MESSAGE, KEY.public_key())


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(64),
        b"\xff" * 64,
        ecdsa.sign(b"other", KEY),
        ecdsa.sign(MESSAGE, KEY)[:63],
        ecdsa.sign(MESSAGE, KEY) + b"x",
    ],
)
def test_a_wrong_signature_does_not_hold(signature: bytes) -> None:
    assert not ecdsa.holds(signature, MESSAGE, KEY.public_key())


def test_the_vector_of_rfc_6979() -> None:
    key = ec.derive_private_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1())
    assert ecdsa.sign(b"sample", key).hex() == (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )


def holds_for_cryptography(signature: bytes, octets: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@given(st.integers(1, ORDER - 1), st.binary(max_size=300), st.data())
def test_two_libraries_agree_on_signatures_whole_and_damaged(secret: int, octets: bytes, data: st.DataObject) -> None:
    key = ec.derive_private_key(secret, ec.SECP256R1())
    signature = bytearray(ecdsa.sign(octets, key))
    assert ecdsa.holds(bytes(signature), octets, key.public_key())
    signature[data.draw(st.integers(0, 63))] ^= data.draw(st.integers(0, 255))
    expected = holds_for_cryptography(bytes(signature), octets, key.public_key())
    assert ecdsa.holds(bytes(signature), octets, key.public_key()) == expected


@pytest.mark.parametrize("r", EDGES)
@pytest.mark.parametrize("s", EDGES)
def test_two_libraries_agree_on_numbers_at_the_edges(r: int, s: int) -> None:
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    expected = holds_for_cryptography(signature, MESSAGE, KEY.public_key())
    assert ecdsa.holds(signature, MESSAGE, KEY.public_key()) == expected


def test_of_two_values_of_s_both_hold_as_the_standard_has_it() -> None:
    signature = ecdsa.sign(MESSAGE, KEY)
    other = (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert ecdsa.holds(signature[:32] + other, MESSAGE, KEY.public_key())


@pytest.mark.parametrize(
    "point",
    [
        b"",
        POINT[:-1],
        POINT + b"x",
        POINT[:-1] + bytes((POINT[-1] ^ 1,)),  # beside the curve
        POINT[:1] + bytes(64),
        POINT[:1] + b"\xff" * 64,
        b"\x06" + POINT[1:],
        ecdsa.point_of(ec.derive_private_key(1, ec.SECP384R1()).public_key()),
        KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_what_is_no_key_on_p256_is_refused(point: bytes) -> None:
    with pytest.raises(ValueError, match="P-256"):
        ecdsa.VerifyingKey(point)


def test_the_keys_of_reference_certificates_are_read() -> None:
    for held in certificates():
        assert not ecdsa.VerifyingKey(held.certified_key.point).holds(bytes(64), MESSAGE)


@given(st.integers(1, ORDER - 1))
def test_a_key_is_its_point_written_out(secret: int) -> None:
    key = ec.derive_private_key(secret, ec.SECP256R1())
    point = ecdsa.point_of(key.public_key())
    assert len(point) == ecdsa.POINT_OCTETS
    assert ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point) == key.public_key()
    assert ecdsa.VerifyingKey(point).holds(ecdsa.sign(MESSAGE, key), MESSAGE)


def test_a_key_on_another_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="P-256"):
        ecdsa.holds(bytes(64), MESSAGE, ec.derive_private_key(1, ec.SECP384R1()).public_key())
