"""Instants: whole milliseconds, and the forms of the standards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.errors import BadValue
from hanota.base.instant import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    ZIGBEE_UTC_MAX,
    Instant,
    from_generalized,
    from_zigbee_utc,
    generalized,
    iso,
    parse_iso,
    zigbee_utc,
)

LAST = parse_iso("9999-12-31T23:59:59.999Z")
instants = st.integers(0, LAST).map(Instant)
whole_seconds = st.integers(0, LAST // SECOND).map(lambda seconds: Instant(seconds * SECOND))


@given(instants)
def test_xs_date_time_keeps_the_millisecond(instant: Instant) -> None:
    assert parse_iso(iso(instant)) == instant
    assert iso(instant).endswith("Z")


@given(whole_seconds)
def test_generalized_time_keeps_the_second(instant: Instant) -> None:
    assert from_generalized(generalized(instant)) == instant


@given(st.integers(0, ZIGBEE_UTC_MAX - 1))
def test_zigbee_time_keeps_the_second(seconds: int) -> None:
    assert zigbee_utc(from_zigbee_utc(seconds)) == seconds


def test_known_instants() -> None:
    instant = parse_iso("2026-01-15T09:00:00.000Z")
    assert instant == 1_768_467_600_000
    assert iso(instant) == "2026-01-15T09:00:00.000Z"
    assert generalized(instant) == "20260115090000Z"
    assert from_zigbee_utc(0) == parse_iso("2000-01-01T00:00:00Z")


def test_any_zone_is_read_and_one_is_needed() -> None:
    assert parse_iso("2026-07-01T10:00:00+01:00") == parse_iso("2026-07-01T09:00:00Z")
    with pytest.raises(BadValue, match="zone"):
        parse_iso("2026-07-01T10:00:00")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_iso(text)


@pytest.mark.parametrize("text", ["", "20260115090000", "2026011509Z", "20260230000000Z", "2026-01-15T09:00:00Z"])
def test_what_is_no_generalized_time_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        from_generalized(text)


@pytest.mark.parametrize("text", ["1999-12-31T23:59:59Z", "2136-02-07T06:28:15Z"])
def test_zigbee_time_begins_in_2000_and_never_reaches_the_value_for_none(text: str) -> None:
    with pytest.raises(BadValue, match=r"2000…2136"):
        zigbee_utc(parse_iso(text))


def test_units_are_computed() -> None:
    assert (SECOND, MINUTE, HOUR, DAY) == (1000, 60_000, 3_600_000, 86_400_000)
