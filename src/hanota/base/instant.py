"""Points in time as whole milliseconds since 1970-01-01T00:00Z, and the forms the standards write them in.

A plain number, so that a column of instants is a column of numbers. Nothing here reads a clock: `app` does and passes
instants down.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NewType

from hanota.base.errors import BadValue, require

Instant = NewType("Instant", int)

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FOREVER = Instant((1 << 53) - 1)
"""The end of what has none: as large as every reader of JSON takes it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZIGBEE_EPOCH_S = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
ZIGBEE_UTC_MAX = 0xFFFF_FFFF
_GENERALIZED = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z\Z")
_MILLISECOND = timedelta(milliseconds=1)


def iso(instant: Instant) -> str:
    """Write `2026-01-15T09:00:00.000Z` (xs:dateTime, as DUIS captures write it)."""
    moment = _EPOCH + timedelta(milliseconds=instant)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant % SECOND:03d}Z"


def parse_iso(text: str) -> Instant:
    """Read an xs:dateTime with a zone. Raises BadValue."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(kind="time", value=text, expected="2026-01-15T09:00:00.000Z") from None
    require(moment.tzinfo is not None, BadValue, kind="time", value=text, expected="a zone, e.g. a final Z")
    return from_datetime(moment)


def from_datetime(moment: datetime) -> Instant:
    """Read a moment that knows its zone."""
    return Instant((moment - _EPOCH) // _MILLISECOND)


def zigbee_utc(instant: Instant) -> int:
    """Give ZigBee UTCTime: seconds since 2000-01-01 (ZCL UTCTime), 32 bits. Raises BadValue outside its range."""
    seconds = instant // SECOND - _ZIGBEE_EPOCH_S
    require(0 <= seconds < ZIGBEE_UTC_MAX, BadValue, kind="ZigBee time", value=iso(instant), expected="2000…2136")
    return seconds


def from_zigbee_utc(seconds: int) -> Instant:
    """Read ZigBee UTCTime."""
    return Instant((seconds + _ZIGBEE_EPOCH_S) * SECOND)


def generalized(instant: Instant) -> str:
    """Write a DER GeneralizedTime as GBCS does: `20260115090000Z`, to the second (GBCS 11)."""
    return (_EPOCH + timedelta(milliseconds=instant)).strftime("%Y%m%d%H%M%SZ")


def from_generalized(text: str) -> Instant:
    """Read `YYYYMMDDHHMMSSZ`. Raises BadValue."""
    found = _GENERALIZED.match(text)
    try:
        if found is None:
            raise ValueError
        year, month, day, hour, minute, second = map(int, found.groups())  # a fifth of the time of strptime
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise BadValue(kind="GeneralizedTime", value=text, expected="YYYYMMDDHHMMSSZ") from None
    return from_datetime(moment)
