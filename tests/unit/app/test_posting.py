"""Messages posted, many at once, and recorded: nobody holds up anybody else, nothing is lost, nothing told twice."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from hanota.app import posting as module
from hanota.app.posting import FLIGHTS_MAX, Posting
from hanota.app.queueing import PARTY_FLIGHTS_MAX
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import HOUR, SECOND, Instant
from hanota.base.limits import MESSAGE_OCTETS_MAX
from hanota.model.alerts import AlertKind
from hanota.model.policies import AlertPolicy
from hanota.records.ledger import verify
from hanota.records.store import open_store
from hanota.records.store import schema as t
from hanota.records.store.messages import replay
from helpers.outgoing import Air, crowd, queue, tell
from helpers.premises import DCC
from helpers.world import LANE, PPMID, PPMID_2, SUPPLIER_1, SUPPLIER_2, Bench, opened, seal

HERE, THERE = "http://party.example/duis", "http://other.example/duis"


class Rig:
    """Posting over a bench's store, to parties with endpoints."""

    def __init__(self, policy: AlertPolicy | None = None, path: Path | None = None, *, at_once: bool = False) -> None:
        self.bench = Bench(path=path)
        self.air = Air(at_once)
        self.policy = policy or AlertPolicy()
        for party, address in ((SUPPLIER_1, HERE), (SUPPLIER_2, THERE)):
            self.bench.change(t.party, {"endpoint": address}, eui=party.signed)
        self.start()

    def start(self) -> "Rig":
        """Start posting, again if it ran: all it knows is in the store."""
        store = self.bench.store
        self.posting = Posting(store, dcc=DCC, callback=self.air, sign=seal, lane=LANE, policy=self.policy)
        return self

    def post(self) -> "Rig":
        for _ in self.posting.post(self.bench.now, within_s=0.01):
            pass
        return self

    def record(self, after_ms: int = 0) -> "Rig":
        self.bench.now = Instant(self.bench.now + after_ms)
        self.posting.record(self.bench.now)
        return self

    def row(self, number: int) -> Any:
        return self.bench.row(t.message, id=number)

    @property
    def delivered(self) -> list[int]:
        return [row.id for row in self.bench.rows(t.message) if row.delivered_at is not None]


def euis(count: int) -> list[Eui64]:
    return [Eui64(number) for number in range(1, count + 1)]


def open_up(rig: Rig, *endpoints: str) -> None:
    """Let parties take enough to be given the most at once."""
    for party, address in ((SUPPLIER_1, HERE), (SUPPLIER_2, THERE)):
        if address in endpoints:
            queue(rig.bench, *euis(20), party=party)
    for _ in range(10):
        rig.post()
        for address in endpoints:
            rig.air.take(address)
    rig.post().record()
    rig.air.posted.clear()


# --- side by side -----------------------------------------------------------------------------------------------------


def test_many_are_under_way_to_one_party_but_one_about_each_device() -> None:
    rig = Rig()
    open_up(rig, HERE)
    queue(rig.bench, *euis(20), PPMID, PPMID, PPMID)
    assert len(rig.post().air.flying[HERE]) == PARTY_FLIGHTS_MAX
    queue(rig.bench, PPMID, party=SUPPLIER_2)
    rig.post()
    assert len(rig.air.flying[THERE]) == 1


def test_a_party_that_takes_its_time_holds_up_no_other() -> None:
    rig = Rig()
    open_up(rig, HERE)
    queue(rig.bench, *euis(50))
    others = queue(rig.bench, *euis(50), party=SUPPLIER_2)
    rig.post()
    while rig.air.flying[THERE]:
        rig.air.take(THERE)
        rig.post().record()
    assert set(others) <= set(rig.delivered)
    assert len(rig.air.bodies(HERE)) == PARTY_FLIGHTS_MAX


def test_all_parties_together_have_a_limited_number_under_way() -> None:
    rig = Rig()
    parties = euis(FLIGHTS_MAX + 5)
    with rig.bench.store.writing() as connection:
        rows = [
            {"eui": party.signed, "name": str(party), "roles": "", "endpoint": f"{HERE}/{party}"} for party in parties
        ]
        connection.execute(t.party.insert(), rows)
    for party in parties:
        queue(rig.bench, PPMID, party=party)
    assert len(rig.post().air.posted) == FLIGHTS_MAX
    for landed in list(rig.air.flying):
        rig.air.take(landed)
    assert len(rig.post().air.posted) == FLIGHTS_MAX + 5


