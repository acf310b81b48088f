"""The sliding sum that pace and duty cycle go by."""

from hypothesis import given
from hypothesis import strategies as st

from hanota.base.instant import MINUTE, Instant
from hanota.model.airtime import Window

T0 = Instant(1_000_000)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 100)), max_size=60))
def test_nothing_is_forgotten_before_its_time_nor_kept_much_longer(steps: list[tuple[int, int]]) -> None:
    window, now, added = Window(MINUTE), T0, []
    for wait, amount in steps:
        now = Instant(now + wait)
        window.add(amount, now)
        added.append((now, amount))
        total = window.total(now)
        assert total >= sum(a for at, a in added if at > now - MINUTE)
        assert total <= sum(a for at, a in added if at > now - MINUTE - 2 * MINUTE // 60)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 100)), max_size=30), st.integers(1, 200))
def test_there_is_room_when_it_says_so_and_not_before(steps: list[tuple[int, int]], limit: int) -> None:
    window, now = Window(MINUTE), T0
    for wait, amount in steps:
        now = Instant(now + wait)
        window.add(amount, now)
    at = window.room_at(1, limit, now)
    if at > now:
        assert window.total(Instant(at - 1)) + 1 > limit
    assert window.total(at) + 1 <= limit


def test_a_clock_that_is_put_back_forgets_the_future() -> None:
    window = Window(MINUTE)
    window.add(5, Instant(T0 + 60 * MINUTE))
    window.add(7, T0)
    assert window.total(T0) == 7
