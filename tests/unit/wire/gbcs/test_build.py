"""Whole messages: each is what its receiver can read and check."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import Eui64
from hanota.base.instant import parse_iso
from hanota.base.vocabulary.devices import AlertCode, DeviceType, TransferResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.der import DerUnwritable
from hanota.wire.gbcs.build import (
    activate_pre_command,
    activate_response,
    activation_alert,
    dated_activation_alert,
    distribution_receipt,
    read_version_command,
    read_version_response,
    seal_command,
    sign_pre_command,
    transfer_alert,
)
from hanota.wire.gbcs.crypto import mac_holds, signature_holds
from hanota.wire.gbcs.errors import MessageUnwritable, UnexpectedMessage
from hanota.wire.gbcs.message import Cra, MessageCode, read_message, write_message
from hanota.wire.gbcs.payload import (
    CANCELLED_AT,
    ActivateFirmware,
    ActivateImageResponseCode,
    ActivationAlert,
    ActivationOutcome,
    ActivationResult,
    CommandAccepted,
    DatedActivation,
    DistributionReceipt,
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
    return read_version_command(
        device_type=DeviceType.PPMID,
        acb=ACB_KA,
        device=PPMID_KA.certificate,
        counter=1300,
        user=SUPPLIER,
        user_counter=1000,
    )


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
    built = read_version_command(
        device_type=DeviceType.PPMID,
        acb=acb,
        device=certificate(PPMID, KA),
        counter=1300,
        user=SUPPLIER,
        user_counter=1000,
    )
    assert built == vectors()["CS08_11.2_SUCCESS_COMMAND"]


def test_a_key_for_another_use_is_refused() -> None:
    with pytest.raises(WrongKeyUsage):
        transfer_alert(TRANSFERRED, hub=PKI.credential(CHF, KA), recipient=ACB, counter=1)
    with pytest.raises(WrongKeyUsage):
        activation_alert(ACTIVATED, device=PPMID_KA, recipient=ACB, counter=1)
    signing = PKI.credential(ACB, DS, CertificateRole.ACCESS_CONTROL_BROKER)
    with pytest.raises(WrongKeyUsage):
        read_version_command(
            device_type=DeviceType.PPMID,
            acb=signing,
            device=PPMID_KA.certificate,
            counter=1,
            user=SUPPLIER,
            user_counter=1,
        )
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


HASH = bytes.fromhex("AA758690730934FF0685AA758690730934FF0685657788990011223344556677")
SUPPLIER_DS = PKI.credential(SUPPLIER, DS, CertificateRole.SUPPLIER)
PPMID_DS = PKI.credential(PPMID, DS)
DONE = ActivationOutcome(result=ActivateImageResponseCode.SUCCESS, file_version=0x0123ABCE)


def pre_command(**facts) -> bytes:
    given = {
        "supplier": SUPPLIER,
        "device": PPMID,
        "counter": 1000,
        "manufacturer_hash": HASH,
        "execution": None,
    }
    return activate_pre_command(**{**given, **facts})


def command(**facts) -> bytes:
    return seal_command(sign_pre_command(pre_command(**facts), SUPPLIER_DS), acb=ACB_KA, device=PPMID_KA.certificate)


@pytest.mark.parametrize(
    ("kind", "counter", "execution"),
    [
        ("IMMEDIATE_SUCCESS", 1000, None),
        ("FUTURE_DATED_SUCCESS", 1001, parse_iso("2030-01-15T09:00:00Z")),
        ("IMMEDIATE_ERROR", 1005, None),
    ],
)
def test_a_reference_pre_command_is_built_octet_for_octet(kind: str, counter: int, execution) -> None:
    built = pre_command(device=Eui64.parse("00-DB-12-34-56-78-90-A0"), counter=counter, execution=execution)
    assert built == vectors()[f"CS06_11.3_{kind}_PRECOMMAND"] + b"\x00"


def test_a_pre_command_becomes_a_command_in_two_hands() -> None:
    plain = pre_command()
    signed = sign_pre_command(plain, SUPPLIER_DS)
    assert signed == plain[:-1] + b"\x40" + signed[-64:]
    sealed = seal_command(signed, acb=ACB_KA, device=PPMID_KA.certificate)
    assert sealed[14:-12] == signed
    message = read_message(sealed)
    assert message.header.originator == SUPPLIER
    assert signature_holds(message, SUPPLIER_DS.certificate.public_key)
    assert mac_holds(message, PPMID_KA.key, ACB_KA.certificate.public_key)


def test_both_forms_of_a_pre_command_are_signed_alike() -> None:
    assert sign_pre_command(pre_command()[:-1], SUPPLIER_DS) == sign_pre_command(pre_command(), SUPPLIER_DS)


def test_a_reference_command_is_sealed_octet_for_octet() -> None:
    held = certificate(ACB, KA)
    octets = vectors()["CS06_11.3_FUTURE_DATED_SUCCESS_COMMAND"]
    device = certificate(read_message(octets).header.recipient, KA)
    sealed = seal_command(octets[14:-12], acb=Credential(held, reference_keys()[held.serial]), device=device)
    assert sealed == octets


def test_only_ones_own_pre_command_is_signed_and_only_once() -> None:
    stranger = PKI.credential(CHF, DS)
    with pytest.raises(UnexpectedMessage):
        sign_pre_command(pre_command(), stranger)
    with pytest.raises(MessageUnwritable):
        sign_pre_command(sign_pre_command(pre_command(), SUPPLIER_DS), SUPPLIER_DS)
    with pytest.raises(WrongKeyUsage):
        sign_pre_command(pre_command(), PKI.credential(SUPPLIER, KA))
    with pytest.raises(UnexpectedMessage):
        sign_pre_command(transfer_alert(TRANSFERRED, hub=stranger, recipient=ACB, counter=1), stranger)


def test_only_a_signed_command_to_that_device_is_sealed() -> None:
    signed = sign_pre_command(pre_command(), SUPPLIER_DS)
    for wrong in (pre_command(), pre_command()[:-1]):
        with pytest.raises(UnexpectedMessage):
            seal_command(wrong, acb=ACB_KA, device=PPMID_KA.certificate)
    with pytest.raises(UnexpectedMessage):
        seal_command(signed, acb=ACB_KA, device=PKI.certificate(CHF, KA))
    with pytest.raises(MessageUnwritable):
        seal_command(command(), acb=ACB_KA, device=PPMID_KA.certificate)
    with pytest.raises(WrongKeyUsage):
        seal_command(signed, acb=ACB_KA, device=PPMID_DS.certificate)


def test_a_counter_beyond_63_bits_fits_no_activation() -> None:
    assert read_payload(read_message(pre_command(counter=2**63 - 1)))
    with pytest.raises(DerUnwritable):
        pre_command(counter=2**63)


def test_a_cancellation_says_so_in_its_time() -> None:
    payload = read_payload(read_message(pre_command(counter=1002, execution=CANCELLED_AT)))
    assert payload == ActivateFirmware(manufacturer_hash=HASH, originator_counter=1002, execution=CANCELLED_AT)


@pytest.mark.parametrize("answer", [DONE, CommandAccepted()], ids=lambda answer: type(answer).__name__)
def test_an_activation_is_answered_with_a_signature_and_a_date_time(answer) -> None:
    asked = read_message(command())
    response = read_message(activate_response(answer, command=asked, device=PPMID_DS, at=NOW))
    assert read_payload(response) == answer
    assert signature_holds(response, PPMID_DS.certificate.public_key)
    assert response.mac is None
    assert response.header.date_time == bytes.fromhex("07ea010fff090000008000ff")
    back = dataclasses.replace(response.header, cra=Cra.COMMAND, originator=SUPPLIER, recipient=PPMID, date_time=b"")
    assert back == asked.header


def test_only_an_activation_of_this_device_is_answered() -> None:
    for wrong in (read_message(ask()), read_message(pre_command(device=CHF))):
        with pytest.raises(UnexpectedMessage):
            activate_response(DONE, command=wrong, device=PPMID_DS, at=NOW)


def test_a_dated_activation_is_told_by_the_device() -> None:
    alert = DatedActivation(
        alert_code=AlertCode.FUTURE_DATED_COMMAND_DONE, at=NOW, originator_counter=1001, outcome=DONE
    )
    message = read_message(dated_activation_alert(alert, device=PPMID_DS, recipient=SUPPLIER, counter=2000))
    assert (message.header.message_code, message.header.cra, message.header.counter) == (0x00CA, Cra.ALERT, 2000)
    assert read_payload(message) == alert
    assert signature_holds(message, PPMID_DS.certificate.public_key)


@pytest.mark.parametrize(("device_type", "code"), [(DeviceType.ESME, 0x00CE), (DeviceType.GSME, 0x00CF)])
def test_a_receipt_is_told_in_the_encoding_of_the_meter(device_type: DeviceType, code: int) -> None:
    alert = DistributionReceipt(alert_code=AlertCode.FIRMWARE_VERIFIED, at=NOW, manufacturer_hash=HASH)
    octets = distribution_receipt(alert, device=PPMID_DS, recipient=SUPPLIER, counter=2000, device_type=device_type)
    message = read_message(octets)
    assert message.header.message_code == code
    assert read_payload(message) == alert
    assert signature_holds(message, PPMID_DS.certificate.public_key)


def test_other_devices_have_no_receipt_and_no_version() -> None:
    alert = DistributionReceipt(alert_code=AlertCode.FIRMWARE_VERIFIED, at=NOW, manufacturer_hash=HASH)
    with pytest.raises(MessageUnwritable):
        distribution_receipt(alert, device=PPMID_DS, recipient=SUPPLIER, counter=1, device_type=DeviceType.PPMID)
    with pytest.raises(MessageUnwritable):
        read(DeviceType.IHD)


def read(device_type: DeviceType) -> bytes:
    return read_version_command(
        device_type=device_type,
        acb=ACB_KA,
        device=PPMID_KA.certificate,
        counter=0x18290CB75A8,
        user=SUPPLIER,
        user_counter=1,
    )


@pytest.mark.parametrize(
    ("device_type", "code"),
    [
        (DeviceType.PPMID, 0x0129),
        (DeviceType.HCALCS, 0x0129),
        (DeviceType.ESME, 0x0059),
        (DeviceType.CHF, 0x0059),
        (DeviceType.GSME, 0x0084),
        (DeviceType.GPF, 0x0084),
    ],
)
def test_every_device_is_asked_for_its_version_in_its_own_use_case(device_type: DeviceType, code: int) -> None:
    asked = read_message(read(device_type))
    assert asked.header.message_code == code
    assert (asked.header.originator, asked.header.supplementary_party) == (ACB, SUPPLIER)
    assert read_payload(asked) == ReadVersion()
    answer = read_message(read_version_response(ANSWER, command=asked, device=PPMID_KA, acb=ACB_KA.certificate))
    assert read_payload(answer) == ANSWER
    assert mac_holds(answer, ACB_KA.key, PPMID_KA.certificate.public_key)
