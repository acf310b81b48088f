"""A Supplier's later meter image in place of its own earlier one at a hub: `hub.force_replace: own` (R12, R13)."""

from dataclasses import replace
from hashlib import sha256

import pytest

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.vocabulary.devices import DeviceType
from hanota.model.policies import HubPolicy, Policies
from hanota.wire.wan import Cancel, Distribute, Fetch, GbcsUp, ImageChunk, ReceiptStatus
from hanota.wire.zcl import ImageBlockRequest, ImageBlockResponse, ImageNotify, OtaStatus, UpgradeEndRequest
from helpers.nodes import Bench, hub_bench
from helpers.premises import DCC, ESME, NEW, NOW, PPMID, SUPPLIER, order_for, ppmid_file, signed

OTHER_SUPPLIER = Eui64.parse("90-B3-D5-1F-30-03-00-00")
ESME_2 = Eui64.parse("00-DB-12-34-56-78-90-B0")
GSME = Eui64.parse("00-DB-12-34-56-78-90-A1")
LOG = {ESME: DeviceType.ESME, ESME_2: DeviceType.ESME, GSME: DeviceType.GSME, PPMID: DeviceType.PPMID}
FIRST, SECOND = ppmid_file(2000), ppmid_file(2100)
NAME = (0x121D, 0x0084, NEW)
_S = ReceiptStatus


def bench(policy: str = "own", **more: object) -> Bench:
    return hub_bench(Policies(hub=HubPolicy(force_replace=policy, **more)), LOG)


def order(
    image: bytes, number: int, *, device: Eui64 = ESME, force: int = 0, supplier: Eui64 = SUPPLIER, **facts: object
) -> Distribute:
    request = RequestId(supplier, DCC, number)
    plain = order_for(image, number, device=device, device_type=LOG[device], force_replace=force, **facts)
    return replace(plain, request=request)


def holding(hub: Bench, number: int = 1, image: bytes = FIRST, **facts: object) -> Bench:
    hub.wan(signed(order(image, number, **facts)))
    hub.serve(image)
    assert [receipt.status for receipt in hub.receipts] == [_S.HELD]
    return hub


def half() -> ImageChunk:
    return ImageChunk(image_hash=sha256(FIRST).digest(), offset=0, image_octets=len(FIRST), data=FIRST[:1000])


def told(hub: Bench) -> list[tuple[int, ReceiptStatus]]:
    return [(receipt.order, receipt.status) for receipt in hub.receipts]


@pytest.mark.parametrize("came", ["ordered", "half", "held", "transferring"])
def test_the_earlier_image_is_discarded_and_that_is_told(came: str) -> None:
    hub = bench()
    hub.wan(signed(order(FIRST, 1)))
    if came == "half":
        hub.wan(half())
    elif came in ("held", "transferring"):
        hub.serve(FIRST)
    if came == "transferring":
        hub.hear(ImageBlockRequest(*NAME, 0, 50), ESME)
    hub.wan(signed(order(SECOND, 2, force=1)))
    assert told(hub) == [(1, _S.DISCARDED), (2, _S.ACCEPTED)]
    assert [frame.offset for frame in hub.frames if isinstance(frame, Fetch)] == [0]
    assert [report for report in hub.reports if isinstance(report, GbcsUp)] == [], "of meters receipts tell"
    hub.serve(SECOND)
    assert told(hub) == [(2, _S.HELD)]
    assert hub.said == [ImageNotify(100, *NAME)]


def test_a_displaced_order_is_never_resumed() -> None:
    hub = holding(bench())
    hub.wan(signed(order(SECOND, 2, force=1)))
    for restart in (False, True):
        if restart:
            hub.restart()
        hub.wan(signed(order(FIRST, 1)))
        assert (1, _S.DISCARDED) in told(hub)
        hub.wan(signed(Cancel(order=1, sent=NOW)))
        assert (1, _S.DISCARDED) in told(hub)
    hub.serve(SECOND)
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), ESME)[0].data == SECOND[:50]


