"""What is done to a home from outside happens when it is due, however quiet the home was."""

from collections.abc import Iterator
from random import Random

import pytest

from hanota.app.world import World, WorldSettings
from hanota.base.instant import MINUTE, SECOND, Instant
from helpers.premises import NOW, PPMID
from helpers.world import description

QUIET = Instant(NOW + 10 * MINUTE)


@pytest.fixture
def world() -> Iterator[World]:
    found = World(WorldSettings(description=description()), now=NOW, rng=Random(3))
    now = NOW
    while (due := found.step(now)) is not None and due <= QUIET:
        now = max(due, Instant(now + 1))
    assert found.homes_due() is None or found.homes_due() > QUIET + MINUTE
    yield found
    found.close()


def test_power_comes_back_when_it_is_due(world: World) -> None:
    world.estate.reboot(PPMID, QUIET, off_ms=5 * SECOND)
    assert world.homes_due() == QUIET + 5 * SECOND
    world.step(Instant(QUIET + 5 * SECOND))
    assert world.estate.node(PPMID) is not None


def test_a_visitor_is_heard_at_once(world: World) -> None:
    world.estate.visit("Home 1", QUIET)
    assert QUIET <= world.homes_due() < QUIET + SECOND
