"""Images in segments at the head end: one delivery for all segments of one whole from one Supplier (R7)."""

import hashlib
import itertools
from dataclasses import replace

import polars as pl
import pytest

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.alerts import AlertKind
from hanota.model.policies import AnomalyPolicy, ImagePolicy, Policies
from hanota.model.reasons import DeviceReason
from hanota.process.check import DEVICE_CHECKS, Terms
from hanota.records.store import schema as t
from hanota.records.store.acceptance import read_decision
from hanota.records.store.outbox import unsent
from hanota.wire.otaimage import GbImage, Tail, fit_header, read_image, sign_image, write_image
from hanota.wire.otaimage.segments import split
from helpers.asking import supplier_key
from helpers.world import PPMID, STRANGER, SUPPLIER_1, SUPPLIER_2, Bench, image, opened, read, request
from unit.process.refusals_firmware import certify_esme, esme_file, esme_request

pytestmark = pytest.mark.usefixtures("each_store")

_C = ResponseCode
WHOLE = read(image())
LIMIT = Policies(image=ImagePolicy(max_octets=300))
PARTS = tuple(write_image(part) for part in split(WHOLE, 300))
DAY_MS = LIMIT.deadline.requested_ms


def bench(policies: Policies = LIMIT) -> Bench:
    return Bench(policies=policies)


def send(at: Bench, place: int, *devices: Eui64, counter: int | None = None) -> ResponseCode:
    """Send a segment, by default under the RequestID that has its number."""
    return at.submit(request(*devices, image=PARTS[place], counter=counter or place + 1)).code


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_delivery_waits_for_every_segment_and_then_goes_on(order: tuple[int, ...]) -> None:
    at = bench()
    for place in order[:-1]:
        assert send(at, place) is _C.I0
        assert at.run().state() == "REQUESTED"
    assert send(at, order[-1]) is _C.I0
    assert at.run().state() == "ON_WAN"
    assert len(at.rows(t.delivery)) == 1
    assert at.story().count("segment_joined") == 2


def test_segments_that_come_before_anything_is_run_make_one_delivery() -> None:
    at = bench()
    assert [send(at, place) for place in range(3)] == [_C.I0] * 3
    assert at.run().state() == "ON_WAN"
    assert len(at.rows(t.delivery)) == 1


def test_the_order_lists_every_segment_in_order_and_begins_with_the_first() -> None:
    at = bench()
    for place in (2, 0, 1):
        send(at, place)
    at.run()
    with at.store.reading() as connection:
        (order,) = unsent(connection, at.now)
    files = [(hashlib.sha256(part).digest(), len(part)) for part in PARTS]
    assert list(order.order.parts) == files
    assert (order.order.image_hash, order.order.image_octets) == files[0]


def test_an_image_in_one_piece_has_no_parts() -> None:
    at = bench(Policies())
    at.deliver()
    with at.store.reading() as connection:
        assert [order.order.parts for order in unsent(connection, at.now)] == [()]


def test_without_all_segments_it_expires_and_says_so() -> None:
    at = bench()
    send(at, 0)
    send(at, 2)
    at.run()
    assert at.next_due() == at.now + DAY_MS
    assert at.run(after_ms=DAY_MS).state() == "EXPIRED"
    assert "segments_missing" in at.story()
    assert (SUPPLIER_1, AlertKind.GIVEN_UP) in at.alerts()
    assert not at.rows(t.work)


def test_of_another_supplier_the_device_is_in_progress() -> None:
    at = bench()
    send(at, 0)
    answer = at.submit(request(image=PARTS[1], counter=50, sender=SUPPLIER_2))
    assert answer.code is _C.E110403
    lists = opened(answer.octets).body.content.lists
    assert list(lists) == [DeviceList.OTHER_REQUEST_IN_PROGRESS]


def test_the_whole_in_one_piece_does_not_join_its_segments() -> None:
    at = bench()
    send(at, 0)
    at.policies = Policies()
    at.restart()
    assert at.submit(request(counter=60)).code is _C.E110403


def test_segments_do_not_join_the_whole_in_one_piece() -> None:
    at = bench(Policies())
    assert at.submit(request(counter=60)).code is _C.I0
    assert send(at, 0) is _C.E110403


def test_a_segment_counts_as_any_request_does() -> None:
    limits = AnomalyPolicy(limits="11.1+11.4=2/24h")
    at = bench(LIMIT.model_copy(update={"anomaly": limits}))
    assert [send(at, place) for place in range(3)] == [_C.I0, _C.I0, _C.I99]


