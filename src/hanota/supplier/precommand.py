"""A critical command's second half: the DCC's pre-command is held against the request, signed, and sent back.

What a User signs, the device does. So nothing is signed whose meaning is not read and found to be what was asked for.
Source: domain 2.2 (command variants 4 to 7), 4.5.
"""

import dataclasses
from collections.abc import Iterator
from typing import Final

from hanota.base.errors import require
from hanota.base.instant import SECOND, Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.commands import CANCEL_TIME
from hanota.supplier.errors import PreCommandDiffers, PreCommandMissing
from hanota.supplier.send import Prepared, prepare
from hanota.wire.duis import (
    ActivateFirmware,
    PreCommand,
    Request,
    Response,
    ResponseMessage,
    SignedPreCommand,
    parse_safely,
    read_request,
    write_request,
)
from hanota.wire.gbcs import CANCELLED_AT, Cra, read_message, read_payload, sign_pre_command
from hanota.wire.gbcs import ActivateFirmware as Activation
from hanota.wire.smki import KeyDirectory

TRANSFORM: Final = 4
"""The command variant that is answered with a pre-command."""

SEND_SIGNED: Final = 5
"""The command variant under which a signed pre-command goes to the device."""


def answer_pre_command(prepared: Prepared, answer: Response, keys: KeyDirectory) -> Prepared:
    """Sign the pre-command in `answer` as the originator, in a request under the same RequestID.

    Raises PreCommandMissing; PreCommandDiffers: it does not say what `prepared` asked for; CertificateMissing,
    KeyMissing: the originator's own message-signing key (role 02) is not held; MessageMalformed, PayloadMalformed.
    """
    body = answer.body
    given = body.content if isinstance(body, ResponseMessage) else None
    if not isinstance(given, PreCommand):
        raise PreCommandMissing(request_id=prepared.request_id)
    require_same(read_request(parse_safely(prepared.octets)), given.octets)
    signer = keys.credential(prepared.request_id.originator, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)
    header = dataclasses.replace(prepared.header, command_variant=SEND_SIGNED)
    return prepare(write_request(SignedPreCommand(header=header, gbcs=sign_pre_command(given.octets, signer))), keys)


def require_same(asked: Request, pre_command: bytes) -> None:
    """Refuse a pre-command that is not the one for `asked`. Raises PreCommandDiffers."""
    for field, got, expected in _compared(asked, pre_command):
        require(
            got == expected,
            PreCommandDiffers,
            request_id=asked.header.request_id,
            field=field,
            got=got,
            expected=expected,
        )


def _compared(asked: Request, pre_command: bytes) -> Iterator[tuple[str, object, object]]:
    message, identifier = read_message(pre_command), asked.header.request_id
    header = message.header
    yield "its kind", header.cra, Cra.COMMAND
    yield "originator", header.originator, identifier.originator
    yield "device", header.recipient, identifier.target
    yield "counter", header.counter, identifier.counter
    says = read_payload(message)
    yield "what it tells the device to do", _name(says), _name(asked)
    assert isinstance(says, Activation)
    assert isinstance(asked, ActivateFirmware)
    yield "counter in the command", says.originator_counter, identifier.counter
    yield "hash of the image", says.manufacturer_hash.hex(), asked.firmware_hash.hex()
    yield "time of activation", says.execution, _execution(asked.execution)


def _name(value: object) -> str:
    return "activate firmware" if isinstance(value, Activation | ActivateFirmware) else type(value).__name__


def _execution(asked: Instant | None) -> Instant | None:
    """A time as GBCS has it: whole seconds, and a date of its own for calling off."""
    if asked == CANCEL_TIME:
        return CANCELLED_AT
    return None if asked is None else Instant(asked - asked % SECOND)
