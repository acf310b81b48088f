"""Acceptance with real signed documents: each reason with its code, the durable answer, and nothing sent."""

import hashlib
from typing import Any

import pytest

from hanota.base.ids import RequestId
from hanota.base.instant import DAY
from hanota.base.vocabulary.devices import CplStatus, DeviceStatus
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.policies import CheckPolicy, ImagePolicy, Policies, Strictness
from hanota.model.reasons import RequestReason
from hanota.model.refusals import REQUEST_REFUSALS
from hanota.records.store import schema as t
from hanota.records.store.acceptance import read_decision
from hanota.wire import duis
from helpers.premises import DCC, NEW, NOW, ppmid_file
from helpers.world import (
    CAD,
    ESME,
    IHD,
    PPMID,
    PPMID_2,
    PPMID_3,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    image,
    opened,
    request,
    signed,
)
from unit.process.refusals import INTAKE, RULES, Bad, swapped, unsigned
from unit.process.refusals_commands import COMMANDS
from unit.process.refusals_firmware import FIRMWARE
from unit.process.refusals_inventory import INVENTORY

pytestmark = pytest.mark.usefixtures("each_store")

_R = RequestReason
BAD = (*INTAKE, *RULES, *FIRMWARE, *INVENTORY, *COMMANDS)
TOLD_LATER = {_R.QUARANTINE_DROPPED}  # by a message: test_quarantine.py
each_refusal = pytest.mark.parametrize("bad", BAD, ids=str)
EVIDENCE = {"request", "event", "party"}  # the request itself, that it was answered, and the version its sender speaks


def everything(bench: Bench) -> dict[str, list[Any]]:
    """What every table holds that a request may set something going by."""
    return {table.name: bench.rows(table) for table in t.metadata.sorted_tables if table.name not in EVIDENCE}


def test_every_reason_is_raised() -> None:
    assert {bad.reason for bad in BAD} | TOLD_LATER == set(RequestReason)


def test_every_code_of_a_refusal_is_raised() -> None:
    numbered = {"11.1", "11.4"}
    services = {reason: numbered if "{srv}" in row.code else {"11.4"} for reason, row in REQUEST_REFUSALS.items()}
    codes = {REQUEST_REFUSALS[reason].code_for(srv) for reason, of in services.items() for srv in of}
    raised = {bad.code for bad in BAD} | {REQUEST_REFUSALS[reason].code_for("") for reason in TOLD_LATER}
    assert raised == codes


@each_refusal
def test_a_refusal_has_its_code_and_reason_and_changes_nothing(bad: Bad) -> None:
    bench = bad.bench()
    octets = bad.posted(bench)
    bench.run()
    before = everything(bench)
    answer = bench.submit(octets, bad.service)
    kept = bench.rows(t.request)[-1]
    assert (kept.reason, kept.code, answer.code) == (bad.reason, bad.code, bad.code), kept.detail
    response = opened(answer.octets)
    assert response.code is bad.code
    assert (response.request_id is not None) == bad.read
    assert (kept.answer, kept.digest) == (answer.octets, hashlib.sha256(octets).digest())
    bench.run()
    assert everything(bench) == before


@each_refusal
def test_a_refusal_says_in_detail_what_was_wrong(bad: Bad) -> None:
    bench = bad.bench()
    bench.submit(bad.posted(bench), bad.service)
    detail = bench.rows(t.request)[-1].detail
    assert bool(detail) == (bad.reason is not _R.NO_VALID_DEVICE)  # its lists say it


UNBOUND = {_R.WRONG_WEB_SERVICE, _R.QUARANTINE_FULL}  # neither is in what was signed: the same may be taken elsewhere
BOUND = [bad for bad in (*RULES, *FIRMWARE, *INVENTORY, *COMMANDS) if bad.reason not in UNBOUND]


