"""The OTA server by pages, and the answers to Query Specific File."""

import pytest

from hanota.model.policies import HanPolicy, Policies
from hanota.wire.wan import Cancel
from hanota.wire.zcl import (
    ImageBlockRequest,
    ImageBlockResponse,
    ImagePageRequest,
    OtaStatus,
    QueryNextImageRequest,
    QuerySpecificFileRequest,
    QuerySpecificFileResponse,
    UpgradeEndRequest,
)
from helpers.nodes import PPMID_2, STRANGER, Bench, hub_bench
from helpers.premises import NEW, NOW, OLD, PPMID, order_for, ppmid_file, signed

IMAGE = ppmid_file(530)
NAME = (0x121D, 0x0084, NEW)
ABORT = ImageBlockResponse(OtaStatus.ABORT)
MALFORMED = ImageBlockResponse(OtaStatus.MALFORMED_COMMAND)


def holding(policies: Policies | None = None) -> Bench:
    hub = hub_bench(policies)
    hub.wan(signed(order_for(IMAGE)))
    hub.serve(IMAGE)
    return hub


@pytest.fixture
def hub() -> Bench:
    return holding()


def page(offset: int = 0, octets: int = 200, max_octets: int = 50, spacing_ms: int = 400) -> ImagePageRequest:
    return ImagePageRequest(*NAME, offset, max_octets, octets, spacing_ms)


def block(offset: int, octets: int = 50) -> ImageBlockResponse:
    return ImageBlockResponse(OtaStatus.SUCCESS, *NAME, offset, IMAGE[offset : offset + octets])


def blocks(hub: Bench, until_ms: int = 10_000) -> list[tuple[int, ImageBlockResponse]]:
    """What the hub sends unasked, and after how many milliseconds."""
    start, found = hub.now, []
    while hub.wake_at is not None and hub.wake_at <= start + until_ms:
        found += [(hub.now - start, said) for said in hub.wake() if isinstance(said, ImageBlockResponse)]
    return found


def test_the_blocks_of_a_page_come_at_the_spacing_that_was_asked_for(hub: Bench) -> None:
    assert hub.hear(page(), PPMID, sequence=9) == [block(0)]
    assert hub.sequences == [9]
    assert [(at, said.offset) for at, said in blocks(hub)] == [(400, 50), (800, 100), (1200, 150)]


def test_the_hubs_own_period_is_the_least_spacing() -> None:
    hub = holding(Policies(han=HanPolicy(min_block_period_ms=1_000)))
    hub.hear(page(spacing_ms=0), PPMID)
    assert hub.wake_at == hub.now + 1_000


def test_a_page_ends_with_the_file(hub: Bench) -> None:
    hub.hear(page(450, 0xFFFF), PPMID)
    assert [said for _, said in blocks(hub)] == [block(500, 30)]


def test_a_page_may_be_no_multiple_of_its_blocks(hub: Bench) -> None:
    hub.hear(page(0, 70), PPMID)
    assert [said for _, said in blocks(hub)] == [block(50, 20)]


@pytest.mark.parametrize("asked", [page(530), page(octets=0), page(max_octets=0), page(0xFFFF_FFFF)])
def test_a_page_beyond_the_file_or_of_nothing_is_malformed(hub: Bench, asked: ImagePageRequest) -> None:
    assert hub.hear(asked, PPMID) == [MALFORMED]
    assert blocks(hub) == []


def test_a_copy_of_the_request_does_not_start_the_page_again(hub: Bench) -> None:
    hub.hear(page(), PPMID, sequence=9)
    assert hub.hear(page(), PPMID, sequence=9) == []
    assert [said.offset for _, said in blocks(hub)] == [50, 100, 150]


@pytest.mark.parametrize(
    "next_request",
    [
        ImageBlockRequest(*NAME, 300, 50),
        QueryNextImageRequest(0x121D, 0x0084, OLD),
        UpgradeEndRequest(OtaStatus.ABORT, *NAME),
    ],
)
def test_the_devices_next_request_ends_the_page(hub: Bench, next_request: object) -> None:
    hub.hear(page(), PPMID)
    hub.hear(next_request, PPMID, sequence=10)
    assert blocks(hub) == []


def test_a_page_of_an_order_that_is_cancelled_ends_with_abort(hub: Bench) -> None:
    hub.hear(page(), PPMID)
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    assert [said for _, said in blocks(hub)] == [ABORT]


def test_a_restart_forgets_the_page(hub: Bench) -> None:
    hub.hear(page(), PPMID)
    hub.restart()
    assert blocks(hub) == []


def test_pages_go_only_to_the_device_that_an_order_stands_for(hub: Bench) -> None:
    assert hub.hear(page(), PPMID_2) == [ABORT]
    assert hub.hear(page(), STRANGER) == [ImageBlockResponse(OtaStatus.NOT_AUTHORIZED)]


@pytest.mark.parametrize(
    ("node", "sender", "status"),
    [
        (PPMID, PPMID, OtaStatus.NO_IMAGE_AVAILABLE),
        (PPMID_2, PPMID, OtaStatus.NOT_AUTHORIZED),
        (STRANGER, STRANGER, OtaStatus.NOT_AUTHORIZED),
    ],
)
def test_no_file_is_made_for_one_node_alone(hub: Bench, node: object, sender: object, status: OtaStatus) -> None:
    asked = QuerySpecificFileRequest(node, *NAME, 2)
    assert hub.hear(asked, sender) == [QuerySpecificFileResponse(status)]
