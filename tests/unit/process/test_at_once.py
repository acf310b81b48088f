"""What homes report is decided on in the transaction that keeps it, and comes to the same as if it had waited."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hanota.base.instant import HOUR, Instant
from hanota.base.vocabulary.devices import CspRegion
from hanota.model.policies import Policies, WanPolicy
from hanota.model.returns import Return
from hanota.process.pipeline import STAGES
from hanota.process.stage import Ctx
from hanota.records.ledger import verify
from hanota.records.store import schema as t
from helpers.postgres import sqlite_is_enough
from helpers.premises import NEW, OLD
from helpers.world import HUB, PPMID, PPMID_2, SUPPLIER_2, Bench, request

pytestmark = pytest.mark.usefixtures("each_store")

BY_HUB = {"reporter": HUB, "device": PPMID, "delivery": 1}
OF_RECEIPT = {"reporter": HUB, "device": PPMID}
BY_DEVICE = {"reporter": PPMID, "device": PPMID}
SAID: dict[str, dict[str, Any]] = {
    "order_accepted": BY_HUB,
    "hub_busy": BY_HUB,
    "image_held": BY_HUB,
    "transfer_progressed": BY_HUB | {"offset": 300, "blocks": 6, "repeats": 1},
    "transferred": OF_RECEIPT | {"image_version": NEW},
    "discarded": OF_RECEIPT | {"image_version": NEW},
    "activation_succeeded": BY_DEVICE | {"version": NEW, "result": 0},
    "activation_failed": BY_DEVICE | {"version": OLD, "result": 1},
    "version_read": BY_DEVICE | {"version": NEW, "result": 0},
    "version_seen": OF_RECEIPT | {"version": OLD},
    "cancelled": BY_HUB,
    "nothing_known": BY_HUB,
}


def batches_of(names: list[list[str]], start: Instant) -> list[tuple[Instant, list[Return]]]:
    """Batches of reports, an hour between them."""
    said = []
    for number, batch in enumerate(names):
        now = Instant(start + (number + 1) * HOUR)
        said.append((now, [the_report(name, f"{number} {place}", now) for place, name in enumerate(batch)]))
    return said


def the_report(name: str, source: str, now: Instant) -> Return:
    return Return(source=source, at=now, event=name, octets=name.encode(), **SAID[name])


def heard(names: list[list[str]], *, at_once: bool) -> Bench:
    bench = Bench()
    bench.deliver()
    for now, reports in batches_of(names, bench.now):
        bench.now = now
        assert bench.pipeline.take(reports, now, at_once=at_once) == ()
        bench.run()
    return bench


def moves(bench: Bench) -> list[str]:
    """The story of delivery 1, but for what followed from its moves."""
    return [kind for kind in bench.story() if kind not in {"alert_due", "inventory_changed"}]


def outcome(bench: Bench) -> dict[str, Any]:
    """All that reports leave behind, but for numbers."""
    device = bench.device()
    return {
        "delivery": tuple(bench.row(t.delivery)),
        "device": (device.version, device.version_at, device.version_origin),
        "alerts": {(it.party, it.kind, it.at, it.version, it.version_smi, it.result) for it in bench.rows(t.message)},
        "sends": sorted((it.kind, it.due or 0, it.queued_at) for it in bench.rows(t.outbox)),
        "reports": {(it.source, it.delivery, it.taken) for it in bench.rows(t.report)},
        "story": sorted(bench.story()),
        "work": len(bench.rows(t.work)),
    }


@sqlite_is_enough
@settings(max_examples=30, deadline=None)
@given(names=st.lists(st.lists(st.sampled_from(sorted(SAID)), min_size=1, max_size=4), min_size=1, max_size=3))
@example([["transferred", "activation_succeeded"], ["version_read"]])
@example([["activation_succeeded", "transferred"], ["version_read"]])
@example([["activation_succeeded", "version_read"]])
@example([["transfer_progressed", "transferred"]])
@example([["discarded", "transferred"], ["order_accepted", "nothing_known"]])
def test_reports_taken_as_they_come_leave_what_they_leave_when_they_wait(names: list[list[str]]) -> None:
    assert outcome(heard(names, at_once=True)) == outcome(heard(names, at_once=False))


def test_a_report_is_decided_on_in_the_transaction_that_keeps_it() -> None:
    bench = Bench()
    bench.deliver()
    reports = [the_report("transferred", "1", bench.now), the_report("activation_succeeded", "2", bench.now)]
    assert bench.pipeline.take(reports, bench.now) == ()
    assert bench.state() == "ACTIVATED"
    assert [it.taken for it in bench.rows(t.report)] == [True, True]
    assert moves(bench)[-2:] == ["transferred", "activation_succeeded"]
    with bench.store.reading() as connection:
        assert verify(connection)


def test_what_waits_is_heard_before_what_comes_now() -> None:
    bench = Bench()
    bench.deliver()
    bench.keep("transferred", None, reporter=HUB, image_version=NEW)
    bench.pipeline.take([the_report("activation_succeeded", "2", bench.now)], bench.now)
    assert bench.state() == "ON_WAN"
    assert [it.taken for it in bench.rows(t.report)] == [False, False]
    assert moves(bench.run())[-2:] == ["transferred", "activation_succeeded"]


def test_of_what_is_said_after_a_version_nothing_is_decided_before_the_inventory_has_it() -> None:
    bench = Bench()
    bench.deliver()
    reports = [the_report("activation_succeeded", "1", bench.now), the_report("version_read", "2", bench.now)]
    bench.pipeline.take(reports, bench.now)
    assert [it.taken for it in bench.rows(t.report)] == [False, False]


def test_reports_that_stages_fail_on_are_kept_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.deliver()

    def fails(*_: object) -> None:
        raise RuntimeError("of no use")

    monkeypatch.setattr("hanota.process.pipeline.decide_said", fails)
    reports = [the_report("image_held", "1", bench.now)]
    with pytest.raises(RuntimeError, match="of no use"):
        bench.pipeline.take(reports, bench.now)
    assert bench.rows(t.report) == []
    bench.pipeline.take(reports, bench.now, at_once=False)
    assert bench.run().state() == "HELD"


# --- on their way out ----------------------------------------------------------------------------------------------


def test_an_order_leaves_in_the_step_that_queues_it_where_no_queue_is_needed() -> None:
    bench = Bench()
    assert bench.submit(request()).code.accepted
    bench.pipeline._materialise(bench.now)
    ran = [stage for stage in STAGES if bench.pipeline._step(stage, Ctx(now=bench.now, policies=bench.policies))]
    assert ran == [STAGES[0]]
    assert bench.state() == "ON_WAN"
    assert moves(bench) == ["requested", "scheduled", "released"]


@pytest.mark.parametrize(
    "bound",
    [
        {"octets_per_s": {CspRegion.NORTH: 1}},
        {"homes_at_once": {CspRegion.NORTH: 5}},
        {"broadcast": frozenset({CspRegion.NORTH})},
    ],
)
def test_an_order_queues_where_a_network_is_bound_in_any_way(bound: dict[str, Any]) -> None:
    bench = Bench(Policies(wan=WanPolicy(**bound)))
    bench.change(t.premises, {"region": CspRegion.NORTH.value})
    assert bench.submit(request()).code.accepted
    bench.pipeline._materialise(bench.now)
    assert bench.pipeline._step(STAGES[0], Ctx(now=bench.now, policies=bench.policies)) == 1
    assert bench.state() == "QUEUED"


def test_an_order_waits_behind_what_is_queued_before_it() -> None:
    bench = Bench()
    assert bench.submit(request()).code.accepted
    bench.pipeline._materialise(bench.now)
    bench.change(t.delivery, {"state": "QUEUED"})
    assert bench.submit(request(PPMID_2, sender=SUPPLIER_2)).code.accepted
    bench.change(t.delivery, {"region": "Unknown"})
    bench.pipeline._materialise(bench.now)
    bench.change(t.delivery, {"region": "Unknown"})
    assert bench.pipeline._step(STAGES[0], Ctx(now=bench.now, policies=bench.policies)) == 1
    assert bench.state(2) == "QUEUED"
    bench.run()
    assert (bench.state(1), bench.state(2)) == ("ON_WAN", "ON_WAN")
