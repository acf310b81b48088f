"""Everything is killed at once and again, on real servers; in the end each device, alert and event is as it must be."""

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from signal import SIGINT, SIGQUIT

import pytest
from sqlalchemy import Connection, text

from hanota.app.carrying import REGIONS
from hanota.records.ledger import Event, append
from hanota.records.store import open_store
from helpers.chaos import Scene, judge
from helpers.nats_server import cluster
from helpers.postgres import Cluster
from helpers.town import make_town

NIGHTLY = os.environ.get("HANOTA_TEST_PROFILE") == "nightly"
DEVICES = int(os.environ.get("HANOTA_TEST_CHAOS_DEVICES", "100000" if NIGHTLY else "5000"))
"""Another number may be asked for."""
REQUESTS = max(20, DEVICES // 500)
EVERY_S = 3.0 if NIGHTLY else 1.0
CUT_DEVICES, CUT_REQUESTS = 300 if NIGHTLY else 60, 3
FRAMED = 3
REST_S = 3.0  # between two kills, once the first one's process is back
KILLS_MAX = (
    1_000 if NIGHTLY else 4
)  # in each part of the work: on a busy machine there would be ever more for as much work
KILLS_WITHOUT_IT = 2  # before a node that was lost joins again
SYNC_INTERVALS = [None, "always"] if NIGHTLY else [None]  # with "always" the servers forget nothing
SETTLE_S_MAX = 2 * 3600.0 if NIGHTLY else 900.0
SEED = 5


@pytest.fixture(scope="module")
def database() -> Iterator[Cluster]:
    """A server of this module's own: it is restarted."""
    made = Cluster(autovacuum="on", autovacuum_naptime="5s")
    yield made
    made.remove()


def test_killed_again_and_again_every_device_ends_once_and_every_alert_is_told_once(
    tmp_path: Path, database: Cluster
) -> None:
    town = make_town(tmp_path / "town", flow=DEVICES - FRAMED, framed=FRAMED)
    scene = Scene(tmp_path, town, cluster(tmp_path / "nats"), database.url(database.create()))
    rng = Random(SEED)
    with scene.running():
        supplier = scene.post(REQUESTS, EVERY_S)
        began = time.monotonic()
        kill_until(scene, rng, 0.15)
        restart(scene, database, "at once", SIGQUIT)
        kill_until(scene, rng, 0.3)
        lose_node(scene, rng.randrange(3))
        for _ in range(KILLS_WITHOUT_IT):
            scene.kill_some(rng, REST_S)
        rejoin(scene)
        kill_until(scene, rng, 0.6)
        restart(scene, database, "in order", SIGINT)
        kill_until(scene, rng, 0.9)
        scene.figures["seconds of killing"] = round(time.monotonic() - began)
        supplier.join()
        scene.until_settled(SETTLE_S_MAX)
        code, _ = scene.host.terminate()
        assert code == 0, scene.host.said()[-8000:]
        states = judge(scene)
        scene.figures |= Counter({f"ended {state}": count for state, count in states.items()})
        scene.tell("chaos")
    assert states["CONFIRMED"] >= 0.99 * DEVICES
    assert scene.figures["requests"] == scene.figures["answered I0"] == REQUESTS


@pytest.mark.parametrize("sync_interval", SYNC_INTERVALS, ids=lambda interval: f"sync {interval or 'by default'}")
def test_what_all_three_nats_nodes_forget_when_their_power_is_cut_at_once_is_sent_again(
    tmp_path: Path, database: Cluster, sync_interval: str | None
) -> None:
    """By default servers acknowledge what is not on their disks yet: that is gone. With `sync_interval: always` nothing
    that they acknowledged is. Either way every delivery ends as it must.
    """
    town = make_town(tmp_path / "town", flow=CUT_DEVICES - FRAMED, framed=FRAMED)
    nodes = cluster(tmp_path / "nats", sync_interval=sync_interval, disks=True)
    scene = Scene(tmp_path, town, nodes, database.url(database.create()))
    with scene.running():
        scene.host.until(lambda: is_quiet(scene), "nothing is quiet yet", within_s=60)
        quiet = scene.envelopes()
        for node in nodes:
            node.sync()  # as every two minutes
        for agent in scene.agents:
            agent.kill()  # so that orders stand at the servers alone
        scene.post(CUT_REQUESTS, 0.5).join(60)
        scene.host.until(lambda: all_handed_over(scene), "not all orders were handed over")
        before = scene.envelopes()
        for node in nodes:
            node.cut()
        for node in nodes:
            node.start(wait=False)
        after = after_cut(scene, before)
        for agent in scene.agents:
            agent.start()
        scene.figures["envelopes acknowledged since the last sync"] = sum(before.values()) - sum(quiet.values())
        scene.figures["envelopes forgotten"] = sum(max(0, before[name] - after[name]) for name in before)
        scene.until_settled(SETTLE_S_MAX)
        code, _ = scene.host.terminate()
        assert code == 0, scene.host.said()[-8000:]
        states = judge(scene)
        scene.tell(f"power of all three nodes cut, sync_interval {sync_interval or 'as by default'}")
        if sync_interval is None:
            look_closely(scene, database)
    assert states == {"CONFIRMED": CUT_DEVICES}
    assert scene.figures["envelopes acknowledged since the last sync"] > 0
    if sync_interval is None:
        assert scene.figures["envelopes forgotten"] > 0
        assert scene.figures["orders sent again"] > 0
    else:
        assert scene.figures["envelopes forgotten"] == 0


def look_closely(scene: Scene, database: Cluster) -> None:
    """Show that what must hold is seen not to: each of these wrongs, done to a copy of the store, is noticed."""
    whole = scene.database
    for wrong in WRONGS:
        scene.look_at(database.url(database.create(template=name_of(whole))))
        store = open_store(scene.database)
        with store.writing() as connection:
            wrong(connection)
        store.close()
        with pytest.raises(AssertionError):
            judge(scene)
    scene.look_at(whole)
    judge(scene)


def name_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def tell_again(connection: Connection, kind: str, at: int | None = None) -> None:
    """Enter what the log has told of this kind once more, as somebody would who did not look whether it was there."""
    octets = connection.execute(text(f"SELECT octets FROM event WHERE kind = '{kind}' LIMIT 1")).scalar_one()
    body = json.loads(octets)
    told = Event(kind=kind, at=at or body["at"], request=body["request"], facts=body["facts"], columns=body["columns"])
    append(connection, "another", [told])


def an_end_twice(connection: Connection) -> None:
    """A device came to its end twice."""
    tell_again(connection, "version_matched")


def an_event_too_early(connection: Connection) -> None:
    """Events of a delivery are not in order."""
    tell_again(connection, "activation_due", at=1)


def an_alert_twice(connection: Connection) -> None:
    """An alert is recorded twice."""
    tell_again(connection, "alert_delivered")


def an_alert_for_nothing(connection: Connection) -> None:
    """A party is told of what did not happen."""
    connection.execute(text("UPDATE message SET kind = 'Mismatch' WHERE id = (SELECT max(id) FROM message)"))


def another_state(connection: Connection) -> None:
    """A device stands where the log does not say."""
    connection.execute(text("UPDATE delivery SET state = 'EXPIRED' WHERE id = (SELECT max(id) FROM delivery)"))


def another_version(connection: Connection) -> None:
    """The inventory shows what no device said."""
    connection.execute(text("UPDATE device SET version = 7 WHERE version = (SELECT max(version) FROM device)"))


def a_hole_in_the_log(connection: Connection) -> None:
    """An event is gone from the midst of a lane."""
    connection.execute(text("DELETE FROM event WHERE seq = 2"))


def a_short_log(connection: Connection) -> None:
    """The last event of a lane is gone, which no digest shows."""
    last = "SELECT lane, max(seq) FROM event WHERE kind = 'alert_delivered' GROUP BY lane LIMIT 1"
    lane, seq = connection.execute(text(last)).one()
    connection.execute(text("DELETE FROM event WHERE lane = :lane AND seq >= :seq"), {"lane": lane, "seq": seq})


WRONGS = (
    an_end_twice,
    an_event_too_early,
    an_alert_twice,
    an_alert_for_nothing,
    another_state,
    another_version,
    a_hole_in_the_log,
    a_short_log,
)


def all_handed_over(scene: Scene) -> bool:
    """Whether the servers have acknowledged the orders to all homes."""
    sent = "SELECT count(*) FROM outbox WHERE kind = 'distribute' AND sent_at IS NOT NULL"
    return scene.host.rows(sent) == [(CUT_DEVICES,)]


def is_quiet(scene: Scene) -> bool:
    """Whether all agents are there, and nobody says anything for a while."""
    one = scene.envelopes()
    time.sleep(1)
    return len(one) == 2 * len(REGIONS) and scene.envelopes() == one


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


def kill_until(scene: Scene, rng: Random, progress: float) -> None:
    """Kill one process after the other until so much of the work is done, or let the rest be done undisturbed."""
    give_up = time.monotonic() + SETTLE_S_MAX
    kills = 0
    while scene.progress() < progress:
        assert time.monotonic() < give_up, scene.story()
        if kills < KILLS_MAX:
            scene.kill_some(rng, REST_S)
        else:
            time.sleep(0.5)
        kills += 1


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
