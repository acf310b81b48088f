"""The pipeline over a real store: one delivery from request to verdict, and any order of what comes back."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hanota.base.instant import DAY, HOUR, MINUTE
from hanota.model.alerts import VERDICTS, AlertKind
from hanota.model.delivery import ENDS, EXPECTATIONS, State
from hanota.model.policies import Policies, WanPolicy
from hanota.process.activate import Activate
from hanota.process.deliver import Deliver
from hanota.process.pipeline import STAGES
from hanota.process.stage import Ctx, decide
from hanota.records.ledger import story, verify
from hanota.records.store import schema as t
from hanota.records.store.applying import apply
from hanota.records.store.outbox import CANCEL_AGAIN_MS, ORDER_LIFE_MS, mark_sent, unsent
from hanota.records.store.work import claim
from helpers.postgres import sqlite_is_enough
from helpers.premises import NEW, OLD
from helpers.world import HUB, HUB_2, LANE, PPMID, SUPPLIER_1, SUPPLIER_2, Bench, image, request

pytestmark = pytest.mark.usefixtures("each_store")

K = AlertKind
POLICIES = Policies()
SETTLE = POLICIES.alert.confirm_after_ms
BOTH = (SUPPLIER_1, SUPPLIER_2)
BY_ITSELF = None  # a report that names no delivery: its device's, or its hub's about it
STEPS: list[tuple[str, int | None, dict[str, Any]]] = [
    ("order_accepted", 1, {}),
    ("image_held", 1, {}),
    ("transfer_progressed", 1, {"offset": 300, "blocks": 6, "repeats": 0}),
    ("transferred", BY_ITSELF, {"reporter": HUB, "image_version": NEW}),
    ("activation_succeeded", BY_ITSELF, {"version": NEW, "result": 0}),
]


def bench_at(state: State) -> Bench:
    """A bench whose delivery 1 has come as far as `state`."""
    bench = Bench()
    bench.deliver()
    for event, delivery, facts in STEPS:
        if bench.state() == state:
            return bench
        bench.tell(event, delivery, **facts)
    assert bench.state() == state, bench.state()
    return bench


def test_from_request_to_confirmation() -> None:
    bench = bench_at(State.ACTIVATED)
    assert bench.device().version == NEW
    assert bench.device().version_origin == "reported"
    bench.run(after_ms=SETTLE - 1)
    assert bench.sends() == ["distribute"]
    bench.run(after_ms=1)
    assert bench.sends() == ["distribute", "read_version"]
    bench.tell("version_read", None, version=NEW, result=0)
    assert bench.state() == State.CONFIRMED
    assert bench.alerts() == {
        (SUPPLIER_2, K.UPGRADE_REQUESTED),
        (SUPPLIER_1, K.DELIVERED_TO_HUB),
        (SUPPLIER_1, K.TRANSFER),
        (SUPPLIER_1, K.ACTIVATION),
        (SUPPLIER_1, K.CONFIRMED),
        (SUPPLIER_2, K.CONFIRMED),
    }
    row = bench.row(t.delivery)
    assert (row.version_before, row.version_reported, row.offset, row.blocks) == (OLD, NEW, 300, 6)
    assert (row.deadline, row.due) == (None, None)
    assert bench.rows(t.work) == []
    assert all(report.taken for report in bench.rows(t.report))


def test_the_story_is_told_in_order() -> None:
    bench = bench_at(State.ACTIVATED)
    bench.run(after_ms=SETTLE).tell("version_read", None, version=NEW, result=0)
    moves = [kind for kind in bench.story() if not kind.startswith(("alert", "inventory"))]
    assert moves == [
        "requested",
        "scheduled",
        "released",
        "order_accepted",
        "image_held",
        "transfer_progressed",
        "transferred",
        "activation_due",
        "activation_succeeded",
        "version_matched",
    ]
    with bench.store.reading() as connection:
        assert verify(connection)


def test_a_receipt_and_the_call_for_activation_are_one_step() -> None:  # I4: no crash comes between them
    bench = bench_at(State.TRANSFERRING)
    bench.keep("transferred", BY_ITSELF, reporter=HUB, image_version=NEW)
    with bench.store.writing() as connection:
        rows = claim(connection, takes=(), hears=Deliver().hears, now=bench.now)
        step = decide(Deliver(), rows, Ctx(now=bench.now, policies=POLICIES), (Activate(),))
        apply(connection, LANE, step, now=bench.now, service_level_ms=1000)
    assert step.moves.select("from", "event", "to").rows() == [
        ("TRANSFERRING", "transferred", "TRANSFERRED"),
        ("TRANSFERRED", "activation_due", "ACTIVATING"),
    ]
    assert [line for line in bench.story() if line != "alert_due"][-2:] == ["transferred", "activation_due"]
    assert bench.state() == State.ACTIVATING


def test_what_was_said_counts_before_what_follows_at_once() -> None:
    bench = bench_at(State.TRANSFERRING)
    bench.keep("transferred", BY_ITSELF, reporter=HUB, image_version=NEW)
    bench.keep("discarded", BY_ITSELF, reporter=HUB, image_version=NEW)
    bench.run()
    assert bench.state() == State.DISCARDED


def test_each_row_has_one_stage_and_nothing_is_left_to_do_after_a_run() -> None:
    bench = bench_at(State.HELD)
    assert bench.pipeline.run(bench.now) == 0
    assert [type(stage).__name__ for stage in STAGES] == ["Schedule", "Release", "Deliver", "Activate", "Report"]


def test_an_order_is_repeated_until_the_hub_answers() -> None:
    bench = bench_at(State.ON_WAN)
    for count in range(2, 5):
        bench.run(after_ms=POLICIES.wan.order_retry_ms * 2 ** (count - 2))
        assert len(bench.sends()) == count
    assert bench.row(t.delivery).tries == 3
    bench.tell("order_accepted").run(after_ms=HOUR)
    assert len(bench.sends()) == 4


@pytest.mark.parametrize(
    ("state", "end", "told"),
    [
        (State.ON_WAN, State.WAN_FAILED, {(SUPPLIER_1, K.NOT_DELIVERED_TO_HUB)}),
        (State.HELD, State.EXPIRED, {(SUPPLIER_1, K.GIVEN_UP)}),
        (State.TRANSFERRING, State.EXPIRED, {(SUPPLIER_1, K.GIVEN_UP)}),
        (State.ACTIVATING, State.UNCONFIRMED, {(party, K.NO_REPORT) for party in BOTH}),
        (State.ACTIVATED, State.UNCONFIRMED, {(party, K.NO_REPORT) for party in BOTH}),
    ],
)
def test_silence_ends_every_state_at_its_deadline(state: State, end: State, told: set[Any]) -> None:
    bench = bench_at(state)
    before, deadline = bench.alerts(), bench.row(t.delivery).deadline
    limit = getattr(POLICIES.deadline, EXPECTATIONS[state].deadline)
    assert deadline == bench.row(t.delivery).since + limit
    bench.run(after_ms=deadline - bench.now - 1)
    assert bench.state() == state
    bench.run(after_ms=1)
    assert bench.state() == end
    assert bench.alerts() - before == told
    assert bench.rows(t.work) == []


def test_by_time_alone_every_delivery_ends() -> None:  # I4
    bench = Bench(Policies(wan=WanPolicy(order_retry_ms=DAY)))
    bench.deliver()
    bench.change(t.message, {"due": None})  # nobody fetches alerts or frames here
    bench.change(t.outbox, {"due": None})
    looked = 0
    while (due := bench.next_due()) is not None:
        assert due > bench.now, "woken for nothing"
        bench.run(after_ms=due - bench.now)
        bench.change(t.message, {"due": None})
        bench.change(t.outbox, {"due": None})
        looked += 1
    assert (bench.state(), looked) == (State.WAN_FAILED, 5)


def test_responsibility_that_is_lost_before_release_ends_the_delivery_unsent() -> None:  # R16, I3
    bench = Bench()
    assert bench.submit(request()).code.accepted
    bench.change(t.eligibility, {"until": bench.now}, party=SUPPLIER_1.signed, device=PPMID.signed)
    bench.run()
    assert bench.state() == State.RESPONSIBILITY_LOST
    assert bench.sends() == []
    assert bench.rows(t.work) == []


def test_responsibility_that_is_lost_after_release_changes_nothing_and_the_new_supplier_is_told() -> None:  # R16
    bench = bench_at(State.HELD)
    bench.change(t.eligibility, {"until": bench.now}, party=SUPPLIER_2.signed, device=PPMID.signed)
    bench.tell("transferred").tell("activation_failed", None, version=OLD, result=1)
    assert bench.state() == State.ACTIVATION_FAILED
    assert (SUPPLIER_2, K.ACTIVATION_FAILURE) not in bench.alerts()  # the one who left
    assert (SUPPLIER_1, K.ACTIVATION_FAILURE) in bench.alerts()


def test_a_mismatch_changes_the_inventory_to_what_the_device_said() -> None:  # R5
    bench = bench_at(State.ACTIVATED)
    bench.run(after_ms=SETTLE).tell("version_read", None, version=0x42, result=0)
    assert bench.state() == State.VERSION_MISMATCH
    assert bench.device().version == 0x42
    (alert, _) = bench.rows(t.message, kind=K.MISMATCH.value)
    assert (alert.version_smi, alert.version) == (NEW, 0x42)


def test_a_lost_activation_report_is_healed_by_reading() -> None:
    bench = bench_at(State.ACTIVATING)
    bench.run(after_ms=SETTLE + POLICIES.alert.read_retry_ms)
    assert bench.sends() == ["distribute", "read_version"]
    bench.tell("version_read", None, version=OLD, result=0)
    assert bench.state() == State.ACTIVATING
    bench.run(after_ms=POLICIES.alert.read_retry_ms).tell("version_read", None, version=NEW, result=0)
    assert bench.state() == State.ACTIVATED
    bench.run(after_ms=SETTLE).tell("version_read", None, version=NEW, result=0)
    assert bench.state() == State.CONFIRMED  # never before it had time to settle


def test_an_old_reading_that_comes_late_neither_judges_nor_undoes_the_inventory() -> None:  # I9
    bench = bench_at(State.ACTIVATING)
    asked = bench.now
    bench.run(after_ms=MINUTE).tell("activation_succeeded", None, version=NEW, result=0)
    bench.run(after_ms=2 * HOUR).tell("version_read", None, version=OLD, result=0, at=asked)
    assert bench.state() == State.ACTIVATED
    assert bench.device().version == NEW
    assert "inventory_changed" in bench.story()


# --- given up ----------------------------------------------------------------------------------------------------

AGAIN, LIFE = CANCEL_AGAIN_MS, ORDER_LIFE_MS


def handed_over(bench: Bench) -> list[str]:
    """Hand over what waits for hubs. Returns: its kinds."""
    with bench.store.writing() as connection:
        waiting = unsent(connection, bench.now)
        mark_sent(connection, [found.id for found in waiting], bench.now)
    return [found.kind for found in waiting]


def given_up() -> Bench:
    """A bench whose delivery ended by time while its hub had the order; orders and the first cancel have left."""
    bench = bench_at(State.ON_WAN)
    handed_over(bench)
    bench.run(after_ms=bench.row(t.delivery).deadline - bench.now)
    assert bench.state() == State.WAN_FAILED
    assert handed_over(bench) == ["cancel"]
    return bench


def test_a_hub_that_may_have_the_order_hears_that_it_was_given_up() -> None:
    bench = given_up()
    assert (bench.next_due() or 0) <= bench.now  # its alert
    bench.change(t.message, {"due": None})
    assert bench.next_due() == bench.now + AGAIN
    bench.run(after_ms=AGAIN)
    assert handed_over(bench) == ["cancel"]


def test_the_cancel_is_repeated_until_the_hub_says_that_it_is_done() -> None:
    bench = given_up()
    bench.tell("cancelled")
    assert bench.state() == State.WAN_FAILED  # ends stay
    bench.run(after_ms=AGAIN)
    assert handed_over(bench) == []


@sqlite_is_enough
def test_or_until_the_order_has_expired_by_itself() -> None:
    bench, sent = given_up(), 0
    bench.change(t.message, {"due": None})
    while (due := bench.next_due()) is not None:
        bench.run(after_ms=due - bench.now)
        sent += len(handed_over(bench))
    assert sent == LIFE // AGAIN


def test_an_order_that_had_not_left_does_not_leave_after_the_end() -> None:
    bench = bench_at(State.ON_WAN)
    bench.tell("wan_failed")
    assert handed_over(bench) == []


@pytest.mark.parametrize("state", [State.HELD, State.TRANSFERRING])
def test_a_hub_is_told_to_drop_what_its_device_never_fetched(state: State) -> None:
    bench = bench_at(state)
    handed_over(bench)
    bench.run(after_ms=bench.row(t.delivery).deadline - bench.now)
    assert (bench.state(), handed_over(bench)) == (State.EXPIRED, ["cancel"])
    assert (SUPPLIER_1, K.GIVEN_UP) in bench.alerts()


def test_a_device_that_left_its_hub_before_its_delivery_was_made_is_gone() -> None:
    bench = Bench()
    bench.submit(request())
    bench.change(t.device, {"hub": None}, eui=PPMID.signed)
    bench.run()
    assert bench.state() == State.DEVICE_GONE
    assert bench.alerts() == {(SUPPLIER_1, K.GIVEN_UP)}
    assert bench.rows(t.work) == bench.rows(t.outbox) == []


# --- reports of yesterday ----------------------------------------------------------------------------------------


def second_delivery() -> Bench:
    """A bench on which the first delivery ended in silence, and the device was asked to update once more."""
    bench = bench_at(State.ACTIVATING)
    bench.run(after_ms=bench.row(t.delivery).deadline - bench.now)
    assert bench.state() == State.UNCONFIRMED
    bench.certify(image(700, version=NEW + 1))
    bench.run(after_ms=DAY)
    changes = {"image": image(700, version=NEW + 1), "firmware_version": f"{NEW + 1:08X}"}
    assert bench.deliver(counter=2, **changes) == 2
    return bench


def test_a_report_that_was_late_is_about_the_delivery_that_it_speaks_of() -> None:
    bench = second_delivery()
    bench.tell("activation_succeeded", None, version=NEW, result=0, at=bench.now - 2 * DAY)
    assert (bench.state(1), bench.state(2)) == (State.UNCONFIRMED, State.ON_WAN)
    assert "late_activation_succeeded" in bench.story(1)
    assert bench.device().version == NEW


def test_an_outcome_of_yesterdays_transfer_does_not_end_todays() -> None:
    bench = second_delivery()
    bench.tell("transfer_failed", None, reporter=HUB, image_version=NEW, at=bench.now - 2 * DAY)
    assert bench.state(2) == State.ON_WAN
    bench.tell("transfer_failed", None, reporter=HUB, image_version=NEW + 1)
    assert bench.state(2) == State.TRANSFER_FAILED


def test_what_was_reported_before_the_update_was_asked_for_is_not_about_it() -> None:
    bench = bench_at(State.ON_WAN)
    bench.tell("activation_succeeded", None, version=NEW, result=0, at=bench.now - DAY)
    assert bench.state() == State.ON_WAN
    assert "unexplained_report" in {row.kind for row in bench.rows(t.event)}


def test_another_version_than_was_sent_is_explained_by_no_delivery() -> None:  # R25
    bench = bench_at(State.ACTIVATING)
    bench.tell("activation_succeeded", None, version=0x42, result=0)
    assert bench.state() == State.ACTIVATING
    assert (bench.device().version, bench.device().version_origin) == (0x42, "reported, unexplained")


# --- any order, any repetition -----------------------------------------------------------------------------------

BY_HUB = ("order_accepted", "image_held", "transfer_progressed", "wan_failed", "cancelled")
BY_ALERT = ("transferred", "discarded", "hardware_mismatched", "transfer_failed")
BY_DEVICE = ("activation_succeeded", "activation_failed", "version_read")
reports = st.tuples(
    st.sampled_from((*BY_HUB[:3], *BY_ALERT[:1], *BY_DEVICE) * 2 + (*BY_HUB, *BY_ALERT, *BY_DEVICE)),
    st.sampled_from((OLD, NEW)),
    st.sampled_from((0, 0, MINUTE, SETTLE, DAY)),
    st.integers(1, 3),
)


def say(bench: Bench, event: str, version: int, source: str) -> None:
    if event in BY_HUB:
        bench.keep(event, 1, device=PPMID, source=source, offset=10, blocks=1, repeats=0)
    elif event in BY_ALERT:
        bench.keep(event, None, source=source, reporter=HUB, image_version=NEW)
    else:
        result = 1 if event == "activation_failed" else 0
        bench.keep(event, None, source=source, version=version, result=result)


def snapshot(bench: Bench) -> tuple[Any, ...]:
    row = bench.row(t.delivery, id=1)
    return (row.state, row.since, row.deadline, row.due, sorted(map(str, bench.alerts())), bench.sends())


@sqlite_is_enough
@settings(max_examples=settings.default.max_examples // 10)
@given(st.lists(reports, max_size=10))
def test_whatever_comes_in_whatever_order_an_end_stays_and_each_party_hears_once(told: list[Any]) -> None:
    bench, ended = Bench(), None
    bench.deliver()
    for number, (event, version, wait_ms, copies) in enumerate(told):
        for _ in range(copies):
            say(bench, event, version, f"report {number}")
        bench.run(after_ms=wait_ms)
        if ended is not None:
            assert snapshot(bench) == ended  # I9: ends are sticky, nobody hears more
        elif bench.state() in ENDS:
            ended = snapshot(bench)
    bench.run(after_ms=400 * DAY)
    while bench.state() not in ENDS:
        bench.run(after_ms=100 * DAY)
    rows = [(row.party, row.kind) for row in bench.rows(t.message, delivery=1)]
    assert len(rows) == len(set(rows))  # I6
    verdicts = [party for party, kind in rows if kind in VERDICTS]
    judged = bench.state() in {State.CONFIRMED, State.VERSION_MISMATCH, State.UNCONFIRMED, State.ACTIVATION_FAILED}
    assert sorted(verdicts) == (sorted(eui.signed for eui in BOTH) if judged else [])
    assert bench.rows(t.work) == []
    assert not [row for row in bench.rows(t.report) if not row.taken]
    with bench.store.reading() as connection:
        assert verify(connection)


# --- who may speak -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [*BY_HUB, *BY_ALERT])
def test_a_hub_is_not_heard_on_the_delivery_of_another_home(event: str) -> None:
    bench = bench_at(State.ON_WAN)
    bench.tell(event, 1 if event in BY_HUB else None, device=PPMID, reporter=HUB_2)
    assert bench.state() == State.ON_WAN
    assert "unexplained_report" in {row.kind for row in bench.rows(t.event)}


@pytest.mark.parametrize("number", [2, 10**9, 2**63, 2**64 - 1])
def test_a_delivery_that_does_not_exist_is_kept_as_unexplained(number: int) -> None:
    bench = bench_at(State.ON_WAN)
    bench.tell("image_held", number)
    assert bench.state() == State.ON_WAN
    assert bench.row(t.report).taken


@pytest.mark.parametrize("at", [2**63, 2**64 - 1])
def test_a_clock_that_runs_ahead_counts_as_now(at: int) -> None:
    bench = bench_at(State.ON_WAN)
    bench.tell("image_held", at=at)
    assert bench.state() == State.HELD
    assert bench.rows(t.message, kind=K.DELIVERED_TO_HUB.value)[0].at == bench.now


def test_what_is_decided_by_a_slow_clock_is_told_after_what_a_fast_one_decided() -> None:
    bench = bench_at(State.ON_WAN)
    ahead = bench.now + 5_000
    bench.change(t.delivery, {"since": ahead})
    bench.tell("image_held")
    row = bench.row(t.delivery)
    assert (row.state, row.since) == ("HELD", ahead + 1)
    with bench.store.reading() as connection:
        assert [line["at"] for line in story(connection, row.id) if line["kind"] == "image_held"] == [ahead + 1]
