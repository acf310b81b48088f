"""Checks of the texts that XML Schema is too slow or too wordy for; each in a pass or two over the octets.

libxml2 takes 22 ms for the pattern of 50,000 device ids, this takes 1 ms. A check gives what is wrong, or None.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from hanota.base.errors import BadValue
from hanota.base.eui import EUI64_CHARS
from hanota.base.ids import RequestId
from hanota.base.limits import DEVICE_LIST_CHARS_MAX, IMAGE_OCTETS_MAX_SCHEMA
from hanota.base.vocabulary.duis import DeviceList

Check = Callable[[str], str | None]

_SHAPE: Final = "hh-hh-hh-hh-hh-hh-hh-hh,"
_SEPARATORS: Final = 8  # of an EUI and the comma after it
_HEX: Final = b"0123456789ABCDEFabcdef"
_TO_SHAPE: Final = bytes(ord("h") if octet in _HEX else octet if octet in b",-" else ord("?") for octet in range(256))
_QUANTUM_END: Final = re.compile(rb"(?:[AEIMQUYcgkosw048]=|[AQgw]==|[A-Za-z0-9+/])\Z")
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SPACE: Final = b" \t\r\n"


def device_list(text: str) -> str | None:
    """Check `EUI,EUI,…`: 23 characters each, joined by commas, nothing else."""
    count, rest = divmod(len(text) + 1, EUI64_CHARS + 1)
    if rest or not count:
        return f"{len(text)} characters are no list of EUIs, each of {EUI64_CHARS} characters, joined by ','"
    octets = text.encode("ascii", "replace")
    if _is_shaped(octets, count):
        return None
    pairs = zip(octets.translate(_TO_SHAPE), (_SHAPE * count)[:-1].encode(), strict=True)
    at = next(place for place, (got, want) in enumerate(pairs) if got != want)
    return f"character {at + 1} is {text[at]!r}: expected EUIs joined by ',' without spaces"


def _is_shaped(octets: bytes, count: int) -> bool:
    """Whether the separators stand where they should, and all else is hex: a third of the time of comparing shapes."""
    stride = EUI64_CHARS + 1
    dashes = all(octets[place::stride] == b"-" * count for place in range(2, EUI64_CHARS, 3))
    commas = octets[EUI64_CHARS::stride] == b"," * (count - 1)
    return dashes and commas and len(octets.translate(None, _HEX)) == _SEPARATORS * count - 1


def bounded_device_list(text: str) -> str | None:
    """Check the list of a request, which besides has at most 1,199,999 characters, that is 50,000 devices."""
    if len(text) > DEVICE_LIST_CHARS_MAX:
        return f"{len(text)} characters of device ids, the limit is {DEVICE_LIST_CHARS_MAX} (50,000 devices)"
    return device_list(text)


def base64(text: str) -> str | None:
    """Check an xs:base64Binary: alphabet, whole quanta, no stray bits; white space may stand anywhere."""
    return _base64(text, None)


def image(text: str) -> str | None:
    """Check a FirmwareImage: as `base64`, and at most 10,240,000 octets decoded."""
    return _base64(text, IMAGE_OCTETS_MAX_SCHEMA)


def _base64(text: str, octets_max: int | None) -> str | None:
    octets = text.encode("ascii", "replace")
    packed = octets.translate(None, _SPACE) if any(sign in octets for sign in _SPACE) else octets
    padding = len(packed) - len(packed.rstrip(b"="))
    foreign = packed[: len(packed) - padding].translate(None, _ALPHABET)
    if foreign:
        at = octets.index(foreign[:1])  # the text has the same characters at the same places
        return f"character {at + 1} is {text[at]!r}, which is no base64 there"
    if len(packed) % 4 or (packed and not _QUANTUM_END.search(packed, max(0, len(packed) - 3))):
        return "the base64 text ends within a group of four, or with stray bits"
    decoded = len(packed) // 4 * 3 - padding
    if octets_max is not None and decoded > octets_max:
        return f"the image has {decoded} octets, the limit is {octets_max}"
    return None


def message_id(text: str) -> str | None:
    """Check `EUI:EUI:counter`, the counter below 2^64; the schema's type collapses white space around it."""
    try:
        RequestId.parse(text.strip(" \t\r\n"))
    except BadValue as bad:
        return bad.explain()
    return None


CHECKS: Final[Mapping[str, Check]] = {
    "FirmwareImage": image,
    "GBCSPayload": base64,
    "DeviceGBCSResponse": base64,
    "DeviceIDList": bounded_device_list,
    "MeterIDs": device_list,
    "DeviceList": device_list,
    **dict.fromkeys(DeviceList, device_list),
    **dict.fromkeys(
        (
            "RequestID",
            "PrecedingServiceRequestID",
            "OriginalRequestID",
            "ResponseID",
            "CommandRequestID",
            "UpdateFirmwareRequestID",
        ),
        message_id,
    ),
}
