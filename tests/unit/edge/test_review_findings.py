"""What a review found at the edge: each of these once went wrong."""

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.hub.relay import COMMANDS_MAX
from hanota.model.policies import HanPolicy, Policies
from hanota.wire.wan import Acknowledge, Cancel, DeviceSeen, GbcsDown, ReceiptStatus
from hanota.wire.zcl import (
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    TransferData,
    UpgradeEndRequest,
    UpgradeEndResponse,
)
from helpers.meters import GSME, activate, ask_version
from helpers.nodes import DEVICE_LOG, STRANGER, Bench, device_bench, hub_bench
from helpers.premises import CHF, ESME, NEW, NOW, OLD, PPMID, order_for, ppmid_file, signed

NAME = (0x121D, 0x0084, NEW)
DONE = UpgradeEndRequest(OtaStatus.SUCCESS, *NAME)
ABORT = ImageBlockResponse(OtaStatus.ABORT)
FIRST, SECOND = ppmid_file(2000), ppmid_file(2100)


# --- an Upgrade End Request names no hash ------------------------------------------------------------------------


def held(hub: Bench, image: bytes, number: int) -> None:
    hub.wan(signed(order_for(image, number, device=ESME, device_type=DeviceType.ESME)))
    hub.serve(image)


def fetch(hub: Bench, image: bytes) -> None:
    for offset in range(0, len(image), 50):
        hub.hear(ImageBlockRequest(*NAME, offset, 50), ESME)


@pytest.fixture
def spliced() -> Bench:
    """The meter has all of the first image and has not heard so; that order was cancelled."""
    hub = hub_bench()
    held(hub, FIRST, 1)
    fetch(hub, FIRST)
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    return hub


def test_a_late_end_about_one_file_does_not_complete_another_of_the_same_name(spliced: Bench) -> None:
    held(spliced, SECOND, 2)
    assert spliced.hear(DONE, ESME) == [ABORT]
    assert spliced.receipts == []
    assert ImageNotify(100, *NAME) in spliced.wake(MINUTE // 4), "it hears of the other file soon"
    fetch(spliced, SECOND)
    spliced.restart()
    assert isinstance(spliced.hear(DONE, ESME)[0], UpgradeEndResponse)
    assert [receipt.status for receipt in spliced.receipts if receipt.order == 2] == [ReceiptStatus.TRANSFERRED]


def test_what_was_fetched_for_an_earlier_order_of_the_same_file_counts(spliced: Bench) -> None:
    held(spliced, FIRST, 2)
    assert isinstance(spliced.hear(DONE, ESME)[0], UpgradeEndResponse)


def test_a_file_fetched_since_then_makes_the_earlier_one_count_no_more(spliced: Bench) -> None:
    held(spliced, SECOND, 2)
    fetch(spliced, SECOND)
    spliced.now = Instant(spliced.now + MINUTE)
    spliced.wan(signed(Cancel(order=2, sent=NOW)))
    held(spliced, FIRST, 3)
    assert spliced.hear(DONE, ESME) == [ABORT]


# --- pace --------------------------------------------------------------------------------------------------------


def test_the_pace_that_one_server_asked_for_ends_with_its_file() -> None:
    device = device_bench(Policies(han=HanPolicy(block_octets=50, min_block_period_ms=250)))
    offer = QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(FIRST))
    device.wake()
    device.hear(QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE), CHF)
    device.hear(ImageNotify(100, *NAME), STRANGER)
    device.hear(offer, STRANGER)
    wait = ImageBlockResponse(OtaStatus.WAIT_FOR_DATA, current_time=0, request_time=1, min_block_period_ms=0xFFFF)
    device.hear(wait, STRANGER, sequence=device.sequences[-1])
    device.hear(ImageNotify(100, *NAME), CHF)
    assert device.hear(offer, CHF) == [ImageBlockRequest(*NAME, 0, 50, min_block_period_ms=250)]


# --- commands ----------------------------------------------------------------------------------------------------


@pytest.fixture
def hub() -> Bench:
    return hub_bench(device_log=DEVICE_LOG | {GSME: DeviceType.GSME, ESME: DeviceType.ESME})


def version_asked(hub: Bench, device: Eui64, counter: int) -> bytes:
    command = ask_version(hub.node._identity.device_log[device], device, counter)
    hub.wan(GbcsDown(message=counter, device=device, data=command))
    return command


def test_a_device_that_sleeps_does_not_keep_commands_from_the_others(hub: Bench) -> None:
    for counter in range(100, 200):
        version_asked(hub, GSME, counter)
    command = version_asked(hub, ESME, 7)
    assert hub.said == [TransferData(0, command)]


def test_a_full_device_loses_the_oldest_command_of_the_same_originator_and_of_no_other(hub: Bench) -> None:
    commands = [version_asked(hub, ESME, counter) for counter in range(COMMANDS_MAX)]
    version_asked(hub, ESME, 0)
    assert not hub.noted("command_unanswered"), "a repetition takes no room"
    hub.wan(GbcsDown(message=1, device=ESME, data=activate(bytes(32), 1000)))
    assert hub.noted("gbcs_refused")[0].facts["error"] == "full"
    commands.append(version_asked(hub, ESME, COMMANDS_MAX))
    assert hub.wake(MINUTE) != []
    assert {said.data for said in hub.said} == set(commands[1:])


# --- versions ----------------------------------------------------------------------------------------------------


def test_a_version_that_came_and_went_within_the_quiet_time_is_told_all_the_same() -> None:
    hub = hub_bench(device_log={PPMID: DeviceType.PPMID})
    for version in (OLD, NEW, OLD):
        hub.hear(QueryNextImageRequest(0x121D, 0x0084, version, 0x1111), PPMID)
    hub.wan(Acknowledge(event=1))
    hub.restart()
    hub.wake(MINUTE)
    assert [seen.file_version for seen in hub.reports if isinstance(seen, DeviceSeen)] == [NEW, OLD]
    assert not hub.node._watch.due, "once"
