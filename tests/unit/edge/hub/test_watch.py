"""What a hub notices: versions of its devices, read or overheard, and nodes that do not belong there (R5, R25)."""

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, MINUTE, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.hub.outbox import UPLINKS_MAX
from hanota.edge.hub.watch import READ_TRIES_MAX, STRANGERS_MAX
from hanota.wire.wan import Acknowledge, DeviceSeen, ReadDevice, SeenWhy, StrangerSeen, sign_order
from hanota.wire.zcl import (
    ImageBlockRequest,
    OtaAttribute,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    ReadAttributes,
    ReadAttributesResponse,
    read_attributes,
    write_records,
)
from helpers.nodes import STRANGER, Bench, hub_bench
from helpers.premises import ACB, DCC, NEW, OLD, PPMID, keys

IHD = Eui64.parse("00-DB-12-34-56-78-90-A6")


def query(version: int = OLD) -> QueryNextImageRequest:
    return QueryNextImageRequest(0x121D, 0x0084, version, 0x1111)


def seen(version: int, why: SeenWhy = SeenWhy.ASKED_FOR_IMAGE, device: Eui64 = PPMID, message: int = 0) -> DeviceSeen:
    return DeviceSeen(device=device, file_version=version, why=why, message=message)


@pytest.fixture
def hub() -> Bench:
    return hub_bench(device_log={PPMID: DeviceType.PPMID, IHD: DeviceType.IHD})


def order(hub: Bench, device: Eui64 = IHD, message: int = 9) -> None:
    """The DCC orders a read."""
    signing = keys().credential(DCC, KeyUsage.DIGITAL_SIGNATURE, ACB).key
    hub.wan(sign_order(ReadDevice(message=message, device=device, sent=hub.now), signing))


def answer(version: int | None) -> ReadAttributesResponse:
    return ReadAttributesResponse(write_records({OtaAttribute.CURRENT_FILE_VERSION: version}))


# --- overheard ---------------------------------------------------------------------------------------------------


def test_a_version_is_told_at_first_sight_and_whenever_it_changes(hub: Bench) -> None:
    assert hub.hear(query(), PPMID) == [QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE)]
    assert hub.reports == [seen(OLD)]
    hub.wan(Acknowledge(event=1))
    hub.hear(query(), PPMID)
    assert hub.reports == []
    hub.now = Instant(hub.now + HOUR)
    hub.hear(query(NEW), PPMID)
    assert hub.reports == [seen(NEW)]


def test_what_was_told_is_not_told_again_after_a_restart(hub: Bench) -> None:
    hub.hear(query(), PPMID)
    hub.wan(Acknowledge(event=1))
    hub.restart()
    hub.hear(query(), PPMID)
    assert hub.reports == []


def test_a_device_that_changes_its_mind_all_the_time_does_not_flood(hub: Bench) -> None:
    told = []
    for version in range(100):
        hub.hear(query(version), PPMID)
        told += hub.reports
        hub.now = Instant(hub.now + 1000)
    assert len(told) <= 4
    hub.wake(MINUTE)
    assert seen(99) in hub.reports


def test_a_change_that_had_to_wait_survives_a_restart(hub: Bench) -> None:
    hub.hear(query(), PPMID)
    hub.hear(query(NEW), PPMID)
    assert hub.reports == []
    hub.restart()
    hub.wake(MINUTE)
    assert seen(NEW) in hub.reports


def test_of_a_stranger_no_version_is_told(hub: Bench) -> None:
    hub.hear(query(), STRANGER)
    assert not any(isinstance(report, DeviceSeen) for report in hub.reports)


# --- read on the DCC's order -------------------------------------------------------------------------------------


def test_a_read_asks_for_the_current_file_version_and_tells_the_answer(hub: Bench) -> None:
    order(hub)
    (asked,) = hub.said
    assert isinstance(asked, ReadAttributes)
    assert read_attributes(asked.attributes) == (OtaAttribute.CURRENT_FILE_VERSION,)
    hub.hear(answer(NEW), IHD, sequence=hub.sequences[0])
    assert hub.reports == [seen(NEW, SeenWhy.READ_FOR_DCC, IHD, 9)]
    assert hub.wake(HOUR) == []


