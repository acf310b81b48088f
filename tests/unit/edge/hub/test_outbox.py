"""What a hub has to say: stored first, repeated until acknowledged, numbered for ever."""

from hanota.edge.hub.outbox import UPLINKS_MAX, WINDOW
from hanota.wire.wan import Acknowledge, Cancel, GbcsUp, Receipt
from hanota.wire.zcl import TUNNELING_CLUSTER, TransferData
from helpers.messages import activation
from helpers.nodes import Bench, hub_bench
from helpers.premises import NOW, PPMID, order_for, ppmid_file, signed

IMAGE = ppmid_file(2500)
TUNNEL = TUNNELING_CLUSTER


def events(hub: Bench) -> list[int]:
    return [uplink.event for uplink in hub.uplinks]


def test_an_uplink_is_stored_before_it_is_sent_and_repeated_ever_later() -> None:
    hub = hub_bench()
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    assert events(hub) == [1]
    assert [key for key in hub.memory if key.startswith("uplink/")] == [f"uplink/{1:016x}"]
    waits = []
    for _ in range(9):
        before = hub.now
        hub.wake()
        assert events(hub) == [1]
        waits.append((hub.now - before) // 1000)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600]


def test_an_acknowledged_uplink_is_forgotten() -> None:
    hub = hub_bench()
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    hub.wan(Acknowledge(event=1))
    hub.wan(Acknowledge(event=1))
    assert not [key for key in hub.memory if key.startswith("uplink/")]
    hub.wake(60_000)
    assert hub.uplinks == []


def test_after_a_restart_what_is_unacknowledged_is_said_again_in_the_same_octets() -> None:
    hub = hub_bench()
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    said = hub.uplinks
    hub.now += 1000
    hub.restart()
    assert hub.uplinks == said


def test_event_numbers_rise_over_restarts_also_when_all_is_acknowledged() -> None:
    hub = hub_bench()
    for number in range(1, 4):
        hub.wan(signed(Cancel(order=number, sent=NOW)))
        assert events(hub) == [number]
        hub.wan(Acknowledge(event=number))
        hub.restart()


def test_only_the_oldest_few_are_on_the_wire_at_a_time() -> None:
    hub = hub_bench()
    for number in range(WINDOW + 5):
        hub.wan(signed(Cancel(order=number, sent=NOW)))
    assert hub.uplinks == []
    hub.wan(Acknowledge(event=1))
    assert events(hub) == [WINDOW + 1]
    hub.restart()
    assert events(hub) == list(range(2, WINDOW + 2))


def test_uplinks_that_are_never_acknowledged_keep_no_other_from_its_turn() -> None:
    hub = hub_bench()
    for number in range(3 * WINDOW):
        hub.wan(signed(Cancel(order=number, sent=NOW)))
    believed: set[int] = set()
    for _ in range(4):
        before = len(believed)
        hub.wake()
        assert len(events(hub)) <= WINDOW
        believed.update(event for event in events(hub) if event > WINDOW)
        for event in list(believed):
            hub.wan(Acknowledge(event=event))
            believed.update(later for later in events(hub) if later > WINDOW)
        assert len(believed) > before or before == 2 * WINDOW
    assert believed == set(range(WINDOW + 1, 3 * WINDOW + 1))
    assert len([key for key in hub.memory if key.startswith("uplink/")]) == WINDOW


def test_all_that_is_unacknowledged_has_its_turn_while_nothing_is_acknowledged() -> None:
    hub = hub_bench()
    for number in range(3 * WINDOW):
        hub.wan(signed(Cancel(order=number, sent=NOW)))
    said: set[int] = set()
    while len(said) < 3 * WINDOW:
        hub.wake()
        assert 0 < len(events(hub)) <= WINDOW
        said.update(events(hub))
    assert (hub.now - NOW) // 1000 <= 20


def test_a_full_outbox_takes_nothing_more_from_devices_but_loses_no_receipt() -> None:
    hub = hub_bench()
    for number in range(UPLINKS_MAX):
        hub.wan(signed(Cancel(order=number, sent=NOW)))
    assert hub.hear(TransferData(0, activation(1)), PPMID, cluster=TUNNEL) == []
    hub.wan(Acknowledge(event=1))
    assert hub.hear(TransferData(0, activation(1)), PPMID, cluster=TUNNEL) == [TransferData(0, b"")]
    hub.wan(signed(order_for(IMAGE, 5000)))
    assert len([key for key in hub.memory if key.startswith("uplink/")]) == UPLINKS_MAX + 1


def test_receipts_and_messages_are_signed_by_the_hub() -> None:
    hub = hub_bench()
    hub.wan(signed(Cancel(order=1, sent=NOW)))
    (receipt,) = hub.uplinks
    assert isinstance(hub.reports[0], Receipt)
    assert len(receipt.signature) == 64
    hub.hear(TransferData(0, activation(1)), PPMID, cluster=TUNNEL)
    (message,) = hub.uplinks
    assert isinstance(hub.reports[0], GbcsUp)
    assert len(message.signature) == 64
