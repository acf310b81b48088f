"""Fair shares of a region's network: nobody starves, nothing beyond its capacity, nothing idle while somebody waits."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from hanota.base.instant import SECOND, Instant
from hanota.base.vocabulary.devices import CspRegion
from hanota.model.policies import WanPolicy
from hanota.model.wan_share import (
    ORDER_OCTETS,
    QUEUE,
    ROOM,
    booked,
    costs,
    first_rows,
    leaving,
    octets_free,
    opens_at,
    turns,
)

RATE = 1000
START = Instant(0)
POLICY = WanPolicy(octets_per_s={CspRegion.NORTH: RATE}, ahead_ms=20 * SECOND)
IMAGES = {1: 500, 2: 3_000, 3: 20_000}
"""One image a Supplier, octets."""


@dataclass
class Network:
    """The region North between Suppliers 1 to 3, in the way the store uses the rule."""

    now: Instant = START
    virtual: int = 0
    until: Instant = START
    ends: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    queue: list[tuple[int, int, int]] = field(default_factory=list)  # delivery, turn, party
    number: int = 0
    left: list[tuple[Instant, int, int]] = field(default_factory=list)  # when, party, cost

    def ask(self, party: int, homes: int) -> None:
        """Let a Supplier ask for so many homes."""
        frame = pl.DataFrame({"region": ["North"] * homes, "octets": [IMAGES[party]] * homes})
        start = max(self.virtual, self.ends[party])
        placed = frame.with_columns(costs(frame, POLICY), pl.lit(start, pl.Int64).alias("start"))
        for turn, cost in zip(turns(placed), placed["cost"], strict=True):
            self.number += 1
            self.queue.append((self.number, turn, party))
            self.ends[party] = turn + cost

    def serve(self) -> None:
        """Let go whom the network takes now."""
        room = octets_free(self.until, RATE, POLICY, self.now)
        rows = [(n, "North", turn, b"%d" % party, IMAGES[party], False) for n, turn, party in self.queue]
        frame = pl.DataFrame(rows, schema=QUEUE, orient="row")
        gone = leaving(frame, pl.DataFrame([("North", room, None)], schema=ROOM, orient="row"), POLICY)
        self.check_room(gone, room)
        parties = {number: party for number, _, party in self.queue}
        for number, turn, cost in gone.select("delivery", "turn", "cost").rows():
            self.left.append((self.now, parties[number], cost))
            self.virtual = max(self.virtual, turn)
        if gone.height:
            self.until = booked(self.until, gone["cost"].sum(), RATE, self.now)
        self.queue = [row for row in self.queue if row[0] not in set(gone["delivery"])]

    def check_room(self, gone: pl.DataFrame, room: int) -> None:
        """No more than the room and what the last one lacked of it; no less while somebody waits."""
        spent = gone["cost"].sum()
        if gone.height:
            assert spent - gone["cost"][-1] < room
        if gone.height < len(self.queue):
            assert spent >= room

    def wait(self) -> None:
        """Until the network takes more."""
        self.now = max(self.now, opens_at(self.until, POLICY))

    def served(self, party: int) -> int:
        """Octets that a Supplier's homes cost so far."""
        return sum(cost for _, who, cost in self.left if who == party)


ASKS = st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.integers(1, 60)), min_size=1, max_size=8)


@given(asks=ASKS, steps=st.integers(0, 4))
def test_suppliers_that_wait_all_along_get_the_same_within_an_order_of_each(
    asks: list[tuple[int, int]], steps: int
) -> None:
    network = Network()
    for ask in asks:
        network.ask(*ask)
    for _ in range(steps):
        network.serve()
        network.wait()
    waiting = sorted({party for _, _, party in network.queue})
    for one, other in pairwise(waiting):
        apart = abs(network.served(one) - network.served(other))
        assert apart <= IMAGES[one] + IMAGES[other] + 2 * ORDER_OCTETS


@given(flood=st.integers(50, 400), homes=st.integers(1, 40), before=st.integers(0, 5))
def test_whoever_asks_during_a_flood_is_through_in_twice_his_time_alone(flood: int, homes: int, before: int) -> None:
    def time_of(network: Network) -> int:
        began = network.now
        network.ask(2, homes)
        while any(party == 2 for _, _, party in network.queue):
            network.serve()
            network.wait()
        return network.until - began

    alone = time_of(Network())
    network = Network()
    network.ask(1, flood)
    for _ in range(before):
        network.serve()
        network.wait()
    assert time_of(network) <= 2 * alone + POLICY.ahead_ms + (IMAGES[1] + ORDER_OCTETS) * SECOND // RATE


