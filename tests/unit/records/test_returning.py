"""An EUI-64 names one device for ever: one that left comes back with what it has counted, not as a new one (I7)."""

from dataclasses import replace

import pytest

from hanota.app.registering import device_row, hub_rows
from hanota.base.eui import Eui64
from hanota.records.registry import changes
from hanota.records.registry.changes import ChangeImpossible
from helpers.world import HUB, LANE, PPMID, Bench, description

pytestmark = pytest.mark.usefixtures("each_store")

HOME = "Home 1"
NEW_PPMID = Eui64(0x00DB_1234_5678_9E04)
NEW_CHF, NEW_GPF = Eui64(0x00DB_1234_5678_9E02), Eui64(0x00DB_1234_5678_9E03)


def test_a_device_that_left_does_not_come_back_as_a_new_one() -> None:
    bench = Bench()
    old = device_row(next(device for device in description().premises[0].devices if device.eui == PPMID))
    with bench.store.writing() as connection:
        changes.device_swap(connection, LANE, PPMID, replace(old, eui=NEW_PPMID), now=bench.now)
    with bench.store.writing() as connection, pytest.raises(ChangeImpossible, match="its own EUI-64"):
        changes.device_swap(connection, LANE, NEW_PPMID, old, now=bench.now)


@pytest.mark.parametrize("function", ["chf", "gpf"])
def test_no_function_of_a_hub_that_left_comes_back_in_a_new_one(function: str) -> None:
    bench = Bench()
    old = description().premises[0].hub
    assert old.chf == HUB
    new = replace(old, chf=NEW_CHF, gpf=NEW_GPF)
    later = replace(old, chf=Eui64(1), gpf=Eui64(2))
    with bench.store.writing() as connection:
        changes.hub_swap(connection, LANE, HOME, *hub_rows(new), now=bench.now)
    back = hub_rows(replace(later, **{function: getattr(old, function)}))
    with bench.store.writing() as connection, pytest.raises(ChangeImpossible, match="was in a home before"):
        changes.hub_swap(connection, LANE, HOME, *back, now=bench.now)
