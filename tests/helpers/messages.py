"""GBCS messages of the test PPMID, its hub and the ACB."""

from functools import cache

from hanota.base.vocabulary.devices import AlertCode, DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.gbcs.build import activation_alert, read_version_command, read_version_response
from hanota.wire.gbcs.message import read_message
from hanota.wire.gbcs.payload import ActivationAlert, ActivationResult, ReadResponseCode, VersionRead
from helpers.premises import ACB, DCC, NEW, NOW, PPMID, SUPPLIER, keys


@cache
def activation(counter: int) -> bytes:
    """CS09 of the PPMID: it runs the new version."""
    alert = ActivationAlert(
        alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION, at=NOW, file_version=NEW, result=ActivationResult.SUCCESS
    )
    device = keys().credential(PPMID, KeyUsage.DIGITAL_SIGNATURE)
    return activation_alert(alert, device=device, recipient=DCC, counter=counter)


@cache
def read_version(counter: int) -> bytes:
    """CS08 command of the ACB to the PPMID."""
    return read_version_command(
        device_type=DeviceType.PPMID,
        acb=keys().credential(DCC, KeyUsage.KEY_AGREEMENT, ACB),
        device=keys().certificate(PPMID, KeyUsage.KEY_AGREEMENT),
        counter=counter,
        user=SUPPLIER,
        user_counter=1,
    )


def version_response(command: bytes) -> bytes:
    """The PPMID's answer to a CS08 command."""
    answer = VersionRead(file_version=NEW, response_code=ReadResponseCode.READ_SUCCESS)
    return read_version_response(
        answer,
        command=read_message(command),
        device=keys().credential(PPMID, KeyUsage.KEY_AGREEMENT),
        acb=keys().certificate(DCC, KeyUsage.KEY_AGREEMENT, ACB),
    )
