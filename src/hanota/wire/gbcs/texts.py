"""The forms in which people hand messages on: octets, hex with or without blanks, base64 as in DUIS."""

import base64
import binascii
import re
from typing import Final

from hanota.wire.gbcs.errors import MessageUnreadable
from hanota.wire.gbcs.message import GENERAL_CIPHERING, GENERAL_SIGNING

_TAGS: Final = (GENERAL_CIPHERING, GENERAL_SIGNING)
_BLANK: Final = re.compile(rb"\s+")
_HEX: Final = re.compile(rb"[0-9A-Fa-f\s]*")
_BASE64: Final = re.compile(rb"[0-9A-Za-z+/\s]*={0,2}\s*\Z")


def read_octets(given: bytes) -> bytes:
    """Give the octets of a message from the octets themselves, or from a text of them in hex or base64.

    A text is taken for base64 only where it is no hex and its first octet is DD or DF, as every message begins.
    Raises MessageUnreadable, with the offset of the first character that does not belong.
    """
    if given[:1] in _TAGS:
        return given
    text = _BLANK.sub(b"", given)
    if _BASE64.match(given) and not _HEX.fullmatch(given):
        try:
            octets = base64.b64decode(text, validate=True)
        except binascii.Error:
            octets = b""
        if octets[:1] in _TAGS:
            return octets
    good = _HEX.match(given)
    end = good.end() if good else 0
    if end < len(given):
        raise MessageUnreadable(offset=end, got=ascii(chr(given[end])), expected="a hex digit")
    if not text or len(text) % 2:
        raise MessageUnreadable(offset=end, got="the end", expected="two hex digits for each octet")
    return bytes.fromhex(text.decode("ascii"))
