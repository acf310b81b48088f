"""Homes at flow level behind the port: a real head end brings them to a new version, as it would any others."""

from pathlib import Path
from random import Random

import polars as pl
import pytest

from hanota.app.head_end import HeadEnd
from hanota.app.registering import register_estate
from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, SECOND, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate.flow import BRIEF, WHOLE, FlowEstate, FlowHomes, FlowJournal, Told
from hanota.model.policies import Policies
from hanota.records.store import Store, open_store
from hanota.records.store.census import deliveries_by_state
from hanota.wan.inprocess import InProcessWan, NetworkModel
from helpers.outgoing import Air
from helpers.premises import DCC, NOW, OLD
from helpers.world import HUB, IHD, PPMID, description, keys, request, signed


def homes_of(device: Eui64, device_type: DeviceType) -> pl.DataFrame:
    row = {"hub": [HUB.signed], "device": [device.signed], "device_type": [device_type.value], "version": [OLD]}
    return pl.DataFrame(row)


class Scene:
    """One home at flow level and the head end, with a network between."""

    def __init__(self, *, network: NetworkModel | None = None, said: frozenset[Told] = WHOLE, folder: Path) -> None:
        self.store: Store = open_store(None)
        register_estate(self.store, description(), keys())
        self.policies = Policies()
        self.wan = InProcessWan(network or NetworkModel(), Random(3))
        self.head_end = HeadEnd(
            self.store, keys=keys(), dcc=DCC, wan=self.wan.head_end, callback=Air(at_once=True), policies=self.policies
        )
        self.said, self.folder = said, folder
        self.estate = self.new_estate()

    def new_estate(self, device: Eui64 = PPMID, device_type: DeviceType = DeviceType.PPMID) -> FlowEstate:
        homes = FlowHomes(homes_of(device, device_type), policies=self.policies, seed=1, said=self.said)
        acb = CertificateRole.ACCESS_CONTROL_BROKER
        return FlowEstate(
            homes,
            wan=self.wan.premises,
            credential=keys().credential,
            acb=keys().certificate(DCC, KeyUsage.KEY_AGREEMENT, acb),
            acb_signing=keys().certificate(DCC, KeyUsage.DIGITAL_SIGNATURE, acb).public_key,
            journal=FlowJournal(self.folder / "flow.journal"),
        )

    def run(self, until: Instant, now: Instant = NOW) -> None:
        while now < until:
            self.estate.advance(now)
            self.head_end.step(now)
            dues = (self.estate.next_due(), self.wan.next_due(), self.head_end.next_due())
            now = Instant(max(now + 1, min((due for due in dues if due is not None), default=until)))

    def states(self) -> dict[str, int]:
        with self.store.reading() as connection:
            return dict(deliveries_by_state(connection))


@pytest.mark.parametrize("said", [WHOLE, BRIEF], ids=["whole", "brief"])
def test_a_delivery_is_confirmed_by_signed_messages_of_hub_and_device(said: frozenset[Told], tmp_path: Path) -> None:
    scene = Scene(said=said, folder=tmp_path)
    assert scene.head_end.accept(signed(request()), "D", NOW).code.accepted
    scene.run(Instant(NOW + HOUR))
    assert scene.states() == {"CONFIRMED": 1}
    assert scene.estate.unacknowledged == 0


def test_what_the_network_loses_is_said_again_until_it_is_acknowledged(tmp_path: Path) -> None:
    scene = Scene(network=NetworkModel(loss=0.4, duplication=0.2), folder=tmp_path)
    scene.head_end.accept(signed(request()), "D", NOW)
    scene.run(Instant(NOW + 6 * HOUR))
    assert scene.states() == {"CONFIRMED": 1}
    assert scene.estate.unacknowledged == 0


