"""A hand-held terminal on the bench: it asks the hub, serves a device, and goes (R25)."""

import itertools

import pytest

from hanota.base.eui import Eui64
from hanota.edge.handheld import VISIT_MS, Handheld
from hanota.edge.handheld.terminal import ASKS_MAX, OFFERS_MAX, VISIT
from hanota.model.lifecycle import NoSuchMove
from hanota.wire.otaimage import ImageMalformed
from hanota.wire.zcl import (
    Command,
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    ImagePageRequest,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    Side,
    UpgradeEndRequest,
    UpgradeEndResponse,
    read_command,
    write_command,
)
from helpers.nodes import STRANGER, Bench
from helpers.premises import CHF, NEW, OLD, PPMID, ppmid_file

IMAGE = ppmid_file(230)
NAME = (0x121D, 0x0084, NEW)
REFUSED = QueryNextImageResponse(OtaStatus.NOT_AUTHORIZED)


class Visit(Bench):
    """The terminal: client of the hub, server of the device."""

    def from_hub(self, command: Command) -> list[Command]:
        self.do(self.node.on_frame(CHF, 0x0019, write_command(1, command), self.now))
        return self.words

    def from_device(self, command: Command, sender: Eui64 = PPMID) -> list[Command]:
        self.do(self.node.on_frame(sender, 0x0019, write_command(7, command), self.now))
        return self.words

    @property
    def words(self) -> list[Command]:
        sent = [effect for effect in self.effects if hasattr(effect, "cluster")]
        return [read_command(one.cluster, one.octets, Side.CLIENT if one.to == CHF else Side.SERVER)[1] for one in sent]

    @property
    def done(self) -> bool:
        return bool(self.node.done)

    def tick(self) -> list[Command]:
        self.now = max(self.now, self.wake_at or self.now)
        self.wake_at = None
        self.do(self.node.on_wake(self.now))
        return self.words


@pytest.fixture
def visit() -> Visit:
    return Visit(lambda _: Handheld(CHF, IMAGE, PPMID), Side.SERVER)


def offering(visit: Visit) -> Visit:
    visit.from_hub(REFUSED)
    return visit


def test_no_silence_and_no_dead_ends() -> None:
    assert VISIT.reachable(VISIT.start) == set(VISIT.states)
    assert all(VISIT.can_finish(state) for state in VISIT.states)
    for state, event in itertools.product(VISIT.states, VISIT.events):
        if not VISIT.takes(state, event):
            with pytest.raises(NoSuchMove):
                VISIT.move(state, event)


def test_its_address_is_nobody_elses(visit: Visit) -> None:
    assert visit.node.address not in (CHF, PPMID)
    assert visit.node.listening


def test_it_asks_the_hub_first_and_then_offers_its_image(visit: Visit) -> None:
    (asked,) = visit.words
    assert isinstance(asked, QueryNextImageRequest)
    assert visit.from_hub(REFUSED) == [ImageNotify(100, *NAME)]


def test_a_hub_that_says_nothing_is_asked_some_times(visit: Visit) -> None:
    asked = [visit.tick()[0] for _ in range(ASKS_MAX)]
    assert [type(one) for one in asked] == [QueryNextImageRequest] * (ASKS_MAX - 1) + [ImageNotify]


def test_one_that_only_came_to_ask_goes_with_the_answer() -> None:
    visit = Visit(lambda _: Handheld(CHF), Side.SERVER)
    visit.from_hub(REFUSED)
    assert visit.done
    assert visit.from_device(QueryNextImageRequest(*NAME)) == []


def test_the_device_is_served_like_by_a_hub_and_told_to_activate_at_once(visit: Visit) -> None:
    offering(visit)
    assert visit.from_device(QueryNextImageRequest(0x121D, 0x0084, OLD)) == [
        QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(IMAGE))
    ]
    assert visit.from_device(ImageBlockRequest(*NAME, 200, 50)) == [
        ImageBlockResponse(OtaStatus.SUCCESS, *NAME, 200, IMAGE[200:])
    ]
    page = visit.from_device(ImagePageRequest(*NAME, 0, 50, 230, 0))
    assert b"".join(block.data for block in page) == IMAGE
    end = UpgradeEndRequest(OtaStatus.SUCCESS, *NAME)
    assert visit.from_device(end) == [UpgradeEndResponse(*NAME, 0, 0)]
    assert visit.from_device(end) == [UpgradeEndResponse(*NAME, 0, 0)]  # whose answer was lost
    visit.tick()
    assert visit.done


@pytest.mark.parametrize(("offset", "octets"), [(230, 50), (0xFFFF_FFFF, 50), (0, 0)])
def test_what_is_not_in_the_file_is_not_given(visit: Visit, offset: int, octets: int) -> None:
    offering(visit)
    malformed = [ImageBlockResponse(OtaStatus.MALFORMED_COMMAND)]
    assert visit.from_device(ImageBlockRequest(*NAME, offset, octets)) == malformed


def test_a_device_that_refuses_the_image_is_left_alone(visit: Visit) -> None:
    offering(visit)
    visit.from_device(QueryNextImageRequest(0x121D, 0x0084, OLD))
    said = visit.from_device(UpgradeEndRequest(OtaStatus.INVALID_IMAGE, *NAME))
    assert said == [ImageBlockResponse(OtaStatus.ABORT)]
    visit.tick()
    assert visit.done


def test_nobody_but_hub_and_device_is_heard(visit: Visit) -> None:
    offering(visit)
    assert visit.from_device(QueryNextImageRequest(*NAME), STRANGER) == []
    assert visit.do(visit.node.on_frame(PPMID, 0x0019, b"noise", visit.now))[0].kind == "frame_refused"


def test_a_device_that_never_asks_is_given_up(visit: Visit) -> None:
    offering(visit)
    for _ in range(OFFERS_MAX):
        assert not visit.done
        visit.tick()
    assert visit.done


def test_a_device_that_falls_silent_is_given_up(visit: Visit) -> None:
    offering(visit)
    visit.from_device(QueryNextImageRequest(0x121D, 0x0084, OLD))
    visit.tick()
    assert visit.done


def test_no_visit_lasts_for_ever(visit: Visit) -> None:
    began = offering(visit).now
    while not visit.done:
        visit.from_device(QueryNextImageRequest(0x121D, 0x0084, OLD))
        visit.wake(60_000)
        assert visit.now <= began + VISIT_MS + 60_000


def test_a_file_without_a_header_is_no_image() -> None:
    with pytest.raises(ImageMalformed):
        Handheld(CHF, b"?", PPMID)
