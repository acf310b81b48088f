"""Commands on their way: sent again, given up, answered late or twice, over restarts; and what devices tell Users."""

from typing import Any

import pytest

from hanota.base.instant import DAY, HOUR, Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.policies import CommandPolicy, Policies
from hanota.process.report import response_id_of
from hanota.records.store import schema as t
from hanota.wire import duis, gbcs
from helpers.asking import (
    activate,
    answer_to,
    command,
    dated_alert,
    hear,
    kinds,
    read_version,
    receipt_alert,
    sent,
    told,
    update,
)
from helpers.premises import NEW, NOW, OLD
from helpers.world import ESME, HCALCS, HUB, HUB_2, PPMID, SUPPLIER_1, SUPPLIER_2, Bench

pytestmark = pytest.mark.usefixtures("each_store")

POLICIES = Policies().command
RETRY, DEADLINE = POLICIES.retry_ms, POLICIES.deadline_ms
LATER = Instant(NOW + 5 * HOUR)


def asked(device: Any = PPMID, **policy: Any) -> tuple[Bench, Any]:
    """A bench on which a read has left once, and the read."""
    bench = Bench(Policies(command=CommandPolicy(**policy))) if policy else Bench()
    request = read_version(device)
    assert bench.submit(request, "S").code is ResponseCode.I99
    bench.run()
    return bench, request


def counter_of(down: Any) -> int:
    return gbcs.read_message(down.data).header.counter


# --- again and again ---------------------------------------------------------------------------------------------


def test_a_read_without_answer_leaves_again_under_a_higher_counter_of_the_broker() -> None:
    bench, request = asked()
    downs = sent(bench)
    for _ in range(3):
        bench.run(after_ms=RETRY - 1)
        assert sent(bench) == []
        bench.run(after_ms=1)
        downs += sent(bench)
    counters = [counter_of(down) for down in downs]
    assert len(set(counters)) == 4
    assert counters == sorted(counters)
    users = {gbcs.read_message(down.data).header.supplementary_counter for down in downs}
    assert users == {request.header.request_id.counter}
    assert (command(bench).state, command(bench).tries) == ("SENT", 4)


def test_an_activation_leaves_again_as_the_very_same_octets() -> None:
    bench = Bench()
    activate(bench)
    first = sent(bench.run())
    again = sent(bench.run(after_ms=RETRY))
    assert [down.data for down in first] == [down.data for down in again]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_answer_to_any_of_them_is_the_answer(which: int) -> None:
    bench, _ = asked()
    downs = sent(bench)
    for _ in range(2):
        downs += sent(bench.run(after_ms=RETRY))
    hear(bench, answer_to(downs[which].data))
    assert command(bench).state == "ANSWERED"
    others = [answer_to(down.data) for down in downs]
    hear(bench, *others)
    assert kinds(bench) == ["Response"]
    assert sent(bench.run(after_ms=2 * DEADLINE)) == []


@pytest.mark.parametrize(
    ("device", "code"), [(ESME, ResponseCode.E21), (PPMID, ResponseCode.E31), (HCALCS, ResponseCode.E31)]
)
def test_a_user_hears_once_that_no_answer_came(device: Any, code: ResponseCode) -> None:
    bench, request = asked(device)
    bench.run(after_ms=DEADLINE - 1)
    assert told(bench) == []
    bench.run(after_ms=1)
    assert command(bench).state == "UNANSWERED"
    bench.run(after_ms=10 * DAY)
    (response,) = told(bench)
    assert (response.code, response.request_id) == (code, request.header.request_id)
    assert response.response_id == response_id_of(request.header.request_id)
    assert response.body.content is None


def test_an_answer_that_comes_late_changes_no_end_but_the_inventory() -> None:
    bench, _ = asked()
    (down,) = sent(bench)
    bench.run(after_ms=DEADLINE)
    hear(bench, answer_to(down.data))
    hear(bench, answer_to(down.data))
    assert command(bench).state == "UNANSWERED"
    assert kinds(bench) == ["Response"]
    assert bench.device().version == NEW  # what a device reports is so (R5)
    assert command(bench).answer is not None  # and what was acknowledged is kept, once (I7)
    assert [row.kind for row in bench.rows(t.event)].count("late_command_answered") == 1


