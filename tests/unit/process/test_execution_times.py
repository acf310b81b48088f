"""When a command is to be carried out: what times are taken, which one a device holds, and in what order all comes."""

from dataclasses import replace
from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, MINUTE, Instant, parse_iso
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.commands import CANCEL_TIME
from hanota.model.policies import CommandPolicy, Policies
from hanota.model.reasons import RequestReason
from hanota.process.acceptance import Answer
from hanota.process.report import response_id_of
from hanota.records.store import schema as t
from hanota.wire import duis, gbcs
from helpers.asking import (
    activate,
    activation,
    answer_to,
    content,
    dated,
    dated_alert,
    hand_back,
    handed_in,
    hear,
    kinds,
    pre_command,
    read_version,
    sent,
    supplier_key,
    told,
)
from helpers.premises import NOW
from helpers.world import ESME, HCALCS, SUPPLIER_1, Bench

DEADLINE = Policies().command.deadline_ms
HORIZON = Policies().command.horizon_days * DAY
SOON, LATER = Instant(NOW + 2 * HOUR), Instant(NOW + 5 * HOUR)


def handed(
    bench: Bench, variant: int, *, inside: Instant | None, asked_for: Instant | None = None, **more: Any
) -> Answer:
    """Send a Signed Pre-Command: `inside` is the time in the command itself, `asked_for` that of the request."""
    asked = activation(execution=asked_for, **more)
    octets = gbcs.sign_pre_command(pre_command(asked, execution=inside), supplier_key())
    return bench.submit(hand_back(asked, octets, variant), duis.WEB_SERVICES[variant])


def reason(bench: Bench) -> str:
    return str(bench.rows(t.request)[-1].reason)


def states(bench: Bench) -> list[str]:
    return [row.state for row in bench.rows(t.command)]


def leave(bench: Bench, at: Instant | None, device: Eui64 = ESME) -> tuple[int, bytes]:
    """Send an activation for a time on its way. Gives its counter and the command that the hub gets."""
    asked, answer = activate(bench, device, execution=at)
    assert answer.code is ResponseCode.I99
    (down,) = sent(bench.run())
    return asked.header.request_id.counter, down.data


def accepted(command: bytes) -> bytes:
    return answer_to(command, gbcs.CommandAccepted())


# --- times that are taken ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [5, 6, 7])
def test_a_command_that_says_itself_when_is_too_late_is_refused(variant: int) -> None:
    bench = Bench()
    assert handed(bench, variant, inside=parse_iso("2020-01-15T09:00:00Z")).code is ResponseCode.E13
    assert bench.rows(t.command) == []


@pytest.mark.parametrize("variant", [6, 7])
def test_a_command_that_its_user_brings_says_no_time_itself(variant: int) -> None:
    bench = Bench()
    assert handed(bench, variant, inside=SOON).code is ResponseCode.E13
    assert reason(bench) == RequestReason.TIME_NOT_TAKEN


@pytest.mark.parametrize(("variant", "code"), [(5, "I99"), (6, "I0"), (7, "I99")])
def test_a_command_that_cancels_has_no_time_of_its_own(variant: int, code: str) -> None:
    assert handed(Bench(), variant, inside=gbcs.CANCELLED_AT).code.value == code


def test_a_command_may_say_a_time_that_its_request_leaves_out_and_waits_for_that() -> None:
    bench = Bench()
    assert handed(bench, 5, inside=SOON).code is ResponseCode.I99
    (down,) = sent(bench.run())
    hear(bench, accepted(down.data))
    row = bench.row(t.command)
    assert (row.state, row.execute_at, row.deadline) == ("DATED", SOON, SOON + DEADLINE)


