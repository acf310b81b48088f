"""Whole deliveries over either carrier: the network in memory, and NATS JetStream on a server of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hanota.records.ledger import verify
from hanota.records.store import schema as t
from hanota.wan.inprocess import NetworkModel
from hanota.wan.jetstream import leaving
from helpers.carriers import Scene, quick_folder
from helpers.nats_server import NatsServer, running
from helpers.premises import NEW
from helpers.world import PPMID, request


@pytest.fixture(params=["inprocess", "nats"])
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[NatsServer]]:
    """The servers that a scene is to run over; none: in process."""
    if request.param == "inprocess":
        yield []
        return
    server = NatsServer(tmp_path / "nats")
    with running(server):
        yield [server]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with quick_folder(tmp_path) as found:
        yield found


@pytest.fixture
def scene(carrier: list[NatsServer], folder: Path) -> Iterator[Scene]:
    found = Scene(folder / "home", carrier)
    yield found
    found.kill()


def check_confirmed(scene: Scene) -> None:
    """The device runs the image, each alert stands once, and the evidence holds."""
    with scene.world.store.reading() as connection:
        device = connection.execute(t.device.select().where(t.device.c.eui == PPMID.signed)).one()
        assert verify(connection)
    assert (device.version, device.version_origin) == (NEW, "reported")
    assert len(set(scene.alerts())) == len(scene.alerts()) == 6


def test_a_request_becomes_a_confirmed_version(scene: Scene) -> None:
    scene.submit(request())
    scene.run("CONFIRMED")
    check_confirmed(scene)


def test_an_order_may_be_taken_back(scene: Scene) -> None:
    scene.submit(request())
    scene.run("TRANSFERRING")
    scene.queue_cancel()
    scene.run("CANCELLED")
    with scene.world.store.reading() as connection:
        assert {row.due for row in connection.execute(t.outbox.select())} == {None}


def test_what_comes_twice_changes_nothing(
    carrier: list[NatsServer], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = leaving.publish_one

    async def twice(js, envelope):
        other = leaving.Outgoing(envelope.subject, f"{envelope.id} again", envelope.octets, envelope.hubs)
        return await once(js, envelope) and await once(js, other)

    monkeypatch.setattr(leaving, "publish_one", twice)
    scene = Scene(folder / "home", carrier, network=NetworkModel(duplication=1.0))
    scene.submit(request())
    scene.run("CONFIRMED")
    check_confirmed(scene)
    scene.kill()


def test_it_goes_on_after_everything_but_the_carrier_was_killed_anywhere(scene: Scene) -> None:
    scene.submit(request())
    for place in ("ON_WAN", "TRANSFERRING", "ACTIVATED"):
        scene.run(place)
        scene.kill()
        scene.open()
    scene.run("CONFIRMED")
    check_confirmed(scene)
