"""Quiet hours of the day."""

import pytest

from hanota.base.instant import DAY, HOUR, Instant
from hanota.model.pacing import quiet_until

MIDNIGHT = Instant(20_000 * DAY)


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        (None, 18, None),
        ((17, 20), 16.99, None),
        ((17, 20), 17, 20),
        ((17, 20), 19.99, 20),
        ((17, 20), 20, None),
        ((22, 6), 23, 30),
        ((22, 6), 3, 6),
        ((22, 6), 6, None),
        ((22, 6), 12, None),
        ((8, 8), 8, None),
    ],
)
def test_quiet_hours_end_at_their_end_also_on_the_next_day(
    hours: tuple[int, int] | None, at: float, until: float | None
) -> None:
    given = hours and (hours[0] * HOUR, hours[1] * HOUR)
    expected = None if until is None else MIDNIGHT + until * HOUR
    assert quiet_until(Instant(MIDNIGHT + int(at * HOUR)), given) == expected
