"""Images beyond the limit of one file: cut into segments, each an OTA file of its own, and joined again (R7).

A segment is an ordinary OTA file with the header of the whole but for its size. Its payload begins with

    magic "HSG1" (4) ‖ index (1) ‖ count (1) ‖ octets of the whole (4) ‖ SHA-256 of the whole (32)

and goes on with that part's octets. The whole is the whole Manufacturer Image, so its SHA-256 is the one that the
Certified Product List names. Numbers are big-endian, the first index is 0. Neither the standards nor DUIS know segments
(docs/adr/0009).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final

from hanota.base.errors import require
from hanota.wire.layout import BIG, U8, U32, constant32, fixed, layout
from hanota.wire.otaimage.errors import (
    NothingToSplit,
    NotSplittable,
    SegmentOfAnother,
    SegmentShort,
    SegmentsMissing,
    SegmentWrong,
    WholeDiffers,
)
from hanota.wire.otaimage.header import OtaHeader, write_header
from hanota.wire.otaimage.image import GbImage, Tail, fit_header

_MAGIC: Final = b"HSG1"
SEGMENT_HEADER_OCTETS: Final = 4 + 1 + 1 + 4 + 32
SEGMENTS_MAX: Final = 255
OTA_HEADER_OCTETS_MAX: Final = 69
"""With every optional field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentHeader:
    """Which part of which whole a segment is. `whole_octets` and `whole_hash` are of the Manufacturer Image."""

    index: U8
    count: U8
    whole_octets: U32
    whole_hash: Annotated[bytes, fixed(32)]

    @property
    def whole(self) -> tuple[int, int, bytes]:
        """What all segments of a whole have in common: their count, and size and hash of the whole."""
        return self.count, self.whole_octets, self.whole_hash


