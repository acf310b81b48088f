"""Access: action × relation, and nothing is allowed that stands in no row."""

import itertools

import pytest

from hanota.base.eui import Eui64
from hanota.model.access import ALLOWED, Action, Caller, NotAllowed, Relation, allowed, enforce

OPERATES, S, R, A = Relation.OPERATOR, Relation.SENDER, Relation.RESPONSIBLE, Relation.RECIPIENT
TABLE = {
    Action.SEE_OVERVIEW: {OPERATES, S, R},
    Action.SEE_REQUEST: {OPERATES, S},
    Action.SEE_DELIVERY: {OPERATES, S, R},
    Action.SEE_DEVICE: {OPERATES, R},
    Action.SEE_HOME: {OPERATES, R},
    Action.SEE_SCREENS: {OPERATES, R},
    Action.PRESS: {OPERATES},
    Action.SEE_ALERTS: {OPERATES, A},
    Action.SEE_COMMANDS: {OPERATES, S},
    Action.SEE_QUARANTINE: {OPERATES, S},
    Action.DECIDE_QUARANTINE: {OPERATES},
    Action.SEE_DEAD_LETTERS: {OPERATES, A},
    Action.REPLAY: {OPERATES},
    Action.CHANGE_HOMES: {OPERATES},
}
PARTY, OPERATOR = Caller(Eui64(1)), Caller()


@pytest.mark.parametrize(("action", "relation"), list(itertools.product(Action, Relation)))
def test_only_what_stands_in_the_table_is_allowed(action: Action, relation: Relation) -> None:
    expected = relation in TABLE[action]
    assert allowed(action, frozenset({relation})) == expected
    if expected:
        enforce(PARTY, action, frozenset({relation}))
    else:
        with pytest.raises(NotAllowed):
            enforce(PARTY, action, frozenset({relation}))


def test_every_action_has_its_row() -> None:
    assert set(ALLOWED) == set(Action)
    assert not any(Relation.NONE in relations for relations in ALLOWED.values())


@pytest.mark.parametrize("action", Action)
def test_without_relation_a_party_may_nothing_and_the_operator_all(action: Action) -> None:
    enforce(OPERATOR, action, frozenset())
    with pytest.raises(NotAllowed) as caught:
        enforce(PARTY, action, frozenset())
    assert caught.value.facts == {"party": PARTY.party, "action": action.value}


def test_the_party_with_number_0_is_not_the_operator() -> None:
    assert not Caller(Eui64(0)).is_operator
    assert OPERATOR.is_operator
