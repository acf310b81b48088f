"""Pace of image traffic at the hub: quiet hours, least period, cap on the channel's use."""

import pytest

from hanota.base.instant import DAY, HOUR, MINUTE, Instant, zigbee_utc
from hanota.edge.hub.server import SILENCE_MS
from hanota.model.policies import HanPolicy, Policies
from hanota.wire.zcl import ImageBlockRequest, ImageBlockResponse, ImageNotify, ImagePageRequest, OtaStatus
from helpers.nodes import Bench, hub_bench
from helpers.premises import NEW, NOW, PPMID, order_for, ppmid_file, signed

IMAGE = ppmid_file(2500)
NAME = (0x121D, 0x0084, NEW)
TIME_OF_DAY = NOW % DAY


def holding(**han: object) -> Bench:
    hub = hub_bench(Policies(han=HanPolicy(**han)))
    hub.wan(signed(order_for(IMAGE)))
    hub.serve(IMAGE)
    return hub


def ask(hub: Bench, offset: int = 0, period_ms: int | None = None) -> ImageBlockResponse:
    (answer,) = hub.hear(ImageBlockRequest(*NAME, offset, 50, min_block_period_ms=period_ms), PPMID)
    return answer


def test_in_quiet_hours_a_device_waits_until_they_end() -> None:
    hub = holding(quiet_hours=((TIME_OF_DAY - HOUR) % DAY, (TIME_OF_DAY + HOUR) % DAY))
    answer = ask(hub)
    assert answer.status is OtaStatus.WAIT_FOR_DATA
    assert (answer.current_time, answer.request_time) == (zigbee_utc(hub.now), zigbee_utc(Instant(NOW + HOUR)))
    hub.now = Instant(NOW + HOUR)
    assert ask(hub).status is OtaStatus.SUCCESS


def test_in_quiet_hours_no_device_is_told_of_an_image_nor_given_a_page() -> None:
    hub = holding(quiet_hours=(TIME_OF_DAY, (TIME_OF_DAY + HOUR) % DAY))
    assert not [said for said in hub.said if isinstance(said, ImageNotify)]
    (answer,) = hub.hear(ImagePageRequest(*NAME, 0, 50, 200, 100), PPMID)
    assert answer.status is OtaStatus.WAIT_FOR_DATA
    hub.now = Instant(NOW + HOUR + SILENCE_MS)
    assert [type(said) for said in hub.wake(0)] == [ImageNotify]


def test_quiet_hours_that_begin_end_a_page() -> None:
    hub = holding(quiet_hours=((TIME_OF_DAY + MINUTE) % DAY, (TIME_OF_DAY + HOUR) % DAY))
    hub.hear(ImagePageRequest(*NAME, 0, 50, 2000, 0xFFFF), PPMID)
    statuses = [said.status for _ in range(9) for said in hub.wake() if isinstance(said, ImageBlockResponse)]
    assert statuses == [OtaStatus.WAIT_FOR_DATA]


@pytest.mark.parametrize(("stated", "served"), [(None, True), (1_000, True), (999, False), (0, False)])
def test_a_device_that_keeps_less_than_the_least_period_is_told_it(stated: int | None, served: bool) -> None:
    answer = ask(holding(min_block_period_ms=1_000), period_ms=stated)
    assert (answer.status is OtaStatus.SUCCESS) is served
    assert answer.min_block_period_ms == (None if served else 1_000)
    assert answer.request_time == answer.current_time


def test_a_device_that_would_take_more_than_the_cap_is_told_a_longer_period() -> None:
    answer = ask(holding(min_block_period_ms=0, occupancy_cap=0.01), period_ms=0)
    assert answer.status is OtaStatus.WAIT_FOR_DATA
    assert 600 <= answer.min_block_period_ms <= 750  # 6 ms of air in a hundred times as long, and some headroom


def test_a_device_that_says_no_period_is_held_back_once_the_minute_is_full() -> None:
    hub = holding(min_block_period_ms=0, occupancy_cap=0.01)  # 600 ms a minute
    answers = [ask(hub) for _ in range(200)]
    served = [answer for answer in answers if answer.status is OtaStatus.SUCCESS]
    assert 80 <= len(served) <= 100
    wait = answers[-1]
    assert 50 <= wait.request_time - wait.current_time <= 61
    hub.now = Instant(hub.now + (wait.request_time - wait.current_time) * 1000)
    assert ask(hub).status is OtaStatus.SUCCESS
