"""Marks of many messages at once: which signatures hold, signatures to make, secrets to agree on.

Plain octets go in and come out, so that it may be done in another process. Public keys are given as their points,
written out.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.wire import ecdsa
from hanota.wire.gbcs.crypto import shared_secret

Mark = tuple[bytes, bytes, bytes]
"""A signature that is to hold: the key of who is to have made it, the signature r‖s, the octets signed."""

Chain = tuple[Mark, ...]
"""Marks of one message, outermost first: one inside means nothing where one around it does not hold."""

_KEYS_MAX: Final = 10_000


def count_holding(chains: Iterable[Chain]) -> list[int]:
    """Give of each chain how many of its marks hold, up to the first that does not; no octets make it raise."""
    return [_holding(chain) for chain in chains]


def sign_each(octets: Iterable[bytes], key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    """Give the signature, r‖s, of `key` over each of `octets`."""
    return [ecdsa.sign(each, key) for each in octets]


def agree_with_each(points: Iterable[bytes], key: ec.EllipticCurvePrivateKey) -> list[bytes | None]:
    """Give the secret that the holder of `key` shares with that of each other key; None for what is none."""
    return [_agreed(point, key) for point in points]


def _agreed(point: bytes, key: ec.EllipticCurvePrivateKey) -> bytes | None:
    try:
        return shared_secret(key, ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
    except ValueError:
        return None


def _holding(chain: Chain) -> int:
    count = 0
    for point, signature, octets in chain:
        try:
            key = _verifying_key(point)
        except ValueError:  # what was a key when it was registered, and is none any more, proves nothing
            break
        if not key.holds(signature, octets):
            break
        count += 1
    return count


@lru_cache(_KEYS_MAX)
def _verifying_key(point: bytes) -> ecdsa.VerifyingKey:
    return ecdsa.VerifyingKey(point)
