"""Which use case carries what, and in which encoding: reading and writing payloads.

The values stand in `values.py`; the encodings in `asn1.py`, `dlms.py` and `zigbee.py`.
"""

from collections.abc import Mapping
from typing import Final

from hanota.base.errors import HanotaError, require
from hanota.wire.gbcs import asn1, dlms, zigbee
from hanota.wire.gbcs.codec import Codec
from hanota.wire.gbcs.errors import MessageUnwritable, PayloadMalformed
from hanota.wire.gbcs.message import Cra, Header, Message, MessageCode
from hanota.wire.gbcs.values import (
    CANCELLED_AT,
    ActivateFirmware,
    ActivateImageResponseCode,
    ActivationAlert,
    ActivationOutcome,
    ActivationResult,
    CommandAccepted,
    DatedActivation,
    DistributionReceipt,
    Payload,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
)

__all__ = [
    "CANCELLED_AT",
    "CODECS",
    "ActivateFirmware",
    "ActivateImageResponseCode",
    "ActivationAlert",
    "ActivationOutcome",
    "ActivationResult",
    "CommandAccepted",
    "DatedActivation",
    "DistributionReceipt",
    "Payload",
    "ReadResponseCode",
    "ReadVersion",
    "TransferAlert",
    "VersionRead",
    "read_payload",
    "write_payload",
]

# CS09 is written under 0x012B; some senders give it the code of CS08 (docs/errata.md), so that is read too.
CODECS: Final[Mapping[tuple[MessageCode, Cra], Codec]] = {
    (MessageCode.CS06_ACTIVATE_FIRMWARE, Cra.COMMAND): asn1.ACTIVATE_FIRMWARE,
    (MessageCode.CS06_ACTIVATE_FIRMWARE, Cra.RESPONSE): asn1.ACTIVATION_RESPONSE,
    (MessageCode.ECS52_READ_FIRMWARE_VERSION, Cra.COMMAND): dlms.READ_VERSION,
    (MessageCode.ECS52_READ_FIRMWARE_VERSION, Cra.RESPONSE): dlms.VERSION_READ,
    (MessageCode.GCS38_READ_FIRMWARE_VERSION, Cra.COMMAND): zigbee.READ_VERSION,
    (MessageCode.GCS38_READ_FIRMWARE_VERSION, Cra.RESPONSE): zigbee.VERSION_READ,
    (MessageCode.FUTURE_DATED_FIRMWARE_ACTIVATION_ALERT, Cra.ALERT): asn1.DATED_ACTIVATION,
    (MessageCode.FIRMWARE_DISTRIBUTION_RECEIPT_ALERT_ESME, Cra.ALERT): dlms.DISTRIBUTION_RECEIPT,
    (MessageCode.FIRMWARE_DISTRIBUTION_RECEIPT_ALERT_GSME, Cra.ALERT): zigbee.DISTRIBUTION_RECEIPT,
    (MessageCode.CCS08_FIRMWARE_TRANSFER_ALERT, Cra.ALERT): asn1.TRANSFER_ALERT,
    (MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION, Cra.COMMAND): asn1.READ_VERSION,
    (MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION, Cra.RESPONSE): asn1.VERSION_READ,
    (MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION, Cra.ALERT): asn1.ACTIVATION_ALERT,
    (MessageCode.CS09_PPMID_FIRMWARE_ACTIVATION_ALERT, Cra.ALERT): asn1.ACTIVATION_ALERT,
}
"""The payloads that hanota knows, by use case and direction (GBCS 11; DLMS and ZigBee per use case)."""


def read_payload(message: Message) -> Payload | None:
    """Read what a message carries; None for a use case whose payload hanota keeps as octets only.

    Raises PayloadMalformed: the payload is not that of the use case, or not in its one encoding.
    """
    header, octets = message.header, message.payload
    codec = CODECS.get((header.message_code, header.cra))
    if codec is None:
        return None
    try:
        return codec.read(octets, header)
    except HanotaError as cause:
        name = f"{header.message_code.name} {header.cra.name}"
        offset = cause.facts.get("offset") or 0
        raise PayloadMalformed(use_case=name, offset=offset, reason=cause.explain()) from cause


def write_payload(payload: Payload, header: Header) -> bytes:
    """Write a payload as the use case of `header` encodes it.

    Raises DerUnwritable, MessageUnwritable: a number or a time outside its range, or no payload of this use case.
    """
    use_case = (header.message_code, header.cra)
    codec = CODECS.get(use_case)
    name = f"{use_case[0].name} {use_case[1].name}"
    if codec is None:
        raise MessageUnwritable(field="payload", got=payload, expected=f"nothing: {name} is not known")
    require(
        isinstance(payload, codec.kinds), MessageUnwritable, field="payload", got=payload, expected=f"one of {name}"
    )
    return codec.write(payload, header)
