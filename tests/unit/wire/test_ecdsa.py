"""Signatures are 64 octets r‖s, the same each time, and never cause an error when they are wrong."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.wire import ecdsa

KEY = ec.derive_private_key(1, ec.SECP256R1())
MESSAGE = b"sample"


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
