"""ZCL frames: octets as the cluster defines them, and what is refused."""

from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.wire.layout import ValueUnwritable
from hanota.wire.zcl import (
    OTA_CLUSTER,
    TUNNELING_CLUSTER,
    Command,
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    ImagePageRequest,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    QuerySpecificFileRequest,
    QuerySpecificFileResponse,
    Side,
    TransferData,
    UpgradeEndRequest,
    UpgradeEndResponse,
    ZclMalformed,
    ZclShort,
    ZclUnknown,
    ZclWrong,
    read_command,
    write_command,
)

NODE = Eui64.parse("00-DB-12-34-56-78-90-A4")
NODE_HEX = "a4 90 78 56 34 12 db 00"
KEY = (0x121D, 0x0084, 0x0002012F)
KEY_HEX = "1d12 8400 2f010200"
OK = OtaStatus.SUCCESS

FRAMES: list[tuple[Command, Side, str]] = [
    (ImageNotify(100), Side.SERVER, "19 07 00 00 64"),
    (ImageNotify(100, 0x121D), Side.SERVER, "19 07 00 01 64 1d12"),
    (ImageNotify(100, 0x121D, 0x0084), Side.SERVER, "19 07 00 02 64 1d12 8400"),
    (ImageNotify(100, *KEY), Side.SERVER, f"19 07 00 03 64 {KEY_HEX}"),
    (QueryNextImageRequest(*KEY), Side.CLIENT, f"01 07 01 00 {KEY_HEX}"),
    (QueryNextImageRequest(*KEY, 0x1211), Side.CLIENT, f"01 07 01 01 {KEY_HEX} 1112"),
    (QueryNextImageResponse(OK, *KEY, 361), Side.SERVER, f"19 07 02 00 {KEY_HEX} 69010000"),
    (QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE), Side.SERVER, "19 07 02 98"),
    (ImageBlockRequest(*KEY, 4000, 50), Side.CLIENT, f"01 07 03 00 {KEY_HEX} a00f0000 32"),
    (ImageBlockRequest(*KEY, 4000, 50, NODE), Side.CLIENT, f"01 07 03 01 {KEY_HEX} a00f0000 32 {NODE_HEX}"),
    (ImageBlockRequest(*KEY, 0, 50, None, 250), Side.CLIENT, f"01 07 03 02 {KEY_HEX} 00000000 32 fa00"),
    (ImageBlockRequest(*KEY, 0, 50, NODE, 250), Side.CLIENT, f"01 07 03 03 {KEY_HEX} 00000000 32 {NODE_HEX} fa00"),
    (ImagePageRequest(*KEY, 0, 50, 1024, 50), Side.CLIENT, f"01 07 04 00 {KEY_HEX} 00000000 32 0004 3200"),
    (ImageBlockResponse(OK, *KEY, 4000, b"abc"), Side.SERVER, f"19 07 05 00 {KEY_HEX} a00f0000 03 616263"),
    (
        ImageBlockResponse(OtaStatus.WAIT_FOR_DATA, current_time=1, request_time=61, min_block_period_ms=250),
        Side.SERVER,
        "19 07 05 97 01000000 3d000000 fa00",
    ),
    (ImageBlockResponse(OtaStatus.ABORT), Side.SERVER, "19 07 05 95"),
    (UpgradeEndRequest(OtaStatus.INVALID_IMAGE, *KEY), Side.CLIENT, f"01 07 06 96 {KEY_HEX}"),
    (UpgradeEndResponse(*KEY, 0, 0xFFFF_FFFF), Side.SERVER, f"19 07 07 {KEY_HEX} 00000000 ffffffff"),
    (QuerySpecificFileRequest(NODE, *KEY, 2), Side.CLIENT, f"01 07 08 {NODE_HEX} {KEY_HEX} 0200"),
    (QuerySpecificFileResponse(OtaStatus.NOT_AUTHORIZED), Side.SERVER, "19 07 09 7e"),
    (TransferData(1, b"\xdd\x00"), Side.SERVER, "19 07 01 0100 dd00"),
    (TransferData(1, b"\xdd\x00"), Side.CLIENT, "01 07 02 0100 dd00"),
]