def test_the_limit_holds_for_each_segment_and_capacity_for_the_whole() -> None:
    at = bench()
    at.change(t.device, {"capacity_octets": len(image()) - 1}, eui=PPMID.signed)
    assert send(at, 0) is _C.E110403
    at.change(t.device, {"capacity_octets": len(image())}, eui=PPMID.signed)
    assert send(at, 0, counter=8) is _C.I0
    assert at.submit(request(image=image(), counter=9)).code is _C.E110405


def test_a_type_without_segments_has_its_own_reason() -> None:
    terms = Terms(srv="11.1", header=WHOLE.header, image_octets=600, policies=LIMIT, in_segments=True)
    (check,) = [check for check in DEVICE_CHECKS if check.reason is DeviceReason.NO_SEGMENTS]
    kinds = pl.DataFrame({"device_type": [kind.value for kind in (DeviceType.ESME, DeviceType.PPMID, DeviceType.IHD)]})
    assert kinds.select(check.fails(terms)).to_series().to_list() == [True, False, False]


def forged(place: int) -> bytes:
    """A segment that claims to be of the certified whole, and has other octets."""
    payload = bytearray(read(PARTS[place]).manufacturer_image)
    payload[-1] ^= 1
    return write_image(replace(read(PARTS[place]), manufacturer_image=bytes(payload)))


def relabelled(place: int) -> bytes:
    part = read(PARTS[place])
    return write_image(replace(part, header=replace(part.header, label=b"x" * 32)))


def recut() -> bytes:
    return write_image(split(WHOLE, 400)[1])


def test_a_meter_takes_no_segments_however_they_are_signed() -> None:
    at = bench()
    certify_esme(at)
    signed = read_image(esme_file(), Tail.SIGNED)
    header = fit_header(signed.header, len(signed.manufacturer_image), Tail.NONE)
    part = split(GbImage(header=header, manufacturer_image=signed.manufacturer_image), header.file_octets - 1)[0]
    file = write_image(sign_image(part, supplier_key().key))
    at.policies = Policies()
    at.restart()
    assert at.submit(esme_request(image=file)).code is _C.E110103
    (kept,) = at.rows(t.request)
    assert read_decision(kept.decision)["reason"].to_list() == [DeviceReason.NO_SEGMENTS]


CONTRADICTIONS = {
    "other octets": lambda: forged(0),
    "another count": recut,
    "another OTA header": lambda: relabelled(1),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_segment_that_contradicts_those_before_it_is_refused(what: str) -> None:
    at = bench(Policies(image=ImagePolicy(max_octets=500)))
    send(at, 0)
    assert at.submit(request(image=CONTRADICTIONS[what](), counter=70)).code is _C.E110402
    assert at.row(t.request, key=f"{request(counter=70).header.request_id}/8").reason == "segment_contradicts"


def test_the_last_segment_has_to_make_the_whole() -> None:
    at = bench()
    send(at, 0)
    send(at, 1)
    assert at.submit(request(image=forged(2), counter=71)).code is _C.E110402
    assert send(at, 2) is _C.I0
    assert at.run().state() == "ON_WAN"


def test_wrong_segments_are_no_burden_once_no_delivery_needs_them() -> None:
    at = bench()
    assert at.submit(request(image=forged(0), counter=72)).code is _C.I0
    at.run()
    assert at.run(after_ms=DAY_MS).state() == "EXPIRED"
    assert [send(at, place) for place in range(3)] == [_C.I0] * 3
    assert at.run().state(2) == "ON_WAN"


def test_a_segment_that_contradicts_itself_is_malformed() -> None:
    part = read(PARTS[0])
    payload = part.manufacturer_image[:5] + b"\x01" + part.manufacturer_image[6:]  # the count
    file = write_image(replace(part, manufacturer_image=payload))
    assert bench().submit(request(image=file)).code is _C.E110402


def test_a_segment_of_a_whole_that_is_not_listed_is_not_certified() -> None:
    whole = replace(WHOLE, header=fit_header(WHOLE.header, 600, Tail.NONE), manufacturer_image=bytes(600))
    file = write_image(split(whole, 300)[0])
    assert bench().submit(request(image=file)).code is _C.E110401


def test_segments_once_sent_serve_another_device_at_once() -> None:
    at = bench()
    for place in range(3):
        send(at, place)
    at.run()
    at.tell("image_held")
    at.tell("transferred")
    assert send(at, 0, PPMID, counter=80) is _C.I0  # again: it joins
    assert len(at.run().rows(t.delivery)) == 1


def test_nothing_of_a_refused_segment_is_kept() -> None:
    at = bench()
    assert send(at, 0, STRANGER) is _C.E110403
    assert not at.rows(t.segment)
