"""`hanota bench deliver` at a small size: every device is confirmed, whatever the store, and by verified reports."""

from pathlib import Path
from random import Random

import pytest

from hanota.app.bench.deliver import Beside, WorkersOfNone, bench_deliver
from hanota.app.bench.goosebit import PeerOutcome
from hanota.app.bench.identities import Identities
from hanota.app.bench.metering import Meter
from hanota.app.bench.rollout import Plan
from hanota.app.bench.signed import SignedRollout, Wires
from hanota.app.bench.town import CACHE, DatabaseInUse, plan_town, settle_town
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import KeyUsage
from hanota.model.policies import Policies
from hanota.records.store.census import census, deliveries_by_state
from hanota.wire.smki import read_certificate
from helpers.postgres import Cluster
from helpers.premises import NOW

HOMES = 300


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))


def test_every_device_is_confirmed_with_all_its_rows_and_the_peer_is_held_against_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = PeerOutcome(devices=5, seconds=1.0, devices_per_s=0.001, name="goosebit")
    monkeypatch.setattr("hanota.app.bench.deliver.bench_goosebit", lambda **_: peer)
    profile = tmp_path / "deliver.pstats"
    beside = Beside(growth=(20,), peer_devices=5, profile=profile)
    told = bench_deliver(now=NOW, devices=60, requests=3, beside=beside).as_dict()
    assert told["rows"]["delivery"] == 60
    assert told["rows"]["message"] == 180
    assert told["rows"]["work"] == 0
    assert told["ratio"] > 0
    assert told["ratio_peer"] == pytest.approx(told["devices_per_s"] / 0.001, rel=0.01)
    assert "HTTP" in told["how_they_differ"]
    assert told["growth_us"].keys() == {"20"}
    assert profile.stat().st_size > 0


def test_a_rollout_runs_in_an_empty_database_and_in_no_other(postgres: Cluster) -> None:
    url = postgres.url(postgres.create())
    told = bench_deliver(now=NOW, devices=60, requests=3, database=url)
    assert (told.store, told.rows["delivery"], told.floor_devices_per_s) == ("postgresql", 60, None)
    with pytest.raises(DatabaseInUse):
        bench_deliver(now=NOW, devices=60, requests=3, database=url)


def test_workers_share_a_rollout_in_one_database(postgres: Cluster) -> None:
    told = bench_deliver(now=NOW, devices=60, requests=3, database=postgres.url(postgres.create()), workers=2)
    assert (told.workers, told.rows["delivery"], told.rows["work"], told.rows["message"]) == (2, 60, 0, 180)
    assert told.cpu_seconds > 0


def test_several_workers_need_a_database_server() -> None:
    with pytest.raises(WorkersOfNone):
        bench_deliver(now=NOW, devices=60, workers=2)


@pytest.mark.parametrize("altered", [0, 40])
def test_homes_at_flow_level_are_confirmed_by_reports_that_hold_and_by_no_others(altered: int, tmp_path: Path) -> None:
    town = plan_town(HOMES, image_octets=1000, now=NOW)
    identities = Identities(town.keys, NOW)
    store = settle_town(town, tmp_path / "store.sqlite", identities)
    plan = Plan(devices=HOMES, requests=2)
    rollout = SignedRollout(
        store, town, identities, plan=plan, policies=Policies(), meter=Meter(), wires=Altering(altered)
    )
    rollout.run(NOW)
    with store.reading() as connection:
        assert deliveries_by_state(connection) == {"CONFIRMED": HOMES}
        assert census(connection)["report"] == 3 * HOMES
    assert rollout.reports >= 3 * HOMES + altered  # what was altered was not believed, and so was said again
    store.close()


class Altering(Wires):
    """Changes one bit of the first so many frames from homes."""

    def __init__(self, altered: int) -> None:
        super().__init__(Random(3))
        self._left = altered

    def shuffle(self) -> None:
        for place in range(min(self._left, len(self.up))):
            octets = bytearray(self.up[place])
            octets[-1] ^= 1
            self.up[place] = bytes(octets)
            self._left -= 1
        super().shuffle()


def test_each_hub_and_device_has_a_key_of_its_own_that_its_certificate_names() -> None:
    identities = Identities(plan_town(1, image_octets=1000, now=NOW).keys, NOW)
    owners = [Eui64(0x00DB_4000_0000_0000 + number) for number in range(3)]
    held = [identities.credential(eui, usage) for eui in owners for usage in KeyUsage]
    for credential in held:
        assert read_certificate(credential.certificate.der) == credential.certificate
    assert len({credential.key.private_numbers().private_value for credential in held}) == len(held)
    rows = identities.rows([(owners[0].signed, owners[1].signed)])
    points = {credential.certificate.der: credential.certificate.certified_key.point for credential in held}
    assert [points[der] for der in rows["der"]] == list(rows["public_key"])
    assert {Instant(NOW) <= credential.certificate.not_after for credential in held} == {True}