@settings(max_examples=settings.default.max_examples // 4)
@given(asks=ASKS)
def test_everybody_is_served_and_no_more_than_the_network_carries(asks: list[tuple[int, int]]) -> None:
    network = Network()
    for party, homes in asks:
        network.ask(party, homes)
        network.serve()
        network.wait()
    for _ in range(10_000):
        if not network.queue:
            break
        network.serve()
        network.wait()
    assert not network.queue
    largest = max(IMAGES[party] for party, _ in asks) + ORDER_OCTETS
    for moment, _, _ in network.left:
        by_then = sum(cost for when, _, cost in network.left if when <= moment)
        assert by_then <= RATE * (moment + POLICY.ahead_ms) // SECOND + largest


@given(asks=ASKS)
def test_a_supplier_is_served_in_the_order_in_which_he_asked(asks: list[tuple[int, int]]) -> None:
    network = Network()
    for ask in asks:
        network.ask(*ask)
    for party in IMAGES:
        mine = [(turn, number) for number, turn, who in network.queue if who == party]
        assert mine == sorted(mine, key=lambda row: row[1])
        assert len({turn for turn, _ in mine}) == len(mine)


def _queue(rows: list[tuple[int, str, int, bytes, int, bool]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=QUEUE, orient="row")


def _room(*rows: tuple[str, int | None, int | None]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=ROOM, orient="row")


def test_each_region_has_its_own_room() -> None:
    queue = _queue(
        [(1, "North", 0, b"a", 900, False), (2, "North", 1, b"a", 900, False), (3, "South", 0, b"a", 9, False)]
    )
    gone = leaving(queue, _room(("North", 10, None), ("South", None, None)), POLICY)
    assert gone["delivery"].to_list() == [1, 3]


def test_homes_that_fetch_for_themselves_take_places() -> None:
    queue = _queue([(n, "North", n, b"a", 9, False) for n in range(5)])
    assert leaving(queue, _room(("North", None, 3)), POLICY)["delivery"].to_list() == [0, 1, 2]


def test_a_broadcast_is_paid_once_and_takes_no_places() -> None:
    policy = WanPolicy(broadcast=frozenset({CspRegion.NORTH}), broadcast_homes_min=3, broadcast_repeats=2)
    queue = _queue([(n, "North", n, b"a", 5000, False) for n in range(5)] + [(9, "North", 2, b"b", 700, False)])
    gone = leaving(queue, _room(("North", 20_000, 1)), policy).sort("delivery")
    assert gone["delivery"].to_list() == [0, 1, 2, 3, 4, 9]
    assert gone["cost"].to_list() == [ORDER_OCTETS + 10_000, *[ORDER_OCTETS] * 4, ORDER_OCTETS + 700]
    assert gone["opens"].to_list() == [True, *[False] * 5]
    assert gone["alone"].to_list() == [*[False] * 5, True]


def test_a_home_joins_a_broadcast_that_goes_on() -> None:
    policy = WanPolicy(broadcast=frozenset({CspRegion.NORTH}))
    gone = leaving(_queue([(1, "North", 0, b"a", 5000, True)]), _room(("North", None, 0)), policy)
    assert gone.select("cost", "opens", "alone").rows() == [(ORDER_OCTETS, False, False)]


def test_the_homes_of_a_broadcast_share_its_cost() -> None:
    policy = POLICY.model_copy(update={"broadcast": frozenset({CspRegion.NORTH}), "broadcast_homes_min": 2})
    frame = pl.DataFrame({"region": ["North", "North", "South"], "octets": [600, 600, 600]})
    alike = costs(frame.with_columns(region=pl.lit("South")), policy)
    assert costs(frame, policy).to_list() == [ORDER_OCTETS + 900, ORDER_OCTETS + 900, alike[0]]
    assert alike.n_unique() == 1


def test_a_batch_is_as_large_as_it_can_be_unless_others_wait() -> None:
    flood = pl.DataFrame({"region": ["North"] * 9 + ["South"] * 9, "party": [1] * 9 + [1] * 4 + [2] * 5})
    assert first_rows(flood, 2)["region"].to_list() == ["North"] * 9 + ["South"] * 4


def test_a_network_takes_more_once_half_of_what_was_given_out_is_through() -> None:
    half = POLICY.ahead_ms // 2
    assert octets_free(Instant(0), RATE, POLICY, Instant(5)) == RATE * 20
    assert octets_free(Instant(half), RATE, POLICY, Instant(0)) == RATE * 10
    assert octets_free(Instant(half + 1), RATE, POLICY, Instant(0)) == 0
    assert booked(Instant(0), 2500, RATE, Instant(7000)) == 9500
    assert opens_at(Instant(half + 1), POLICY) == 1
