"""CS06: whose command a device obeys, once, and what the Supplier hears of it (I2, I3, I9; domain 4.4)."""

import dataclasses

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.devices import UNHEALTHY_MARK
from hanota.edge.devices.banks import TRIAL_BOOTS_MAX
from hanota.wire.gbcs.build import activate_pre_command, sign_pre_command
from hanota.wire.gbcs.crypto import seal, sign_message, signature_holds
from hanota.wire.gbcs.message import Cra, Message, MessageCode, read_message, write_message
from hanota.wire.gbcs.payload import (
    CANCELLED_AT,
    ActivateFirmware,
    ActivateImageResponseCode,
    write_payload,
)
from helpers.meters import (
    ADDRESS,
    GSME,
    SIGNED_TYPES,
    SUPPLIER_2,
    activate,
    ask_version,
    confirm,
    holding,
    meter_bench,
    no_image,
    outcome,
    payloads,
    read,
    running_version,
    sealed,
    signed_image,
    spoken,
    supplier_key,
    tell,
)
from helpers.nodes import Bench, device_bench
from helpers.premises import ACB, CHF, DCC, ESME, NEW, NOW, OLD, PPMID, SUPPLIER, keys

GOOD = signed_image()
BAD = signed_image(content=b"firmware " + UNHEALTHY_MARK)
HASH = GOOD.manufacturer_hash
TIME = Instant(NOW + 2 * HOUR)
Code = ActivateImageResponseCode
every_type = pytest.mark.parametrize("device_type", SIGNED_TYPES)


@pytest.fixture
def device() -> Bench:
    return holding(meter_bench(), GOOD)


# --- at once ------------------------------------------------------------------------------------------------------


@every_type
def test_an_immediate_command_is_answered_after_the_trial_with_the_version_that_runs(device_type: DeviceType) -> None:
    image, address = signed_image(device_type), ADDRESS[device_type]
    device = holding(meter_bench(device_type), image)
    assert tell(device, activate(image.manufacturer_hash, device=address)) == []
    assert device.noted("boot")
    device.wake()
    ((message, payload),) = [read(octets) for octets in spoken(device)]
    assert payload == outcome(Code.SUCCESS, NEW)
    assert running_version(device) == NEW
    header = message.header
    assert (header.cra, header.counter, header.message_code) == (Cra.RESPONSE, 1000, 0x0012)
    assert (header.originator, header.recipient) == (address, SUPPLIER)
    assert header.date_time[:4] == bytes.fromhex("07EA010F")
    assert signature_holds(message, keys().certificate(address, KeyUsage.DIGITAL_SIGNATURE).public_key)


def test_an_image_that_fails_its_trial_is_answered_with_the_version_that_runs_again() -> None:
    device = holding(meter_bench(), BAD)
    tell(device, activate(BAD.manufacturer_hash))
    device.wake()
    assert spoken(device) == []
    device.wake()
    assert payloads(spoken(device)) == [outcome(Code.ACTIVATION_FAILURE, OLD)]
    assert payloads(tell(device, activate(BAD.manufacturer_hash, 1001))) == [outcome(Code.NO_IMAGE_HELD, OLD)]


def test_an_image_that_never_comes_to_its_self_test_is_answered_as_failed(device: Bench) -> None:
    tell(device, activate(HASH))
    for _ in range(TRIAL_BOOTS_MAX):
        device.restart()
    device.wake()
    device.wake()
    assert payloads(spoken(device)) == [outcome(Code.ACTIVATION_FAILURE, OLD)]


def test_without_an_image_the_answer_says_so_at_once() -> None:
    device = meter_bench()
    assert payloads(tell(device, activate(HASH))) == [outcome(Code.NO_IMAGE_HELD, OLD)]


def test_a_command_for_another_image_activates_none(device: Bench) -> None:
    assert payloads(tell(device, activate(bytes(32)))) == [outcome(Code.HASH_MISMATCH, OLD)]
    assert device.node.banks.held is not None
    tell(device, activate(HASH, 1001))
    device.wake()
    assert running_version(device) == NEW


def test_the_hash_is_computed_anew_and_what_decayed_in_memory_is_not_activated(device: Bench) -> None:
    decayed = bytearray(device.memory["bank/1"])
    decayed[70] ^= 1
    device.memory["bank/1"] = bytes(decayed)
    device.restart()
    device.wake()
    assert payloads(tell(device, activate(HASH))) == [outcome(Code.NO_IMAGE_HELD, OLD)]
    assert running_version(device) == OLD


def test_what_decayed_into_no_image_at_all_is_not_activated(device: Bench) -> None:
    device.memory["bank/1"] = b"?"
    device.restart()
    device.wake()
    assert payloads(tell(device, activate(HASH))) == [outcome(Code.NO_IMAGE_HELD, OLD)]


def test_the_answer_after_the_trial_is_repeated_over_restarts_until_the_hub_confirms_it(device: Bench) -> None:
    tell(device, activate(HASH))
    device.wake()
    first = spoken(device)
    no_image(device)
    device.wake()
    assert spoken(device) == first
    device.restart()
    device.wake()
    assert spoken(device) == first
    confirm(device)
    no_image(device)
    device.wake(HOUR)
    assert spoken(device) == []


# --- once ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("execution", [None, TIME, CANCELLED_AT], ids=["now", "dated", "cancel"])
def test_the_last_command_again_gets_the_same_octets_again(execution: Instant | None, restart: bool) -> None:
    device = holding(meter_bench(), GOOD)
    command = activate(HASH, execution=execution)
    first = tell(device, command)
    if execution is None:
        device.wake()
        first = spoken(device)
        confirm(device)
    before = dict(device.memory)
    if restart:
        device.restart()
        device.wake()
    assert tell(device, command) == first
    assert len(first) == 1
    assert device.memory == before


