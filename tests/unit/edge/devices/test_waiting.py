"""A client that was told to wait before it activates: asked again, told otherwise, told to stop, over restarts."""

import pytest

from hanota.base.instant import DAY, HOUR
from hanota.edge.devices.client import ASK_WHEN_MS, CLIENT
from hanota.wire.zcl import (
    ImageBlockResponse,
    ImageNotify,
    OtaStatus,
    QueryNextImageResponse,
    UpgradeEndRequest,
    UpgradeEndResponse,
)
from helpers.nodes import Bench, device_bench
from helpers.premises import CHF, NEW, OLD, ppmid_file

IMAGE = ppmid_file(230)
NAME = (0x121D, 0x0084, NEW)
END = UpgradeEndRequest(OtaStatus.SUCCESS, *NAME)
NEVER = UpgradeEndResponse(*NAME, 0, 0xFFFF_FFFF)
NOW_ = UpgradeEndResponse(*NAME, 0, 0)


def later(seconds: int) -> UpgradeEndResponse:
    return UpgradeEndResponse(*NAME, 1_000, 1_000 + seconds)


@pytest.fixture
def device() -> Bench:
    device = device_bench()
    device.wake()
    device.hear(ImageNotify(100, *NAME), CHF)
    device.hear(QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(IMAGE)), CHF)
    for offset in range(0, len(IMAGE), 50):
        device.hear(ImageBlockResponse(OtaStatus.SUCCESS, *NAME, offset, IMAGE[offset : offset + 50]), CHF)
    assert END in device.said
    device.hear(NEVER, CHF)
    assert state(device) == "WAITING"
    return device


def state(device: Bench) -> str:
    return str(device.node._client.state)


def ends(device: Bench) -> list[object]:
    return [said for said in device.said if isinstance(said, UpgradeEndRequest)]


def asked_after(device: Bench) -> int:
    """How long until the device asks when to activate."""
    start = device.now
    while True:
        device.wake()
        if ends(device):
            return device.now - start


def test_it_asks_again_at_least_every_hour(device: Bench) -> None:
    assert [asked_after(device) for _ in range(3)] == [ASK_WHEN_MS] * 3
    assert ASK_WHEN_MS <= HOUR


def test_after_a_restart_it_asks_at_once(device: Bench) -> None:
    device.restart()
    device.wake()
    assert ends(device) == [END]


@pytest.mark.parametrize("restart", [False, True])
def test_the_hub_may_tell_it_unasked_to_activate(device: Bench, restart: bool) -> None:
    if restart:
        device.restart()
        device.wake()
    device.hear(NOW_, CHF, sequence=77)
    assert device.memory["boot"] == b"1"


def test_the_hub_may_tell_it_unasked_a_time_and_another_one(device: Bench) -> None:
    device.hear(later(7_200), CHF, sequence=77)
    told = device.now
    device.hear(later(3_600), CHF, sequence=78)
    while "boot" not in device.memory:
        device.wake()
    assert device.now == told + HOUR


def test_a_time_can_be_taken_back(device: Bench) -> None:
    device.hear(later(60), CHF)
    device.hear(NEVER, CHF)
    device.restart()
    device.wake(90 * DAY)
    assert "boot" not in device.memory


@pytest.mark.parametrize("restart", [False, True])
def test_abort_drops_the_image_that_waits(device: Bench, restart: bool) -> None:
    if restart:
        device.restart()
        device.wake()
    device.hear(ImageBlockResponse(OtaStatus.ABORT), CHF, sequence=77)
    assert state(device) == "IDLE"
    assert device.node.banks.held is None
    assert not {"boot", "ota", "held"} & set(device.memory)
    device.hear(NOW_, CHF)
    assert "boot" not in device.memory


@pytest.mark.parametrize(
    "late",
    [
        ImageBlockResponse(OtaStatus.SUCCESS, *NAME, 200, IMAGE[200:]),
        ImageBlockResponse(OtaStatus.WAIT_FOR_DATA, current_time=0, request_time=9, min_block_period_ms=0),
        ImageBlockResponse(OtaStatus.MALFORMED_COMMAND),
        UpgradeEndResponse(0x121D, 0x0084, OLD, 0, 0),
        QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE),
        ImageNotify(100, *NAME),
    ],
    ids=str,
)
def test_what_comes_late_changes_nothing(device: Bench, late: object) -> None:
    before = dict(device.memory)
    device.hear(late, CHF, sequence=200)
    assert state(device) == "WAITING"
    assert device.memory == before


def test_every_status_in_place_of_a_block_is_decided() -> None:
    ends_download = set()
    for status in OtaStatus:
        device = device_bench()
        device.wake()
        device.hear(ImageNotify(100, *NAME), CHF)
        device.hear(QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(IMAGE)), CHF)
        facts = {"current_time": 0, "request_time": 9, "min_block_period_ms": 0}
        facts = facts if status is OtaStatus.WAIT_FOR_DATA else {}
        if status is not OtaStatus.SUCCESS:
            device.hear(ImageBlockResponse(status, **facts), CHF, sequence=device.sequences[-1])
        if state(device) == "IDLE":
            ends_download.add(status)
    assert ends_download == set(OtaStatus) - {OtaStatus.SUCCESS, OtaStatus.WAIT_FOR_DATA, OtaStatus.TIMEOUT}


def test_the_table_says_who_ends_what() -> None:
    assert {state for state in CLIENT.states if CLIENT.takes(state, "told_to_stop")} >= {
        "DOWNLOADING",
        "ENDING",
        "REJECTING",
        "WAITING",
    }