def test_what_ends_while_nobody_posts_is_recorded_too() -> None:
    rig = Rig()
    (number,) = queue(rig.bench, PPMID)
    rig.post()
    rig.air.take(HERE)
    assert rig.record().delivered == [number]


def test_what_is_under_way_or_not_yet_recorded_is_not_posted_again() -> None:
    rig = Rig()
    (number,) = queue(rig.bench, PPMID)
    rig.post().post()
    rig.air.take(HERE)
    rig.post().post()
    assert len(rig.air.posted) == 1
    assert rig.record().delivered == [number]


def test_recording_takes_many_in_one_transaction_and_one_event() -> None:
    rig = Rig(at_once=True)
    queue(rig.bench, *euis(80))
    before = len(rig.bench.rows(t.event))
    rig.post().record()
    assert len(rig.delivered) == 80
    assert len(rig.bench.rows(t.event)) == before + 1


def test_when_nobody_records_posting_leaves_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_UNRECORDED_MAX", 3)
    rig = Rig(at_once=True)
    queue(rig.bench, *euis(10))
    rig.post().post()
    assert len(rig.air.posted) == 3
    for _ in range(10):
        rig.record().post()
    assert len(rig.record().delivered) == 10


# --- refused, silent, broken ----------------------------------------------------------------------------------------


def test_a_message_that_is_refused_waits_and_the_next_ones_about_its_device_go() -> None:
    rig = Rig()
    first, second, third = queue(rig.bench, PPMID, PPMID, PPMID)
    rig.post()
    rig.air.refuse(HERE)
    for _ in range(2):
        rig.post().record()
        rig.air.take(HERE)
    rig.record()
    assert rig.delivered == [second, third]
    row = rig.row(first)
    assert (row.tries, row.due, row.last_error) == (
        1,
        rig.bench.now + 5 * SECOND,
        f"{HERE} refused this message: HTTP 400",
    )


def test_a_silent_party_is_left_alone_with_all_that_it_is_due() -> None:
    rig = Rig()
    ids = queue(rig.bench, *euis(10))
    rig.post()
    rig.air.lose(HERE)
    rig.post().post().record().post()
    assert len(rig.air.posted) == 1
    assert {(rig.row(number).tries, rig.row(number).due) for number in ids} == {(1, rig.bench.now + 5 * SECOND)}


def test_of_several_that_a_party_does_not_answer_each_counts_one_try() -> None:
    rig = Rig()
    open_up(rig, HERE)
    ids = queue(rig.bench, *euis(8))
    rig.post()
    for _ in range(8):
        rig.air.lose(HERE)
        rig.post().record()
    assert {rig.row(number).tries for number in ids} == {1}
    assert len(rig.air.posted) == 8


def test_a_row_that_makes_no_sense_is_refused_like_any_other_and_the_others_go() -> None:
    rig = Rig(AlertPolicy(tries_max=2), at_once=True)
    bad, good = queue(rig.bench, PPMID, PPMID_2)
    rig.bench.change(t.message, {"response_id": "no identifier"}, id=bad)
    with capture_logs() as logs:
        rig.post().post().record()
    assert [(log["event"], log["message"]) for log in logs] == [("message_not_readable", bad)]
    assert rig.delivered == [good]
    assert rig.row(bad).last_error.startswith("unreadable: ")
    rig.record(after_ms=HOUR).post().record()
    assert rig.row(bad).dead_at == rig.bench.now


def test_a_post_that_the_carrier_gave_up_without_a_word_is_silence() -> None:
    rig = Rig()
    (number,) = queue(rig.bench, PPMID)
    rig.post()
    rig.air.flying[HERE][0].cancel()
    rig.post().record()
    assert (rig.row(number).tries, rig.row(number).delivered_at) == (1, None)


# --- lists ------------------------------------------------------------------------------------------------------


