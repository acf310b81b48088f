"""Several workers over one store: no message is posted twice at the same time, and who lost its lane writes nothing."""

from pathlib import Path

import pytest

from hanota.app.posting import Posting
from hanota.app.serving import lanes
from hanota.app.serving.lanes import Lane, PartyTurns
from hanota.app.serving.settings import PartSettings, read_part
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.policies import AlertPolicy
from hanota.records.store import open_store
from hanota.records.store import schema as t
from hanota.records.store.leases import LeaseLost
from helpers.outgoing import Air, queue
from helpers.premises import DCC
from helpers.world import SUPPLIER_1, SUPPLIER_2, Bench, seal

HERE, THERE = "http://party.example/duis", "http://other.example/duis"


class Rig:
    """Workers that post over one bench's store, each by a carrier of its own."""

    def __init__(self, path: Path) -> None:
        self.bench = Bench(path=path / "store.sqlite")
        for party, address in ((SUPPLIER_1, HERE), (SUPPLIER_2, THERE)):
            self.bench.change(t.party, {"endpoint": address}, eui=party.signed)
        self.lanes: list[Lane] = []

    def worker(self) -> "Poster":
        lane = Lane(self.bench.store, "north", lambda: self.bench.now)
        self.lanes.append(lane)
        return Poster(self.bench, lane)

    def close(self) -> None:
        for lane in self.lanes:
            lane._ending.set()


class Poster:
    def __init__(self, bench: Bench, lane: Lane) -> None:
        self.bench, self.lane, self.air = bench, lane, Air()
        turns = PartyTurns(lane)
        facts = {"callback": self.air, "sign": seal, "lane": lane.name, "policy": AlertPolicy(), "turns": turns}
        self.posting = Posting(lane.store, dcc=DCC, **facts)

    def post(self) -> "Poster":
        for _ in self.posting.post(self.bench.now, within_s=0.01):
            pass
        return self

    def record(self) -> None:
        self.posting.record(self.bench.now)


@pytest.fixture
def rig(tmp_path: Path):
    made = Rig(tmp_path)
    yield made
    made.close()


def devices(count: int) -> list[Eui64]:
    return [Eui64(number) for number in range(1, count + 1)]


def test_two_workers_post_no_message_twice(rig: Rig) -> None:
    queue(rig.bench, *devices(6))
    one, other = rig.worker(), rig.worker()
    for _ in range(8):
        for each in (one, other):
            each.post()
            each.air.take(HERE)
            each.post().record()
    assert len(one.air.posted) == 6
    assert other.air.posted == []
    assert rig.bench.rows(t.message)[0].delivered_at is not None


def test_a_party_that_is_quiet_may_be_anothers(rig: Rig) -> None:
    queue(rig.bench, *devices(1))
    one, other = rig.worker(), rig.worker()
    one.post().air.take(HERE)
    one.post().record()
    rig.bench.now = Instant(rig.bench.now + lanes.REST_MS)
    one.post()
    queue(rig.bench, *devices(1))
    assert len(other.post().air.posted) == 1
    assert len(one.post().air.posted) == 1


def test_what_a_worker_posted_before_its_lane_was_lost_it_does_not_record(rig: Rig) -> None:
    queue(rig.bench, *devices(1))
    one = rig.worker()
    one.post()
    rig.bench.now = Instant(rig.bench.now + lanes.LEASE_MS)  # it was stopped
    other = rig.worker()
    other.post()
    assert len(other.air.posted) == 1
    one.air.take(HERE)
    one.posting._land(1)
    events = len(rig.bench.rows(t.event))
    with pytest.raises(LeaseLost):
        one.record()
    assert rig.bench.rows(t.message)[0].delivered_at is None
    assert len(rig.bench.rows(t.event)) == events
    assert one.air.posted[0][1].count(b"ResponseID") == other.air.posted[0][1].count(b"ResponseID")


def test_a_lane_is_kept_by_beats_and_handed_back_at_the_end(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    now = [Instant(1)]
    lane = Lane(store, "north", lambda: now[0], lease_ms=60)
    assert lane.name == "north-1"
    now[0] = Instant(1_000)  # by its own clock it was away for a second
    assert lane.lost.wait(10)
    with pytest.raises(LeaseLost), lane.store.writing():
        pass
    with lane.store.reading():
        pass
    lane.release()
    again = Lane(store, "north", lambda: now[0])
    again.release()
    assert Lane(store, "north", lambda: now[0]).name == "north-1"


def test_a_process_is_told_what_it_is_by_its_environment_alone() -> None:
    part = PartSettings(kind="worker", name="", base="b", database="postgresql://u:secret@h/d", dcc=str(DCC))
    worker = part.as_worker(3)
    assert read_part(worker.environment()) == worker
    assert worker.environment()["POLARS_MAX_THREADS"] == "1"
    face = part.as_face("console", "127.0.0.1", 8080)
    assert (face.kind, face.base, face.port) == ("console", "b-console", 8080)
