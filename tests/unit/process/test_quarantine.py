"""Anomaly detection: what is beyond a User's limit waits for an operator, who releases or drops it (R29)."""

from typing import Any

import pytest

from hanota.base.instant import DAY, HOUR
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.policies import AnomalyPolicy, Policies
from hanota.model.reasons import RequestReason
from hanota.process.report import response_id_of
from hanota.records.ledger import verify
from hanota.records.store import schema as t
from hanota.records.store.quarantine import NotHeld, quarantined
from hanota.wire import duis
from helpers.asking import (
    answer_to,
    ask_inventory,
    command,
    handed_in,
    hear,
    kinds,
    prenotification,
    read_version,
    sent,
    told,
)
from helpers.premises import DCC
from helpers.world import (
    HUB,
    PPMID,
    PPMID_2,
    PPMID_3,
    READER,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    opened,
    request,
    signed,
)

pytestmark = pytest.mark.usefixtures("each_store")


def bench_with(limits: str) -> Bench:
    return Bench(Policies(anomaly=AnomalyPolicy(limits=limits)))


def held() -> tuple[Bench, Any, Any]:
    """A bench with one 11.4 in quarantine, the request's octets and its answer."""
    bench, octets = bench_with("11.4=0/1h"), signed(request())
    return bench, octets, bench.submit(octets)


def reads(bench: Bench, times: int = 1, **more: Any) -> list[str]:
    """Codes of so many 8.2, one after the other."""
    return [bench.submit(ask_inventory(device=HUB, **more)).code.value for _ in range(times)]


# --- limits ------------------------------------------------------------------------------------------------------


def test_the_first_beyond_the_limit_is_held() -> None:
    assert reads(bench_with("8.2=3/1h"), 5) == ["I0", "I0", "I0", "I99", "I99"]


def test_a_limit_is_of_one_user_and_of_the_services_it_names() -> None:
    bench = bench_with("8.2=1/1h")
    assert reads(bench, 2) == ["I0", "I99"]
    assert reads(bench, 1, sender=SUPPLIER_2) == ["I0"]
    assert bench.submit(prenotification()).code is ResponseCode.I0
    bench = bench_with("8.2+12.2=1/1h")
    assert reads(bench) == ["I0"]
    assert bench.submit(prenotification()).code is ResponseCode.I99


def test_every_limit_that_names_a_service_counts() -> None:
    bench = bench_with("8.2=5/24h;8.2=2/1h")
    assert reads(bench, 3) == ["I0", "I0", "I99"]
    bench.run(after_ms=HOUR)
    assert reads(bench, 3) == ["I0", "I0", "I99"]