@pytest.mark.parametrize(("command", "sender", "frame"), FRAMES)
def test_octets_are_those_of_the_cluster(command: Command, sender: Side, frame: str) -> None:
    octets = bytes.fromhex(frame)
    cluster = TUNNELING_CLUSTER if isinstance(command, TransferData) else OTA_CLUSTER
    assert write_command(7, command, sender) == octets
    assert read_command(cluster, octets, sender) == (7, command)


def test_the_sender_need_not_be_named_where_only_one_side_sends() -> None:
    assert write_command(1, ImageBlockResponse(OtaStatus.ABORT))[0] == 0x19
    assert write_command(1, ImageBlockRequest(*KEY, 0, 50))[0] == 0x01


@pytest.mark.parametrize(
    ("sequence", "command", "sender", "field"),
    [
        (1, TransferData(1, b""), None, "sender"),
        (1, ImageNotify(1), Side.CLIENT, "sender"),
        (256, ImageNotify(1), None, "sequence"),
        (-1, ImageNotify(1), None, "sequence"),
        (1, ImageBlockResponse(OK, *KEY, 0, bytes(256)), None, "data"),
        (1, ImageNotify(1, image_type=1), None, "image_type"),
        (1, ImageBlockResponse(OK, *KEY, 0, b"", current_time=1), None, "current_time"),
    ],
)
def test_what_no_frame_can_carry_is_not_written(sequence: int, command: Command, sender: Any, field: str) -> None:
    with pytest.raises(ValueUnwritable) as caught:
        write_command(sequence, command, sender)
    assert caught.value.facts["field"] == field


@pytest.mark.parametrize(
    ("why", "cluster", "frame", "sender", "error", "offset"),
    [
        ("nothing", OTA_CLUSTER, "", Side.CLIENT, ZclShort, 0),
        ("header cut", OTA_CLUSTER, "01 07", Side.CLIENT, ZclShort, 0),
        ("direction of the other side", OTA_CLUSTER, "19 07 05 95", Side.CLIENT, ZclWrong, 0),
        ("a global command", OTA_CLUSTER, "00 07 05", Side.CLIENT, ZclWrong, 0),
        ("a response sent by a client", OTA_CLUSTER, "01 07 05 95", Side.CLIENT, ZclUnknown, 2),
        ("no such command", OTA_CLUSTER, "01 07 0a", Side.CLIENT, ZclUnknown, 2),
        ("no such cluster", 0x0000, "01 07 01", Side.CLIENT, ZclUnknown, 2),
        ("payload type 4", OTA_CLUSTER, "19 07 00 04 64", Side.SERVER, ZclWrong, 3),
        ("reserved field control bit", OTA_CLUSTER, f"01 07 03 04 {KEY_HEX} 00000000 32", Side.CLIENT, ZclWrong, 3),
        ("hardware version missing", OTA_CLUSTER, f"01 07 01 01 {KEY_HEX}", Side.CLIENT, ZclShort, 12),
        ("octets after ABORT", OTA_CLUSTER, "19 07 05 95 00", Side.SERVER, ZclWrong, 4),
        (
            "data shorter than its size",
            OTA_CLUSTER,
            f"19 07 05 00 {KEY_HEX} 00000000 04 616263",
            Side.SERVER,
            ZclShort,
            17,
        ),
        ("status without what it promises", OTA_CLUSTER, "19 07 02 00", Side.SERVER, ZclShort, 4),
    ],
)
def test_a_bad_frame_is_refused_at_the_octet(
    why: str, cluster: int, frame: str, sender: Side, error: type[ZclMalformed], offset: int
) -> None:
    with pytest.raises(error) as caught:
        read_command(cluster, bytes.fromhex(frame), sender)
    assert isinstance(caught.value, ZclMalformed)
    assert caught.value.facts["offset"] == offset


def test_an_unknown_status_keeps_its_number() -> None:
    _, response = read_command(OTA_CLUSTER, bytes.fromhex("19 07 02 c3"), Side.SERVER)
    assert isinstance(response, QueryNextImageResponse)
    assert (int(response.status), response.status.known) == (0xC3, False)
    assert write_command(7, response) == bytes.fromhex("19 07 02 c3")
