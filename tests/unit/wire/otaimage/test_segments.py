"""Segments: what is cut can be joined in any order, and nothing else can."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from hanota.base.errors import HanotaError
from hanota.wire.otaimage import (
    GbImage,
    ImageMalformed,
    OtaHeader,
    Tail,
    fit_header,
    read_image,
    sign_image,
    write_image,
)
from hanota.wire.otaimage.errors import (
    NothingToSplit,
    NotSplittable,
    SegmentOfAnother,
    SegmentShort,
    SegmentsMissing,
    SegmentWrong,
    WholeDiffers,
)
from hanota.wire.otaimage.segments import (
    OTA_HEADER_OCTETS_MAX,
    SEGMENT_HEADER_OCTETS,
    join,
    manufacturer_hash,
    read_segment,
    read_segment_start,
    split,
)

HEADER = OtaHeader(
    manufacturer=0x121D,
    image_type=0x0084,
    file_version=0x0002012F,
    label=b"IHD firmware".ljust(32, b"\0"),
    file_octets=0,
    hardware_min=0x1111,
    hardware_max=0x1211,
)
HEAD = 60 + SEGMENT_HEADER_OCTETS


def image_of(payload: bytes, header: OtaHeader = HEADER) -> GbImage:
    return GbImage(header=fit_header(header, len(payload), Tail.NONE), manufacturer_image=payload)


IMAGE = image_of(bytes(range(250)))
PARTS = split(IMAGE, HEAD + 100)

payloads = st.binary(min_size=2, max_size=400).filter(lambda octets: not octets.startswith(b"HSG1"))


@given(st.data(), payloads)
def test_what_is_cut_joins_to_itself_in_any_order(data: st.DataObject, payload: bytes) -> None:
    each = data.draw(st.integers(max(1, -(-len(payload) // 255)), len(payload) - 1))
    image = image_of(payload)
    if image.header.file_octets <= HEAD + each:
        with pytest.raises(NothingToSplit):
            split(image, HEAD + each)
        return
    files = [write_image(part) for part in split(image, HEAD + each)]
    assert {len(file) for file in files[:-1]} == {HEAD + each}
    assert len(files[-1]) <= HEAD + each
    shuffled = data.draw(st.permutations(files))
    assert join(read_image(file, Tail.NONE) for file in shuffled) == image


@settings(max_examples=400)
@given(st.data())
def test_one_altered_bit_in_any_segment_is_refused(data: st.DataObject) -> None:
    files = [bytearray(write_image(part)) for part in PARTS]
    file = data.draw(st.sampled_from(files))
    bit = data.draw(st.integers(0, len(file) * 8 - 1))
    file[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ImageMalformed):
        join(read_image(bytes(file), Tail.NONE) for file in files)


@given(st.binary(max_size=120))
def test_hostile_octets_are_no_segment_or_are_refused_by_name(octets: bytes) -> None:
    image = image_of(b"HSG1" + octets)
    try:
        segment = read_segment(image)
    except ImageMalformed:
        return
    assert segment is not None
    assert segment.octets == octets[SEGMENT_HEADER_OCTETS - 4 :]


def test_segments_are_files_within_the_limit_under_the_header_of_the_whole() -> None:
    assert [part.header.file_octets for part in PARTS] == [HEAD + 100, HEAD + 100, HEAD + 50]
    assert {replace(part.header, file_octets=0) for part in PARTS} == {HEADER}
    assert PARTS[1].manufacturer_image[:10].hex() == "48534731" + "01" + "03" + "000000fa"


def test_the_hash_of_a_segment_is_that_of_the_whole() -> None:
    assert {manufacturer_hash(part) for part in PARTS} == {IMAGE.manufacturer_hash}
    assert manufacturer_hash(IMAGE) == IMAGE.manufacturer_hash


def test_an_image_in_one_piece_is_no_segment() -> None:
    assert read_segment(IMAGE) is None
    assert read_segment_start(IMAGE.manufacturer_image) is None


def test_a_segment_is_told_by_its_first_octets() -> None:
    start = PARTS[2].manufacturer_image[:SEGMENT_HEADER_OCTETS]
    header = read_segment_start(start)
    assert header is not None
    assert (header.index, header.count) == (2, 3)
    assert read_segment_start(start[:-1]) is None


def test_no_ota_header_is_longer_than_said() -> None:
    header = replace(HEADER, credential_version=1, destination=None, hardware_min=1, hardware_max=2)
    assert header.header_octets + 8 == OTA_HEADER_OCTETS_MAX


WHY = [
    pytest.param(PARTS[:2], SegmentsMissing, id="one is missing"),
    pytest.param((), SegmentsMissing, id="all are missing"),
    pytest.param((*PARTS, PARTS[0]), SegmentsMissing, id="one twice"),
    pytest.param((PARTS[0], PARTS[0], PARTS[2]), SegmentsMissing, id="a gap and one twice"),
    pytest.param((*PARTS[:2], IMAGE), SegmentWrong, id="not a segment"),
    pytest.param((*PARTS[:2], split(image_of(bytes(250)), HEAD + 100)[2]), SegmentOfAnother, id="another whole"),
    pytest.param((*PARTS[:2], split(IMAGE, HEAD + 125)[1]), SegmentOfAnother, id="another count"),
    pytest.param((PARTS[0], split(IMAGE, HEAD + 90)[1], PARTS[2]), WholeDiffers, id="another cut"),
]


@pytest.mark.parametrize(("parts", "error"), WHY)
def test_what_is_not_each_segment_once_is_refused_by_name(parts: tuple[GbImage, ...], error: type[HanotaError]) -> None:
    with pytest.raises(error):
        join(parts)


def test_mixed_headers_are_refused() -> None:
    other = split(image_of(IMAGE.manufacturer_image, replace(HEADER, hardware_max=0x1212)), HEAD + 100)
    with pytest.raises(SegmentOfAnother, match="OTA header"):
        join((*PARTS[:2], other[2]))


def test_a_whole_with_another_hash_is_refused() -> None:
    payload = bytearray(PARTS[1].manufacturer_image)
    payload[-1] ^= 1
    with pytest.raises(WholeDiffers):
        join((PARTS[0], replace(PARTS[1], manufacturer_image=bytes(payload)), PARTS[2]))


CONTRADICTIONS = [("0103", "0303", "index"), ("0103", "0001", "count"), ("000000fa", "00000063", "octets")]


@pytest.mark.parametrize(("old", "new", "field"), CONTRADICTIONS)
def test_a_segment_that_contradicts_itself_is_refused(old: str, new: str, field: str) -> None:
    payload = PARTS[1].manufacturer_image
    head = payload[:10].replace(bytes.fromhex(old), bytes.fromhex(new))
    with pytest.raises(SegmentWrong, match=field):
        read_segment(replace(PARTS[1], manufacturer_image=head + payload[10:]))


def test_a_segment_that_ends_in_its_header_is_refused() -> None:
    with pytest.raises(SegmentShort):
        read_segment(image_of(PARTS[0].manufacturer_image[:20]))


KEY = ec.derive_private_key(21, ec.SECP256R1())
UNFIT = [
    pytest.param(sign_image(IMAGE, KEY), 200, NotSplittable, id="with a tail"),
    pytest.param(PARTS[0], 150, NotSplittable, id="a segment"),
    pytest.param(IMAGE, HEAD, NotSplittable, id="no room"),
    pytest.param(image_of(bytes(256)), HEAD + 1, NotSplittable, id="too many"),
    pytest.param(IMAGE, IMAGE.header.file_octets, NothingToSplit, id="fits"),
]


@pytest.mark.parametrize(("image", "limit", "error"), UNFIT)
def test_what_can_not_be_cut_is_refused_by_name(image: GbImage, limit: int, error: type[HanotaError]) -> None:
    with pytest.raises(error):
        split(image, limit)