def test_the_window_slides() -> None:
    bench = bench_with("8.2=2/1h")
    reads(bench)
    bench.run(after_ms=HOUR // 2)
    assert reads(bench) == ["I0"]
    bench.run(after_ms=HOUR // 2 - 1)
    assert reads(bench) == ["I99"]
    bench.run(after_ms=1)  # the first has left the window; the second and the one that is held are in it
    assert reads(bench) == ["I99"]
    bench.run(after_ms=HOUR)
    assert reads(bench) == ["I0"]


def test_what_nobody_is_proved_to_have_sent_counts_for_nobody() -> None:
    bench = bench_with("8.2=1/1h")
    for _ in range(3):
        bench.submit(duis.write_request(ask_inventory(device=HUB)))
        bench.submit(signed(ask_inventory(device=HUB), SUPPLIER_2))
    assert reads(bench) == ["I0"]


def test_the_same_octets_again_do_not_count() -> None:
    bench, octets = bench_with("8.2=2/1h"), signed(ask_inventory(device=HUB))
    for _ in range(5):
        assert bench.submit(octets).code is ResponseCode.I0
    assert reads(bench) == ["I0"]


def test_what_a_rule_refuses_is_refused_and_not_held() -> None:
    bench = bench_with("11.4=0/1h")
    assert bench.submit(request(), "T").code is ResponseCode.E12
    assert bench.submit(request(sender=READER)).code is ResponseCode.E1
    assert bench.rows(t.quarantine) == []


def test_by_default_200_firmware_requests_a_day_are_taken() -> None:
    bench = Bench()
    bench.submit(request(STRANGER))
    row = bench.row(t.request)
    values = {name: value for name, value in row._mapping.items() if name not in {"id", "key"}}
    with bench.store.writing() as connection:
        connection.execute(t.request.insert(), [{**values, "key": f"copy {n}"} for n in range(198)])
    assert bench.submit(request(STRANGER, counter=2)).code is ResponseCode.E110403
    assert bench.submit(request(STRANGER, counter=3)).code is ResponseCode.I99


# --- held --------------------------------------------------------------------------------------------------------


def test_a_held_request_does_nothing_and_its_user_is_told() -> None:
    bench, octets, answer = held()
    response = opened(answer.octets)
    assert (answer.code, response.body.content) == (ResponseCode.I99, None)
    bench.run(after_ms=DAY)
    assert bench.rows(t.delivery) == bench.rows(t.outbox) == bench.rows(t.image) == []
    (message,) = told(bench)
    alert = message.body.alert
    assert (message.request_id, alert.request_id) == (None, request().header.request_id)
    assert (alert.kind, alert.event_ref) == ("ADUserThresholdBreach", 1)
    assert kinds(bench) == ["Quarantined"]
    assert bench.submit(octets) == answer
    assert len(bench.rows(t.quarantine)) == len(told(bench)) == 1


def test_what_is_held_is_listed_for_the_operator_and_for_its_sender() -> None:
    bench, *_ = held()
    with bench.store.reading() as connection:
        (row,) = quarantined(connection)
        assert (row.request, row.state, row.service, row.party_name) == (1, "held", "D", "Supplier 1")
        assert len(quarantined(connection, party=SUPPLIER_1)) == 1
        assert quarantined(connection, party=SUPPLIER_2) == []


# --- released ----------------------------------------------------------------------------------------------------


def test_a_released_request_is_served_and_its_outcome_is_a_message() -> None:
    bench, octets, answer = held()
    bench.now += HOUR
    bench.pipeline.release(1, bench.now)
    response = told(bench)[-1]
    asked = request().header.request_id
    assert (response.code, response.request_id) == (ResponseCode.I0, asked)
    assert (response.response_id.originator, response.response_id.target) == (DCC, SUPPLIER_1)  # the DCC's own number
    assert kinds(bench) == ["Quarantined", "Released"]
    bench.run()
    assert bench.state() == "ON_WAN"
    assert (bench.row(t.request).code, bench.row(t.request).accepted) == ("I0", 1)
    assert bench.submit(octets) == answer  # what was answered stays so
    bench.run()
    assert len(bench.rows(t.delivery)) == 1


def test_a_released_request_is_judged_by_the_facts_of_its_release() -> None:
    bench = bench_with("11.4=0/1h")
    bench.submit(request(PPMID, PPMID_2))
    bench.change(t.device, {"status": "Pending"}, eui=PPMID.signed)
    bench.pipeline.release(1, bench.now)
    response = told(bench)[-1]
    assert response.code is ResponseCode.E110403
    assert len(response.body.content.lists) == 2
    assert bench.row(t.request).reason == RequestReason.NO_VALID_DEVICE
    bench.run()
    assert bench.rows(t.delivery) == []


def test_a_released_request_with_devices_left_out_says_which() -> None:
    bench = bench_with("11.4=0/1h")
    bench.submit(request(PPMID, PPMID_2))
    bench.pipeline.release(1, bench.now)
    response = told(bench)[-1]
    assert response.code is ResponseCode.W110401
    assert duis.split_devices(next(iter(response.body.content.lists.values()))) == (PPMID_2,)


def test_a_released_reading_of_the_inventory_brings_the_inventory() -> None:
    bench = bench_with("8.2=0/1h")
    reads(bench)
    bench.pipeline.release(1, bench.now)
    assert isinstance(told(bench)[-1].body.content, duis.Inventory)


def test_a_released_command_is_told_by_its_own_answer() -> None:
    bench = bench_with("11.2=0/1h")
    bench.submit(read_version(), "S")
    bench.pipeline.release(1, bench.now)
    assert kinds(bench) == ["Quarantined"]
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data))
    assert kinds(bench) == ["Quarantined", "Response"]
    assert command(bench).state == "ANSWERED"


def test_a_released_command_for_local_delivery_is_brought() -> None:
    bench = bench_with("11.2=0/1h")
    asked = read_version(variant=2)
    bench.submit(asked)
    bench.pipeline.release(1, bench.now)
    brought = told(bench)[-1]
    assert (brought.code, brought.request_id) == (ResponseCode.I0, asked.header.request_id)
    assert bench.submit(handed_in(answer_to(brought.body.content.octets))).code is ResponseCode.I0


def test_a_released_command_for_both_ways_is_brought_and_its_answer_too() -> None:
    bench = bench_with("11.2=0/1h")
    asked = read_version(variant=3)
    bench.submit(asked, "S")
    bench.pipeline.release(1, bench.now)
    brought = told(bench)[-1]
    assert (brought.code, brought.request_id) == (ResponseCode.I99, asked.header.request_id)
    assert isinstance(brought.body.content, duis.LocalCommand)
    bench.run()
    back = answer_to(brought.body.content.octets)
    hear(bench, back)
    assert told(bench)[-1].body.content == duis.GbcsPayload(octets=back)
    assert told(bench)[-1].response_id == response_id_of(asked.header.request_id) != brought.response_id


