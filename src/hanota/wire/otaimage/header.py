"""The ZigBee OTA header of an image file, little-endian (ZigBee OTA file header; GBCS 11.2.3)."""

import struct
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from hanota.wire.layout import (
    LITTLE,
    U8,
    U16,
    U32,
    Eui64Field,
    bit,
    constant16,
    constant32,
    fixed,
    key16,
    layout,
    size16,
)
from hanota.wire.otaimage.errors import ImageHeaderBeyondFile, ImageHeaderShort, ImageHeaderWrong

FILE_IDENTIFIER: Final = 0x0BEEF11E
HEADER_VERSION: Final = 0x0100
STACK_VERSION: Final = 0x0002  # ZigBee PRO
LABEL_OCTETS: Final = 32
_START: Final = struct.Struct("<IHH")  # file identifier, header version, header length
_HEADER_OCTETS_AT: Final = 6
_HARDWARE: Final = bit(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtaHeader:
    """What an image says of itself. `file_octets` counts the whole file, this header included.

    Field control and the header's own length follow from the optional fields that are present.
    """

    header_version: ClassVar[int] = HEADER_VERSION

    manufacturer: U16
    image_type: U16
    file_version: U32
    stack_version: U16 = STACK_VERSION
    label: Annotated[bytes, fixed(LABEL_OCTETS)]
    file_octets: U32
    credential_version: Annotated[U8 | None, bit(0)] = None
    destination: Annotated[Eui64Field | None, bit(1)] = None
    hardware_min: Annotated[U16 | None, _HARDWARE] = None
    hardware_max: Annotated[U16 | None, _HARDWARE] = None

    @property
    def version_text(self) -> str:
        """File version as eight hex digits, as DUIS FirmwareVersion writes it."""
        return f"{self.file_version:08X}"

    @property
    def label_text(self) -> str:
        """The label for people to read: padding removed, what isn't ASCII replaced."""
        return self.label.rstrip(b"\0 ").decode("ascii", "replace")

    @property
    def header_octets(self) -> int:
        """Length of this header."""
        return len(write_header(self))

    @property
    def field_control(self) -> int:
        """Bit 0: credential version present; bit 1: destination; bit 2: hardware versions."""
        return int.from_bytes(write_header(self)[8:10], "little")


LAYOUT: Final = layout(
    OtaHeader,
    LITTLE,
    (
        constant32("file_identifier", FILE_IDENTIFIER),
        constant16("header_version", HEADER_VERSION),
        size16("header_octets"),
        key16("field_control"),
    ),
    short=ImageHeaderShort,
    wrong=ImageHeaderWrong,
)


def read_header(octets: bytes) -> OtaHeader:
    """Read the header at the start of an image file; what follows it is not looked at.

    Raises ImageHeaderBeyondFile, ImageHeaderShort, ImageHeaderWrong: identifier, version, a header length other than
    the one that field control asks for, or a field control bit without meaning.
    """
    if len(octets) >= _START.size:
        identifier, version, header_octets = _START.unpack_from(octets)
        if (identifier, version) == (FILE_IDENTIFIER, HEADER_VERSION) and header_octets > len(octets):
            facts = {"field": "header_octets", "offset": _HEADER_OCTETS_AT, "got": header_octets}
            raise ImageHeaderBeyondFile(**facts, expected=len(octets))
    header, _ = LAYOUT.read_at(octets, 0)
    return header


def write_header(header: OtaHeader) -> bytes:
    """Write the header. Raises ValueUnwritable."""
    return LAYOUT.write(header)