def test_the_web_service_by_which_a_copy_comes_uses_up_no_request_id() -> None:
    bench, octets = Bench(), signed(request())
    assert bench.submit(octets, "T").code is ResponseCode.E12
    assert bench.row(t.request).key is None
    assert bench.submit(octets, "D").code is ResponseCode.I0


@pytest.mark.parametrize("bad", BOUND, ids=str)
def test_the_same_refused_octets_get_the_same_answer_and_nothing_twice(bad: Bad) -> None:
    bench = bad.bench()
    octets = bad.posted(bench)
    first, rows = bench.submit(octets, bad.service), len(bench.rows(t.request))
    bench.run(after_ms=DAY)
    assert bench.submit(octets, bad.service) == first
    assert len(bench.rows(t.request)) == rows


@pytest.mark.parametrize("bad", INTAKE, ids=str)
def test_what_nobody_proved_to_have_sent_binds_no_request_id(bad: Bad) -> None:
    """A stranger can't use up a Supplier's RequestIDs, nor overwrite an answer."""
    bench = bad.bench()
    bench.submit(bad.posted(bench), bad.service)
    kept = bench.rows(t.request)[-1]
    assert kept.key is None
    assert kept.octets == b""  # not kept either: anybody can fill a disk otherwise
    if bad.reason not in {_R.SIGNER_OUT_OF_DATE, _R.SIGNER_REVOKED, _R.REQUEST_ID_REUSED}:
        assert bench.submit(request()).code is ResponseCode.I0


# --- what is said by a stranger ----------------------------------------------------------------------------------

WORDS = [b"", b"x.1", b"11.\xc2\xb2", b"1.1.1", b"999.999", b"11.4 ", b"a" * 5000, b"-1.-1", b"\xf0\x9f\x92\xa1"]
VARIANT = (b"<sr:ServiceReferenceVariant>11.4<", b"<sr:ServiceReferenceVariant>%s<")


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word[:12].decode())
@pytest.mark.parametrize("place", ["variant", "both", "reference"])
def test_any_service_is_answered_with_a_valid_document(place: str, word: bytes) -> None:
    document = unsigned()
    if place != "reference":
        document = swapped(VARIANT[0], VARIANT[1] % word, document)
    if place != "variant":
        document = swapped(b"<sr:ServiceReference>11.4<", b"<sr:ServiceReference>%s<" % word, document)
    bench = Bench()
    response = opened(bench.submit(document).octets)
    assert response.code in {ResponseCode.E12, ResponseCode.E100}
    assert response.request_id == RequestId(SUPPLIER_1, DCC, 1)
    assert len(bench.row(t.request).detail) <= 1000


@pytest.mark.parametrize("version", [b"", b"x", b"1.0", b"5.5", b"99999999999999999999"])
@pytest.mark.parametrize("variant", [b"11.4", b"8.11"])
def test_any_schema_version_is_answered_with_a_valid_document(version: bytes, variant: bytes) -> None:
    document = swapped(b'schemaVersion="5.4"', b'schemaVersion="%s"' % version)
    response = opened(Bench().submit(swapped(VARIANT[0], VARIANT[1] % variant, document)).octets)
    assert not response.code.accepted
    assert response.schema_version == "5.4"


@pytest.mark.parametrize("variant", [b"0", b"10", b"-1", b"9" * 30, b"9" * 5000, b"x"])
def test_any_command_variant_is_answered_and_kept_as_far_as_it_goes(variant: bytes) -> None:
    bench = Bench()
    document = swapped(b"CommandVariant>8<", b"CommandVariant>%s<" % variant)
    assert not opened(bench.submit(swapped(VARIANT[0], VARIANT[1] % b"8.11", document)).octets).code.accepted
    assert 0 <= bench.row(t.request).variant <= 255


@pytest.mark.parametrize("octets", [b"", b"x", bytes(10), b"<a/>", b"<!DOCTYPE a><a/>", "<ä/>".encode("utf-16")])
def test_what_is_no_request_is_answered_with_a_valid_document(octets: bytes) -> None:
    response = opened(Bench().submit(octets).octets)
    assert (response.code, response.request_id) == (ResponseCode.E100, None)


