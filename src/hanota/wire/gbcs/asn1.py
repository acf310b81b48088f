"""ASN.1 payloads: CS06 and its alert, CS08, CS09, CCS08, as tables. `firmware.asn` says the same in ASN.1.

Tests hold the tables against a compiler's reading of `firmware.asn`.
"""

import dataclasses
from functools import lru_cache, partial
from typing import Final

from hanota.base.eui import EUI64_OCTETS, Eui64
from hanota.base.instant import Instant, from_generalized, generalized, iso
from hanota.base.openenum import OpenIntEnum
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.wire.gbcs.codec import HASH_OCTETS, VERSION_OCTETS, Codec, require_time, version_octets
from hanota.wire.gbcs.der_tables import (
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    Bare,
    Leaf,
    Row,
    der_codec,
    read_integer,
    write_integer,
)
from hanota.wire.gbcs.values import (
    CANCELLED_AT,
    ActivateFirmware,
    ActivateImageResponseCode,
    ActivationAlert,
    ActivationOutcome,
    ActivationResult,
    CommandAccepted,
    DatedActivation,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
)

_CODE_MAX: Final = 0xFFFF  # AlertCode
_OUTCOME_MAX: Final = 0xFF  # Outcome
_COUNTER_MAX: Final = (1 << 63) - 1  # OriginatorCounter
_TIME_OCTETS: Final = 15
_REMEMBERED: Final = 1_000  # codes and times that many messages have in common are read once


def _coded(name: str, attribute: str, codes: type[OpenIntEnum], most: int = _OUTCOME_MAX) -> Leaf:
    """An INTEGER that is a code; unknown ones stay what they are."""

    @lru_cache(_REMEMBERED)
    def load(content: bytes) -> OpenIntEnum:
        return codes(read_integer(content, most))

    return Leaf(
        name,
        INTEGER,
        attribute,
        None,
        load,
        lambda code: write_integer(int(code), most),
        lambda content: coded(codes(int.from_bytes(content, "big"))),
    )


@lru_cache(_REMEMBERED)
def _read_time(content: bytes) -> Instant:
    at = from_generalized(content.decode("ascii"))
    require_time(at)
    return at


def _write_time(at: Instant) -> bytes:
    require_time(at)
    return generalized(at).encode("ascii")


def _show_time(content: bytes) -> str:
    moment = from_generalized(content.decode("ascii"))
    return "never: takes an earlier command back" if moment == CANCELLED_AT else iso(moment)


def _hex(content: bytes) -> str:
    return content.hex().upper()


_VERSION: Final = Leaf(
    "firmware version",
    OCTET_STRING,
    "file_version",
    VERSION_OCTETS,
    lambda content: int.from_bytes(content, "big"),
    version_octets,
    _hex,
)
_TIME: Final = Leaf(
    "execution date-time", GENERALIZED_TIME, "at", _TIME_OCTETS, _read_time, _write_time, show=_show_time
)
_COUNTER: Final = Leaf(
    "originator counter",
    INTEGER,
    "originator_counter",
    None,
    partial(read_integer, most=_COUNTER_MAX),
    partial(write_integer, most=_COUNTER_MAX),
    lambda content: str(int.from_bytes(content, "big")),
)
_DEVICE: Final = Leaf(
    "target device",
    OCTET_STRING,
    "device",
    EUI64_OCTETS,
    Eui64.from_octets,
    lambda device: device.octets,
    lambda content: str(Eui64.from_octets(content)),
)
_HASH: Final = Leaf("Manufacturer Image Hash", OCTET_STRING, "manufacturer_hash", HASH_OCTETS, bytes, bytes, _hex)
_ALERT: Final = (_coded("alert code", "alert_code", AlertCode, _CODE_MAX), _TIME)
_OUTCOME: Final = Row(
    ActivationOutcome, (_coded("activate image response code", "result", ActivateImageResponseCode), _VERSION)
)

TRANSFER_ALERT: Final = der_codec(
    "TransferAlert",
    Row(TransferAlert, (*_ALERT, _DEVICE, _VERSION, _coded("response code", "result", TransferResponseCode))),
)
ACTIVATION_ALERT: Final = der_codec(
    "ActivationAlert",
    Row(ActivationAlert, (*_ALERT, _VERSION, _coded("activate image result", "result", ActivationResult))),
)
READ_VERSION: Final[Codec] = der_codec("ReadVersion", Bare(ReadVersion, "which version runs?"))
VERSION_READ: Final = der_codec(
    "VersionRead", Row(VersionRead, (_VERSION, _coded("response code", "response_code", ReadResponseCode)))
)
ACTIVATE_FIRMWARE: Final = der_codec(
    "ActivateFirmware",
    Row(ActivateFirmware, (_HASH, _COUNTER, dataclasses.replace(_TIME, attribute="execution", optional=True))),
)
ACTIVATION_RESPONSE: Final = der_codec("ActivateFirmwareResponse", Bare(CommandAccepted, "command accepted"), _OUTCOME)
DATED_ACTIVATION: Final = der_codec(
    "DatedActivation",
    Row(DatedActivation, (*_ALERT, _COUNTER, dataclasses.replace(_OUTCOME, attribute="outcome"))),
)


def coded(code: OpenIntEnum) -> str:
    """Write a code with its number, hexadecimal where the number is that of an alert."""
    number = f"{int(code):04X}" if isinstance(code, AlertCode) else str(int(code))
    return f"{number} {code.name}"
