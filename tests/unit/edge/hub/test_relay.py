"""GBCS messages through a hub: commands are repeated until answered, alerts go up once and are confirmed."""

import pytest

from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.hub.relay import COMMAND_TRIES_MAX, COMMANDS_MAX, SEEN_MAX
from hanota.wire.wan import GbcsDown, GbcsUp
from hanota.wire.zcl import TUNNELING_CLUSTER, TransferData
from helpers.messages import activation, read_version, version_response
from helpers.meters import activate, ask_version, meter_bench, tell
from helpers.nodes import PPMID_2, STRANGER, Bench, hub_bench
from helpers.premises import CHF, ESME, PPMID


@pytest.fixture
def hub() -> Bench:
    return hub_bench()


def tunnelled(hub: Bench, data: bytes, sender: object = PPMID, sequence: int = 9) -> list[object]:
    return hub.hear(TransferData(0, data), sender, sequence=sequence, cluster=TUNNELING_CLUSTER)


def test_a_command_reaches_its_device_unchanged(hub: Bench) -> None:
    command = read_version(100)
    hub.wan(GbcsDown(message=1, device=PPMID, data=command))
    assert hub.said == [TransferData(0, command)]


def test_a_command_is_repeated_until_the_device_responds(hub: Bench) -> None:
    command = read_version(100)
    hub.wan(GbcsDown(message=1, device=PPMID, data=command))
    hub.wan(GbcsDown(message=1, device=PPMID, data=command))
    assert hub.said == []
    assert hub.wake() == [TransferData(0, command)]
    response = version_response(command)
    assert tunnelled(hub, response) == [TransferData(0, b"")]
    assert hub.reports == [GbcsUp(data=response)]
    assert hub.wake(60_000) == []


def test_a_command_nobody_answers_is_given_up(hub: Bench) -> None:
    hub.wan(GbcsDown(message=1, device=PPMID, data=read_version(100)))
    tries = [hub.wake() for _ in range(COMMAND_TRIES_MAX)]
    assert [len(said) for said in tries] == [1] * (COMMAND_TRIES_MAX - 1) + [0]
    assert hub.noted("command_unanswered")


@pytest.mark.parametrize("device", [STRANGER, CHF])
def test_a_command_for_no_device_of_this_home_goes_nowhere(hub: Bench, device: object) -> None:
    hub.wan(GbcsDown(message=1, device=device, data=read_version(100)))
    assert hub.said == []
    assert hub.noted("gbcs_refused")


def test_what_is_no_gbcs_message_goes_nowhere(hub: Bench) -> None:
    hub.wan(GbcsDown(message=1, device=PPMID, data=b"\xdf nonsense"))
    assert hub.said == []
    assert tunnelled(hub, b"nonsense") == []
    assert hub.frames == []


def test_there_is_a_limit_to_commands_on_their_way(hub: Bench) -> None:
    for counter in range(COMMANDS_MAX + 1):
        hub.wan(GbcsDown(message=counter, device=PPMID, data=read_version(counter)))
    assert [note.facts["tries"] for note in hub.noted("command_unanswered")] == [1], "the oldest gives way"


def test_an_alert_goes_up_once_and_every_copy_is_confirmed(hub: Bench) -> None:
    alert = activation(1)
    for copy in range(3):
        assert tunnelled(hub, alert, sequence=40 + copy) == [TransferData(0, b"")]
        assert hub.sequences == [40 + copy]
        assert len(hub.reports) == (1 if copy == 0 else 0)


def test_the_memory_of_alerts_is_bounded_and_a_forgotten_one_goes_up_again(hub: Bench) -> None:
    first = activation(1)
    tunnelled(hub, first)
    for counter in range(2, SEEN_MAX + 2):
        tunnelled(hub, activation(counter))
    tunnelled(hub, first)
    assert len([key for key in hub.memory if key.startswith("uplink/")]) == SEEN_MAX + 1


def test_a_device_may_not_speak_for_another(hub: Bench) -> None:
    assert tunnelled(hub, activation(1), sender=PPMID_2) == []
    assert hub.reports == []
    assert hub.noted("gbcs_refused")


def test_two_originators_may_use_the_same_counter(hub: Bench) -> None:
    hub.wan(GbcsDown(message=1, device=ESME, data=ask_version(DeviceType.ESME, ESME, 1000)))
    supplier = activate(bytes(32), 1000)
    hub.wan(GbcsDown(message=2, device=ESME, data=supplier))
    assert hub.said == [TransferData(0, supplier)]
    meter = meter_bench()
    tunnelled(hub, tell(meter, ask_version(DeviceType.ESME, ESME, 1000))[0], sender=ESME)
    assert hub.wake(3_000) == [TransferData(0, supplier)]
    tunnelled(hub, tell(meter, supplier)[0], sender=ESME)
    assert hub.wake(60_000) == []
