"""What the carrier does with a node's effects, and what it does when the radio, the memory or the node fails."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import zigpy.types as t
import zigpy.zdo.types as zdo_t
from zigpy.exceptions import DeliveryError

from bench import DEVICE_NWK, Pair, pair, standing
from ether import clock, run
from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, Instant
from hanota.edge.effects import Effect, Note, SendHan, SendWan, Store, Wake
from hanota.wire.wan import write_frame
from hanota.wire.zcl import OTA_CLUSTER, TUNNELING_CLUSTER
from hanota_radio import Air
from hanota_radio.application import MESSAGING_CLUSTER
from hanota_radio.carrier import QUEUE_MAX, RadioHan
from hanota_radio.errors import NotTheStick
from hanota_radio.frames import zigpy_eui
from helpers.nodes import STRANGER, device_bench, hub_bench
from helpers.premises import CHF, NOW, PPMID, order_for, ppmid_file, signed

FRAME = b"\x19\x07\x00\x00\x64"  # Image Notify, number 7
QUERY = b"\x01\x01\x01\x00\x1d\x12\x84\x00\x00\x00\x01\x00"


@dataclass
class Scripted:
    """A node that does what it is told to do next, and remembers what it heard."""

    address: Eui64 = CHF
    script: list[list[Effect]] = field(default_factory=list)
    heard: list[tuple[object, ...]] = field(default_factory=list)
    listening: bool = True

    def start(self, now: Instant) -> list[Effect]:
        return self._next("start", now)

    def on_frame(self, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
        return self._next("frame", sender, cluster, octets)

    def on_wake(self, now: Instant) -> list[Effect]:
        return self._next("wake", now)

    def _next(self, *heard: object) -> list[Effect]:
        self.heard.append(heard)
        return self.script.pop(0) if self.script else []

    def make(self, memory: Mapping[str, bytes]) -> "Scripted":
        return self


def scripted(*turns: list[Effect]) -> Scripted:
    return Scripted(script=list(turns))


async def say(made: Pair, octets: bytes, cluster: int = OTA_CLUSTER, **facts: int) -> None:
    """Let the other radio send octets as they are."""
    numbers = {"profile": 0x0104, "src_ep": 1, "dst_ep": 1, "sequence": 1} | facts
    await made.peer.request(**numbers, cluster=cluster, data=octets, expect_reply=False)
    await asyncio.sleep(0.1)


def test_what_a_turn_stores_is_durable_before_anything_of_it_is_sent() -> None:
    async def story() -> None:
        node = scripted([SendHan(PPMID, OTA_CLUSTER, FRAME), Store("a", b"1"), Store("b", b"2")])
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await asyncio.sleep(1)
            assert made.memory.log == ["a", "b", "commit", OTA_CLUSTER]

    run(story())


def test_an_order_is_stored_before_the_hub_says_that_it_has_it() -> None:
    async def story() -> None:
        bench = hub_bench()
        async with pair(CHF, PPMID) as made, standing(made, bench.make, CHF) as han:
            han.from_wan(write_frame(signed(order_for(ppmid_file(200)))))
            await asyncio.sleep(1)
            assert made.memory.log[-1] == "commit"
            assert made.wan

    run(story())


def test_what_cannot_be_stored_is_not_said_and_the_node_says_nothing_more() -> None:
    async def story() -> None:
        node = scripted([], [Store("a", b"1"), SendHan(PPMID, OTA_CLUSTER, FRAME)])
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF) as han:
            made.memory.broken = True
            await say(made, QUERY)
            with pytest.raises(OSError, match="disk full"):
                await han.failed
            await say(made, QUERY)
            assert [octets for octets in made.ether.of(OTA_CLUSTER) if octets == FRAME] == []
            assert len(node.heard) == 2

    run(story())


def test_a_node_that_breaks_is_as_one_without_power() -> None:
    class Broken(Scripted):
        def on_frame(self, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
            raise ZeroDivisionError

    async def story() -> None:
        async with pair(CHF, PPMID) as made, standing(made, Broken().make, CHF) as han:
            made.ether.sent.clear()
            await say(made, QUERY)
            with pytest.raises(ZeroDivisionError):
                await han.failed
            await say(made, QUERY)
            assert len(made.ether.of(OTA_CLUSTER)) == 2  # the two queries: nobody answers, not even zigpy

    run(story())


def test_the_alarm_clock_rings_at_its_last_setting_and_once() -> None:
    async def story() -> None:
        node = scripted([Wake(Instant(NOW + HOUR)), Wake(Instant(NOW + 2 * HOUR))])
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await asyncio.sleep(10 * HOUR / 1000)
            assert node.heard[1:] == [("wake", NOW + 2 * HOUR)]

    run(story())


def test_an_alarm_in_the_past_rings_at_once() -> None:
    async def story() -> None:
        node = scripted([Wake(Instant(NOW - HOUR))])
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await asyncio.sleep(0.1)
            assert [kind for kind, *_ in node.heard] == ["start", "wake"]

    run(story())


def test_a_turn_without_a_setting_leaves_the_alarm_as_it_stands() -> None:
    async def story() -> None:
        node = scripted([Wake(Instant(NOW + HOUR))], [Note("heard", {})])
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await say(made, QUERY)
            await asyncio.sleep(2 * HOUR / 1000)
            assert [kind for kind, *_ in node.heard] == ["start", "frame", "wake"]

    run(story())


def test_the_alarm_goes_by_the_clock_even_if_that_is_set_meanwhile() -> None:
    async def story() -> None:
        shift = 0
        node = scripted([Wake(Instant(NOW + HOUR))])
        async with (
            pair(CHF, PPMID) as made,
            RadioHan(made.app, node, made.memory, clock=lambda: Instant(clock() + shift)),
        ):
            await asyncio.sleep(10)
            shift = HOUR
            await asyncio.sleep(60)
            assert [kind for kind, *_ in node.heard] == ["start", "wake"]

    run(story())


def test_notes_go_to_the_observer_and_wan_frames_to_the_head_end() -> None:
    async def story() -> None:
        node = scripted([Note("hello", {"n": 1}), SendWan(b"up")])
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await asyncio.sleep(0.1)
            assert (made.notes, made.wan) == ([Note("hello", {"n": 1})], [b"up"])

    run(story())


def test_a_frame_that_is_lost_is_repeated_by_its_node() -> None:
    """A device asks for the same block again: the carrier itself repeats nothing once zigpy has given up."""

    async def story() -> None:
        async with pair(PPMID, CHF) as made, standing(made, device_bench().make, PPMID):
            await asyncio.sleep(6)

            def nobody_acknowledges(packet: t.ZigbeePacket) -> bool:
                raise DeliveryError("no ack")

            made.ether.hook = nobody_acknowledges
            made.app.packet_received(_packet(FRAME, source=DEVICE_NWK))
            await asyncio.sleep(1)
            assert [note.facts["why"] for note in made.noted("frame_lost")] == ["no ack"]
            made.ether.hook = lambda _: False
            await asyncio.sleep(5)
            queries = [octets for octets in made.ether.of(OTA_CLUSTER) if octets[2] == 0x01]
            assert len({octets[1] for octets in queries}) >= 2

    run(story())


def test_a_frame_for_nobody_on_the_network_is_lost() -> None:
    async def story() -> None:
        node = scripted([SendHan(STRANGER, OTA_CLUSTER, FRAME)])
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await asyncio.sleep(1)
            assert [note.facts["why"] for note in made.noted("frame_lost")] == ["no such device on the network"]

    run(story())


def test_frames_to_one_device_go_in_order_and_beyond_the_queue_are_lost() -> None:
    async def story() -> None:
        frames = [bytes((0x19, number, 0x00, 0x00, 0x64)) for number in range(QUEUE_MAX + 3)]
        node = scripted([SendHan(PPMID, OTA_CLUSTER, frame) for frame in frames])
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await asyncio.sleep(10)
            assert made.ether.of(OTA_CLUSTER) == frames[:QUEUE_MAX]
            assert len(made.noted("frame_lost")) == 3

    run(story())


def test_a_slow_device_holds_up_no_other() -> None:
    async def story() -> None:
        node = scripted([SendHan(STRANGER, OTA_CLUSTER, FRAME)] * 5 + [SendHan(PPMID, OTA_CLUSTER, FRAME)])
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await asyncio.sleep(1)
            assert made.ether.of(OTA_CLUSTER) == [FRAME]

    run(story())


@pytest.mark.parametrize(("kind", "sleepy"), [(zdo_t.LogicalType.EndDevice, True), (zdo_t.LogicalType.Router, False)])
def test_devices_that_sleep_get_the_longer_time(kind: zdo_t.LogicalType, sleepy: bool) -> None:
    async def story() -> None:
        async with pair(CHF, PPMID) as made:
            made.app.devices[zigpy_eui(PPMID)].node_desc = zdo_t.NodeDescriptor(kind, 64, 128, 0, 82, 255, 0, 255, 0)
            node = scripted([SendHan(PPMID, OTA_CLUSTER, FRAME)])
            async with standing(made, node.make, CHF):
                await asyncio.sleep(1)
            assert [packet.extended_timeout for packet in made.ether.sent] == [sleepy]

    run(story())


def test_frames_are_acknowledged_on_the_air_and_encrypted_with_the_link_key_if_asked() -> None:
    async def story() -> None:
        node = scripted([SendHan(PPMID, OTA_CLUSTER, FRAME)])
        air = Air(profile=0x0104, endpoint=7, aps_encryption=True)
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF, air=air):
            await asyncio.sleep(1)
            (packet,) = made.ether.sent
            assert packet.tx_options == t.TransmitOptions.ACK | t.TransmitOptions.APS_Encryption
            assert (packet.tsn, packet.src_ep, packet.dst_ep) == (7, 7, 1)

    run(story())


def test_a_node_that_is_not_the_stick_is_refused() -> None:
    async def story() -> None:
        async with pair(CHF, PPMID) as made:
            with pytest.raises(NotTheStick):
                async with standing(made, Scripted(address=STRANGER).make, STRANGER):
                    pass
            assert made.app.taker is None

    run(story())


@pytest.mark.parametrize("cluster", [OTA_CLUSTER, MESSAGING_CLUSTER, TUNNELING_CLUSTER])
def test_the_clusters_of_the_han_go_to_the_node_whatever_zigpy_thinks_of_them(cluster: int) -> None:
    async def story() -> None:
        node = scripted()
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await say(made, b"\x11\x05\x02abc", cluster)
            assert node.heard[1:] == [("frame", PPMID, cluster, b"\x01\x05\x02abc")]

    run(story())


def test_other_clusters_and_common_commands_do_not() -> None:
    async def story() -> None:
        node = scripted()
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await say(made, b"\x11\x05\x02", 0x0006)
            await say(made, b"\x10\x05\x0b\x01\x00")
            assert node.heard[1:] == []

    run(story())


@pytest.mark.parametrize(
    ("octets", "cluster", "answer"),
    [
        (b"\x01\x05\x3f", OTA_CLUSTER, b"\x18\x05\x0b\x3f\x81"),
        (b"\x01\x05\x01\x00", OTA_CLUSTER, b"\x18\x05\x0b\x01\x80"),
        (b"\x05\x34\x12\x05\x01", OTA_CLUSTER, b"\x1c\x34\x12\x05\x0b\x01\x81"),
        (b"\x01\x05\x02\x00\x00gbcs", TUNNELING_CLUSTER, b"\x18\x05\x0b\x02\x00"),
        (b"\x01\x05\x00", MESSAGING_CLUSTER, b"\x18\x05\x0b\x00\x8b"),
        (b"\x09\x05\x07" + bytes(16), OTA_CLUSTER, b"\x10\x05\x0b\x07\x00"),
        (QUERY, OTA_CLUSTER, None),
        (b"\x11\x05\x3f", OTA_CLUSTER, None),
        (b"\x01", OTA_CLUSTER, None),
    ],
    ids=[
        "unknown",
        "malformed",
        "a maker's",
        "tunnel",
        "no message",
        "a server's",
        "has its own answer",
        "wants none",
        "too short",
    ],
)
def test_what_the_node_leaves_unanswered_is_answered_by_default(
    octets: bytes, cluster: int, answer: bytes | None
) -> None:
    async def story() -> None:
        async with pair(CHF, PPMID) as made, standing(made, scripted().make, CHF):
            await say(made, octets, cluster)
            assert made.ether.of(cluster)[1:] == ([answer] if answer else [])

    run(story())


def test_a_node_whose_radio_is_off_hears_nothing() -> None:
    async def story() -> None:
        node = Scripted(listening=False)
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            await say(made, QUERY)
            assert [kind for kind, *_ in node.heard] == ["start"]
            assert len(made.noted("frame_missed")) == 1

    run(story())


def test_broadcasts_are_heard_and_never_answered_by_default() -> None:
    async def story() -> None:
        node = scripted()
        async with pair(CHF, PPMID) as made, standing(made, node.make, CHF):
            made.app.packet_received(_packet(b"\x01\x05\x3f", source=DEVICE_NWK, broadcast=True))
            await asyncio.sleep(1)
            assert len(node.heard) == 2
            assert made.ether.sent == []

    run(story())


def test_zigpy_learns_that_the_device_was_seen() -> None:
    async def story() -> None:
        async with pair(CHF, PPMID) as made, standing(made, scripted().make, CHF):
            await say(made, QUERY)
            device = made.app.devices[zigpy_eui(PPMID)]
            assert (device.lqi, device.rssi) == (200, -60)
            assert device.last_seen is not None

    run(story())


def test_a_radio_that_goes_away_ends_the_run() -> None:
    async def story() -> None:
        async with pair(CHF, PPMID) as made, standing(made, scripted().make, CHF) as han:
            made.app.connection_lost(ConnectionError("unplugged"))
            with pytest.raises(ConnectionError, match="unplugged"):
                await han.failed

    run(story())


def test_afterwards_nothing_is_left_running() -> None:
    async def story() -> None:
        node = scripted([Wake(Instant(NOW + HOUR)), SendHan(PPMID, OTA_CLUSTER, FRAME)])
        async with pair(CHF, PPMID) as made:
            async with standing(made, node.make, CHF):
                pass
            await asyncio.sleep(2 * HOUR / 1000)
            assert [kind for kind, *_ in node.heard] == ["start"]
            assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("han-")]

    run(story())


def _packet(octets: bytes, *, source: int, broadcast: bool = False) -> t.ZigbeePacket:
    all_awake = t.AddrModeAddress(t.AddrMode.Broadcast, t.BroadcastAddress.RX_ON_WHEN_IDLE)
    return t.ZigbeePacket(
        src=t.AddrModeAddress(t.AddrMode.NWK, t.NWK(source)),
        src_ep=t.uint8_t(1),
        dst=all_awake if broadcast else t.AddrModeAddress(t.AddrMode.NWK, t.NWK(0)),
        dst_ep=t.uint8_t(0xFF if broadcast else 1),
        profile_id=t.uint16_t(0x0104),
        cluster_id=t.uint16_t(OTA_CLUSTER),
        data=t.SerializableBytes(octets),
    )
