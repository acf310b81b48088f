"""Whether a store is whole: what names a delivery or a request without a constraint names one that is there."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert, text

from hanota.records.store import Store, open_store
from hanota.records.store import schema as t
from hanota.records.store.integrity import integrity
from helpers.premises import NOW
from helpers.stores import new_store
from helpers.world import PPMID, Bench, request

_MESSAGE: dict[str, Any] = {"party": 1, "kind": "x", "at": NOW, "created_at": NOW, "deadline": NOW, "tries": 0}
_REPORT: dict[str, Any] = {"source": "x", "received_at": NOW, "at": NOW, "event": "x", "device": 1, "octets": b""}
LOST = [
    (t.work, {"device": 1, "delivery": 99}, "work names delivery 99, which is not there"),
    (t.outbox, {"kind": "cancel", "queued_at": NOW, "delivery": 99}, "outbox names delivery 99, which is not there"),
    (t.message, {**_MESSAGE, "delivery": 99}, "message names delivery 99, which is not there"),
    (t.message, {**_MESSAGE, "request": 99}, "message names request 99, which is not there"),
    (t.report, {**_REPORT, "delivery": 99, "taken": True}, "report names delivery 99, which is not there"),
]


@pytest.mark.usefixtures("each_store")
def test_a_store_in_which_something_was_asked_for_and_told_is_whole() -> None:
    bench = Bench()
    bench.submit(request(PPMID))
    assert integrity(bench.store) == "ok"


@pytest.mark.usefixtures("each_store")
@pytest.mark.parametrize(("table", "row", "told"), LOST, ids=[told.split(",")[0] for _, _, told in LOST])
def test_a_row_that_names_what_is_not_there_is_told(table: Table, row: dict[str, Any], told: str) -> None:
    store = new_store()
    with store.writing() as connection:
        connection.execute(insert(table).values(row))
    assert integrity(store) == told


def test_what_a_constraint_would_refuse_is_told_too(tmp_path: Path) -> None:
    store: Store = open_store(tmp_path / "store.sqlite")
    with store.reading() as connection:
        driver: Any = connection.connection.driver_connection
        connection.commit()
        driver.execute("PRAGMA foreign_keys=OFF")
        connection.execute(text("INSERT INTO predecessor VALUES (99, 1)"))
        connection.commit()
        driver.execute("PRAGMA foreign_keys=ON")
    assert integrity(store) == "row 1 of predecessor refers to no row of product"
