"""Slot layouts of a hub, and a hub that wakes under another one (R11)."""

from hashlib import sha256
from itertools import permutations

import pytest

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.hub.slots import LAYOUTS
from hanota.model.policies import HubPolicy, Policies
from hanota.wire.wan import Cancel, Fetch, ImageChunk, ReceiptStatus
from hanota.wire.zcl import ImageBlockRequest, OtaStatus, UpgradeEndRequest
from helpers.nodes import PPMID_2, Bench, hub_bench
from helpers.premises import ESME, NEW, NOW, PPMID, order_for, ppmid_file, signed

LOG = {ESME: DeviceType.ESME, PPMID: DeviceType.PPMID, PPMID_2: DeviceType.PPMID}
FIRST, SECOND, THIRD = ppmid_file(2000), ppmid_file(2100), ppmid_file(2200)
NAME = (0x121D, 0x0084, NEW)
_S = ReceiptStatus
HUB_ITSELF = Eui64(1)  # stands in no layout: its firmware is not ours to send


def choices(slots: str, shared_slots: int = 3) -> list[tuple[str, ...]]:
    layout = LAYOUTS[slots](LOG | {HUB_ITSELF: DeviceType.CHF}, HubPolicy(slots=slots, shared_slots=shared_slots))
    assert list(layout) == list(LOG)
    return list(layout.values())


def test_as_set_has_one_slot_for_each_kind_of_meter_and_one_for_all_others() -> None:
    assert choices("as_set") == [("ESME",), ("shared",), ("shared",)]


def test_dedicated_has_one_slot_for_each_device() -> None:
    assert choices("dedicated") == [(str(device),) for device in LOG]


@pytest.mark.parametrize("count", [1, 3, 16])
def test_shared_n_has_so_many_slots_for_any_device(count: int) -> None:
    names = tuple(f"shared-{number + 1}" for number in range(count))
    assert choices("shared_n", count) == [names] * 3


def bench(slots: str, **more: object) -> Bench:
    return hub_bench(Policies(hub=HubPolicy(slots=slots, **more)), LOG)


def hold(hub: Bench, number: int, image: bytes, device: object) -> ReceiptStatus:
    hub.wan(signed(order_for(image, number, device=device, device_type=LOG[device])))
    if hub.receipts[-1].status is _S.ACCEPTED:
        hub.serve(image)
    return hub.receipts[-1].status


def under(hub: Bench, slots: str, **more: object) -> Bench:
    """The same hub's memory under another policy."""
    other = bench(slots, **more)
    other.memory = dict(hub.memory)
    other.restart()
    return other


def test_several_images_are_held_at_once_and_the_next_waits_for_a_slot() -> None:
    hub = bench("shared_n", shared_slots=2)
    assert [hold(hub, 1, FIRST, PPMID), hold(hub, 2, SECOND, PPMID_2)] == [_S.HELD, _S.HELD]
    assert hold(hub, 3, THIRD, ESME) is _S.REFUSED_NO_SLOT
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(FIRST))
    assert hold(hub, 3, THIRD, ESME) is _S.HELD
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID_2)[0].data == SECOND[:50]
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), ESME)[0].data == THIRD[:50]


def test_several_images_may_come_at_once() -> None:
    hub = bench("shared_n", shared_slots=2)
    for number, (image, device) in enumerate(((FIRST, PPMID), (SECOND, PPMID_2)), 1):
        hub.wan(signed(order_for(image, number, device=device)))
    hub.serve(SECOND, 500)
    assert hub.receipts[-1].order == 2
    hub.serve(FIRST, 500)
    assert hub.receipts[-1].order == 1


@pytest.mark.parametrize(("before", "after"), list(permutations(LAYOUTS, 2)))
@pytest.mark.parametrize("whole", [False, True], ids=["half an image", "an image"])
def test_a_hub_under_another_layout_loses_no_image(before: str, after: str, whole: bool) -> None:
    hub = bench(before)
    hub.wan(signed(order_for(FIRST, 1)))
    chunk = ImageChunk(image_hash=sha256(FIRST).digest(), offset=0, image_octets=len(FIRST), data=FIRST[:1000])
    hub.wan(chunk)
    if whole:
        hub.serve(FIRST)
    hub = under(hub, after)
    if not whole:
        assert [frame.offset for frame in hub.frames if isinstance(frame, Fetch)] == [1000]
        hub.serve(FIRST)
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID)[0].data == FIRST[:50]
    hub.restart()
    assert hub.hear(ImageBlockRequest(*NAME, 50, 50), PPMID)[0].data == FIRST[50:100]
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(FIRST))
    assert [receipt.status for receipt in hub.receipts] == [_S.TRANSFERRED]
    assert not [key for key in hub.memory if key.startswith("slot/")], "the slot of the old layout is gone"
    assert hold(hub, 2, SECOND, PPMID) is _S.HELD


def test_a_slot_that_the_layout_lacks_takes_no_new_image() -> None:
    hub = bench("shared_n", shared_slots=3)
    assert hold(hub, 1, FIRST, PPMID) is _S.HELD
    hub = under(hub, "dedicated")
    assert hold(hub, 2, FIRST, PPMID_2) is _S.HELD
    slots = {key.split("/")[1] for key in hub.memory if key.startswith("slot/")}
    assert slots == {"shared-1", str(PPMID_2)}


def test_with_fewer_slots_those_in_use_are_emptied_first() -> None:
    hub = bench("shared_n", shared_slots=3)
    for number, (image, device) in enumerate(((FIRST, PPMID), (SECOND, PPMID_2), (THIRD, ESME)), 1):
        assert hold(hub, number, image, device) is _S.HELD
    hub = under(hub, "shared_n", shared_slots=1)
    for device, image in ((PPMID, FIRST), (PPMID_2, SECOND), (ESME, THIRD)):
        assert hub.hear(ImageBlockRequest(*NAME, 0, 50), device)[0].data == image[:50]
    hub.wan(signed(Cancel(order=3, sent=NOW)))
    assert hold(hub, 4, THIRD, ESME) is _S.REFUSED_NO_SLOT, "the one slot that is left is in use"
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    assert hold(hub, 4, THIRD, ESME) is _S.HELD


def test_an_order_whose_slot_left_no_trace_ends_in_time_and_harms_nothing() -> None:
    hub = bench("dedicated")
    hold(hub, 1, FIRST, PPMID)
    hub.memory = {key: value for key, value in hub.memory.items() if not key.startswith("slot/")}
    hub.restart()
    hub = under(hub, "as_set")
    assert hold(hub, 2, SECOND, PPMID_2) is _S.HELD
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    assert hub.receipts[-1].status is _S.CANCELLED
