"""Times and sizes as people read them: relative to the service's clock, and absolute in British time."""

from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hanota.base.instant import DAY, HOUR, MINUTE, SECOND, Instant, parse_iso

_UNITS: Final = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
_JUST_NOW_MS: Final = 2 * SECOND
_KIB: Final = 1024


def _british() -> tzinfo:
    try:
        return ZoneInfo("Europe/London")
    except ZoneInfoNotFoundError:  # a machine without zone data
        return UTC


_ZONE: Final = _british()


def relative(text: str, now: Instant) -> str:
    """Say how far an xs:dateTime is from `now`: `3 min ago`, `in 2 h`, `now`. Raises BadValue."""
    gap = parse_iso(text) - now
    if abs(gap) < _JUST_NOW_MS:
        return "now"
    return f"in {span(gap)}" if gap > 0 else f"{span(-gap)} ago"


def span(milliseconds: int) -> str:
    """Say a length of time in its largest fitting unit, and the next smaller one up to a day: `2 h 5 min`, `40 s`."""
    rest = max(0, milliseconds)
    for (unit, name), (smaller, small_name) in pairwise(_UNITS):
        if rest >= unit:
            small = rest % unit // smaller
            fine = unit is not MINUTE and rest < 3 * unit and small
            return f"{rest // unit} {name}" + (f" {small} {small_name}" if fine else "")
    return f"{rest // SECOND} s"


def absolute(text: str) -> str:
    """Write an xs:dateTime in British time: `15 Jan 2026, 09:00:00 GMT`. Raises BadValue."""
    return _local(text).strftime("%-d %b %Y, %H:%M:%S %Z")


def clock(text: str, now: Instant) -> str:
    """Write an xs:dateTime as short as it is clear: the time today, with the date otherwise. Raises BadValue."""
    moment, today = _local(text), datetime.fromtimestamp(now / SECOND, _ZONE)
    if moment.date() == today.date():
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%-d %b %H:%M" if moment.year == today.year else "%-d %b %Y")


def octets(number: int) -> str:
    """Write a size with 1 kB counted as 1024 octets, as the 750 kB limit is."""
    return f"{number} B" if number < _KIB else f"{number / _KIB:,.1f}".removesuffix(".0") + " kB"


def percent(part: int, whole: int) -> int:
    """Give a share in whole percent, 0 to 100; 100 only when nothing is missing."""
    return 0 if whole <= 0 else min(100, part * 100 // whole)


def _local(text: str) -> datetime:
    return datetime.fromtimestamp(parse_iso(text) / SECOND, _ZONE)