_LAYOUT: Final = layout(
    SegmentHeader,
    BIG,
    (constant32("segment_magic", int.from_bytes(_MAGIC, "big")),),
    short=SegmentShort,
    wrong=SegmentWrong,
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as read from its file: the file's OTA header, the segment's own, and the part's octets."""

    ota: OtaHeader
    header: SegmentHeader
    octets: bytes

    @property
    def common(self) -> tuple[OtaHeader, tuple[int, int, bytes]]:
        """What all segments of a whole have in common; the OTA header as the whole has it."""
        return whole_header(self.ota, self.header), self.header.whole


def whole_header(ota: OtaHeader, header: SegmentHeader) -> OtaHeader:
    """Give the OTA header of the whole that a segment with these headers is part of."""
    return fit_header(ota, header.whole_octets, Tail.NONE)


def read_segment(image: GbImage) -> Segment | None:
    """Read an image file as a segment; None if it is an image in one piece.

    Raises SegmentShort, SegmentWrong: it begins as a segment does, and contradicts itself.
    """
    payload = image.manufacturer_image
    if not payload.startswith(_MAGIC):
        return None
    header, octets = _LAYOUT.read(payload)
    _check(header, len(octets))
    return Segment(image.header, header, octets)


def read_segment_start(octets: bytes) -> SegmentHeader | None:
    """Read the segment header at the start of a Manufacturer Image; None if none stands there, whole and sound."""
    if not octets.startswith(_MAGIC) or len(octets) < SEGMENT_HEADER_OCTETS:
        return None
    header, _ = _LAYOUT.read(octets)
    return header if header.count >= 2 and header.index < header.count else None


def manufacturer_hash(image: GbImage) -> bytes:
    """Give the hash that the Certified Product List names for an image: of a segment it is the whole's.

    Raises what `read_segment` raises.
    """
    segment = read_segment(image)
    return image.manufacturer_hash if segment is None else segment.header.whole_hash


def split(image: GbImage, max_octets: int) -> tuple[GbImage, ...]:
    """Cut an image into segments whose files have at most `max_octets` each; the last one may be shorter.

    Raises NothingToSplit: the file is within that already; NotSplittable: it has a tail, is a segment itself, or there
    would be more than SEGMENTS_MAX.
    """
    require(image.tail is Tail.NONE, NotSplittable, reason="it carries a Supplier's signature for a meter or HCALCS")
    require(not image.manufacturer_image.startswith(_MAGIC), NotSplittable, reason="it is a segment itself")
    require(image.header.file_octets > max_octets, NothingToSplit, got=image.header.file_octets, limit=max_octets)
    whole = image.manufacturer_image
    each = max_octets - image.header.header_octets - SEGMENT_HEADER_OCTETS
    count = -(-len(whole) // each) if each > 0 else SEGMENTS_MAX + 1
    require(count <= SEGMENTS_MAX, NotSplittable, reason=f"segments of {max_octets} octets would be too many")
    digest = image.manufacturer_hash
    return tuple(
        _make(
            image.header,
            SegmentHeader(index=index, count=count, whole_octets=len(whole), whole_hash=digest),
            whole[index * each : (index + 1) * each],
        )
        for index in range(count)
    )


def join(images: Iterable[GbImage]) -> GbImage:
    """Put a whole together from its segments, in whatever order.

    Raises SegmentShort, SegmentWrong: not a segment, or one that contradicts itself; SegmentOfAnother: two segments
    differ in what they say of the whole, or in their OTA headers; SegmentsMissing: not each place once; WholeDiffers:
    size or SHA-256 of the whole is not what the segments say.
    """
    segments = [_segment(image) for image in images]
    require(segments, SegmentsMissing, got="none", expected="every segment once")
    first = segments[0]
    for other in segments:
        reason = _difference(first, other)
        require(other.common == first.common, SegmentOfAnother, index=other.header.index, reason=reason)
    places = sorted(segment.header.index for segment in segments)
    require(
        places == list(range(first.header.count)),
        SegmentsMissing,
        got=", ".join(str(place + 1) for place in places),
        expected=f"each of 1…{first.header.count} once",
    )
    segments.sort(key=lambda segment: segment.header.index)
    return join_parts(first.common[0], [segment.octets for segment in segments], first.header)


def join_parts(ota: OtaHeader, parts: Iterable[bytes], header: SegmentHeader) -> GbImage:
    """Put the octets of all parts together under the whole's OTA header; `header` is any segment's.

    Raises WholeDiffers.
    """
    whole = b"".join(parts)
    require(len(whole) == header.whole_octets, WholeDiffers, got=len(whole), expected=header.whole_octets)
    digest = sha256(whole).digest()
    require(digest == header.whole_hash, WholeDiffers, got=digest.hex(), expected=header.whole_hash.hex())
    return GbImage(header=ota, manufacturer_image=whole)


def _make(header: OtaHeader, segment: SegmentHeader, octets: bytes) -> GbImage:
    payload = _LAYOUT.write(segment) + octets
    return GbImage(header=fit_header(header, len(payload), Tail.NONE), manufacturer_image=payload)


def _segment(image: GbImage) -> Segment:
    segment = read_segment(image)
    if segment is None:
        start = image.manufacturer_image[:4].hex()
        raise SegmentWrong(layout="SegmentHeader", field="segment_magic", offset=0, got=start, expected=_MAGIC.hex())
    return segment


def _check(header: SegmentHeader, octets: int) -> None:
    facts = {
        "count": (header.count, "at least 2", header.count >= 2),
        "index": (header.index, f"below the count, {header.count}", header.index < header.count),
        "octets": (octets, f"1…{header.whole_octets}, the whole", 0 < octets <= header.whole_octets),
    }
    for field, (got, expected, holds) in facts.items():
        require(holds, SegmentWrong, layout="SegmentHeader", field=field, offset=0, got=got, expected=expected)


def _difference(first: Segment, other: Segment) -> str:
    if first.header.whole != other.header.whole:
        return "another whole"
    return f"another OTA header: {write_header(other.ota).hex()} beside {write_header(first.ota).hex()}"