def test_a_read_without_answer_is_repeated_some_times(hub: Bench) -> None:
    order(hub)
    asked = sum(len(hub.wake()) for _ in range(READ_TRIES_MAX + 2))
    assert asked == READ_TRIES_MAX - 1


def test_an_answer_that_nobody_asked_for_changes_nothing(hub: Bench) -> None:
    hub.hear(answer(NEW), IHD)
    assert hub.reports == []
    order(hub)
    sequence = hub.sequences[0]
    for device, number, said in (
        (PPMID, sequence, answer(NEW)),
        (IHD, sequence + 1, answer(NEW)),
        (IHD, sequence, answer(None)),
        (IHD, sequence, ReadAttributesResponse(b"\x02")),
    ):
        hub.hear(said, device, sequence=number)
        assert hub.reports == []


def test_only_devices_of_the_log_are_read_and_only_for_the_dcc(hub: Bench) -> None:
    order(hub, STRANGER)
    assert hub.said == []
    forged = keys().credential(PPMID, KeyUsage.DIGITAL_SIGNATURE).key
    hub.wan(sign_order(ReadDevice(message=1, device=IHD, sent=hub.now), forged))
    assert hub.said == []


# --- strangers ---------------------------------------------------------------------------------------------------


def test_a_stranger_is_refused_and_told_once_an_hour_with_its_tries_so_far(hub: Bench) -> None:  # R25
    assert hub.hear(query(), STRANGER) == [QueryNextImageResponse(OtaStatus.NOT_AUTHORIZED)]
    assert hub.reports == [StrangerSeen(node=STRANGER, attempts=1)]
    hub.wan(Acknowledge(event=1))
    for _ in range(50):
        hub.hear(ImageBlockRequest(0x121D, 0x0084, NEW, 0, 50), STRANGER)
        assert hub.reports == []
    hub.wake(HOUR)
    assert hub.reports == [StrangerSeen(node=STRANGER, attempts=51)]


def test_the_count_goes_on_after_a_restart(hub: Bench) -> None:
    hub.hear(query(), STRANGER)
    hub.wan(Acknowledge(event=1))
    hub.restart()
    hub.now = Instant(hub.now + 2 * HOUR)
    hub.hear(query(), STRANGER)
    assert hub.reports == [StrangerSeen(node=STRANGER, attempts=2)]


def test_more_strangers_than_can_be_remembered_fill_no_memory(hub: Bench) -> None:
    for number in range(STRANGERS_MAX + 20):
        hub.hear(query(), Eui64(number + 1))
    kept = [key for key in hub.memory if key.startswith("stranger/")]
    assert len(kept) == STRANGERS_MAX
    hub.now = Instant(hub.now + 2 * HOUR)
    hub.hear(query(), Eui64(0xFFFF))
    assert StrangerSeen(node=Eui64(0xFFFF), attempts=1) in hub.reports
    assert len([key for key in hub.memory if key.startswith("stranger/")]) == STRANGERS_MAX


def test_what_finds_the_outbox_full_is_told_later() -> None:
    log = {Eui64(number + 1): DeviceType.PPMID for number in range(UPLINKS_MAX)} | {PPMID: DeviceType.PPMID}
    hub = hub_bench(device_log=log)
    for device in list(log)[:UPLINKS_MAX]:
        hub.hear(query(), device)
    hub.hear(query(), PPMID)
    hub.hear(query(), STRANGER)
    assert seen(OLD) not in hub.reports
    for event in range(1, UPLINKS_MAX + 1):
        hub.wan(Acknowledge(event=event))
    hub.wake(2 * HOUR)
    assert {seen(OLD), StrangerSeen(node=STRANGER, attempts=1)} <= set(hub.reports)
