"""Whole deliveries over either carrier: the network in memory, and NATS JetStream on a server of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hanota.records.store import schema as t
from helpers.carriers import Scene
from helpers.nats_server import NatsServer, running
from helpers.premises import NEW
from helpers.world import PPMID, request


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    one = NatsServer(tmp_path_factory.mktemp("nats"))
    with running(one):
        yield one


@pytest.fixture(params=["inprocess", "nats"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    if request.param == "inprocess":
        found = Scene(tmp_path)
        yield found
        found.kill()
        return
    one = NatsServer(tmp_path / "nats")
    with running(one):
        found = Scene(tmp_path / "home", one)
        yield found
        found.kill()


def test_a_request_becomes_a_confirmed_version(scene: Scene) -> None:
    scene.submit(request())
    scene.run("CONFIRMED")
    with scene.world.store.reading() as connection:
        device = connection.execute(t.device.select().where(t.device.c.eui == PPMID.signed)).one()
    assert (device.version, device.version_origin) == (NEW, "reported")
