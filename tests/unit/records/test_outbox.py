"""The outbox to hubs, and the position of the clock."""

import pytest

from hanota.base.ids import RequestId
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.outbox import Sending, mark_sent, unsent
from hanota.records.store.position import keep_position, kept_position
from helpers.premises import DCC, NEW
from helpers.stores import new_store
from helpers.world import HUB, LANE, PPMID, PPMID_2, SUPPLIER_1, SUPPLIER_2, Bench, image

pytestmark = pytest.mark.usefixtures("each_store")


def waiting(bench: Bench, limit: int = 1000) -> list[Sending]:
    with bench.store.reading() as connection:
        return unsent(connection, bench.now, limit)


def test_a_sending_has_all_that_its_frame_says() -> None:
    bench = Bench()
    bench.deliver()
    (found,) = waiting(bench)
    assert (found.kind, found.delivery, found.hub, found.device) == ("distribute", 1, HUB, PPMID)
    assert (found.device_type, found.request_id) == ("PPMID", RequestId(SUPPLIER_1, DCC, 1))
    assert (found.order.image_octets, found.order.version) == (len(image()), NEW)
    assert (found.order.hardware_min, found.order.hardware_max) == (0x1111, 0x1211)


def test_what_was_handed_over_waits_no_more_and_the_rest_keeps_its_order() -> None:
    bench = Bench()
    bench.deliver()
    bench.deliver(PPMID_2, counter=2, sender=SUPPLIER_2)
    assert [found.delivery for found in waiting(bench)] == [1, 2]
    assert [found.delivery for found in waiting(bench, limit=1)] == [1]
    first = waiting(bench)[0].id
    with bench.store.writing() as connection:
        mark_sent(connection, [first], bench.now)
        mark_sent(connection, [], bench.now)
    assert [found.delivery for found in waiting(bench)] == [2]
    assert bench.rows(t.outbox)[0].sent_at == bench.now


def test_numbers_of_the_outbox_rise_for_ever() -> None:
    """They are the ACB's originator counters: a number used twice would be a replay at the device."""
    bench = Bench()
    bench.deliver()
    first = waiting(bench)[0].id
    bench.run(after_ms=600_000)
    assert [found.id for found in waiting(bench)] == [first, first + 1]


# --- the clock ---------------------------------------------------------------------------------------------------


def test_a_store_that_never_kept_a_clock_stands_at_0() -> None:
    with new_store().reading() as connection:
        assert kept_position(connection) == 0


def test_the_position_is_the_last_one_kept() -> None:
    with new_store().writing() as connection:
        for position in (5, 7, 9):
            keep_position(connection, position)
            assert kept_position(connection) == position


def test_what_happened_after_the_clock_was_kept_counts_too() -> None:
    """A process that is killed did not come to keep its clock; time must not go back behind its events."""
    with new_store().writing() as connection:
        keep_position(connection, 5)
        append(connection, LANE, [Event(kind="k", at=8)])
        append(connection, "1", [Event(kind="k", at=12), Event(kind="k", at=11)])
        assert kept_position(connection) == 12
        keep_position(connection, 20)
        assert kept_position(connection) == 20
