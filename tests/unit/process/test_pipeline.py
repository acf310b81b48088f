"""The pipeline over a real store: one delivery from request to verdict, and any order of what comes back."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hanota.base.instant import DAY, HOUR, MINUTE
from hanota.model.alerts import VERDICTS, AlertKind
from hanota.model.delivery import ENDS, EXPECTATIONS, State
from hanota.model.policies import Policies, WanPolicy
from hanota.process.pipeline import STAGES
from hanota.records.ledger import verify
from hanota.records.store import schema as t
from helpers.premises import NEW, OLD
from helpers.world import HUB, HUB_2, PPMID, SUPPLIER_1, SUPPLIER_2, Bench, request

K = AlertKind
POLICIES = Policies()
SETTLE = POLICIES.alert.confirm_after_ms
BOTH = (SUPPLIER_1, SUPPLIER_2)
STEPS: list[tuple[str, bool, dict[str, Any]]] = [
    ("order_accepted", True, {}),
    ("image_held", True, {}),
    ("transfer_progressed", True, {"offset": 300, "blocks": 6, "repeats": 0}),
    ("transferred", False, {"reporter": None}),
    ("activation_succeeded", False, {"version": NEW, "result": 0}),
]


def bench_at(state: State) -> Bench:
    """A bench whose delivery 1 has come as far as `state`."""
    bench = Bench()
    bench.deliver()
    for event, by_hub, facts in STEPS:
        if bench.state() == state:
            return bench
        bench.tell(
            event, 1 if by_hub or event == "transferred" else None, **{k: v for k, v in facts.items() if v is not None}
        )
    assert bench.state() == state, bench.state()
    return bench


OPEN = [State.ON_WAN, State.HELD, State.TRANSFERRING, State.ACTIVATING, State.ACTIVATED]


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


def test_each_row_has_one_stage_and_nothing_is_left_to_do_after_a_run() -> None:
    bench = bench_at(State.HELD)
    assert bench.pipeline.run(bench.now) == 0
    assert [type(stage).__name__ for stage in STAGES] == ["Schedule", "Deliver", "Activate", "Report"]


def test_an_order_is_repeated_until_the_hub_answers() -> None:
    bench = bench_at(State.ON_WAN)
    for count in range(2, 5):
        bench.run(after_ms=POLICIES.wan.order_retry_ms)
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
    bench.change(t.alert, {"due": None})  # nobody fetches alerts or frames here
    bench.change(t.outbox, {"due": None})
    looked = 0
    while (due := bench.next_due()) is not None:
        assert due > bench.now, "woken for nothing"
        bench.run(after_ms=due - bench.now)
        bench.change(t.alert, {"due": None})
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
    (alert, _) = bench.rows(t.alert, kind=K.MISMATCH.value)
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
        bench.keep(event, None, source=source, reporter=HUB)
    else:
        result = 1 if event == "activation_failed" else 0
        bench.keep(event, None, source=source, version=version, result=result)


def snapshot(bench: Bench) -> tuple[Any, ...]:
    row = bench.row(t.delivery, id=1)
    return (row.state, row.since, row.deadline, row.due, sorted(map(str, bench.alerts())), bench.sends())


@settings(max_examples=settings.default.max_examples // 5)
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
    rows = [(row.party, row.kind) for row in bench.rows(t.alert, delivery=1)]
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
    assert bench.rows(t.alert, kind=K.DELIVERED_TO_HUB.value)[0].at == bench.now
