"""What an operator decides is carried out as of then; and what strangers and floods cost is bounded."""

from collections.abc import Iterator
from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, Instant
from hanota.base.limits import LISTED_DEVICES_MAX, MESSAGE_OCTETS_MAX
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.policies import AnomalyPolicy, Policies
from hanota.model.reasons import RequestReason
from hanota.records.ledger import verify
from hanota.records.registry.certificates import revoke
from hanota.records.store import acceptance
from hanota.records.store import schema as t
from hanota.records.store.quarantine import NotHeld
from hanota.wire import duis, gbcs
from helpers.asking import (
    activation,
    answer_to,
    ask_inventory,
    command,
    hand_back,
    hear,
    kinds,
    prenotification,
    read_version,
    sent,
    supplier_key,
    told,
)
from helpers.premises import DCC, NOW
from helpers.world import HUB, PPMID, READER, SUPPLIER_1, SUPPLIER_2, Bench, keys, opened, request, seal, signed

ID = 4711


def bench_with(limits: str, **more: Any) -> Bench:
    return Bench(Policies(anomaly=AnomalyPolicy(limits=limits, **more)))


def held(asked: duis.Request, service: str = "D") -> Bench:
    """A bench on which this request waits for an operator, under number 1."""
    srv = asked.header.service_reference_variant
    bench = bench_with(f"{srv}=0/1h")
    assert bench.submit(asked, service).code is ResponseCode.I99
    return bench


def release(bench: Bench, number: int = 1) -> duis.Response:
    """Let an operator release it. Gives what its User is told last."""
    bench.pipeline.release(number, bench.now)
    return told(bench)[-1]


