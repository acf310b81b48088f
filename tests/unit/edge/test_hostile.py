"""Whatever comes over the air or the network, a node does not fall over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.wire.gbcs.message import write_message
from hanota.wire.gbcs.payload import CANCELLED_AT
from hanota.wire.wan import Fetch, GbcsDown, write_frame
from hanota.wire.zcl import OTA_CLUSTER, TUNNELING_CLUSTER
from helpers.gbcs import messages
from helpers.meters import (
    ADDRESS,
    SIGNED_TYPES,
    activate,
    ask_version,
    holding,
    meter_bench,
    running_version,
    signed_image,
    tell,
)
from helpers.nodes import GPF, STRANGER, Bench, device_bench, hub_bench
from helpers.premises import CHF, NEW, OLD, PPMID, order_for, ppmid_file, signed

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
IMAGE_HASH = signed_image().manufacturer_hash
# Meters and an HCALCS that hold an image, so that what an authentic command asks for can be done.
HOLDING = {kind: holding(meter_bench(kind), signed_image(kind)).memory for kind in SIGNED_TYPES}
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


@st.composite
def nearly_gbcs(draw: st.DrawFn, kind: DeviceType, address: Eui64) -> bytes:
    """A message that the device would take, cut, grown or with an octet changed; or something else altogether."""
    execution = draw(st.none() | st.integers(0, CANCELLED_AT // 1000).map(lambda seconds: Instant(seconds * 1000)))
    counter = draw(st.integers(0, 2**63 - 1))
    good = (
        activate(draw(st.sampled_from([IMAGE_HASH, bytes(32)])), counter, device=address, execution=execution)
        if kind in SIGNED_TYPES
        else ask_version(kind, address, counter)
    )
    place, octets = draw(st.integers(0, len(good))), draw(st.binary(max_size=3))
    changed = good[:place] + octets + good[place + draw(st.integers(0, 3)) :]
    return draw(st.sampled_from([good, changed, good[:place], draw(gbcs_messages()), draw(st.binary(max_size=200))]))


@st.composite
def gbcs_messages(draw: st.DrawFn) -> bytes:
    return write_message(draw(messages()))


@given(data=st.data(), kind=st.sampled_from(SIGNED_TYPES), sequence=st.integers(0, 255))
@settings(max_examples=60)
def test_a_device_takes_any_gbcs_message_and_boots_a_whole_image_after_it(
    data: st.DataObject, kind: DeviceType, sequence: int
) -> None:
    device = meter_bench(kind, memory=dict(HOLDING[kind]))
    for _ in range(3):
        tell(device, data.draw(nearly_gbcs(kind, ADDRESS[kind])), sequence)
        device.wake()
        assert running_version(device) in (OLD, NEW)


@given(data=st.data(), hub_function=st.sampled_from([(DeviceType.CHF, CHF), (DeviceType.GPF, GPF)]))
@settings(max_examples=60)
def test_a_hub_takes_any_gbcs_message(data: st.DataObject, hub_function: tuple[DeviceType, Eui64]) -> None:
    octets = data.draw(nearly_gbcs(*hub_function))
    HUB.wan(GbcsDown(message=1, device=data.draw(st.sampled_from([CHF, GPF, PPMID, STRANGER])), data=octets))


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