def test_a_signer_whose_certificate_ran_out_meanwhile_is_refused_at_release() -> None:
    bench, *_ = held()
    bench.now += 20 * 365 * DAY
    bench.pipeline.release(1, bench.now)
    assert (kinds(bench)[-1], told(bench)[-1].code) == ("Released", ResponseCode.E100)
    bench.run()
    assert bench.rows(t.delivery) == []


def test_a_user_who_lost_his_role_meanwhile_is_refused_at_release() -> None:
    bench, *_ = held()
    bench.change(t.party, {"roles": "OU"}, eui=SUPPLIER_1.signed)
    bench.pipeline.release(1, bench.now)
    assert told(bench)[-1].code is ResponseCode.E1


def test_more_than_so_many_are_not_held() -> None:
    bench = Bench(Policies(anomaly=AnomalyPolicy(limits="8.2=0/1h", held_max=2)))
    assert reads(bench, 3) == ["I99", "I99", "E46"]
    assert reads(bench, 1, sender=SUPPLIER_2) == ["I99"]
    bench.pipeline.drop(1, bench.now)
    assert bench.row(t.request, id=1).octets == b""
    assert reads(bench) == ["I99"]


# --- dropped -----------------------------------------------------------------------------------------------------


def test_a_dropped_request_is_refused_by_a_message_and_never_served() -> None:
    bench, octets, answer = held()
    bench.pipeline.drop(1, bench.now)
    response = told(bench)[-1]
    assert (response.code, response.request_id) == (ResponseCode.E45, request().header.request_id)
    assert (bench.row(t.request).code, bench.row(t.request).reason) == ("E45", RequestReason.QUARANTINE_DROPPED)
    bench.run(after_ms=DAY)
    assert bench.rows(t.delivery) == bench.rows(t.outbox) == []
    assert bench.submit(octets) == answer


def test_dropped_ones_do_not_count() -> None:
    bench = bench_with("8.2=2/24h")
    assert reads(bench, 3) == ["I0", "I0", "I99"]
    bench = bench_with("8.2=1/24h")
    bench.submit(ask_inventory(device=HUB))
    reads(bench)
    assert bench.change(t.request, {"received_at": bench.now - 2 * DAY}, id=1) == 1
    assert reads(bench) == ["I99"]  # the one that is held counts
    for number in (2, 3):
        bench.pipeline.drop(number, bench.now)
    assert reads(bench) == ["I0"]


# --- decided once ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["release", "drop"])
@pytest.mark.parametrize("second", ["release", "drop"])
def test_a_decision_is_made_once(first: str, second: str) -> None:
    bench, *_ = held()
    getattr(bench.pipeline, first)(1, bench.now)
    before = (kinds(bench), bench.row(t.request).code, len(bench.rows(t.event)))
    with pytest.raises(NotHeld):
        getattr(bench.restart().pipeline, second)(1, bench.now)
    assert (kinds(bench), bench.row(t.request).code, len(bench.rows(t.event))) == before


@pytest.mark.parametrize("number", [0, 2, 10**12])
def test_what_is_not_held_cannot_be_decided(number: int) -> None:
    bench, *_ = held()
    bench.submit(request(PPMID_3, sender=SUPPLIER_2, counter=9), "T")
    for decide in (bench.pipeline.release, bench.pipeline.drop):
        with pytest.raises(NotHeld):
            decide(number, bench.now)


def test_a_decision_is_evidence() -> None:
    bench, *_ = held()
    bench.pipeline.release(1, bench.now)
    found = [row.kind for row in bench.rows(t.event, request=1)]
    assert found[:2] == ["request_answered", "quarantined"]
    assert {"quarantine_released", "request_settled", "message_due"} <= set(found)
    with bench.store.reading() as connection:
        assert verify(connection)


# --- the one that follows ----------------------------------------------------------------------------------------


def test_what_follows_a_held_request_waits_for_it() -> None:
    bench = bench_with("8.2=0/1h")
    first = ask_inventory(device=HUB)
    bench.submit(first)
    named = first.header.request_id
    assert bench.submit(prenotification(preceding=named)).code is ResponseCode.E42
    bench.pipeline.release(1, bench.now)
    assert bench.submit(prenotification(preceding=named)).code is ResponseCode.I0


def test_what_follows_a_dropped_request_is_refused() -> None:
    bench = bench_with("8.2=0/1h")
    first = ask_inventory(device=HUB)
    bench.submit(first)
    bench.pipeline.drop(1, bench.now)
    assert bench.submit(prenotification(preceding=first.header.request_id)).code is ResponseCode.E41
