"""A hub goes on from what its former software kept, and from what nobody can read."""

from dataclasses import fields

from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.memory import pack, unpack
from hanota.wire import ecdsa
from hanota.wire.wan import Acknowledge, Cancel, Receipt, ReceiptStatus, SignedOrder, write_frame
from hanota.wire.wan.codec import write_kind
from hanota.wire.wan.frames import FormerDistribute
from helpers.nodes import Bench, hub_bench
from helpers.premises import ACB, DCC, NOW, keys, order_for, ppmid_file, signed

IMAGE = ppmid_file(2500)
ORDER = f"order/{1:016x}"
UPLINK = f"uplink/{1:016x}"


def former_order() -> SignedOrder:
    """The order in the octets of the former software: kind 0x11, that ends with the time of sending."""
    order = order_for(IMAGE, 1)
    former = FormerDistribute(**{each.name: getattr(order, each.name) for each in fields(FormerDistribute)})
    body = write_kind(former)
    assert body[:2] == b"\xa1\x11"
    return SignedOrder(
        signature=ecdsa.sign(body, keys().credential(DCC, KeyUsage.DIGITAL_SIGNATURE, ACB).key), body=body
    )


def holding() -> Bench:
    hub = hub_bench()
    hub.wan(former_order())
    hub.serve(IMAGE)
    return hub


def test_an_order_of_the_former_layout_stands_over_a_restart_and_its_reports_are_said_again() -> None:
    hub = holding()
    assert bytes.fromhex(unpack(hub.memory[ORDER])["frame"]) == write_frame(former_order())
    assert hub.memory[UPLINK][:2] == b"\xa1\x81", "hubs hold signed uplinks that begin so"
    hub.restart()
    assert [receipt.status for receipt in hub.receipts] == [ReceiptStatus.ACCEPTED, ReceiptStatus.HELD]
    hub.wan(Acknowledge(event=1))
    hub.wan(signed(order_for(IMAGE, 1)))
    assert hub.receipts[-1].status is ReceiptStatus.HELD, "the order is known by its number"


def test_what_cannot_be_read_is_let_go_and_the_hub_goes_on() -> None:
    hub = holding()
    kept = unpack(hub.memory[ORDER])
    hub.memory[ORDER] = pack(kept | {"frame": "a0" + kept["frame"][2:]})
    hub.memory[UPLINK] = b"\xa0" + hub.memory[UPLINK][1:]
    hub.restart()
    assert UPLINK not in hub.memory
    assert len(hub.noted("uplink_unreadable")) == 1
    hub.wan(signed(order_for(IMAGE, 2)))
    assert hub.receipts[-1].status in (ReceiptStatus.ACCEPTED, ReceiptStatus.HELD), "the slot is free"
    hub.wan(signed(Cancel(order=2, sent=NOW)))
    assert isinstance(hub.reports[-1], Receipt)
