"""The OTA server: what it offers, to whom, and what it answers to each command of the OTA cluster."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType, TransferResponseCode
from hanota.edge.hub.server import SILENCE_MS
from hanota.model.policies import HanPolicy, Policies
from hanota.wire.gbcs.message import read_message
from hanota.wire.gbcs.payload import read_payload
from hanota.wire.wan import Acknowledge, Cancel, GbcsUp, ReceiptStatus
from hanota.wire.zcl import (
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    UpgradeEndRequest,
    UpgradeEndResponse,
)
from helpers.nodes import PPMID_2, STRANGER, Bench, hub_bench
from helpers.premises import ESME, NEW, NOW, OLD, PPMID, order_for, ppmid_file, signed

IMAGE = ppmid_file(2500)
NAME = (0x121D, 0x0084, NEW)
QUERY = QueryNextImageRequest(0x121D, 0x0084, OLD, 0x1111)
NONE_HERE = QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE)


@pytest.fixture
def hub() -> Bench:
    return holding(hub_bench())


def holding(hub: Bench, **facts: object) -> Bench:
    hub.wan(signed(order_for(IMAGE, **facts)))
    hub.serve(IMAGE)
    for event in range(1, 10):
        hub.wan(Acknowledge(event=event))
    return hub


def alert_results(hub: Bench) -> list[TransferResponseCode]:
    alerts = [read_payload(read_message(report.data)) for report in hub.reports if isinstance(report, GbcsUp)]
    return [alert.result for alert in alerts]


def test_a_held_image_is_offered_to_its_device(hub: Bench) -> None:
    assert hub.hear(QUERY, PPMID, sequence=77) == [QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(IMAGE))]
    assert hub.sequences == [77]


@pytest.mark.parametrize(
    ("query", "sender"),
    [
        (QUERY, PPMID_2),
        (QueryNextImageRequest(0x121E, 0x0084, OLD), PPMID),
        (QueryNextImageRequest(0x121D, 0x0085, OLD), PPMID),
    ],
)
def test_nothing_is_offered_to_others_or_for_other_images(hub: Bench, query: object, sender: object) -> None:
    assert hub.hear(query, sender) == [NONE_HERE]


def test_nothing_is_offered_before_the_image_is_whole() -> None:
    hub = hub_bench()
    hub.wan(signed(order_for(IMAGE)))
    assert hub.hear(QUERY, PPMID) == [NONE_HERE]
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID) == [ImageBlockResponse(OtaStatus.ABORT)]


@pytest.mark.parametrize("hardware", [0x1110, 0x1212])
def test_hardware_outside_the_range_is_reported_not_served(hub: Bench, hardware: int) -> None:
    assert hub.hear(QueryNextImageRequest(0x121D, 0x0084, OLD, hardware), PPMID) == [NONE_HERE]
    assert [receipt.status for receipt in hub.receipts] == [ReceiptStatus.HARDWARE_MISMATCH]
    assert alert_results(hub) == [TransferResponseCode.HARDWARE_VERSION_MISMATCH]


@given(offset=st.integers(0, len(IMAGE) - 1), asked=st.integers(1, 255))
def test_any_offset_inside_the_file_is_answered(offset: int, asked: int) -> None:
    hub = _SERVING
    (block,) = hub.hear(ImageBlockRequest(*NAME, offset, asked), PPMID)
    assert block == ImageBlockResponse(OtaStatus.SUCCESS, *NAME, offset, IMAGE[offset : offset + min(asked, 50)])


_SERVING = holding(hub_bench())


@pytest.mark.parametrize(("offset", "asked"), [(2500, 50), (0xFFFF_FFFF, 50), (0, 0)])
def test_a_request_beyond_the_file_or_for_nothing_is_malformed(hub: Bench, offset: int, asked: int) -> None:
    answer = ImageBlockResponse(OtaStatus.MALFORMED_COMMAND)
    assert hub.hear(ImageBlockRequest(*NAME, offset, asked), PPMID) == [answer]


def test_blocks_go_only_to_the_device_that_an_order_stands_for(hub: Bench) -> None:
    abort = [ImageBlockResponse(OtaStatus.ABORT)]
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID_2) == abort
    assert hub.hear(ImageBlockRequest(*NAME[:2], OLD, 0, 50), PPMID) == abort


def test_a_node_outside_the_device_log_is_refused(hub: Bench) -> None:
    assert hub.hear(QUERY, STRANGER) == [QueryNextImageResponse(OtaStatus.NOT_AUTHORIZED)]
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), STRANGER) == [ImageBlockResponse(OtaStatus.NOT_AUTHORIZED)]
    assert hub.hear(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), STRANGER) == []
    assert hub.noted("stranger_refused")


def test_blocks_are_as_long_as_the_policy_says() -> None:
    hub = holding(hub_bench(Policies(han=HanPolicy(block_octets=40))))
    assert len(hub.hear(ImageBlockRequest(*NAME, 0, 255), PPMID)[0].data) == 40


def test_progress_is_reported_at_the_first_block_and_at_every_tenth() -> None:
    hub = holding(hub_bench())
    offsets = []
    for offset in range(0, 2500, 50):
        hub.hear(ImageBlockRequest(*NAME, offset, 50), PPMID)
        offsets += [receipt.offset for receipt in hub.receipts if receipt.status is ReceiptStatus.TRANSFERRING]
    assert sorted(set(offsets)) == [50, *range(250, 2501, 250)]


@pytest.mark.parametrize("restart", [False, True])
def test_repeated_blocks_are_counted_also_over_a_restart(hub: Bench, restart: bool) -> None:
    for offset in (0, 50, 50, 100, 0):
        hub.hear(ImageBlockRequest(*NAME, offset, 50), PPMID)
    if restart:
        hub.restart()
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(IMAGE))
    final = [receipt for receipt in hub.receipts if receipt.status is ReceiptStatus.TRANSFERRED]
    assert [(receipt.offset, receipt.blocks, receipt.repeats) for receipt in final] == [(2500, 6, 2)]


def test_a_device_that_has_the_image_is_told_to_activate_at_once(hub: Bench) -> None:
    answer = [UpgradeEndResponse(*NAME, current_time=0, upgrade_time=0)]
    assert hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(IMAGE)) == answer
    assert [receipt.status for receipt in hub.receipts] == [ReceiptStatus.TRANSFERRED]
    assert alert_results(hub) == [TransferResponseCode.FILE_TRANSFER_SUCCESS]


def test_a_lost_answer_is_given_again_and_the_end_is_reported_once(hub: Bench) -> None:
    first = hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(IMAGE))
    hub.restart()
    assert hub.hear(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID) == first
    assert hub.reports == []


def test_a_meter_is_told_to_wait_for_a_signed_command() -> None:
    hub = holding(hub_bench(), device=ESME, device_type=DeviceType.ESME)
    answer = UpgradeEndResponse(*NAME, current_time=0, upgrade_time=0xFFFF_FFFF)
    assert hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), ESME, len(IMAGE)) == [answer]


@pytest.mark.parametrize("status", [OtaStatus.INVALID_IMAGE, OtaStatus.ABORT, OtaStatus.REQUIRE_MORE_IMAGE])
def test_a_device_that_refuses_the_image_is_heard_and_reported(hub: Bench, status: OtaStatus) -> None:
    for _ in range(2):
        assert hub.hear(UpgradeEndRequest(status, *NAME), PPMID) == [ImageBlockResponse(OtaStatus.ABORT)]
    hub.restart()
    assert alert_results(hub) == [TransferResponseCode.FILE_TRANSFER_FAILURE]


def test_an_end_that_no_order_stands_for_is_answered_with_abort(hub: Bench) -> None:
    abort = [ImageBlockResponse(OtaStatus.ABORT)]
    assert hub.hear(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID_2) == abort


def test_a_silent_device_is_told_again_ever_later_and_left_alone_while_it_asks(hub: Bench) -> None:
    waits = []
    for _ in range(5):
        before = hub.now
        assert hub.wake() == [ImageNotify(100, *NAME)]
        waits.append((hub.now - before) // 1000)
    assert waits == [15, 30, 60, 120, 240]
    hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID)
    asked = hub.now
    while not hub.wake():
        pass
    assert hub.now == asked + SILENCE_MS


def test_blocks_of_two_files_under_one_name_are_never_spliced(hub: Bench) -> None:
    hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID)
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    other = ppmid_file(2400)
    hub.wan(signed(order_for(other, 2)))
    hub.serve(other)
    assert hub.hear(ImageBlockRequest(*NAME, 50, 50), PPMID) == [ImageBlockResponse(OtaStatus.ABORT)]
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID)[0].data == other[:50]
    assert hub.hear(ImageBlockRequest(*NAME, 50, 50), PPMID)[0].data == other[50:100]


def test_the_same_file_ordered_again_is_resumed(hub: Bench) -> None:
    hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID)
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    hub.wan(signed(order_for(IMAGE, 2)))
    hub.serve(IMAGE)
    assert hub.hear(ImageBlockRequest(*NAME, 50, 50), PPMID)[0].data == IMAGE[50:100]


def test_after_a_restart_the_device_is_told_of_its_image(hub: Bench) -> None:
    hub.now = Instant(hub.now + 1000)
    hub.restart()
    assert hub.said == [ImageNotify(100, *NAME)]
