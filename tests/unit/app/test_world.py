"""A world: head end, network and homes in one process; its folder holds all that outlives it."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hanota.app.world import World, WorldSettings
from hanota.base.instant import MINUTE, Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.han.link import HanModel
from hanota.records.ledger import verify
from hanota.records.store import schema as t
from hanota.wan.inprocess import NetworkModel
from hanota.wire import duis
from hanota.wire.smki import read_directory
from helpers.premises import NEW, NOW
from helpers.world import HUB, PPMID, SUPPLIER_1, description, request

LIMIT_MS = 300 * MINUTE


def world(folder: Path | None = None, *, loss: float = 0.0, now: Instant = NOW, seed: int = 3) -> World:
    network = NetworkModel(loss=loss, duplication=loss)
    settings = WorldSettings(description=description(), folder=folder, han=HanModel(loss=loss), network=network)
    return World(settings, now=now, rng=Random(seed))


def send(found: World, now: Instant = NOW) -> None:
    role = CertificateRole.XML_SIGN
    signer = found.keys.credential(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, role)
    assert found.submit(duis.sign(duis.write_request(request()), signer), "D", now).code.accepted


def state(found: World) -> str:
    with found.store.reading() as connection:
        return str(connection.execute(t.delivery.select()).one().state)


def run(found: World, now: Instant, until: str = "CONFIRMED") -> Instant:
    """Step from one due time to the next until the delivery is in a state."""
    end = now + LIMIT_MS
    found.step(now)
    while state(found) != until:
        assert now < end, state(found)
        due = found.step(now)
        assert due is not None, state(found)
        now = max(due, Instant(now + 1))
    return now


def test_a_request_becomes_a_confirmed_version() -> None:
    found = world()
    send(found)
    run(found, NOW)
    with found.store.reading() as connection:
        device = connection.execute(t.device.select().where(t.device.c.eui == PPMID.signed)).one()
        assert (device.version, device.version_origin) == (NEW, "reported")
        assert verify(connection)
    found.close()


def test_with_frames_lost_and_doubled_everywhere_it_ends_the_same() -> None:
    found = world(loss=0.2)
    send(found)
    run(found, NOW)
    with found.store.reading() as connection:
        alerts = [(row.party, row.kind) for row in connection.execute(t.message.select())]
    assert len(alerts) == len(set(alerts)) == 6
    found.close()


def test_it_goes_on_after_it_was_killed_anywhere(tmp_path: Path) -> None:
    now = NOW
    found = world(tmp_path)
    send(found)
    for place in ("ON_WAN", "TRANSFERRING", "ACTIVATED"):
        now = run(found, now, until=place)
        found.wan.drop_all()  # whatever was in the air is lost with the process
        found.close()
        found = world(tmp_path, now=now)
    run(found, now)
    found.close()


def test_a_home_may_lose_power_as_well() -> None:
    found = world()
    send(found)
    now = run(found, NOW, until="TRANSFERRING")
    for node in (HUB, PPMID):
        found.estate.reboot(node, now, off_ms=5000)
    run(found, now)
    found.close()


def test_with_nothing_to_do_the_next_thing_is_far_away() -> None:
    found = world()
    now = NOW
    for _ in range(50):
        due = found.step(now)
        if due is None:
            break
        now = max(due, Instant(now + 1))
    assert due is None or due > NOW + MINUTE
    found.close()


def test_a_request_wakes_who_waits() -> None:
    found = world()
    found.step(NOW)
    send(found)
    found.wait(60)  # returns at once
    found.step(NOW)
    assert state(found) == "ON_WAN"
    found.close()


def test_everybody_of_the_description_has_keys_also_who_comes_later(tmp_path: Path) -> None:
    fewer = replace(description(), premises=description().premises[:1], parties=description().parties[:2])
    World(WorldSettings(description=fewer, folder=tmp_path), now=NOW, rng=Random(3)).close()
    before = read_directory(tmp_path / "pki")
    world(tmp_path, seed=4).close()
    after = read_directory(tmp_path / "pki")
    assert set(before.certificates()) < set(after.certificates())
    assert {found.eui for found in after.certificates()} > set(description().nodes())


@pytest.mark.parametrize("name", ["store.sqlite", "estate.sqlite", "pki"])
def test_a_folder_holds_what_outlives_the_process(tmp_path: Path, name: str) -> None:
    world(tmp_path / "new" / "folder").close()
    assert (tmp_path / "new" / "folder" / name).exists()
