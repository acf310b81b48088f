"""What firmware messages carry, as plain values; the layouts stand in `firmware.asn`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from hanota.base.errors import HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant, from_generalized
from hanota.base.openenum import OpenIntEnum
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.wire.der import DerSchema
from hanota.wire.gbcs.errors import MessageUnwritable, PayloadMalformed
from hanota.wire.gbcs.message import Cra, Message, MessageCode

_FIRMWARE_ASN: Final = DerSchema("hanota.wire.gbcs", "firmware.asn")
_VERSION_OCTETS: Final = 4
_VERSION_MAX: Final = (1 << 8 * _VERSION_OCTETS) - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = from_generalized("99991231235959Z") + SECOND - 1


class ActivationResult(OpenIntEnum):
    """How a PPMID's activation ended (CS09 activateImageResult)."""

    SUCCESS = 0
    FAILURE = 1


class ReadResponseCode(OpenIntEnum):
    """Whether a device could read its version (CS08 responseCode)."""

    READ_SUCCESS = 0
    READ_FAILURE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAlert:
    """CCS08: a hub tells how the transfer of an image to `device` ended. `at` is written to the second."""

    alert_code: AlertCode
    at: Instant
    device: Eui64
    file_version: int
    result: TransferResponseCode


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationAlert:
    """CS09: a PPMID tells how an activation ended and which version it now runs. `at` is written to the second."""

    alert_code: AlertCode
    at: Instant
    file_version: int
    result: ActivationResult


@dataclass(frozen=True, slots=True)
class ReadVersion:
    """CS08 command: which firmware is running?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRead:
    """CS08 response: the version that runs."""

    file_version: int
    response_code: ReadResponseCode


Payload = TransferAlert | ActivationAlert | ReadVersion | VersionRead
Fields = Mapping[str, Any]  # what asn1tools makes of a SEQUENCE; DerSchema has checked it against the layout


class _Row(NamedTuple):
    """How a payload is laid out: its type in `firmware.asn`, and the way to and from its fields."""

    kind: type[Payload]
    read: Callable[[Any], Payload]
    write: Callable[[Any], Fields | None]


_ROWS: Final = (
    _Row(
        TransferAlert,
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
            "firmwareVersion": _version_octets(alert.file_version),
            "responseCode": int(alert.result),
        },
    ),
    _Row(
        ActivationAlert,
        lambda fields: ActivationAlert(
            alert_code=AlertCode(fields["alertCode"]),
            at=_read_moment(fields),
            file_version=_read_version(fields),
            result=ActivationResult(fields["activateImageResult"]),
        ),
        lambda alert: {
            "alertCode": int(alert.alert_code),
            "executionDateTime": _moment(alert.at),
            "firmwareVersion": _version_octets(alert.file_version),
            "activateImageResult": int(alert.result),
        },
    ),
    _Row(ReadVersion, lambda _: ReadVersion(), lambda _: None),
    _Row(
        VersionRead,
        lambda fields: VersionRead(
            file_version=_read_version(fields), response_code=ReadResponseCode(fields["responseCode"])
        ),
        lambda answer: {
            "firmwareVersion": _version_octets(answer.file_version),
            "responseCode": int(answer.response_code),
        },
    ),
)
_BY_KIND: Final = {row.kind: row for row in _ROWS}

_CS08: Final = MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION
_CS09: Final = MessageCode.CS09_PPMID_FIRMWARE_ACTIVATION_ALERT
# CS09 is written under 0x012B; some senders give it the code of CS08 (docs/errata.md), so that is read too.
_CARRIED: Final[Mapping[tuple[MessageCode, Cra], type[Payload]]] = {
    (MessageCode.CCS08_FIRMWARE_TRANSFER_ALERT, Cra.ALERT): TransferAlert,
    (_CS08, Cra.COMMAND): ReadVersion,
    (_CS08, Cra.RESPONSE): VersionRead,
    (_CS09, Cra.ALERT): ActivationAlert,
    (_CS08, Cra.ALERT): ActivationAlert,
}


def read_payload(message: Message) -> Payload | None:
    """Read what a message carries; None for a use case whose payload hanota keeps as octets only.

    Raises PayloadMalformed: the payload is not that of the use case, or not in its one encoding.
    """
    use_case = (message.header.message_code, message.header.cra)
    kind = _CARRIED.get(use_case)
    if kind is None:
        return None
    name = f"{use_case[0].name} {use_case[1].name}"
    try:
        payload = _BY_KIND[kind].read(_FIRMWARE_ASN.read(kind.__name__, message.payload))
        again = write_payload(payload)
    except HanotaError as cause:
        raise PayloadMalformed(use_case=name, reason=cause.explain()) from cause
    require(again == message.payload, PayloadMalformed, use_case=name, reason="not its one encoding")
    return payload


def write_payload(payload: Payload) -> bytes:
    """Write a payload. Raises DerUnwritable, MessageUnwritable: a number or a time outside its range."""
    return _FIRMWARE_ASN.write(type(payload).__name__, _BY_KIND[type(payload)].write(payload))


def _read_version(fields: Fields) -> int:
    return int.from_bytes(fields["firmwareVersion"], "big")


def _version_octets(file_version: int) -> bytes:
    fits = 0 <= file_version <= _VERSION_MAX
    require(fits, MessageUnwritable, field="file version", got=file_version, expected="32 bits")
    return file_version.to_bytes(_VERSION_OCTETS, "big")


def _read_moment(fields: Fields) -> Instant:
    return from_generalized(fields["executionDateTime"].strftime("%Y%m%d%H%M%SZ"))


def _moment(at: Instant) -> datetime:
    require(0 <= at <= _LATEST, MessageUnwritable, field="time", got=at, expected="a time of the years 1970…9999")
    return _EPOCH + timedelta(seconds=at // SECOND)
