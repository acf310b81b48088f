"""Laws of every lifecycle: no dead ends, no silence, sticky ends, and somebody who owes the next step.

Lifecycles are found by looking through the package, so a new one is held to these laws without being named here.
"""

import importlib
import itertools
import pkgutil
import re

import pytest

import hanota
from hanota.model.delivery import DELIVERY, ENDS, EXPECTATIONS, OF_THE_REGISTRY, State
from hanota.model.lifecycle import Lifecycle, LifecycleMalformed, NoSuchMove, lifecycle
from hanota.model.policies import DeadlinePolicy
from hanota.process.intake.frames import _CONSENT_EVENTS, _RECEIPT_EVENTS
from hanota.process.intake.gbcs import _OUTCOME_EVENTS, _TRANSFER_EVENTS
from hanota.process.pipeline import STAGES
from helpers.source import sources

CALL = re.compile(r"^\w+: Final = lifecycle\(", re.MULTILINE)


def _found() -> list[Lifecycle]:
    names = {source.path for source in sources() if CALL.search(source.text)}
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(hanota.__path__, "hanota.")
        if any(str(path).endswith(module.name.replace(".", "/") + ".py") for path in names)
    ]
    found = {life.name: life for module in modules for life in vars(module).values() if isinstance(life, Lifecycle)}
    return [found[name] for name in sorted(found)]


LIFECYCLES = _found()
every_lifecycle = pytest.mark.parametrize("life", LIFECYCLES, ids=lambda life: life.name)


def test_every_table_of_the_code_is_here() -> None:
    written = sum(len(CALL.findall(source.text)) for source in sources())
    assert len(LIFECYCLES) == written >= 4
    assert DELIVERY in LIFECYCLES


@every_lifecycle
def test_every_state_is_reached(life: Lifecycle) -> None:
    assert life.reachable(life.start) == set(life.states)


@every_lifecycle
def test_every_state_can_finish(life: Lifecycle) -> None:
    assert [state for state in life.states if not life.can_finish(state)] == []


@every_lifecycle
def test_every_pair_of_state_and_event_either_moves_or_is_refused_by_name(life: Lifecycle) -> None:
    for state, event in itertools.product(life.states, life.events):
        if life.takes(state, event):
            assert life.move(state, event) in life.states
        else:
            with pytest.raises(NoSuchMove) as caught:
                life.move(state, event)
            assert caught.value.facts == {"lifecycle": life.name, "state": state, "event": event}


@every_lifecycle
def test_an_end_is_final_or_the_state_where_everything_begins(life: Lifecycle) -> None:
    for state in life.terminal:
        assert life.reachable(state) == {state} or life.terminal == {life.start}, state


@every_lifecycle
def test_a_state_that_is_no_end_has_a_way_on(life: Lifecycle) -> None:
    for state in set(life.states) - life.terminal:
        assert any(life.takes(state, event) and life.move(state, event) != state for event in life.events), state


# --- the delivery ------------------------------------------------------------------------------------------------


def test_states_of_the_table_are_the_states_of_the_enumeration() -> None:
    assert set(DELIVERY.states) == set(State)
    assert DELIVERY.terminal == ENDS


@pytest.mark.parametrize("state", sorted(ENDS))
def test_an_ended_delivery_takes_nothing(state: State) -> None:
    assert [event for event in DELIVERY.events if DELIVERY.takes(state, event)] == []


@pytest.mark.parametrize("state", sorted(set(State) - ENDS))
def test_nothing_is_ever_silently_stuck(state: State) -> None:
    expectation = EXPECTATIONS[state]
    assert expectation.owed_by in {"Supplier", "DCC", "CSP", "hub", "device", "consumer"}
    assert len(expectation.expects.split()) >= 2
    assert DeadlinePolicy.model_fields[expectation.deadline].annotation is int
    assert DELIVERY.move(state, "deadline_passed") in ENDS


def test_an_end_waits_for_nobody() -> None:
    assert set(EXPECTATIONS) == set(State) - ENDS
    assert {f"{state.lower()}_ms" for state in EXPECTATIONS} == set(DeadlinePolicy.model_fields)


def test_only_a_hub_swap_leads_back() -> None:
    rank = {state: place for place, state in enumerate(State)}  # the enumeration is in the order in which it happens
    back = {event for (state, event), target in DELIVERY.moves.items() if rank[State(target)] < rank[State(state)]}
    assert back == {"hub_swapped"}


def test_success_is_only_what_was_read_from_the_device() -> None:
    assert {event for (_, event), target in DELIVERY.moves.items() if target == State.CONFIRMED} == {"version_matched"}


def test_every_open_state_belongs_to_one_stage() -> None:
    taken = [state for stage in STAGES for state in stage.takes]
    assert sorted(taken) == sorted(set(State) - ENDS)


def test_every_report_of_the_intake_is_heard_by_one_stage() -> None:
    said = {*_RECEIPT_EVENTS.values(), *_TRANSFER_EVENTS.values(), *OF_THE_REGISTRY}
    said |= {*_OUTCOME_EVENTS.values(), "version_read", "version_seen", *_CONSENT_EVENTS.values()}
    heard = [event for stage in STAGES for event in stage.hears]
    assert sorted(heard) == sorted(said)


def test_every_report_means_something_to_the_lifecycle_or_is_read_by_its_stage() -> None:
    heard = {event for stage in STAGES for event in stage.hears}
    # A version is judged against the one asked for; what a hub says of a failed transfer counts for meters alone.
    by_hub = {"hub_discarded", "hub_hardware_mismatched", "hub_transfer_failed"}
    assert heard - set(DELIVERY.events) == {"version_read", "version_seen", *by_hub}


# --- the parser of tables ----------------------------------------------------------------------------------------


def test_a_table_is_read_with_its_alternatives_and_comments() -> None:
    life = lifecycle("door", start="SHUT", terminal=("GONE",), table="\n  SHUT open OPEN # in\n\nSHUT|OPEN take GONE\n")
    assert dict(life.moves) == {("SHUT", "open"): "OPEN", ("SHUT", "take"): "GONE", ("OPEN", "take"): "GONE"}
    assert (life.states, life.events) == (("SHUT", "OPEN", "GONE"), ("open", "take"))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("SHUT open", "not three columns: 'SHUT open'"),
        ("SHUT open OPEN now", "not three columns"),
        ("SHUT open OPEN\nSHUT open GONE", "SHUT open stands twice"),
        ("SHUT|SHUT open OPEN", "SHUT open stands twice"),
        ("SHUT open OPEN", "ends without a row: ['GONE']"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(table: str, problem: str) -> None:
    with pytest.raises(LifecycleMalformed) as caught:
        lifecycle("door", start="SHUT", terminal=("GONE",), table=table)
    assert problem in caught.value.explain()
    assert "lifecycle door" in caught.value.explain()


def test_a_state_that_nothing_leads_to_is_seen() -> None:
    life = lifecycle("door", start="SHUT", terminal=("GONE",), table="SHUT take GONE\nOPEN take GONE")
    assert life.reachable("SHUT") == {"SHUT", "GONE"}
    assert life.can_finish("OPEN")
