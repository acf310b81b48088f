"""ECDSA over P-256 with SHA-256, signatures as the 64 octets r‖s, deterministic (RFC 6979)."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

SIGNATURE_OCTETS: Final = 64
_HALF: Final = SIGNATURE_OCTETS // 2
_SCHEME = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


def sign(octets: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Give the signature of `key` (P-256) over `octets`."""
    r, s = decode_dss_signature(key.sign(octets, _SCHEME))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def holds(signature: bytes, octets: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether `signature` is one by the holder of `key` over exactly these octets. Never raises on bad signatures."""
    if len(signature) != SIGNATURE_OCTETS:
        return False
    r, s = int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
    try:
        key.verify(encode_dss_signature(r, s), octets, _SCHEME)
    except InvalidSignature:
        return False
    return True