@pytest.mark.parametrize("ahead", [HORIZON, HORIZON + 1000])
def test_a_time_beyond_the_horizon_is_refused_wherever_it_stands(ahead: int) -> None:
    at, bench = Instant(NOW + ahead), Bench()
    near = ahead <= HORIZON
    found = [
        bench.submit(read_version(execution=at), "S"),
        bench.submit(activation(execution=at), "T"),
        handed(bench, 5, inside=at, asked_for=at),
        handed(bench, 5, inside=at),
    ]
    assert [answer.code.value for answer in found] == (["I99", "I0", "I99", "I99"] if near else ["E13"] * 4)
    assert near or reason(bench) == RequestReason.TIME_TOO_FAR


def test_the_horizon_is_a_policy() -> None:
    bench = Bench(Policies(command=CommandPolicy(horizon_days=1)))
    assert bench.submit(read_version(execution=Instant(NOW + DAY)), "S").code is ResponseCode.I99
    assert bench.submit(read_version(execution=Instant(NOW + DAY + 1)), "S").code is ResponseCode.E13


def test_the_time_that_cancels_is_beyond_no_horizon() -> None:
    bench = Bench(Policies(command=CommandPolicy(horizon_days=1)))
    bench.submit(read_version(execution=SOON), "S")
    assert bench.submit(read_version(execution=CANCEL_TIME), "S").code is ResponseCode.I0
    assert handed(bench, 5, inside=gbcs.CANCELLED_AT, asked_for=CANCEL_TIME).code is ResponseCode.I99


@pytest.mark.parametrize("at", ["9999-12-31T23:59:58Z", "9998-01-15T09:00:00Z", "2999-12-31T23:59:59Z"])
def test_no_command_waits_beyond_what_a_clock_can_show(at: str) -> None:
    bench = Bench(Policies(command=CommandPolicy(horizon_days=36_500)))
    assert handed(bench, 5, inside=parse_iso(at)).code is ResponseCode.E13
    assert bench.submit(read_version(execution=parse_iso(at)), "S").code is ResponseCode.E13


# --- what else a Signed Pre-Command may say ----------------------------------------------------------------------


@pytest.mark.parametrize("variant", [5, 6, 7])
@pytest.mark.parametrize(
    "more",
    [
        {"supplementary_party": SUPPLIER_1},
        {"supplementary_party": SUPPLIER_1, "supplementary_counter": 1},
        {"supplementary_party": SUPPLIER_1, "supplementary_counter": 1, "supplementary_rest": bytes(65_400)},
        {"date_time": bytes(12)},
    ],
    ids=["party", "counter", "rest", "date-time"],
)
def test_a_pre_command_says_nothing_that_the_transform_did_not(variant: int, more: dict[str, Any]) -> None:
    bench, asked = Bench(), activation()
    plain = gbcs.read_message(pre_command(asked))
    longer = gbcs.sign_message(replace(plain, header=replace(plain.header, **more)), supplier_key().key)
    answer = bench.submit(hand_back(asked, gbcs.write_message(longer), variant), duis.WEB_SERVICES[variant])
    assert (answer.code, reason(bench)) == (ResponseCode.E61, RequestReason.PRE_COMMAND_OF_ANOTHER)


# --- what overtakes what -----------------------------------------------------------------------------------------


def test_a_response_that_its_own_dated_alert_overtook_is_told_all_the_same_and_once() -> None:
    bench = Bench()
    counter, down = leave(bench, SOON)
    bench.now = SOON
    alert = dated_alert(counter, SOON)
    hear(bench, alert)
    for _ in range(3):
        hear(bench, accepted(down), alert)
    assert states(bench) == ["ANSWERED"]
    assert kinds(bench) == ["DatedAlert", "Response"]
    response = told(bench)[-1]
    assert response.request_id is not None
    assert response.response_id == response_id_of(response.request_id)
    assert response.body.content == duis.GbcsPayload(octets=accepted(down))
    bench.run(after_ms=10 * DAY)
    assert kinds(bench) == ["DatedAlert", "Response"]


