"""A store on PostgreSQL: several workers write at once, the server may go away, passwords are never told."""

import signal
import sys
import threading
from collections.abc import Callable
from itertools import chain
from typing import Any

import polars as pl
import pytest
from sqlalchemy import create_engine, select, text

from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.policies import ImagePolicy, Policies
from hanota.model.returns import Return
from hanota.process.pipeline import Pipeline
from hanota.process.schedule import Schedule
from hanota.process.stage import Ctx
from hanota.records.ledger import Event, append, verify
from hanota.records.store import Connection, Store, open_store
from hanota.records.store import schema as t
from hanota.records.store import work as module
from hanota.records.store.applying import apply
from hanota.records.store.bulk import insert_frame
from hanota.records.store.engine import DriverMissing, StoreUnavailable, TransactionLost
from hanota.records.store.materialising import materialise
from hanota.records.store.outgoing import _due_rows
from hanota.records.store.position import keep_position, kept_position
from hanota.records.store.reports import KeptElsewhere, save_reports
from hanota.records.store.turns import hold_open, reserve
from hanota.records.store.work import claim
from hanota.wire.otaimage import write_image
from hanota.wire.otaimage.segments import split
from helpers.postgres import Cluster
from helpers.premises import NOW
from helpers.stores import another, bring_to, new_store
from helpers.world import (
    DCC,
    HUB,
    LANE,
    PPMID,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    broker,
    image,
    read,
    request,
    seal,
    signed,
)

pytestmark = pytest.mark.usefixtures("on_postgres")
STAGE = Schedule()


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """Do things in a thread each, begun at the same moment. Returns: what came of them."""
    together, came = threading.Barrier(len(deeds)), [None] * len(deeds)

    def do(place: int) -> None:
        together.wait()
        came[place] = deeds[place]()

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


def claimed(connection: Connection) -> pl.DataFrame:
    return claim(connection, takes=STAGE.takes, hears=STAGE.hears, now=NOW)


def written(connection: Connection, batch: pl.DataFrame, lane: str = LANE) -> int:
    step = STAGE.accept(batch, Ctx(now=NOW, policies=Policies()))
    return apply(connection, lane, step, now=NOW, service_level_ms=1)


def asked(count: int) -> Bench:
    """So many deliveries that wait for their schedule."""
    bench = Bench()
    bench.submit(request(PPMID))
    with bench.store.writing() as connection:
        same = {"request": 1, "device": PPMID.signed, "hub": 0, "state": "REQUESTED", "since": NOW, "deadline": NOW + 1}
        counts = {"tries": 0, "offset": 0, "blocks": 0, "repeats": 0, "due": NOW}
        first = reserve(connection, t.delivery, count)
        numbers = pl.int_range(first, first + count, dtype=pl.Int64, eager=True)
        insert_frame(connection, t.delivery, pl.DataFrame({"id": numbers}), **same, **counts)
    return bench


# --- claims ---------------------------------------------------------------------------------------------------------


def test_a_worker_passes_over_what_another_one_is_at() -> None:
    one = asked(5).store
    other = another(one)
    with one.writing() as connection, other.writing() as beside:
        assert (claimed(connection).height, claimed(beside).height) == (5, 0)  # it does not wait either
        connection.rollback()
        assert claimed(beside).height == 5


def test_no_two_workers_ever_move_the_same_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_MAX", 3)
    one = asked(60).store

    def move_all(store: Store, lane: str) -> list[int]:
        found: list[int] = []
        while True:
            with store.writing() as connection:
                batch = claimed(connection)
                written(connection, batch, lane)
            if batch.is_empty():
                return found
            found += batch["delivery"].to_list()

    stores = (one, another(one), another(one))
    parts = at_once(*(lambda store=store, lane=f"{lane}": move_all(store, lane) for lane, store in enumerate(stores)))
    assert sorted(chain(*parts)) == list(range(1, 61))


