"""CS06 at a time: accepted now, carried out then, told by alert 0x00CA; or replaced, cancelled, dropped."""

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, MINUTE, Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.devices import UNHEALTHY_MARK
from hanota.wire.gbcs.crypto import signature_holds
from hanota.wire.gbcs.message import Message
from hanota.wire.gbcs.payload import (
    CANCELLED_AT,
    ActivateImageResponseCode,
    CommandAccepted,
    DatedActivation,
)
from hanota.wire.otaimage import GbImage
from helpers.meters import (
    ADDRESS,
    SIGNED_TYPES,
    SUPPLIER_2,
    activate,
    confirm,
    holding,
    meter_bench,
    outcome,
    payloads,
    read,
    running_version,
    signed_image,
    spoken,
    tell,
)
from helpers.nodes import Bench
from helpers.premises import NEW, NOW, OLD, SUPPLIER, keys

GOOD = signed_image()
BAD = signed_image(content=b"firmware " + UNHEALTHY_MARK)
HASH = GOOD.manufacturer_hash
TIME = Instant(NOW + 2 * HOUR)
Code = ActivateImageResponseCode
every_type = pytest.mark.parametrize("device_type", SIGNED_TYPES)


@pytest.fixture
def device() -> Bench:
    return holding(meter_bench(), GOOD)


def alerts(device: Bench) -> list[tuple[Message, DatedActivation]]:
    found = [read(octets) for octets in spoken(device)]
    return [(message, payload) for message, payload in found if isinstance(payload, DatedActivation)]


def pass_time(device: Bench, until: Instant) -> list[tuple[Message, DatedActivation]]:
    """Let all happen until an instant, the hub confirming what it hears; give the alerts of dated activations."""
    told = {}
    while (due := device.wake_at) is not None and due <= until:
        device.wake_at = None
        device.wake(max(due - device.now, 0))
        told |= {message.header.counter: (message, alert) for message, alert in alerts(device)}
        confirm(device)
    device.now = max(device.now, until)
    return list(told.values())


@every_type
def test_a_dated_command_is_accepted_obeyed_at_its_time_and_told_by_an_alert(device_type: DeviceType) -> None:
    image, address = signed_image(device_type), ADDRESS[device_type]
    device = holding(meter_bench(device_type), image)
    command = activate(image.manufacturer_hash, device=address, execution=TIME)
    ((response, accepted),) = [read(octets) for octets in tell(device, command)]
    assert accepted == CommandAccepted()
    assert len(response.header.date_time) == 12
    assert pass_time(device, Instant(TIME - 1)) == []
    assert running_version(device) == OLD
    ((message, alert),) = pass_time(device, Instant(TIME + HOUR))
    assert alert == DatedActivation(
        alert_code=AlertCode.FUTURE_DATED_COMMAND_DONE,
        at=TIME,
        originator_counter=1000,
        outcome=outcome(Code.SUCCESS, NEW),
    )
    assert (message.header.originator, message.header.recipient) == (address, SUPPLIER)
    assert signature_holds(message, keys().certificate(address, KeyUsage.DIGITAL_SIGNATURE).public_key)


def failing(image: GbImage | None, image_hash: bytes) -> Bench:
    device = holding(meter_bench(), image) if image is not None else meter_bench()
    tell(device, activate(image_hash, execution=TIME))
    return device


@pytest.mark.parametrize(
    ("image", "image_hash", "result"),
    [
        (None, HASH, Code.NO_IMAGE_HELD),
        (GOOD, bytes(32), Code.HASH_MISMATCH),
        (BAD, BAD.manufacturer_hash, Code.ACTIVATION_FAILURE),
    ],
)
def test_a_dated_command_that_fails_is_told_by_an_alert(image: GbImage | None, image_hash: bytes, result: Code) -> None:
    device = failing(image, image_hash)
    ((_, alert),) = pass_time(device, Instant(TIME + HOUR))
    assert (alert.alert_code, alert.outcome) == (AlertCode.FUTURE_DATED_COMMAND_FAILED, outcome(result, OLD))


def test_an_image_may_come_after_the_command_and_before_its_time() -> None:
    device = meter_bench()
    tell(device, activate(HASH, execution=TIME))
    holding(device, GOOD)
    ((_, alert),) = pass_time(device, Instant(TIME + HOUR))
    assert alert.outcome == outcome(Code.SUCCESS, NEW)


def test_a_time_that_has_passed_is_obeyed_at_once(device: Bench) -> None:
    answers = tell(device, activate(HASH, execution=Instant(NOW - DAY)))
    assert payloads(answers) == [CommandAccepted()]
    ((_, alert),) = pass_time(device, Instant(device.now + MINUTE))
    assert alert.outcome == outcome(Code.SUCCESS, NEW)


@pytest.mark.parametrize("off_ms", [0, DAY])
def test_a_dated_command_survives_restarts_and_is_made_up_for_when_the_power_was_off(
    device: Bench, off_ms: int
) -> None:
    tell(device, activate(HASH, execution=TIME))
    confirm(device)
    device.now = Instant(TIME - HOUR + off_ms)
    device.restart()
    device.wake()
    ((_, alert),) = pass_time(device, Instant(TIME + 2 * DAY))
    assert alert.outcome == outcome(Code.SUCCESS, NEW)


@pytest.mark.parametrize("restart", [False, True])
def test_a_cancelled_command_is_never_obeyed(device: Bench, restart: bool) -> None:
    tell(device, activate(HASH, 1000, execution=TIME))
    assert payloads(tell(device, activate(HASH, 1001, execution=CANCELLED_AT))) == [CommandAccepted()]
    if restart:
        device.restart()
        device.wake()
    assert pass_time(device, Instant(TIME + DAY)) == []
    assert running_version(device) == OLD
    assert device.node.banks.held is not None


def test_a_cancellation_of_nothing_is_accepted(device: Bench) -> None:
    assert payloads(tell(device, activate(HASH, execution=CANCELLED_AT))) == [CommandAccepted()]


def test_a_later_dated_command_takes_the_earlier_ones_place(device: Bench) -> None:
    tell(device, activate(bytes(32), 1000, execution=TIME))
    tell(device, activate(HASH, 1001, execution=Instant(TIME + HOUR)))
    ((_, alert),) = pass_time(device, Instant(TIME + DAY))
    assert (alert.originator_counter, alert.at) == (1001, TIME + HOUR)
    assert alert.outcome == outcome(Code.SUCCESS, NEW)


def test_after_an_immediate_activation_the_dated_one_is_still_told_of(device: Bench) -> None:
    tell(device, activate(HASH, 1000, execution=TIME))
    tell(device, activate(HASH, 1001))
    device.wake()
    assert running_version(device) == NEW
    ((_, alert),) = pass_time(device, Instant(TIME + DAY))
    assert (alert.originator_counter, alert.outcome) == (1000, outcome(Code.NO_IMAGE_HELD, NEW))


@pytest.mark.parametrize("successor", [SUPPLIER_2, None])
def test_what_a_former_supplier_dated_is_dropped(device: Bench, successor: Eui64 | None) -> None:
    tell(device, activate(HASH, execution=TIME))
    changed = meter_bench(supplier=successor, memory=device.memory)
    assert changed.noted("dated_activation_dropped")
    assert pass_time(changed, Instant(TIME + DAY)) == []
    assert running_version(changed) == OLD


def test_alerts_of_one_device_have_rising_counters(device: Bench) -> None:
    first = int.from_bytes(device.memory["counter"], "big")
    tell(device, activate(HASH, execution=TIME))
    ((message, _),) = pass_time(device, Instant(TIME + HOUR))
    assert message.header.counter > first
