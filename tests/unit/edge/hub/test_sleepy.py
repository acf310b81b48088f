"""What a hub does for a device that sleeps: commands wait until it asks, and nothing is announced into the dark."""

import pytest

from hanota.base.instant import HOUR, MINUTE
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.hub.relay import COMMAND_TRIES_MAX, HOLD_MS
from hanota.wire.otaimage import write_image
from hanota.wire.wan import GbcsDown, GbcsUp
from hanota.wire.zcl import TUNNELING_CLUSTER, ImageNotify, QueryNextImageRequest, TransferData
from hanota.wire.zcl.tunnel import Get, Give, Put, read_tunnelled, write_tunnelled
from helpers.meters import GSME, ask_version, from_device, meter_bench, signed_image, tell
from helpers.nodes import DEVICE_LOG, Bench, hub_bench
from helpers.premises import order_for, signed


@pytest.fixture
def hub() -> Bench:
    return hub_bench(device_log=DEVICE_LOG | {GSME: DeviceType.GSME})


def command(counter: int = 100) -> bytes:
    return ask_version(DeviceType.GSME, GSME, counter)


def order(hub: Bench, *counters: int) -> None:
    for counter in counters:
        hub.wan(GbcsDown(message=counter, device=GSME, data=command(counter)))


def put(hub: Bench, item: Get | Put, sequence: int = 3) -> list[object]:
    said = hub.hear(TransferData(0, write_tunnelled(item)), GSME, sequence=sequence, cluster=TUNNELING_CLUSTER)
    return [read_tunnelled(one.data) if one.data else b"" for one in said if isinstance(one, TransferData)]


def test_a_command_waits_until_the_device_asks(hub: Bench) -> None:
    order(hub, 100)
    assert hub.said == []
    assert hub.wake(HOUR) == []
    assert put(hub, Get()) == [Give(0, command())]
    assert hub.sequences == [3]


def test_without_a_command_the_answer_says_so(hub: Bench) -> None:
    assert put(hub, Get()) == [Give(0, b"")]
    assert hub.said[0].data == b"\x02\x00"


def test_commands_are_given_in_turn_the_oldest_first(hub: Bench) -> None:
    order(hub, 100, 101)
    given = [put(hub, Get())[0] for _ in range(3)]
    assert given == [Give(1, command(100)), Give(1, command(101)), Give(1, command(100))]


def test_what_the_device_puts_is_confirmed_and_ends_the_command(hub: Bench) -> None:
    order(hub, 100)
    (response,) = tell(meter_bench(DeviceType.GSME), command())
    assert put(hub, Put(response)) == [b""]
    assert hub.reports == [GbcsUp(data=response)]
    assert put(hub, Get()) == [Give(0, b"")]


def test_a_command_given_often_without_answer_is_given_up(hub: Bench) -> None:
    order(hub, 100)
    given = [put(hub, Get())[0].message for _ in range(COMMAND_TRIES_MAX + 1)]
    assert given == [command()] * COMMAND_TRIES_MAX + [b""]


def test_a_command_for_a_device_that_never_asks_is_dropped_after_a_day(hub: Bench) -> None:
    order(hub, 100)
    hub.wake(HOLD_MS)
    assert hub.noted("command_unanswered")
    assert put(hub, Get()) == [Give(0, b"")]


@pytest.mark.parametrize("octets", [b"\x02\x00", b"\x04", b"\x01\x00", b"\xdf\x09"])
def test_other_octets_in_the_tunnel_change_nothing(hub: Bench, octets: bytes) -> None:
    order(hub, 100)
    assert hub.hear(TransferData(0, octets), GSME, cluster=TUNNELING_CLUSTER) == []
    assert put(hub, Get()) == [Give(0, command())]


def test_an_image_is_announced_when_the_device_shows_itself_and_not_before(hub: Bench) -> None:
    image = write_image(signed_image(DeviceType.GSME))
    hub.wan(signed(order_for(image, device=GSME, device_type=DeviceType.GSME, image_type=0x0001)))
    hub.serve(image)
    for _ in range(10):
        assert not [said for said in hub.wake(10 * MINUTE) if isinstance(said, ImageNotify)]
    put(hub, Get())
    assert [type(said) for said in hub.said] == [TransferData, ImageNotify]
    hub.hear(QueryNextImageRequest(0x121D, 0x0001, 0x0001_0000), GSME)
    put(hub, Get())
    assert [type(said) for said in hub.said] == [TransferData]


def test_a_device_that_was_given_a_message_answers_and_asks_for_the_next() -> None:
    device = meter_bench(DeviceType.GSME)
    assert [from_device(device, said.data) for said in device.said if isinstance(said, TransferData)] == [b""]
    (answer,) = tell(device, command())
    asked = [read_tunnelled(said.data) for said in device.said if isinstance(said, TransferData)]
    assert asked == [Put(answer), Get()]