def test_what_has_not_left_when_its_command_ends_does_not_leave() -> None:
    bench, _ = asked()
    bench.run(after_ms=DEADLINE)
    assert command(bench).state == "UNANSWERED"
    assert sent(bench) == []
    bench, _ = asked()
    (down,) = sent(bench)
    bench.run(after_ms=RETRY)  # the next one waits in the outbox
    hear(bench, answer_to(down.data))
    assert sent(bench) == []


def test_the_deadline_is_kept_where_it_is_shorter_than_the_pause() -> None:
    bench, _ = asked(retry_ms=HOUR, deadline_ms=2000)
    assert len(sent(bench)) == 1
    assert sent(bench.run(after_ms=2000)) == []
    assert command(bench).state == "UNANSWERED"


def test_a_command_waits_for_nobody_elses() -> None:
    bench = Bench()
    for device in (PPMID, ESME, HCALCS, HUB):
        bench.submit(read_version(device), "S")
    downs = sent(bench.run())
    assert [down.device for down in downs] == [PPMID, ESME, HCALCS, HUB]
    hear(bench, *[answer_to(down.data) for down in reversed(downs)])
    assert [row.state for row in bench.rows(t.command)] == ["ANSWERED"] * 4
    assert len(told(bench)) == 4


def test_a_device_that_is_deleted_leaves_no_command_open() -> None:
    bench = Bench()
    bench.change(t.device, {"status": "InstalledNotCommissioned"}, eui=PPMID.signed)
    bench.submit(read_version(), "S")
    sent(bench.run())
    assert bench.submit(update(PPMID, duis.DeleteDevice())).code is ResponseCode.I0
    bench.run(after_ms=RETRY)
    assert command(bench).state == "UNANSWERED"
    assert [response.code for response in told(bench)] == [ResponseCode.E31]
    assert sent(bench) == []
    assert [row.due for row in bench.rows(t.outbox)] == [None]


@pytest.mark.parametrize("after_ms", [0, RETRY])
def test_whoever_is_no_longer_responsible_commands_nothing_more(after_ms: int) -> None:  # I3
    bench, _ = asked() if after_ms else (Bench(), None)
    if not after_ms:
        bench.submit(read_version(), "S")
    sent(bench)
    bench.change(t.eligibility, {"until": bench.now}, party=SUPPLIER_1.signed)
    assert sent(bench.run(after_ms=after_ms)) == []
    assert command(bench).state == "REFUSED"
    assert [response.code for response in told(bench)] == [ResponseCode.E2]
    bench.run(after_ms=2 * DEADLINE)
    assert kinds(bench) == ["Response"]


def test_a_later_dated_activation_takes_the_place_of_the_one_before() -> None:
    bench = Bench()
    for at in (LATER, LATER + HOUR):
        activate(bench, execution=Instant(at))
        (down,) = sent(bench.run())
        hear(bench, answer_to(down.data, gbcs.CommandAccepted()))
    assert [row.state for row in bench.rows(t.command)] == ["CANCELLED", "DATED"]


# --- over restarts -----------------------------------------------------------------------------------------------


def test_a_restart_between_any_two_steps_changes_nothing() -> None:
    bench = Bench()
    asked_for, answer = activate(bench, execution=LATER)
    assert answer.code is ResponseCode.I99
    (down,) = sent(bench.restart().run())
    accepted = answer_to(down.data, gbcs.CommandAccepted())
    hear(bench.restart(), accepted)
    hear(bench.restart(), accepted)
    assert command(bench).state == "DATED"
    alert = dated_alert(asked_for.header.request_id.counter, LATER)
    bench.restart().run(after_ms=LATER - NOW)
    hear(bench, alert)
    hear(bench.restart(), alert)
    bench.restart().run(after_ms=10 * DAY)
    assert command(bench).state == "ANSWERED"
    assert kinds(bench) == ["Response", "DatedAlert"]
    assert bench.submit(asked_for, "S") == answer


