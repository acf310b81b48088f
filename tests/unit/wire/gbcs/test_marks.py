"""Signatures and MACs of the reference messages hold, and no single bit can be changed without being noticed."""

from collections.abc import Callable
from functools import cache

import pytest

from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.gbcs.crypto import mac_holds, signature_holds
from hanota.wire.gbcs.errors import GbcsMalformed
from hanota.wire.gbcs.message import Cra, Message, read_message
from hanota.wire.gbcs.verdicts import Verdict, judge_mac, judge_signature
from hanota.wire.smki.certificate import Credential
from hanota.wire.smki.keystore import KeyStore
from helpers.gbcs import ACB, CHF, SUPPLIER, certificate, certificates, vectors
from helpers.keystore import reference_keys

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT


@cache
def keys() -> KeyStore:
    """The certificates that came with the messages, and the private keys of the reference parties."""
    private = reference_keys()
    return KeyStore(
        [Credential(one, private[one.serial]) for one in certificates() if one.serial in private], certificates()
    )


def test_every_mark_of_the_reference_messages_holds() -> None:
    found = {
        name: (judge_signature(message, keys()).verdict, judge_mac(message, keys()).verdict)
        for name, message in ((name, read_message(octets)) for name, octets in vectors().items())
    }
    marked = {name for name, verdicts in found.items() if Verdict.HOLDS in verdicts}
    assert {verdict for verdicts in found.values() for verdict in verdicts} == {Verdict.HOLDS, Verdict.NONE}
    assert {name for name in found if "PRECOMMAND" not in name} == marked


def checks(message: Message) -> list[Callable[[Message], bool]]:
    """Checks of the marks that a message carries, each with the one right key."""
    made: list[Callable[[Message], bool]] = []
    if message.signature:
        signer = certificate(message.header.originator, DS).public_key
        made.append(lambda changed: signature_holds(changed, signer))
    if message.mac is not None:
        command = message.header.cra is Cra.COMMAND
        party, device = (
            (ACB, message.header.recipient) if command else (message.header.recipient, message.header.originator)
        )
        (own, *_) = keys().credentials_of(party, KA)
        peer = certificate(device, KA).public_key
        made.append(lambda changed: mac_holds(changed, own.key, peer))
    return made


def every_bit_matters(octets: bytes, hold: Callable[[Message], bool]) -> None:
    assert hold(read_message(octets))
    for bit in range(len(octets) * 8):
        changed = bytearray(octets)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            message = read_message(bytes(changed))
        except GbcsMalformed:
            continue
        assert not hold(message), f"bit {bit % 8} of octet {bit // 8}"


SIGNED = ["CCS08", "CS09", "FDRA-DLMS", "FDRA-ZigBee", "CS03A2", "CS06"]


@pytest.mark.parametrize("family", [*SIGNED, "CS08", "ECS52", "GCS38", "CS14"])
def test_no_bit_of_a_reference_message_can_be_changed(family: str) -> None:
    found = [octets for name, octets in vectors().items() if name.startswith(family) and "PRECOMMAND" not in name]
    assert found
    for octets in found:
        made = checks(read_message(octets))
        assert made
        every_bit_matters(octets, lambda message, made=made: all(holds(message) for holds in made))


def test_a_missing_key_is_named() -> None:
    signed = read_message(vectors()["CS06_11.3_IMMEDIATE_SUCCESS_COMMAND"])
    assert str(SUPPLIER) in judge_signature(signed, KeyStore()).grounds
    assert judge_signature(signed, KeyStore()).verdict is Verdict.UNCHECKED
    nothing = judge_mac(signed, KeyStore())
    assert nothing.verdict is Verdict.UNCHECKED
    assert "access control broker" in nothing.grounds
    assert str(signed.header.recipient) in nothing.grounds
    public = judge_mac(signed, KeyStore(certificates=certificates()))
    assert public.verdict is Verdict.UNCHECKED
    assert "private" in public.grounds


def test_a_command_of_a_supplier_is_sealed_by_the_broker() -> None:
    """Also where originator and recipient are supplier and device, and their keys are at hand."""
    message = read_message(vectors()["CS06_11.3_IMMEDIATE_SUCCESS_COMMAND"])
    assert str(ACB) in judge_mac(message, keys()).grounds
    suppliers = KeyStore(keys().credentials_of(SUPPLIER, KA), certificates())
    assert judge_mac(message, suppliers).verdict is Verdict.UNCHECKED


def test_a_mark_of_another_party_does_not_hold() -> None:
    forged = vectors()["CCS08_NA_NA_ALERT"].replace(CHF.octets, SUPPLIER.octets, 1)
    finding = judge_signature(read_message(forged), keys())
    assert finding.verdict is Verdict.FAILS
    assert str(certificate(SUPPLIER, DS).serial) in finding.grounds
    sealed = bytearray(vectors()["CS08_11.2_SUCCESS_RESPONSE"])
    sealed[-1] ^= 1
    assert judge_mac(read_message(bytes(sealed)), keys()).verdict is Verdict.FAILS
