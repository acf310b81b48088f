"""8.13: what a device answered to a command that its User brought to it, is believed and handed in once."""

from dataclasses import replace
from typing import Any

import pytest

from hanota.base.instant import HOUR, Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.commands import CANCEL_TIME
from hanota.model.reasons import RequestReason
from hanota.process.services.commands import LOCAL_ANSWER_MS
from hanota.records.store import schema as t
from hanota.wire import duis, gbcs
from helpers.asking import (
    activate,
    activation,
    answer_to,
    command,
    content,
    dated,
    dated_alert,
    hand_back,
    handed_in,
    hear,
    read_version,
    receipt_alert,
    supplier_key,
    told,
)
from helpers.premises import NEW, NOW
from helpers.world import ESME, SUPPLIER_2, Bench, signed

LATER = Instant(NOW + 5 * HOUR)


def local(bench: Bench, **more: Any) -> tuple[duis.ReadFirmwareVersion, bytes]:
    """A read that a User took along, and the device's answer to it."""
    asked = read_version(variant=2, **more)
    return asked, answer_to(content(bench.submit(asked)).octets)


@pytest.mark.parametrize("named", [False, True])
def test_what_the_device_answered_is_handed_in(named: bool) -> None:
    bench = Bench()
    asked, back = local(bench)
    answer = bench.submit(handed_in(back, asked.header.request_id if named else None))
    assert (answer.code, content(answer)) == (ResponseCode.I0, None)
    assert (command(bench).state, command(bench).answer) == ("ANSWERED", back)
    assert bench.device().version == NEW
    assert told(bench) == []  # he has it already


def test_a_local_activation_is_handed_in() -> None:
    bench = Bench()
    _, answer = activate(bench, variant=6)
    back = answer_to(content(answer).octets)
    assert bench.submit(handed_in(back)).code is ResponseCode.I0
    assert command(bench).state == "ANSWERED"
    assert bench.device(ESME).version == NEW


def test_the_same_handing_in_again_gets_the_same_answer_and_another_is_refused() -> None:
    bench = Bench()
    _, back = local(bench)
    octets = signed(handed_in(back))
    first = bench.submit(octets)
    assert bench.submit(octets) == first
    assert bench.submit(handed_in(back)).code is ResponseCode.E081302
    assert bench.rows(t.request)[-1].reason == RequestReason.RETURNED_WITHOUT_COMMAND


def test_what_was_handed_in_is_told_to_nobody_when_the_hub_sends_it_too() -> None:
    bench = Bench()
    _, back = local(bench)
    bench.submit(handed_in(back))
    hear(bench, back)
    assert told(bench) == []


def test_only_the_user_who_asked_hands_in_and_only_under_the_request_that_he_sent() -> None:
    bench = Bench()
    asked, back = local(bench)
    other = replace(asked.header.request_id, counter=1)
    assert bench.submit(handed_in(back, sender=SUPPLIER_2)).code is ResponseCode.E081302
    assert bench.submit(handed_in(back, other)).code is ResponseCode.E081302
    assert command(bench).state == "HANDED_OVER"
    assert bench.device().version_origin == "declared"
    assert bench.submit(handed_in(back, asked.header.request_id)).code is ResponseCode.I0


def test_a_command_that_nobody_answers_is_given_up_without_a_word() -> None:
    bench = Bench()
    _, back = local(bench)
    bench.run(after_ms=LOCAL_ANSWER_MS - 1)
    assert command(bench).state == "HANDED_OVER"
    bench.run(after_ms=1)
    assert command(bench).state == "UNANSWERED"
    assert told(bench) == []
    assert bench.submit(handed_in(back)).code is ResponseCode.E081302


def local_activation(bench: Bench, execution: Instant) -> tuple[Any, bytes]:
    """An activation with a time in it that a User took along, and that the device accepted."""
    asked = activation(execution=execution)
    octets = content(bench.submit(asked, "T")).octets
    handed = hand_back(asked, gbcs.sign_pre_command(octets, supplier_key()), 6, execution=None)
    answer = bench.submit(handed)
    assert answer.code is ResponseCode.I0
    return asked, answer_to(content(answer).octets, gbcs.CommandAccepted())


def test_a_local_cancellation_ends_itself_and_what_it_cancels() -> None:
    bench = Bench()
    dated(bench, LATER)
    _, back = local_activation(bench, CANCEL_TIME)
    assert bench.submit(handed_in(back)).code is ResponseCode.I0
    assert [row.state for row in bench.rows(t.command)] == ["CANCELLED", "ANSWERED"]


def test_an_alert_is_no_answer_whatever_its_counter() -> None:
    bench = Bench()
    asked, answer = activate(bench, variant=6)
    counter = asked.header.request_id.counter
    for alert in (receipt_alert(NOW, number=counter), dated_alert(counter, NOW, number=counter)):
        assert bench.submit(handed_in(alert)).code is ResponseCode.E081302
    assert command(bench).state == "HANDED_OVER"
    assert bench.submit(handed_in(answer_to(content(answer).octets))).code is ResponseCode.I0
