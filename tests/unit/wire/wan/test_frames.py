"""Frames between head end and hub: their octets, their limits, their table."""

import hashlib
from dataclasses import fields

import pytest

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.limits import WAN_FRAME_OCTETS_MAX
from hanota.base.vocabulary.devices import DeviceType
from hanota.wire.layout import ValueUnwritable
from hanota.wire.wan import (
    Acknowledge,
    Cancel,
    ChunkBeyondFile,
    Distribute,
    Fetch,
    Frame,
    FrameMalformed,
    FrameShort,
    FrameTooLong,
    FrameUnknown,
    FrameWrong,
    GbcsDown,
    GbcsUp,
    ImageChunk,
    Order,
    Receipt,
    ReceiptStatus,
    Report,
    SignedOrder,
    Uplink,
    read_frame,
    write_frame,
)
from hanota.wire.wan.codec import read_kind, write_kind
from hanota.wire.wan.tables import ROWS, VERSION, Place

HUB = Eui64.parse("00-DB-12-34-56-78-90-A2")
PPMID = Eui64.parse("00-DB-12-34-56-78-90-A4")
HASH = hashlib.sha256(b"file").digest()
DISTRIBUTE = Distribute(
    order=7,
    device=PPMID,
    device_type=DeviceType.PPMID,
    request=RequestId(HUB, PPMID, 1000),
    image_hash=HASH,
    image_octets=65_596,
    manufacturer=0x121D,
    image_type=0x0084,
    file_version=0x0002012F,
    hardware_min=0x1111,
    hardware_max=0x1211,
    expires=Instant(2),
    sent=Instant(1),
)


def test_each_kind_has_one_number_and_one_layout() -> None:
    assert len({row.kind for row in ROWS}) == len({row.frame for row in ROWS}) == len(ROWS)


def test_the_table_holds_all_kinds_where_they_may_stand() -> None:
    travelling = {row.frame for row in ROWS if row.place in (Place.UP, Place.DOWN)}
    assert travelling == set(Frame.__args__)
    assert {row.frame for row in ROWS if row.place is Place.ORDER} == set(Order.__args__)
    assert {row.frame for row in ROWS if row.place is Place.REPORT} == set(Report.__args__)
    assert all((row.kind >= 0x80) == (row.place in (Place.UP, Place.REPORT)) for row in ROWS), (
        "the top bit means upwards"
    )


@pytest.mark.parametrize(
    ("frame", "octets"),
    [
        (Acknowledge(event=258), "a1 04 0000000000000102"),
        (GbcsDown(message=1, device=PPMID, data=b"\xdd"), "a1 03 0000000000000001 00db1234567890a4 dd"),
        (
            ImageChunk(image_hash=HASH, offset=1, image_octets=3, data=b"ab"),
            f"a1 02 {HASH.hex()} 00000001 00000003 6162",
        ),
        (
            Fetch(hub=HUB, image_hash=HASH, offset=1, max_octets=2),
            f"a1 82 00db1234567890a2 {HASH.hex()} 00000001 00000002",
        ),
        (SignedOrder(signature=bytes(64), body=b"b"), f"a1 01 {'00' * 64} 62"),
        (
            Uplink(hub=HUB, event=1, sent=Instant(2), signature=b"", body=b"b"),
            "a1 81 00db1234567890a2 0000000000000001 0000000000000002 00 62",
        ),
    ],
)
def test_octets_of_frames(frame: Frame, octets: str) -> None:
    assert write_frame(frame) == bytes.fromhex(octets)
    assert read_frame(bytes.fromhex(octets)) == frame


def test_an_order_carries_every_field() -> None:
    octets = write_kind(DISTRIBUTE)
    assert octets[:3] == bytes((VERSION, 0x14, 1)), "hardware versions are present"
    assert read_kind(octets, Place.ORDER) == DISTRIBUTE


def test_an_order_may_leave_hardware_versions_out_but_not_one_of_them() -> None:
    given = {field.name: getattr(DISTRIBUTE, field.name) for field in fields(DISTRIBUTE)}
    without = Distribute(**(given | {"hardware_min": None, "hardware_max": None}))
    assert read_kind(write_kind(without), Place.ORDER) == without
    with pytest.raises(ValueUnwritable):
        write_kind(Distribute(**(given | {"hardware_min": None})))


def test_a_status_that_is_not_known_here_is_kept() -> None:
    octets = write_kind(Receipt(order=1, status=ReceiptStatus(99), offset=0, blocks=0, repeats=0))
    assert read_kind(octets, Place.REPORT).status.known is False


@pytest.mark.parametrize(
    "frame", [DISTRIBUTE, Cancel(order=1, sent=Instant(1)), GbcsUp(data=b"x")], ids=lambda frame: type(frame).__name__
)
def test_what_needs_a_signature_does_not_travel_by_itself(frame: object) -> None:
    with pytest.raises(ValueUnwritable, match="orders are signed first"):
        write_frame(frame)
    with pytest.raises(FrameUnknown):
        read_frame(write_kind(frame))


def test_a_frame_above_the_limit_is_neither_written_nor_read() -> None:
    fits = GbcsDown(message=1, device=PPMID, data=bytes(WAN_FRAME_OCTETS_MAX - 18))
    octets = write_frame(fits)
    assert len(octets) == WAN_FRAME_OCTETS_MAX
    assert read_frame(octets) == fits
    with pytest.raises(FrameTooLong):
        write_frame(GbcsDown(message=1, device=PPMID, data=fits.data + b"x"))
    with pytest.raises(FrameTooLong):
        read_frame(octets + b"x")


def test_a_chunk_lies_within_its_file() -> None:
    whole = ImageChunk(image_hash=HASH, offset=8, image_octets=10, data=b"ab")
    octets = write_frame(whole)
    with pytest.raises(ChunkBeyondFile) as caught:
        read_frame(octets + b"c")
    assert (caught.value.facts["offset"], caught.value.facts["got"], caught.value.facts["expected"]) == (8, 3, 10)
    with pytest.raises(ChunkBeyondFile):
        write_frame(ImageChunk(image_hash=HASH, offset=9, image_octets=10, data=b"ab"))


@pytest.mark.parametrize(
    ("why", "octets", "error"),
    [
        ("nothing", "", FrameShort),
        ("no kind", "a1", FrameShort),
        ("another version", "a2 04 0000000000000102", FrameWrong),
        ("no such kind", "a1 7f", FrameUnknown),
        ("cut", "a1 04 00000000000001", FrameShort),
        ("octets left over", "a1 04 0000000000000102 00", FrameWrong),
    ],
)
def test_a_bad_frame_is_refused(why: str, octets: str, error: type[FrameMalformed]) -> None:
    with pytest.raises(error) as caught:
        read_frame(bytes.fromhex(octets))
    assert isinstance(caught.value, FrameMalformed)
