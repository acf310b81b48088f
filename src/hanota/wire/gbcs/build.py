"""Whole firmware messages, signed or sealed as GBCS wants each use case to be, ready to send."""

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.gbcs.crypto import seal, sign_message
from hanota.wire.gbcs.errors import UnexpectedMessage
from hanota.wire.gbcs.message import Cra, Header, Message, MessageCode, write_message
from hanota.wire.gbcs.payload import (
    ActivationAlert,
    ReadVersion,
    TransferAlert,
    VersionRead,
    read_payload,
    write_payload,
)
from hanota.wire.smki.certificate import Certificate, Credential


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


def read_version_command(
    *, acb: Credential, device: Certificate, counter: int, user: Eui64, user_counter: int
) -> bytes:
    """Give the CS08 command from the ACB to a PPMID or HCALCS on behalf of `user`, sealed by the ACB.

    Args: acb, device: for key agreement. counter: the ACB's own. user_counter: that of the user's request.
    Raises WrongKeyUsage, MessageUnwritable.
    """
    acb.certificate.require_usage(KeyUsage.KEY_AGREEMENT)
    device.require_usage(KeyUsage.KEY_AGREEMENT)
    header = Header(
        cra=Cra.COMMAND,
        counter=counter,
        originator=acb.certificate.eui,
        recipient=device.eui,
        message_code=MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION,
        supplementary_party=user,
        supplementary_counter=user_counter,
    )
    command = Message(header=header, payload=write_payload(ReadVersion()))
    return write_message(seal(command, acb.key, device.public_key))


def read_version_response(answer: VersionRead, *, command: Message, device: Credential, acb: Certificate) -> bytes:
    """Give the CS08 response to `command`, sealed by the device; it repeats the command's counters.

    Args: device, acb: for key agreement.
    Raises WrongKeyUsage, MessageUnwritable, DerUnwritable; UnexpectedMessage: `command` is not a CS08 command to
    this device from this ACB.
    """
    device.certificate.require_usage(KeyUsage.KEY_AGREEMENT)
    acb.require_usage(KeyUsage.KEY_AGREEMENT)
    asked = command.header
    ours = read_payload(command) == ReadVersion() and asked.recipient == device.certificate.eui
    require(ours and asked.originator == acb.eui, UnexpectedMessage, got=asked, expected="CS08 command to this device")
    header = Header(
        cra=Cra.RESPONSE,
        counter=asked.counter,
        originator=asked.recipient,
        recipient=asked.originator,
        message_code=asked.message_code,
        supplementary_party=asked.supplementary_party,
        supplementary_counter=asked.supplementary_counter,
        supplementary_rest=asked.supplementary_rest,
    )
    response = Message(header=header, payload=write_payload(answer))
    return write_message(seal(response, device.key, acb.public_key))


def _signed_alert(
    code: MessageCode, alert: TransferAlert | ActivationAlert, sender: Credential, recipient: Eui64, counter: int
) -> bytes:
    sender.certificate.require_usage(KeyUsage.DIGITAL_SIGNATURE)
    header = Header(
        cra=Cra.ALERT,
        counter=counter,
        originator=sender.certificate.eui,
        recipient=recipient,
        message_code=code,
    )
    return write_message(sign_message(Message(header=header, payload=write_payload(alert)), sender.key))
