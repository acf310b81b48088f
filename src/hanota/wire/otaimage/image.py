"""Image files as GB uses them: ZigBee OTA header, Manufacturer Image, and for meters and HCALCS a signed tail.

    PPMID, IHD           header ‖ Manufacturer Image
    ESME, GSME, HCALCS   header ‖ Manufacturer Image ‖ ForceReplace (1) ‖ 0x40 ‖ Authorising Remote Party Signature (64)

(GBCS 11.2.2 to 11.2.4.) There are no ZigBee sub-elements, so general OTA readers fail on these files.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.wire import ecdsa
from hanota.wire.layout import ValueUnwritable
from hanota.wire.otaimage.errors import ImageEmpty, ImageOversized, ImageTailWrong, ImageTruncated
from hanota.wire.otaimage.header import OtaHeader, read_header, write_header

TAIL_OCTETS: Final = 1 + 1 + ecdsa.SIGNATURE_OCTETS
_FILE_OCTETS_AT: Final = 52


class Tail(StrEnum):
    """What follows the Manufacturer Image; it depends on the type of device."""

    NONE = "none"
    SIGNED = "signed"

    @property
    def octets(self) -> int:
        """Length of the tail."""
        return TAIL_OCTETS if self is Tail.SIGNED else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GbImage:
    """An image file. `force_replace` and `signature` (64 octets, r‖s) are both there or both None."""

    header: OtaHeader
    manufacturer_image: bytes
    force_replace: int | None = None
    signature: bytes | None = None

    @property
    def tail(self) -> Tail:
        """The kind of tail that it has."""
        return Tail.NONE if self.signature is None else Tail.SIGNED

    @property
    def manufacturer_hash(self) -> bytes:
        """SHA-256 of the Manufacturer Image alone: the hash of the CPL, of 11.3 and of CS06 (GBCS 11.2.4)."""
        return sha256(self.manufacturer_image).digest()


def read_image(octets: bytes, tail: Tail) -> GbImage:
    """Read a whole image file whose tail is known from the type of device.

    Raises ImageMalformed: what `read_header` raises, ImageTruncated and ImageOversized (against the header's total
    size), ImageEmpty, ImageTailWrong.
    """
    header = read_header(octets)
    if header.file_octets != len(octets):
        error = ImageTruncated if len(octets) < header.file_octets else ImageOversized
        raise error(field="file_octets", offset=_FILE_OCTETS_AT, got=len(octets), expected=header.file_octets)
    start, end = header.header_octets, len(octets) - tail.octets
    if end <= start:
        raise ImageEmpty(field="manufacturer_image", offset=start, got=len(octets) - start, expected=tail.octets + 1)
    if tail is Tail.NONE:
        return GbImage(header=header, manufacturer_image=octets[start:])
    force_replace, signature_octets = octets[end : end + 2]
    if signature_octets != ecdsa.SIGNATURE_OCTETS:
        facts = {"field": "signature length", "offset": end + 1, "got": f"{signature_octets:#04x}", "expected": "0x40"}
        raise ImageTailWrong(**facts)
    signature = octets[end + 2 :]
    return GbImage(
        header=header, manufacturer_image=octets[start:end], force_replace=force_replace, signature=signature
    )


def write_image(image: GbImage) -> bytes:
    """Write an image file. Raises ValueUnwritable, also if the header's total size isn't that of the file."""
    octets = write_header(image.header) + image.manufacturer_image + _tail_octets(image)
    if len(octets) != image.header.file_octets:
        facts = {"field": "file_octets", "got": image.header.file_octets, "expected": len(octets)}
        raise ValueUnwritable(layout="GbImage", **facts)
    return octets


def fit_header(header: OtaHeader, manufacturer_octets: int, tail: Tail) -> OtaHeader:
    """Give the header with the total size that a Manufacturer Image of that many octets needs."""
    return replace(header, file_octets=header.header_octets + manufacturer_octets + tail.octets)


def sign_image(image: GbImage, key: ec.EllipticCurvePrivateKey, force_replace: int = 0) -> GbImage:
    """Give the same image as the Authorising Remote Party (the Supplier) signs it with its digital signature key.

    The signature covers the Manufacturer Image alone, so another Supplier can put its own in this one's place.
    """
    return replace(
        image,
        header=fit_header(image.header, len(image.manufacturer_image), Tail.SIGNED),
        force_replace=force_replace,
        signature=ecdsa.sign(image.manufacturer_image, key),
    )


def signature_holds(image: GbImage, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether the holder of `key` signed the Manufacturer Image; False for an image without tail."""
    return image.signature is not None and ecdsa.holds(image.signature, image.manufacturer_image, key)


def likely_tail(octets: bytes) -> Tail:
    """Guess the tail of a file whose device type isn't known: signed if it ends as signed images do.

    Only for showing files to people: a Manufacturer Image may end like that by chance.
    """
    start_at, length_at = -TAIL_OCTETS, -ecdsa.SIGNATURE_OCTETS - 1
    signed = len(octets) > TAIL_OCTETS and octets[length_at] == ecdsa.SIGNATURE_OCTETS and octets[start_at] <= 1
    return Tail.SIGNED if signed else Tail.NONE


def _tail_octets(image: GbImage) -> bytes:
    if image.force_replace is None and image.signature is None:
        return b""
    if image.force_replace is None or image.force_replace not in range(256):
        facts = {"field": "force_replace", "got": image.force_replace, "expected": "0…0xff beside a signature"}
        raise ValueUnwritable(layout="GbImage", **facts)
    if image.signature is None or len(image.signature) != ecdsa.SIGNATURE_OCTETS:
        facts = {"field": "signature", "got": repr(image.signature), "expected": "64 octets beside ForceReplace"}
        raise ValueUnwritable(layout="GbImage", **facts)
    return bytes((image.force_replace, ecdsa.SIGNATURE_OCTETS)) + image.signature
