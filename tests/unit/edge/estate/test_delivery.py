"""From a signed order to a confirmed version, frame by frame, with the air, the network and the power failing."""

import hashlib
from pathlib import Path

import pytest

from hanota.base.errors import BadValue
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, SECOND, Instant
from hanota.base.vocabulary.devices import DeviceType, TransferResponseCode
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.devices import UNHEALTHY_MARK, HanDevice
from hanota.edge.effects import SendHan
from hanota.edge.estate.memory import EstateFile
from hanota.edge.han.link import HanModel
from hanota.wan.inprocess import NetworkModel
from hanota.wire.gbcs.crypto import signature_holds
from hanota.wire.gbcs.payload import ActivationResult, ReadResponseCode
from hanota.wire.otaimage import read_header
from hanota.wire.wan import ReceiptStatus
from helpers.premises import CHF, IHD, NEW, NOW, OLD, PPMID, Premises, keys, ppmid_file

LOSSY_AIR = HanModel(loss=0.2, duplication=0.05)
BAD_NETWORK = NetworkModel(loss=0.2, duplication=0.1, jitter_ms=2_000)


def check_invariants(premises: Premises, image: bytes) -> None:
    """The device boots old or new, whole; no block was ever stored twice."""
    device = premises.estate.node(PPMID)
    if isinstance(device, HanDevice):
        assert read_header(device.banks.running).file_version in (OLD, NEW)
        assert device.banks.version == OLD or device.banks.running == image
    offsets = premises.fetched_offsets
    assert len(offsets) == len(set(offsets))


def check_outcome(premises: Premises, image: bytes) -> None:
    check_invariants(premises, image)
    assert {alert.file_version for alert in premises.activations} == {NEW}
    assert {alert.result for alert in premises.activations} == {ActivationResult.SUCCESS}
    assert {alert.result for alert in premises.transfers} == {TransferResponseCode.FILE_TRANSFER_SUCCESS}
    assert premises.fetched_offsets == list(range(0, len(image), 50))