# --- what goes on ------------------------------------------------------------------------------------------------


def test_a_good_request_is_acknowledged_and_kept() -> None:
    bench, octets = Bench(), signed(request())
    answer = bench.submit(octets)
    response, kept = opened(answer.octets), bench.row(t.request)
    assert answer.code is response.code is ResponseCode.I0
    assert isinstance(response.body, duis.ResponseMessage)
    assert response.body.content is None
    assert (kept.octets, kept.reason, kept.named, kept.accepted) == (octets, None, 1, 1)
    assert kept.key == f"{RequestId(SUPPLIER_1, DCC, 1)}/8"
    assert not kept.materialised
    assert bench.row(t.image).octets == image()


def test_devices_left_out_are_listed_by_reason_in_the_order_named() -> None:
    bench = Bench()
    named = (IHD, STRANGER, PPMID, ESME, PPMID_2, CAD)
    answer = bench.submit(request(*named))
    response = opened(answer.octets)
    assert answer.code is ResponseCode.W110401
    assert isinstance(response.body, duis.ResponseMessage)
    assert response.body.content is not None
    lists = {name: duis.split_devices(text) for name, text in response.body.content.lists.items()}
    assert lists == {
        DeviceList.INVALID_DEVICE_ID: (STRANGER, ESME, PPMID_2, CAD),
        DeviceList.NOT_APPLICABLE_FIRMWARE: (IHD,),
    }
    decision = read_decision(bench.row(t.request).decision)
    assert decision["device"].to_list() == [eui.signed for eui in named]
    assert decision["reason"].to_list() == [
        "other_model",
        "unknown",
        None,
        "wrong_service",
        "not_responsible",
        "no_ota",
    ]
    bench.run()
    assert [row.device for row in bench.rows(t.delivery)] == [PPMID.signed]


def test_a_device_named_twice_counts_once() -> None:
    bench = Bench()
    assert bench.submit(request(PPMID, PPMID, PPMID)).code is ResponseCode.I0
    assert (bench.row(t.request).named, bench.row(t.request).accepted) == (1, 1)


def test_either_supplier_of_a_home_may_update_its_ppmid() -> None:  # R16
    assert Bench().submit(request(sender=SUPPLIER_1)).code is ResponseCode.I0
    assert Bench().submit(request(sender=SUPPLIER_2)).code is ResponseCode.I0
    assert Bench().submit(request(sender=STRANGER)).code is ResponseCode.E110403


def test_the_industrys_sample_version_passes_under_policy_warn() -> None:
    policies = Policies(check=CheckPolicy(version_matches_header=Strictness.WARN))
    bench = Bench(policies)
    assert bench.submit(request(firmware_version="00000000")).code is ResponseCode.I0
    assert bench.row(t.request).version_text == f"{NEW:08X}"  # what is delivered is what the header says


def test_an_image_of_exactly_the_limit_is_taken() -> None:
    exact = Policies(image=ImagePolicy(max_octets=len(image())))
    assert Bench(exact).submit(request()).code is ResponseCode.I0


# --- the same again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("devices", [(PPMID,), (PPMID, STRANGER), (STRANGER,)], ids=["I0", "W110401", "E110403"])
def test_the_same_octets_get_the_stored_answer_again(devices: Any) -> None:
    bench, octets = Bench(), signed(request(*devices))
    first = bench.submit(octets)
    bench.run(after_ms=DAY)
    assert bench.submit(octets) == first
    assert bench.submit(octets, "T") == first  # it was answered; where the repetition comes in does not matter
    assert len(bench.rows(t.request)) == 1
    bench.run()
    assert len(bench.rows(t.delivery)) <= 1


def test_other_octets_under_the_same_request_id_are_refused_and_the_answer_stays() -> None:
    bench, octets = Bench(), signed(request())
    first = bench.submit(octets)
    assert bench.submit(request(PPMID, IHD)).code is ResponseCode.E19
    assert bench.submit(octets) == first
    bench.run()
    assert len(bench.rows(t.delivery)) == 1


