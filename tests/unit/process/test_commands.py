"""11.2 and 11.3 from the request to the device's answer."""

from typing import Any

import pytest

from hanota.base.instant import DAY, HOUR, SECOND, Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.commands import CANCEL_TIME
from hanota.model.policies import Policies
from hanota.model.reasons import RequestReason
from hanota.process.report import response_id_of
from hanota.records.ledger import verify
from hanota.records.store import schema as t
from hanota.wire import duis, gbcs
from helpers.asking import (
    GPF,
    activate,
    activation,
    answer_to,
    command,
    content,
    dated,
    dated_alert,
    hand_back,
    hear,
    kinds,
    pre_command,
    read_version,
    sent,
    supplier_key,
    told,
)
from helpers.premises import DCC, NEW, NOW
from helpers.world import (
    ESME,
    GSME,
    HCALCS,
    HUB,
    PPMID,
    READER,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    signed,
)

pytestmark = pytest.mark.usefixtures("each_store")

POLICIES = Policies().command
RETRY, DEADLINE = POLICIES.retry_ms, POLICIES.deadline_ms
LATER = Instant(NOW + 5 * HOUR)


def reason(bench: Bench) -> Any:
    return bench.rows(t.request)[-1].reason


# --- 11.2 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "code"),
    [(PPMID, 0x0129), (HCALCS, 0x0129), (ESME, 0x0059), (HUB, 0x0059), (GPF, 0x0084)],
    ids=["PPMID", "HCALCS", "ESME", "CHF", "GPF"],
)
def test_a_read_is_acknowledged_then_sent_then_answered(device: Any, code: int) -> None:
    bench, asked = Bench(), read_version(device)
    answer = bench.submit(asked, "S")
    assert (answer.code, content(answer)) == (ResponseCode.I99, None)
    assert bench.rows(t.outbox) == []  # nothing leaves before the answer is durable
    (down,) = sent(bench.run())
    found = gbcs.read_message(down.data).header
    assert (down.device, found.recipient, found.originator) == (device, device, DCC)
    assert (int(found.message_code), found.counter) == (code, down.message)
    assert (found.supplementary_party, found.supplementary_counter) == (SUPPLIER_1, asked.header.request_id.counter)
    back = answer_to(down.data)
    hear(bench, back)
    (response,) = told(bench)
    assert (response.code, response.request_id) == (ResponseCode.I0, asked.header.request_id)
    assert response.response_id == response_id_of(asked.header.request_id)
    assert response.body.content == duis.GbcsPayload(octets=back)
    assert (command(bench).state, command(bench).answer) == ("ANSWERED", back)
    assert (command(bench).due, command(bench).deadline) == (None, None)
    assert bench.device(device).version == NEW  # R5: the inventory follows what devices report


def test_a_read_for_local_delivery_is_answered_with_the_command_and_nothing_is_sent() -> None:
    bench, asked = Bench(), read_version(variant=2)
    answer = bench.submit(asked)
    assert answer.code is ResponseCode.I0
    octets = content(answer).octets
    assert gbcs.read_message(octets).header.recipient == PPMID
    assert sent(bench.run(after_ms=DAY)) == []
    assert command(bench).state == "HANDED_OVER"
    assert told(bench) == []


def test_a_read_for_both_ways_is_one_command_that_leaves_under_the_same_counter() -> None:
    bench = Bench()
    answer = bench.submit(read_version(variant=3), "S")
    assert answer.code is ResponseCode.I99
    (down,) = sent(bench.run())
    assert gbcs.read_message(down.data).header.counter == gbcs.read_message(content(answer).octets).header.counter
    hear(bench, answer_to(content(answer).octets))
    assert command(bench).state == "ANSWERED"
    assert kinds(bench) == ["Response"]


def test_a_read_for_a_time_to_come_is_sent_then_and_may_be_called_off_before() -> None:
    bench = Bench()
    assert bench.submit(read_version(execution=LATER), "S").code is ResponseCode.I99
    assert bench.submit(read_version(execution=LATER), "S").code is ResponseCode.I99
    assert sent(bench.run(after_ms=LATER - NOW - 1)) == []
    assert bench.next_due() == LATER
    answer = bench.submit(read_version(execution=CANCEL_TIME), "S")
    assert answer.code is ResponseCode.I0
    assert [row.state for row in bench.rows(t.command)] == ["CANCELLED", "CANCELLED"]
    assert sent(bench.run(after_ms=DAY)) == []
    assert bench.submit(read_version(execution=CANCEL_TIME), "S").code is ResponseCode.E13


