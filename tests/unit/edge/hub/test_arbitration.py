"""Slots and priority of a hub, each pair of policies in words, with what the hub does for them (R11, R12)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, SECOND, Instant, zigbee_utc
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.hub.arbitration import ASIDE_MS, ATTENTIVE_MS
from hanota.edge.hub.slots import LAYOUTS
from hanota.model.policies import HubPolicy, Policies
from hanota.wire.wan import Acknowledge, Cancel, Distribute, Fetch, ImageChunk, ReceiptStatus
from hanota.wire.zcl import ImageBlockRequest, ImageBlockResponse, OtaStatus, QueryNextImageRequest, UpgradeEndRequest
from helpers.nodes import PPMID_2, Bench, hub_bench
from helpers.premises import ESME, NEW, NOW, OLD, PPMID, order_for, ppmid_file, signed

GSME, HCALCS = (Eui64.parse(f"00-DB-12-34-56-78-90-{last}") for last in ("A1", "A5"))
LOG = {
    ESME: DeviceType.ESME,
    GSME: DeviceType.GSME,
    PPMID: DeviceType.PPMID,
    PPMID_2: DeviceType.PPMID,
    HCALCS: DeviceType.HCALCS,
}
IMAGES = {device: ppmid_file(2000 + 100 * number) for number, device in enumerate(LOG)}
IMAGES[PPMID_2] = IMAGES[PPMID]
NAME = (0x121D, 0x0084, NEW)
_S = ReceiptStatus


@dataclass
class Scene:
    """A hub under two policies, and what its devices were told."""

    slots: str
    priority: str
    hub: Bench = field(init=False)

    def __post_init__(self) -> None:
        policy = HubPolicy(slots=self.slots, priority=self.priority, shared_slots=2)
        self.hub = hub_bench(Policies(hub=policy), LOG)

    def order(self, device: Eui64, **facts: object) -> Distribute:
        number = list(LOG).index(device) + 1
        return order_for(IMAGES[device], number, now=self.hub.now, device=device, device_type=LOG[device], **facts)

    def ordered(self, device: Eui64) -> ReceiptStatus:
        """Let an order come; give how it stands then."""
        self.hub.wan(signed(self.order(device)))
        return self.hub.receipts[-1].status

    def held(self, device: Eui64) -> ReceiptStatus:
        """Let an order and its image come; give how it stands then."""
        status = self.ordered(device)
        if status is _S.ACCEPTED:
            self.hub.serve(IMAGES[device])
            status = self.hub.receipts[-1].status
        for event in range(1, 40):
            self.hub.wan(Acknowledge(event=event))
        return status

    def asks(self, device: Eui64, offset: int = 0) -> ImageBlockResponse:
        """A second later, a device asks for a block."""
        self.hub.now = Instant(self.hub.now + SECOND)
        (answer,) = self.hub.hear(ImageBlockRequest(*NAME, offset, 50), device)
        assert isinstance(answer, ImageBlockResponse)
        return answer

    def takes(self, device: Eui64) -> None:
        """A device says that it has the whole image."""
        self.hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), device, len(IMAGES[device]))

    def fetches(self) -> set[bytes]:
        """The images of which the hub asks octets in its last turn."""
        return {frame.image_hash for frame in self.hub.frames if isinstance(frame, Fetch)}


def a_display_and_a_switch(scene: Scene) -> object:
    return scene.held(PPMID), scene.held(HCALCS)


def a_meter_a_display_and_a_switch(scene: Scene) -> object:
    return scene.held(ESME), scene.held(PPMID), scene.held(HCALCS)


def both_meters(scene: Scene) -> object:
    return scene.held(ESME), scene.held(GSME)


def two_displays_and_one_image(scene: Scene) -> object:
    return scene.held(PPMID), scene.held(PPMID_2), len([key for key in scene.hub.memory if key.startswith("order/")])


def two_displays_then_a_switch(scene: Scene) -> object:
    return scene.held(PPMID), scene.held(PPMID_2), scene.held(HCALCS)


def a_meter_fetches_while_a_display_does(scene: Scene) -> object:
    scene.held(PPMID), scene.held(ESME)
    answers = [scene.asks(PPMID), scene.asks(ESME), scene.asks(PPMID, 50), scene.asks(ESME, 50)]
    scene.takes(ESME)
    return [answer.status for answer in answers], scene.asks(PPMID, 50).data == IMAGES[PPMID][50:100]


def a_meter_has_not_asked_yet(scene: Scene) -> object:
    scene.held(PPMID), scene.held(ESME)
    return scene.asks(PPMID).status


def a_meter_has_fallen_silent(scene: Scene) -> object:
    scene.held(PPMID), scene.held(ESME)
    scene.asks(ESME)
    scene.hub.wake(ATTENTIVE_MS)
    return scene.asks(PPMID).status


def two_meters_fetch(scene: Scene) -> object:
    scene.held(ESME), scene.held(GSME)
    return [scene.asks(device, offset).status for offset in (0, 50) for device in (ESME, GSME)]


def a_meters_image_comes_while_a_displays_does(scene: Scene) -> object:
    scene.ordered(PPMID)
    scene.ordered(ESME)
    image = IMAGES[PPMID]
    facts = {"image_hash": scene.order(PPMID).image_hash, "image_octets": len(image)}
    scene.hub.wan(ImageChunk(offset=0, data=image[:1000], **facts))
    return scene.order(PPMID).image_hash in scene.fetches()


_WAIT, _OK = OtaStatus.WAIT_FOR_DATA, OtaStatus.SUCCESS
Outcome = tuple[Callable[[Scene], object], dict[str, object]]

# Situation -> how it is brought about, and what it means where it ends so.
SITUATIONS: dict[str, Outcome] = {
    "a display's and a switch's images are ordered": (
        a_display_and_a_switch,
        {
            "the second waits at the DCC until the first is done": (_S.HELD, _S.REFUSED_NO_SLOT),
            "the hub holds both": (_S.HELD, _S.HELD),
        },
    ),
    "a meter's, a display's and a switch's images are ordered": (
        a_meter_a_display_and_a_switch,
        {
            "the third waits at the DCC until one is done": (_S.HELD, _S.HELD, _S.REFUSED_NO_SLOT),
            "the hub holds all three": (_S.HELD, _S.HELD, _S.HELD),
        },
    ),
    "both meters' images are ordered": (both_meters, {"the hub holds both": (_S.HELD, _S.HELD)}),
    "one image is ordered for two displays": (
        two_displays_and_one_image,
        {"both displays are served": (_S.HELD, _S.HELD, 2)},
    ),
    "one image for two displays, then a switch's": (
        two_displays_then_a_switch,
        {
            "the switch waits for both displays": (_S.HELD, _S.HELD, _S.REFUSED_NO_SLOT),
            "the hub holds all": (_S.HELD, _S.HELD, _S.HELD),
        },
    ),
    "a meter fetches while a display does": (
        a_meter_fetches_while_a_display_does,
        {
            "both get their blocks": ([_OK, _OK, _OK, _OK], True),
            "the display steps aside and goes on where it was": ([_OK, _OK, _WAIT, _OK], True),
        },
    ),
    "a meter has an image at the hub and has not asked yet": (a_meter_has_not_asked_yet, {"nobody waits": _OK}),
    "a meter fell silent ten minutes ago": (a_meter_has_fallen_silent, {"nobody waits": _OK}),
    "both meters fetch": (two_meters_fetch, {"nobody waits": [_OK, _OK, _OK, _OK]}),
    "a meter's image comes over the WAN while a display's does": (
        a_meters_image_comes_while_a_displays_does,
        {"both are fetched": True, "the display's waits": False},
    ),
}

_SLOTS = {
    "a display's and a switch's images are ordered": (
        "the second waits at the DCC until the first is done",
        "the hub holds both",
        "the hub holds both",
    ),
    "a meter's, a display's and a switch's images are ordered": (
        "the third waits at the DCC until one is done",
        "the hub holds all three",
        "the third waits at the DCC until one is done",
    ),
    "both meters' images are ordered": ("the hub holds both",) * 3,
    "one image is ordered for two displays": ("both displays are served",) * 3,
    "one image for two displays, then a switch's": (
        "the switch waits for both displays",
        "the hub holds all",
        "the hub holds all",
    ),
}
_PRIORITY = {
    "a meter fetches while a display does": (
        "both get their blocks",
        "the display steps aside and goes on where it was",
    ),
    "a meter has an image at the hub and has not asked yet": ("nobody waits", "nobody waits"),
    "a meter fell silent ten minutes ago": ("nobody waits", "nobody waits"),
    "both meters fetch": ("nobody waits", "nobody waits"),
    "a meter's image comes over the WAN while a display's does": ("both are fetched", "the display's waits"),
}
LAYOUT_NAMES, PRIORITY_NAMES = ("as_set", "dedicated", "shared_n"), ("none", "meters_first")

# Slots and priority are independent: where an image may lie, and who is served first.
OUTCOMES = {
    (slots, priority, situation): sentences[LAYOUT_NAMES.index(slots)]
    for slots, priority in product(LAYOUT_NAMES, PRIORITY_NAMES)
    for situation, sentences in _SLOTS.items()
} | {
    (slots, priority, situation): sentences[PRIORITY_NAMES.index(priority)]
    for slots, priority in product(LAYOUT_NAMES, PRIORITY_NAMES)
    for situation, sentences in _PRIORITY.items()
}


@pytest.mark.parametrize(("slots", "priority", "situation"), OUTCOMES, ids=str)
def test_each_pair_of_slots_and_priority_has_its_outcome(slots: str, priority: str, situation: str) -> None:
    happens, meanings = SITUATIONS[situation]
    sentence = OUTCOMES[slots, priority, situation]
    print(f"slots {slots}, priority {priority}: {situation}: {sentence}")
    assert happens(Scene(slots, priority)) == meanings[sentence]


def test_every_pair_has_every_situation() -> None:
    assert set(LAYOUTS) == set(LAYOUT_NAMES)
    assert set(OUTCOMES) == set(product(LAYOUT_NAMES, PRIORITY_NAMES, SITUATIONS))


def test_who_steps_aside_is_told_when_to_ask_again_and_loses_nothing() -> None:
    scene = Scene("as_set", "meters_first")
    scene.held(PPMID), scene.held(ESME)
    scene.asks(PPMID)
    scene.asks(ESME)
    blocks = scene.hub.memory[f"served/{scene.order(PPMID).order:016x}"]
    told = scene.asks(PPMID, 50)
    now = scene.hub.now
    assert (told.current_time, told.request_time) == (zigbee_utc(now), zigbee_utc(Instant(now + ASIDE_MS)))
    assert told.min_block_period_ms == 250
    assert scene.hub.memory[f"served/{scene.order(PPMID).order:016x}"] == blocks
    assert [note.kind for note in scene.hub.noted("stepped_aside")] == ["stepped_aside"]


def test_a_meter_whose_order_was_cancelled_holds_nobody_up() -> None:
    scene = Scene("as_set", "meters_first")
    scene.held(PPMID), scene.held(ESME)
    scene.asks(ESME)
    scene.hub.wan(signed(Cancel(order=scene.order(ESME).order, sent=NOW)))
    assert scene.asks(PPMID).status is OtaStatus.SUCCESS


def test_a_meter_that_looks_for_its_image_counts_as_fetching() -> None:
    scene = Scene("as_set", "meters_first")
    scene.held(PPMID), scene.held(ESME)
    scene.hub.hear(QueryNextImageRequest(0x121D, 0x0084, OLD, 0x1111), ESME)
    assert scene.asks(PPMID).status is OtaStatus.WAIT_FOR_DATA


def test_after_a_restart_a_display_goes_on_until_the_meter_asks() -> None:
    scene = Scene("as_set", "meters_first")
    scene.held(PPMID), scene.held(ESME)
    scene.asks(ESME)
    scene.hub.restart()
    assert scene.asks(PPMID).status is OtaStatus.SUCCESS
    scene.asks(ESME, 50)
    assert scene.asks(PPMID, 50).status is OtaStatus.WAIT_FOR_DATA


def test_a_meters_image_that_brings_nothing_for_long_holds_no_fetch_up() -> None:
    scene = Scene("as_set", "meters_first")
    scene.ordered(ESME)
    scene.ordered(PPMID)
    wanted = scene.order(PPMID).image_hash
    assert wanted not in scene.fetches()
    end = scene.hub.now + ATTENTIVE_MS + 2 * MINUTE
    asked = []
    while scene.hub.now < end:
        scene.hub.wake()
        if wanted in scene.fetches():
            asked.append(scene.hub.now - NOW)
    assert asked
    assert min(asked) >= ATTENTIVE_MS


def test_a_clock_set_back_does_not_make_a_meter_attentive_for_long() -> None:
    scene = Scene("as_set", "meters_first")
    scene.held(PPMID), scene.held(ESME)
    scene.asks(ESME)
    scene.hub.now = Instant(NOW - 60 * MINUTE)
    assert scene.asks(PPMID).status is OtaStatus.SUCCESS
