"""Every message of a device is heard by itself: an odd one disturbs nobody else's, and answers only its own command."""

from random import Random
from typing import Any

import pytest

from hanota.app.head_end import HeadEnd
from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.callbacks.port import Callback
from hanota.process.commanding import Commanding
from hanota.process.intake import Authentic
from hanota.records.ledger import verify
from hanota.records.store import schema as t
from hanota.wan.inprocess import InProcessWan, NetworkModel
from hanota.wire import duis, gbcs
from hanota.wire.wan import Acknowledge, GbcsDown, GbcsUp, read_frame, sign_uplink, write_frame
from helpers.asking import (
    ACB,
    DS,
    KA,
    activate,
    answer_to,
    command,
    handed_in,
    hear,
    kinds,
    read_version,
    receipt_alert,
    sent,
    told,
)
from helpers.premises import DCC, NEW, NOW
from helpers.world import ESME, HUB, HUB_3, PPMID, PPMID_3, SUPPLIER_1, Bench, keys, signed

pytestmark = pytest.mark.usefixtures("each_store")

LATER = Instant(NOW + HOUR)
BEYOND = 1 << 63  # one more than a store can keep
MANY = 100


def odd_alert(counter: int, code: int = 0x8F99) -> bytes:
    """An alert 0x00CA whose code is none of the two that DUIS has for a dated command."""
    alert = gbcs.DatedActivation(
        alert_code=AlertCode(code),
        at=LATER,
        originator_counter=counter,
        outcome=gbcs.ActivationOutcome(result=gbcs.ActivateImageResponseCode.SUCCESS, file_version=NEW),
    )
    return gbcs.dated_activation_alert(alert, device=keys().credential(ESME, DS), recipient=SUPPLIER_1, counter=7)


def read_by(counter: int, device: Eui64 = PPMID, user: Eui64 = SUPPLIER_1) -> bytes:
    """A command to read a version as the DCC would write it under another number."""
    return gbcs.read_version_command(
        device_type=DeviceType.PPMID,
        acb=keys().credential(DCC, KA, ACB),
        device=keys().certificate(device, KA),
        counter=counter,
        user=user,
        user_counter=1,
    )


def stumbling(monkeypatch: pytest.MonkeyPatch, device: Eui64, failure: Exception) -> None:
    """Let the taking of a device's messages fail in the end: with something that nobody has thought of."""
    take = Commanding._hear

    def stumble(self: Commanding, opened: Authentic, untold: set[str]) -> None:
        take(self, opened, untold)
        if opened.message.header.originator == device:
            raise failure

    monkeypatch.setattr(Commanding, "_hear", stumble)


def two_reads() -> tuple[Bench, bytes, bytes]:
    """A bench on which the PPMIDs of two homes were asked, and the answer of each."""
    bench = Bench()
    for device in (PPMID, PPMID_3):
        assert bench.submit(read_version(device), "S").code is ResponseCode.I99
    first, second = sent(bench.run())
    return bench, answer_to(first.data), answer_to(second.data)


