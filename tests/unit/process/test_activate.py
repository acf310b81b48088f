"""Stage 5: from an image that the device holds to its report that it runs it."""

from typing import Any

import pytest

from hanota.base.vocabulary.devices import DeviceType
from hanota.model.alerts import AlertKind
from hanota.model.delivery import DELIVERY, State
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES, Activation
from hanota.model.step import Step
from hanota.process.activate import Activate
from helpers.premises import NEW, NOW, OLD
from helpers.world import PPMID, SUPPLIER_1, batch, ctx

ALERT = Policies().alert
SUCCEEDED = {"event": "activation_succeeded", "version": NEW, "result": 0}
FAILED = {"event": "activation_failed", "version": OLD, "result": 1}


def accept(*rows: dict[str, Any]) -> Step:
    return Activate().accept(batch(rows), ctx())


def move(row: dict[str, Any]) -> dict[str, Any]:
    (found,) = accept(row).moves.to_dicts()
    return found


@pytest.mark.parametrize("kind", DeviceType)
def test_only_devices_that_a_hub_activates_go_on_by_themselves(kind: DeviceType) -> None:
    row = move({"state": State.TRANSFERRED, "device_type": kind})
    by_hub = PROFILES[kind].activation is Activation.ON_RECEIPT
    assert row["event"] == ("activation_due" if by_hub else None)
    assert row["to"] == (State.ACTIVATING if by_hub else State.TRANSFERRED)


def test_a_meter_waits_for_its_supplier_until_the_deadline() -> None:
    row = move({"state": State.TRANSFERRED, "device_type": DeviceType.ESME, "deadline": NOW + 5000})
    assert (row["due"], row["deadline"]) == (NOW + 5000, NOW + 5000)


def test_activation_gets_time_before_anybody_asks() -> None:
    row = move({"state": State.TRANSFERRED})
    assert row["due"] == NOW + ALERT.confirm_after_ms + ALERT.read_retry_ms
    assert row["deadline"] == NOW + Policies().deadline.activating_ms


def test_a_silent_device_is_asked_which_version_it_runs() -> None:
    step = accept({"state": State.ACTIVATING, "deadline": NOW + 10**9})
    assert step.moves.select("event", "to", "due").row(0) == (None, "ACTIVATING", NOW + ALERT.read_retry_ms)
    assert step.sends.rows() == [(1, SUPPLIER_1.signed, "read_version", None)]
    assert step.alerts.is_empty()


@pytest.mark.parametrize("state", [State.TRANSFERRED, State.CONSENT])
def test_only_one_that_is_activating_is_asked(state: State) -> None:
    assert accept({"state": state, "device_type": DeviceType.ESME}).sends.is_empty()


@pytest.mark.parametrize(
    "state",
    [State.ON_WAN, State.HELD, State.TRANSFERRING, State.TRANSFERRED, State.CONSENT, State.ACTIVATING],
)
def test_success_is_believed_whatever_report_it_overtook(state: State) -> None:
    step = accept({"state": state} | SUCCEEDED)
    (row,) = step.moves.to_dicts()
    assert (row["to"], row["version"]) == (State.ACTIVATED, NEW)
    asked_at = NOW + ALERT.confirm_after_ms  # once it has settled; looked at again if no answer comes
    assert step.sends.rows() == [(1, SUPPLIER_1.signed, "read_version", asked_at)]
    assert row["due"] == asked_at + ALERT.read_retry_ms
    assert step.alerts.select("kind", "version").rows() == [(AlertKind.ACTIVATION, NEW)]
    assert step.versions.rows() == [(1, PPMID.signed, NEW, NEW, NOW - 1000, OLD, None, None)]


@pytest.mark.parametrize("state", [State.HELD, State.TRANSFERRED, State.ACTIVATING])
def test_failure_ends_the_delivery_and_every_party_hears_of_it(state: State) -> None:
    step = accept({"state": state} | FAILED)
    assert step.moves.select("to", "due", "deadline").row(0) == (State.ACTIVATION_FAILED, None, None)
    assert step.alerts["kind"].to_list() == [AlertKind.ACTIVATION_FAILURE]
    assert step.versions["version"].to_list() == [OLD]  # the report says what runs now


@pytest.mark.parametrize("event", [SUCCEEDED, FAILED], ids=lambda event: event["event"])
@pytest.mark.parametrize("state", [State.CONFIRMED, State.UNCONFIRMED, State.ACTIVATION_FAILED, State.EXPIRED])
def test_a_report_after_the_end_moves_nothing_but_stays_evidence_of_the_version(
    state: State, event: dict[str, Any]
) -> None:
    step = accept({"state": state, "deadline": None, "due": None} | event)
    assert step.moves.select("to", "late").row(0) == (state, True)
    assert step.alerts.is_empty()
    assert step.versions.height == 1


@pytest.mark.parametrize("kind", [DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS])
def test_who_commanded_an_activation_has_the_devices_own_answer_to_it(kind: DeviceType) -> None:
    row = {"state": State.TRANSFERRED, "device_type": kind}
    step = accept({**row, **SUCCEEDED})
    assert step.moves["to"].to_list() == [State.ACTIVATED]
    assert step.alerts.is_empty()
    assert step.versions.height == 1
    assert not accept({**row, **FAILED}).alerts.is_empty()


def test_success_twice_is_told_once() -> None:
    step = accept({"state": State.ACTIVATED} | SUCCEEDED)
    assert not DELIVERY.takes(State.ACTIVATED, "activation_succeeded")
    assert step.moves["late"].to_list() == [True]
    assert step.alerts.is_empty()


def test_no_report_in_time_is_a_verdict_once_activation_was_due() -> None:  # R22
    step = accept({"state": State.ACTIVATING, "deadline": NOW})
    assert step.moves["to"].to_list() == [State.UNCONFIRMED]
    assert step.alerts["kind"].to_list() == [AlertKind.NO_REPORT]
    assert step.sends.is_empty()


@pytest.mark.parametrize("state", [State.TRANSFERRED, State.CONSENT])
def test_one_that_was_never_due_to_activate_expires_without_a_verdict(state: State) -> None:
    step = accept({"state": state, "device_type": DeviceType.ESME, "deadline": NOW})
    assert step.moves["to"].to_list() == [State.EXPIRED]
    assert step.alerts["kind"].to_list() == [AlertKind.GIVEN_UP]
    assert step.sends["kind"].to_list() == ["cancel"]
