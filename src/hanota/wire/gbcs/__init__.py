"""GBCS messages: headers, ASN.1 payloads of the firmware use cases, signatures and MACs.

- `message.py`: any message, octet for octet.
- `payload.py`: what firmware messages carry; other use cases keep their payload as octets.
- `crypto.py`: signing, sealing, and the checks of both.
- `build.py`: whole messages ready to send.
"""

from hanota.wire.gbcs.build import activation_alert, read_version_command, read_version_response, transfer_alert
from hanota.wire.gbcs.crypto import mac_holds, seal, sign_message, signature_holds
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
    ActivationAlert,
    ActivationResult,
    Payload,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
    read_payload,
    write_payload,
)

__all__ = [
    "ActivationAlert",
    "ActivationResult",
    "Cra",
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
    "activation_alert",
    "mac_holds",
    "read_message",
    "read_payload",
    "read_version_command",
    "read_version_response",
    "seal",
    "sign_message",
    "signature_holds",
    "transfer_alert",
    "write_message",
    "write_payload",
]