def test_50_000_devices_are_told_in_bodies_that_the_public_client_takes_and_each_once() -> None:
    rig = Rig(at_once=True)
    rig.bench.deliver()
    devices = crowd(rig.bench, 50_000)
    tell(rig.bench, devices, AlertKind.GIVEN_UP, "request")
    for _ in range(3):
        rig.post().record()
    bodies = [octets for octets in rig.air.bodies(HERE) if b"FirmwareDistributionFailure" in octets]
    assert max(map(len, bodies)) <= MESSAGE_OCTETS_MAX
    told = [eui.signed for octets in bodies for eui in opened(octets).body.alert.devices]
    assert (len(bodies), len(told), set(told)) == (13, 50_000, set(devices))
    assert {row.delivered_at for row in rig.bench.rows(t.message)} == {rig.bench.now}


# --- over restarts ----------------------------------------------------------------------------------------------


def test_a_restart_goes_on_with_the_wait_and_the_identifier(tmp_path: Path) -> None:
    rig = Rig(path=tmp_path / "store.sqlite")
    queue(rig.bench, PPMID)
    waits = []
    for _ in range(4):
        rig.post()
        rig.air.lose(HERE)
        rig.record()
        (row,) = rig.bench.rows(t.message)
        waits.append(row.due - rig.bench.now)
        rig.bench.store.close()
        rig.bench.store = open_store(tmp_path / "store.sqlite")
        rig.start().record(after_ms=waits[-1] - 1).post()
        assert len(rig.air.posted) == len(waits)  # not before its time
        rig.record(after_ms=1)
    assert waits == [5 * SECOND << number for number in range(4)]
    assert {opened(octets).response_id for octets in rig.air.bodies(HERE)} == {RequestId(DCC, SUPPLIER_1, 1)}


def test_what_was_taken_but_not_recorded_is_posted_again_under_its_identifier_and_stands_once() -> None:
    rig = Rig()
    ids = queue(rig.bench, PPMID, PPMID, counters=[5, 6])
    rig.post()
    rig.air.take(HERE)
    rig.start()  # the process died before it recorded
    for _ in ids:
        rig.post()
        rig.air.take(HERE)
    rig.record()
    told = [str(opened(octets).response_id) for octets in rig.air.bodies(HERE)]
    assert told == [f"{PPMID}:{SUPPLIER_1}:{counter}" for counter in (5, 5, 6)]
    assert (rig.delivered, len(rig.bench.rows(t.message))) == (ids, len(ids))


@pytest.mark.parametrize("deaths", [1, 3, 7])
def test_wherever_the_process_dies_nothing_is_lost_and_each_device_hears_in_order(deaths: int) -> None:
    rig = Rig()
    devices = [PPMID, PPMID_2, Eui64(3)] * 8
    ids = queue(rig.bench, *devices, counters=list(range(len(devices))))
    step = 0
    while len(rig.delivered) < len(ids):
        step += 1
        rig.post()
        rig.air.take(HERE, 1 + step % 3)
        if step % deaths == 0 and step < 60:
            rig.start()
            rig.air.flying.clear()
        else:
            rig.record()
        assert step < 500
    told = [opened(octets).response_id for octets in rig.air.bodies(HERE)]
    assert {each.counter for each in told if each is not None} == set(range(len(devices)))
    assert len(rig.bench.rows(t.message)) == len(ids)
    with rig.bench.store.reading() as connection:
        assert verify(connection)


def test_a_dead_letter_that_is_replayed_is_posted_under_its_identifier() -> None:
    rig = Rig(AlertPolicy(tries_max=1))
    (number,) = queue(rig.bench, PPMID)
    rig.post()
    rig.air.refuse(HERE)
    rig.post().record()
    assert rig.row(number).dead_at is not None
    assert len(rig.record(after_ms=HOUR).post().air.posted) == 1
    with rig.bench.store.writing() as connection:
        assert replay(connection, LANE, [number], rig.bench.now) == 1
    rig.post()
    rig.air.take(HERE)
    rig.record()
    assert rig.delivered == [number]
    assert len({opened(octets).response_id for octets in rig.air.bodies(HERE)}) == 1


def test_a_party_whose_endpoint_is_taken_away_reads_what_it_is_due() -> None:
    rig = Rig()
    (number,) = queue(rig.bench, PPMID)
    rig.bench.change(t.party, {"endpoint": None}, eui=SUPPLIER_1.signed)
    rig.post().record()
    assert (rig.delivered, rig.air.posted) == ([number], [])
    assert [row.party for row in rig.bench.rows(t.inbox)] == [SUPPLIER_1.signed]
