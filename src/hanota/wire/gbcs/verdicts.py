"""Whether the marks of a message hold, as far as the keys at hand can tell. Nothing is decided by this: it explains.

A mark is tried with every candidate, because a party may hold several certificates for one use and a message does not
say which of them is meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.gbcs.crypto import mac_holds, signature_holds
from hanota.wire.gbcs.message import Cra, Header, Message
from hanota.wire.smki.certificate import Certificate
from hanota.wire.smki.keystore import KeyStore

_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
_ACB: Final = CertificateRole.ACCESS_CONTROL_BROKER
_NOT_FOR_MESSAGES: Final = (CertificateRole.XML_SIGN, CertificateRole.DSP_XML_SIGN)


class Verdict(StrEnum):
    """What can be said of a signature or a MAC."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNCHECKED = "can't be checked"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict, and its grounds in words: whose key, or which one is missing."""

    verdict: Verdict
    grounds: str


def judge_signature(message: Message, keys: KeyStore) -> Finding:
    """Try the signature with each signing certificate of the originator."""
    if not message.signature:
        return Finding(Verdict.NONE, "the message carries no signature")
    originator = message.header.originator
    candidates = [held for held in keys.certificates_of(originator, _DS) if held.role not in _NOT_FOR_MESSAGES]
    if not candidates:
        return Finding(Verdict.UNCHECKED, f"no digital signature certificate of {originator} is held")
    for held in candidates:
        if signature_holds(message, held.public_key):
            return Finding(Verdict.HOLDS, f"made with the key of {_serial(held)}")
    return Finding(Verdict.FAILS, f"not made with the key of {_serials(candidates)}")


def judge_mac(message: Message, keys: KeyStore) -> Finding:
    """Try the MAC with every pair of key agreement keys that its two parties may have used.

    A command's MAC is between the ACB and the device, whoever is the originator; any other between the two parties
    that the header names (GBCS 4.3.3).
    """
    if message.mac is None:
        return Finding(Verdict.NONE, "the message carries no MAC")
    sides = _sides(message.header)
    tried = 0
    for own, peer, private in _pairs(keys, sides):
        tried += 1
        if mac_holds(message, private, peer.public_key):
            return Finding(Verdict.HOLDS, f"between the keys of {_serial(own)} and {_serial(peer)}")
    if tried:
        return Finding(
            Verdict.FAILS, f"with none of {tried} pairs of keys of {_words(sides[0])} and {_words(sides[1])}"
        )
    return Finding(Verdict.UNCHECKED, _missing(keys, sides))


_Side = tuple[Eui64 | None, CertificateRole | None]  # a subject, or any subject in a role


def _sides(header: Header) -> tuple[_Side, _Side]:
    if header.cra is Cra.COMMAND:
        return (None, _ACB), (header.recipient, None)
    return (header.originator, None), (header.recipient, None)


def _pairs(
    keys: KeyStore, sides: tuple[_Side, _Side]
) -> Iterator[tuple[Certificate, Certificate, ec.EllipticCurvePrivateKey]]:
    for (own, own_role), (peer, peer_role) in (sides, sides[::-1]):
        for credential in keys.credentials_of(own, _KA, own_role):
            for certificate in keys.certificates_of(peer, _KA, peer_role):
                yield credential.certificate, certificate, credential.key


def _missing(keys: KeyStore, sides: tuple[_Side, _Side]) -> str:
    absent = [_words(side) for side in sides if not keys.certificates_of(side[0], _KA, side[1])]
    if absent:
        return f"no key agreement certificate of {' and none of '.join(absent)} is held"
    return f"the private key agreement key of {_words(sides[0])} or of {_words(sides[1])} is needed, none is held"


def _words(side: _Side) -> str:
    return "the access control broker" if side[0] is None else str(side[0])


def _serial(held: Certificate) -> str:
    return f"{held.eui} (certificate {held.serial} of {held.issuer})"


def _serials(candidates: list[Certificate]) -> str:
    return " or ".join(_serial(held) for held in candidates)
