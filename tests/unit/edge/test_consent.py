"""Consent on the premises side, hub and device together: what a consumer is asked, answers, and what comes of it."""

import pytest

from hanota.base.instant import DAY, HOUR, MINUTE, Instant
from hanota.base.vocabulary.devices import TransferResponseCode
from hanota.edge.hub.consent import TRIES_MAX
from hanota.model.policies import ConsentPolicy, Policies
from hanota.wan.inprocess import NetworkModel
from hanota.wire.wan import Cancel, ConsentAnswer, ConsentGiven, Uplink, open_uplink
from hanota.wire.zcl import Answer
from helpers.premises import CHF, NEW, OLD, PPMID, HanModel, KeyUsage, Premises, keys, ppmid_file

YES, LATER, NO = Answer.YES, Answer.LATER, Answer.NO
ASKED, ACCEPTED, DEFERRED, REFUSED, TOLD = ConsentAnswer
SUCCESS = TransferResponseCode.FILE_TRANSFER_SUCCESS
DISCARDED = TransferResponseCode.FIRMWARE_IMAGE_DISCARDED
IMAGE = ppmid_file(600)


class Home(Premises):
    """A home whose consumer is asked about the image of order 1."""

    given: list[ConsentGiven]

    def _take(self, uplink: Uplink) -> None:
        self.given = getattr(self, "given", [])
        report = open_uplink(uplink, keys().certificate(uplink.hub, KeyUsage.DIGITAL_SIGNATURE).public_key)
        if isinstance(report, ConsentGiven):
            self.given.append(report)
        else:
            super()._take(uplink)

    @property
    def answers(self) -> list[ConsentAnswer]:
        return [given.answer for given in getattr(self, "given", [])]

    @property
    def question(self):
        showing = self.estate.showing(PPMID)
        question = showing.question if showing is not None and showing.on else None
        return question if question is not None and question.state == "SHOWN" else None

    @property
    def buttons(self) -> tuple[Answer, ...]:
        return self.question.buttons if self.question is not None else ()

    @property
    def version(self) -> int | None:
        showing = self.estate.showing(PPMID)
        return showing.version if showing is not None else None

    @property
    def results(self) -> list[TransferResponseCode]:
        return [alert.result for alert in self.transfers]

    def press(self, answer: Answer) -> None:
        self.estate.press(PPMID, answer, self.now)

    def until_asked(self, limit_ms: int = 2 * HOUR) -> "Home":
        self.run(lambda: self.question is not None, limit_ms)
        return self.wait(5_000)

    def wait(self, ms: int) -> "Home":
        """Let so much time pass, to the millisecond."""
        end = Instant(self.now + ms)
        while True:
            due = self.estate.advance(self.now)
            self._serve()
            dues = [at for at in (due, self.wan.next_due()) if at is not None and at <= end]
            if not dues:
                self.now = end
                return self
            self.now = max(self.now, min(dues))


def home(mode: str, **facts: object) -> Home:
    consent = ConsentPolicy(mode=mode, **facts.pop("consent", {}))
    found = Home(policies=Policies(consent=consent), **facts)
    found.send_order(found.order(IMAGE))
    return found


@pytest.mark.parametrize(("mode", "buttons"), [("may_defer", (YES, LATER)), ("may_refuse", (YES, LATER, NO))])
def test_the_question_names_the_version_and_offers_what_the_policy_allows(mode: str, buttons: tuple) -> None:
    asked = home(mode).until_asked()
    assert "00020000" in asked.question.text
    assert asked.buttons == buttons
    assert asked.wait(MINUTE).answers == [ASKED]
    assert asked.results == [SUCCESS]
    assert asked.version == OLD


def test_under_none_nobody_is_asked() -> None:
    plain = home("none")
    plain.run(lambda: plain.version == NEW, HOUR)
    assert plain.answers == []


def test_under_notify_the_consumer_is_told_and_the_image_runs_at_once() -> None:
    told = home("notify")
    told.run(lambda: told.version == NEW, HOUR)
    told.wait(HOUR)
    assert told.answers == [TOLD]
    assert "00020000" in told.estate.showing(PPMID).notice.text
    assert told.results == [SUCCESS]


def test_yes_installs_at_once() -> None:
    asked = home("may_refuse").until_asked()
    asked.press(YES)
    asked.run(lambda: asked.version == NEW, MINUTE)
    assert asked.wait(HOUR).answers == [ASKED, ACCEPTED]
    assert asked.results == [SUCCESS]
    assert asked.estate.showing(PPMID).tried.worked
    assert asked.question is None


def test_later_asks_again_when_its_time_is_over() -> None:
    asked = home("may_refuse").until_asked()
    first = asked.question.message
    asked.press(LATER)
    asked.wait(MINUTE)
    assert asked.answers == [ASKED, DEFERRED]
    assert DAY - 2 * MINUTE < asked.given[1].until - asked.now < DAY
    assert asked.question is None
    asked.until_asked(2 * DAY)
    assert asked.question.message > first
    assert asked.wait(MINUTE).answers == [ASKED, DEFERRED, ASKED]
    assert asked.version == OLD


