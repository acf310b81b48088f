"""The evidence: whatever is done to a log, the first entry that does not hold is found and named (I8)."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hanota.base.eui import Eui64
from hanota.records.ledger import Event, append, batch_event, story, verify
from hanota.records.ledger.chain import GENESIS, check, entry_of, link, of_delivery
from hanota.records.store import Store
from hanota.records.store import schema as t
from helpers.stores import new_store, template

LANES = ("0", "1")
COUNT = 6  # events of each lane


def event(number: int) -> Event:
    columns = {"delivery": [number, number + 1, number], "to": ["HELD", "ON_WAN", "CONFIRMED"]}
    return Event(kind="moved", at=1000 + number, request=number, facts={"n": number, "text": "é"}, columns=columns)


@template
def filled(store: Store) -> None:
    with store.writing() as connection:
        for number in range(1, COUNT + 1):
            for lane in LANES:
                append(connection, lane, [event(number)])


def rows(store: Store) -> list[dict[str, Any]]:
    with store.reading() as connection:
        query = select(t.event).order_by(t.event.c.lane, t.event.c.seq)
        return [dict(row) for row in connection.execute(query).mappings()]


def rewritten(store: Store, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Store:
    changed = change(rows(store))
    with store.writing() as connection:
        connection.execute(t.event.delete())
        connection.execute(t.event.insert(), changed)
    return store


def broken(store: Store) -> tuple[str | None, int | None]:
    with store.reading() as connection:
        report = verify(connection)
    assert bool(report) == (report.broken_lane is None)
    return report.broken_lane, report.broken_seq


def test_an_untouched_log_holds() -> None:
    store = filled()
    with store.reading() as connection:
        report = verify(connection)
    assert report
    assert report.events == COUNT * len(LANES)
    assert report.heads == {row["lane"]: row["digest"] for row in rows(store)}


def test_an_empty_log_holds() -> None:
    with new_store().reading() as connection:
        report = verify(connection)
    assert (bool(report), report.events, report.heads) == (True, 0, {})


def test_the_digest_is_over_the_one_before_and_the_octets() -> None:
    first, second, *_ = rows(filled())
    assert first["digest"] == hashlib.sha256(bytes(32) + first["octets"]).digest()
    assert second["digest"] == hashlib.sha256(first["digest"] + second["octets"]).digest()


def test_octets_are_canonical_json_with_lane_and_number_inside() -> None:
    octets = event(1).octets("0", 7)
    body = json.loads(octets)
    assert (body["lane"], body["seq"]) == ("0", 7)
    assert octets == json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert "é".encode() in octets


# --- damage ------------------------------------------------------------------------------------------------------

PLACES = [(lane, seq) for lane in LANES for seq in range(1, COUNT + 1)]
every_place = pytest.mark.parametrize(("lane", "seq"), PLACES)


def at(found: list[dict[str, Any]], lane: str, seq: int) -> dict[str, Any]:
    return next(row for row in found if (row["lane"], row["seq"]) == (lane, seq))


@every_place
@pytest.mark.parametrize("place", [0, 1, -1, 40])
@pytest.mark.parametrize("column", ["octets", "digest"])
def test_a_flipped_bit_is_found(column: str, place: int, lane: str, seq: int) -> None:
    def flip(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        octets = bytearray(at(found, lane, seq)[column])
        octets[place % len(octets)] ^= 1
        at(found, lane, seq)[column] = bytes(octets)
        return found

    assert broken(rewritten(filled(), flip)) == (lane, seq)


@every_place
@pytest.mark.parametrize(
    ("column", "value"),
    [("at", 7), ("kind", "other"), ("request", None), ("first_delivery", 99), ("last_delivery", None)],
)
def test_a_column_that_hides_an_event_is_found(column: str, value: object, lane: str, seq: int) -> None:
    def change(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        at(found, lane, seq)[column] = value
        return found

    assert broken(rewritten(filled(), change)) == (lane, seq)


@pytest.mark.parametrize(("lane", "seq"), [place for place in PLACES if place[1] < COUNT])
def test_a_deleted_entry_is_found_at_the_one_behind(lane: str, seq: int) -> None:
    def delete(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in found if (row["lane"], row["seq"]) != (lane, seq)]

    assert broken(rewritten(filled(), delete)) == (lane, seq + 1)


@pytest.mark.parametrize(("lane", "seq"), [place for place in PLACES if place[1] < COUNT])
def test_a_gap_that_was_closed_is_found(lane: str, seq: int) -> None:
    def close(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        left = [row for row in found if (row["lane"], row["seq"]) != (lane, seq)]
        return [row | ({"seq": row["seq"] - 1} if row["lane"] == lane and row["seq"] > seq else {}) for row in left]

    assert broken(rewritten(filled(), close)) == (lane, seq)


@pytest.mark.parametrize(("lane", "seq"), [place for place in PLACES if place[1] < COUNT])
def test_two_entries_that_changed_places_are_found(lane: str, seq: int) -> None:
    def swap(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        one, other = at(found, lane, seq), at(found, lane, seq + 1)
        one["seq"], other["seq"] = other["seq"], one["seq"]
        return found

    assert broken(rewritten(filled(), swap)) == (lane, seq)


@every_place
def test_an_entry_that_was_moved_to_another_lane_is_found(lane: str, seq: int) -> None:
    """Also with a digest that was computed for its new place: its octets say where it belongs."""
    other = LANES[1 - LANES.index(lane)]

    def move(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        moved = at(found, lane, seq)
        kept = [row for row in found if row is not moved]
        head = at(found, other, COUNT)["digest"]
        return [*kept, moved | {"lane": other, "seq": COUNT + 1, "digest": link(head, moved["octets"])}]

    expected = {(other, COUNT + 1)} if seq == COUNT else {(other, COUNT + 1), (lane, seq + 1)}
    assert broken(rewritten(filled(), move)) in expected


def test_an_entry_that_was_put_in_is_found() -> None:
    def put_in(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        behind = [row | ({"seq": row["seq"] + 1} if row["lane"] == "0" and row["seq"] > 2 else {}) for row in found]
        false = vars_of(entry_of(event(9), "0", 3, at(found, "0", 2)["digest"]))
        return [*behind, false]

    assert broken(rewritten(filled(), put_in)) == ("0", 4)


def vars_of(entry: Any) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__slots__}


@pytest.mark.parametrize(
    "octets", [b"", b"{", b"[]", b"null", b"{}", b'{"columns":1}', b'{"columns":{"delivery":1}}', b"\xff"]
)
def test_octets_that_say_nothing_are_found_even_under_a_right_digest(octets: bytes) -> None:
    def forge(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        last = at(found, "1", COUNT)
        last["octets"], last["digest"] = octets, link(at(found, "1", COUNT - 1)["digest"], octets)
        return found

    assert broken(rewritten(filled(), forge)) == ("1", COUNT)


@given(st.data())
def test_any_damage_to_any_entry_is_found(data: st.DataObject) -> None:
    entries, head = [], GENESIS
    for seq in range(1, 5):
        entries.append(entry_of(event(seq), "0", seq, head))
        head = entries[-1].digest
    place = data.draw(st.integers(0, 3))
    fields = vars_of(entries[place])
    name = data.draw(st.sampled_from(sorted(fields)))
    kinds = {str: st.text(), int: st.integers(0, 10**6), bytes: st.binary(max_size=200)}
    fields[name] = data.draw(kinds[type(fields[name])].filter(lambda value: value != vars_of(entries[place])[name]))
    damaged = [*entries[:place], type(entries[place])(**fields), *entries[place + 1 :]]
    report = check(damaged)
    assert not report
    assert report.events == place


# --- stories -----------------------------------------------------------------------------------------------------


def test_an_event_says_of_a_delivery_only_what_concerns_it() -> None:
    octets = event(5).octets("0", 1)
    assert of_delivery(octets, 5) == [
        {"kind": "moved", "at": 1005, "n": 5, "text": "é", "to": "HELD"},
        {"kind": "moved", "at": 1005, "n": 5, "text": "é", "to": "CONFIRMED"},
    ]
    assert [line["to"] for line in of_delivery(octets, 6)] == ["ON_WAN"]
    assert of_delivery(octets, 7) == []


def test_a_story_comes_from_all_lanes_oldest_first() -> None:
    store = new_store()
    with store.writing() as connection:
        for lane, moment in (("1", 30), ("0", 10), ("1", 20)):
            append(connection, lane, [Event(kind=f"k{moment}", at=moment, columns={"delivery": [4]})])
        append(connection, "0", [Event(kind="of a request", at=15, request=1)])
        append(connection, "0", [Event(kind="of others", at=15, columns={"delivery": [3, 5]})])
        assert [line["kind"] for line in story(connection, 4)] == ["k10", "k20", "k30"]


def test_a_lane_goes_on_where_it_stood() -> None:
    store = new_store()
    for _ in range(3):
        with store.writing() as connection:
            append(connection, "0", [event(1), event(2)])
            append(connection, "0", [])
    assert [row["seq"] for row in rows(store)] == [1, 2, 3, 4, 5, 6]
    assert broken(store) == (None, None)


def test_the_end_of_a_log_is_not_the_chains_to_protect() -> None:
    """Cutting the newest entries leaves a shorter chain that holds: only a checkpoint kept elsewhere finds that."""
    store = rewritten(filled(), lambda found: [row for row in found if row["seq"] < COUNT])
    assert broken(store) == (None, None)


# --- events of batches -------------------------------------------------------------------------------------------

BATCH = {"to": pl.String, "version": pl.Int64, "party": pl.Int64}
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["HELD", "ON_WAN"]),
        st.none() | st.integers(0, 2),
        st.sampled_from([1, -2]),
    ),
    min_size=1,
    max_size=6,
)


@given(ROWS)
def test_each_row_of_a_batch_is_recovered_whatever_all_of_them_have_in_common(
    given_rows: list[tuple[Any, ...]],
) -> None:
    frame = pl.DataFrame(given_rows, schema=BATCH, orient="row").with_row_index("delivery", offset=1)
    octets = batch_event("moved", 5, frame, facts={"code": "N60"}, euis=["party"]).octets("0", 1)
    for number, (to, version, party) in enumerate(given_rows, 1):
        told = {"kind": "moved", "at": 5, "code": "N60", "to": to, "version": version}
        assert of_delivery(octets, number) == [told | {"party": str(Eui64.from_signed(party))}]


def test_what_all_rows_have_in_common_is_said_once() -> None:
    frame = pl.DataFrame({"delivery": [1, 2, 3], "to": ["HELD"] * 3, "version": [None, None, 7]})
    made = batch_event("moved", 5, frame)
    assert (made.facts, made.columns) == ({"to": "HELD"}, {"delivery": [1, 2, 3], "version": [None, None, 7]})
