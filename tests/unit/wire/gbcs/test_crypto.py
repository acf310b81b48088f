"""Signatures and MACs: the reference messages hold, and nothing else does."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.gbcs.crypto import (
    mac_holds,
    mac_iv,
    mac_key,
    seal,
    seal_of,
    seal_under,
    sealed_octets,
    shared_secret,
    sign_message,
    signature_holds,
)
from hanota.wire.gbcs.errors import MessageMalformed, MessageUnwritable
from hanota.wire.gbcs.message import Cra, Header, Message, MessageCode, read_message, write_message
from helpers.gbcs import ACB, CHF, PPMID, SUPPLIER, certificate, messages, vectors
from helpers.keystore import reference_keys

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
SUPPLIER_KA_SERIAL = 78705613441713544701898588866012598037  # the supplier has a second one, for prepayment

ONE, OTHER, THIRD = (ec.derive_private_key(number, ec.SECP256R1()) for number in (11, 12, 13))
HEADER = Header(
    cra=Cra.ALERT,
    counter=7,
    originator=CHF,
    recipient=ACB,
    message_code=MessageCode.CCS08_FIRMWARE_TRANSFER_ALERT,
)
MESSAGE = Message(header=HEADER, payload=b"payload")
SIGNED = sign_message(MESSAGE, ONE)
SEALED = seal(SIGNED, ONE, OTHER.public_key())


def signed_vectors() -> dict[str, Message]:
    held = {name: read_message(octets) for name, octets in vectors().items()}
    return {name: message for name, message in held.items() if message.signature}


def sealed_vectors() -> dict[str, Message]:
    held = {name: read_message(octets) for name, octets in vectors().items()}
    return {name: message for name, message in held.items() if message.mac is not None}


def test_every_signed_reference_message_holds_for_its_originator_and_nobody_else() -> None:
    assert len(signed_vectors()) == 15
    for name, message in signed_vectors().items():
        originator = certificate(message.header.originator, DS)
        stranger = certificate(SUPPLIER if originator.eui != SUPPLIER else ACB, DS)
        assert signature_holds(message, originator.public_key), name
        assert not signature_holds(message, stranger.public_key), name


@given(st.data())
def test_a_reference_message_with_one_bit_changed_does_not_hold(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["CCS08_NA_NA_ALERT", "CS09_NA_8F8B_ALERT", "FDRA-DLMS_NA_8F72_ALERT"]))
    octets = bytearray(vectors()[name])
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    key = certificate(read_message(bytes(octets)).header.originator, DS).public_key
    octets[bit // 8] ^= 1 << bit % 8
    try:
        message = read_message(bytes(octets))
    except MessageMalformed:
        return
    assert not signature_holds(message, key)


def test_every_sealed_reference_message_holds_for_its_parties() -> None:
    keys = reference_keys()
    assert len(sealed_vectors()) == 13
    for name, message in sealed_vectors().items():
        party, device = _mac_parties(message)
        own = certificate(party, KA, SUPPLIER_KA_SERIAL if party == SUPPLIER else None)
        assert mac_holds(message, keys[own.serial], certificate(device, KA).public_key), name


def _mac_parties(message: Message) -> tuple[Eui64, Eui64]:
    """Commands are sealed by the ACB, whoever is the originator; the rest is for the recipient that is named."""
    if message.header.cra is Cra.COMMAND:
        return ACB, message.header.recipient
    return message.header.recipient, message.header.originator


def test_the_key_of_the_version_command_is_the_known_one() -> None:
    message = read_message(vectors()["CS08_11.2_SUCCESS_COMMAND"])
    own = reference_keys()[certificate(ACB, KA).serial]
    secret = own.exchange(ec.ECDH(), certificate(PPMID, KA).public_key)
    assert mac_key(message.header, secret).hex() == "d87c9e7c836010dc3ed75d0c1e1252a0"
    assert mac_iv(message.header).hex() == "90b3d51f3000000200000000"
    sealed = seal(dataclasses.replace(message, mac=None), own, certificate(PPMID, KA).public_key)
    assert sealed.mac == bytes.fromhex("bdc5e70406017d96ee0f9759")


def test_the_key_derivation_gives_the_figures_of_gbcs_18_4() -> None:
    header = Header(
        cra=Cra.COMMAND,
        counter=1,
        originator=Eui64(0x123456789ABCDEF0),
        recipient=Eui64(0xFFFFFFFFFFFFFFFE),
        message_code=MessageCode(0),
    )
    secret = bytes.fromhex("9aacf2e6d51bd5ff8f37bf368019a691cb5b2fcb7b5f030a00063647b20e13fe")
    assert mac_key(header, secret).hex() == "859b846a24e1ea70a168409a1180676b"


@given(messages())
def test_what_was_signed_and_sealed_holds(message: Message) -> None:
    signed = sign_message(dataclasses.replace(message, signature=b"", mac=None), ONE)
    sealed = seal(signed, ONE, OTHER.public_key())
    again = read_message(write_message(sealed))
    assert signature_holds(again, ONE.public_key())
    assert mac_holds(again, OTHER, ONE.public_key())
    assert mac_holds(again, ONE, OTHER.public_key())
    assert not signature_holds(again, OTHER.public_key())
    assert not mac_holds(again, THIRD, ONE.public_key())


@given(st.integers(0, len(write_message(SEALED)) * 8 - 1))
def test_a_sealed_message_with_one_bit_changed_does_not_hold(bit: int) -> None:
    octets = bytearray(write_message(SEALED))
    octets[bit // 8] ^= 1 << bit % 8
    try:
        message = read_message(bytes(octets))
    except MessageMalformed:
        return
    assert not mac_holds(message, OTHER, ONE.public_key())


def test_signing_again_gives_the_same_octets() -> None:
    assert sign_message(MESSAGE, ONE) == SIGNED


def test_a_message_without_marks_does_not_hold() -> None:
    for bare in (MESSAGE, dataclasses.replace(MESSAGE, signature=None)):
        assert not signature_holds(bare, ONE.public_key())
        assert not mac_holds(bare, ONE, OTHER.public_key())


@pytest.mark.parametrize("number", [0, 1 << 255, (1 << 256) - 1])
def test_signature_numbers_outside_their_range_do_not_hold(number: int) -> None:
    signature = number.to_bytes(32, "big") * 2
    assert not signature_holds(dataclasses.replace(MESSAGE, signature=signature), ONE.public_key())


def test_a_mark_is_put_once_and_the_mac_last() -> None:
    with pytest.raises(MessageUnwritable):
        sign_message(SIGNED, ONE)
    with pytest.raises(MessageUnwritable):
        sign_message(dataclasses.replace(MESSAGE, mac=bytes(12)), ONE)
    with pytest.raises(MessageUnwritable):
        seal(SEALED, ONE, OTHER.public_key())


def test_a_pre_command_is_sealed_with_the_length_of_its_signature() -> None:
    bare = dataclasses.replace(MESSAGE, signature=None)
    assert seal(bare, ONE, OTHER.public_key()) == seal(MESSAGE, ONE, OTHER.public_key())


@given(messages())
def test_what_is_sealed_and_written_at_once_is_what_is_sealed_and_then_written(message: Message) -> None:
    bare, secret = dataclasses.replace(message, mac=None), shared_secret(ONE, OTHER.public_key())
    assert sealed_octets(bare, secret) == write_message(seal_under(bare, secret))


@given(messages())
def test_what_a_mac_is_over_stands_in_the_octets_that_were_read(message: Message) -> None:
    sealed = dataclasses.replace(message, signature=message.signature or b"", mac=bytes(12))
    assert seal_of(sealed, write_message(sealed)) == seal_of(sealed)


def test_a_pre_command_signed_and_sealed_is_the_reference_command() -> None:
    before = read_message(vectors()["CS06_11.3_IMMEDIATE_SUCCESS_PRECOMMAND"])
    after = read_message(vectors()["CS06_11.3_IMMEDIATE_SUCCESS_COMMAND"])
    assert (before.header, before.payload) == (after.header, after.payload)
    own = reference_keys()[certificate(ACB, KA).serial]
    device = certificate(after.header.recipient, KA)
    signed = dataclasses.replace(before, signature=after.signature)
    assert write_message(seal(signed, own, device.public_key)) == vectors()["CS06_11.3_IMMEDIATE_SUCCESS_COMMAND"]
