"""Attributes of an OTA client, and the lists of them that Read Attributes and its response carry.

Source: ZCL 11.10 (attributes of the OTA upgrade cluster), ZCL 2.5.1 and 2.5.2 (reading), ZCL 2.6.2 (data types).
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hanota.base.openenum import OpenIntEnum
from hanota.wire.layout import ValueUnwritable
from hanota.wire.zcl.errors import ZclShort, ZclWrong

ATTRIBUTES_MAX: Final = 16
"""How many one request may name: more than an OTA client has."""


class OtaAttribute(OpenIntEnum):
    """Attributes of the client side, by number (ZCL 11.10)."""

    UPGRADE_SERVER = 0x0000
    FILE_OFFSET = 0x0001
    CURRENT_FILE_VERSION = 0x0002
    CURRENT_STACK_VERSION = 0x0003
    DOWNLOADED_FILE_VERSION = 0x0004
    DOWNLOADED_STACK_VERSION = 0x0005
    IMAGE_UPGRADE_STATUS = 0x0006
    MANUFACTURER = 0x0007
    IMAGE_TYPE = 0x0008
    MINIMUM_BLOCK_PERIOD = 0x0009
    IMAGE_STAMP = 0x000A
    UPGRADE_ACTIVATION_POLICY = 0x000B
    UPGRADE_TIMEOUT_POLICY = 0x000C


class UpgradeStatus(OpenIntEnum):
    """Values of IMAGE_UPGRADE_STATUS (ZCL 11.10.7)."""

    NORMAL = 0
    DOWNLOAD_IN_PROGRESS = 1
    DOWNLOAD_COMPLETE = 2
    WAITING_TO_UPGRADE = 3
    COUNT_DOWN = 4
    WAIT_FOR_MORE = 5
    WAITING_FOR_EXTERNAL_EVENT = 6


@dataclass(frozen=True, slots=True)
class _Type:
    code: int
    octets: struct.Struct


_U16, _U32 = _Type(0x21, struct.Struct("<H")), _Type(0x23, struct.Struct("<I"))
_ENUM8, _EUI64 = _Type(0x30, struct.Struct("<B")), _Type(0xF0, struct.Struct("<Q"))
_A = OtaAttribute
TYPES: Final[Mapping[OtaAttribute, _Type]] = {
    _A.UPGRADE_SERVER: _EUI64,
    _A.FILE_OFFSET: _U32,
    _A.CURRENT_FILE_VERSION: _U32,
    _A.CURRENT_STACK_VERSION: _U16,
    _A.DOWNLOADED_FILE_VERSION: _U32,
    _A.DOWNLOADED_STACK_VERSION: _U16,
    _A.IMAGE_UPGRADE_STATUS: _ENUM8,
    _A.MANUFACTURER: _U16,
    _A.IMAGE_TYPE: _U16,
    _A.MINIMUM_BLOCK_PERIOD: _U16,
    _A.IMAGE_STAMP: _U32,
    _A.UPGRADE_ACTIVATION_POLICY: _ENUM8,
    _A.UPGRADE_TIMEOUT_POLICY: _ENUM8,
}
"""How each attribute's value is written; an EUI-64 is its number."""

_ID: Final = struct.Struct("<H")
_RECORD: Final = struct.Struct("<HB")  # attribute, status
_SUCCESS, _UNSUPPORTED = 0x00, 0x86
_LAYOUT: Final = "list of attributes"


def write_attributes(attributes: Iterable[int]) -> bytes:
    """Write the list of a Read Attributes command."""
    return b"".join(_ID.pack(attribute) for attribute in attributes)


def read_attributes(octets: bytes) -> tuple[int, ...]:
    """Read the list of a Read Attributes command. Raises ZclShort, ZclWrong: more than ATTRIBUTES_MAX."""
    if len(octets) % _ID.size:
        raise ZclShort(layout=_LAYOUT, field="attribute", offset=len(octets) - 1, got=1, expected=_ID.size)
    found = tuple(number for (number,) in _ID.iter_unpack(octets))
    if len(found) > ATTRIBUTES_MAX:
        raise ZclWrong(layout=_LAYOUT, field="attributes", offset=0, got=len(found), expected=f"≤ {ATTRIBUTES_MAX}")
    return found


def write_records(values: Mapping[int, int | None]) -> bytes:
    """Write the records of a response: attributes by number; None where the device has no such attribute.

    Raises ValueUnwritable: a value beyond its type, or one of an attribute that has no row.
    """
    written = b""
    for number, value in values.items():
        if value is None:
            written += _RECORD.pack(number, _UNSUPPORTED)
            continue
        try:
            kind = TYPES[OtaAttribute(number)]
            written += _RECORD.pack(number, _SUCCESS) + bytes([kind.code]) + kind.octets.pack(value)
        except (struct.error, KeyError):
            raise ValueUnwritable(
                layout=_LAYOUT, field=f"attribute {number:#06x}", got=repr(value), expected="a value of its type"
            ) from None
    return written


def read_records(octets: bytes) -> dict[int, int | None]:
    """Read the records of a response: values by attribute, None for one that the device does not have.

    Raises ZclShort; ZclWrong: an attribute or a type that no row knows.
    """
    found: dict[int, int | None] = {}
    at = 0
    while at < len(octets):
        if len(octets) - at < _RECORD.size:
            raise ZclShort(layout=_LAYOUT, field="record", offset=at, got=len(octets) - at, expected=_RECORD.size)
        number, status = _RECORD.unpack_from(octets, at)
        at += _RECORD.size
        if status != _SUCCESS:
            found[number] = None
            continue
        value, at = _read_value(octets, at, OtaAttribute(number))
        found[number] = value
    return found


def _read_value(octets: bytes, at: int, attribute: OtaAttribute) -> tuple[int, int]:
    kind = TYPES.get(attribute)
    code = octets[at] if at < len(octets) else None
    if kind is None or code != kind.code:
        expected = "an attribute of an OTA client" if kind is None else f"{kind.code:#04x}"
        raise ZclWrong(layout=_LAYOUT, field=f"type of {attribute.name}", offset=at, got=repr(code), expected=expected)
    try:
        (value,) = kind.octets.unpack_from(octets, at + 1)
    except struct.error:
        left = len(octets) - at - 1
        raise ZclShort(
            layout=_LAYOUT, field=attribute.name, offset=at + 1, got=left, expected=kind.octets.size
        ) from None
    return int(value), at + 1 + kind.octets.size
