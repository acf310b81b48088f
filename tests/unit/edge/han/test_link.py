"""The air of one home."""

from dataclasses import replace
from random import Random

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, MINUTE, SECOND, Instant
from hanota.edge.han.link import HOLD_BACK_MS, HanLink, HanModel
from hanota.model.airtime import FRAME_OVERHEAD_OCTETS, SUB_GHZ, airtime_us

T0 = Instant(1_800_000)
HUB, DEVICE = Eui64(1), Eui64(2)


class NoNumbers(Random):
    """Refuses to draw."""

    def random(self) -> float:
        raise AssertionError

    def getrandbits(self, k: int, /) -> int:
        raise AssertionError


def test_a_frame_arrives_once_within_latency_and_jitter() -> None:
    link = HanLink(HanModel(latency_ms=15, jitter_ms=10), Random(1))
    arrivals = [link.carry(b"x", T0) for _ in range(200)]
    assert all(len(arrival) == 1 for arrival in arrivals)
    assert {at - T0 for ((at, _),) in arrivals} == set(range(15, 26))


def test_without_jitter_latency_is_exact() -> None:
    assert HanLink(HanModel(latency_ms=7, jitter_ms=0), Random(1)).carry(b"x", T0) == ((T0 + 7, b"x"),)


def test_what_cannot_happen_draws_no_number() -> None:
    link = HanLink(HanModel(jitter_ms=0), NoNumbers())
    assert len(link.carry(b"x", T0)) == 1


def test_lost_frames_take_airtime_too() -> None:
    link = HanLink(HanModel(loss=1.0), Random(1))
    assert link.carry(bytes(50), T0) == ()
    taken = link.occupancy
    assert (taken.frames, taken.octets, taken.lost) == (1, 50, 1)
    assert taken.airtime_us == airtime_us(50) == (50 + FRAME_OVERHEAD_OCTETS) * 32


def test_a_repeated_frame_arrives_twice() -> None:
    assert len(HanLink(HanModel(duplication=1.0), Random(1)).carry(b"x", T0)) == 2


def test_an_altered_frame_does_not_pass_the_integrity_code() -> None:
    link = HanLink(HanModel(corruption=1.0), Random(1))
    assert link.carry(bytes(50), T0) == ()
    assert link.occupancy.altered == 1


def test_without_integrity_code_an_altered_frame_is_handed_up_as_it_is() -> None:
    link = HanLink(HanModel(corruption=1.0, integrity=False), Random(1))
    for octets in (bytes(50), b"x"):
        ((_, altered),) = link.carry(octets, T0)
        assert len(altered) == len(octets)
    assert link.carry(b"", T0)[0][1] == b""


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_gives_the_same_air(seed: int) -> None:
    model = HanModel(loss=0.2, duplication=0.2, corruption=0.2, integrity=False)
    runs = [[HanLink(model, Random(seed)).carry(bytes(30), Instant(T0 + i)) for i in range(50)] for _ in range(2)]
    assert runs[0] == runs[1]


def test_at_sub_ghz_a_frame_takes_longer() -> None:
    assert airtime_us(50, SUB_GHZ) == 103 * 80 > airtime_us(50)


def sub_ghz(duty_cycle: float) -> HanLink:
    return HanLink(HanModel(band=replace(SUB_GHZ, duty_cycle=duty_cycle)), Random(1))


def test_a_sender_beyond_its_share_of_the_hour_is_suspended_until_there_is_room() -> None:
    link = sub_ghz(0.000_01)  # 36 ms in an hour
    sent = [len(link.carry(bytes(47), T0, HUB)) for _ in range(6)]  # 8 ms each
    assert sent == [1, 1, 1, 1, 0, 0]
    assert link.occupancy.suspended == 2
    assert len(link.carry(bytes(47), T0, DEVICE)) == 1
    assert link.carry(bytes(47), Instant(T0 + HOUR - MINUTE), HUB) == ()
    assert len(link.carry(bytes(47), Instant(T0 + HOUR + MINUTE), HUB)) == 1


def test_a_frame_that_has_room_soon_is_held_back() -> None:
    link = sub_ghz(0.000_01)
    for _ in range(4):
        link.carry(bytes(47), T0, HUB)
    later = Instant(T0 + HOUR + MINUTE - HOLD_BACK_MS)
    ((arrival, _),) = link.carry(bytes(47), later, HUB)
    assert arrival >= T0 + HOUR + MINUTE


@pytest.mark.parametrize("duty_cycle", [0.001, 0.01])
def test_no_hour_has_more_airtime_than_the_duty_cycle(duty_cycle: float) -> None:
    link = sub_ghz(duty_cycle)
    spent: list[tuple[int, int]] = []
    for second in range(3 * 3600):
        now = Instant(T0 + second * SECOND)
        spent += [(at, airtime_us(47, SUB_GHZ)) for frame in range(5) for at, _ in link.carry(bytes(47), now, HUB)]
    for start in range(T0, T0 + 2 * HOUR, 10 * MINUTE):
        taken = sum(us for at, us in spent if start <= at < start + HOUR)
        assert taken <= duty_cycle * HOUR * 1000 * 1.001


def test_occupancy_is_kept_as_shares_of_minutes() -> None:
    link = HanLink(HanModel(), Random(1))
    for ms in (0, 500, 60_000):
        link.carry(bytes(47), Instant(T0 + ms))
    one = 100 * 32 / 60_000_000
    assert link.occupancy.shares() == [(T0, 2 * one), (T0 + MINUTE, one)]
    assert link.occupancy.share(T0, Instant(T0 + MINUTE)) == pytest.approx(1.5 * one)