def test_whoever_changes_facts_waits_for_the_step_that_is_decided_on_them() -> None:
    bench = asked(1)
    at_work, changing = bench.store, another(bench.store)
    seen: list[str] = []

    def change() -> None:
        with changing.writing() as connection:
            hold_open(connection, t.delivery.c.device == PPMID.signed)
            seen.append(connection.execute(select(t.delivery.c.state)).scalar_one())

    with at_work.writing() as connection:
        batch = claimed(connection)
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        written(connection, batch)
    thread.join()
    assert seen == ["DEVICE_GONE"]  # these devices have no hub


def test_no_step_is_decided_while_somebody_changes_the_facts() -> None:
    bench = asked(1)
    with bench.store.writing() as changing, another(bench.store).writing() as at_work:
        hold_open(changing, t.delivery.c.device == PPMID.signed)
        assert claimed(at_work).is_empty()


def test_the_last_segment_that_comes_while_a_step_is_decided_wakes_its_delivery_all_the_same() -> None:
    policies = Policies(image=ImagePolicy(max_octets=400))
    first, last = (write_image(part) for part in split(read(image()), 400))
    at, beside = Bench(policies=policies), Bench(policies=policies)
    beside.store = another(at.store)
    beside.pipeline = Pipeline(beside.store, dcc=DCC, policies=policies, seal=seal, broker=broker(), lane="another")
    assert at.submit(request(image=first)).code is ResponseCode.I0
    with at.store.writing() as connection:
        materialise(connection, LANE, NOW, Instant(NOW + DAY), policies=policies)
    with at.store.writing() as connection:
        batch = claimed(connection)
        thread = threading.Thread(target=lambda: beside.submit(request(image=last, counter=2)))
        thread.start()
        thread.join(0.5)
        assert written(connection, batch) == 1  # it is to wait until its deadline
    thread.join()
    assert (at.row(t.delivery).state, at.row(t.delivery).due) == ("REQUESTED", NOW)


# --- acceptance, numbers, lanes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", range(5))
def test_of_two_requests_that_race_in_two_processes_exactly_one_wins(again: int) -> None:
    one, other, worker = Bench(), Bench(), Bench()
    other.store, worker.store = another(one.store), another(one.store)
    documents = [signed(request(PPMID, counter=again + 1, sender=sender)) for sender in (SUPPLIER_1, SUPPLIER_2)]
    other.restart()
    worker.restart()
    answers = at_once(
        lambda: one.submit(documents[0]), lambda: other.submit(documents[1]), lambda: [worker.run() for _ in range(9)]
    )
    assert sorted(answer.code for answer in answers[:2]) == [ResponseCode.E110403, ResponseCode.I0]
    one.run()
    assert one.row(t.delivery).device == one.row(t.work).device == PPMID.signed


def test_numbers_are_given_once_and_in_a_row() -> None:
    one = new_store()

    def take(store: Store) -> list[int]:
        numbers = []
        for count in range(1, 20):
            with store.writing() as connection:
                first = reserve(connection, t.message, count)
            numbers += range(first, first + count)
        return numbers

    taken = at_once(*(lambda store=store: take(store) for store in (one, another(one), another(one))))
    assert sorted(chain(*taken)) == list(range(1, 3 * 190 + 1))


def test_a_number_that_was_taken_back_stays_out_and_holds_up_nobody() -> None:
    one = new_store()
    other = another(one)
    with one.writing() as connection:
        assert reserve(connection, t.message, 5) == 1
        with other.writing() as beside:
            assert reserve(beside, t.message, 5) == 6
        connection.rollback()
    with one.writing() as connection:
        assert reserve(connection, t.message, 1) == 11


def test_a_lane_that_two_processes_write_is_one_chain() -> None:
    one = new_store()

    def write(store: Store) -> None:
        for number in range(20):
            with store.writing() as connection:
                append(connection, LANE, [Event(kind="k", at=number), Event(kind="l", at=number)])

    at_once(*(lambda store=store: write(store) for store in (one, another(one))))
    with one.reading() as connection:
        report = verify(connection)
        assert (bool(report), report.events) == (True, 80)


