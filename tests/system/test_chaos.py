"""Everything is killed at once and again, on real servers; in the end each device, alert and event is as it must be."""

import contextlib
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from signal import SIGINT, SIGQUIT

import pytest

from hanota.app.carrying import REGIONS
from helpers.chaos import Scene, judge
from helpers.nats_server import NatsServer, cluster, knows_sync_interval
from helpers.postgres import Cluster
from helpers.town import make_town

NIGHTLY = os.environ.get("HANOTA_TEST_PROFILE") == "nightly"
DEVICES, REQUESTS, EVERY_S = (100_000, 200, 4.0) if NIGHTLY else (5_000, 20, 1.0)
DEVICES = int(os.environ.get("HANOTA_TEST_CHAOS_DEVICES", DEVICES))
"""Fewer may be asked for on a machine that has other things to do."""
CUT_DEVICES, CUT_REQUESTS = 300, 3
FRAMED = 6
KILL_EVERY_S = 2.0
NODE_AWAY_S = 5.0
SETTLE_S_MAX = 3600.0 if NIGHTLY else 240.0
SEED = 5


@pytest.fixture(scope="module")
def database() -> Iterator[Cluster]:
    """A server of this module's own: it is restarted."""
    made = Cluster()
    yield made
    made.remove()


def test_killed_again_and_again_every_device_ends_once_and_every_alert_is_told_once(
    tmp_path: Path, database: Cluster
) -> None:
    town = make_town(tmp_path / "town", flow=DEVICES - FRAMED, framed=FRAMED)
    scene = Scene(tmp_path, town, cluster(tmp_path / "nats"), database.url(database.create()))
    rng = Random(SEED)
    with scene.running():
        began = time.monotonic()
        supplier = scene.post(REQUESTS, EVERY_S)
        asked_s = REQUESTS * EVERY_S
        turns = [
            (0.25 * asked_s, lambda: restart(scene, database, "at once", SIGQUIT)),
            (0.45 * asked_s, lambda: lose_node(scene, rng.randrange(3))),
            (0.45 * asked_s + NODE_AWAY_S, lambda: rejoin(scene)),
            (0.80 * asked_s, lambda: restart(scene, database, "in order", SIGINT)),
        ]
        while supplier.is_alive() or turns:
            if turns and time.monotonic() - began >= turns[0][0]:
                turns.pop(0)[1]()
            scene.kill_one(rng)
            time.sleep(KILL_EVERY_S)
        scene.figures["seconds of killing"] = round(time.monotonic() - began)
        scene.until_settled(SETTLE_S_MAX)
        assert scene.host.terminate()[0] == 0
        states = judge(scene)
        scene.figures |= Counter({f"ended {state}": count for state, count in states.items()})
        scene.tell("chaos")
    assert states["CONFIRMED"] >= 0.99 * DEVICES
    assert scene.figures["requests"] == scene.figures["answered I0"] == REQUESTS


@pytest.mark.parametrize("always", [False, True], ids=["default sync", "sync always"])
def test_what_all_three_nats_nodes_forget_at_once_is_sent_again(
    tmp_path: Path, database: Cluster, always: bool
) -> None:
    """By default servers acknowledge what is not on their disks: a cut of power may take back all since the last sync,
    two minutes of it. With `sync_interval: always` it takes back nothing, so their disks are left as they are; a server
    before 2.10 has no such setting, and then is killed without it.
    """
    town = make_town(tmp_path / "town", flow=CUT_DEVICES - FRAMED, framed=FRAMED)
    nodes = cluster(tmp_path / "nats", sync_interval="always" if always and knows_sync_interval() else None)
    scene = Scene(tmp_path, town, nodes, database.url(database.create()))
    with scene.running():
        on_wan = "SELECT count(*) FROM delivery WHERE state = 'ON_WAN'"
        scene.host.until(lambda: is_quiet(scene), "nothing is quiet yet", within_s=60)
        quiet = scene.envelopes()
        synced = [keep_disk(node, tmp_path) for node in nodes]
        supplier = scene.post(CUT_REQUESTS, 1.0)
        scene.host.until(lambda: scene.host.rows(on_wan)[0][0] > 0, "no order was sent")
        supplier.join(60)
        before = scene.envelopes()
        for node in nodes:
            node.kill()
        if not always:
            for node, kept in zip(nodes, synced, strict=True):
                node.wipe()
                shutil.copytree(kept, node.store)
        for node in nodes:
            node.start(wait=False)
        scene.figures["envelopes since the last sync"] = sum(before.values()) - sum(quiet.values())
        after = after_cut(scene, before)
        scene.figures["streams that forgot"] = sum(after[name] < before[name] for name in before)
        scene.until_settled(SETTLE_S_MAX)
        assert scene.host.terminate()[0] == 0
        states = judge(scene)
        scene.tell(f"all three nodes cut, {'nothing acknowledged' if always else 'what was not synced'} forgotten")
    assert states == {"CONFIRMED": CUT_DEVICES}
    assert scene.figures["envelopes since the last sync"] > 0
    assert (scene.figures["streams that forgot"] > 0) == (not always)


def is_quiet(scene: Scene) -> bool:
    """Whether all agents are there, and nobody says anything for a while."""
    one = scene.envelopes()
    time.sleep(1)
    return len(one) == 2 * len(REGIONS) and scene.envelopes() == one


def keep_disk(node: NatsServer, folder: Path) -> Path:
    """What the disk of a node has for sure at this moment, at which nothing is under way."""
    kept = folder / f"synced-{node.folder.name}"
    shutil.copytree(node.store, kept)
    return kept


def after_cut(scene: Scene, before: dict[str, int], within_s: float = 60) -> dict[str, int]:
    """What the streams know when the cluster answers again."""
    give_up = time.monotonic() + within_s
    while time.monotonic() < give_up:
        with contextlib.suppress(Exception):
            found = scene.envelopes()
            if found.keys() == before.keys():
                return found
        time.sleep(0.1)
    raise AssertionError("the cluster does not answer")


def restart(scene: Scene, database: Cluster, how: str, number: int) -> None:
    database.stop(number)
    database.start()
    scene.figures[f"PostgreSQL restarted {how}"] += 1


def lose_node(scene: Scene, number: int) -> None:
    scene.nodes[number].kill()
    scene.figures["NATS nodes killed"] += 1


def rejoin(scene: Scene) -> None:
    for node in scene.nodes:
        if node.process is None:
            node.start()
