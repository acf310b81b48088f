"""Images in parts at a hub: one segment's file after the other through one slot, and nothing in between (R7)."""

import hashlib
from dataclasses import replace

import pytest

from hanota.base.vocabulary.devices import DeviceType
from hanota.model.policies import ImagePolicy, Policies
from hanota.wire.otaimage import Tail, read_image, write_image
from hanota.wire.otaimage.segments import split
from hanota.wire.wan import Distribute, Fetch, Part, ReceiptStatus, write_parts
from hanota.wire.zcl import (
    Command,
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    UpgradeEndRequest,
    UpgradeEndResponse,
)
from helpers.nodes import PPMID_2, Bench, hub_bench
from helpers.premises import ESME, NEW, OLD, PPMID, order_for, ppmid_file, signed

FILES = [write_image(part) for part in split(read_image(ppmid_file(700), Tail.NONE), 360)]
PARTS = tuple(Part(hashlib.sha256(file).digest(), len(file)) for file in FILES)
IMAGE = (0x121D, 0x0084, NEW)
MORE = UpgradeEndRequest(OtaStatus.REQUIRE_MORE_IMAGE, *IMAGE)


def order_in_parts(number: int = 1, **facts: object) -> Distribute:
    return replace(order_for(FILES[0], number), **{"parts": write_parts(PARTS)} | facts)


def serving(part: int = 0) -> Bench:
    """A hub that has offered the first part, after `part` parts were taken."""
    hub = hub_bench()
    hub.wan(signed(order_in_parts()))
    hub.serve(FILES[0])
    for taken in range(part):
        take_part(hub, taken)
        hub.serve(FILES[taken + 1])
    return hub


def ask(hub: Bench, offset: int, sequence: int) -> Command:
    (answer,) = hub.hear(ImageBlockRequest(*IMAGE, offset, 50), PPMID, sequence=sequence)
    return answer


def take_part(hub: Bench, part: int, *, first: int = 10) -> None:
    """Let the device fetch a part and ask for more."""
    for sequence, offset in enumerate(range(0, len(FILES[part]), 50), first):
        hub.now = type(hub.now)(hub.now + 1000)
        answer = ask(hub, offset, sequence)
        assert isinstance(answer, ImageBlockResponse)
        assert answer.data == FILES[part][offset : offset + 50]
    hub.hear(MORE, PPMID, sequence=sequence + 1)


def offered(hub: Bench) -> int | None:
    (answer,) = hub.hear(QueryNextImageRequest(0x121D, 0x0084, OLD, 0x1111), PPMID, sequence=99)
    assert isinstance(answer, QueryNextImageResponse)
    return answer.image_octets


def test_a_taken_part_makes_room_for_the_next_one_which_is_fetched_by_its_own_hash() -> None:
    hub = serving()
    take_part(hub, 0)
    fetches = [frame for frame in hub.frames if isinstance(frame, Fetch)]
    assert [(fetch.image_hash, fetch.offset) for fetch in fetches] == [(PARTS[1].sha256, 0)]
    assert {receipt.status for receipt in hub.receipts} == {ReceiptStatus.TRANSFERRING}
    counts = hub.memory["served/0000000000000001"]
    assert int.from_bytes(counts[:4], "big") == len(FILES[0])


def test_between_parts_there_is_nothing_to_offer_and_the_next_part_is_announced() -> None:
    hub = serving()
    take_part(hub, 0)
    assert offered(hub) is None
    assert ask(hub, 0, 60) == ImageBlockResponse(OtaStatus.ABORT)
    hub.serve(FILES[1])
    assert [type(command) for command in hub.said] == [ImageNotify]
    assert offered(hub) == len(FILES[1])


@pytest.mark.parametrize("state", ["between", "held"])
def test_no_other_order_gets_into_the_slot_in_between(state: str) -> None:
    hub = serving()
    take_part(hub, 0)
    if state == "held":
        hub.serve(FILES[1])
    other = order_for(FILES[1], 2, device=PPMID_2)
    hub.wan(signed(other))
    assert [receipt.status for receipt in hub.receipts] == [ReceiptStatus.REFUSED_NO_SLOT]


def test_the_same_image_for_another_device_waits_for_its_turn() -> None:
    hub = serving()
    hub.wan(signed(order_in_parts(2, device=PPMID_2)))
    assert [receipt.status for receipt in hub.receipts] == [ReceiptStatus.REFUSED_NO_SLOT]


def test_a_part_may_be_passed_over_after_its_first_octets() -> None:
    hub = serving()
    ask(hub, 0, 10)
    hub.hear(MORE, PPMID, sequence=11)
    assert hub.noted("part_taken")
    assert hub.receipts[-1].offset == len(FILES[0])