@pytest.mark.parametrize(
    ("policy", "device", "later"),
    [
        ("off", ESME, {"force": 1}),
        ("own", ESME, {"force": 0}),
        ("own", ESME, {"force": 1, "supplier": OTHER_SUPPLIER}),
        ("own", PPMID, {"force": 1}),
    ],
    ids=["policy off", "ForceReplace 0", "another Supplier", "a display"],
)
def test_nothing_else_displaces_an_image(policy: str, device: Eui64, later: dict[str, object]) -> None:
    hub = holding(bench(policy), device=device)
    hub.wan(signed(order(SECOND, 2, device=device, **later)))
    assert told(hub) == [(2, _S.REFUSED_NO_SLOT)]
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), device)[0].data == FIRST[:50]


def test_an_earlier_order_that_comes_later_displaces_nothing() -> None:
    hub = holding(bench(), number=2)
    hub.wan(signed(order(SECOND, 1, force=1)))
    assert told(hub) == [(1, _S.REFUSED_NO_SLOT)]


def test_an_image_that_the_meter_has_is_left_to_it() -> None:
    hub = holding(bench())
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), ESME, len(FIRST))
    hub.wan(signed(order(SECOND, 2, force=1)))
    assert told(hub) == [(2, _S.ACCEPTED)]


def test_a_slot_of_the_type_is_taken_from_another_meter_of_it() -> None:
    hub = holding(bench())
    hub.wan(signed(order(SECOND, 2, device=ESME_2, force=1)))
    assert told(hub) == [(1, _S.DISCARDED), (2, _S.ACCEPTED)]


def test_with_room_for_both_no_other_meter_loses_its_image() -> None:
    hub = holding(bench(slots="shared_n"))
    hub.wan(signed(order(SECOND, 2, device=ESME_2, force=1)))
    assert told(hub) == [(2, _S.ACCEPTED)]
    hub.serve(SECOND)
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), ESME)[0].data == FIRST[:50]
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), ESME_2)[0].data == SECOND[:50]


@pytest.mark.parametrize("holder", [GSME, PPMID], ids=["another type of meter", "a display"])
def test_in_a_shared_slot_only_the_own_type_is_displaced(holder: Eui64) -> None:
    hub = holding(bench(slots="shared_n", shared_slots=1), device=holder)
    hub.wan(signed(order(SECOND, 2, force=1)))
    assert told(hub) == [(2, _S.REFUSED_NO_SLOT)]


def test_one_that_may_not_be_displaced_keeps_the_image_they_share() -> None:
    hub = holding(bench())
    hub.wan(signed(order(FIRST, 2, device=ESME_2, supplier=OTHER_SUPPLIER)))
    hub.wan(signed(order(SECOND, 3, force=1)))
    assert told(hub) == [(3, _S.REFUSED_NO_SLOT)]
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), ESME_2)[0].data == FIRST[:50]


def test_an_order_that_is_refused_for_another_reason_displaces_nothing() -> None:
    hub = holding(bench())
    hub.wan(signed(order(SECOND, 2, force=1, image_octets=768_001)))
    assert told(hub) == [(2, _S.REFUSED_MALFORMED)]
    hub.wan(signed(order(SECOND, 3, force=1, expires=NOW)))
    assert told(hub) == [(3, _S.EXPIRED)]
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), ESME)[0].data == FIRST[:50]


def test_the_meter_is_told_to_stop_and_soon_of_the_new_image() -> None:
    hub = holding(bench())
    hub.hear(ImageBlockRequest(*NAME, 0, 50), ESME)
    hub.wan(signed(order(SECOND, 2, force=1)))
    assert hub.hear(ImageBlockRequest(*NAME, 50, 50), ESME) == [ImageBlockResponse(OtaStatus.ABORT)]
    hub.serve(SECOND)
    assert hub.hear(ImageBlockRequest(*NAME, 50, 50), ESME) == [ImageBlockResponse(OtaStatus.ABORT)], "no splice"


def test_a_meter_that_asks_for_another_version_hears_of_the_new_one_soon() -> None:
    later = ppmid_file(2100, version=NEW + 1)
    hub = holding(bench())
    hub.hear(ImageBlockRequest(*NAME, 0, 50), ESME)
    hub.wan(signed(order(later, 2, force=1, file_version=NEW + 1)))
    hub.serve(later)
    assert hub.hear(ImageBlockRequest(*NAME, 50, 50), ESME) == [ImageBlockResponse(OtaStatus.ABORT)]
    hub.wake(15_000)
    assert ImageNotify(100, 0x121D, 0x0084, NEW + 1) in hub.said
