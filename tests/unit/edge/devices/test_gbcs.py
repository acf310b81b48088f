"""The GBCS application of a device: alerts until taken, answers to the ACB alone, replays refused (I9)."""

import dataclasses

import pytest

from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.devices.banks import Banks
from hanota.edge.devices.gbcs import GbcsApplication
from hanota.edge.effects import Store, Turn
from hanota.wire.gbcs.crypto import mac_holds, seal
from hanota.wire.gbcs.message import Cra, MessageCode, read_message, write_message
from hanota.wire.gbcs.payload import VersionRead, read_payload
from hanota.wire.zcl import TUNNELING_CLUSTER, TransferData
from helpers import meters
from helpers.messages import activation, read_version
from helpers.meters import ADDRESS, ask_version, meter_bench
from helpers.nodes import Bench, device_bench
from helpers.premises import ACB, CHF, DCC, NOW, OLD, PPMID, SUPPLIER, keys


@pytest.fixture
def device() -> Bench:
    device = device_bench()
    device.wake()
    return device


def tell(device: Bench, data: bytes, sequence: int = 5) -> list[bytes]:
    said = device.hear(TransferData(0, data), CHF, sequence=sequence, cluster=TUNNELING_CLUSTER)
    return [command.data for command in said if isinstance(command, TransferData)]


def test_the_acb_is_told_the_version_under_a_mac(device: Bench) -> None:
    (answer,) = tell(device, read_version(100))
    message = read_message(answer)
    assert read_payload(message) == VersionRead(file_version=OLD, response_code=0)
    assert (message.header.cra, message.header.counter) == (Cra.RESPONSE, 100)
    acb = keys().credential(DCC, KeyUsage.KEY_AGREEMENT, ACB).key
    assert mac_holds(message, acb, keys().certificate(PPMID, KeyUsage.KEY_AGREEMENT).public_key)


def test_the_same_command_gets_the_same_answer_also_after_a_restart(device: Bench) -> None:
    first = tell(device, read_version(100))
    assert tell(device, read_version(100)) == first
    device.restart()
    device.wake()
    assert tell(device, read_version(100)) == first


def test_an_older_command_is_a_replay(device: Bench) -> None:
    tell(device, read_version(100))
    assert tell(device, read_version(99)) == []
    assert "replay" in str(device.noted("gbcs_refused")[0].facts["error"])


def forged_mac() -> bytes:
    message = read_message(read_version(100))
    return write_message(dataclasses.replace(message, mac=bytes(12)))


def sealed_by_a_device() -> bytes:
    message = dataclasses.replace(read_message(read_version(100)), mac=None)
    other = keys().credential(CHF, KeyUsage.KEY_AGREEMENT).key
    return write_message(seal(message, other, keys().certificate(PPMID, KeyUsage.KEY_AGREEMENT).public_key))


def for_another() -> bytes:
    message = read_message(read_version(100))
    return write_message(dataclasses.replace(message, header=dataclasses.replace(message.header, recipient=CHF)))


def of_another_use_case() -> bytes:
    message = read_message(read_version(100))
    header = dataclasses.replace(message.header, message_code=MessageCode.CS06_ACTIVATE_FIRMWARE)
    bare = dataclasses.replace(message, header=header, mac=None)
    acb = keys().credential(DCC, KeyUsage.KEY_AGREEMENT, ACB).key
    return write_message(seal(bare, acb, keys().certificate(PPMID, KeyUsage.KEY_AGREEMENT).public_key))


@pytest.mark.parametrize("make", [forged_mac, sealed_by_a_device, for_another, of_another_use_case])
def test_what_the_acb_did_not_ask_of_this_device_is_not_answered(device: Bench, make: object) -> None:
    assert tell(device, make()) == []
    assert device.noted("gbcs_refused")
    assert not [key for key in device.memory if key.startswith("answered/")]