def test_the_last_command_again_does_nothing_while_it_is_being_obeyed(device: Bench) -> None:
    tell(device, activate(HASH))
    device.restart()
    assert tell(device, activate(HASH)) == []
    device.wake()
    assert running_version(device) == NEW


@pytest.mark.parametrize("counter", [999, 1000])
def test_a_counter_that_does_not_rise_is_a_replay(device: Bench, counter: int) -> None:
    tell(device, activate(bytes(32), 1000))
    assert tell(device, activate(HASH, counter)) == []
    assert "replay" in str(device.noted("gbcs_refused")[0].facts["error"])
    device.restart()
    device.wake()
    assert tell(device, activate(HASH, counter)) == []
    assert running_version(device) == OLD


def test_each_originator_counts_for_itself(device: Bench) -> None:
    tell(device, activate(bytes(32), 1000))
    assert len(tell(device, ask_version(DeviceType.ESME, ESME, 5))) == 1
    assert len(tell(device, activate(bytes(32), 1001))) == 1
    assert len(tell(device, ask_version(DeviceType.ESME, ESME, 6))) == 1
    assert tell(device, ask_version(DeviceType.ESME, ESME, 5)) == []


# --- whose --------------------------------------------------------------------------------------------------------


def signed_by_another_key() -> bytes:
    bare = activate_pre_command(supplier=SUPPLIER, device=ESME, counter=1000, manufacturer_hash=HASH, execution=None)
    return sealed(write_message(sign_message(read_message(bare), supplier_key(SUPPLIER_2).key)))


def resealed(message: Message, sealer: Eui64 | None = None) -> bytes:
    """A message under a MAC of the ACB, or of a device that would like to be it."""
    bare = dataclasses.replace(message, mac=None)
    key = keys().credential(DCC, KeyUsage.KEY_AGREEMENT, ACB) if sealer is None else None
    key = key or keys().credential(sealer, KeyUsage.KEY_AGREEMENT)
    return write_message(seal(bare, key.key, keys().certificate(ESME, KeyUsage.KEY_AGREEMENT).public_key))


def with_header(**changes: object) -> bytes:
    message = read_message(activate(HASH))
    header = dataclasses.replace(message.header, **changes)
    bare = dataclasses.replace(message, header=header, signature=b"", mac=None)
    return resealed(sign_message(bare, supplier_key().key))


def with_other_counter_inside() -> bytes:
    message = read_message(activate(HASH))
    payload = write_payload(ActivateFirmware(manufacturer_hash=HASH, originator_counter=7), message.header)
    return resealed(
        sign_message(dataclasses.replace(message, payload=payload, signature=b"", mac=None), supplier_key().key)
    )


def changed(place: int) -> bytes:
    octets = bytearray(activate(HASH))
    octets[place] ^= 1
    return bytes(octets)


FORGED = {
    "another Supplier's": activate(HASH, supplier=SUPPLIER_2),
    "signed with another key": signed_by_another_key(),
    "not signed": resealed(dataclasses.replace(read_message(activate(HASH)), signature=b"")),
    "without a MAC": sign_pre_command(
        activate_pre_command(supplier=SUPPLIER, device=ESME, counter=1000, manufacturer_hash=HASH, execution=None),
        supplier_key(),
    ),
    "sealed by a device": resealed(read_message(activate(HASH)), CHF),
    "for another device": activate(HASH, device=GSME),
    "for another device, sealed for this": with_header(recipient=GSME),
    "a response": with_header(cra=Cra.RESPONSE),
    "an alert": with_header(cra=Cra.ALERT),
    "in the broker's name": with_header(originator=DCC),
    "of a use case for gas": with_header(message_code=MessageCode.GCS38_READ_FIRMWARE_VERSION),
    "of two counters": with_other_counter_inside(),
    "with more other information": with_header(
        supplementary_party=SUPPLIER, supplementary_counter=1, supplementary_rest=bytes(90)
    ),
    "a bit of its MAC changed": changed(-1),
    "a bit of its signature changed": changed(-20),
    "a bit of its hash changed": changed(55),
}


@pytest.mark.parametrize("command", FORGED.values(), ids=FORGED.keys())
def test_a_command_that_is_not_its_suppliers_through_the_broker_changes_nothing(device: Bench, command: bytes) -> None:
    before = dict(device.memory)
    assert tell(device, command) == []
    assert device.noted("gbcs_refused")
    assert device.memory == before
    tell(device, activate(HASH))
    device.wake()
    assert running_version(device) == NEW


def test_a_device_without_a_supplier_obeys_nobody() -> None:
    device = meter_bench(supplier=None)
    assert tell(device, activate(HASH)) == []


def test_a_ppmid_takes_no_such_command() -> None:
    device = device_bench()
    device.wake()
    assert tell(device, activate(HASH, device=PPMID)) == []
    assert device.noted("gbcs_refused")[0].facts["error"] == "not one that this device takes"


def test_after_a_change_of_supplier_the_image_of_the_old_one_is_not_held() -> None:
    """Domain 7.5: the command must be signed by the party that the image came from, so it is to be sent anew."""
    old = holding(meter_bench(), GOOD)
    device = meter_bench(supplier=SUPPLIER_2, memory=old.memory)
    assert tell(device, activate(HASH)) == []
    assert payloads(tell(device, activate(HASH, supplier=SUPPLIER_2))) == [outcome(Code.NO_IMAGE_HELD, OLD)]
    anew = signed_image(signer=SUPPLIER_2)
    holding(device, anew)
    tell(device, activate(HASH, 1001, supplier=SUPPLIER_2))
    device.wake()
    assert running_version(device) == NEW
