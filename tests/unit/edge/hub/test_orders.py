"""Orders at a hub: whose it believes, which it takes, how each ends, and that nothing is ever displaced (I1, R13)."""

import dataclasses

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.devices import DeviceType, TransferResponseCode
from hanota.edge.hub.book import REMEMBER_MS
from hanota.edge.hub.slots import REFETCHES_MAX
from hanota.wire.gbcs.message import read_message
from hanota.wire.gbcs.payload import read_payload
from hanota.wire.wan import (
    Acknowledge,
    Cancel,
    Fetch,
    GbcsUp,
    ImageChunk,
    ReceiptStatus,
    write_frame,
)
from hanota.wire.zcl import (
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    OtaStatus,
    QueryNextImageRequest,
    UpgradeEndRequest,
)
from helpers.nodes import PPMID_2, STRANGER, Bench, hub_bench
from helpers.premises import ESME, NEW, NOW, PPMID, order_for, ppmid_file, signed

IMAGE = ppmid_file(2500)
OTHER = ppmid_file(2600)
NAME = (0x121D, 0x0084, NEW)


@pytest.fixture
def hub() -> Bench:
    return hub_bench()


def holding(hub: Bench, number: int = 1, image: bytes = IMAGE) -> Bench:
    hub.wan(signed(order_for(image, number)))
    hub.serve(image)
    return hub


def statuses(hub: Bench) -> list[ReceiptStatus]:
    return [receipt.status for receipt in hub.receipts]


def transfer_results(hub: Bench) -> list[TransferResponseCode]:
    alerts = [read_payload(read_message(report.data)) for report in hub.reports if isinstance(report, GbcsUp)]
    return [alert.result for alert in alerts]


def test_an_order_is_accepted_and_its_image_asked_for(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE)))
    assert statuses(hub) == [ReceiptStatus.ACCEPTED]
    (fetch,) = [frame for frame in hub.frames if isinstance(frame, Fetch)]
    assert (fetch.offset, fetch.max_octets) == (0, 32 * 1024)


def test_an_order_that_the_dcc_did_not_sign_changes_nothing(hub: Bench) -> None:
    forged = dataclasses.replace(signed(order_for(IMAGE)), signature=bytes(63) + b"\1")
    before = dict(hub.memory)
    hub.wan(forged)
    assert hub.frames == []
    assert hub.memory == before
    assert hub.noted("wan_refused")


def test_a_complete_image_is_held_and_its_device_told(hub: Bench) -> None:
    holding(hub)
    assert statuses(hub) == [ReceiptStatus.HELD]
    assert hub.said == [ImageNotify(100, *NAME)]


def test_chunks_may_be_repeated_or_overtaken_and_are_asked_for_from_the_last_stored_octet(hub: Bench) -> None:
    order = order_for(IMAGE)
    hub.wan(signed(order))

    def chunk(offset: int, end: int) -> ImageChunk:
        return ImageChunk(image_hash=order.image_hash, offset=offset, image_octets=len(IMAGE), data=IMAGE[offset:end])

    for late in (chunk(1000, 2000), chunk(0, 1000), chunk(0, 1000), chunk(2000, 2500), chunk(500, 1500)):
        hub.wan(late)
    hub.wake(5_000)
    assert [frame.offset for frame in hub.frames if isinstance(frame, Fetch)] == [1000]
    hub.wan(chunk(1000, 2500))
    assert statuses(hub) == [ReceiptStatus.HELD]


def test_a_fetch_without_answer_is_repeated_ever_later(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE)))
    hub.wan(Acknowledge(event=1))
    waits = []
    for _ in range(9):
        before = hub.now
        hub.wake()
        assert [type(frame) for frame in hub.frames] == [Fetch]
        waits.append((hub.now - before) // 1000)
    assert waits == [3, 6, 12, 24, 48, 96, 192, 300, 300]


def forged_chunk() -> ImageChunk:
    wrong = IMAGE[:-1] + bytes([IMAGE[-1] ^ 1])
    digest = order_for(IMAGE).image_hash
    return ImageChunk(image_hash=digest, offset=0, image_octets=len(wrong), data=wrong)


def test_an_image_with_another_hash_is_fetched_again_twice_and_never_held(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE)))
    for _ in range(REFETCHES_MAX):
        hub.wan(forged_chunk())
        assert [frame.offset for frame in hub.frames if isinstance(frame, Fetch)] == [0]
        assert hub.receipts == []
        assert not [key for key in hub.memory if key.startswith("slot/shared/")]
        hub.restart()  # the tries are counted over restarts
    hub.wan(forged_chunk())
    assert statuses(hub) == [ReceiptStatus.HASH_MISMATCH]
    assert not [key for key in hub.memory if key.startswith(("slot/shared/", "refetches/"))]
    assert statuses(holding(hub, 2)) == [ReceiptStatus.HELD]