@pytest.mark.parametrize("dies_after_s", [1, 10, 60, 20 * 60])
def test_an_estate_that_starts_again_goes_on_with_the_same_words(dies_after_s: int, tmp_path: Path) -> None:
    scene = Scene(folder=tmp_path)
    scene.head_end.accept(signed(request()), "D", NOW)
    dies = Instant(NOW + dies_after_s * SECOND)
    scene.run(dies)
    scene.wan.drop_all()
    scene.estate = scene.new_estate()
    scene.run(Instant(NOW + 2 * HOUR), dies)
    assert scene.states() == {"CONFIRMED": 1}


@pytest.mark.parametrize("dies_after_s", [4, 8])
def test_an_estate_that_starts_again_does_not_say_what_was_acknowledged(dies_after_s: int, tmp_path: Path) -> None:
    scene = Scene(folder=tmp_path)
    scene.head_end.accept(signed(request()), "D", NOW)
    dies = Instant(NOW + dies_after_s * SECOND)
    scene.run(dies)
    assert scene.estate.unacknowledged == 0
    assert scene.states() == {"ACTIVATING": 1}
    scene.wan.drop_all()
    scene.estate = scene.new_estate()
    scene.estate.advance(dies)
    assert scene.estate.unacknowledged == 0
    scene.run(Instant(NOW + 2 * HOUR), dies)
    assert scene.states() == {"CONFIRMED": 1}
    assert FlowJournal(tmp_path / "flow.journal").recall().under_way.is_empty()


@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_frames_than_asked_for_are_taken_at_a_time(limit: int, tmp_path: Path) -> None:
    scene = Scene(folder=tmp_path)
    for _ in range(3):
        scene.wan.head_end.send(HUB, b"noise", NOW)
    later = Instant(NOW + SECOND)
    rounds = [scene.estate.advance(later, limit) for _ in range(4)]
    assert rounds == [later] * (3 // limit) + [None] * (4 - 3 // limit)


def test_a_hub_speaks_for_a_display_without_credentials(tmp_path: Path) -> None:
    scene = Scene(folder=tmp_path)
    scene.estate = scene.new_estate(IHD, DeviceType.IHD)
    scene.head_end.accept(signed(request(IHD)), "D", NOW)
    scene.run(Instant(NOW + 3 * HOUR))
    assert scene.states() in ({"CONFIRMED": 1}, {})


def test_an_order_that_the_dcc_did_not_sign_changes_nothing(tmp_path: Path) -> None:
    scene = Scene(folder=tmp_path)
    scene.wan.head_end.send(HUB, b"\xa1\x01" + bytes(200), NOW)
    scene.wan.head_end.send(HUB, b"", NOW)
    assert scene.estate.advance(Instant(NOW + SECOND)) is None


class Slow:
    """A carrier that hands nothing over by itself, and notes in which order it is asked to."""

    def __init__(self, scene: Scene) -> None:
        self._wan, self.asked = scene.wan.premises, list[str]()
        self._journal = scene.folder / "flow.journal"

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        self.asked.append("send")

    def flush(self) -> None:
        self.asked.append("flush")

    def settle(self) -> None:
        self.asked.append(f"settle with {len(self._journal.read_bytes())} octets kept")

    def receive(self, now: Instant, limit: int) -> list[tuple[Eui64, bytes]]:
        return self._wan.receive(now, limit)

    def next_due(self) -> Instant | None:
        return None


def test_orders_are_settled_once_they_are_on_disk_and_what_is_said_is_flushed(tmp_path: Path) -> None:
    scene = Scene(folder=tmp_path)
    scene.head_end.accept(signed(request()), "D", NOW)
    scene.head_end.step(NOW)
    slow = Slow(scene)
    scene.estate._wan = slow
    scene.estate.advance(Instant(NOW + SECOND))
    settled, *sent, flushed = slow.asked
    assert settled.startswith("settle with ")
    assert settled != "settle with 0 octets kept"
    assert (set(sent), flushed) == ({"send"}, "flush")
