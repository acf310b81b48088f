"""The whole that a device puts together from segments (R7; docs/adr/0009).

Octets of segments outlast power cuts and orders: a segment that is here is told by its first octets and not fetched
again. Nothing of it can boot. Once the last one is here the whole is joined, and judged as an image in one piece is.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from hanota.edge.devices.identity import DeviceIdentity
from hanota.edge.devices.judge import ImageCase, Offer
from hanota.edge.effects import Turn
from hanota.edge.memory import below, offset_key, pack, unpack
from hanota.wire.otaimage import GbImage, ImageMalformed, OtaHeader, read_header, write_header, write_image
from hanota.wire.otaimage.segments import (
    OTA_HEADER_OCTETS_MAX,
    SEGMENT_HEADER_OCTETS,
    Segment,
    SegmentHeader,
    join_parts,
    read_segment,
    read_segment_start,
    whole_header,
)

START_OCTETS_MAX: Final = OTA_HEADER_OCTETS_MAX + SEGMENT_HEADER_OCTETS
"""Within these first octets of a file it is certain which segment it is."""

_KEY_OCTETS: Final = 8 * 1024
_RECORD: Final = "assembly"
_KEPT: Final = "segment/"


class _Whole(NamedTuple):
    """What the segments that are here have in common: the OTA header of the whole, and what they say of it."""

    ota: OtaHeader
    pieces: int
    octets: int
    sha256: bytes

    @classmethod
    def of(cls, ota: OtaHeader, header: SegmentHeader) -> "_Whole":
        return cls(whole_header(ota, header), *header.whole)


class Assembly:
    """The segments of one whole that a device holds; those of another take their place."""

    def __init__(self, identity: DeviceIdentity, memory: Mapping[str, bytes]) -> None:
        self._able = identity.profile.segments
        self._capacity_octets = identity.capacity_octets
        self._whole: _Whole | None = None
        self._parts: dict[int, bytes] = {}
        self._keys: dict[int, list[str]] = {}
        if _RECORD not in memory:
            return
        kept = unpack(memory[_RECORD])
        ota = read_header(bytes.fromhex(kept["ota"]))
        self._whole = _Whole(ota, kept["pieces"], kept["octets"], bytes.fromhex(kept["sha256"]))
        for key, data in below(memory, _KEPT):
            index = int(key.partition("/")[0], 16)
            self._parts[index] = self._parts.get(index, b"") + data
            self._keys.setdefault(index, []).append(_KEPT + key)

    def holds(self, start: bytes) -> bool:
        """Whether a file that begins so is a segment that is here already."""
        try:
            ota = read_header(start)
        except ImageMalformed:
            return False
        header = read_segment_start(start[ota.header_octets :])
        if header is None or self._whole != _Whole.of(ota, header):
            return False
        octets = ota.file_octets - ota.header_octets - SEGMENT_HEADER_OCTETS
        return len(self._parts.get(header.index, b"")) == octets

    def take(self, case: ImageCase, turn: Turn) -> ImageCase | None:
        """Take a file in. Returns: what is to be judged, a file in one piece or the whole; None while segments lack."""
        image = case.image
        if not self._able or image is None or case.offer.octets != image.header.file_octets:
            return case
        try:
            segment = read_segment(image)
            if segment is None or segment.common[0].file_octets > self._capacity_octets:
                return case
            whole = self._keep(segment, turn)
        except ImageMalformed as error:
            turn.note("segments_refused", error=str(error))
            self.drop(turn)
            return replace(case, image=None)
        if whole is None:
            return None
        self.drop(turn)
        offer = case.offer._replace(octets=whole.header.file_octets)
        return replace(case, offer=offer, octets=write_image(whole), image=whole)

    def forget_others(self, offer: Offer, turn: Turn) -> None:
        """Let segments go that are of another image than the one that is offered now."""
        ota = self._whole.ota if self._whole is not None else None
        if ota is not None and (ota.manufacturer, ota.image_type, ota.file_version) != offer.image:
            self.drop(turn)

    def drop(self, turn: Turn) -> None:
        """Forget all segments."""
        if self._whole is None:
            return
        self._whole = None
        turn.store(_RECORD, None)
        for index in list(self._parts):
            self._forget(index, turn)

    def _keep(self, segment: Segment, turn: Turn) -> GbImage | None:
        """Keep a segment. Returns: the whole, if this was the last that was missing. Raises ImageMalformed."""
        header, whole = segment.header, _Whole.of(segment.ota, segment.header)
        if whole != self._whole:
            self.drop(turn)
            self._whole = whole
            ota = write_header(whole.ota).hex()
            record = {"ota": ota, "pieces": whole.pieces, "octets": whole.octets, "sha256": whole.sha256.hex()}
            turn.store(_RECORD, pack(record))
        self._forget(header.index, turn)
        self._parts[header.index] = segment.octets
        if len(self._parts) == header.count:
            parts = [octets for _, octets in sorted(self._parts.items())]
            return join_parts(whole.ota, parts, header)
        keys = self._keys.setdefault(header.index, [])
        for offset in range(0, len(segment.octets), _KEY_OCTETS):
            key = f"{_KEPT}{header.index:02x}/{offset_key(offset)}"
            turn.store(key, segment.octets[offset : offset + _KEY_OCTETS])
            keys.append(key)
        turn.note("segment_kept", place=header.index + 1, of=header.count, octets=len(segment.octets))
        return None

    def _forget(self, index: int, turn: Turn) -> None:
        self._parts.pop(index, None)
        for key in self._keys.pop(index, []):
            turn.store(key, None)
