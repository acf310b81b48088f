"""Marks of many messages at once: which signatures hold, signatures to make, secrets to agree on.

Plain octets go in and come out, so that it may be done in another process. Certificates are given in DER.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.errors import HanotaError
from hanota.wire import ecdsa
from hanota.wire.gbcs.crypto import shared_secret
from hanota.wire.smki.certificate import public_key_of, verifying_key_of

Mark = tuple[bytes, bytes, bytes]
"""A signature that is to hold: the certificate of who is to have made it, the signature r‖s, the octets signed."""

Chain = tuple[Mark, ...]
"""Marks of one message, outermost first: one inside means nothing where one around it does not hold."""

_KEYS_MAX: Final = 10_000


def count_holding(chains: Iterable[Chain]) -> list[int]:
    """Give of each chain how many of its marks hold, up to the first that does not; no octets make it raise."""
    return [_holding(chain) for chain in chains]


def sign_each(octets: Iterable[bytes], key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    """Give the signature, r‖s, of `key` over each of `octets`."""
    return [ecdsa.sign(each, key) for each in octets]


def agree_with_each(certificates: Iterable[bytes], key: ec.EllipticCurvePrivateKey) -> list[bytes | None]:
    """Give the secret that the holder of `key` shares with that of each certificate; None for one without a key."""
    return [_agreed(certificate, key) for certificate in certificates]


def _agreed(certificate: bytes, key: ec.EllipticCurvePrivateKey) -> bytes | None:
    try:
        return shared_secret(key, public_key_of(certificate))
    except HanotaError:
        return None


def _holding(chain: Chain) -> int:
    count = 0
    for certificate, signature, octets in chain:
        try:
            key = _verifying_key(certificate)
        except HanotaError:  # a registered certificate had a key once; one that has none any more proves nothing
            break
        if not key.holds(signature, octets):
            break
        count += 1
    return count


@lru_cache(_KEYS_MAX)
def _verifying_key(certificate: bytes) -> ecdsa.VerifyingKey:
    return verifying_key_of(certificate)
