"""Signatures and MACs of GBCS messages (GBCS 4.3.3).

A signature is ECDSA P-256 with SHA-256 by the originator's digital-signature key, written r‖s. A MAC is the GCM tag of
nothing under a key that both sides derive from their key agreement keys, with the message as additional data. A check
says only whether the mark is this key's; that the key is the originator's is for the caller to know.
"""

import dataclasses
import hmac
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from hanota.base.errors import require
from hanota.base.eui import EUI64_OCTETS
from hanota.wire import ecdsa
from hanota.wire.gbcs.errors import MessageUnwritable
from hanota.wire.gbcs.message import (
    COUNTER_OCTETS,
    MAC_OCTETS,
    SECURITY_HEADER,
    Header,
    Message,
    grouped_part,
    write_sealed,
)
from hanota.wire.gbcs.octets import write_field

_KEY_OCTETS: Final = 16
_ALGORITHM_ID: Final = bytes.fromhex("60857406080300")  # AES-128-GCM, as DLMS names it
_TRANSACTION_OCTETS: Final = bytes((1 + COUNTER_OCTETS,))
_IV_END: Final = bytes(12 - EUI64_OCTETS)  # the invocation counter, always 0: each key is for one message
# Security control, then the lengths of the ciphering header's transaction-id, originator, recipient, date-time and
# other information: all absent.
_AAD_START: Final = SECURITY_HEADER[:1] + bytes(5)


class Seal(NamedTuple):
    """A MAC that is to hold: what its key is derived with, its initialisation vector, the octets that it is over."""

    info: bytes
    iv: bytes
    octets: bytes
    mac: bytes


def sign_message(message: Message, private_key: ec.EllipticCurvePrivateKey) -> Message:
    """Give the message signed by `private_key` (deterministic, RFC 6979).

    Raises MessageUnwritable: it is signed already, or sealed: the MAC is over the signature too, so it comes last.
    """
    require(not message.signature, MessageUnwritable, field="signature", got="there already", expected="none")
    require(message.mac is None, MessageUnwritable, field="MAC", got="there already", expected="none")
    return dataclasses.replace(message, signature=ecdsa.sign(message.signed_octets, private_key))


def signature_holds(message: Message, public_key: ec.EllipticCurvePublicKey) -> bool:
    """Say whether the message has a signature and it was made with the other half of `public_key`."""
    return ecdsa.holds(message.signature or b"", message.signed_octets, public_key)


def shared_secret(own_private: ec.EllipticCurvePrivateKey, peer_public: ec.EllipticCurvePublicKey) -> bytes:
    """Give the ECDH secret, 32 octets, of two key agreement keys: the same as long as both are (GBCS 4.3.3.3)."""
    return own_private.exchange(ec.ECDH(), peer_public)


def seal(message: Message, own_private: ec.EllipticCurvePrivateKey, peer_public: ec.EllipticCurvePublicKey) -> Message:
    """Give the message with a MAC that the owner of `peer_public` can check.

    A command's MAC is the ACB's, also where a supplier is the originator and has signed it. Raises MessageUnwritable:
    it has a MAC already.
    """
    return seal_under(message, shared_secret(own_private, peer_public))


def seal_under(message: Message, secret: bytes) -> Message:
    """Do what `seal` does, given the `shared_secret` of the two."""
    grouped = _to_be_sealed(message)
    mac = _tag(*_to_seal(message.header, grouped), secret=secret)
    return Message(header=message.header, payload=message.payload, signature=message.signature or b"", mac=mac)


def sealed_octets(message: Message, secret: bytes) -> bytes:
    """Give `seal_under(message, secret)` as it is written."""
    grouped = _to_be_sealed(message)
    return write_sealed(grouped, _tag(*_to_seal(message.header, grouped), secret=secret))


def _to_be_sealed(message: Message) -> bytes:
    require(message.mac is None, MessageUnwritable, field="MAC", got="there already", expected="none")
    # A pre-command may leave out the length of its signature; what is sealed has it.
    return message.grouped_octets + (write_field(b"") if message.signature is None else b"")


def mac_holds(
    message: Message, own_private: ec.EllipticCurvePrivateKey, peer_public: ec.EllipticCurvePublicKey
) -> bool:
    """Say whether the message has a MAC and one of these two parties made it; compares in constant time."""
    seal = seal_of(message)
    return seal is not None and seal_holds(seal, shared_secret(own_private, peer_public))


def seal_of(message: Message, octets: bytes | None = None) -> Seal | None:
    """Give the MAC of a message with all that it takes to check it but the secret; None where it has none. `octets` are
    those that it was read from: where they are at hand they need not be written again.
    """
    if message.mac is None:
        return None
    grouped = message.grouped_octets if octets is None else grouped_part(octets, message)
    return Seal(*_to_seal(message.header, grouped), message.mac)


def seal_holds(seal: Seal, secret: bytes) -> bool:
    """Say whether a MAC was made under a `shared_secret`; compares in constant time."""
    return hmac.compare_digest(seal.mac, _tag(seal.info, seal.iv, seal.octets, secret=secret))


def mac_key(header: Header, shared_secret: bytes) -> bytes:
    """Derive the 16-octet key of one message's MAC from the ECDH secret, 32 octets (GBCS 4.3.3.3; NIST SP 800-56A)."""
    return _key(_other_info(header), shared_secret)


def mac_iv(header: Header) -> bytes:
    """Give the 12-octet initialisation vector of one message's MAC (GBCS 4.3.3.4)."""
    return header.originator.octets + _IV_END


def _other_info(header: Header) -> bytes:
    transaction = bytes((header.cra,)) + header.counter.to_bytes(COUNTER_OCTETS, "big")
    return _ALGORITHM_ID + header.originator.octets + _TRANSACTION_OCTETS + transaction + header.recipient.octets


def _key(other_info: bytes, secret: bytes) -> bytes:
    return ConcatKDFHash(SHA256(), _KEY_OCTETS, other_info).derive(secret)


def _to_seal(header: Header, grouped: bytes) -> tuple[bytes, bytes, bytes]:
    """Give what a Seal says of a message, given its octets from the tag DF on, before there is a MAC."""
    return _other_info(header), mac_iv(header), _AAD_START + grouped


def _tag(info: bytes, iv: bytes, octets: bytes, *, secret: bytes) -> bytes:
    return AESGCM(_key(info, secret)).encrypt(iv, b"", octets)[:MAC_OCTETS]