def test_one_forged_chunk_does_not_end_an_order(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE)))
    hub.wan(forged_chunk())
    hub.serve(IMAGE)
    assert statuses(hub) == [ReceiptStatus.HELD]
    assert hub.hear(ImageBlockRequest(*NAME, 2450, 50), PPMID)[0].data == IMAGE[2450:]
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(IMAGE))
    assert not [key for key in hub.memory if key.startswith("refetches/")]


def test_an_order_may_end_while_its_image_is_fetched_again(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE)))
    hub.wan(forged_chunk())
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    assert statuses(hub) == [ReceiptStatus.CANCELLED]
    assert not [key for key in hub.memory if key.startswith(("slot/shared/", "refetches/"))]


@pytest.mark.parametrize(
    "lie",
    [
        {"manufacturer": 0x1111},
        {"image_type": 0x0085},
        {"file_version": 3},
        {"hardware_min": 0x1000},
        {"hardware_max": None, "hardware_min": None},
    ],
    ids=str,
)
def test_an_image_whose_header_says_other_than_the_order_is_not_held(hub: Bench, lie: dict[str, int | None]) -> None:
    hub.wan(signed(order_for(IMAGE, **lie)))
    hub.serve(IMAGE)
    assert statuses(hub) == [ReceiptStatus.REFUSED_MALFORMED]


def test_a_file_that_is_no_image_is_not_held(hub: Bench) -> None:
    hub.wan(signed(order_for(b"no image at all")))
    hub.serve(b"no image at all")
    assert statuses(hub) == [ReceiptStatus.REFUSED_MALFORMED]


@pytest.mark.parametrize(
    ("fact", "check"),
    [
        ({"device": STRANGER}, "device is in the device log"),
        ({"device_type": DeviceType.IHD}, "type is the device's"),
        ({"image_octets": 0}, "image fits a slot"),
        ({"image_octets": 768_001}, "image fits a slot"),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused(hub: Bench, fact: dict[str, object], check: str) -> None:
    hub.wan(signed(order_for(IMAGE, **fact)))
    assert statuses(hub) == [ReceiptStatus.REFUSED_MALFORMED]
    assert hub.noted("order_refused")[0].facts["check"] == check


def test_the_same_order_again_gets_the_same_receipt_and_no_second_slot(hub: Bench) -> None:
    holding(hub)
    memory = {key for key in hub.memory if key.startswith(("order/", "slot/"))}
    hub.wan(signed(order_for(IMAGE)))
    assert statuses(hub) == [ReceiptStatus.HELD]
    hub.wan(Acknowledge(event=2))
    hub.wan(signed(order_for(IMAGE)))
    assert statuses(hub) == [ReceiptStatus.HELD]
    assert {key for key in hub.memory if key.startswith(("order/", "slot/"))} == memory


def test_an_image_in_progress_is_not_displaced(hub: Bench) -> None:
    holding(hub)
    hub.wan(signed(order_for(OTHER, 2, device=PPMID_2)))
    assert statuses(hub) == [ReceiptStatus.REFUSED_NO_SLOT]
    hub.wan(signed(order_for(IMAGE, 3)))
    assert statuses(hub) == [ReceiptStatus.REFUSED_NO_SLOT]
    answer = hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID)[0]
    assert answer.data == IMAGE[:50]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("device", [PPMID, PPMID_2], ids=["same device", "other device"])
def test_an_order_that_found_no_slot_is_judged_anew_when_it_is_repeated(
    hub: Bench, device: Eui64, restart: bool
) -> None:
    holding(hub)
    again = signed(order_for(OTHER, 2, device=device))
    for _ in range(3):
        hub.wan(again)
        assert statuses(hub) == [ReceiptStatus.REFUSED_NO_SLOT]
        assert f"order/{2:016x}" not in hub.memory
        hub.wan(Acknowledge(event=hub.uplinks[0].event))
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(IMAGE))
    if restart:
        hub.restart()
    hub.wan(again)
    assert statuses(hub) == [ReceiptStatus.ACCEPTED]
    hub.serve(OTHER)
    assert statuses(hub) == [ReceiptStatus.HELD]


