"""What a hub says of a consumer's answer, as it is read and kept."""

import pytest

from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.parties import KeyUsage
from hanota.model.returns import Return
from hanota.process.intake.frames import Told
from hanota.wire.wan import ConsentAnswer, ConsentGiven, sign_uplink, write_frame
from helpers.uplinks import HomeFacts, read_uplink_frame
from helpers.world import HUB, NOW, keys

FACTS = HomeFacts(
    certificate=lambda eui, usage: keys().certificate(eui, usage).certified_key,
    seals_hold=lambda seals: [False for _ in seals],
)
UNTIL = Instant(NOW + DAY)


def told(answer: int, until: int = UNTIL, order: int = 7) -> Told:
    report = ConsentGiven(order=order, answer=ConsentAnswer(answer), until=Instant(until))
    key = keys().credential(HUB, KeyUsage.DIGITAL_SIGNATURE).key
    found = read_uplink_frame(write_frame(sign_uplink(report, key, hub=HUB, event=3, sent=NOW)), FACTS)
    assert isinstance(found, Told)
    return found


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (ConsentAnswer.ASKED, "consent_asked"),
        (ConsentAnswer.ACCEPTED, "consent_given"),
        (ConsentAnswer.DEFERRED, "consent_deferred"),
        (ConsentAnswer.REFUSED, "consumer_refused"),
        (ConsentAnswer.TOLD, "consent_given"),
    ],
)
def test_each_answer_is_an_event_of_its_delivery(answer: ConsentAnswer, event: str) -> None:
    report = told(answer).report
    assert isinstance(report, Return)
    assert (report.event, report.delivery, report.reporter) == (event, 7, HUB)
    assert (report.result, report.until, report.at) == (int(answer), UNTIL, NOW)


def test_no_end_is_none() -> None:
    report = told(ConsentAnswer.ACCEPTED, until=0).report
    assert report is not None
    assert report.until is None


@pytest.mark.parametrize(("answer", "until", "order"), [(99, UNTIL, 7), (4, (1 << 64) - 1, 7), (4, UNTIL, 1 << 63)])
def test_what_can_mean_nothing_is_acknowledged_and_not_kept(answer: int, until: int, order: int) -> None:
    found = told(answer, until, order)
    assert found.report is None
    assert found.why
