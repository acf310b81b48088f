"""Stage 4: release, the hub's and the device's reports, deadlines; late reports change nothing."""

from typing import Any

import pytest

from hanota.base.instant import DAY, MINUTE
from hanota.base.vocabulary.devices import DeviceType, TransferResponseCode
from hanota.model.alerts import AlertKind
from hanota.model.delivery import DELIVERY, ENDS, State
from hanota.model.policies import DeadlinePolicy, Policies
from hanota.model.step import MOVES, Step
from hanota.process.deliver import Deliver, Release
from hanota.process.stage import Stage
from helpers.premises import NEW, NOW
from helpers.world import SUPPLIER_1, batch, ctx

POLICIES = Policies()
REPORTS = sorted(Deliver.hears)


def accept(*rows: dict[str, Any]) -> Step:
    return Deliver().accept(batch(rows), ctx())


def move(row: dict[str, Any]) -> dict[str, Any]:
    (found,) = accept(row).moves.to_dicts()
    return found


# --- by time -----------------------------------------------------------------------------------------------------


def test_a_queued_delivery_whose_turn_it_is_is_released_with_an_order_to_its_hub() -> None:
    step = Release().accept(batch([{"state": State.QUEUED}]), ctx())
    (row,) = step.moves.to_dicts()
    assert (row["event"], row["to"]) == ("released", "ON_WAN")
    assert row["due"] == NOW + POLICIES.wan.order_retry_ms
    assert row["deadline"] == NOW + POLICIES.deadline.on_wan_ms
    assert step.sends.rows() == [(1, SUPPLIER_1.signed, "distribute", None)]
    assert step.alerts.is_empty()


def test_a_queued_delivery_that_time_wakes_waits_for_its_turn() -> None:
    until = NOW + 5000
    step = accept({"state": State.QUEUED, "eligible_until": until})
    (row,) = step.moves.to_dicts()
    assert (row["event"], row["to"], row["late"], row["due"]) == (None, "QUEUED", False, until)
    assert step.sends.is_empty()


@pytest.mark.parametrize("stage", [Release(), Deliver()])
def test_a_queued_delivery_expires_whether_or_not_its_turn_has_come(stage: Stage) -> None:  # R10
    step = stage.accept(batch([{"state": State.QUEUED, "deadline": NOW}]), ctx())
    assert step.moves.select("event", "to").row(0) == ("deadline_passed", "EXPIRED")
    assert step.sends.is_empty()


@pytest.mark.parametrize("stage", [Release(), Deliver()])
def test_responsibility_is_judged_again_at_release(stage: Stage) -> None:  # R16
    step = stage.accept(batch([{"state": State.QUEUED, "eligible": False}]), ctx())
    assert step.moves.select("event", "to", "due", "deadline").row(0) == (
        "responsibility_lost",
        "RESPONSIBILITY_LOST",
        None,
        None,
    )
    assert step.sends.is_empty()


def test_an_order_without_answer_is_sent_again_after_twice_as_long_each_time_up_to_a_limit() -> None:  # R10
    waits = [
        move({"state": State.ON_WAN, "tries": tries, "deadline": NOW + DAY})["due"] - NOW for tries in (0, 1, 2, 3, 99)
    ]
    assert waits == [wait * MINUTE for wait in (20, 40, 60, 60, 60)]


@pytest.mark.parametrize("state", [State.ON_WAN, State.HELD, State.TRANSFERRING])
@pytest.mark.parametrize(
    "kind", [DeviceType.PPMID, DeviceType.IHD, DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS]
)
def test_a_delivery_to_what_only_its_supplier_can_activate_dies_with_his_responsibility(
    state: State, kind: DeviceType
) -> None:  # R16
    step = accept({"state": state, "eligible": False, "device_type": kind})
    lost = kind in {DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS} or state is State.ON_WAN
    assert step.moves["to"].to_list() == [State.RESPONSIBILITY_LOST if lost else state]
    assert step.sends.rows() == ([(1, SUPPLIER_1.signed, "cancel", None)] if lost else [])  # the hub may have the order


@pytest.mark.parametrize("until", [NOW + 1, NOW + 10**9, None])
def test_one_that_dies_with_its_suppliers_responsibility_is_looked_at_when_that_ends(until: int | None) -> None:
    row = {"state": State.HELD, "deadline": NOW + 5000, "due": NOW, "eligible_until": until}
    due = move({**row, "device_type": DeviceType.ESME})["due"]
    assert due == min(NOW + 5000, until or NOW + 5000)
    assert move({**row, "device_type": DeviceType.PPMID})["due"] == NOW + 5000