def test_a_repetition_of_what_was_said_of_the_part_before_changes_nothing() -> None:
    hub = serving(part=1)
    assert hub.hear(MORE, PPMID, sequence=40) == [ImageBlockResponse(OtaStatus.ABORT)]
    ask(hub, 0, 60)
    hub.hear(MORE, PPMID, sequence=40)  # from before the request of this part
    assert not hub.noted("part_taken")
    assert offered(hub) == len(FILES[1])


def test_a_part_begins_at_its_start() -> None:
    hub = serving(part=1)
    assert ask(hub, 100, 60) == ImageBlockResponse(OtaStatus.ABORT)
    assert isinstance(ask(hub, 0, 61), ImageBlockResponse)


def test_the_last_part_ends_with_the_success_of_the_whole() -> None:
    hub = serving(part=len(FILES) - 1)
    for sequence, offset in enumerate(range(0, len(FILES[-1]), 50)):
        ask(hub, offset, sequence)
    said = hub.hear(UpgradeEndRequest(OtaStatus.SUCCESS, *IMAGE), PPMID, sequence=90)
    assert [type(command) for command in said] == [UpgradeEndResponse]
    (receipt,) = hub.receipts
    assert (receipt.status, receipt.offset) == (ReceiptStatus.TRANSFERRED, sum(map(len, FILES)))


def test_a_device_that_refuses_the_whole_ends_the_order() -> None:
    hub = serving(part=len(FILES) - 1)
    ask(hub, 0, 60)
    hub.hear(UpgradeEndRequest(OtaStatus.INVALID_IMAGE, *IMAGE), PPMID, sequence=90)
    assert [receipt.status for receipt in hub.receipts] == [ReceiptStatus.TRANSFERRING]  # CCS08 says that it failed
    hub.wan(signed(order_in_parts(3)))
    assert [receipt.status for receipt in hub.receipts] == [ReceiptStatus.ACCEPTED]


@pytest.mark.parametrize("part", range(len(FILES)))
def test_a_restart_goes_on_with_the_present_part(part: int) -> None:
    hub = serving(part)
    hub.restart()
    assert offered(hub) == len(FILES[part])


def test_a_restart_between_parts_fetches_the_next_one() -> None:
    hub = serving()
    take_part(hub, 0)
    hub.restart()
    fetches = [frame for frame in hub.frames if isinstance(frame, Fetch)]
    assert [fetch.image_hash for fetch in fetches] == [PARTS[1].sha256]


def test_after_a_restart_only_a_part_that_was_served_wholly_is_taken_without_asking_again() -> None:
    hub = serving()
    ask(hub, 0, 10)
    hub.restart()
    hub.hear(MORE, PPMID, sequence=11)
    assert not hub.noted("part_taken")
    hub = serving()
    take_part(hub, 0)
    hub.serve(FILES[1])
    for sequence, offset in enumerate(range(0, len(FILES[1]), 50), 60):
        ask(hub, offset, sequence)
    hub.restart()
    hub.hear(MORE, PPMID, sequence=1)
    assert hub.noted("part_taken")


def test_a_device_that_never_has_enough_ends_the_order() -> None:
    hub = serving()
    statuses = []
    for number in range(20):
        part = number % len(FILES)
        ask(hub, 0, 2 * number)
        hub.hear(MORE, PPMID, sequence=2 * number + 1)
        statuses += hub.noted("order_ended")
        if statuses:
            break
        hub.serve(FILES[(part + 1) % len(FILES)])
    assert number == 3 * len(FILES) - 1


WRONG = {
    "cut off": {"parts": write_parts(PARTS)[:-1]},
    "only one": {"parts": write_parts(PARTS[:1])},
    "another first": {"parts": write_parts(PARTS[::-1])},
    "empty": {"parts": write_parts([*PARTS, Part(bytes(32), 0)])},
    "too large": {"parts": write_parts([*PARTS, Part(bytes(32), 768_001)])},
    "not for this type": {"device": ESME, "device_type": DeviceType.ESME},
}


@pytest.mark.parametrize("what", WRONG)
def test_an_order_whose_parts_contradict_is_refused(what: str) -> None:
    hub = hub_bench()
    hub.wan(signed(order_in_parts(**WRONG[what])))
    assert [receipt.status for receipt in hub.receipts] == [ReceiptStatus.REFUSED_MALFORMED]


def test_each_part_is_held_against_the_limit_alone() -> None:
    hub = hub_bench(Policies(image=ImagePolicy(max_octets=360)))
    hub.wan(signed(order_in_parts()))
    assert [receipt.status for receipt in hub.receipts] == [ReceiptStatus.ACCEPTED]
