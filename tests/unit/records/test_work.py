"""Claims: a lease and an epoch. A worker that slept through its lease writes nothing at all (I9)."""

from typing import Any

import polars as pl
import pytest

from hanota.base.instant import Instant
from hanota.model.alerts import AlertKind
from hanota.model.delivery import State
from hanota.model.policies import Policies
from hanota.process.activate import Activate
from hanota.process.deliver import Deliver
from hanota.process.report import Report
from hanota.process.schedule import Schedule
from hanota.process.stage import Ctx, Stage
from hanota.records.ledger import verify
from hanota.records.store import schema as t
from hanota.records.store.work import LEASE_MS, apply, claim
from helpers.premises import NEW, OLD
from helpers.world import BATCH, LANE, PPMID, PPMID_2, SUPPLIER_1, SUPPLIER_2, Bench, request

pytestmark = pytest.mark.usefixtures("each_store")

TABLES = (t.delivery, t.work, t.report, t.outbox, t.message, t.event, t.device)


def take(bench: Bench, stage: Stage) -> pl.DataFrame:
    with bench.store.writing() as connection:
        return claim(connection, takes=stage.takes, hears=stage.hears, now=bench.now)


def write(bench: Bench, stage: Stage, rows: pl.DataFrame) -> int:
    step = stage.accept(rows, Ctx(now=bench.now, policies=Policies()))
    with bench.store.writing() as connection:
        return apply(connection, LANE, step, now=bench.now, service_level_ms=1000)


def everything(bench: Bench) -> list[list[Any]]:
    return [bench.rows(table) for table in TABLES]


def requested() -> Bench:
    """A bench with two deliveries that nobody has looked at yet."""
    bench = Bench()
    bench.submit(request(PPMID, counter=1))
    bench.submit(request(PPMID_2, counter=2, sender=SUPPLIER_2))
    bench.pipeline._materialise(bench.now)
    return bench


def pass_time(bench: Bench, wait_ms: int) -> None:
    bench.now = Instant(bench.now + wait_ms)


# --- claims ------------------------------------------------------------------------------------------------------


def test_a_claim_gives_what_the_stages_are_made_for() -> None:
    bench = requested()
    assert take(bench, Schedule()).schema == BATCH
    bench.run(after_ms=LEASE_MS)
    bench.keep("image_held")
    assert take(bench, Deliver()).schema == BATCH


def test_rows_are_claimed_by_state_when_they_are_due() -> None:
    bench = requested()
    assert take(bench, Deliver()).is_empty()
    rows = take(bench, Schedule())
    assert rows.select("delivery", "state", "device_type", "version_smi", "version_target", "eligible").rows() == [
        (1, "REQUESTED", "PPMID", OLD, NEW, True),
        (2, "REQUESTED", "PPMID", OLD, NEW, True),
    ]
    assert rows["report"].to_list() == [None, None]


def test_nothing_is_claimed_before_it_is_due() -> None:
    bench = requested().run()
    assert take(bench, Deliver()).is_empty()
    pass_time(bench, Policies().wan.order_retry_ms)
    assert take(bench, Deliver()).height == 2


def test_what_is_claimed_is_nobody_elses_until_the_lease_runs_out() -> None:
    bench = requested()
    first = take(bench, Schedule())
    pass_time(bench, LEASE_MS - 1)
    assert take(bench, Schedule()).is_empty()
    pass_time(bench, 1)
    again = take(bench, Schedule())
    assert again["delivery"].to_list() == first["delivery"].to_list()
    assert again["epoch"].to_list() == [epoch + 1 for epoch in first["epoch"]]


@pytest.mark.parametrize("first", ["order_accepted", "image_held"])
def test_who_began_before_another_worker_moved_a_row_does_not_move_it_next(first: str) -> None:
    """Or else the event log would tell, by its times, what came second as the first."""
    bench = requested().run()
    began = bench.now
    pass_time(bench, 25)
    bench.keep(first)
    write(bench, Deliver(), take(bench, Deliver()))
    bench.keep("transfer_progressed")
    later, bench.now = bench.now, began
    assert take(bench, Deliver()).is_empty()
    bench.now = later
    assert take(bench, Deliver())["event"].to_list() == ["transfer_progressed"]


