"""Activation: the new image on trial, the old one ready to come back, and what the ACB hears of it (I2, I10)."""

from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.app.pki import draw_key
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.devices import UNHEALTHY_MARK
from hanota.edge.devices.banks import TRIAL_BOOTS_MAX, Banks
from hanota.edge.effects import Turn
from hanota.model.policies import HanPolicy, Policies
from hanota.model.profiles import PROFILES
from hanota.wire.gbcs.crypto import signature_holds
from hanota.wire.gbcs.message import Message, read_message
from hanota.wire.gbcs.payload import ActivationAlert, ActivationResult, read_payload
from hanota.wire.otaimage import read_header, sign_maker
from hanota.wire.zcl import (
    ImageBlockResponse,
    ImageNotify,
    OtaStatus,
    QueryNextImageResponse,
    TransferData,
    UpgradeEndRequest,
    UpgradeEndResponse,
)
from helpers.nodes import Bench, device_bench
from helpers.premises import CHF, DCC, NEW, NOW, OLD, PPMID, keys, ppmid_file

NAME = (0x121D, 0x0084, NEW)
GOOD = ppmid_file(230)
BAD = ppmid_file(content=b"firmware " + UNHEALTHY_MARK)
FAST = Policies(han=HanPolicy(block_octets=250, min_block_period_ms=0))


def fetched(image: bytes, **facts: object) -> Bench:
    """A device that has fetched `image` and said how it found it."""
    device = device_bench(FAST, **facts)
    device.wake()
    device.hear(ImageNotify(100, *NAME), CHF)
    device.hear(QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(image)), CHF)
    for offset in range(0, len(image), 250):
        device.hear(ImageBlockResponse(OtaStatus.SUCCESS, *NAME, offset, image[offset : offset + 250]), CHF)
    return device


def activating(image: bytes) -> Bench:
    device = fetched(image)
    device.hear(UpgradeEndResponse(*NAME, current_time=0, upgrade_time=0), CHF)
    return device


def alerts(device: Bench) -> list[tuple[Message, ActivationAlert]]:
    messages = [read_message(said.data) for said in device.said if isinstance(said, TransferData)]
    return [(message, read_payload(message)) for message in messages]


def running_version(device: Bench) -> int:
    factory = ppmid_file(500, version=OLD)
    return read_header(Banks(factory, device.memory).running).file_version


def test_a_healthy_image_stays_and_is_reported() -> None:
    device = activating(GOOD)
    device.wake()
    assert device.noted("activated")
    ((message, alert),) = alerts(device)
    assert (alert.file_version, alert.result, alert.alert_code) == (NEW, ActivationResult.SUCCESS, 0x8F8B)
    assert (message.header.originator, message.header.recipient) == (PPMID, DCC)
    assert signature_holds(message, keys().certificate(PPMID, KeyUsage.DIGITAL_SIGNATURE).public_key)
    assert running_version(device) == NEW


def test_an_unhealthy_image_is_left_for_the_old_one_which_is_reported() -> None:
    device = activating(BAD)
    device.wake()
    assert device.noted("fell_back")
    assert alerts(device) == []
    device.wake()
    ((_, alert),) = alerts(device)
    assert (alert.file_version, alert.result) == (OLD, ActivationResult.FAILURE)
    assert running_version(device) == OLD


def test_an_image_that_never_comes_to_its_self_test_is_left_after_some_boots() -> None:
    device = activating(GOOD)
    for _ in range(TRIAL_BOOTS_MAX):
        device.restart()
        assert running_version(device) == NEW
    device.wake()
    assert device.noted("fell_back")
    assert running_version(device) == OLD


@pytest.mark.parametrize(("image", "ends_with"), [(GOOD, NEW), (BAD, OLD)])
@pytest.mark.parametrize("calls", range(6))
def test_power_may_go_after_any_call_and_the_end_is_the_same(image: bytes, ends_with: int, calls: int) -> None:
    device = activating(image)
    for _ in range(calls):
        device.wake()
        assert running_version(device) in (OLD, NEW)
    device.restart()
    for _ in range(4):
        device.wake()
    assert running_version(device) == ends_with
    assert "trial" not in device.memory
    assert len([key for key in device.memory if key.startswith("alert/")]) == 1


def test_the_next_image_goes_into_the_bank_that_no_longer_boots() -> None:
    device = activating(GOOD)
    device.wake()
    name = (0x121D, 0x0084, NEW + 1)
    image = ppmid_file(230, version=NEW + 1)
    device.hear(ImageNotify(100, *name), CHF)
    device.hear(QueryNextImageResponse(OtaStatus.SUCCESS, *name, len(image)), CHF)
    device.hear(ImageBlockResponse(OtaStatus.SUCCESS, *name, 0, image), CHF)
    assert (device.memory["bank/0"], device.memory["bank/1"]) == (image, GOOD)
    device.hear(UpgradeEndResponse(*name, current_time=0, upgrade_time=0), CHF)
    device.wake()
    assert running_version(device) == NEW + 1


def test_an_offer_during_the_trial_is_not_heard() -> None:
    device = activating(GOOD)
    assert device.hear(ImageNotify(100, *NAME), CHF) == []


def test_a_bank_that_boots_is_never_written_during_a_trial() -> None:
    banks = Banks(GOOD, {})
    turn = Turn(NOW)
    banks.write_spare(BAD, turn)
    banks.switch(turn)
    with pytest.raises(AssertionError):
        banks.write_spare(GOOD, turn)


MAKER_KEY = draw_key(Random(3))


@pytest.mark.parametrize(
    ("signer", "status"),
    [(MAKER_KEY, OtaStatus.SUCCESS), (draw_key(Random(4)), OtaStatus.INVALID_IMAGE), (None, OtaStatus.INVALID_IMAGE)],
    ids=["maker", "another", "nobody"],
)
def test_a_model_with_a_makers_key_takes_only_what_its_maker_signed(
    signer: ec.EllipticCurvePrivateKey | None, status: OtaStatus
) -> None:
    content = b"firmware" if signer is None else sign_maker(b"firmware", DCC, signer)
    device = fetched(ppmid_file(content=content), maker_key=MAKER_KEY.public_key())
    assert device.said == [UpgradeEndRequest(status, *NAME)]


def test_a_display_without_gbcs_credentials_updates_without_reporting() -> None:
    device = fetched(GOOD, credentials=None, profile=PROFILES[DeviceType.IHD])
    device.hear(UpgradeEndResponse(*NAME, current_time=0, upgrade_time=0), CHF)
    device.wake()
    assert running_version(device) == NEW
    assert not any(isinstance(said, TransferData) for said in device.said)
    assert device.hear(TransferData(0, b"x"), CHF, cluster=0x0704) == []


def test_a_device_outside_ota_hears_no_offer() -> None:
    device = device_bench(profile=PROFILES[DeviceType.CAD], credentials=None)
    device.wake()
    assert device.hear(ImageNotify(100), CHF) == []
