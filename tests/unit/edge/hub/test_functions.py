"""A hub's own two functions answer reads of their version: ECS52 the one, GCS38 the other."""

import pytest

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.hub.outbox import UPLINKS_MAX
from hanota.wire.gbcs.crypto import mac_holds
from hanota.wire.gbcs.message import Cra, read_message
from hanota.wire.gbcs.payload import VersionRead, read_payload
from hanota.wire.wan import Acknowledge, GbcsDown, GbcsUp
from helpers.meters import activate, ask_version
from helpers.nodes import GPF, HUB_VERSION, Bench, hub_bench
from helpers.premises import ACB, CHF, DCC, SUPPLIER, keys

BOTH = [(DeviceType.CHF, CHF, 0x0059), (DeviceType.GPF, GPF, 0x0084)]
both = pytest.mark.parametrize(("device_type", "address", "code"), BOTH)


@pytest.fixture
def hub() -> Bench:
    return hub_bench()


def told(hub: Bench, data: bytes, address: Eui64) -> list[bytes]:
    hub.wan(GbcsDown(message=1, device=address, data=data))
    return [report.data for report in hub.reports if isinstance(report, GbcsUp)]


@both
def test_each_function_tells_the_hubs_version(hub: Bench, device_type: DeviceType, address: Eui64, code: int) -> None:
    (answer,) = told(hub, ask_version(device_type, address), address)
    message = read_message(answer)
    assert read_payload(message) == VersionRead(file_version=HUB_VERSION, response_code=0)
    header = message.header
    assert (header.cra, header.message_code, header.counter) == (Cra.RESPONSE, code, 100)
    assert (header.originator, header.recipient, header.supplementary_party) == (address, DCC, SUPPLIER)
    acb = keys().credential(DCC, KeyUsage.KEY_AGREEMENT, ACB).key
    assert mac_holds(message, acb, keys().certificate(address, KeyUsage.KEY_AGREEMENT).public_key)
    assert hub.said == []


@both
@pytest.mark.parametrize("restart", [False, True])
def test_the_same_read_gets_the_same_octets_again(
    hub: Bench, device_type: DeviceType, address: Eui64, code: int, restart: bool
) -> None:
    command = ask_version(device_type, address)
    first = told(hub, command, address)
    hub.wan(Acknowledge(event=hub.uplinks[0].event))
    if restart:
        hub.restart()
    assert told(hub, command, address) == first
    assert told(hub, ask_version(device_type, address, 99), address) == []
    assert len(told(hub, ask_version(device_type, address, 101), address)) == 1


def test_the_two_functions_count_apart(hub: Bench) -> None:
    for device_type, address, _ in BOTH:
        assert len(told(hub, ask_version(device_type, address, 7), address)) == 1


@pytest.mark.parametrize(
    ("device_type", "named", "sent_to"),
    [(DeviceType.GPF, CHF, CHF), (DeviceType.CHF, GPF, GPF), (DeviceType.CHF, CHF, GPF), (DeviceType.PPMID, CHF, CHF)],
)
def test_a_read_that_is_not_for_the_function_is_refused(
    hub: Bench, device_type: DeviceType, named: Eui64, sent_to: Eui64
) -> None:
    assert told(hub, ask_version(device_type, named), sent_to) == []
    assert hub.noted("gbcs_refused")


@pytest.mark.parametrize("data", [b"", b"\xdf nonsense", ask_version(DeviceType.CHF, CHF)[:-1] + b"\0"])
def test_what_the_acb_did_not_say_is_refused(hub: Bench, data: bytes) -> None:
    assert told(hub, data, CHF) == []
    assert hub.noted("gbcs_refused")


def test_a_hub_whose_outbox_is_full_is_asked_again_later(hub: Bench) -> None:
    for counter in range(UPLINKS_MAX):
        hub.wan(GbcsDown(message=counter, device=CHF, data=ask_version(DeviceType.CHF, CHF, counter)))
    late = ask_version(DeviceType.CHF, CHF, UPLINKS_MAX)
    assert told(hub, late, CHF) == []
    hub.wan(Acknowledge(event=1))
    hub.wan(GbcsDown(message=1, device=CHF, data=late))
    assert f'"counter":{UPLINKS_MAX}' in hub.memory[f"answered/{CHF}/{DCC}"].decode()


def test_a_hub_is_not_activated_by_a_supplier(hub: Bench) -> None:
    assert told(hub, activate(bytes(32), device=CHF), CHF) == []