def test_a_request_id_is_used_once_whatever_the_command_variant() -> None:
    bench = Bench()
    bench.submit(request())
    assert bench.submit(request(command_variant=1)).code is ResponseCode.E19
    assert bench.submit(request(sender=SUPPLIER_2)).code is ResponseCode.E110403  # its own RequestID; device is taken


def test_white_space_added_after_signing_is_other_octets() -> None:
    bench, octets = Bench(), signed(request())
    bench.submit(octets)
    assert bench.submit(octets.replace(b"><sr:Body>", b">\n<sr:Body>")).code is ResponseCode.E19


def test_an_answer_outlives_the_process(tmp_path: Any) -> None:
    octets = signed(request())
    bench = Bench(path=tmp_path / "store.sqlite")
    first = bench.submit(octets)
    bench.store.close()
    again = Bench(path=tmp_path / "store.sqlite")
    assert again.submit(octets) == first
    again.run()
    assert again.state() == "ON_WAN"


# --- two requests for one device ---------------------------------------------------------------------------------


@pytest.mark.parametrize("materialised", [False, True])
def test_a_device_of_an_open_decision_is_taken_whether_or_not_its_delivery_was_made(materialised: bool) -> None:
    bench = Bench()
    bench.submit(request(PPMID))
    if materialised:
        bench.run()
    answer = bench.submit(request(PPMID, counter=2, sender=SUPPLIER_2))
    response = opened(answer.octets)
    assert isinstance(response.body, duis.ResponseMessage)
    assert response.body.content is not None
    assert response.body.content.lists == {DeviceList.OTHER_REQUEST_IN_PROGRESS: str(PPMID)}
    assert bench.row(t.request, request_id=str(RequestId(SUPPLIER_2, DCC, 2))).reason == _R.NO_VALID_DEVICE


def test_a_device_is_free_again_once_its_delivery_has_ended() -> None:
    bench = Bench()
    bench.deliver()
    bench.tell("wan_failed")
    assert bench.submit(request(counter=2)).code is ResponseCode.I0


# --- facts of the instant ----------------------------------------------------------------------------------------


def test_a_suspended_device_may_recover_by_new_firmware() -> None:
    bench = Bench()
    bench.change(t.device, {"status": DeviceStatus.SUSPENDED.value}, eui=PPMID.signed)
    assert bench.submit(request()).code is ResponseCode.I0


def test_standing_is_judged_by_hash_and_header_together() -> None:
    """The hash is of the Manufacturer Image alone: the same body under another header is not what was certified."""
    other = ppmid_file(600, content=image()[60:], version=NEW + 1)
    assert Bench().submit(request(image=other, firmware_version=f"{NEW + 1:08X}")).code is ResponseCode.E110401


def test_an_image_withdrawn_for_one_hardware_is_refused_for_the_devices_of_that_hardware() -> None:
    bench = Bench()
    bench.certify(image(), hardware=0x1211)
    bench.certify(image(), status=CplStatus.WITHDRAWN)
    assert bench.submit(request()).code is ResponseCode.E110403
    assert read_decision(bench.row(t.request).decision)["reason"].to_list() == ["not_certified_for_model"]


def test_the_home_of_another_supplier_is_not_reached() -> None:
    bench = Bench()
    bench.submit(request(PPMID_3, sender=SUPPLIER_2))
    assert read_decision(bench.row(t.request).decision)["reason"].to_list() == ["not_responsible"]


def test_the_event_of_an_answer_holds_its_digests() -> None:
    bench = Bench()
    octets = signed(request())
    answer = bench.submit(octets)
    event = bench.row(t.event)
    assert event.kind == "request_answered"
    assert hashlib.sha256(octets).hexdigest().encode() in event.octets
    assert hashlib.sha256(answer.octets).hexdigest().encode() in event.octets
    assert event.at == NOW