@pytest.mark.parametrize(
    ("device_type", "code"), [(DeviceType.ESME, 0x0059), (DeviceType.GSME, 0x0084), (DeviceType.HCALCS, 0x0129)]
)
def test_each_type_tells_its_version_in_its_own_use_case(device_type: DeviceType, code: int) -> None:
    address = ADDRESS[device_type]
    device = meter_bench(device_type)
    (answer,) = meters.tell(device, ask_version(device_type, address))
    message = read_message(answer)
    assert read_payload(message) == VersionRead(file_version=OLD, response_code=0)
    header = message.header
    assert (header.message_code, header.counter, header.recipient) == (code, 100, DCC)
    assert (header.supplementary_party, header.supplementary_counter) == (SUPPLIER, 7)
    acb = keys().credential(DCC, KeyUsage.KEY_AGREEMENT, ACB).key
    assert mac_holds(message, acb, keys().certificate(address, KeyUsage.KEY_AGREEMENT).public_key)
    device.restart()
    device.wake()
    assert meters.tell(device, ask_version(device_type, address)) == [answer]


@pytest.mark.parametrize("other", [DeviceType.PPMID, DeviceType.GSME])
def test_a_read_in_another_types_use_case_is_not_answered(other: DeviceType) -> None:
    device = meter_bench(DeviceType.ESME)
    assert tell(device, ask_version(other, ADDRESS[DeviceType.ESME])) == []
    assert device.noted("gbcs_refused")


@pytest.mark.parametrize("data", [b"nonsense", activation(1)])
def test_what_is_no_command_is_not_answered(device: Bench, data: bytes) -> None:
    assert tell(device, data) == []
    assert device.noted("gbcs_refused")


class Alone:
    """The application without its device, to raise alerts at will."""

    def __init__(self) -> None:
        identity = device_bench().node._identity
        self.memory: dict[str, bytes] = {}
        banks = Banks(identity.factory_image, {})
        self.make = lambda: GbcsApplication(identity, identity.credentials, banks, dict(self.memory))
        self.app = self.make()
        self.now = NOW

    def turn(self, do: object) -> list[object]:
        turn = Turn(self.now)
        do(turn)
        for effect in turn.effects:
            if isinstance(effect, Store):
                self.memory.update({effect.key: effect.value}) if effect.value else self.memory.pop(effect.key)
        return [effect for effect in turn.effects if type(effect).__name__ == "SendHan"]


def test_an_alert_is_repeated_ever_later_until_the_hub_confirms_it() -> None:
    alone = Alone()
    alone.turn(lambda turn: alone.app.end_trial(True, turn))
    waits = []
    for _ in range(10):
        alone.now = alone.app.due
        before = alone.now
        assert len(alone.turn(alone.app.do_due)) == 1
        waits.append((alone.app.due - before) // 1000)
    assert waits == [3, 6, 12, 24, 48, 96, 192, 384, 600, 600]
    alone.turn(lambda turn: alone.app.on_transfer(9, b"", turn))
    assert alone.app.due is not None
    alone.turn(lambda turn: alone.app.on_transfer(2, b"", turn))
    assert alone.app.due is None
    assert not [key for key in alone.memory if key.startswith("alert/")]


def test_alerts_go_in_order_with_rising_counters_over_restarts() -> None:
    alone = Alone()
    counters = []
    for _ in range(3):
        alone.turn(lambda turn: alone.app.end_trial(True, turn))
        alone.app = alone.make()
    alone.turn(alone.app.start)
    for number in range(1, 4):
        counters.append(int(next(key for key in sorted(alone.memory) if key.startswith("alert/")).split("/")[1], 16))
        alone.turn(lambda turn, number=number: alone.app.on_transfer(1 + number, b"", turn))
    assert counters == [1, 2, 3]
    assert alone.app.due is None


def test_a_confirmation_of_nothing_changes_nothing() -> None:
    alone = Alone()
    assert alone.turn(lambda turn: alone.app.on_transfer(0, b"", turn)) == []
