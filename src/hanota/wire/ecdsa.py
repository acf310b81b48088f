"""ECDSA over P-256 with SHA-256, signatures as the 64 octets r‖s, deterministic (RFC 6979).

`cryptography` makes signatures, for it makes deterministic ones; `awscrt` (on Linux: AWS-LC) looks at them, for it is
quicker, and a head end does little else (docs/adr/0022).
"""

from hashlib import sha256
from typing import Final

from awscrt.crypto import EC
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNATURE_OCTETS: Final = 64
POINT_OCTETS: Final = 65
"""A public key as a point that is written out (SEC 1, 2.3.3): 4, x, y."""
_HALF: Final = SIGNATURE_OCTETS // 2
_SCHEME: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_POINT_LEAD: Final = 0x04  # of a point that is written out
# SubjectPublicKeyInfo of a key on P-256, up to its point (RFC 5480, 2).
_INFO_LEAD: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


class VerifyingKey:
    """A key on P-256, read to look at signatures with."""

    __slots__ = ("_key",)

    def __init__(self, point: bytes) -> None:
        """Read a point that is written out, POINT_OCTETS. Raises ValueError: it is no point on P-256."""
        if len(point) != POINT_OCTETS or point[0] != _POINT_LEAD:
            raise ValueError(f"{point.hex()} is not a point on P-256, written out")
        try:
            self._key = EC.new_key_from_der_data(_INFO_LEAD + point)
        except RuntimeError as cause:
            raise ValueError(f"{point.hex()} is not on P-256") from cause

    def holds(self, signature: bytes, octets: bytes) -> bool:
        """Whether `signature` is one by the holder over exactly these octets. Never raises on bad signatures."""
        if len(signature) != SIGNATURE_OCTETS:
            return False
        r, s = int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
        return self._key.verify(sha256(octets).digest(), encode_dss_signature(r, s)) is True


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """Give a key as its point, written out."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sign(octets: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Give the signature of `key` (P-256) over `octets`."""
    r, s = decode_dss_signature(key.sign(octets, _SCHEME))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def holds(signature: bytes, octets: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether `signature` is one by the holder of `key` (P-256) over exactly these octets.

    Never raises on bad signatures. Raises ValueError: a key on another curve.
    """
    return VerifyingKey(point_of(key)).holds(signature, octets)