# --- who is believed ---------------------------------------------------------------------------------------------


def test_an_answer_of_another_device_to_the_same_number_is_none() -> None:
    bench, _ = asked()
    (down,) = sent(bench)
    message = gbcs.read_message(down.data)
    from helpers.asking import ACB, DCC, KA, keys

    other = gbcs.read_version_command(
        device_type=bench.device(HCALCS).device_type,
        acb=keys().credential(DCC, KA, ACB),
        device=keys().certificate(HCALCS, KA),
        counter=message.header.counter,
        user=SUPPLIER_1,
        user_counter=1,
    )
    hear(bench, answer_to(other))
    assert command(bench).state == "SENT"
    assert told(bench) == []


def test_a_damaged_answer_is_none() -> None:
    bench, _ = asked()
    (down,) = sent(bench)
    octets = bytearray(answer_to(down.data))
    octets[-1] ^= 1
    hear(bench, bytes(octets))
    assert command(bench).state == "SENT"
    hear(bench, down.data)  # the command itself comes back
    assert command(bench).state == "SENT"
    assert bench.device().version == OLD


def test_an_answer_may_come_by_another_hub() -> None:
    bench, _ = asked()
    (down,) = sent(bench)
    hear(bench, answer_to(down.data), hub=HUB_2)  # its own mark says whose it is
    assert command(bench).state == "ANSWERED"


# --- what devices say by themselves ------------------------------------------------------------------------------


def test_an_alert_goes_to_its_addressee_alone_and_once() -> None:
    bench, alert = Bench(), receipt_alert(NOW)
    hear(bench, alert)
    hear(bench, alert)
    hear(bench.restart(), alert, hub=HUB_2)
    (message,) = told(bench)
    assert message.body == duis.DeviceAlertMessage(alert_code=message.body.alert_code, gbcs=alert)
    assert int(message.body.alert_code) == 0x8F72
    assert (message.request_id, kinds(bench)) == (None, ["DeviceAlert"])
    assert kinds(bench, SUPPLIER_2) == []


def test_the_same_alert_twice_in_one_go_is_one() -> None:
    bench, alert = Bench(), receipt_alert(NOW)
    hear(bench, alert, alert)
    assert kinds(bench) == ["DeviceAlert"]


def test_two_alerts_of_one_device_are_two() -> None:
    bench = Bench()
    hear(bench, receipt_alert(NOW, number=1), receipt_alert(NOW, number=2, verified=False))
    assert [int(message.body.alert_code) for message in told(bench)] == [0x8F72, 0x8F1C]


def test_an_alert_to_somebody_who_is_no_user_is_kept_and_told_to_nobody() -> None:
    bench = Bench()
    hear(bench, receipt_alert(NOW, recipient=PPMID))
    assert bench.rows(t.message) == []
    assert len(bench.rows(t.report)) == 1


def test_a_dated_alert_that_no_command_explains_is_a_device_alert() -> None:
    bench = Bench()
    hear(bench, dated_alert(4711, NOW))
    assert kinds(bench) == ["DeviceAlert"]


@pytest.mark.parametrize("failed", [False, True])
def test_a_dated_alert_in_one_go_with_its_answer_is_heard_after_it(failed: bool) -> None:
    bench = Bench()
    request, _ = activate(bench, execution=LATER)
    (down,) = sent(bench.run())
    alert = dated_alert(request.header.request_id.counter, LATER, failed=failed)
    bench.now = LATER
    hear(bench, answer_to(down.data, gbcs.CommandAccepted()), alert)
    assert command(bench).state == "ANSWERED"
    assert kinds(bench) == ["Response", "DatedAlert"]
    assert int(told(bench)[-1].body.content.alert_code) == (0x8F67 if failed else 0x8F66)


def test_what_is_told_is_written_in_the_version_that_the_user_speaks() -> None:
    bench = Bench()
    request = read_version(schema_version="5.1")
    bench.submit(request, "S")
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data), receipt_alert(NOW))
    assert {message.schema_version for message in told(bench)} == {"5.1"}
