"""Homes change while updates are under way, through the whole system: registry and home alike, and over restarts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hanota.app import homes
from hanota.app.world import World, WorldSettings, keep_description
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, MINUTE, Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.devices import HanDevice
from hanota.edge.estate import read_description
from hanota.edge.han.link import HanModel
from hanota.model.alerts import AlertKind
from hanota.records.ledger import verify
from hanota.records.registry.changes import ChangeImpossible, NotInRegistry
from hanota.records.store import schema as t
from hanota.wire import duis
from helpers.premises import NEW, NOW, OLD
from helpers.world import (
    ESME,
    HCALCS,
    HUB,
    HUB_2,
    IHD,
    PPMID,
    PPMID_2,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    description,
    request,
)

MPAN = "1234567890121"
NEW_PPMID = Eui64(0x00DB_1234_5678_9E04)
NEW_CHF, NEW_GPF = Eui64(0x00DB_1234_5678_9E02), Eui64(0x00DB_1234_5678_9E03)
HOME = "Home 1"


class Town:
    """A world and a clock; the image is large enough for a transfer to be interrupted."""

    def __init__(self, folder: Path | None = None, *, loss: float = 0.0) -> None:
        self.now, self.seed = NOW, 3
        self._folder, self._han = folder, HanModel(loss=loss)
        self.counter = 10
        self.world = self._opened()

    def _opened(self) -> World:
        own = None if self._folder is None else self._folder / "estate.toml"
        found = read_description(own) if own is not None and own.is_file() else description()
        settings = WorldSettings(description=found, folder=self._folder, han=self._han)
        return World(settings, now=self.now, rng=Random(self.seed))

    def restart(self) -> None:
        self.world.wan.drop_all()
        self.world.close()
        self.seed += 1  # else it would draw the same keys and serial numbers again
        self.world = self._opened()

    def send(self, device: Eui64 = PPMID) -> None:
        self.counter += 1
        asked = request(device, counter=self.counter)
        signer = self.world.keys.credential(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
        assert self.world.submit(duis.sign(duis.write_request(asked), signer), "D", self.now).code.accepted

    def until(self, state: str, delivery: int = 1, within: int = DAY) -> "Town":
        end = self.now + within
        self.world.step(self.now)
        while self.state(delivery) != state:
            due = self.world.step(self.now)
            assert due is not None, self.state(delivery)
            assert self.now < end, self.state(delivery)
            self.now = max(due, Instant(self.now + 1))
        return self

    def run(self, ms: int) -> "Town":
        end = Instant(self.now + ms)
        while (due := self.world.step(self.now)) is not None and due <= end:
            self.now = max(due, Instant(self.now + 1))
        self.now = end
        return self

    def state(self, delivery: int = 1) -> str | None:
        with self.world.store.reading() as connection:
            row = connection.execute(t.delivery.select().where(t.delivery.c.id == delivery)).first()
            return None if row is None else str(row.state)

    def told(self, kind: AlertKind, delivery: int = 1) -> list[Eui64]:
        m = t.message.c
        with self.world.store.reading() as connection:
            rows = connection.execute(t.message.select().where(m.kind == kind.value, m.delivery == delivery))
            return [Eui64.from_signed(row.party) for row in rows]

    def version(self, device: Eui64) -> int:
        node = self.world.estate.node(device)
        assert isinstance(node, HanDevice)
        return node.banks.version

    def anchor(self, device: Eui64) -> Eui64 | None:
        node = self.world.estate.node(device)
        assert isinstance(node, HanDevice)
        credentials = node._identity.credentials
        return None if credentials is None or credentials.supplier is None else credentials.supplier.eui


@pytest.fixture
def town() -> Iterator[Town]:
    found = Town()
    yield found
    with found.world.store.reading() as connection:
        assert verify(connection)
    found.world.close()


# --- Supplier ----------------------------------------------------------------------------------------------------


def test_a_ppmids_update_goes_on_under_another_supplier_who_is_told_once(town: Town) -> None:
    town.send()
    town.until("TRANSFERRING")
    assert town.world.change_supplier(MPAN, STRANGER, town.now) is True
    town.until("CONFIRMED")
    assert town.told(AlertKind.UPGRADE_REQUESTED) == [SUPPLIER_2, STRANGER]
    assert sorted(town.told(AlertKind.CONFIRMED)) == sorted([SUPPLIER_1, SUPPLIER_2, STRANGER])


def test_devices_obey_the_new_supplier_from_that_instant(town: Town) -> None:
    town.run(MINUTE)
    town.world.change_supplier(MPAN, STRANGER, town.now)
    town.run(MINUTE)
    assert [town.anchor(device) for device in (ESME, HCALCS)] == [STRANGER, STRANGER]


def test_a_change_that_is_announced_takes_effect_at_its_time(town: Town) -> None:
    town.run(MINUTE)
    town.world.change_supplier(MPAN, STRANGER, town.now, since=Instant(town.now + HOUR))
    town.run(HOUR - 1)
    assert town.anchor(ESME) == SUPPLIER_1
    town.run(MINUTE)
    assert town.anchor(ESME) == STRANGER


def test_it_is_no_change_to_who_supplies_already(town: Town) -> None:
    town.run(MINUTE)
    before = town.world.description
    assert town.world.change_supplier(MPAN, SUPPLIER_1, town.now) is False
    assert town.world.description is before


# --- a device ----------------------------------------------------------------------------------------------------


def test_a_device_that_is_swapped_takes_its_update_with_it_and_the_new_one_can_be_updated(town: Town) -> None:
    town.send()
    town.until("TRANSFERRING")
    assert town.world.swap_device(PPMID, NEW_PPMID, town.now) is True
    town.until("DEVICE_GONE")
    assert town.told(AlertKind.GIVEN_UP) == [SUPPLIER_1]
    town.run(MINUTE)
    assert town.version(NEW_PPMID) == OLD
    town.send(NEW_PPMID)
    town.until("CONFIRMED", 2)
    assert town.version(NEW_PPMID) == NEW
    assert town.world.swap_device(PPMID, NEW_PPMID, town.now) is False


def test_one_that_left_does_not_come_back_as_a_new_one(town: Town) -> None:
    town.world.swap_device(PPMID, NEW_PPMID, town.now)
    before = town.world.description
    with pytest.raises(ChangeImpossible, match="was in a home before"):
        town.world.swap_device(NEW_PPMID, PPMID, town.now)
    assert town.world.description is before


# --- the hub -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["ON_WAN", "HELD", "TRANSFERRING", "ACTIVATED"])
def test_with_a_new_hub_the_update_is_confirmed_all_the_same(town: Town, state: str) -> None:
    town.send()
    town.until(state)
    assert town.world.swap_hub(HOME, NEW_CHF, NEW_GPF, town.now) is True
    town.until("CONFIRMED")
    assert town.version(PPMID) == NEW
    assert town.world.swap_hub(HOME, NEW_CHF, NEW_GPF, town.now) is False


def test_a_device_that_has_activated_by_the_old_hub_is_heard_by_the_new_one(town: Town) -> None:
    town.send()
    town.until("ACTIVATING")
    town.world.swap_hub(HOME, NEW_CHF, NEW_GPF, town.now)
    town.run(3 * DAY)
    assert town.state() in ("CONFIRMED", "UNCONFIRMED")


def test_over_a_bad_link_too() -> None:
    town = Town(loss=0.2)
    town.send()
    town.until("TRANSFERRING")
    town.world.swap_hub(HOME, NEW_CHF, NEW_GPF, town.now)
    town.until("CONFIRMED")
    town.world.close()


def test_other_homes_go_on_undisturbed(town: Town) -> None:
    town.run(MINUTE)
    nodes = {address: town.world.estate.node(address) for address in (HUB_2, PPMID_2)}
    town.world.swap_hub(HOME, NEW_CHF, NEW_GPF, town.now)
    town.run(MINUTE)
    assert {address: town.world.estate.node(address) for address in nodes} == nodes


# --- occupiers ---------------------------------------------------------------------------------------------------


def test_new_occupiers_are_noted(town: Town) -> None:
    assert town.world.change_tenancy(HOME, town.now) is True
    assert town.world.change_tenancy(HOME, town.now) is False


# --- what can't be -----------------------------------------------------------------------------------------------


def test_what_is_not_there_is_named_and_changes_nothing(town: Town) -> None:
    before = town.world.description
    for change in (
        lambda: town.world.change_supplier("1", SUPPLIER_1, town.now),
        lambda: town.world.change_supplier(MPAN, Eui64(5), town.now),
        lambda: town.world.change_tenancy("Nowhere", town.now),
        lambda: town.world.swap_device(NEW_PPMID, NEW_CHF, town.now),
        lambda: town.world.swap_hub("Nowhere", NEW_CHF, NEW_GPF, town.now),
    ):
        with pytest.raises(NotInRegistry):
            change()
    for change in (
        lambda: town.world.swap_device(PPMID, IHD, town.now),
        lambda: town.world.swap_hub(HOME, HUB_2, NEW_GPF, town.now),
        lambda: town.world.swap_hub(HOME, NEW_CHF, NEW_CHF, town.now),
    ):
        with pytest.raises(ChangeImpossible):
            change()
    assert town.world.description is before


# --- restarts ----------------------------------------------------------------------------------------------------


def test_after_a_restart_the_homes_are_as_they_were_changed(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.send()
    town.until("TRANSFERRING")
    town.world.swap_hub(HOME, NEW_CHF, NEW_GPF, town.now)
    town.world.change_supplier(MPAN, STRANGER, town.now)
    town.world.swap_device(IHD, NEW_PPMID, town.now)
    changed = town.world.description
    town.restart()
    assert town.world.description == changed
    town.run(MINUTE)
    assert town.anchor(ESME) == STRANGER
    assert town.version(NEW_PPMID) == OLD
    with pytest.raises(KeyError):
        town.world.estate.node(HUB)
    assert town.state() == "RESPONSIBILITY_LOST"  # the new hub held nothing yet when the Supplier changed
    town.world.close()


def test_a_process_that_dies_before_the_registry_knows_finds_out_at_its_next_start(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.send()
    town.until("TRANSFERRING")
    first, *others = town.world.description.premises
    swapped = homes.with_hub(first, NEW_CHF, NEW_GPF)
    keep_description(tmp_path, replace(town.world.description, premises=(swapped, *others)))
    town.restart()
    town.until("CONFIRMED")
    with town.world.store.reading() as connection:
        kinds = [row.kind for row in connection.execute(t.event.select())]
    assert kinds.count("home_hub_swapped") == 1
    town.world.close()


def test_what_a_described_home_lost_is_gone_for_the_registry_too(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.send()
    town.until("TRANSFERRING")
    first, *others = town.world.description.premises
    fewer = replace(first, devices=tuple(device for device in first.devices if device.eui != PPMID))
    keep_description(tmp_path, replace(town.world.description, premises=(fewer, *others)))
    town.restart()
    town.until("DEVICE_GONE")
    town.world.close()


# --- from another thread -----------------------------------------------------------------------------------------


def test_what_another_thread_asks_is_done_by_the_one_that_steps(town: Town) -> None:
    done = town.world.ask(lambda now: town.world.change_tenancy(HOME, now))
    refused = town.world.ask(lambda now: town.world.change_tenancy("Nowhere", now))
    assert not done.done()
    town.world.step(town.now)
    assert done.result(0) is True
    with pytest.raises(NotInRegistry):
        refused.result(0)
