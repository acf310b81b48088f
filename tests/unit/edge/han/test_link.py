"""The air of one home."""

from random import Random

from hanota.base.instant import Instant
from hanota.edge.han.link import FRAME_OVERHEAD_OCTETS, HanLink, HanModel, airtime_us

T0 = Instant(1_000_000)


def test_a_frame_arrives_once_within_latency_and_jitter() -> None:
    link = HanLink(HanModel(latency_ms=15, jitter_ms=10), Random(1))
    arrivals = [link.carry(b"x", T0) for _ in range(200)]
    assert all(len(arrival) == 1 for arrival in arrivals)
    assert {at - T0 for (at,) in arrivals} == set(range(15, 26))


def test_without_jitter_latency_is_exact() -> None:
    assert HanLink(HanModel(latency_ms=7, jitter_ms=0), Random(1)).carry(b"x", T0) == (T0 + 7,)


def test_lost_frames_take_airtime_too() -> None:
    link = HanLink(HanModel(loss=1.0), Random(1))
    assert link.carry(bytes(50), T0) == ()
    taken = link.occupancy
    assert (taken.frames, taken.octets, taken.lost) == (1, 50, 1)
    assert taken.airtime_us == airtime_us(50) == (50 + FRAME_OVERHEAD_OCTETS) * 32


def test_a_repeated_frame_arrives_twice() -> None:
    assert len(HanLink(HanModel(duplication=1.0), Random(1)).carry(b"x", T0)) == 2
