"""Whole messages: each is what its receiver can read and check."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.gbcs.build import activation_alert, read_version_command, read_version_response, transfer_alert
from hanota.wire.gbcs.crypto import mac_holds, signature_holds
from hanota.wire.gbcs.errors import UnexpectedMessage
from hanota.wire.gbcs.message import Cra, MessageCode, read_message, write_message
from hanota.wire.gbcs.payload import (
    ActivationAlert,
    ActivationResult,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
    read_payload,
)
from hanota.wire.smki.certificate import Credential
from hanota.wire.smki.errors import WrongKeyUsage
from helpers.gbcs import ACB, CHF, PPMID, SUPPLIER, certificate, vectors
from helpers.keystore import reference_keys
from helpers.pki import NOW, small_pki

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
PKI = small_pki()
ACB_KA = PKI.credential(ACB, KA)
PPMID_KA = PKI.credential(PPMID, KA)
TRANSFERRED = TransferAlert(
    alert_code=AlertCode.FIRMWARE_TRANSFER_FAILED,
    at=NOW,
    device=PPMID,
    file_version=0x0123ABCD,
    result=TransferResponseCode.FIRMWARE_IMAGE_DISCARDED,
)
ACTIVATED = ActivationAlert(
    alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION, at=NOW, file_version=0x0123ABCD, result=ActivationResult.FAILURE
)
ANSWER = VersionRead(file_version=0x0123ABCD, response_code=ReadResponseCode.READ_SUCCESS)


def ask() -> bytes:
    return read_version_command(acb=ACB_KA, device=PPMID_KA.certificate, counter=1300, user=SUPPLIER, user_counter=1000)


def test_a_transfer_alert_is_signed_by_the_hub() -> None:
    message = read_message(transfer_alert(TRANSFERRED, hub=PKI.credential(CHF, DS), recipient=ACB, counter=4000))
    header = message.header
    assert (header.cra, header.originator, header.recipient, header.counter) == (Cra.ALERT, CHF, ACB, 4000)
    assert header.message_code is MessageCode.CCS08_FIRMWARE_TRANSFER_ALERT
    assert read_payload(message) == TRANSFERRED
    assert signature_holds(message, PKI.certificate(CHF, DS).public_key)


def test_an_activation_alert_is_signed_by_the_device_under_its_own_code() -> None:
    message = read_message(activation_alert(ACTIVATED, device=PKI.credential(PPMID, DS), recipient=ACB, counter=5000))
    assert message.header.message_code == 0x012B
    assert message.header.originator == PPMID
    assert read_payload(message) == ACTIVATED
    assert signature_holds(message, PKI.certificate(PPMID, DS).public_key)


def test_a_version_is_asked_for_and_told() -> None:
    command = read_message(ask())
    assert read_payload(command) == ReadVersion()
    assert mac_holds(command, PPMID_KA.key, ACB_KA.certificate.public_key)
    response = read_message(read_version_response(ANSWER, command=command, device=PPMID_KA, acb=ACB_KA.certificate))
    assert read_payload(response) == ANSWER
    assert mac_holds(response, ACB_KA.key, PPMID_KA.certificate.public_key)
    assert dataclasses.replace(response.header, cra=Cra.COMMAND, originator=ACB, recipient=PPMID) == command.header


def test_a_command_and_its_response_have_different_marks() -> None:
    command = read_message(ask())
    response = read_message(read_version_response(ANSWER, command=command, device=PPMID_KA, acb=ACB_KA.certificate))
    assert command.mac != response.mac
    reflected = dataclasses.replace(command, header=response.header)
    assert not mac_holds(reflected, ACB_KA.key, PPMID_KA.certificate.public_key)


def test_the_reference_command_is_built_octet_for_octet() -> None:
    held = certificate(ACB, KA)
    acb = Credential(held, reference_keys()[held.serial])
    built = read_version_command(acb=acb, device=certificate(PPMID, KA), counter=1300, user=SUPPLIER, user_counter=1000)
    assert built == vectors()["CS08_11.2_SUCCESS_COMMAND"]


def test_a_key_for_another_use_is_refused() -> None:
    with pytest.raises(WrongKeyUsage):
        transfer_alert(TRANSFERRED, hub=PKI.credential(CHF, KA), recipient=ACB, counter=1)
    with pytest.raises(WrongKeyUsage):
        activation_alert(ACTIVATED, device=PPMID_KA, recipient=ACB, counter=1)
    signing = PKI.credential(ACB, DS, CertificateRole.ACCESS_CONTROL_BROKER)
    with pytest.raises(WrongKeyUsage):
        read_version_command(acb=signing, device=PPMID_KA.certificate, counter=1, user=SUPPLIER, user_counter=1)
    with pytest.raises(WrongKeyUsage):
        read_version_response(ANSWER, command=read_message(ask()), device=PPMID_KA, acb=signing.certificate)


@pytest.mark.parametrize("name", ["alert", "response", "for another device", "from another party"])
def test_only_a_version_command_to_this_device_is_answered(name: str) -> None:
    command = read_message(ask())
    asked = {
        "alert": read_message(transfer_alert(TRANSFERRED, hub=PKI.credential(CHF, DS), recipient=PPMID, counter=1)),
        "response": read_message(
            read_version_response(ANSWER, command=command, device=PPMID_KA, acb=ACB_KA.certificate)
        ),
        "for another device": dataclasses.replace(command, header=dataclasses.replace(command.header, recipient=CHF)),
        "from another party": dataclasses.replace(
            command, header=dataclasses.replace(command.header, originator=SUPPLIER)
        ),
    }[name]
    with pytest.raises(UnexpectedMessage):
        read_version_response(ANSWER, command=asked, device=PPMID_KA, acb=ACB_KA.certificate)


def test_building_again_gives_the_same_octets() -> None:
    hub = PKI.credential(CHF, DS)
    assert isinstance(hub.key, ec.EllipticCurvePrivateKey)
    first, second = (transfer_alert(TRANSFERRED, hub=hub, recipient=ACB, counter=1) for _ in range(2))
    assert first == second
    assert write_message(read_message(first)) == first