def test_an_order_that_nobody_answers_is_repeated() -> None:  # R10
    step = accept({"state": State.ON_WAN, "tries": 3})
    (row,) = step.moves.to_dicts()
    assert (row["event"], row["to"], row["tries"]) == (None, "ON_WAN", 4)
    assert row["deadline"] == NOW + 600_000
    assert row["due"] == min(row["deadline"], NOW + POLICIES.wan.order_retry_ms)
    assert step.sends.rows() == [(1, SUPPLIER_1.signed, "distribute", None)]


def test_no_order_is_repeated_after_the_deadline() -> None:
    deadline = NOW + 1000
    assert move({"state": State.ON_WAN, "deadline": deadline})["due"] == deadline


@pytest.mark.parametrize("state", [State.HELD, State.TRANSFERRING])
def test_a_hub_that_holds_the_image_is_left_alone_until_the_deadline(state: State) -> None:
    step = accept({"state": state})
    assert step.moves.select("event", "due").row(0) == (None, NOW + 600_000)
    assert step.sends.is_empty()


@pytest.mark.parametrize(
    ("state", "event", "end"),
    [
        (State.QUEUED, "deadline_passed", State.EXPIRED),
        (State.ON_WAN, "wan_failed", State.WAN_FAILED),
        (State.HELD, "deadline_passed", State.EXPIRED),
        (State.TRANSFERRING, "deadline_passed", State.EXPIRED),
    ],
)
def test_every_state_ends_at_its_deadline(state: State, event: str, end: State) -> None:
    for late_by in (0, 1):
        row = move({"state": state, "deadline": NOW - late_by})
        assert (row["event"], row["to"], row["due"], row["deadline"]) == (event, end, None, None)
    assert move({"state": state, "deadline": NOW + 1})["to"] not in ENDS


def test_the_deadline_comes_before_responsibility() -> None:
    assert move({"state": State.QUEUED, "deadline": NOW, "eligible": False})["to"] == State.EXPIRED


def test_the_sender_hears_of_a_hub_that_was_not_reached() -> None:  # R20, N61
    step = accept({"state": State.ON_WAN, "deadline": NOW})
    assert step.alerts.select("kind", "at").rows() == [(AlertKind.NOT_DELIVERED_TO_HUB, NOW)]
    assert step.sends["kind"].to_list() == ["cancel"]  # the order may have arrived, or arrive yet


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"state": State.QUEUED, "deadline": NOW}, None),  # nothing has left
        ({"state": State.QUEUED, "eligible": False}, None),
        ({"state": State.HELD, "deadline": NOW}, "cancel"),
        ({"state": State.TRANSFERRING, "deadline": NOW}, "cancel"),
    ],
)
def test_what_is_given_up_is_told_to_the_sender_and_to_a_hub_that_knows_of_it(
    row: dict[str, Any], kind: str | None
) -> None:
    step = accept(row)
    assert step.alerts["kind"].to_list() == [AlertKind.GIVEN_UP]
    assert step.sends["kind"].to_list() == ([kind] if kind else [])


def test_a_hub_that_cancelled_is_not_told_to() -> None:
    step = accept({"state": State.HELD, "event": "cancelled"})
    assert step.moves["to"].to_list() == [State.CANCELLED]
    assert step.alerts["kind"].to_list() == [AlertKind.GIVEN_UP]
    assert step.sends.is_empty()


# --- by report ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", REPORTS)
@pytest.mark.parametrize("state", State)
def test_a_report_moves_by_the_table_or_is_kept_as_late(state: State, event: str) -> None:
    row = move({"state": state, "event": event})
    assert row["event"] == event
    if DELIVERY.takes(state, event):
        assert (row["to"], row["late"]) == (DELIVERY.move(state, event), False)
    else:
        assert (row["to"], row["late"]) == (state, True)


@pytest.mark.parametrize("event", REPORTS)
@pytest.mark.parametrize("state", sorted(ENDS))
def test_what_comes_after_the_end_tells_nobody_anything(state: State, event: str) -> None:
    step = accept({"state": state, "event": event, "deadline": None, "due": None})
    assert step.moves.select("late", "due", "deadline").row(0) == (True, None, None)
    assert step.alerts.is_empty()
    assert step.sends.is_empty()