# --- partitions -----------------------------------------------------------------------------------------------------


def kept_in(store: Store, table: str, row: str) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(text(f"SELECT tableoid::regclass::text FROM {table} WHERE {row}")).scalars())


def test_deliveries_lie_by_their_numbers_and_those_beyond_all_partitions_are_kept_too() -> None:
    bench = asked(1)
    for number in ((1 << 23) - 1, 1 << 23, 1 << 26, 1 << 60):
        bench.change(t.delivery, {"id": number}, id=bench.rows(t.delivery)[-1].id)  # a row may move
    assert kept_in(bench.store, "delivery", "true") == ["delivery_later"]
    bench.change(t.delivery, {"id": 1 << 23}, id=1 << 60)
    assert kept_in(bench.store, "delivery", "true") == ["delivery_1"]


def test_a_lane_lies_in_one_partition_of_the_log() -> None:
    store = new_store()
    with store.writing() as connection:
        for lane in "0123456789":
            append(connection, lane, [Event(kind="k", at=number) for number in range(3)])
    assert all(len(set(kept_in(store, "event", f"lane = '{lane}'"))) == 1 for lane in "0123456789")
    assert len(set(kept_in(store, "event", "true"))) > 1


def test_what_was_kept_before_there_were_partitions_is_kept(on_postgres: Cluster) -> None:
    url = on_postgres.url(on_postgres.create())
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        bring_to(connection, "0003")
        append(connection, LANE, [Event(kind="k", at=1)])
        connection.execute(
            text(
                "INSERT INTO message (id, party, kind, at, created_at, deadline, tries) VALUES (7, 1, 'k', 0, 0, 0, 0)"
            )
        )
    engine.dispose()
    store = open_store(url)
    with store.writing() as connection:
        append(connection, LANE, [Event(kind="l", at=2)])
        assert (bool(report := verify(connection)), report.events) == (True, 2)
        assert reserve(connection, t.message, 1) == 8
    store.close()


# --- opening --------------------------------------------------------------------------------------------------------


def test_workers_that_come_to_a_new_database_at_once_make_its_schema_once(on_postgres: Cluster) -> None:
    url = on_postgres.url(on_postgres.create())
    stores = at_once(*[lambda: open_store(url)] * 3)
    for store in stores:
        with store.reading() as connection:
            assert kept_position(connection) == 0
        store.close()


WRONG = {
    "postgresql://user:secret@127.0.0.1:1/store": "127.0.0.1",  # nobody listens there
    "postgresql+psycopg://user@127.0.0.1:1/store?password=secret": "127.0.0.1",
    "postgres://user:secret@127.0.0.1:1/store": "127.0.0.1",
    "postgresql://user:secret@host:port/store": "postgresql://…",
    "postgresql://user:p@secret@127.0.0.1:1/store": "postgresql://…",
}


@pytest.mark.parametrize("url", WRONG)
def test_a_server_that_does_not_answer_is_told_without_the_password(url: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(url)
    told = f"{caught.value} {caught.value.as_dict()}"
    assert WRONG[url] in told
    assert "secret" not in told
    assert "sqlalche.me" not in told
    assert caught.value.retryable


def test_a_database_that_is_not_there_is_told(on_postgres: Cluster) -> None:
    with pytest.raises(StoreUnavailable, match="nowhere"):
        open_store(on_postgres.url("nowhere"))


def test_without_the_driver_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DriverMissing, match=r"hanota\[postgres\]"):
        open_store("postgresql://user:secret@127.0.0.1/store")


# --- what the server does -------------------------------------------------------------------------------------------