def test_a_read_whose_time_has_come_is_sent() -> None:
    bench = Bench()
    bench.submit(read_version(execution=LATER), "S")
    (down,) = sent(bench.run(after_ms=LATER - NOW))
    hear(bench, answer_to(down.data))
    assert command(bench).state == "ANSWERED"


def test_calling_off_reaches_nobody_elses_reads_and_none_that_has_no_time() -> None:
    bench = Bench()
    bench.submit(read_version(execution=LATER, sender=SUPPLIER_2), "S")
    bench.submit(read_version(HCALCS, execution=LATER), "S")
    bench.submit(read_version(), "S")
    assert bench.submit(read_version(execution=CANCEL_TIME), "S").code is ResponseCode.E13
    assert {row.state for row in bench.rows(t.command)} == {"WAITING"}


def test_whoever_supplies_nothing_may_read_any_device() -> None:
    assert Bench().submit(read_version(sender=READER), "S").code is ResponseCode.I99
    assert Bench().submit(read_version(sender=STRANGER), "S").code is ResponseCode.E2


# --- 11.3 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", [None, LATER, CANCEL_TIME], ids=["now", "later", "cancelled"])
def test_the_transform_service_gives_the_pre_command_and_keeps_no_command(execution: Any) -> None:
    bench, asked = Bench(), activation(execution=execution)
    answer = bench.submit(asked, "T")
    assert answer.code is ResponseCode.I0
    found = content(answer)
    assert isinstance(found, duis.PreCommand)
    cancels = execution == CANCEL_TIME
    assert found.octets == pre_command(asked, execution=gbcs.CANCELLED_AT if cancels else execution)
    assert found.gbcs_version == "4.3"
    assert bench.rows(t.command) == []


@pytest.mark.parametrize(("device", "sender"), [(ESME, SUPPLIER_1), (GSME, SUPPLIER_2), (HCALCS, SUPPLIER_1)])
def test_an_activation_goes_out_sealed_and_its_answer_comes_back(device: Any, sender: Any) -> None:
    bench = Bench()
    asked, answer = activate(bench, device, sender=sender)
    assert (answer.code, content(answer)) == (ResponseCode.I99, None)
    (down,) = sent(bench.run())
    message, carried = gbcs.read_message(down.data), gbcs.read_message(asked.gbcs)
    assert (message.header, message.payload, message.signature) == (carried.header, carried.payload, carried.signature)
    assert message.mac is not None
    back = answer_to(down.data)
    hear(bench, back)
    (response,) = told(bench, sender)
    assert response.body.content == duis.GbcsPayload(octets=back)
    assert response.response_id == response_id_of(asked.header.request_id)
    assert command(bench).state == "ANSWERED"


def test_an_activation_for_local_delivery_is_answered_with_the_sealed_command() -> None:
    bench = Bench()
    asked, answer = activate(bench, variant=6)
    assert answer.code is ResponseCode.I0
    assert gbcs.read_message(content(answer).octets).payload == gbcs.read_message(asked.gbcs).payload
    assert sent(bench.run(after_ms=DAY)) == []


def test_an_activation_for_both_ways_is_answered_with_it_and_sent() -> None:
    bench = Bench()
    _, answer = activate(bench, variant=7)
    assert answer.code is ResponseCode.I99
    (down,) = sent(bench.run())
    assert down.data == content(answer).octets


def test_a_dated_activation_is_kept_by_the_device_and_ends_with_its_alert() -> None:
    bench = Bench()
    asked = dated(bench, LATER)
    assert (command(bench).state, command(bench).deadline) == ("DATED", LATER + DEADLINE)
    alert = dated_alert(asked.header.request_id.counter, LATER)
    bench.run(after_ms=LATER - NOW)
    hear(bench, alert)
    assert command(bench).state == "ANSWERED"
    first, second = told(bench)
    assert first.response_id == response_id_of(asked.header.request_id)
    assert second.response_id != first.response_id
    assert second.request_id == asked.header.request_id
    assert isinstance(second.body.content, duis.FutureDatedDeviceAlert)
    assert (second.body.content.octets, int(second.body.content.alert_code)) == (alert, 0x8F66)
    assert kinds(bench) == ["Response", "DatedAlert"]