@pytest.mark.parametrize(
    ("event", "kind", "result"),
    [
        ("image_held", AlertKind.DELIVERED_TO_HUB, None),
        ("wan_failed", AlertKind.NOT_DELIVERED_TO_HUB, None),
        ("transferred", AlertKind.TRANSFER, TransferResponseCode.FILE_TRANSFER_SUCCESS),
        ("discarded", AlertKind.TRANSFER, TransferResponseCode.FIRMWARE_IMAGE_DISCARDED),
        ("hardware_mismatched", AlertKind.TRANSFER, TransferResponseCode.HARDWARE_VERSION_MISMATCH),
        ("transfer_failed", AlertKind.TRANSFER, TransferResponseCode.FILE_TRANSFER_FAILURE),
    ],
)
def test_the_sender_hears_of_each_outcome_with_the_time_of_the_report(
    event: str, kind: AlertKind, result: TransferResponseCode | None
) -> None:
    step = accept({"state": State.ON_WAN, "event": event, "at": NOW - 5000})
    assert step.alerts.select("delivery", "kind", "at", "version", "result").rows() == [
        (1, kind, NOW - 5000, NEW, result)
    ]


@pytest.mark.parametrize("event", ["order_accepted", "transfer_progressed"])
def test_nobody_is_told_of_progress(event: str) -> None:
    assert accept({"state": State.ON_WAN, "event": event}).alerts.is_empty()


@pytest.mark.parametrize("event", ["transferred", "transfer_failed", "discarded", "hardware_mismatched"])
@pytest.mark.parametrize("kind", DeviceType)
def test_a_meter_tells_its_supplier_of_a_transfer_itself(event: str, kind: DeviceType) -> None:  # 0x00CE, 0x00CF
    step = accept({"state": State.TRANSFERRING, "event": event, "device_type": kind})
    meter = kind in {DeviceType.ESME, DeviceType.GSME}
    assert step.moves["event"].to_list() == [event]
    assert step.alerts["kind"].to_list() == ([] if meter else [AlertKind.TRANSFER])


@pytest.mark.parametrize("kind", [DeviceType.ESME, DeviceType.PPMID])
def test_what_becomes_of_an_order_is_told_of_every_device(kind: DeviceType) -> None:
    for event, alert in (("image_held", AlertKind.DELIVERED_TO_HUB), ("wan_failed", AlertKind.NOT_DELIVERED_TO_HUB)):
        step = accept({"state": State.ON_WAN, "event": event, "device_type": kind})
        assert step.alerts["kind"].to_list() == [alert]


def test_an_order_that_the_hub_took_is_not_repeated() -> None:
    step = accept({"state": State.ON_WAN, "event": "order_accepted"})
    assert step.moves["due"].to_list() == [NOW + 600_000]  # its deadline
    assert step.sends.is_empty()


def test_a_report_in_place_leaves_deadline_and_next_look_alone() -> None:
    facts = {"state": State.TRANSFERRING, "deadline": NOW + 7000, "due": NOW + 5000, "tries": 2}
    row = move(facts | {"event": "transfer_progressed", "offset": 100, "blocks": 2, "repeats": 1})
    assert (row["deadline"], row["due"], row["tries"]) == (NOW + 7000, NOW + 5000, 2)
    assert (row["offset"], row["blocks"], row["repeats"]) == (100, 2, 1)


def test_a_report_that_came_in_time_counts_even_if_taken_after_the_deadline() -> None:
    assert move({"state": State.ON_WAN, "event": "image_held", "deadline": NOW - 1})["to"] == State.HELD


@pytest.mark.parametrize(
    ("state", "event"),
    [(State.ON_WAN, "image_held"), (State.HELD, "transfer_progressed"), (State.TRANSFERRING, "transferred")],
)
def test_a_new_state_has_a_new_deadline(state: State, event: str) -> None:
    row = move({"state": state, "event": event})
    limit = getattr(DeadlinePolicy(), f"{row['to'].lower()}_ms")
    assert row["deadline"] == NOW + limit
    assert NOW <= row["due"] <= row["deadline"]


def test_a_batch_may_hold_anything_and_keeps_its_order() -> None:
    step = accept(
        {"state": State.ON_WAN},
        {"state": State.ON_WAN, "event": "image_held"},
        {"state": State.CONFIRMED, "event": "image_held", "deadline": None, "due": None},
        {"state": State.QUEUED, "eligible": False},
    )
    assert step.moves.schema == MOVES
    assert step.moves["to"].to_list() == ["ON_WAN", "HELD", "CONFIRMED", "RESPONSIBILITY_LOST"]
    assert step.sends.rows() == [(1, SUPPLIER_1.signed, "distribute", None)]
    assert step.alerts["delivery"].to_list() == [2, 4]


def test_the_report_is_named_in_the_move() -> None:
    row = move({"state": State.ON_WAN, "event": "image_held", "report": 42})
    assert row["report"] == 42