# --- one by one --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [ValueError("odd"), OverflowError("too large"), KeyError("none"), TypeError("no")])
@pytest.mark.parametrize("odd_first", [True, False])
def test_a_message_that_cannot_be_taken_is_taken_back_alone(
    failure: Exception, odd_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, odd, good = two_reads()
    stumbling(monkeypatch, PPMID, failure)
    heard = hear(bench, *((odd, good) if odd_first else (good, odd)))
    assert heard.failures == (failure,)
    assert [row.state for row in bench.rows(t.command)] == ["SENT", "ANSWERED"]
    assert [response.request_id.target for response in told(bench)] == [PPMID_3]
    assert len(heard.judged.taken) == 2  # both are acknowledged: neither will be said again
    assert len(bench.rows(t.report)) == 2  # what they report is evidence all the same


def test_the_log_is_whole_where_a_message_was_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, odd, good = two_reads()
    stumbling(monkeypatch, PPMID, ValueError("odd"))
    hear(bench, odd, good)
    hear(bench, receipt_alert(NOW))
    with bench.store.reading() as connection:
        assert verify(connection)


def test_what_is_wrong_with_the_store_is_not_a_matter_of_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, odd, good = two_reads()
    stumbling(monkeypatch, PPMID, ConnectionError("the disk is full"))
    with pytest.raises(ConnectionError):
        hear(bench, odd, good)
    assert bench.rows(t.report) == []  # nothing was acknowledged: the hubs say it again
    assert [row.state for row in bench.rows(t.command)] == ["SENT", "SENT"]


def test_a_hundred_messages_in_one_go_are_taken_each_by_itself() -> None:
    bench = Bench()
    hear(bench, *[receipt_alert(NOW, number=number) for number in range(1, MANY + 1)])
    assert kinds(bench) == ["DeviceAlert"] * MANY


# --- odd ones ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0x8F99, 0x8F72, 0x0000, 0xFFFF])
def test_a_dated_alert_with_another_code_is_an_alert_of_the_device_and_answers_nothing(code: int) -> None:
    bench = Bench()
    asked, _ = activate(bench, execution=LATER)
    sent(bench.run())
    heard = hear(bench, odd_alert(asked.header.request_id.counter, code))
    assert (heard.failures, kinds(bench)) == ((), ["DeviceAlert"])
    assert command(bench).state == "SENT"
    assert told(bench)[0].body.alert_code == code


@pytest.mark.parametrize("counter", [BEYOND, (1 << 64) - 1])
def test_a_number_that_no_store_can_keep_is_that_of_no_command(counter: int) -> None:
    bench, _, good = two_reads()
    heard = hear(bench, answer_to(read_by(counter)), good)
    assert heard.failures == ()
    assert [row.state for row in bench.rows(t.command)] == ["SENT", "ANSWERED"]


def test_a_number_that_no_store_can_keep_may_be_handed_in_and_is_refused() -> None:
    bench = Bench()
    answer = bench.submit(handed_in(answer_to(read_by(BEYOND))))
    assert answer.code is ResponseCode.E081302


def test_a_response_of_another_use_case_answers_no_command() -> None:
    bench = Bench()
    bench.submit(read_version(ESME), "S")
    (down,) = sent(bench.run())
    asked = gbcs.read_message(down.data)
    assert asked.header.message_code is gbcs.MessageCode.ECS52_READ_FIRMWARE_VERSION
    other = gbcs.read_version_command(  # of a device type that reads by CS08, under the same number
        device_type=DeviceType.HCALCS,
        acb=keys().credential(DCC, KA, ACB),
        device=keys().certificate(ESME, KA),
        counter=asked.header.counter,
        user=SUPPLIER_1,
        user_counter=asked.header.supplementary_counter or 0,
    )
    hear(bench, answer_to(other))
    assert (command(bench).state, kinds(bench)) == ("SENT", [])
    hear(bench, answer_to(down.data))
    assert command(bench).state == "ANSWERED"


# --- the head end ------------------------------------------------------------------------------------------------


class _Nobody(Callback):
    """No party has an endpoint here."""

    def post(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing is posted")


def up(octets: bytes, hub: Eui64, event: int) -> bytes:
    return write_frame(sign_uplink(GbcsUp(data=octets), keys().credential(hub, DS).key, hub=hub, event=event, sent=NOW))


def test_an_odd_message_keeps_no_other_home_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, wan = Bench(), InProcessWan(NetworkModel(), Random(1))
    head_end = HeadEnd(bench.store, keys=keys(), dcc=DCC, wan=wan.head_end, callback=_Nobody(), policies=bench.policies)
    for device in (PPMID, PPMID_3):
        head_end.accept(signed(read_version(device)), "S", NOW)
    head_end.step(NOW, alerts=False)
    after = Instant(NOW + HOUR)
    downs = [read_frame(frame) for _, frame in wan.premises.receive(after, 100)]
    asked = {down.device: down.data for down in downs if isinstance(down, GbcsDown)}
    stumbling(monkeypatch, PPMID, ValueError("odd"))
    wan.premises.send(HUB, up(answer_to(asked[PPMID]), HUB, 1), after)
    wan.premises.send(HUB_3, up(answer_to(asked[PPMID_3]), HUB_3, 2), after)
    head_end.step(Instant(after + HOUR), alerts=False)
    assert bench.row(t.command, device=PPMID_3.signed).state == "ANSWERED"
    frames = [(hub, read_frame(frame)) for hub, frame in wan.premises.receive(Instant(after + 2 * HOUR), 100)]
    acknowledged = {(hub, frame.event) for hub, frame in frames if isinstance(frame, Acknowledge)}
    assert acknowledged == {(HUB, 1), (HUB_3, 2)}
    (document,) = told(bench)
    assert isinstance(document.body.content, duis.GbcsPayload)
