"""The engine: durable as SQLite can be, writers in turn, all or nothing."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from hanota.records.store import Store, open_store
from hanota.records.store import schema as t
from hanota.records.store.engine import StoreUnavailable
from hanota.records.store.position import keep_position, kept_position


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store.sqlite")


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "temp_store": 2, "cache_size": -65536}


@pytest.mark.parametrize("name", PRAGMAS)
def test_every_connection_is_durable(name: str, store: Store) -> None:
    with store.reading() as one, store.reading() as other, store.writing() as third:
        for connection in (one, other, third):
            assert connection.execute(text(f"PRAGMA {name}")).scalar_one() == PRAGMAS[name]


def test_what_was_committed_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with (first := open_store(path)).writing() as connection:
        keep_position(connection, 42)
    first.close()
    with open_store(str(path)).reading() as connection:
        assert kept_position(connection) == 42
    with open_store(f"sqlite:///{path}").reading() as connection:
        assert kept_position(connection) == 42


def write_and_fail(store: Store) -> None:
    with store.writing() as connection:
        keep_position(connection, 42)
        raise KeyError


def test_an_exception_undoes_the_whole_transaction(store: Store) -> None:
    with pytest.raises(KeyError):
        write_and_fail(store)
    with store.writing() as connection:
        assert kept_position(connection) == 0


def test_reading_writes_nothing(store: Store) -> None:
    with store.reading() as connection:
        keep_position(connection, 42)
    with store.reading() as connection:
        assert kept_position(connection) == 0


def test_reads_of_one_reader_agree_while_others_write(store: Store) -> None:
    with store.reading() as reader:
        before = reader.execute(select(t.clock.c.position)).all()
        with store.writing() as writer:
            keep_position(writer, 42)
        assert reader.execute(select(t.clock.c.position)).all() == before == []


def test_writers_take_their_turn(store: Store) -> None:
    """Each reads and then writes; a turn that began without the lock would lose updates or fail as busy."""

    def count_up() -> None:
        for _ in range(20):
            with store.writing() as connection:
                keep_position(connection, kept_position(connection) + 1)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as connection:
        assert kept_position(connection) == 80


def test_two_processes_take_their_turn_too(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    one, other = open_store(path), open_store(path)  # two engines know nothing of each other, as two processes
    done = threading.Event()

    def write_later() -> None:
        with other.writing() as connection:
            keep_position(connection, kept_position(connection) + 1)
        done.set()

    with one.writing() as connection:
        thread = threading.Thread(target=write_later)
        thread.start()
        assert not done.wait(0.05)
        keep_position(connection, kept_position(connection) + 1)
    thread.join()
    with one.reading() as connection:
        assert kept_position(connection) == 2


def test_rows_that_refer_to_nothing_are_refused(store: Store) -> None:
    with pytest.raises(IntegrityError), store.writing() as connection:
        connection.execute(insert(t.predecessor).values(product=99, version=1))


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("/proc/nowhere/store.sqlite", "/proc/nowhere/store.sqlite"),
        ("unknown://host/database", "unknown://host/database"),
        ("not a scheme://host/database", "not a scheme://…"),
        ("postgresql://host:port/database", "postgresql://…"),
        ("mysql+pymysql://host/database", "mysql+pymysql://host/database"),  # whose driver is not installed
    ],
)
def test_a_store_that_cannot_be_opened_says_which_and_why(where: str, told: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(where)
    assert told in str(caught.value)
    assert caught.value.retryable


@pytest.mark.parametrize("scheme", ["unknown", "not a scheme", "mysql+pymysql"])
def test_a_password_is_never_told(scheme: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(f"{scheme}://user:secret@host/database")
    assert "secret" not in str(caught.value)
    assert "secret" not in str(caught.value.as_dict())


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"something else entirely, and long enough to have a header" * 20)
    with pytest.raises(StoreUnavailable):
        open_store(path)


def test_a_file_whose_schema_is_damaged_is_refused(tmp_path: Path) -> None:
    """SQLite tells of it in octets of the damage, which are no text."""
    path = tmp_path / "damaged.sqlite"
    open_store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET sql = CAST(x'4352454154452084' AS TEXT) WHERE name = 'party'")
    with pytest.raises(StoreUnavailable):
        open_store(path)


def test_a_store_of_a_later_version_is_refused(store: Store, tmp_path: Path) -> None:
    with store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreUnavailable):
        open_store(tmp_path / "store.sqlite")


# --- in memory: one connection for everybody -----------------------------------------------------------------------


def test_threads_take_their_turn_at_a_store_in_memory() -> None:
    store = open_store(None)
    failures: list[Exception] = []

    def count_up() -> None:
        try:
            for _ in range(50):
                with store.writing() as connection:
                    keep_position(connection, kept_position(connection) + 1)
                with store.reading() as connection:
                    assert kept_position(connection) > 0
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with store.reading() as connection:
        assert kept_position(connection) == 200


def test_in_memory_one_reads_inside_ones_own_transaction() -> None:
    store = open_store(None)
    with store.writing() as connection:
        keep_position(connection, 42)
        with store.reading() as inner, store.reading() as innermost:
            assert kept_position(inner) == kept_position(innermost) == 42
    with store.reading() as connection, store.reading() as inner:
        assert kept_position(inner) == kept_position(connection) == 42


def test_in_memory_writing_inside_reading_or_writing_is_refused_and_changes_nothing() -> None:
    store = open_store(None)
    for outer in (store.reading, store.writing):
        with outer() as connection:
            with pytest.raises(RuntimeError, match="one connection"), store.writing():
                pass
            assert kept_position(connection) == 0
    write = store.writing
    with write() as connection:
        keep_position(connection, 1)
    with pytest.raises(KeyError):
        write_and_fail(store)
    with store.reading() as connection:
        assert kept_position(connection) == 1


def test_threads_may_open_new_stores_at_the_same_moment(tmp_path: Path) -> None:
    gate = threading.Barrier(4)

    def opened(number: int) -> str:
        gate.wait()
        store = open_store(tmp_path / f"{number}.sqlite")
        store.close()
        return "opened"

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened, range(4))) == ["opened"] * 4
