"""When images may travel: quiet hours of the day, policy `han.quiet_hours` (R8). Pure."""

from hanota.base.instant import DAY, Instant


def quiet_until(now: Instant, hours: tuple[int, int] | None) -> Instant | None:
    """Give when the quiet hours that `now` lies in end; None outside of them, or where there are none.

    Args: hours: first and last moment, milliseconds after midnight UTC; the last may lie on the next day. Two equal
    ones are no time at all.
    """
    if hours is None:
        return None
    first, last = hours
    since = (now - first) % DAY
    length = (last - first) % DAY
    return Instant(now - since + length) if since < length else None
