"""The in-process network: what it may do to a frame, and what it never does."""

from random import Random

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.limits import WAN_FRAME_OCTETS_MAX
from hanota.wan.inprocess import InProcessWan, NetworkModel
from hanota.wan.port import FrameTooLong, WanError

HUB, OTHER = Eui64(1), Eui64(2)
T0 = Instant(1_000_000)
LATER = Instant(T0 + 60_000)


def network(**model: float) -> InProcessWan:
    return InProcessWan(NetworkModel(**({"latency_ms": 100, "jitter_ms": 0} | model)), Random(1))


def test_a_frame_arrives_after_its_latency_with_its_hub() -> None:
    wan = network()
    wan.head_end.send(HUB, b"down", T0)
    wan.premises.send(OTHER, b"up", T0)
    assert wan.premises.receive(Instant(T0 + 99), 10) == []
    assert wan.next_due() == T0 + 100
    assert wan.premises.receive(Instant(T0 + 100), 10) == [(HUB, b"down")]
    assert wan.head_end.receive(Instant(T0 + 100), 10) == [b"up"]
    assert wan.next_due() is None


def test_without_jitter_order_is_kept_and_the_limit_holds() -> None:
    wan = network()
    for number in range(5):
        wan.premises.send(HUB, bytes([number]), T0)
    assert wan.head_end.receive(LATER, 3) == [b"\0", b"\1", b"\2"]
    assert wan.head_end.receive(LATER, 3) == [b"\3", b"\4"]


def test_with_jitter_frames_overtake_but_none_is_invented() -> None:
    wan = network(jitter_ms=500)
    sent = [bytes([number]) for number in range(50)]
    for frame in sent:
        wan.premises.send(HUB, frame, T0)
    arrived = wan.head_end.receive(LATER, 100)
    assert arrived != sent
    assert sorted(arrived) == sent


def test_loss_and_repetition_are_counted() -> None:
    wan = network(loss=0.3, duplication=0.2)
    for _ in range(1000):
        wan.head_end.send(HUB, b"xy", T0)
    down = wan.down
    assert (down.frames, down.octets) == (1000, 2000)
    assert 200 < down.lost < 400
    assert 80 < down.repeated < 220
    assert len(wan.premises.receive(LATER, 5000)) == 1000 - down.lost + down.repeated
    assert wan.up.frames == 0


def test_the_model_may_change_and_frames_in_flight_may_be_lost() -> None:
    wan = network()
    wan.head_end.send(HUB, b"a", T0)
    wan.drop_all()
    wan.change(NetworkModel(loss=1.0))
    wan.head_end.send(HUB, b"b", T0)
    assert wan.premises.receive(LATER, 10) == []


@pytest.mark.parametrize("end", ["head_end", "premises"])
def test_a_frame_over_the_limit_is_refused(end: str) -> None:
    with pytest.raises(FrameTooLong) as caught:
        getattr(network(), end).send(HUB, bytes(WAN_FRAME_OCTETS_MAX + 1), T0)
    assert isinstance(caught.value, WanError)
    assert str(HUB) in str(caught.value)
