"""The short way of a block request gives what the whole way gives, whatever happens in between."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.instant import HOUR, MINUTE, SECOND, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.effects import Effect, SendHan, SendWan, Store, Wake
from hanota.edge.hub.lanes import LAPSE_MS
from hanota.model.policies import HanPolicy, HubPolicy, Policies
from hanota.wire.wan import Acknowledge, Cancel, Uplink, read_frame, write_frame
from hanota.wire.zcl import (
    OTA_CLUSTER,
    ImageBlockRequest,
    ImagePageRequest,
    OtaStatus,
    QueryNextImageRequest,
    UpgradeEndRequest,
    write_command,
)
from helpers.nodes import PPMID_2, STRANGER, Bench, hub_bench
from helpers.premises import ESME, NEW, NOW, OLD, PPMID, order_for, ppmid_file, signed

IMAGE = ppmid_file(2530)
NAME = (0x121D, 0x0084, NEW)
DEVICES = (PPMID, PPMID_2, ESME)
ORDERED = {
    number: order_for(IMAGE, number, device=device, device_type=kind)
    for number, (device, kind) in enumerate(
        ((PPMID, DeviceType.PPMID), (PPMID_2, DeviceType.PPMID), (ESME, DeviceType.ESME)), start=1
    )
}
SIGNED = {number: signed(order) for number, order in ORDERED.items()}
CANCELLED = signed(Cancel(order=1, sent=NOW))
POLICIES = {
    "default": Policies(),
    "meters first": Policies(hub=HubPolicy(priority="meters_first")),
    "busy channel": Policies(han=HanPolicy(occupancy_cap=0.01)),
    "quiet hours": Policies(han=HanPolicy(quiet_hours=(9 * HOUR + 2 * MINUTE, 9 * HOUR + 4 * MINUTE))),
}

offsets = st.one_of(st.just(None), st.sampled_from((0, 50, 250, 2500, 2530, 9999)))
blocks = st.builds(
    lambda offset, octets, period: ("block", offset, octets, period),
    offsets,
    st.sampled_from((50, 50, 50, 20, 255, 0)),
    st.sampled_from((None, None, 250, 20_000)),
)
others = st.sampled_from(
    [(kind, None, 0, None) for kind in ("page", "query", "end", "failed", "wrong", "cut", "cancel")]
)
gaps = st.sampled_from((10, 300, 300, 300, 300, 20 * SECOND, 2 * MINUTE, 11 * MINUTE, -30 * SECOND))
deeds = st.tuples(st.sampled_from(DEVICES), st.one_of(blocks, blocks, blocks, blocks, blocks, blocks, others), gaps)


class Pair:
    """Two hubs in one state; the second sends every request the whole way."""

    def __init__(self, policies: Policies) -> None:
        self.short, self.whole = hub_bench(policies), hub_bench(policies)
        self.whole.node._open_lane = lambda *_: None
        self.now = NOW
        self.has = dict.fromkeys(DEVICES, 0)
        for hub in self.both:
            for order in SIGNED.values():
                hub.wan(order)
            hub.serve(IMAGE)
            self.acknowledge(hub)

    @property
    def both(self) -> tuple[Bench, Bench]:
        return self.short, self.whole

    def acknowledge(self, hub: Bench) -> None:
        for uplink in (frame for frame in map(read_frame, sent(hub.memory)) if isinstance(frame, Uplink)):
            hub.do(hub.node.on_wan(write_frame(Acknowledge(event=uplink.event)), self.now))

    def until(self, hub: Bench, now: Instant) -> list[Any]:
        """Let the alarm clock ring whenever it is due by `now`; give what was done."""
        done = []
        while hub.wake_at is not None and hub.wake_at <= now:
            at, hub.wake_at = hub.wake_at, None
            done += [(at, plain(effect)) for effect in hub.do(hub.node.on_wake(at)) if not isinstance(effect, Wake)]
        return done

    def hear(self, device: Any, frame: bytes) -> None:
        done = []
        for hub in self.both:
            effects = hub.do(hub.node.on_frame(device, OTA_CLUSTER, frame, self.now))
            done.append([plain(effect) for effect in effects if not isinstance(effect, Wake)])
        assert done[0] == done[1]


def sent(memory: Mapping[str, bytes]) -> list[bytes]:
    return [value for key, value in memory.items() if key.startswith("uplink/")]


def plain(effect: Effect) -> Any:
    """What an effect does; of what a hub signs only what is signed, as two signatures differ."""
    uplink = isinstance(effect, Store) and effect.key.startswith("uplink/") and effect.value
    octets = effect.octets if isinstance(effect, SendWan) else uplink or None
    frame = read_frame(octets) if octets else None
    return (type(effect).__name__, frame.event, frame.body) if isinstance(frame, Uplink) else effect


def frame_of(kind: str, offset: int, octets: int, period: int | None, sequence: int) -> bytes:
    ask = ImageBlockRequest(*NAME, offset, octets, min_block_period_ms=period)
    commands = {
        "block": ask,
        "cut": ask,
        "page": ImagePageRequest(*NAME, offset, 50, 200, 100),
        "query": QueryNextImageRequest(*NAME[:2], OLD, 0x1111),
        "end": UpgradeEndRequest(OtaStatus.SUCCESS, *NAME),
        "failed": UpgradeEndRequest(OtaStatus.INVALID_IMAGE, *NAME),
        "wrong": ImageBlockRequest(*NAME[:2], OLD, offset, 50),
    }
    frame = write_command(sequence, commands[kind])
    return frame[:-1] if kind == "cut" else frame


@pytest.mark.parametrize("policies", POLICIES.values(), ids=POLICIES.keys())
@given(done=st.lists(deeds, min_size=10, max_size=60))
def test_both_ways_do_the_same(policies: Policies, done: list[Any]) -> None:
    pair = Pair(policies)
    for number, (device, (kind, offset, octets, period), gap_ms) in enumerate(done):
        pair.now = Instant(pair.now + gap_ms)
        assert pair.until(pair.short, pair.now) == pair.until(pair.whole, pair.now)
        if kind == "cancel":
            for hub in pair.both:
                hub.do(hub.node.on_wan(write_frame(CANCELLED), pair.now))
            continue
        at = pair.has[device] if offset is None else offset
        pair.has[device] = min(at + 50, len(IMAGE) - 30)
        pair.hear(device, frame_of(kind, at, octets, period, number & 0xFF))
        for hub in pair.both:
            pair.acknowledge(hub)
        assert pair.whole.wake_at is None or pair.short.wake_at <= pair.whole.wake_at
    assert kept(pair.short) == kept(pair.whole)


def kept(hub: Bench) -> dict[str, Any]:
    return {key: plain(Store(key, value)) for key, value in hub.memory.items()}


def whole_ways(hub: Bench, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the block requests of a hub that go the whole way, from now on."""
    gone: list[int] = []
    answer = hub.node._server.on_command
    monkeypatch.setattr(hub.node._server, "on_command", lambda *said: (gone.append(said[2].offset), answer(*said)))
    return gone


