"""Facts that are read in parts, on several connections, are those that one connection reads."""

import threading
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import event, select

from hanota.records.store import Connection, Store, beside, open_store
from hanota.records.store import schema as t
from hanota.records.store.beside import read_in_parts
from hanota.records.store.device_facts import device_facts
from hanota.records.store.frames import name_set, read_frame
from helpers.world import ESME, HUB, HUB_2, PPMID, PPMID_2, STRANGER, SUPPLIER_1, Bench, image, read

HASH = read(image()).manufacturer_hash


@pytest.fixture(autouse=True)
def processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "PART_MIN", 2)
    monkeypatch.setattr(beside.os, "cpu_count", lambda: 3)


def numbers_and_connections(store: Store, count: int, parts: int) -> tuple[list[int], int]:
    """What is read of so many numbers, and on how many connections; the parts wait until all are being read."""
    used = set()
    all_begun = threading.Barrier(parts, timeout=60)

    def some(connection: Connection, ids: pl.Series) -> pl.DataFrame:
        used.add(id(connection.connection.driver_connection))
        all_begun.wait()
        return read_frame(connection, select(name_set(connection, ids).c.id))

    with store.writing() as connection:
        found = read_in_parts(connection, pl.Series(range(count), dtype=pl.Int64), some)
    return found["id"].to_list(), len(used)


@pytest.mark.parametrize(("count", "parts"), [(0, 1), (3, 1), (4, 2), (6, 3), (100, 3)])
def test_many_rows_are_read_on_several_connections(tmp_path: Path, count: int, parts: int) -> None:
    store = open_store(tmp_path / "store.sqlite")
    assert numbers_and_connections(store, count, parts) == (list(range(count)), parts)
    assert numbers_and_connections(store, count, parts) == (list(range(count)), parts)  # and once more on these
    store.close()


def test_in_memory_there_is_one_connection() -> None:
    assert numbers_and_connections(open_store(None), 100, 1) == (list(range(100)), 1)


def test_who_only_reads_does_so_on_one_connection(tmp_path: Path) -> None:
    """Others may commit meanwhile, so another connection might see more."""
    store = open_store(tmp_path / "store.sqlite")
    with store.reading() as connection:
        found = read_in_parts(
            connection, pl.Series(range(100)), lambda on, _: pl.DataFrame({"own": [on is connection]})
        )
    assert found["own"].to_list() == [True]
    store.close()


def test_what_goes_wrong_beside_is_told(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")

    def fail(connection: Connection, ids: pl.Series) -> pl.DataFrame:
        if ids[0]:
            raise LookupError(ids[0])
        return ids.to_frame()

    with pytest.raises(LookupError), store.writing() as connection:
        read_in_parts(connection, pl.Series(range(4)), fail)
    with store.writing() as connection:
        assert connection.execute(select(t.device.c.eui)).all() == []
    store.close()


def test_facts_of_devices_are_the_same_in_parts(tmp_path: Path) -> None:
    benches = Bench(), Bench(path=tmp_path / "store.sqlite")
    named = pl.Series([eui.signed for eui in (PPMID_2, STRANGER, PPMID, ESME, HUB, HUB_2)], dtype=pl.Int64)
    found, began = [], []
    for bench in benches:
        bench.deliver(PPMID)
        event.listen(bench.store._engine, "begin", began.append)
        with bench.store.writing() as connection:
            found.append(device_facts(connection, named, sender=SUPPLIER_1, manufacturer_hash=HASH, now=bench.now))
    assert_frame_equal(*found)
    assert found[0].select(pl.col("known", "eligible", "open").n_unique()).row(0) == (2, 2, 2)
    assert len(began) == 1 + 3