def test_a_report_wakes_its_row_whatever_its_state_and_due() -> None:
    bench = requested().run()
    bench.keep("image_held", 2, device=PPMID_2, reporter=_hub_of(bench, PPMID_2), offset=7)
    rows = take(bench, Deliver())
    assert rows.select("delivery", "event", "offset").rows() == [(2, "image_held", 7)]
    assert take(bench, Activate()).is_empty()


def _hub_of(bench: Bench, device: Any) -> Any:
    from hanota.base.eui import Eui64

    return Eui64.from_signed(bench.device(device).hub)


def test_reports_of_a_delivery_are_taken_one_at_a_time_in_the_order_they_came() -> None:
    bench = requested().run()
    for event in ("order_accepted", "image_held", "transfer_progressed"):
        bench.keep(event)
    seen = []
    while (rows := take(bench, Deliver())).height:
        seen.append(rows["event"].item())
        write(bench, Deliver(), rows)
    assert seen == ["order_accepted", "image_held", "transfer_progressed"]
    assert bench.state() == State.TRANSFERRING


# --- a lost claim ------------------------------------------------------------------------------------------------


def wide_awake(stage: Stage, bench: Bench, before: pl.DataFrame) -> pl.DataFrame:
    """Let another worker claim what `before` held, after the lease."""
    pass_time(bench, LEASE_MS)
    rows = take(bench, stage)
    assert rows["delivery"].to_list() == before["delivery"].to_list()
    return rows


@pytest.mark.parametrize("case", ["schedule", "deliver", "report heard", "activate", "verdict"])
def test_a_worker_that_slept_through_its_lease_writes_nothing(case: str) -> None:
    bench, stage = _at(case)
    slept = take(bench, stage)
    assert slept.height
    wide_awake(stage, bench, slept)
    before = everything(bench)
    assert write(bench, stage, slept) == 0
    assert everything(bench) == before  # no move, no alert, no order, no event, no report taken, no version


@pytest.mark.parametrize("case", ["schedule", "deliver", "report heard", "activate", "verdict"])
def test_it_writes_nothing_after_the_other_has_written_either(case: str) -> None:
    bench, stage = _at(case)
    slept = take(bench, stage)
    write(bench, stage, wide_awake(stage, bench, slept))
    before = everything(bench)
    assert write(bench, stage, slept) == 0
    assert everything(bench) == before
    with bench.store.reading() as connection:
        assert verify(connection)


def _at(case: str) -> tuple[Bench, Stage]:
    bench = requested()
    if case == "schedule":
        return bench, Schedule()
    bench.run()
    if case == "deliver":
        pass_time(bench, Policies().wan.order_retry_ms)
        return bench, Deliver()
    if case == "report heard":
        bench.keep("image_held")
        return bench, Deliver()
    bench.tell("transferred")
    if case == "activate":
        bench.keep("activation_succeeded", None, version=NEW, result=0)
        return bench, Activate()
    bench.tell("activation_succeeded", None, version=NEW, result=0)
    pass_time(bench, Policies().alert.confirm_after_ms)
    bench.keep("version_read", None, version=OLD, result=0)
    return bench, Report()


def test_of_a_batch_only_the_rows_that_are_still_claimed_are_written() -> None:
    bench = requested()
    rows = take(bench, Schedule())
    bench.change(t.delivery, {"epoch": 9}, id=1)
    assert write(bench, Schedule(), rows) == 1
    assert (bench.state(1), bench.state(2)) == ("REQUESTED", "QUEUED")
    assert bench.alerts(1) == set()


def test_the_state_counts_as_well_as_the_epoch() -> None:
    bench = requested()
    rows = take(bench, Schedule())
    bench.change(t.delivery, {"state": "CANCELLED"}, id=1)
    assert write(bench, Schedule(), rows) == 1


