"""Laws of the lifecycles on the premises side: no dead ends, no silence, and the store keeps names of the table."""

import itertools

import pytest

from hanota.edge.devices.activation import ACTIVATION, DATED
from hanota.edge.devices.client import CLIENT
from hanota.edge.devices.screen import QUESTION
from hanota.edge.hub.consent import CONSENT
from hanota.edge.hub.orders import ORDER
from hanota.edge.hub.slots import SLOT
from hanota.model.lifecycle import Lifecycle, NoSuchMove

ALL = (SLOT, ORDER, CLIENT, DATED, ACTIVATION, CONSENT, QUESTION)


@pytest.mark.parametrize("life", ALL, ids=lambda life: life.name)
def test_no_dead_ends_and_no_silence(life: Lifecycle) -> None:
    assert life.reachable(life.start) == set(life.states)
    assert all(life.can_finish(state) for state in life.states)
    for state, event in itertools.product(life.states, life.events):
        if life.takes(state, event):
            assert life.move(state, event) in life.states
        else:
            with pytest.raises(NoSuchMove):
                life.move(state, event)


def test_an_order_that_has_ended_takes_nothing_more() -> None:
    assert not [event for state in ORDER.terminal for event in ORDER.events if ORDER.takes(state, event)]