def test_blocks_in_a_row_take_the_short_way_but_for_the_first_and_the_tenths(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Pair(Policies()).short
    gone = whole_ways(hub, monkeypatch)
    for number, offset in enumerate(range(0, 2500, 50)):
        hub.now = Instant(hub.now + 300)
        hub.do(hub.node.on_frame(PPMID, OTA_CLUSTER, frame_of("block", offset, 50, None, number & 0xFF), hub.now))
        assert any(isinstance(effect, SendHan) for effect in hub.effects)
    tenths = [offset for offset in range(0, 2500, 50) if (offset + 50) * 10 // 2530 > offset * 10 // 2530]
    assert gone == [0, *tenths]


def test_after_a_pause_the_alarm_clock_is_set_anew() -> None:
    hub = Pair(Policies()).short
    woken = []
    for number, pause_ms in enumerate((300, 300, LAPSE_MS, LAPSE_MS + 1, 300)):
        hub.now = Instant(hub.now + pause_ms)
        hub.do(hub.node.on_frame(PPMID, OTA_CLUSTER, frame_of("block", 0, 50, None, number), hub.now))
        woken.append(any(isinstance(effect, Wake) for effect in hub.effects))
    assert woken == [True, False, False, True, False]


def test_an_order_taken_back_closes_the_lane() -> None:
    hub = Pair(Policies()).short
    statuses = []
    for number in range(4):
        hub.now = Instant(hub.now + 300)
        hub.do(hub.node.on_frame(PPMID, OTA_CLUSTER, frame_of("block", 50 * number, 50, None, number), hub.now))
        statuses += [answer.status for answer in hub.said]
        if number == 1:
            hub.do(hub.node.on_wan(write_frame(CANCELLED), hub.now))
    assert statuses == [OtaStatus.SUCCESS, OtaStatus.SUCCESS, OtaStatus.ABORT, OtaStatus.ABORT]


def test_a_stranger_has_no_lane() -> None:
    hub = Pair(Policies()).short
    for number in range(3):
        hub.do(hub.node.on_frame(STRANGER, OTA_CLUSTER, frame_of("block", 0, 50, None, number), hub.now))
        assert [answer.status for answer in hub.said] == [OtaStatus.NOT_AUTHORIZED]
