"""Sharing a region's wide-area network between Suppliers, on columns: start-time fair queueing. Pure (R10, R38).

Every delivery gets its turn when it joins the queue of its region: where the region's virtual time stands, or behind
its Supplier's own last one, whichever is later; each moves its Supplier on by what its order costs the network. Who
leaves is the least turn first, as far as the network has room; the region's virtual time is the turn of the last that
left. So of Suppliers that wait none gets further ahead of another than one order of each, none starves, no room is left
unused while somebody waits, and a place in the queue is a number that does not change.

Source: Goyal, Vin, Cheng: Start-time Fair Queueing (SIGCOMM 1996), for the rule and its bounds; GBCS 11.4 for what is
carried; what a broadcast costs is our model (docs/adr/0015).
"""

from typing import Final

import polars as pl

from hanota.base.instant import SECOND, Instant
from hanota.model.policies import WanPolicy

ORDER_OCTETS: Final = 400
"""What a signed order without its image costs the network; they have 300 to 400 octets."""

ALIKE_OCTETS: Final = 256_000
"""What an order counts in a region whose capacity is not known: all alike, as if of one usual image (R8)."""

QUEUE: Final = pl.Schema(
    {
        "delivery": pl.Int64,
        "region": pl.String,
        "turn": pl.Int64,
        "image": pl.Binary,
        "octets": pl.Int64,  # of the image, all its segments
        "carried": pl.Boolean,  # a broadcast carriage of it goes on in that region, which this home can join
    }
)
"""Deliveries that wait, each region's in turn."""

ROOM: Final = pl.Schema({"region": pl.String, "octets": pl.Int64, "homes": pl.Int64})
"""What each region's network takes now; null: any amount."""


def costs(waiting: pl.DataFrame, policy: WanPolicy) -> pl.Series:
    """Give what each delivery of one image costs its region, octets; `waiting` has `region` and `octets`.

    The homes of a region share what a broadcast costs all of them. In a region of unknown capacity all cost the same.
    """
    homes = pl.len().over("region")
    shared = pl.col("octets") * policy.broadcast_repeats // homes
    known = pl.col("region").is_in(sorted(region.value for region in policy.octets_per_s))
    cost = pl.when(_broadcast(policy, homes)).then(shared).otherwise("octets") + ORDER_OCTETS
    return waiting.select(pl.when(known).then(cost).otherwise(ALIKE_OCTETS).cast(pl.Int64).alias("cost"))["cost"]


def turns(joining: pl.DataFrame) -> pl.Series:
    """Give the turns of one Supplier's deliveries that join queues, in the order in which they are.

    `joining`: region, cost, and start: the later of the region's virtual time and the Supplier's own last end there.
    """
    behind = pl.col("cost").cum_sum().over("region") - pl.col("cost")
    return joining.select((pl.col("start") + behind).alias("turn"))["turn"]


def leaving(queue: pl.DataFrame, room: pl.DataFrame, policy: WanPolicy) -> pl.DataFrame:
    """Give those of `queue` that leave now, with `cost` (octets) and `opens`: the first of a broadcast carriage.

    The last one to leave may be larger than what was left of the room, else a large image never left: its region then
    has that much less room later on.
    """
    homes = pl.len().over("region", "image")
    alone = queue.sort("region", "turn", "delivery", maintain_order=True).with_columns(
        alone=~pl.col("carried") & ~_broadcast(policy, homes)
    )
    places = pl.col("alone").cast(pl.Int64).cum_sum().over("region")
    seated = (
        alone.join(room, on="region", how="left", maintain_order="left", suffix="_free")
        .filter(~pl.col("alone") | pl.col("homes").is_null() | (places <= pl.col("homes")))
        .with_columns(
            opens=~pl.col("alone") & ~pl.col("carried") & (pl.int_range(pl.len()).over("region", "image", "alone") == 0)
        )
    )
    carriage = pl.when("alone").then("octets").when("opens").then(pl.col("octets") * policy.broadcast_repeats)
    priced = seated.with_columns(cost=ORDER_OCTETS + carriage.otherwise(0))
    before = pl.col("cost").cum_sum().over("region") - pl.col("cost")
    fits = pl.col("octets_free").is_null() | (before < pl.col("octets_free"))
    return priced.filter(fits).select(*QUEUE.names(), "cost", "opens", "alone")


def _broadcast(policy: WanPolicy, homes: pl.Expr) -> pl.Expr:
    """Whether a region carries an image by broadcast to so many homes that wait for it."""
    able = pl.col("region").is_in(sorted(region.value for region in policy.broadcast))
    return able & (homes >= policy.broadcast_homes_min)


def octets_free(booked_until: Instant, octets_per_s: int, policy: WanPolicy, now: Instant) -> int:
    """How many octets a region's network takes now, which is booked until then; 0: none for the time being.

    It is given out up to `wan.ahead_ms` ahead, and again once half of that is through: many at once, not one by one.
    """
    ahead = max(booked_until - now, 0)
    return 0 if ahead > policy.ahead_ms // 2 else -((ahead - policy.ahead_ms) * octets_per_s // SECOND)


def booked(booked_until: Instant, octets: int, octets_per_s: int, now: Instant) -> Instant:
    """Until when a region's network is booked after so many more octets were let go."""
    return Instant(max(booked_until, now) - (-octets * SECOND // octets_per_s))


def opens_at(booked_until: Instant, policy: WanPolicy) -> Instant:
    """When a region's network that is booked so far takes more."""
    return Instant(booked_until - policy.ahead_ms // 2)


def first_rows(waiting: pl.DataFrame, quantum: int) -> pl.DataFrame:
    """Give what a batch takes of rows in turn, with `region` and `party`: all if one Supplier waits in a region, else
    so many for each of them.

    A batch is not put off for what comes after it began: so the smaller it is while others wait, the less they wait.
    """
    parties = pl.col("party").n_unique().over("region")
    place = pl.int_range(pl.len()).over("region")
    return waiting.filter((parties < 2) | (place < parties * quantum))