def test_after_the_last_putting_off_may_defer_installs() -> None:
    asked = home("may_defer", consent={"defers_max": 2})
    for _ in range(2):
        asked.until_asked(2 * DAY)
        assert LATER in asked.buttons
        asked.press(LATER)
        asked.wait(MINUTE)
    asked.run(lambda: asked.version == NEW, 2 * DAY)
    assert asked.wait(HOUR).answers == [ASKED, DEFERRED, ASKED, DEFERRED, TOLD]


def test_after_the_last_putting_off_may_refuse_asks_yes_or_no() -> None:
    asked = home("may_refuse", consent={"defers_max": 1}).until_asked()
    asked.press(LATER)
    asked.wait(MINUTE)
    assert asked.until_asked(2 * DAY).buttons == (YES, NO)
    asked.press(LATER)
    assert asked.question is not None
    asked.wait(20 * DAY)
    assert (asked.version, asked.buttons) == (OLD, (YES, NO))


def test_silence_under_may_defer_installs_after_all_rounds() -> None:
    asked = home("may_defer", consent={"defers_max": 2, "defer_ms": HOUR}).until_asked()
    asked.wait(3 * HOUR - MINUTE)
    assert asked.version == OLD
    asked.run(lambda: asked.version == NEW, HOUR)
    assert asked.wait(HOUR).answers == [ASKED, TOLD]


def test_no_drops_the_image_and_ends_the_order_as_discarded() -> None:
    asked = home("may_refuse").until_asked()
    asked.press(NO)
    asked.wait(MINUTE)
    assert asked.answers == [ASKED, REFUSED]
    assert asked.given[1].until > asked.now + 364 * DAY
    assert asked.results == [SUCCESS, DISCARDED]
    assert asked.estate.showing(PPMID).client == "IDLE"
    assert asked.estate.node(PPMID).banks.held is None
    assert asked.wait(DAY).version == OLD


def test_a_refusal_is_told_before_the_discarding_however_long_the_head_end_is_silent() -> None:
    asked = home("may_refuse").until_asked()
    asked.wait(MINUTE)
    asked.acknowledging = False
    asked.press(NO)
    asked.wait(2 * HOUR)
    assert asked.results == [SUCCESS]
    assert asked.estate.node(PPMID).banks.held is None
    asked.acknowledging = True
    asked.wait(2 * HOUR)
    assert asked.results == [SUCCESS, DISCARDED]


def test_no_is_not_taken_where_the_policy_does_not_offer_it() -> None:
    asked = home("may_defer").until_asked()
    asked.press(NO)
    assert asked.wait(MINUTE).answers == [ASKED]
    assert asked.buttons == (YES, LATER)


def test_a_cancelled_order_takes_question_and_image_away() -> None:
    asked = home("may_refuse").until_asked()
    asked.send_order(Cancel(order=1, sent=asked.now))
    asked.wait(MINUTE)
    assert asked.question is None
    assert asked.estate.node(PPMID).banks.held is None
    assert asked.results == [SUCCESS]
    asked.send_order(asked.order(IMAGE, 2))
    asked.until_asked()


def test_the_slot_is_free_while_the_consumer_thinks() -> None:
    asked = home("may_refuse").until_asked()
    hub = asked.estate.node(CHF)
    assert all(slot.empty for slot in hub._book.slots.values())


@pytest.mark.parametrize("answer", [YES, LATER, NO])
@pytest.mark.parametrize("seed", range(6))
def test_loss_and_restarts_change_nothing_but_the_time(answer: Answer, seed: int) -> None:
    air = HanModel(loss=0.3, duplication=0.2)
    asked = home("may_refuse", han=air, wan_model=NetworkModel(loss=0.2), seed=seed)
    again = asked.now
    while asked.question is None:
        if asked.now >= again and not asked.receipts:
            asked.send_order(asked.order(IMAGE))
            again = Instant(asked.now + 10 * MINUTE)
        if not asked.step():
            asked.now = again
    asked.estate.reboot(CHF, asked.now)
    asked.estate.reboot(PPMID, asked.now)
    asked.until_asked()
    asked.press(answer)
    asked.estate.reboot(CHF, asked.now)
    asked.estate.reboot(PPMID, asked.now)
    asked.wait(12 * HOUR)
    ends = {YES: (ACCEPTED, NEW), LATER: (DEFERRED, OLD), NO: (REFUSED, OLD)}
    assert set(asked.answers) == {ASKED, ends[answer][0]}
    assert asked.version == ends[answer][1]
    assert asked.question is None
    assert sorted(asked.results) == sorted([SUCCESS, DISCARDED] if answer is NO else [SUCCESS])


def test_a_device_that_missed_every_word_of_the_outcome_asks_within_the_hour() -> None:
    asked = home("may_refuse").until_asked()
    asked.press(YES)
    asked.run(lambda: ACCEPTED in asked.answers, MINUTE)
    asked.estate.reboot(PPMID, asked.now, off_ms=3 * HOUR * TRIES_MAX)
    asked.run(lambda: asked.version == NEW, 30 * HOUR)
