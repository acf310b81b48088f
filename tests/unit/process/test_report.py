"""Stage 6: success is a version read after the settle time; exactly one verdict."""

from typing import Any

import pytest

from hanota.model.alerts import AlertKind
from hanota.model.delivery import ENDS, State
from hanota.model.policies import AlertPolicy, Policies
from hanota.model.step import Step
from hanota.process.report import Report
from helpers.premises import NEW, NOW, OLD
from helpers.world import PPMID, SUPPLIER_1, batch, ctx

SETTLE, RETRY = Policies().alert.confirm_after_ms, Policies().alert.read_retry_ms
SETTLED = {"state": State.ACTIVATED, "since": NOW - SETTLE, "deadline": NOW + 10**9}


def read(version: int, *, result: int = 0, at: int = NOW) -> dict[str, Any]:
    return {"event": "version_read", "version": version, "result": result, "at": at}


def accept(*rows: dict[str, Any], policies: Policies | None = None) -> Step:
    return Report().accept(batch(rows), ctx(policies))


def verdict(step: Step) -> tuple[str, list[str]]:
    return step.moves["to"].item(), step.alerts["kind"].to_list()


def test_the_version_is_asked_for_once_settled_and_again_until_answered() -> None:
    step = accept(SETTLED)
    assert step.moves.select("event", "to", "due", "tries").row(0) == (None, "ACTIVATED", NOW + RETRY, 1)
    assert step.sends.rows() == [(1, SUPPLIER_1.signed, "read_version", None)]
    assert step.alerts.is_empty()


def test_the_wanted_version_confirms() -> None:
    step = accept(SETTLED | read(NEW))
    assert verdict(step) == (State.CONFIRMED, [AlertKind.CONFIRMED])
    assert step.moves.select("event", "due", "deadline").row(0) == ("version_matched", None, None)
    assert step.versions.rows() == [(1, PPMID.signed, NEW, NEW, NOW, OLD, None, None)]
    assert step.sends.is_empty()


def test_another_version_is_a_mismatch_and_the_inventory_follows_the_device() -> None:
    step = accept(SETTLED | read(OLD))
    assert verdict(step) == (State.VERSION_MISMATCH, [AlertKind.MISMATCH])
    assert step.alerts.select("version", "version_smi").row(0) == (OLD, OLD)
    assert step.versions["version"].to_list() == [OLD]


def test_no_answer_by_the_deadline_is_a_verdict_too() -> None:
    step = accept(SETTLED | {"deadline": NOW})
    assert verdict(step) == (State.UNCONFIRMED, [AlertKind.NO_REPORT])
    assert step.sends.is_empty()


@pytest.mark.parametrize("version", [OLD, NEW])
def test_what_was_read_before_the_settle_time_is_no_verdict(version: int) -> None:  # R22
    early = SETTLED | {"since": NOW - SETTLE + 1, "due": NOW + 1}
    step = accept(early | read(version))
    assert verdict(step) == (State.ACTIVATED, [])
    assert step.moves.select("event", "due").row(0) == (None, NOW + 1)
    assert step.sends.is_empty()


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_reading_from_before_the_settle_time_is_no_verdict_however_late_it_comes(version: int) -> None:  # I9
    step = accept(SETTLED | {"since": NOW - 10 * SETTLE} | read(version, at=NOW - 10 * SETTLE - 1))
    assert verdict(step) == (State.ACTIVATED, [])


def test_without_settle_time_the_first_reading_counts() -> None:
    at_once = Policies(alert=AlertPolicy(confirm_after_ms=0))
    step = accept({"state": State.ACTIVATED, "since": NOW} | read(NEW), policies=at_once)
    assert verdict(step) == (State.CONFIRMED, [AlertKind.CONFIRMED])


def test_while_activating_only_the_wanted_version_says_something() -> None:
    assert verdict(accept({"state": State.ACTIVATING} | read(NEW))) == (State.ACTIVATED, [])  # read again when settled
    assert verdict(accept({"state": State.ACTIVATING} | read(OLD))) == (State.ACTIVATING, [])


def test_a_reading_that_failed_says_nothing_of_the_version() -> None:
    step = accept(SETTLED | read(NEW, result=1))
    assert verdict(step) == (State.ACTIVATED, [])
    assert step.versions.is_empty()


@pytest.mark.parametrize("state", [State.HELD, State.TRANSFERRED, *sorted(ENDS)])
@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_reading_in_any_other_state_moves_nothing_but_stays_evidence(state: State, version: int) -> None:
    ended = {"deadline": None, "due": None} if state in ENDS else {}
    step = accept({"state": state} | ended | read(version))
    found = (state, version) == (State.TRANSFERRED, NEW)  # whoever commanded it: it runs what was sent
    assert verdict(step) == (State.ACTIVATED if found else state, [])
    assert step.moves["late"].to_list() == [False]
    assert step.sends["kind"].to_list() == (["read_version"] if found else [])  # to be read again when settled
    assert step.versions["version"].to_list() == [version]


def test_a_reading_that_came_in_time_is_judged_even_if_taken_after_the_deadline() -> None:
    assert verdict(accept(SETTLED | {"deadline": NOW - 1} | read(NEW)))[0] == State.CONFIRMED


def test_each_delivery_of_a_batch_gets_its_own_verdict() -> None:
    step = accept(SETTLED | read(NEW), SETTLED | read(OLD), SETTLED, SETTLED | {"deadline": NOW})
    assert step.moves["to"].to_list() == ["CONFIRMED", "VERSION_MISMATCH", "ACTIVATED", "UNCONFIRMED"]
    assert step.alerts.select("delivery", "kind").rows() == [(1, "Confirmed"), (2, "Mismatch"), (4, "NoReport")]
    assert step.sends["delivery"].to_list() == [3]
