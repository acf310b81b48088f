"""Frames that have arrived in envelopes: an envelope is acknowledged once all in it is durable, and not before."""

from typing import Any

import pytest

from hanota.wan.jetstream.arriving import Arrivals
from hanota.wire.wan import Entry
from helpers.world import HUB

MESSAGES: tuple[Any, ...] = ("first", "second", "third")  # as the client of the server gives them; only held here


@pytest.fixture
def arrivals() -> Arrivals:
    """Three envelopes of three frames."""
    made = Arrivals()
    for message in MESSAGES:
        made.put_entries([Entry(HUB, b"frame") for _ in range(3)], message)
    return made


def test_an_envelope_is_settled_with_its_last_frame(arrivals: Arrivals) -> None:
    assert len(arrivals.take(5)) == 5
    assert arrivals.settled(2) == []
    assert arrivals.settled(1) == ["first"]
    assert arrivals.settled(2) == []  # of the second envelope one frame was not even taken
    assert len(arrivals.take(4)) == 4
    assert arrivals.settled(1) == ["second"]
    assert arrivals.settled(3) == ["third"]


def test_what_was_taken_ahead_stays_unsettled(arrivals: Arrivals) -> None:
    arrivals.take(3)
    arrivals.take(6)
    assert arrivals.settled(3) == ["first"]
    assert arrivals.settled() == ["second", "third"]


def test_after_another_connection_only_what_comes_then_counts(arrivals: Arrivals) -> None:
    arrivals.take(4)
    arrivals.forget()
    assert arrivals.settled(4) == []
    arrivals.put_entries([Entry(HUB, b"frame")], MESSAGES[0])
    arrivals.take(1)
    assert arrivals.settled(1) == ["first"]