def test_a_lease_that_ran_out_while_nobody_came_is_no_loss() -> None:
    bench = requested()
    rows = take(bench, Schedule())
    pass_time(bench, 10 * LEASE_MS)
    assert write(bench, Schedule(), rows) == 2


# --- after a crash -----------------------------------------------------------------------------------------------


def test_what_was_claimed_and_never_written_goes_on_after_the_lease() -> None:
    bench = requested()
    take(bench, Schedule())
    bench.run()
    assert bench.state() == "REQUESTED"
    bench.run(after_ms=LEASE_MS)
    assert bench.state() == "ON_WAN"
    assert len(bench.sends()) == 1


def test_a_row_under_lease_wakes_nobody_before_the_lease_ends() -> None:
    bench = requested()
    take(bench, Schedule())
    assert bench.next_due() == bench.now + LEASE_MS


def test_a_report_that_was_claimed_and_never_written_is_not_forgotten_until_the_deadline() -> None:
    """The hub has forgotten it, for it was acknowledged: nothing else would ever wake this row in time."""
    bench = Bench()
    bench.deliver()
    bench.tell("image_held")
    bench.change(t.message, {"due": None})
    bench.change(t.outbox, {"due": None})
    bench.keep("transfer_failed")
    take(bench, Deliver())  # and then the power fails
    assert bench.next_due() == bench.now + LEASE_MS
    bench.run(after_ms=LEASE_MS)
    assert bench.state() == State.TRANSFER_FAILED


def test_a_report_that_nobody_has_taken_yet_is_due_at_once() -> None:
    bench = Bench()
    bench.deliver()
    bench.change(t.message, {"due": None})
    bench.keep("image_held")
    due = bench.next_due()
    assert due is not None
    assert due <= bench.now


def test_with_nothing_open_nothing_is_due() -> None:
    assert Bench().next_due() is None


def test_an_alert_that_is_due_wakes_the_head_end() -> None:
    bench = Bench()
    bench.deliver()
    assert bench.next_due() == bench.now  # FirmwareUpgradeRequested for the other Supplier
    bench.change(t.message, {"due": None})
    assert bench.next_due() == bench.now  # the order to the hub
    bench.change(t.outbox, {"due": None})
    assert bench.next_due() == bench.now + Policies().wan.order_retry_ms


# --- what is written ---------------------------------------------------------------------------------------------


def test_alerts_orders_versions_and_events_come_with_the_move_or_not_at_all(monkeypatch: Any) -> None:
    from hanota.records.store import work

    bench, stage = _at("verdict")
    rows = take(bench, stage)
    before = everything(bench)

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(work, "append", fails)
    with pytest.raises(OSError, match="disk full"):
        write(bench, stage, rows)
    assert everything(bench) == before


def test_a_move_in_place_keeps_since_and_sums_of_progress() -> None:
    bench = Bench()
    bench.deliver()
    bench.tell("transfer_progressed", offset=100, blocks=2, repeats=1)
    since = bench.row(t.delivery).since
    pass_time(bench, 1000)
    bench.tell("transfer_progressed", offset=200, blocks=4, repeats=1)
    bench.tell("image_held")
    row = bench.row(t.delivery)
    assert (row.since, row.offset, row.blocks, row.repeats) == (since, 200, 4, 1)


def test_a_late_report_is_recorded_as_late_and_frees_the_row() -> None:
    bench = Bench()
    bench.deliver()
    bench.tell("wan_failed").tell("image_held")
    assert bench.state() == State.WAN_FAILED
    assert bench.story()[-1] == "late_image_held"
    assert bench.row(t.delivery).leased_until == bench.now
    assert (SUPPLIER_1, AlertKind.DELIVERED_TO_HUB) not in bench.alerts()


def test_no_step_is_no_work() -> None:
    bench = requested()
    assert write(bench, Schedule(), pl.DataFrame(schema=BATCH)) == 0