def revoke_signer(bench: Bench, at: Instant) -> None:
    signer = keys().certificate(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
    with bench.store.writing() as connection:
        revoke(connection, signer.issuer, signer.serial, at)


# --- judged as of the release ------------------------------------------------------------------------------------


def test_a_request_whose_signer_was_revoked_meanwhile_is_refused() -> None:
    bench = held(ask_inventory(device=HUB))
    revoke_signer(bench, Instant(bench.now + 1))
    bench.run(after_ms=HOUR)
    document = release(bench)
    assert (kinds(bench)[-1], document.body.content) == ("Released", None)
    assert bench.row(t.request).reason == RequestReason.SIGNER_REVOKED
    assert document.code.value == bench.row(t.request).code


@pytest.mark.parametrize("decide", ["release", "drop"])
def test_a_revocation_that_dates_back_stops_no_operator(decide: str) -> None:
    bench = held(ask_inventory(device=HUB))
    revoke_signer(bench, Instant(bench.now - DAY))
    getattr(bench.pipeline, decide)(1, bench.now)
    assert not told(bench)[-1].code.accepted
    assert kinds(bench) == ["Quarantined", "Released"]


@pytest.mark.parametrize("decide", ["release", "drop"])
def test_a_certificate_that_left_the_registry_stops_no_operator(decide: str) -> None:
    bench = held(ask_inventory(device=HUB))
    with bench.store.writing() as connection:
        connection.execute(t.certificate.delete().where(t.certificate.c.eui == SUPPLIER_1.signed))
    getattr(bench.pipeline, decide)(1, bench.now)
    assert not told(bench)[-1].code.accepted


def test_a_user_who_is_none_any_more_is_refused() -> None:
    bench = held(ask_inventory(device=HUB, sender=READER))
    with bench.store.writing() as connection:
        connection.execute(t.party.delete().where(t.party.c.eui == READER.signed))
    bench.pipeline.release(1, bench.now)
    assert told(bench, READER)[-1].code is ResponseCode.E1
    assert bench.row(t.request).reason == RequestReason.ORIGINATOR_UNKNOWN


def test_a_command_of_a_former_supplier_is_refused() -> None:  # I3
    bench = held(read_version(), "S")
    bench.change(t.eligibility, {"until": bench.now + 1}, party=SUPPLIER_1.signed)
    bench.run(after_ms=HOUR)
    assert release(bench).code is ResponseCode.E2
    assert (bench.rows(t.command), sent(bench.run())) == ([], [])


def test_a_command_whose_time_went_by_in_quarantine_is_refused() -> None:
    bench = held(read_version(execution=Instant(NOW + HOUR)), "S")
    bench.run(after_ms=2 * HOUR)
    assert release(bench).code is ResponseCode.E13


def test_a_request_whose_predecessor_failed_meanwhile_is_refused() -> None:
    bench = bench_with("8.2=0/1h")
    first = read_version()
    bench.submit(first, "S")
    bench.submit(ask_inventory(device=HUB, preceding=first.header.request_id))
    assert bench.rows(t.quarantine) == []  # what a rule refuses now is refused now
    bench.run()
    (down,) = sent(bench)
    hear(bench, answer_to(down.data))
    bench.submit(ask_inventory(device=HUB, preceding=first.header.request_id))
    assert len(bench.rows(t.quarantine)) == 1
    bench.change(t.command, {"state": "UNANSWERED"}, id=1)
    bench.pipeline.release(bench.row(t.quarantine).request, bench.now)
    assert bench.rows(t.request)[-1].reason == RequestReason.PRECEDING_FAILED


def test_what_is_released_in_time_is_served() -> None:
    bench = held(request())
    assert release(bench).code is ResponseCode.I0
    assert bench.run().state() == "ON_WAN"


def test_a_transform_is_released_as_the_pre_command_that_its_user_then_signs() -> None:
    asked = activation(counter=ID)
    bench = held(asked, "T")
    document = release(bench)
    assert document.code is ResponseCode.I0
    assert isinstance(document.body.content, duis.PreCommand)
    assert document.request_id == asked.header.request_id
    assert bench.rows(t.command) == []


# --- dropped -----------------------------------------------------------------------------------------------------


def test_what_was_dropped_is_forgotten_but_for_its_digest_and_its_answer() -> None:
    asked = signed(request())
    bench = bench_with("11.4=0/1h")
    answer = bench.submit(asked)
    digest = bench.row(t.request).digest
    bench.pipeline.drop(1, bench.now)
    assert (bench.row(t.request).octets, bench.row(t.request).digest) == (b"", digest)
    assert bench.submit(asked) == answer  # the same again is the same again
    with bench.store.reading() as connection:
        assert verify(connection)


def test_what_was_dropped_is_never_served() -> None:
    bench = held(request())
    bench.pipeline.drop(1, bench.now)
    with pytest.raises(NotHeld):
        bench.pipeline.release(1, bench.now)
    assert bench.run(after_ms=DAY).rows(t.delivery) == []


def test_a_document_that_nobody_could_open_any_more_can_be_dropped() -> None:
    bench = held(ask_inventory(device=HUB))
    bench.now = Instant(bench.now + 40 * 365 * DAY)  # every certificate has run out
    bench.pipeline.drop(1, bench.now)
    assert told(bench)[-1].code is ResponseCode.E45


# --- the size of what is told ------------------------------------------------------------------------------------


@pytest.mark.parametrize("unknown", [1, LISTED_DEVICES_MAX, LISTED_DEVICES_MAX + 1, 2 * LISTED_DEVICES_MAX + 1])
def test_a_long_list_of_devices_left_out_is_told_in_messages_that_an_endpoint_takes(unknown: int) -> None:
    strangers = [Eui64(number) for number in range(1, unknown + 1)]
    bench = held(request(PPMID, *strangers))
    bench.pipeline.release(1, bench.now)
    rows = [row for row in bench.rows(t.message) if row.kind == "Released"]
    assert len(rows) == -(-unknown // LISTED_DEVICES_MAX)
    documents = [seal(row.document) for row in rows]
    assert max(map(len, documents)) < MESSAGE_OCTETS_MAX
    responses = [opened(octets) for octets in documents]
    assert {response.code for response in responses} == {ResponseCode.W110401}
    named = [device for response in responses for device in _devices(response)]
    assert named == [str(stranger) for stranger in strangers]
    assert len({row.id for row in rows}) == len({response.response_id for response in responses}) == len(rows)


def _devices(response: duis.Response) -> Iterator[str]:
    body = response.body
    assert isinstance(body, duis.ResponseMessage)
    assert isinstance(body.content, duis.FirmwareWarning)
    for devices in body.content.lists.values():
        yield from devices.split(",")


# --- bounds ------------------------------------------------------------------------------------------------------


def test_beyond_so_many_held_requests_of_one_user_the_next_is_refused_and_kept_without_its_octets() -> None:
    bench = bench_with("11.4=0/24h", held_max=2)
    codes = [bench.submit(request(counter=number)).code.value for number in range(1, 6)]
    assert codes == ["I99", "I99", "E46", "E46", "E46"]
    full = bench.rows(t.request, code="E46")
    assert {(row.reason, row.octets, row.key) for row in full} == {(RequestReason.QUARANTINE_FULL, b"", None)}
    assert len(bench.rows(t.quarantine)) == 2
    assert kinds(bench) == ["Quarantined", "Quarantined"]


def test_what_found_no_room_is_taken_when_there_is_room() -> None:
    bench = bench_with("11.4=0/24h", held_max=1)
    bench.submit(request(counter=1))
    octets = signed(request(counter=2))
    assert bench.submit(octets).code is ResponseCode.E46
    bench.pipeline.release(1, bench.now)
    assert bench.submit(octets).code is ResponseCode.I99


def test_one_users_flood_leaves_room_for_the_others() -> None:
    bench = bench_with("8.2=0/24h", held_max=1)
    for sender, code in ((SUPPLIER_1, "I99"), (SUPPLIER_1, "E46"), (SUPPLIER_2, "I99")):
        assert bench.submit(ask_inventory(device=HUB, sender=sender)).code.value == code


def test_refusals_of_strangers_are_kept_up_to_a_limit_the_newest_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "ANONYMOUS_MAX", 5)
    bench = Bench()
    own = bench.submit(prenotification())
    for number in range(20):
        assert bench.submit(b"<x%d/>" % number).code is ResponseCode.E100
    strangers = bench.rows(t.request, key=None)
    assert [row.id for row in strangers] == list(range(16, 22))  # five, and the one that came last
    assert own.code is ResponseCode.I0
    assert len(bench.rows(t.request)) == len(strangers) + 1
    with bench.store.reading() as connection:
        assert verify(connection)  # every refusal stays in the log


def test_a_flood_of_strangers_costs_no_user_his_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "ANONYMOUS_MAX", 1)
    bench, octets = bench_with("11.2=0/1h"), signed(ask_inventory(device=HUB))
    answer = bench.submit(octets)
    bench.submit(read_version(), "S")
    for number in range(5):
        bench.submit(b"<x%d/>" % number)
    assert bench.submit(octets) == answer
    bench.pipeline.release(2, bench.now)
    assert command(bench).state == "WAITING"


def test_a_signed_pre_command_that_is_released_is_told_by_its_response_alone() -> None:
    bench = bench_with("11.3=1/1h")
    asked = activation(counter=ID)
    content = opened(bench.submit(asked, "T").octets).body
    assert isinstance(content, duis.ResponseMessage)
    assert isinstance(content.content, duis.PreCommand)
    octets = gbcs.sign_pre_command(content.content.octets, supplier_key())
    assert bench.submit(hand_back(asked, octets), "S").code is ResponseCode.I99
    bench.pipeline.release(2, bench.now)
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data))
    assert kinds(bench) == ["Quarantined", "Response"]
    assert [document.response_id.originator == DCC for document in told(bench)] == [True, False]