def test_each_repetition_that_finds_no_slot_has_a_receipt_of_its_own(hub: Bench) -> None:
    holding(hub)
    events = []
    for _ in range(3):
        hub.wan(signed(order_for(OTHER, 2)))
        events += [uplink.event for uplink in hub.uplinks]
        hub.wan(Acknowledge(event=events[-1]))
    assert events == [events[0], events[0] + 1, events[0] + 2]


def test_an_order_that_found_no_slot_and_was_cancelled_is_not_taken_later(hub: Bench) -> None:
    holding(hub)
    hub.wan(signed(order_for(OTHER, 2)))
    hub.wan(signed(Cancel(order=2, sent=NOW)))
    assert statuses(hub) == [ReceiptStatus.CANCELLED]
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(IMAGE))
    hub.wan(signed(order_for(OTHER, 2)))
    assert statuses(hub) == [ReceiptStatus.CANCELLED]


def test_a_meter_has_a_slot_of_its_own(hub: Bench) -> None:
    holding(hub)
    hub.wan(signed(order_for(OTHER, 2, device=ESME, device_type=DeviceType.ESME)))
    assert statuses(hub) == [ReceiptStatus.ACCEPTED]


def test_one_image_in_a_slot_serves_every_device_it_is_ordered_for(hub: Bench) -> None:
    holding(hub)
    hub.wan(signed(order_for(IMAGE, 2, device=PPMID_2)))
    assert statuses(hub) == [ReceiptStatus.ACCEPTED, ReceiptStatus.HELD]
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(IMAGE))
    assert hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID_2)[0].status is OtaStatus.SUCCESS
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID_2, len(IMAGE))
    assert not [key for key in hub.memory if key.startswith("slot/shared/")]


def test_a_second_order_for_an_image_that_is_still_coming_waits_for_it(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE, 1)))
    hub.wan(signed(order_for(IMAGE, 2, device=PPMID_2)))
    hub.serve(IMAGE)
    assert statuses(hub) == [ReceiptStatus.HELD, ReceiptStatus.HELD]


def test_a_cancelled_order_frees_its_slot_and_its_device_is_told_to_stop(hub: Bench) -> None:
    holding(hub)
    hub.hear(ImageBlockRequest(*NAME, 0, 50), PPMID)
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    assert statuses(hub) == [ReceiptStatus.CANCELLED]
    assert hub.hear(ImageBlockRequest(*NAME, 50, 50), PPMID) == [ImageBlockResponse(OtaStatus.ABORT)]
    assert statuses(holding(hub, 2, OTHER)) == [ReceiptStatus.HELD]


def test_a_cancel_that_overtakes_its_order_still_counts(hub: Bench) -> None:
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    assert statuses(hub) == [ReceiptStatus.CANCELLED]
    hub.restart()
    hub.wan(signed(order_for(IMAGE)))
    assert statuses(hub) == [ReceiptStatus.CANCELLED]


def test_an_ended_order_stays_as_it_ended(hub: Bench) -> None:
    holding(hub)
    hub.end(UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), PPMID, len(IMAGE))
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    assert statuses(hub) == [ReceiptStatus.TRANSFERRED]


def test_an_order_past_its_expiry_is_not_begun(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE, expires=NOW)))
    assert statuses(hub) == [ReceiptStatus.EXPIRED]


def test_an_order_whose_image_never_comes_expires(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE, expires=Instant(NOW + DAY))))
    hub.wake(DAY)
    assert ReceiptStatus.EXPIRED in statuses(hub)
    assert transfer_results(hub) == []


def test_an_image_nobody_fetches_is_discarded_at_the_end_of_retention(hub: Bench) -> None:
    holding(hub)
    hub.wake(30 * DAY)
    assert ReceiptStatus.DISCARDED in statuses(hub)
    assert transfer_results(hub) == [TransferResponseCode.FIRMWARE_IMAGE_DISCARDED]
    assert "slot/shared" not in hub.memory


def test_what_fell_due_while_the_power_was_off_is_done_at_start(hub: Bench) -> None:
    holding(hub)
    hub.now = Instant(NOW + 31 * DAY)
    hub.restart()
    assert ReceiptStatus.DISCARDED in statuses(hub)


