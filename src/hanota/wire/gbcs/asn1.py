"""ASN.1 payloads: CS06 and its alert, CS08, CS09, CCS08. The layouts stand in `firmware.asn`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hanota.base.eui import EUI64_OCTETS, Eui64
from hanota.base.instant import SECOND, Instant, from_generalized, iso
from hanota.base.openenum import OpenIntEnum
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.wire.der import DerMalformed, DerSchema
from hanota.wire.gbcs.codec import HASH_OCTETS, VERSION_OCTETS, Codec, Part, require_time, version_octets
from hanota.wire.gbcs.message import Header
from hanota.wire.gbcs.values import (
    CANCELLED_AT,
    ActivateFirmware,
    ActivateImageResponseCode,
    ActivationAlert,
    ActivationOutcome,
    ActivationResult,
    CommandAccepted,
    DatedActivation,
    Payload,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
)

_SCHEMA: Final = DerSchema("hanota.wire.gbcs", "firmware.asn")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER, _OCTET_STRING, _NULL, _GENERALIZED_TIME, _SEQUENCE_TAG = 0x02, 0x04, 0x05, 0x18, 0x30  # X.690, universal

Fields = Mapping[str, Any]  # what asn1tools makes of a SEQUENCE; DerSchema has checked it against the layout


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One tag in the order of the wire: what it is called, how long it is if that is fixed, whose codes it holds."""

    name: str
    tag: int
    octets: int | None = None
    codes: type[OpenIntEnum] | None = None
    show: Callable[[bytes], str] = lambda content: content.hex().upper()


@dataclass(frozen=True, slots=True)
class _Row:
    """How a payload is laid out: its type in `firmware.asn`, the way to and from its fields, its leaves in order."""

    type_name: str
    kinds: tuple[type[Payload], ...]
    read: Callable[[Any], Payload]
    write: Callable[[Any], object]
    leaves: tuple[_Leaf, ...]


def _codec(row: _Row, *, other: tuple[_Leaf, ...] = ()) -> Codec:
    """Make the codec of a row; `other` are the leaves of the other alternative of a CHOICE."""

    def leaves(octets: bytes) -> tuple[_Leaf, ...]:
        return other if other and octets[:1] == bytes((other[0].tag,)) else row.leaves

    def read(octets: bytes, _: Header) -> Payload:
        try:
            return row.read(_SCHEMA.read(row.type_name, octets))
        except DerMalformed as cause:
            raise DerMalformed(**{**cause.facts, "offset": _locate(octets, leaves(octets), cause)}) from cause

    def write(payload: Payload, _: Header) -> bytes:
        return _SCHEMA.write(row.type_name, row.write(payload))

    return Codec(row.kinds, read, write, lambda octets: _parts(octets, leaves(octets)))


def _read_version(fields: Fields) -> int:
    return int.from_bytes(fields["firmwareVersion"], "big")


def _read_moment(fields: Fields) -> Instant:
    return from_generalized(fields["executionDateTime"].strftime("%Y%m%d%H%M%SZ"))