def test_a_server_that_is_told_to_acknowledge_early_does_not(on_postgres: Cluster) -> None:
    store = new_store()
    with store.writing() as connection:
        name = connection.execute(select(text("current_database()"))).scalar_one()
    store.close()
    with on_postgres.session(name) as session:
        session.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        with another(store).writing() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
    finally:
        with on_postgres.session(name) as session:
            session.execute(f"ALTER DATABASE {name} RESET synchronous_commit")


def commit(store: Store, position: int) -> None:
    with store.writing() as connection:
        keep_position(connection, Instant(position))


def fall_asleep(store: Store) -> None:
    with store.writing() as connection:
        keep_position(connection, Instant(99))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        threading.Event().wait(0.3)
        keep_position(connection, Instant(100))


def test_a_worker_that_is_stopped_inside_a_transaction_loses_it_and_its_locks() -> None:
    store = new_store()
    commit(store, 1)
    with store.writing() as connection:
        assert connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one() == "30s"
    with pytest.raises(TransactionLost):
        fall_asleep(store)
    with store.reading() as connection:
        assert kept_position(connection) == 1


def restart_within(store: Store, server: Cluster) -> None:
    with store.writing() as connection:
        keep_position(connection, Instant(2))
        server.stop(signal.SIGQUIT)
        server.start()


def test_what_was_committed_outlives_a_crash_of_the_server_and_the_store_goes_on(on_postgres: Cluster) -> None:
    store = new_store()
    commit(store, 1)
    with pytest.raises(TransactionLost):
        restart_within(store, on_postgres)
    with store.reading() as connection:
        assert kept_position(connection) == 1
    commit(store, 3)
    with another(store).reading() as connection:
        assert kept_position(connection) == 3


def test_text_and_octets_of_any_kind_come_back_as_they_went_in() -> None:
    texts = ["", "\\N", '"', "a,b", "a\nb", "a\rb", "\t", "é", None, "\\x00", "NULL"]
    octets = [b"", b"\x00", b'"', b",", b"\n", b"\\N", None, b"\xff" * 3, b"x", b"'", b"\r\n"]
    frame = pl.DataFrame({"id": range(1, 12), "response_id": texts, "document": octets})
    same = {"party": 1, "kind": "k", "at": 0, "created_at": 0, "deadline": 0, "tries": 0}
    with new_store().writing() as connection:
        insert_frame(connection, t.message, frame, **same)
        rows = connection.execute(select(t.message.c.response_id, t.message.c.document).order_by(t.message.c.id)).all()
    assert [tuple(row) for row in rows] == list(zip(texts, octets, strict=True))


@pytest.mark.parametrize("stages", [{}, {"image_held": 0}], ids=["kept", "kept and taken"])
def test_what_a_hub_repeats_to_two_workers_at_once_is_kept_once(stages: dict[str, int]) -> None:
    one = Bench().store
    stores = [one, another(one), another(one)]
    report = Return(source="s", event="image_held", at=NOW, device=PPMID, octets=b"o", delivery=1, reporter=HUB)
    reports = [report._replace(source=f"s{n}") for n in range(50)]

    def keep(store: Store, lane: str, stages: dict[str, int]) -> frozenset[str]:
        try:
            with store.writing() as connection:
                return save_reports(connection, lane, reports, NOW, at_once=stages).sources
        except KeptElsewhere:
            return keep(store, lane, {})

    work = (lambda store=store, lane=f"{lane}": keep(store, lane, stages) for lane, store in enumerate(stores))
    assert sorted(len(sources) for sources in at_once(*work)) == [0, 0, 50]


def test_the_queue_of_a_message_is_found_by_an_index_and_not_by_going_through_its_party() -> None:
    with Bench().store.reading() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        compiled = _due_rows(4, 100).compile(connection, compile_kwargs={"literal_binds": False})
        values = compiled.params | {"of_party": SUPPLIER_1.signed, "now": NOW}
        plan = connection.exec_driver_sql(f"EXPLAIN {compiled}", values).scalars().all()
    found = [line for line in plan if "Index Cond" in line and "device = message.device" in line]
    assert found, "\n".join(plan)
