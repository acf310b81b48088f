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
_HALF: Final = SIGNATURE_OCTETS // 2
_SCHEME: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
# SubjectPublicKeyInfo of a key on P-256 whose point is uncompressed, up to its coordinates (RFC 5480, 2).
_KEY_LEAD: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_KEY_INFO_OCTETS: Final = len(_KEY_LEAD) + 2 * _HALF


class VerifyingKey:
    """A key on P-256, read to look at signatures with."""

    __slots__ = ("_key",)

    def __init__(self, info: bytes) -> None:
        """Read a SubjectPublicKeyInfo. Raises ValueError: not such a key, its point uncompressed and on the curve."""
        if len(info) != _KEY_INFO_OCTETS or not info.startswith(_KEY_LEAD):
            raise ValueError(f"{info.hex()} is not an uncompressed key on P-256")
        try:
            self._key = EC.new_key_from_der_data(info)
        except RuntimeError as cause:
            raise ValueError(f"{info.hex()} has no point on P-256") from cause

    @classmethod
    def of(cls, key: ec.EllipticCurvePublicKey) -> "VerifyingKey":
        """Take over a key. Raises ValueError: it is on another curve."""
        return cls(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def holds(self, signature: bytes, octets: bytes) -> bool:
        """Whether `signature` is one by the holder over exactly these octets. Never raises on bad signatures."""
        if len(signature) != SIGNATURE_OCTETS:
            return False
        r, s = int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
        return self._key.verify(sha256(octets).digest(), encode_dss_signature(r, s)) is True


def sign(octets: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Give the signature of `key` (P-256) over `octets`."""
    r, s = decode_dss_signature(key.sign(octets, _SCHEME))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def holds(signature: bytes, octets: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether `signature` is one by the holder of `key` (P-256) over exactly these octets.

    Never raises on bad signatures. Raises ValueError: a key on another curve.
    """
    return VerifyingKey.of(key).holds(signature, octets)