@pytest.mark.parametrize("octets", [4096, 65536])
def test_an_image_arrives_and_runs(octets: int) -> None:
    premises, image = Premises(), ppmid_file(octets)
    premises.send_order(premises.order(image))
    premises.run(lambda: premises.delivered)
    check_outcome(premises, image)
    final = premises.receipts[-1]
    assert (final.offset, final.blocks, final.repeats) == (octets, -(-octets // 50), 0)
    premises.send_gbcs(premises.read_version())
    premises.run(lambda: bool(premises.versions_read))
    assert [(read.file_version, read.response_code) for read in premises.versions_read] == [
        (NEW, ReadResponseCode.READ_SUCCESS)
    ]


def test_the_hubs_transfer_alert_is_signed_by_the_hub() -> None:
    premises = Premises()
    premises.send_order(premises.order(ppmid_file()))
    premises.run(lambda: premises.delivered)
    message = next(message for message, payload in premises.messages if payload in premises.transfers)
    assert message.header.originator == CHF
    assert signature_holds(message, keys().certificate(CHF, KeyUsage.DIGITAL_SIGNATURE).public_key)


@pytest.mark.parametrize("seed", range(6))
def test_an_image_arrives_through_a_lossy_air_and_a_bad_network(seed: int) -> None:
    premises, image = Premises(han=LOSSY_AIR, wan_model=BAD_NETWORK, seed=seed), ppmid_file(8192)
    premises.deliver(premises.order(image))
    check_outcome(premises, image)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("every", [7, 40])
@pytest.mark.parametrize("victims", [(CHF,), (PPMID,), (CHF, PPMID)], ids=["hub", "device", "both"])
def test_power_cuts_at_every_kth_event_lose_nothing(victims: tuple[Eui64, ...], every: int, seed: int) -> None:
    premises, image = Premises(han=HanModel(loss=0.1), seed=seed), ppmid_file(2000)
    order = premises.order(image)
    premises.send_order(order)
    step = 0
    while not premises.delivered:
        step += 1
        assert step < 20_000
        premises.step()
        check_invariants(premises, image)
        if step % 50 == 0 and not premises.receipts:
            premises.send_order(order)  # an order that arrives while the hub is off is sent again by the head end
        device = premises.estate.node(PPMID)  # cut off on trial again and again, it goes back to its old image
        on_trial = device is not None and device.banks.on_trial
        if step % every == 0 and step < 1_000 and not on_trial:
            premises.estate.reboot(victims[step // every % len(victims)], premises.now, off_ms=step % 3 * 500)
    check_outcome(premises, image)


@pytest.mark.parametrize("every", [11, 60])
def test_an_estate_that_is_killed_goes_on_from_its_file(every: int, tmp_path: Path) -> None:
    premises, image = Premises(path=tmp_path / "estate.sqlite"), ppmid_file(2000)
    premises.send_order(premises.order(image))
    step = 0
    while not premises.delivered:
        step += 1
        assert step < 20_000
        premises.step()
        if step % 50 == 0 and not premises.receipts:
            premises.send_order(premises.order(image))
        if step % every == 0 and step < 600:
            premises.kill()
    check_outcome(premises, image)


def test_what_was_not_acknowledged_is_said_again_until_it_is() -> None:
    premises = Premises(acknowledging=False)
    premises.send_order(premises.order(ppmid_file()))
    premises.run(lambda: premises.delivered)
    events = set(premises.events)
    premises.acknowledging = True
    premises.run(limit_ms=HOUR)
    assert events <= set(premises.events)
    memory = premises.estate._file.memory_of(CHF)
    assert not [key for key in memory if key.startswith("uplink/")]


def test_an_unhealthy_image_ends_with_the_old_version_and_a_report() -> None:
    premises = Premises()
    premises.send_order(premises.order(ppmid_file(content=b"x" * 500 + UNHEALTHY_MARK)))
    premises.run(lambda: premises.delivered)
    assert [(alert.file_version, alert.result) for alert in premises.activations] == [(OLD, ActivationResult.FAILURE)]
    assert premises.estate.node(PPMID).banks.version == OLD


def test_an_image_for_other_hardware_never_leaves_the_hub() -> None:
    premises = Premises()
    image = ppmid_file(hardware_min=0x1112)
    premises.send_order(premises.order(image, hardware_min=0x1112))
    premises.run(lambda: premises.transfers and ReceiptStatus.HARDWARE_MISMATCH in premises.statuses)
    assert premises.transfers[0].result is TransferResponseCode.HARDWARE_VERSION_MISMATCH
    assert premises.fetched_offsets == []


def test_an_image_whose_hash_differs_never_leaves_the_hub() -> None:
    premises, image = Premises(), ppmid_file()
    order = premises.order(image)
    premises.images[order.image_hash] = image[:-1] + bytes([image[-1] ^ 1])
    premises.send_order(order)
    premises.run(lambda: ReceiptStatus.HASH_MISMATCH in premises.statuses)
    assert premises.noted("image_notify") == []


def test_a_downgrade_is_refused_by_the_device_and_reported() -> None:
    premises = Premises()
    premises.send_order(premises.order(ppmid_file(version=1), file_version=1))
    premises.run(lambda: bool(premises.transfers))
    assert premises.transfers[0].result is TransferResponseCode.FILE_TRANSFER_FAILURE


def test_two_devices_of_a_home_wait_for_each_other_and_homes_do_not() -> None:
    premises, image = Premises(), ppmid_file()
    second = Eui64.parse("00-DB-12-34-56-78-91-A4"), Eui64.parse("00-DB-12-34-56-78-91-A2")
    premises.send_order(premises.order(image, 1))
    premises.run(lambda: ReceiptStatus.HELD in premises.statuses)
    premises.send_order(premises.order(ppmid_file(3000), 2, device=IHD, device_type=DeviceType.IHD, image_type=0x0085))
    premises.send_order(premises.order(image, 3, device=second[0]), hub=second[1])
    premises.run(lambda: len(premises.activations) == len(premises.transfers) == 2)
    ends = {(receipt.order, receipt.status) for receipt in premises.receipts}
    assert {(1, ReceiptStatus.TRANSFERRED), (2, ReceiptStatus.REFUSED_NO_SLOT), (3, ReceiptStatus.TRANSFERRED)} <= ends
    assert [receipt.status for receipt in premises.receipts if receipt.order == 2] == [ReceiptStatus.REFUSED_NO_SLOT]


def test_a_device_that_is_off_for_days_is_served_when_it_comes_back() -> None:
    premises, image = Premises(), ppmid_file()
    premises.run(lambda: premises.now > NOW)
    premises.estate.reboot(PPMID, premises.now, off_ms=3 * DAY)
    premises.send_order(premises.order(image))
    premises.run(lambda: premises.delivered, limit_ms=4 * DAY)
    assert premises.noted("power_on", PPMID)[-1].at - premises.noted("power_cut", PPMID)[0].at == 3 * DAY
    check_outcome(premises, image)


def test_frames_do_not_cross_from_home_to_home() -> None:
    premises = Premises()
    premises.estate.advance(premises.now)
    seat = premises.estate._seats[Eui64.parse("00-DB-12-34-56-78-91-A2")]
    before = premises.estate.occupancy("Home 2").frames
    premises.estate._apply(seat, [SendHan(PPMID, 0x0019, b"x"), SendHan(Eui64(1), 0x0019, b"x")], premises.now)
    assert premises.estate.occupancy("Home 2").frames == before


def test_the_air_may_change_and_its_occupancy_is_counted() -> None:
    premises = Premises()
    premises.send_order(premises.order(ppmid_file()))
    premises.run(lambda: len(premises.fetched_offsets) == 20)
    premises.estate.change_air(HanModel(loss=1.0))
    premises.run(limit_ms=60 * SECOND)
    assert len(premises.fetched_offsets) == 20
    taken = premises.estate.occupancy("Home 1")
    assert taken.lost > 0
    assert taken.airtime_us > 40 * 3_000
    premises.estate.change_air(HanModel())
    premises.run(lambda: premises.delivered)


def test_a_slice_of_work_is_bounded_and_time_never_runs_back() -> None:
    premises = Premises()
    premises.send_order(premises.order(ppmid_file()))
    premises.now = Instant(NOW + HOUR)
    last = NOW
    for _ in range(2_000):
        due = premises.estate.advance(premises.now, limit=3)
        premises._serve()
        if due is None:
            break
    for note in premises.notes:
        assert note.at >= last
        last = note.at


@pytest.mark.parametrize(("address", "off_ms"), [(Eui64(1), 0), (PPMID, -1)])
def test_only_nodes_of_the_estate_can_lose_power(address: Eui64, off_ms: int) -> None:
    with pytest.raises(BadValue):
        Premises().estate.reboot(address, NOW, off_ms)


def test_frames_for_hubs_that_are_not_here_or_off_are_lost() -> None:
    premises, image = Premises(), ppmid_file()
    premises.run(lambda: premises.now > NOW)
    premises.estate.reboot(CHF, premises.now, off_ms=DAY)
    premises.send_order(premises.order(image))
    premises.send_order(premises.order(image), hub=PPMID)
    premises.send_order(premises.order(image), hub=Eui64(5))
    premises.run(limit_ms=HOUR)
    assert premises.receipts == []


def test_the_file_keeps_only_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "estate.sqlite"
    with EstateFile(path) as file:
        file.put(CHF, "a", b"1")
        file.put(CHF, "gone", b"1")
        file.put(PPMID, "a", b"2")
        file.commit()
        file.put(CHF, "gone", None)
        file.commit()
        file.commit()
        file.put(CHF, "b", b"3")
    with EstateFile(path) as file:
        assert (file.memory_of(CHF), file.memory_of(PPMID)) == ({"a": b"1"}, {"a": b"2"})
        assert file.memory_of(Eui64(2**64 - 1)) == {}
    file.close()


def test_a_commit_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "estate.sqlite"
    with EstateFile(path) as file:
        file.put(CHF, "a", b"1")
        file.put(CHF, "b", 5j)
        with pytest.raises(Exception, match=r"type|bind"):
            file.commit()
    with EstateFile(path) as file:
        assert file.memory_of(CHF) == {}


def test_the_hash_in_the_order_is_that_of_the_whole_file() -> None:
    image = ppmid_file()
    assert Premises().order(image).image_hash == hashlib.sha256(image).digest()
