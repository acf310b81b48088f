"""Images that a Supplier signs: what ESME, GSME and HCALCS check, that they hold them, and what they tell (I2)."""

import dataclasses

import pytest

from hanota.base.instant import DAY
from hanota.base.vocabulary.devices import AlertCode, DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.gbcs.crypto import signature_holds
from hanota.wire.gbcs.message import MessageCode
from hanota.wire.gbcs.payload import DistributionReceipt
from hanota.wire.otaimage import GbImage, Tail, fit_header, read_image, write_image
from hanota.wire.zcl import ImageBlockResponse, OtaStatus, TransferData, UpgradeEndRequest, UpgradeEndResponse
from helpers.gbcs import certificate
from helpers.images import sample_esme
from helpers.meters import (
    ADDRESS,
    NEVER,
    SIGNED_TYPES,
    SUPPLIER_2,
    activate,
    confirm,
    fetch,
    holding,
    meter_bench,
    name_of,
    offer,
    read,
    running_version,
    serve,
    signed_image,
    spoken,
    tell,
)
from helpers.nodes import Bench
from helpers.premises import CHF, ESME, NEW, NOW, OLD, SUPPLIER, keys

every_type = pytest.mark.parametrize("device_type", SIGNED_TYPES)
meters = pytest.mark.parametrize("device_type", [DeviceType.ESME, DeviceType.GSME])


def ends(device: Bench) -> list[OtaStatus]:
    return [said.status for said in device.said if isinstance(said, UpgradeEndRequest)]


def receipts(device: Bench) -> list[DistributionReceipt]:
    return [read(octets)[1] for octets in spoken(device)]


@every_type
def test_an_image_that_its_supplier_signed_is_held_until_a_command(device_type: DeviceType) -> None:
    device, image = meter_bench(device_type), signed_image(device_type)
    fetch(device, image)
    assert ends(device) == [OtaStatus.SUCCESS]
    holding(device, image)
    assert device.node.banks.held == write_image(image)
    device.wake(400 * DAY)
    assert running_version(device) == OLD


@every_type
@pytest.mark.parametrize("upgrade_time", [0, 60])
def test_no_hub_makes_it_activate(device_type: DeviceType, upgrade_time: int) -> None:
    device, image = meter_bench(device_type), signed_image(device_type)
    fetch(device, image)
    device.hear(UpgradeEndResponse(*name_of(image), current_time=0, upgrade_time=upgrade_time), CHF)
    device.wake(DAY)
    assert (running_version(device), device.node.banks.held) == (OLD, write_image(image))


@meters
def test_a_meter_tells_its_supplier_the_hash_of_a_good_image(device_type: DeviceType) -> None:
    device, image = meter_bench(device_type), signed_image(device_type)
    fetch(device, image)
    ((message, receipt),) = [read(octets) for octets in spoken(device)]
    assert receipt == DistributionReceipt(
        alert_code=AlertCode.FIRMWARE_VERIFIED, at=NOW + 5_000, manufacturer_hash=image.manufacturer_hash
    )
    codes = {DeviceType.ESME: 0x00CE, DeviceType.GSME: 0x00CF}
    assert message.header.message_code is MessageCode(codes[device_type])
    assert (message.header.originator, message.header.recipient) == (ADDRESS[device_type], SUPPLIER)
    device_key = keys().certificate(ADDRESS[device_type], KeyUsage.DIGITAL_SIGNATURE).public_key
    assert signature_holds(message, device_key)


GOOD = signed_image()
OCTETS = write_image(GOOD)


def changed(place: int) -> bytes:
    """The good file with one bit at `place` (from its end if negative) changed."""
    octets = bytearray(OCTETS)
    octets[place] ^= 1
    return bytes(octets)


UNFIT = {
    "signed by another Supplier": write_image(signed_image(signer=SUPPLIER_2)),
    "signed by nobody": OCTETS[:-64] + bytes(64),
    "changed in its first octet": changed(60),
    "changed in its last octet": changed(-67),
    "its signature changed": changed(-1),
    "of another signature length": changed(-65),
    "for other hardware": write_image(signed_image(hardware_min=0x1112)),
    "of another version than offered": write_image(signed_image(version=NEW + 1)),
    "nothing but noise": bytes(len(OCTETS)),
}


@pytest.mark.parametrize("octets", UNFIT.values(), ids=UNFIT.keys())
def test_an_image_that_fails_a_check_is_refused_and_never_held(octets: bytes) -> None:
    device = meter_bench()
    fetch(device, GOOD, octets=octets)
    assert ends(device) == [OtaStatus.INVALID_IMAGE]
    assert device.node.banks.held is None
    assert "bank/1" not in device.memory
    (receipt,) = receipts(device)
    assert receipt.alert_code is AlertCode.FIRMWARE_VERIFICATION_FAILED


def test_an_image_without_a_tail_is_refused() -> None:
    device = meter_bench()
    header = fit_header(GOOD.header, len(GOOD.manufacturer_image), Tail.NONE)
    fetch(device, GbImage(header=header, manufacturer_image=GOOD.manufacturer_image))
    assert ends(device) == [OtaStatus.INVALID_IMAGE]


def test_the_receipt_of_a_refused_image_carries_the_hash_that_the_meter_computed() -> None:
    device, image = meter_bench(), signed_image(signer=SUPPLIER_2)
    fetch(device, image)
    assert [receipt.manufacturer_hash for receipt in receipts(device)] == [image.manufacturer_hash]


