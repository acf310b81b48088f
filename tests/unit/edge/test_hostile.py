"""Whatever comes over the air or the network, a node does not fall over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.wire.wan import Fetch, write_frame
from hanota.wire.zcl import OTA_CLUSTER, TUNNELING_CLUSTER
from helpers.nodes import STRANGER, Bench, device_bench, hub_bench
from helpers.premises import CHF, PPMID, order_for, ppmid_file, signed

IMAGE = ppmid_file(2500)


def busy_hub() -> Bench:
    hub = hub_bench()
    hub.wan(signed(order_for(IMAGE)))
    hub.serve(IMAGE)
    return hub


def running_device() -> Bench:
    device = device_bench()
    device.wake()
    return device


HUB, DEVICE = busy_hub(), running_device()
# A plausible start of a frame gets more of the noise past the first check.
zcl_noise = st.builds(lambda head, tail: head + tail, st.sampled_from([b"", b"\1\1\6", b"\x19\1\5\0"]), st.binary())


@given(
    noise=zcl_noise,
    cluster=st.sampled_from([OTA_CLUSTER, TUNNELING_CLUSTER, 7]),
    sender=st.sampled_from([PPMID, STRANGER]),
)
def test_a_hub_takes_any_han_frame(noise: bytes, cluster: int, sender: Eui64) -> None:
    HUB.do(HUB.node.on_frame(sender, cluster, noise, HUB.now))


@given(
    noise=zcl_noise,
    cluster=st.sampled_from([OTA_CLUSTER, TUNNELING_CLUSTER, 7]),
    sender=st.sampled_from([CHF, STRANGER]),
)
def test_a_device_takes_any_han_frame(noise: bytes, cluster: int, sender: Eui64) -> None:
    DEVICE.do(DEVICE.node.on_frame(sender, cluster, noise, DEVICE.now))


@given(noise=st.builds(lambda head, tail: head + tail, st.sampled_from([b"", b"\1\1", b"\1\2"]), st.binary()))
def test_a_hub_takes_any_wan_frame(noise: bytes) -> None:
    HUB.do(HUB.node.on_wan(noise, HUB.now))


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_bit_that_flips_in_an_order_makes_it_nobodys(place: int) -> None:
    frame = bytearray(write_frame(signed(order_for(IMAGE, 99))))
    frame[place % len(frame)] ^= 1
    HUB.do(HUB.node.on_wan(bytes(frame), HUB.now))
    assert HUB.frames == []
    assert f"order/{99:016x}" not in HUB.memory


def test_a_frame_for_the_head_end_is_refused_by_a_hub() -> None:
    HUB.wan(Fetch(hub=CHF, image_hash=bytes(32), offset=0, max_octets=1))
    assert HUB.noted("wan_refused")