def test_a_dated_activation_whose_time_passed_in_silence_is_a_command_failure() -> None:
    bench = Bench()
    asked = dated(bench, LATER)
    bench.run(after_ms=LATER + DEADLINE - NOW - 1)
    assert command(bench).state == "DATED"
    bench.run(after_ms=1)
    assert command(bench).state == "UNANSWERED"
    alert = told(bench)[-1].body.alert
    assert (alert.request_id, alert.device) == (asked.header.request_id, ESME)
    assert kinds(bench) == ["Response", "CommandFailed"]
    bench.run(after_ms=DAY)
    assert kinds(bench) == ["Response", "CommandFailed"]


def test_a_cancellation_that_the_device_took_ends_the_dated_command_too() -> None:
    bench = Bench()
    dated(bench, LATER)
    asked, answer = activate(bench, execution=CANCEL_TIME)
    assert answer.code is ResponseCode.I99
    (down,) = sent(bench.run())
    assert gbcs.read_payload(gbcs.read_message(down.data)).execution == gbcs.CANCELLED_AT
    hear(bench, answer_to(down.data, gbcs.CommandAccepted()))
    assert [row.state for row in bench.rows(t.command)] == ["CANCELLED", "ANSWERED"]
    bench.run(after_ms=LATER + 2 * DEADLINE - NOW)
    assert kinds(bench) == ["Response", "Response"]
    assert told(bench)[-1].request_id == asked.header.request_id


def test_a_cancellation_reaches_only_what_the_same_user_dated_at_the_same_device() -> None:
    bench = Bench()
    dated(bench, LATER)
    _, answer = activate(bench, HCALCS, execution=CANCEL_TIME)
    assert answer.code is ResponseCode.I99
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data, gbcs.CommandAccepted()))
    assert command(bench, 1).state == "DATED"


def test_a_time_is_cut_to_whole_seconds() -> None:
    bench, at = Bench(), Instant(LATER + 789)
    asked = dated(bench, at)
    assert asked.execution == at
    assert command(bench).deadline == LATER - LATER % SECOND + DEADLINE


@pytest.mark.parametrize("variant", [5, 6, 7])
def test_the_same_octets_again_get_the_same_answer_and_nothing_twice(variant: int) -> None:
    bench = Bench()
    asked, answer = activate(bench, variant=variant)
    bench.run()
    again = bench.submit(asked, duis.WEB_SERVICES[variant])
    assert again == answer
    bench.run()
    assert len(bench.rows(t.command)) == 1
    assert len(bench.rows(t.outbox)) == (0 if variant == 6 else 1)


@pytest.mark.parametrize(("variant", "service"), [(1, "S"), (2, "D"), (3, "S")])
def test_the_same_read_again_gets_the_same_answer_and_nothing_twice(variant: int, service: str) -> None:
    bench, octets = Bench(), signed(read_version(variant=variant))
    answer = bench.submit(octets, service)
    bench.run(after_ms=1)
    assert bench.submit(octets, service) == answer
    bench.run()
    assert len(bench.rows(t.command)) == len(bench.rows(t.outbox)) == 1


def test_a_supplier_signs_with_any_certificate_in_force_and_only_while_it_is() -> None:
    bench = Bench()
    bench.now = Instant(NOW + 11 * 365 * DAY)
    asked = activation()
    octets = gbcs.sign_pre_command(pre_command(asked), supplier_key())
    bench.submit(hand_back(asked, octets), "S")
    assert reason(bench) == RequestReason.SIGNER_OUT_OF_DATE


@pytest.mark.parametrize("variant", [4, 5, 6, 7])
def test_a_device_that_its_hub_activates_takes_no_command_of_any_variant(variant: int) -> None:
    asked = activation(PPMID)
    octets = gbcs.sign_pre_command(pre_command(asked), supplier_key())
    request = asked if variant == 4 else hand_back(asked, octets, variant)
    bench = Bench()
    assert bench.submit(request, duis.WEB_SERVICES[variant]).code is ResponseCode.E4
    assert bench.rows(t.command) == []


def test_the_evidence_of_commands_is_whole() -> None:
    bench = Bench()
    dated(bench, LATER)
    activate(bench, HCALCS)
    bench.run(after_ms=10 * DAY)
    with bench.store.reading() as connection:
        assert verify(connection)
    found = [row.kind for row in bench.rows(t.event) if row.kind.startswith("command_")]
    assert found[:2] == ["command_sent", "command_date_accepted"]
    assert found[-1] == "command_deadline_passed"
