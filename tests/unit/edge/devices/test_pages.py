"""The OTA client by pages: blocks come unasked, gaps are asked for singly, and every block is stored at once."""

import pytest

from hanota.edge.devices.fetching import FRUITLESS_PAGES_MAX, PAGE_PATIENCE_MS
from hanota.model.policies import HanPolicy, Policies
from hanota.wire.zcl import (
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    ImagePageRequest,
    OtaStatus,
    QueryNextImageResponse,
    UpgradeEndRequest,
)
from helpers.nodes import Bench, device_bench
from helpers.premises import CHF, NEW, ppmid_file

IMAGE = ppmid_file(530)
NAME = (0x121D, 0x0084, NEW)
END = UpgradeEndRequest(OtaStatus.SUCCESS, *NAME)
PAGES = Policies(han=HanPolicy(page_octets=200, min_block_period_ms=100))


def block(offset: int, octets: int = 50) -> ImageBlockResponse:
    return ImageBlockResponse(OtaStatus.SUCCESS, *NAME, offset, IMAGE[offset : offset + octets])


def page(offset: int, octets: int = 200) -> ImagePageRequest:
    return ImagePageRequest(*NAME, offset, 50, octets, 100)


def single(offset: int, octets: int = 50) -> ImageBlockRequest:
    return ImageBlockRequest(*NAME, offset, octets, min_block_period_ms=100)


@pytest.fixture
def device() -> Bench:
    device = device_bench(PAGES)
    device.wake()
    device.hear(ImageNotify(100, *NAME), CHF)
    assert device.hear(QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(IMAGE)), CHF) == [page(0)]
    return device


def give(device: Bench, *offsets: int) -> list[object]:
    """Let blocks of a page arrive; give all that is asked for until then."""
    return [said for offset in offsets for said in device.hear(block(offset), CHF, sequence=device_sequence(device))]


def device_sequence(device: Bench) -> int:
    return device.sequences[-1] if device.sequences else 1


def test_a_page_that_came_whole_is_followed_by_the_next(device: Bench) -> None:
    assert give(device, 0, 50, 100, 150) == []
    assert device.wake() == [page(200)]
    assert give(device, 200, 250, 300, 350) == []
    assert device.wake() == [page(400, 130)]
    assert give(device, 400, 450, 500) == [END]


def test_each_block_is_stored_in_the_call_that_took_it_also_beyond_a_gap(device: Bench) -> None:
    give(device, 0, 100)
    assert device.memory[f"block/{100:08x}"] == IMAGE[100:150]


def test_what_is_missing_of_a_page_is_asked_for_singly(device: Bench) -> None:
    assert give(device, 0, 100, 150) == []
    assert device.wake() == [single(50)]
    device.hear(block(50), CHF)
    assert device.wake() == [page(200)]


def test_a_page_that_stops_is_asked_for_again_from_the_first_missing_octet(device: Bench) -> None:
    give(device, 0, 50)
    before = device.now
    assert device.wake() == [page(100)]
    assert device.now == before + 100 + PAGE_PATIENCE_MS


def test_blocks_out_of_order_and_twice_make_no_difference(device: Bench) -> None:
    give(device, 100, 0, 0, 150, 100, 50)
    assert device.wake() == [page(200)]


@pytest.mark.parametrize("offsets", [(0,), (0, 100), (50, 150)])
def test_a_restart_loses_no_block(device: Bench, offsets: tuple[int, ...]) -> None:
    give(device, *offsets)
    device.restart()
    asked = {said.offset for said in device.wake() if isinstance(said, ImageBlockRequest | ImagePageRequest)}
    assert asked == {0 if 0 not in offsets else 50}
    give(device, *{0, 50, 100, 150} - set(offsets))
    assert isinstance(device.wake()[0], ImagePageRequest)
    assert device.said[0].offset == 200


def test_blocks_beyond_the_page_are_not_taken(device: Bench) -> None:
    before = dict(device.memory)
    give(device, 200, 300)
    assert device.memory == before


def test_a_hub_that_knows_no_pages_is_asked_block_by_block(device: Bench) -> None:
    for _ in range(FRUITLESS_PAGES_MAX - 1):
        assert device.wake() == [page(0)]
    assert device.wake() == [single(0)]


def test_told_to_wait_in_a_page_it_expects_no_more_of_it(device: Bench) -> None:
    sequence = device.sequences[-1]
    device.hear(block(0), CHF, sequence=sequence)
    wait = ImageBlockResponse(OtaStatus.WAIT_FOR_DATA, current_time=0, request_time=60, min_block_period_ms=300)
    device.hear(wait, CHF, sequence=sequence)
    told = device.now
    assert device.wake() == [ImagePageRequest(*NAME, 50, 50, 200, 300)]
    assert device.now == told + 60_000


def test_abort_in_a_page_drops_all_of_it(device: Bench) -> None:
    sequence = device.sequences[-1]
    device.hear(block(100), CHF, sequence=sequence)
    device.hear(ImageBlockResponse(OtaStatus.ABORT), CHF, sequence=sequence)
    assert not [key for key in device.memory if key.startswith("block/")]
