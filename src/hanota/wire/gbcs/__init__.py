"""GBCS messages: headers, payloads of the firmware use cases, signatures and MACs.

- `message.py`: any message, octet for octet.
- `values.py`: what firmware messages carry; other use cases keep their payload as octets.
- `payload.py`: which use case carries what; `asn1.py`, `dlms.py` and `zigbee.py` are the encodings.
- `crypto.py`: signing, sealing, and the checks of both.
- `build.py`: whole messages ready to send.
- `verdicts.py`, `describe.py`: what a message says and whose it is, field by field, for people.
"""

from hanota.wire.gbcs.build import (
    READ_VERSION_CODES,
    activate_pre_command,
    activate_response,
    activation_alert,
    ask_version,
    dated_activation_alert,
    distribution_receipt,
    read_version_command,
    read_version_response,
    seal_command,
    sign_pre_command,
    signed_command,
    transfer_alert,
)
from hanota.wire.gbcs.crypto import (
    mac_holds,
    mac_holds_under,
    seal,
    seal_under,
    shared_secret,
    sign_message,
    signature_holds,
)
from hanota.wire.gbcs.errors import (
    GbcsMalformed,
    MessageMalformed,
    MessageShort,
    MessageTrailing,
    MessageUnwritable,
    PayloadMalformed,
    UnexpectedMessage,
)
from hanota.wire.gbcs.message import Cra, Header, Message, MessageCode, read_message, write_message
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
    Payload,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
    read_payload,
    write_payload,
)

__all__ = [
    "CANCELLED_AT",
    "READ_VERSION_CODES",
    "ActivateFirmware",
    "ActivateImageResponseCode",
    "ActivationAlert",
    "ActivationOutcome",
    "ActivationResult",
    "CommandAccepted",
    "Cra",
    "DatedActivation",
    "DistributionReceipt",
    "GbcsMalformed",
    "Header",
    "Message",
    "MessageCode",
    "MessageMalformed",
    "MessageShort",
    "MessageTrailing",
    "MessageUnwritable",
    "Payload",
    "PayloadMalformed",
    "ReadResponseCode",
    "ReadVersion",
    "TransferAlert",
    "UnexpectedMessage",
    "VersionRead",
    "activate_pre_command",
    "activate_response",
    "activation_alert",
    "ask_version",
    "dated_activation_alert",
    "distribution_receipt",
    "mac_holds",
    "mac_holds_under",
    "read_message",
    "read_payload",
    "read_version_command",
    "read_version_response",
    "seal",
    "seal_command",
    "seal_under",
    "shared_secret",
    "sign_message",
    "sign_pre_command",
    "signature_holds",
    "signed_command",
    "transfer_alert",
    "write_message",
    "write_payload",
]
