"""Whole firmware messages, signed or sealed as GBCS wants each use case to be, ready to send."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.gbcs.cells import write_date_time
from hanota.wire.gbcs.crypto import seal, sign_message
from hanota.wire.gbcs.errors import MessageUnwritable, UnexpectedMessage
from hanota.wire.gbcs.message import Cra, Header, Message, MessageCode, read_message, write_message
from hanota.wire.gbcs.payload import (
    ActivateFirmware,
    ActivationAlert,
    ActivationOutcome,
    CommandAccepted,
    DatedActivation,
    DistributionReceipt,
    Payload,
    ReadVersion,
    TransferAlert,
    VersionRead,
    read_payload,
    write_payload,
)
from hanota.wire.smki.certificate import Certificate, Credential

_CS08: Final = MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION
_ECS52: Final = MessageCode.ECS52_READ_FIRMWARE_VERSION
_GCS38: Final = MessageCode.GCS38_READ_FIRMWARE_VERSION
READ_VERSION_CODES: Final[Mapping[DeviceType, MessageCode]] = {
    DeviceType.PPMID: _CS08,
    DeviceType.HCALCS: _CS08,
    DeviceType.ESME: _ECS52,
    DeviceType.CHF: _ECS52,
    DeviceType.GSME: _GCS38,
    DeviceType.GPF: _GCS38,
}
"""The use case in which each type of device is asked for its version (GBCS use cases CS08, ECS52, GCS38)."""

_RECEIPTS: Final[Mapping[DeviceType, MessageCode]] = {
    DeviceType.ESME: MessageCode.FIRMWARE_DISTRIBUTION_RECEIPT_ALERT_ESME,
    DeviceType.GSME: MessageCode.FIRMWARE_DISTRIBUTION_RECEIPT_ALERT_GSME,
}


def transfer_alert(alert: TransferAlert, *, hub: Credential, recipient: Eui64, counter: int) -> bytes:
    """Give CCS08 from a hub to the ACB, signed by the hub.

    Args: hub: its digital-signature credential. counter: the hub's own, which must rise.
    Raises WrongKeyUsage, MessageUnwritable, DerUnwritable.
    """
    return _signed_alert(MessageCode.CCS08_FIRMWARE_TRANSFER_ALERT, alert, hub, recipient, counter)


def activation_alert(alert: ActivationAlert, *, device: Credential, recipient: Eui64, counter: int) -> bytes:
    """Give CS09 from a PPMID to the ACB, signed by the PPMID.

    Args: device: its digital-signature credential. counter: the device's own, which must rise.
    Raises WrongKeyUsage, MessageUnwritable, DerUnwritable.
    """
    return _signed_alert(MessageCode.CS09_PPMID_FIRMWARE_ACTIVATION_ALERT, alert, device, recipient, counter)


def dated_activation_alert(alert: DatedActivation, *, device: Credential, recipient: Eui64, counter: int) -> bytes:
    """Give the alert 0x00CA from a device to the supplier whose command it carried out, signed by the device.

    Args: device: its digital-signature credential. counter: the device's own, which must rise.
    Raises WrongKeyUsage, MessageUnwritable, DerUnwritable.
    """
    return _signed_alert(MessageCode.FUTURE_DATED_FIRMWARE_ACTIVATION_ALERT, alert, device, recipient, counter)


def distribution_receipt(
    alert: DistributionReceipt, *, device: Credential, recipient: Eui64, counter: int, device_type: DeviceType
) -> bytes:
    """Give the alert 0x00CE (ESME) or 0x00CF (GSME) from a meter to its supplier, signed by the meter.

    Args: device: its digital-signature credential. counter: the device's own, which must rise.
    Raises WrongKeyUsage, DerUnwritable; MessageUnwritable, also for devices that have no such alert.
    """
    code = _use_case(_RECEIPTS, device_type, "ESME or GSME")
    return _signed_alert(code, alert, device, recipient, counter)


def activate_pre_command(
    *, supplier: Eui64, device: Eui64, counter: int, manufacturer_hash: bytes, execution: Instant | None
) -> bytes:
    """Give the CS06 command that the supplier is to sign, with the signature length 00 at its end.

    Args: counter: the supplier's, that of its DUIS request; at most 2^63-1. execution: None for now; CANCELLED_AT
    takes an earlier command back. Raises MessageUnwritable, DerUnwritable.
    """
    header = Header(
        cra=Cra.COMMAND,
        counter=counter,
        originator=supplier,
        recipient=device,
        message_code=MessageCode.CS06_ACTIVATE_FIRMWARE,
    )
    command = ActivateFirmware(manufacturer_hash=manufacturer_hash, originator_counter=counter, execution=execution)
    return write_message(Message(header=header, payload=write_payload(command, header)))


def sign_pre_command(octets: bytes, supplier: Credential) -> bytes:
    """Give a pre-command, with or without the 00 at its end, signed by the supplier that it names as originator.

    Args: supplier: its digital-signature credential. Raises MessageMalformed, WrongKeyUsage; MessageUnwritable: it is
    signed or sealed already; UnexpectedMessage: another's, or no command.
    """
    supplier.certificate.require_usage(KeyUsage.DIGITAL_SIGNATURE)
    message = read_message(octets)
    header = message.header
    ours = header.cra is Cra.COMMAND and header.originator == supplier.certificate.eui
    require(ours, UnexpectedMessage, got=header, expected=f"pre-command of {supplier.certificate.eui}")
    return write_message(sign_message(message, supplier.key))


def seal_command(signed_pre_command: bytes, *, acb: Credential, device: Certificate) -> bytes:
    """Give the command that goes to the device: a signed pre-command, whoever signed it, with the ACB's MAC.

    Args: acb, device: for key agreement. Raises MessageMalformed, WrongKeyUsage; MessageUnwritable: it is sealed
    already; UnexpectedMessage: not signed, no command, or for another device.
    """
    acb.certificate.require_usage(KeyUsage.KEY_AGREEMENT)
    device.require_usage(KeyUsage.KEY_AGREEMENT)
    return write_message(seal(signed_command(signed_pre_command, device.eui), acb.key, device.public_key))


def signed_command(signed_pre_command: bytes, device: Eui64) -> Message:
    """Give a signed pre-command to a device as the message that is to be sealed.

    Raises MessageMalformed; UnexpectedMessage: not signed, no command, or for another device.
    """
    message = read_message(signed_pre_command)
    header = message.header
    ready = header.cra is Cra.COMMAND and header.recipient == device and message.signature
    require(ready, UnexpectedMessage, got=header, expected=f"signed pre-command to {device}")
    return message


def activate_response(
    answer: ActivationOutcome | CommandAccepted, *, command: Message, device: Credential, at: Instant
) -> bytes:
    """Give the CS06 response to `command`, signed by the device; its header says when it was made, to the second.

    Args: device: its digital-signature credential.
    Raises WrongKeyUsage, MessageUnwritable, DerUnwritable; UnexpectedMessage: `command` is not CS06 to this device.
    """
    device.certificate.require_usage(KeyUsage.DIGITAL_SIGNATURE)
    ours = isinstance(read_payload(command), ActivateFirmware) and command.header.recipient == device.certificate.eui
    require(ours, UnexpectedMessage, got=command.header, expected="CS06 command to this device")
    header = dataclasses.replace(_answering(command.header), date_time=write_date_time(at))
    response = Message(header=header, payload=write_payload(answer, header))
    return write_message(sign_message(response, device.key))


def read_version_command(
    *,
    device_type: DeviceType,
    acb: Credential,
    device: Certificate,
    counter: int,
    user: Eui64,
    user_counter: int,
) -> bytes:
    """Give the command that asks a device for its version, from the ACB on behalf of `user`, sealed by the ACB.

    CS08 to a PPMID or HCALCS, ECS52 to an ESME or CHF, GCS38 to a GSME or GPF.

    Args: acb, device: for key agreement. counter: the ACB's own. user_counter: that of the user's request.
    Raises WrongKeyUsage; MessageUnwritable, also for devices that can't be asked.
    """
    acb.certificate.require_usage(KeyUsage.KEY_AGREEMENT)
    device.require_usage(KeyUsage.KEY_AGREEMENT)
    command = ask_version(
        device_type=device_type,
        acb=acb.certificate.eui,
        device=device.eui,
        counter=counter,
        user=user,
        user_counter=user_counter,
    )
    return write_message(seal(command, acb.key, device.public_key))


def ask_version(
    *, device_type: DeviceType, acb: Eui64, device: Eui64, counter: int, user: Eui64, user_counter: int
) -> Message:
    """Give the command of `read_version_command` as the message that is to be sealed. Raises MessageUnwritable."""
    header = Header(
        cra=Cra.COMMAND,
        counter=counter,
        originator=acb,
        recipient=device,
        message_code=_use_case(READ_VERSION_CODES, device_type, "a device with GBCS credentials"),
        supplementary_party=user,
        supplementary_counter=user_counter,
    )
    return Message(header=header, payload=write_payload(ReadVersion(), header))


def read_version_response(answer: VersionRead, *, command: Message, device: Credential, acb: Certificate) -> bytes:
    """Give the response to a CS08, ECS52 or GCS38 command, sealed by the device; it repeats the command's counters.

    Args: device, acb: for key agreement; `acb` is that of the command's originator.
    Raises WrongKeyUsage, MessageUnwritable, DerUnwritable; UnexpectedMessage: `command` does not ask this device for
    its version, or not for this originator.
    """
    device.certificate.require_usage(KeyUsage.KEY_AGREEMENT)
    acb.require_usage(KeyUsage.KEY_AGREEMENT)
    asked = command.header
    ours = read_payload(command) == ReadVersion() and asked.recipient == device.certificate.eui
    right = ours and asked.originator == acb.eui
    require(right, UnexpectedMessage, got=asked, expected="version command to this device")
    header = _answering(asked)
    response = Message(header=header, payload=write_payload(answer, header))
    return write_message(seal(response, device.key, acb.public_key))


def _answering(asked: Header) -> Header:
    return Header(
        cra=Cra.RESPONSE,
        counter=asked.counter,
        originator=asked.recipient,
        recipient=asked.originator,
        message_code=asked.message_code,
        supplementary_party=asked.supplementary_party,
        supplementary_counter=asked.supplementary_counter,
        supplementary_rest=asked.supplementary_rest,
    )


def _use_case(codes: Mapping[DeviceType, MessageCode], device_type: DeviceType, expected: str) -> MessageCode:
    code = codes.get(device_type)
    if code is None:
        raise MessageUnwritable(field="device type", got=device_type, expected=expected)
    return code


def _signed_alert(code: MessageCode, alert: Payload, sender: Credential, recipient: Eui64, counter: int) -> bytes:
    sender.certificate.require_usage(KeyUsage.DIGITAL_SIGNATURE)
    header = Header(
        cra=Cra.ALERT,
        counter=counter,
        originator=sender.certificate.eui,
        recipient=recipient,
        message_code=code,
    )
    return write_message(sign_message(Message(header=header, payload=write_payload(alert, header)), sender.key))
