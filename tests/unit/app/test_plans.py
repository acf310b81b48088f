"""How PostgreSQL goes about the statements of a rollout when its figures are of a time when all tables were empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from hanota.app.bench.metering import Meter
from hanota.app.bench.rollout import HeardRollout, Plan
from hanota.app.bench.town import CACHE, plan_town, settle_town
from hanota.app.frames import FrameBuilder
from hanota.model.policies import Policies
from helpers.postgres import Cluster
from helpers.premises import NOW

HOMES = 800
MANY = 100
PLANNED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def sets_read_again_and_again(plan: dict[str, Any]) -> list[str]:
    """The sets that are read whole for each row of something else."""
    inner = (
        part
        for node in nodes(plan)
        if node["Node Type"] == "Nested Loop"
        for part in node["Plans"]
        if part["Parent Relationship"] == "Inner"
    )
    scans = (part["Relation Name"] for part in inner if part["Node Type"] == "Seq Scan")
    return [name for name in scans if name.startswith("staged_")]


@contextmanager
def watched() -> Iterator[tuple[list[str], set[str]]]:
    """Have every statement explained before it is done, on its own connection.

    Gives the statements, and those that go through a set of many rows again and again.
    """
    statements: list[str] = []
    bad: set[str] = set()

    def explain(_: Any, cursor: Any, statement: str, values: Any, __: Any, many: bool) -> None:
        if statement.startswith(PLANNED) and "staged_" in statement and not many:
            statements.append(statement)
            with cursor.connection.cursor() as beside:
                (plan,) = beside.execute(f"EXPLAIN (FORMAT JSON) {statement}", values).fetchone()
                for name in sets_read_again_and_again(plan[0]["Plan"]):
                    (count,) = beside.execute(f"SELECT count(*) FROM {name}").fetchone()
                    bad.update([statement] if count >= MANY else [])

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield statements, bad
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


def test_no_statement_of_a_rollout_goes_through_a_set_for_each_row_of_a_table(
    postgres: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path))
    town = plan_town(HOMES, image_octets=1000, now=NOW)
    store = settle_town(town, postgres.url(postgres.create()))
    with store.writing() as connection:
        connection.exec_driver_sql("ANALYZE")  # so the server believes that there are no deliveries, orders or alerts
    broker = FrameBuilder(town.keys, town.description.dcc)
    plan = Plan(devices=HOMES, requests=1)
    with watched() as (statements, bad):
        HeardRollout(store, town, plan=plan, broker=broker, policies=Policies(), meter=Meter()).run(NOW)
    store.close()
    assert len(statements) > 100
    assert not bad
