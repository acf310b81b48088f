"""The OTA client: what it asks for and when, what it keeps through power loss, what it does not believe."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import DAY
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.devices.client import QUERY_AGAIN_MS, QUERY_TRIES_MAX
from hanota.model.policies import HanPolicy, Policies
from hanota.model.profiles import PROFILES
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
from helpers.nodes import STRANGER, Bench, device_bench
from helpers.premises import CHF, NEW, OLD, ppmid_file

IMAGE = ppmid_file(230)
NAME = (0x121D, 0x0084, NEW)
NOTIFY = ImageNotify(100, *NAME)
OFFER = QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(IMAGE))
END = UpgradeEndRequest(OtaStatus.SUCCESS, *NAME)


def block(offset: int, image: bytes = IMAGE, octets: int = 50) -> ImageBlockResponse:
    return ImageBlockResponse(OtaStatus.SUCCESS, *NAME, offset, image[offset : offset + octets])


def ask(offset: int, period_ms: int = 250) -> ImageBlockRequest:
    return ImageBlockRequest(*NAME, offset, 50, min_block_period_ms=period_ms)


@pytest.fixture
def device() -> Bench:
    return running()


def running(**facts: object) -> Bench:
    """A device that is up, and whose first question has been answered: there is nothing."""
    device = device_bench(**facts)
    device.wake()
    device.hear(QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE), CHF)
    return device


def test_a_device_asks_once_after_every_boot_and_says_what_it_runs() -> None:  # R25
    device = device_bench()
    assert device.wake() == [QueryNextImageRequest(0x121D, 0x0084, OLD, 0x1111)]
    device.hear(QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE), CHF)
    assert device.wake_at is None or device.wake(60_000) == []
    device.restart()
    assert len(device.wake()) == 1


def downloading(device: Bench, blocks: int = 0) -> Bench:
    device.hear(NOTIFY, CHF)
    device.hear(OFFER, CHF)
    for number in range(blocks):
        device.hear(block(number * 50), CHF)
        device.wake()
    return device


def complete(device: Bench, image: bytes = IMAGE) -> Bench:
    for offset in range(0, len(image), 50):
        device.hear(block(offset, image), CHF)
        if offset + 50 < len(image):
            device.wake()
    return device


def test_a_device_that_boots_hears_nothing_until_it_is_up() -> None:
    device = device_bench()
    assert device.hear(NOTIFY, CHF) == []
    assert device.wake(4_999) == []
    assert device.hear(NOTIFY, CHF) == []
    device.wake(1)
    assert device.hear(NOTIFY, CHF) == [QueryNextImageRequest(0x121D, 0x0084, OLD, 0x1111)]


@pytest.mark.parametrize("notify", [ImageNotify(1), ImageNotify(1, 0x121D), ImageNotify(1, 0x121D, 0x0084)])
def test_a_notify_may_name_less(device: Bench, notify: ImageNotify) -> None:
    assert len(device.hear(notify, CHF)) == 1


@pytest.mark.parametrize("notify", [ImageNotify(1, 0x121E), ImageNotify(1, 0x121D, 0x0085)])
def test_a_notify_for_other_devices_is_ignored(device: Bench, notify: ImageNotify) -> None:
    assert device.hear(notify, CHF) == []


def test_a_query_without_answer_is_repeated_some_times(device: Bench) -> None:
    device.hear(NOTIFY, CHF)
    said = [len(device.wake()) for _ in range(QUERY_TRIES_MAX + 1)]
    assert said == [1] * (QUERY_TRIES_MAX - 1) + [0, 1]  # by now hours have passed, and it begins anew
    assert len(device.hear(NOTIFY, CHF)) == 1


def test_a_device_nobody_answered_asks_again_hours_later_so_that_its_hub_learns_what_runs(device: Bench) -> None:  # R25
    device.hear(NOTIFY, CHF)
    for _ in range(QUERY_TRIES_MAX):
        device.wake()
    assert device.hear(OFFER, CHF) == []
    assert device.wake_at == device.now + QUERY_AGAIN_MS
    assert len(device.wake()) == 1
    assert len(device.hear(OFFER, CHF)) == 1


def test_no_image_is_no_reason_to_go_on_asking(device: Bench) -> None:
    device.hear(NOTIFY, CHF)
    device.hear(QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE), CHF)
    assert device.wake(60_000) == []


def test_an_offer_nobody_asked_for_is_ignored(device: Bench) -> None:
    assert device.hear(OFFER, CHF) == []


def test_a_device_that_can_refuse_strangers_believes_the_hub_alone() -> None:  # R25
    device = running(profile=replace(PROFILES[DeviceType.PPMID], refuses_hht=True))
    assert device.hear(NOTIFY, STRANGER) == []
    assert device.noted("stranger_refused")
    assert device.hear(NOTIFY, Eui64(0)) == []


def test_blocks_are_asked_for_in_order_at_the_pace_of_the_policy(device: Bench) -> None:
    device.hear(NOTIFY, CHF)
    assert device.hear(OFFER, CHF) == [ask(0)]
    asked = device.now
    assert device.hear(block(0), CHF) == []
    assert device.wake() == [ask(50)]
    assert device.now == asked + 250


def test_without_a_pace_the_next_block_is_asked_for_at_once() -> None:
    device = downloading(running(policies=Policies(han=HanPolicy(min_block_period_ms=0))))
    assert device.hear(block(0), CHF) == [ask(50, 0)]


def test_each_block_is_stored_in_the_call_that_took_it(device: Bench) -> None:
    downloading(device).hear(block(0), CHF)
    assert device.memory[f"block/{0:08x}"] == IMAGE[:50]


@pytest.mark.parametrize("blocks", range(5))
def test_a_restart_goes_on_at_the_first_block_that_is_missing(device: Bench, blocks: int) -> None:
    downloading(device, blocks)
    device.restart()
    assert device.wake() == [ask(50 * blocks)]


def test_a_lost_answer_is_asked_for_again_ever_later_and_a_notify_ends_the_wait(device: Bench) -> None:
    downloading(device)
    waits = []
    for _ in range(9):
        before = device.now
        assert device.wake() == [ask(0)]
        waits.append((device.now - before) // 1000)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert device.hear(NOTIFY, CHF) == [ask(0)]


@pytest.mark.parametrize(
    "answer",
    [
        block(0),
        block(100),
        ImageBlockResponse(OtaStatus.SUCCESS, *NAME, 50, b""),
        ImageBlockResponse(OtaStatus.SUCCESS, *NAME[:2], OLD, 50, b"x"),
        ImageBlockResponse(OtaStatus.SUCCESS, *NAME, 50, bytes(200)),
        OFFER,
        UpgradeEndResponse(*NAME, 0, 0),
        ImageBlockResponse(OtaStatus.ABORT),
    ],
    ids=lambda answer: f"{type(answer).__name__} {answer}"[:60],
)
def test_an_answer_that_does_not_fit_is_late_and_changes_nothing(device: Bench, answer: object) -> None:
    downloading(device, 1)
    before = dict(device.memory)
    assert device.hear(answer, CHF, sequence=200) == []
    assert device.memory == before


def test_abort_ends_the_download_and_drops_what_was_fetched(device: Bench) -> None:
    downloading(device, 2)
    device.hear(ImageBlockResponse(OtaStatus.ABORT), CHF, sequence=device.sequences[-1])
    assert not [key for key in device.memory if key.startswith(("block/", "ota"))]
    assert device.wake(60_000) == []


def test_a_device_told_to_wait_waits_and_takes_the_pace_it_is_told(device: Bench) -> None:
    downloading(device, 1)
    wait = ImageBlockResponse(OtaStatus.WAIT_FOR_DATA, current_time=100, request_time=130, min_block_period_ms=2_000)
    assert device.hear(wait, CHF, sequence=device.sequences[-1]) == []
    told = device.now
    assert device.wake() == [ask(50, 2_000)]
    assert device.now == told + 30_000
    device.hear(block(50), CHF)
    asked = device.now
    assert device.wake() == [ask(100, 2_000)]
    assert device.now == asked + 2_000


def test_no_wait_is_longer_than_a_day(device: Bench) -> None:
    downloading(device, 1)
    wait = ImageBlockResponse(OtaStatus.WAIT_FOR_DATA, current_time=0, request_time=0xFFFF_FFFF, min_block_period_ms=0)
    device.hear(wait, CHF, sequence=device.sequences[-1])
    assert device.wake(DAY) == [ask(50)]


def test_a_wait_that_comes_when_nothing_is_downloaded_is_ignored(device: Bench) -> None:
    wait = ImageBlockResponse(OtaStatus.WAIT_FOR_DATA, current_time=0, request_time=9, min_block_period_ms=0)
    device.hear(wait, CHF, sequence=0)
    assert device.wake(60_000) == []


def test_a_good_image_is_reported_until_the_hub_says_when(device: Bench) -> None:
    complete(downloading(device))
    assert device.said == [END]
    assert device.wake() == [END]
    device.restart()
    assert device.wake() == [END]
    assert device.memory["bank/1"] == IMAGE
    assert not [key for key in device.memory if key.startswith("block/")]


@given(octets=st.integers(61, 400), size=st.integers(1, 255))
def test_any_size_of_image_and_block_arrives_whole(octets: int, size: int) -> None:
    image = ppmid_file(octets)
    device = running(policies=Policies(han=HanPolicy(block_octets=size, min_block_period_ms=0)))
    device.hear(NOTIFY, CHF)
    said = device.hear(QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, octets), CHF)
    while isinstance(said[0], ImageBlockRequest):
        said = device.hear(block(said[0].offset, image, said[0].max_octets), CHF)
    assert said == [END]
    assert device.memory["bank/1"] == image


@pytest.mark.parametrize(
    ("offer", "unfit"),
    [
        ((0x121E, 0x0084, NEW, 230), "made by this device's manufacturer"),
        ((0x121D, 0x0085, NEW, 230), "of this device's image type"),
        ((0x121D, 0x0084, NEW, 768_001), "fits into a bank"),
        ((0x121D, 0x0084, NEW, 0), "fits into a bank"),
        ((0x121D, 0x0084, OLD, 230), "not the version that runs"),
        ((0x121D, 0x0084, OLD - 1, 230), "no downgrade"),
    ],
)
def test_an_unfit_offer_is_refused_before_the_first_block(
    device: Bench, offer: tuple[int, int, int, int], unfit: str
) -> None:
    device.hear(NOTIFY, CHF)
    refusal = UpgradeEndRequest(OtaStatus.INVALID_IMAGE, *offer[:3])
    assert device.hear(QueryNextImageResponse(OtaStatus.SUCCESS, *offer), CHF) == [refusal]
    assert device.noted("offer")[0].facts["unfit"] == unfit
    assert device.wake() == [refusal]
    device.hear(ImageBlockResponse(OtaStatus.ABORT), CHF, sequence=device.sequences[-1])
    assert device.wake(60_000) == []
    assert len(device.hear(NOTIFY, CHF)) == 1


def test_a_downgrade_is_taken_where_the_policy_allows_it() -> None:
    device = running(policies=Policies.model_validate({"version": {"downgrade": "allow"}}))
    device.hear(NOTIFY, CHF)
    offer = QueryNextImageResponse(OtaStatus.SUCCESS, 0x121D, 0x0084, OLD - 1, 230)
    assert isinstance(device.hear(offer, CHF)[0], ImageBlockRequest)


@pytest.mark.parametrize(
    ("image", "unfit"),
    [
        (bytes(230), "well formed"),
        (ppmid_file(230, version=OLD), "header says what was offered"),
        (ppmid_file(230, image_type=0x0085), "header says what was offered"),
        (ppmid_file(230, hardware_min=0x1112), "made for this hardware"),
        (ppmid_file(230, hardware_max=0x1110, hardware_min=0x1000), "made for this hardware"),
        (ppmid_file(231)[:230], "well formed"),
    ],
)
def test_an_unfit_image_is_refused_and_never_stored_to_boot(device: Bench, image: bytes, unfit: str) -> None:
    complete(downloading(device), image)
    assert device.said == [UpgradeEndRequest(OtaStatus.INVALID_IMAGE, *NAME)]
    assert device.noted("image_checked")[0].facts["unfit"] == unfit
    assert "bank/1" not in device.memory


def test_an_image_without_hardware_range_fits_any_hardware(device: Bench) -> None:
    image = ppmid_file(230, hardware_min=None, hardware_max=None)
    device.hear(NOTIFY, CHF)
    device.hear(QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(image)), CHF)
    complete(device, image)
    assert device.said == [END]


def test_told_to_stop_after_the_last_block_the_old_image_stays(device: Bench) -> None:
    complete(downloading(device))
    device.hear(ImageBlockResponse(OtaStatus.ABORT), CHF, sequence=device.sequences[-1])
    assert device.wake(60_000) == []
    assert "boot" not in device.memory


def test_an_answer_about_another_image_does_not_activate(device: Bench) -> None:
    complete(downloading(device))
    device.hear(UpgradeEndResponse(0x121D, 0x0084, OLD, 0, 0), CHF)
    assert "boot" not in device.memory


@pytest.mark.parametrize("numbers", [NAME, (0xFFFF, 0xFFFF, 0xFFFF_FFFF)])
def test_told_to_activate_at_once_it_moves_the_boot_pointer(device: Bench, numbers: tuple[int, int, int]) -> None:
    complete(downloading(device))
    device.hear(UpgradeEndResponse(*numbers, current_time=0, upgrade_time=0), CHF)
    assert device.memory["boot"] == b"1"
    assert device.noted("boot")


@pytest.mark.parametrize("restart", [False, True])
def test_told_a_time_it_waits_for_it_also_over_a_restart(device: Bench, restart: bool) -> None:
    complete(downloading(device))
    device.hear(UpgradeEndResponse(*NAME, current_time=1000, upgrade_time=1060), CHF)
    assert "boot" not in device.memory
    due = device.now + 60_000
    if restart:
        device.restart()
        device.wake()
    device.wake(due - device.now - 1)
    assert "boot" not in device.memory
    device.wake(1)
    assert device.memory["boot"] == b"1"


@pytest.mark.parametrize("restart", [False, True])
def test_told_to_wait_for_a_command_it_waits(device: Bench, restart: bool) -> None:
    complete(downloading(device))
    device.hear(UpgradeEndResponse(*NAME, current_time=0, upgrade_time=0xFFFF_FFFF), CHF)
    if restart:
        device.restart()
    device.wake(90 * DAY)
    assert "boot" not in device.memory