def test_ended_orders_are_forgotten_in_the_end(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE, 1, expires=NOW)))
    hub.wan(signed(Cancel(order=2, sent=NOW)))
    hub.now = Instant(NOW + REMEMBER_MS + 1)
    hub.wan(signed(order_for(IMAGE, 3, expires=Instant(hub.now + DAY))))
    assert [key for key in hub.memory if key.startswith(("order/", "cancelled/"))] == [f"order/{3:016x}"]


def test_an_order_kept_under_a_key_that_is_no_longer_the_dccs_is_dropped_and_its_slot_freed(hub: Bench) -> None:
    holding(hub)
    key = f"order/{1:016x}"
    body = hub.memory[key]
    good = write_frame(signed(order_for(IMAGE))).hex().encode()
    bad = write_frame(dataclasses.replace(signed(order_for(IMAGE)), signature=bytes(63) + b"\1")).hex().encode()
    hub.memory[key] = body.replace(good, bad)
    assert hub.memory[key] != body
    hub.restart()
    assert "slot/shared" not in hub.memory
    assert statuses(holding(hub, 2)) == [ReceiptStatus.HELD]


@pytest.mark.parametrize("chunks", range(4))
def test_a_hub_that_restarts_while_it_fetches_goes_on_from_the_last_stored_octet(hub: Bench, chunks: int) -> None:
    order = order_for(IMAGE)
    hub.wan(signed(order))
    for offset in range(0, chunks * 1000, 1000):
        data = IMAGE[offset : offset + 1000]
        hub.wan(ImageChunk(image_hash=order.image_hash, offset=offset, image_octets=len(IMAGE), data=data))
    hub.restart()
    if chunks < 3:
        assert [frame.offset for frame in hub.frames if isinstance(frame, Fetch)] == [chunks * 1000]
        hub.serve(IMAGE, 500)
        assert statuses(hub) == [ReceiptStatus.HELD]
    assert hub.hear(ImageBlockRequest(*NAME, 2450, 50), PPMID)[0].data == IMAGE[2450:]


# --- who tells how a transfer ended -------------------------------------------------------------------------------

METER = {"device": ESME, "device_type": DeviceType.ESME}
ENDS = {
    "taken": (UpgradeEndRequest(OtaStatus.SUCCESS, *NAME), ReceiptStatus.TRANSFERRED),
    "refused": (UpgradeEndRequest(OtaStatus.INVALID_IMAGE, *NAME), ReceiptStatus.TRANSFER_FAILED),
    "for other hardware": (QueryNextImageRequest(0x121D, 0x0084, 1, 0x0001), ReceiptStatus.HARDWARE_MISMATCH),
}


@pytest.mark.parametrize(("said", "status"), ENDS.values(), ids=ENDS.keys())
def test_of_a_meter_the_receipt_alone_tells_how_the_transfer_ended(
    hub: Bench, said: object, status: ReceiptStatus
) -> None:
    hub.wan(signed(order_for(IMAGE, **METER)))
    hub.serve(IMAGE)
    hub.hear(ImageBlockRequest(*NAME, 2450, 50), ESME)
    hub.hear(said, ESME)
    assert statuses(hub) == [status]
    assert transfer_results(hub) == []


def test_of_a_meter_the_receipt_tells_that_an_image_was_discarded(hub: Bench) -> None:
    hub.wan(signed(order_for(IMAGE, **METER)))
    hub.serve(IMAGE)
    hub.wake(60 * DAY)
    assert ReceiptStatus.DISCARDED in statuses(hub)
    assert transfer_results(hub) == []


@pytest.mark.parametrize("device_type", [DeviceType.PPMID, DeviceType.HCALCS, DeviceType.IHD])
@pytest.mark.parametrize("status", [OtaStatus.SUCCESS, OtaStatus.INVALID_IMAGE])
def test_of_other_devices_a_ccs08_tells_it(device_type: DeviceType, status: OtaStatus) -> None:
    hub = hub_bench(device_log={PPMID: device_type})
    hub.wan(signed(order_for(IMAGE, device_type=device_type)))
    hub.serve(IMAGE)
    hub.end(UpgradeEndRequest(status, *NAME), PPMID, len(IMAGE))
    good = status is OtaStatus.SUCCESS
    codes = (TransferResponseCode.FILE_TRANSFER_SUCCESS, TransferResponseCode.FILE_TRANSFER_FAILURE)
    assert transfer_results(hub) == [codes[not good]]
    assert ReceiptStatus.TRANSFER_FAILED not in statuses(hub)
