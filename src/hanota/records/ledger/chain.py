"""The chain itself, pure: canonical octets of an event, and the digest that binds it to the one before.

digest(n) = SHA-256(digest(n-1) ‖ octets(n)), with 32 zero octets before the first. The octets are canonical JSON: keys
sorted, no white space, UTF-8. Lane and number are inside, so an event cannot be moved. See docs/adr/0006.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

GENESIS: Final = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, to a request or to a set of deliveries at once.

    `columns` hold one value per delivery, all of the same length, `delivery` among them when it speaks of deliveries;
    `facts` hold what is the same for all: what one event says in a column may be a fact of another.
    """

    kind: str
    at: int
    request: int | None = None
    facts: Mapping[str, int | str | None] = field(default_factory=dict)
    columns: Mapping[str, Sequence[int | str | None]] = field(default_factory=dict)

    def octets(self, lane: str, seq: int) -> bytes:
        """Give the canonical octets of this event at its place."""
        body = {
            "lane": lane,
            "seq": seq,
            "kind": self.kind,
            "at": self.at,
            "request": self.request,
            "facts": dict(self.facts),
            "columns": {name: list(values) for name, values in self.columns.items()},
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event as it is kept: octets, digest, and beside them the columns by which it is found."""

    lane: str
    seq: int
    at: int
    kind: str
    request: int | None
    first_delivery: int | None
    last_delivery: int | None
    octets: bytes
    digest: bytes


_COLUMNS: Final = ("lane", "seq", "at", "kind", "request", "first_delivery", "last_delivery")


def entry_of(happened: Event, lane: str, seq: int, previous: bytes) -> Entry:
    """Give the event as it is kept at its place, bound to the event before by that one's digest."""
    octets = happened.octets(lane, seq)
    ends = _ends(happened.columns.get("delivery", ()))
    return Entry(
        lane=lane,
        seq=seq,
        at=happened.at,
        kind=happened.kind,
        request=happened.request,
        **ends,
        octets=octets,
        digest=link(previous, octets),
    )


def _ends(deliveries: Sequence[int | str | None]) -> dict[str, int | None]:
    """Give the smallest and the largest of the numbers of deliveries, by which an event is found."""
    numbers = [number for number in deliveries if type(number) is int]
    return {"first_delivery": min(numbers, default=None), "last_delivery": max(numbers, default=None)}


def link(previous: bytes, octets: bytes) -> bytes:
    """Give the digest that binds `octets` to the event before."""
    return hashlib.sha256(previous + octets).digest()


def of_delivery(octets: bytes, delivery: int) -> list[dict[str, int | str | None]]:
    """Recover what an event says of one delivery: its facts with each of its rows of the columns; often one or none."""
    body = json.loads(octets)
    columns = body["columns"]
    rows = [row for row, number in enumerate(columns.get("delivery", ())) if number == delivery]
    same = {"kind": body["kind"], "at": body["at"], **body["facts"]}
    return [{**same, **{name: values[row] for name, values in columns.items() if name != "delivery"}} for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """Verdict on a log: how many events hold, and the first that does not."""

    events: int
    heads: Mapping[str, bytes]
    broken_lane: str | None = None
    broken_seq: int | None = None

    def __bool__(self) -> bool:
        return self.broken_lane is None


def check(entries: Iterable[Entry]) -> ChainReport:
    """Check entries in order of lane and number; stop at the first that does not hold, whatever was done to it."""
    heads: dict[str, bytes] = {}
    counts: dict[str, int] = {}
    total = 0
    for entry in entries:
        expected = (counts.get(entry.lane, 0) + 1, link(heads.get(entry.lane, GENESIS), entry.octets))
        if (entry.seq, entry.digest) != expected or _columns_of(entry.octets) != _columns_in(entry):
            return ChainReport(events=total, heads=heads, broken_lane=entry.lane, broken_seq=entry.seq)
        heads[entry.lane], counts[entry.lane] = entry.digest, entry.seq
        total += 1
    return ChainReport(events=total, heads=heads)


def _columns_in(entry: Entry) -> tuple[object, ...]:
    return tuple(getattr(entry, name) for name in _COLUMNS)


def _columns_of(octets: bytes) -> tuple[object, ...] | None:
    """Give what the octets say of the columns beside them; None for octets that say nothing readable."""
    try:
        body = json.loads(octets)
        return tuple((body | _ends(body["columns"].get("delivery", ())))[name] for name in _COLUMNS)
    except (ValueError, KeyError, TypeError, AttributeError):  # whoever forged a digest can forge octets, too
        return None