def test_a_response_that_comes_after_its_command_was_given_up_is_not_told() -> None:
    bench = Bench()
    _, down = leave(bench, None)
    bench.run(after_ms=DEADLINE)
    hear(bench, answer_to(down))
    assert (states(bench), kinds(bench)) == (["UNANSWERED"], ["Response"])


def test_a_cancellation_that_its_user_handed_in_is_not_told_to_him_when_the_hub_sends_it_too() -> None:
    bench, asked = Bench(), activation()
    octets = gbcs.sign_pre_command(pre_command(asked, execution=gbcs.CANCELLED_AT), supplier_key())
    answer = bench.submit(hand_back(asked, octets, 6))
    taken = accepted(content(answer).octets)
    assert bench.submit(handed_in(taken)).code is ResponseCode.I0
    assert states(bench) == ["ANSWERED"]
    hear(bench, taken)
    assert kinds(bench) == []


# --- one at a time -----------------------------------------------------------------------------------------------


def test_a_dated_command_that_another_replaced_is_not_reported_as_failed() -> None:
    bench = Bench()
    dated(bench, SOON)
    later = dated(bench, LATER)
    assert states(bench) == ["CANCELLED", "DATED"]
    bench.run(after_ms=LATER - bench.now)
    hear(bench, dated_alert(later.header.request_id.counter, LATER))
    bench.run(after_ms=10 * DAY)
    assert states(bench) == ["CANCELLED", "ANSWERED"]
    assert kinds(bench) == ["Response", "Response", "DatedAlert"]  # no CommandFailed (N53)


def test_a_dated_command_is_replaced_by_one_of_the_same_device_alone() -> None:
    bench = Bench()
    dated(bench, SOON)
    _, down = leave(bench, LATER, HCALCS)
    hear(bench, accepted(down))
    assert states(bench) == ["DATED", "DATED"]


def test_a_command_to_act_at_once_replaces_no_dated_one() -> None:
    bench = Bench()
    dated(bench, SOON)
    _, down = leave(bench, None)
    hear(bench, answer_to(down))
    assert states(bench) == ["DATED", "ANSWERED"]


def test_a_command_that_its_device_did_not_take_yet_replaces_nothing() -> None:
    bench = Bench()
    dated(bench, SOON)
    leave(bench, LATER)
    assert states(bench) == ["DATED", "SENT"]


@pytest.mark.parametrize("cancels", [False, True])
def test_answers_that_come_in_the_wrong_order_leave_the_command_that_the_device_took_last(cancels: bool) -> None:
    bench = Bench()
    _, first = leave(bench, SOON)
    if cancels:
        asked = activation(execution=CANCEL_TIME)
        octets = gbcs.sign_pre_command(pre_command(asked, execution=gbcs.CANCELLED_AT), supplier_key())
        bench.submit(hand_back(asked, octets), "S")
        (down,) = [frame for frame in sent(bench.run()) if frame.data != first]
        counter, second = asked.header.request_id.counter, down.data
    else:
        counter, second = leave(bench, LATER)
    hear(bench, accepted(second))
    hear(bench, accepted(first))
    assert states(bench) == (["CANCELLED", "ANSWERED"] if cancels else ["CANCELLED", "DATED"])
    assert kinds(bench) == ["Response", "Response"]
    if not cancels:
        hear(bench, dated_alert(counter, LATER))
    bench.run(after_ms=10 * DAY)
    assert "CommandFailed" not in kinds(bench)


def test_a_command_whose_alert_overtook_its_response_has_replaced_the_one_before() -> None:
    bench = Bench()
    dated(bench, LATER)
    counter, down = leave(bench, SOON)
    bench.run(after_ms=SOON - bench.now + MINUTE)
    hear(bench, dated_alert(counter, SOON))
    hear(bench, accepted(down))
    assert states(bench) == ["CANCELLED", "ANSWERED"]
    bench.run(after_ms=10 * DAY)
    assert kinds(bench) == ["Response", "DatedAlert", "Response"]