def _moment(at: Instant) -> datetime:
    require_time(at)
    return _EPOCH + timedelta(seconds=at // SECOND)


def _show_time(content: bytes) -> str:
    moment = from_generalized(content.decode("ascii"))
    return "never: takes an earlier command back" if moment == CANCELLED_AT else iso(moment)


def _read_outcome(fields: Fields) -> ActivationOutcome:
    result = ActivateImageResponseCode(fields["activateImageResponseCode"])
    return ActivationOutcome(result=result, file_version=_read_version(fields))


def _outcome(outcome: ActivationOutcome) -> Fields:
    return {
        "activateImageResponseCode": int(outcome.result),
        "firmwareVersion": version_octets(outcome.file_version),
    }


def _read_activation(fields: Fields) -> ActivateFirmware:
    return ActivateFirmware(
        manufacturer_hash=fields["manufacturerImageHash"],
        originator_counter=fields["originatorCounter"],
        execution=_read_moment(fields) if "executionDateTime" in fields else None,
    )


def _activation(command: ActivateFirmware) -> Fields:
    fields = {"manufacturerImageHash": command.manufacturer_hash, "originatorCounter": command.originator_counter}
    return fields if command.execution is None else {**fields, "executionDateTime": _moment(command.execution)}


_SEQUENCE: Final = _Leaf("sequence", _SEQUENCE_TAG)
_VERSION: Final = _Leaf("firmware version", _OCTET_STRING, VERSION_OCTETS)
_TIME: Final = _Leaf("execution date-time", _GENERALIZED_TIME, 15, show=_show_time)
_ALERT: Final = (_SEQUENCE, _Leaf("alert code", _INTEGER, codes=AlertCode), _TIME)
_COUNTER: Final = _Leaf("originator counter", _INTEGER)
_RESULT: Final = _Leaf("activate image response code", _INTEGER, codes=ActivateImageResponseCode)
_OUTCOME: Final = (_SEQUENCE, _RESULT, _VERSION)
_DEVICE: Final = _Leaf(
    "target device", _OCTET_STRING, EUI64_OCTETS, show=lambda content: str(Eui64.from_octets(content))
)
_HASH: Final = _Leaf("Manufacturer Image Hash", _OCTET_STRING, HASH_OCTETS)

TRANSFER_ALERT: Final = _codec(
    _Row(
        "TransferAlert",
        (TransferAlert,),
        lambda fields: TransferAlert(
            alert_code=AlertCode(fields["alertCode"]),
            at=_read_moment(fields),
            device=Eui64.from_octets(fields["entityId"]),
            file_version=_read_version(fields),
            result=TransferResponseCode(fields["responseCode"]),
        ),
        lambda alert: {
            "alertCode": int(alert.alert_code),
            "executionDateTime": _moment(alert.at),
            "entityId": alert.device.octets,
            "firmwareVersion": version_octets(alert.file_version),
            "responseCode": int(alert.result),
        },
        (*_ALERT, _DEVICE, _VERSION, _Leaf("response code", _INTEGER, codes=TransferResponseCode)),
    )
)
ACTIVATION_ALERT: Final = _codec(
    _Row(
        "ActivationAlert",
        (ActivationAlert,),
        lambda fields: ActivationAlert(
            alert_code=AlertCode(fields["alertCode"]),
            at=_read_moment(fields),
            file_version=_read_version(fields),
            result=ActivationResult(fields["activateImageResult"]),
        ),
        lambda alert: {
            "alertCode": int(alert.alert_code),
            "executionDateTime": _moment(alert.at),
            "firmwareVersion": version_octets(alert.file_version),
            "activateImageResult": int(alert.result),
        },
        (*_ALERT, _VERSION, _Leaf("activate image result", _INTEGER, codes=ActivationResult)),
    )
)
READ_VERSION: Final = _codec(
    _Row(
        "ReadVersion",
        (ReadVersion,),
        lambda _: ReadVersion(),
        lambda _: None,
        (_Leaf("which version runs?", _NULL, 0),),
    )
)
VERSION_READ: Final = _codec(
    _Row(
        "VersionRead",
        (VersionRead,),
        lambda fields: VersionRead(
            file_version=_read_version(fields), response_code=ReadResponseCode(fields["responseCode"])
        ),
        lambda answer: {
            "firmwareVersion": version_octets(answer.file_version),
            "responseCode": int(answer.response_code),
        },
        (_SEQUENCE, _VERSION, _Leaf("response code", _INTEGER, codes=ReadResponseCode)),
    )
)
ACTIVATE_FIRMWARE: Final = _codec(
    _Row(
        "ActivateFirmware",
        (ActivateFirmware,),
        _read_activation,
        _activation,
        (_SEQUENCE, _HASH, _COUNTER, _TIME),
    )
)
ACTIVATION_RESPONSE: Final = _codec(
    _Row(
        "ActivateFirmwareResponse",
        (CommandAccepted, ActivationOutcome),
        lambda choice: CommandAccepted() if choice[0] == "commandAccepted" else _read_outcome(choice[1]),
        lambda answer: (
            ("commandAccepted", None) if isinstance(answer, CommandAccepted) else ("executionOutcome", _outcome(answer))
        ),
        _OUTCOME,
    ),
    other=(_Leaf("command accepted", _NULL, 0),),
)
DATED_ACTIVATION: Final = _codec(
    _Row(
        "DatedActivation",
        (DatedActivation,),
        lambda fields: DatedActivation(
            alert_code=AlertCode(fields["alertCode"]),
            at=_read_moment(fields),
            originator_counter=fields["originatorCounter"],
            outcome=_read_outcome(fields["executionOutcome"]),
        ),
        lambda alert: {
            "alertCode": int(alert.alert_code),
            "executionDateTime": _moment(alert.at),
            "originatorCounter": alert.originator_counter,
            "executionOutcome": _outcome(alert.outcome),
        },
        (*_ALERT, _COUNTER, *_OUTCOME),
    )
)


def _parts(octets: bytes, leaves: tuple[_Leaf, ...]) -> list[Part]:
    """Name what was read without error; an optional leaf at the end may be missing."""
    parts: list[Part] = []
    offset = 0
    for leaf in leaves:
        if offset < len(octets):
            end = _end(octets, offset)
            parts.append(Part(leaf.name, offset, octets[offset:end], _meaning(leaf, octets[offset + 2 : end])))
            offset = end
    return parts


def _end(octets: bytes, offset: int) -> int:
    """Where the leaf that begins at `offset` ends. No type above is longer than 127: a length is one octet."""
    return offset + 2 + (0 if octets[offset] == _SEQUENCE_TAG else octets[offset + 1])


def _meaning(leaf: _Leaf, content: bytes) -> str:
    if leaf.tag in (_SEQUENCE_TAG, _NULL):
        return "its fields follow" if leaf.tag == _SEQUENCE_TAG else "null"
    if leaf.tag == _INTEGER:
        number = int.from_bytes(content, "big")
        return str(number) if leaf.codes is None else coded(leaf.codes(number))
    return leaf.show(content)


def _locate(octets: bytes, leaves: tuple[_Leaf, ...], cause: DerMalformed) -> int:
    """Find the octet that is wrong: for a wrong tag the library names the end of the sequence, for a size nothing."""
    offset = 0
    for leaf in leaves:
        if octets[offset : offset + 1] != bytes((leaf.tag,)):
            return offset
        left = len(octets) - offset - 2
        length = octets[offset + 1] if left >= 0 else -1
        if not 0 <= length <= left or length != (length if leaf.octets is None else leaf.octets):
            return min(offset + 1, len(octets))
        offset = _end(octets, offset)
    return int(str(cause.facts["offset"] or 0))


def coded(code: OpenIntEnum) -> str:
    """Write a code with its number, hexadecimal where the number is that of an alert."""
    number = f"{int(code):04X}" if isinstance(code, AlertCode) else str(int(code))
    return f"{number} {code.name}"
