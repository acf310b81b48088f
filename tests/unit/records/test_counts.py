"""Sets, not loops: at every stage a batch takes as many statements for 5,000 devices as for 10."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest
from sqlalchemy import event, select

from hanota.base.eui import Eui64
from hanota.base.instant import FOREVER, MINUTE, Instant
from hanota.model.returns import Return
from hanota.records.store import schema as t
from hanota.records.store.bulk import insert_frame
from hanota.records.store.outbox import mark_sent, unsent
from helpers.premises import NEW
from helpers.world import PPMID, SUPPLIER_1, SUPPLIER_2, Bench, request

FEW, MANY = 10, 5_000
DEVICES, HUBS = 0x00DB_1234_0000_0000, 0x00DB_1235_0000_0000
OF_A_PPMID = (
    *("device_type", "status", "manufacturer", "image_type", "hardware", "gbcs_version", "capacity_octets"),
    *("version", "version_origin"),
)


class Crowd:
    """Homes with a PPMID each, of two Suppliers, and how many statements each step of their update takes."""

    def __init__(self, size: int) -> None:
        self.bench, self.size = Bench(), size
        self.counted: dict[str, int] = {}
        numbers = pl.int_range(1, size + 1, eager=True)
        homes = pl.DataFrame({"id": numbers + 1000, "hub": numbers + HUBS, "name": "home " + numbers.cast(pl.String)})
        devices = pl.DataFrame({"eui": numbers + DEVICES, "premises": numbers + 1000, "hub": numbers + HUBS})
        like = self.bench.device(PPMID)
        with self.bench.store.writing() as connection:
            insert_frame(connection, t.premises, homes, address="-", region="North")
            insert_frame(connection, t.device, devices, **{name: getattr(like, name) for name in OF_A_PPMID})
            for party in (SUPPLIER_1, SUPPLIER_2):
                owned = devices.select(device="eui")
                insert_frame(connection, t.eligibility, owned, party=party.signed, since=0, until=FOREVER)

    @contextmanager
    def counting(self, step: str) -> Iterator[None]:
        """Count statements; temporary tables are made once a connection, and counted by PostgreSQL where not small."""
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.lstrip().startswith(("CREATE TEMPORARY", "ANALYZE")):
                seen.append(statement)

        engine = self.bench.store._engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", note)
        assert step not in self.counted
        self.counted[step] = len(seen)

    def ask(self) -> None:
        devices = [Eui64(DEVICES + number) for number in range(1, self.size + 1)]
        asked = request(*devices)
        with self.counting("accept"):
            assert self.bench.submit(asked).code.accepted
        with self.counting("materialise, schedule, release"):
            self.bench.run()

    def drain(self, step: str) -> None:
        with self.counting(f"drain {step}"), self.bench.store.writing() as connection:
            waiting = unsent(connection, self.bench.now, limit=self.size)
            assert len(waiting) == self.size
            mark_sent(connection, [sending.id for sending in waiting], self.bench.now)

    def hear(self, said: str, report: Callable[[Any], dict[str, Any]]) -> None:
        bench = self.bench
        bench.now = Instant(bench.now + MINUTE)
        returns = [
            Return(source=f"{said} {row.id}", at=bench.now, event=said, octets=b"", **report(row))
            for row in bench.rows(t.delivery)
        ]
        with self.counting(f"hear {said}"):
            assert bench.pipeline.take(returns, bench.now) == ()
        with self.counting(f"take {said}"):
            bench.run()


def by_hub(row: Any) -> dict[str, Any]:
    hub = Eui64.from_signed(row.hub)
    return {"reporter": hub, "device": hub, "delivery": row.id, "offset": 1}


def by_device(**facts: Any) -> Callable[[Any], dict[str, Any]]:
    def said(row: Any) -> dict[str, Any]:
        device = Eui64.from_signed(row.device)
        return {"reporter": device, "device": device, **facts}

    return said


def updated(size: int) -> Crowd:
    """A crowd that was updated, from the request to the confirmed version."""
    crowd = Crowd(size)
    crowd.ask()
    crowd.drain("orders")
    crowd.hear("image_held", by_hub)
    crowd.hear("transferred", by_device(image_version=NEW))
    crowd.hear("activation_succeeded", by_device(version=NEW, result=0))
    with crowd.counting("settle"):
        crowd.bench.run(after_ms=crowd.bench.policies.alert.confirm_after_ms + MINUTE)
    crowd.drain("readings")
    crowd.hear("version_read", by_device(version=NEW, result=0))
    return crowd


@pytest.fixture(scope="module")
def many() -> Crowd:
    return updated(MANY)


def test_no_step_takes_more_statements_for_more_devices(many: Crowd) -> None:
    assert updated(FEW).counted == many.counted
    assert sum(many.counted.values()) < 1000


def test_every_device_is_confirmed_and_told_of_and_its_story_can_be_read(many: Crowd) -> None:
    bench = many.bench
    with bench.store.reading() as connection:
        assert set(connection.execute(select(t.delivery.c.state)).scalars()) == {"CONFIRMED"}
        assert set(
            connection.execute(
                select(t.device.c.version).where(t.device.c.eui.between(DEVICES + 1, DEVICES + MANY))
            ).scalars()
        ) == {NEW}
    assert len(bench.alerts(MANY)) == 6
    assert [kind for kind in bench.story(MANY) if kind != "alert_due"] == [
        *("requested", "scheduled", "released", "image_held", "transferred", "activation_due"),
        *("activation_succeeded", "inventory_changed", "version_matched", "inventory_changed"),
    ]
