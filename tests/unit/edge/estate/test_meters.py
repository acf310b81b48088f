"""From a signed order over a signed image to a signed command and back, frame by frame: ESME, GSME and HCALCS."""

from pathlib import Path

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, MINUTE, Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType
from hanota.edge.han.link import HanModel
from hanota.wan.inprocess import NetworkModel
from hanota.wire.gbcs.payload import (
    CANCELLED_AT,
    ActivateImageResponseCode,
    ActivationOutcome,
    CommandAccepted,
    DatedActivation,
    DistributionReceipt,
    VersionRead,
)
from hanota.wire.otaimage import GbImage, write_image
from hanota.wire.wan import ReceiptStatus
from helpers.meters import (
    ADDRESS,
    IMAGE_TYPE,
    SIGNED_TYPES,
    SUPPLIER_2,
    activate,
    ask_version,
    signed_image,
)
from helpers.nodes import GPF, HUB_VERSION
from helpers.premises import CHF, NEW, OLD, SUPPLIER, Premises

RESPONSIBLE = {DeviceType.ESME: SUPPLIER, DeviceType.GSME: SUPPLIER_2, DeviceType.HCALCS: SUPPLIER}
every_type = pytest.mark.parametrize("device_type", SIGNED_TYPES)
DONE = ActivationOutcome(result=ActivateImageResponseCode.SUCCESS, file_version=NEW)


def image_for(device_type: DeviceType) -> GbImage:
    return signed_image(device_type, signer=RESPONSIBLE[device_type], content=bytes(2_000))


def send_order(premises: Premises, device_type: DeviceType, image: GbImage) -> None:
    facts = {"device": ADDRESS[device_type], "device_type": device_type, "image_type": IMAGE_TYPE[device_type]}
    premises.send_order(premises.order(write_image(image), **facts))


def distributed(premises: Premises, device_type: DeviceType = DeviceType.ESME) -> GbImage:
    """Run until the device holds its image; give the image."""
    image = image_for(device_type)
    end = premises.now + DAY
    while ReceiptStatus.TRANSFERRED not in premises.statuses:
        assert premises.now < end
        if not premises.receipts:
            send_order(premises, device_type, image)
        premises.run(limit_ms=5 * MINUTE)
    return image


def command(
    image: GbImage,
    counter: int = 1000,
    *,
    device_type: DeviceType = DeviceType.ESME,
    execution: Instant | None = None,
) -> bytes:
    address, supplier = ADDRESS[device_type], RESPONSIBLE[device_type]
    return activate(image.manufacturer_hash, counter, device=address, supplier=supplier, execution=execution)


def send(premises: Premises, data: bytes, device: Eui64, until: type, count: int = 1) -> None:
    """Say it to the device, and again every few minutes, until it has answered."""
    for _ in range(100):
        premises.send_gbcs(data, device)
        again = premises.now + 5 * MINUTE
        while premises.now < again and premises.step():
            if len(premises.payloads(until)) >= count:
                return
    raise AssertionError(f"no {until.__name__}")


@every_type
def test_an_image_is_distributed_activated_and_its_version_read(device_type: DeviceType) -> None:
    premises, address = Premises(), ADDRESS[device_type]
    image = distributed(premises, device_type)
    told_by_hub = device_type is DeviceType.HCALCS
    receipts = [(told.alert_code, told.manufacturer_hash) for told in premises.payloads(DistributionReceipt)]
    assert receipts == ([] if told_by_hub else [(AlertCode.FIRMWARE_VERIFIED, image.manufacturer_hash)])
    assert len(premises.transfers) == told_by_hub
    assert premises.estate.node(address).banks.version == OLD
    send(premises, command(image, device_type=device_type), address, ActivationOutcome)
    assert premises.payloads(ActivationOutcome) == [DONE]
    send(premises, ask_version(device_type, address), address, VersionRead)
    assert [read.file_version for read in premises.versions_read] == [NEW]
    assert premises.activations == []


@pytest.mark.parametrize("seed", range(4))
def test_it_goes_well_through_a_lossy_air_and_a_bad_network(seed: int) -> None:
    model = NetworkModel(loss=0.2, duplication=0.1, jitter_ms=2_000)
    premises = Premises(han=HanModel(loss=0.2, duplication=0.05), wan_model=model, seed=seed)
    image = distributed(premises)
    send(premises, command(image), ADDRESS[DeviceType.ESME], ActivationOutcome)
    premises.run(lambda: premises.payloads(DistributionReceipt), limit_ms=HOUR)
    assert set(premises.payloads(ActivationOutcome)) == {DONE}


def test_an_image_of_another_supplier_is_refused_and_both_supplier_and_dcc_hear_of_it() -> None:
    premises = Premises()
    send_order(premises, DeviceType.ESME, signed_image(signer=SUPPLIER_2))
    premises.run(lambda: ReceiptStatus.TRANSFER_FAILED in premises.statuses)
    premises.run(lambda: premises.payloads(DistributionReceipt))
    (receipt,) = premises.payloads(DistributionReceipt)
    assert receipt.alert_code is AlertCode.FIRMWARE_VERIFICATION_FAILED
    assert premises.transfers == []


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_dated_activation_outlives_the_process_and_can_be_cancelled(cancelled: bool, tmp_path: Path) -> None:
    premises = Premises(path=tmp_path / "estate.sqlite")
    address = ADDRESS[DeviceType.ESME]
    image = distributed(premises)
    due = Instant(premises.now + DAY)
    send(premises, command(image, execution=due), address, CommandAccepted)
    premises.kill()
    if cancelled:
        send(premises, command(image, 1001, execution=CANCELLED_AT), address, CommandAccepted, count=2)
        premises.kill()
    premises.run(limit_ms=2 * DAY)
    outcomes = [(alert.outcome, alert.at) for alert in premises.payloads(DatedActivation)]
    assert outcomes == ([] if cancelled else [(DONE, due // 1000 * 1000)])
    assert premises.estate.node(address).banks.version == (OLD if cancelled else NEW)


@pytest.mark.parametrize("every", [5, 23])
def test_power_cuts_of_meter_and_hub_lose_nothing(every: int) -> None:
    premises, address = Premises(han=HanModel(loss=0.05)), ADDRESS[DeviceType.ESME]
    image = image_for(DeviceType.ESME)
    for step in range(1, 20_000):
        premises.step()
        if step % 40 == 1:
            if ReceiptStatus.TRANSFERRED not in premises.statuses:
                send_order(premises, DeviceType.ESME, image)
            else:
                premises.send_gbcs(command(image), address)
        if step % every == 0 and step < 1_000:
            victim = (address, CHF)[step // every % 2]
            premises.estate.reboot(victim, premises.now, off_ms=step % 3 * 500)
        if premises.payloads(ActivationOutcome) and premises.payloads(DistributionReceipt):
            break
    assert set(premises.payloads(ActivationOutcome)) == {DONE}


@pytest.mark.parametrize(("device_type", "address"), [(DeviceType.CHF, CHF), (DeviceType.GPF, GPF)])
def test_the_hubs_own_functions_tell_their_version(device_type: DeviceType, address: Eui64) -> None:
    premises = Premises()
    send(premises, ask_version(device_type, address), address, VersionRead)
    assert [read.file_version for read in premises.versions_read] == [HUB_VERSION]