def test_the_signature_covers_neither_header_nor_force_replace() -> None:
    """GBCS 11.2.2: it is over the Manufacturer Image alone, and ForceReplace speaks to the hub."""
    device = meter_bench()
    fetch(device, signed_image(force_replace=1, label=b"other".ljust(32)))
    assert ends(device) == [OtaStatus.SUCCESS]


def test_the_industrys_sample_image_passes_under_its_suppliers_certificate() -> None:
    device = meter_bench(
        supplier=None,
        credentials=dataclasses.replace(
            meter_bench().node._identity.credentials, supplier=certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE)
        ),
    )
    image = read_image(sample_esme(), Tail.SIGNED)
    fetch(device, image)
    assert ends(device) == [OtaStatus.SUCCESS]
    assert [receipt.manufacturer_hash for receipt in receipts(device)] == [image.manufacturer_hash]


def test_an_hcalcs_leaves_the_telling_to_its_hub() -> None:
    for signer in (SUPPLIER, SUPPLIER_2):
        device = meter_bench(DeviceType.HCALCS)
        fetch(device, signed_image(DeviceType.HCALCS, signer=signer))
        assert spoken(device) == []


def test_a_device_without_a_supplier_takes_no_image_and_tells_nobody() -> None:
    device = meter_bench(supplier=None)
    fetch(device, GOOD)
    assert ends(device) == [OtaStatus.INVALID_IMAGE]
    assert spoken(device) == []


def test_a_receipt_is_repeated_over_restarts_until_the_hub_confirms_it() -> None:
    device = meter_bench()
    fetch(device, GOOD)
    first = spoken(device)
    device.restart()
    device.wake()
    assert spoken(device) == first
    confirm(device)
    device.restart()
    device.wake()
    assert spoken(device) == []


def test_a_newer_image_takes_the_place_of_the_one_that_is_held() -> None:
    device = holding(meter_bench(), GOOD)
    newer = signed_image(version=NEW + 1)
    holding(device, newer)
    assert device.node.banks.held == write_image(newer)
    assert [running_version(device), len(receipts(device))] == [OLD, 0]


def test_a_refused_image_leaves_the_held_one_alone() -> None:
    device = holding(meter_bench(), GOOD)
    fetch(device, signed_image(version=NEW + 1, signer=SUPPLIER_2))
    assert device.node.banks.held == write_image(GOOD)


def test_a_download_that_is_stopped_leaves_the_held_image_alone() -> None:
    device = holding(meter_bench(), GOOD)
    newer = signed_image(version=NEW + 1, content=bytes(1000))
    offer(device, newer)
    serve(device, newer, 0, 500)
    device.hear(ImageBlockResponse(OtaStatus.ABORT), CHF, sequence=device.sequences[-1])
    assert device.node.banks.held == write_image(GOOD)


def test_an_image_cancelled_after_its_last_block_is_not_held() -> None:
    device = meter_bench()
    fetch(device, GOOD)
    end = next(s for s, said in zip(device.sequences, device.said, strict=True) if isinstance(said, UpgradeEndRequest))
    device.hear(ImageBlockResponse(OtaStatus.ABORT), CHF, sequence=end)
    assert device.node.banks.held is None
    device.restart()
    assert device.node.banks.held is None


def test_the_image_that_ran_before_is_not_held_and_cannot_come_back_by_a_command() -> None:
    device = holding(meter_bench(), GOOD)
    tell(device, activate(GOOD.manufacturer_hash))
    device.wake()
    assert (running_version(device), device.node.banks.held) == (NEW, None)
    old = signed_image(version=OLD)
    ((_, outcome),) = [read(octets) for octets in tell(device, activate(old.manufacturer_hash, 1001))]
    assert (outcome.result, outcome.file_version) == (1, NEW)


def test_a_download_that_ends_after_a_newer_version_was_activated_is_refused() -> None:
    device = meter_bench()
    newest, between = signed_image(version=NEW + 1), signed_image(content=bytes(1000))
    holding(device, newest)
    offer(device, between)
    serve(device, between, 0, 500)
    tell(device, activate(newest.manufacturer_hash))
    device.wake()
    assert running_version(device) == NEW + 1
    serve(device, between, 500)
    assert ends(device) == [OtaStatus.INVALID_IMAGE]
    assert device.noted("image_checked")[0].facts["unfit"] == "no downgrade"


def test_the_hub_is_told_of_an_image_again_after_a_command_came_first() -> None:
    """The hub's answer to the end of the download was lost, the Supplier's command was not."""
    device = meter_bench()
    fetch(device, GOOD)
    tell(device, activate(GOOD.manufacturer_hash))
    device.wake()
    assert running_version(device) == NEW
    assert ends(device) == [OtaStatus.SUCCESS]
    device.hear(UpgradeEndResponse(*name_of(GOOD), current_time=0, upgrade_time=NEVER), CHF)
    assert [said for said in device.said if not isinstance(said, TransferData)] == []
    assert running_version(device) == NEW


def test_a_held_image_outlives_a_restart_and_can_be_activated_then() -> None:
    device = holding(meter_bench(), GOOD)
    device.restart()
    device.wake()
    assert tell(device, activate(GOOD.manufacturer_hash, device=ESME)) == []
    device.wake()
    assert running_version(device) == NEW
