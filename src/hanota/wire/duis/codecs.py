"""How the simple values of DUIS are written as text, and read again."""

import binascii
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from hanota.base.errors import BadValue
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant, iso, parse_iso
from hanota.base.vocabulary.devices import (
    AlertCode,
    CplStatus,
    CspRegion,
    DeviceStatus,
    DeviceType,
    TransferResponseCode,
)
from hanota.base.vocabulary.duis import DccAlertCode, ResponseCode
from hanota.wire.duis.xml import Element

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Text(Generic[T]):
    """A value that stands as the text of an element."""

    parse: Callable[[str], T]
    form: Callable[[T], str]

    def read(self, found: Element) -> T:
        """Parse the element's text. Raises BadValue."""
        return self.parse(found.text or "")

    def write(self, target: Element, value: T) -> None:
        """Set the element's text. Raises BadValue: a character that XML can't carry."""
        text = self.form(value)
        try:
            target.text = text
        except ValueError:
            raise BadValue(kind="text", value=text, expected="characters that XML can carry") from None


def split_devices(device_list: str) -> tuple[Eui64, ...]:
    """Read a list of devices, joined by `,`. Raises BadValue."""
    return tuple(map(Eui64.parse, device_list.split(",")))


def join_devices(devices: Iterable[Eui64]) -> str:
    """Write a list of devices as DUIS does: joined by `,`, no spaces."""
    return ",".join(map(str, devices))


def one_of(words: Mapping[T, str]) -> Text[T]:
    """Declare an enumeration: what each value is called in DUIS."""
    values = {word: value for value, word in words.items()}

    def parse(text: str) -> T:
        if text not in values:
            raise BadValue(kind="word", value=text, expected=" or ".join(values))
        return values[text]

    def form(value: T) -> str:
        if value not in words:
            raise BadValue(kind="value", value=value, expected=" or ".join(map(str, words)))
        return words[value]

    return Text(parse, form)


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadValue(kind="number", value=text[:40], expected="decimal digits") from None


def _alert_code(text: str) -> AlertCode:
    try:
        return AlertCode(int.from_bytes(bytes.fromhex(text), "big"))
    except ValueError:
        raise BadValue(kind="alert code", value=text[:40], expected="4 hex digits") from None


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadValue(kind="octets", value=text[:40], expected="pairs of hex digits") from None


def _base64(text: str) -> bytes:
    """Decode base64; white space may stand anywhere (xs:base64Binary). Raises BadValue."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        pass
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError as cause:
        raise BadValue(kind="base64", value=text[:40], expected=f"base64 ({cause})") from None


TEXT: Final[Text[str]] = Text(str, str)
TOKEN: Final[Text[str]] = Text(str.strip, str)
DIGITS: Final[Text[str]] = Text(lambda text: str(_whole_number(text)), str)  # a number that is an identifier
NUMBER: Final[Text[int]] = Text(_whole_number, str)
EUI: Final[Text[Eui64]] = Text(lambda text: Eui64.parse(text.strip()), str)
REQUEST_ID: Final[Text[RequestId]] = Text(lambda text: RequestId.parse(text.strip()), str)
TIME: Final[Text[Instant]] = Text(lambda text: parse_iso(text.strip()), iso)
BASE64: Final[Text[bytes]] = Text(_base64, lambda octets: b64encode(octets).decode("ascii"))
HEX: Final[Text[bytes]] = Text(lambda text: _octets(text.strip()), lambda octets: octets.hex().upper())
BOOLEAN: Final[Text[bool]] = Text(
    lambda text: text.strip() in ("true", "1"), lambda value: "true" if value else "false"
)  # the schema has seen to it that nothing else stands there
ALERT_CODE: Final[Text[AlertCode]] = Text(lambda text: _alert_code(text.strip()), lambda code: f"{code:04X}")
DEVICE_TYPE: Final[Text[DeviceType]] = Text(DeviceType, str)
DEVICE_STATUS: Final[Text[DeviceStatus]] = Text(DeviceStatus, str)
CPL_STATUS: Final[Text[CplStatus]] = Text(CplStatus, str)
CSP_REGION: Final[Text[CspRegion]] = Text(CspRegion, str)
RESPONSE_CODE: Final[Text[ResponseCode]] = Text(ResponseCode, str)
DCC_ALERT_CODE: Final[Text[DccAlertCode]] = Text(DccAlertCode, str)
DELIVERED: Final = one_of({True: "Success", False: "Failure"})
ACTIVATED: Final = one_of({True: "ActivationSuccess", False: "ActivationFailure"})
TRANSFER_RESULT: Final = one_of(
    {
        TransferResponseCode.FILE_TRANSFER_SUCCESS: "FileTransferSuccess",
        TransferResponseCode.FIRMWARE_IMAGE_DISCARDED: "FirmwareImageDiscarded",
        TransferResponseCode.HARDWARE_VERSION_MISMATCH: "HardwareVersionMismatch",
        TransferResponseCode.FILE_TRANSFER_FAILURE: "FileTransferFailure",
    }
)
