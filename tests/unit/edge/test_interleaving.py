"""Client against server, whatever the air does: any order of arrival, loss and repetition ends with the same image."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hanota.base.instant import DAY, Instant
from hanota.edge.effects import Effect, SendHan
from hanota.model.policies import HanPolicy, Policies
from helpers.nodes import Bench, device_bench, hub_bench
from helpers.premises import CHF, NEW, PPMID, order_for, ppmid_file, signed

IMAGE = ppmid_file(620)
FRAMES_MAX = 40  # in the air at once


class Air:
    """One hub, one device, and the frames between them in a heap that `rng` picks from."""

    def __init__(self, policies: Policies, rng: Random, loss: float, doubling: float) -> None:
        self.hub, self.device = hub_bench(policies), device_bench(policies)
        self.rng, self.loss, self.doubling = rng, loss, doubling
        self.frames: list[tuple[Bench, object, SendHan]] = []
        self.hub.wan(signed(order_for(IMAGE)))
        self.hub.serve(IMAGE)
        self.device.wake()
        self.now = self.hub.now

    def take(self, sender: Bench, effects: list[Effect]) -> None:
        target, address = (self.device, CHF) if sender is self.hub else (self.hub, PPMID)
        for effect in effects:
            if isinstance(effect, SendHan) and self.rng.random() >= self.loss:
                copies = 2 if self.rng.random() < self.doubling else 1
                self.frames += [(target, address, effect)] * copies
        del self.frames[:-FRAMES_MAX]

    def step(self) -> None:
        """Let one frame of those in the air arrive, or an alarm clock ring."""
        if self.frames and self.rng.random() < 0.9:
            target, sender, frame = self.frames.pop(self.rng.randrange(len(self.frames)))
            target.now = self.now
            self.take(target, target.do(target.node.on_frame(sender, frame.cluster, frame.octets, self.now)))
            return
        node = min((self.hub, self.device), key=lambda node: node.wake_at or self.now + DAY)
        self.now = Instant(max(self.now, node.wake_at or self.now))
        node.now, node.wake_at = self.now, None
        self.take(node, node.do(node.node.on_wake(self.now)))

    def cut(self) -> None:
        node = self.rng.choice((self.hub, self.device))
        node.now = self.now
        self.take(node, node.restart())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.1, 0.4]),
    doubling=st.sampled_from([0.0, 0.3]),
    page_octets=st.sampled_from([0, 150, 1_000]),
    cuts=st.integers(0, 3),
)
def test_the_image_arrives_whole_and_runs(seed: int, loss: float, doubling: float, page_octets: int, cuts: int) -> None:
    policies = Policies(han=HanPolicy(page_octets=page_octets))
    air = Air(policies, Random(seed), loss, doubling)
    for step in range(20_000):
        if air.device.memory.get("boot") == b"1" and "trial" not in air.device.memory:
            break
        fetching = any(key.startswith("block/") for key in air.device.memory)
        if fetching and cuts and step % 29 == 28:
            cuts -= 1
            air.cut()
        air.step()
        assert air.device.memory.get("bank/1", IMAGE) == IMAGE
    assert air.device.node.banks.version == NEW


@pytest.mark.parametrize("page_octets", [0, 1_000])
def test_without_disturbance_no_block_is_asked_for_twice(page_octets: int) -> None:
    air = Air(Policies(han=HanPolicy(page_octets=page_octets)), Random(1), 0.0, 0.0)
    asked: dict[int, int] = {}
    while "bank/1" not in air.device.memory:
        air.step()
        for note in air.device.noted("block"):
            asked[note.facts["offset"]] = asked.get(note.facts["offset"], 0) + 1
    assert sorted(asked) == list(range(0, 620, 50))
