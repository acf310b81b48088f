"""The queues of the wide-area networks: joining one, and who leaves it now. The rule is in `model.wan_share`.

A queue is what a region has of deliveries in state QUEUED, in turn. A network's room is reckoned from what was let go
and, for homes, from what is under way by the store: nothing has to be given back, so nothing can be forgotten.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    case,
    delete,
    func,
    select,
    union_all,
    update,
)

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CspRegion
from hanota.model import wan_share
from hanota.model.delivery import State
from hanota.model.policies import WanPolicy
from hanota.records.store import schema as t
from hanota.records.store import schema_wan as tables
from hanota.records.store.bulk import insert_frame
from hanota.records.store.frames import read_frame
from hanota.records.store.requests import images_of

BATCH_MAX: Final = 10_000
_FEW: Final = 100
_OFTEN_OCTETS: Final = 64_000
"""How many are looked at goes by the room, for images of this size; were they smaller, the rest is looked at next."""


def join_queues(
    connection: Connection, regions: pl.Series, *, party: Eui64, request: int, policy: WanPolicy
) -> pl.DataFrame:
    """Give `region` and `turn` of deliveries of one request, by the regions of their homes; remember where they end.

    What lies in a region without a network of its own goes with the unknown.
    """
    w, own = tables.wan_region, tables.wan_turn
    octets = images_of(connection, [request])["octets"].item()
    of_party = (own.c.region == w.c.region) & (own.c.party == party.signed)
    starts = read_frame(
        connection,
        select(w.c.region, w.c.turn, func.coalesce(own.c.turn, 0).label("own")).select_from(w.outerjoin(own, of_party)),
    ).select("region", start=pl.max_horizontal("turn", "own"))
    known = pl.when(regions.is_in(starts["region"].implode())).then(regions).otherwise(pl.lit(CspRegion.UNKNOWN.value))
    joining = pl.select(region=known, octets=pl.lit(octets, pl.Int64)).join(
        starts, on="region", how="left", maintain_order="left"
    )
    costed = joining.with_columns(wan_share.costs(joining, policy))
    placed = costed.with_columns(wan_share.turns(costed))
    ends = placed.group_by("region").agg(turn=(pl.col("turn") + pl.col("cost")).max()).sort("region")
    gone = own.c.region.in_(ends["region"].to_list())
    connection.execute(delete(own).where(gone, own.c.party == party.signed))
    insert_frame(connection, own, ends, party=party.signed)
    return placed.select("region", "turn")


def requested_in_turn(connection: Connection, policy: WanPolicy, now: Instant) -> pl.DataFrame:
    """Give deliveries that are REQUESTED and due, with `region` and `turn`: of each region the first in turn, that no
    Supplier's flood comes before what others asked for.
    """
    rows = t.is_requested & (t.delivery.c.due <= now)
    regions = list(connection.execute(select(tables.wan_region.c.region).where(_any_in(rows))).scalars())
    waiting = _heads(connection, rows, dict.fromkeys(regions, BATCH_MAX // max(len(regions), 1)))
    return wan_share.first_rows(waiting, policy.quantum).select("delivery", "region", "turn")


def let_go_at_once(connection: Connection, rows: pl.DataFrame, policy: WanPolicy) -> pl.Series:
    """Give those of deliveries (delivery, region, turn) that need not queue, and book them: their region's network has
    room for any number, carries to each home by itself, and nobody waits for it.
    """
    bound = {*policy.octets_per_s, *policy.homes_at_once, *policy.broadcast}
    free = sorted(set(rows["region"].unique()) - {region.value for region in bound})
    w = tables.wan_region
    if not free:
        return rows["delivery"].clear()
    query = select(w.c.region, w.c.turn).where(w.c.region.in_(free), ~_any_in(t.is_queued)).order_by(w.c.region)
    empty = {row.region: row.turn for row in connection.execute(query.with_for_update(skip_locked=True))}
    gone = rows.filter(pl.col("region").is_in(list(empty)))
    for region, turn in gone.group_by("region").agg(pl.max("turn")).sort("region").rows():
        connection.execute(update(w).where(w.c.region == region).values(turn=max(turn, empty[region])))
    return gone["delivery"]


def backlog_of(party: ColumnElement[int]) -> ScalarSelect[int]:
    """How much of a Supplier, in octets by turns, waits for the networks; in SQL."""
    w, own = tables.wan_region.c, tables.wan_turn.c
    behind = case((own.turn > w.turn, own.turn - w.turn), else_=0)
    query = select(func.coalesce(func.sum(behind), 0)).select_from(
        tables.wan_turn.join(tables.wan_region, own.region == w.region)
    )
    return query.where(own.party == party).scalar_subquery()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Network:
    """One region's network, of whose queue some wait; octets and homes: what it takes now, None any amount."""

    region: str
    turn: int
    booked_until: Instant
    open_at: Instant
    rate: int | None
    octets: int | None
    homes: int | None
    broadcasts: bool
    again_at: Instant  # when homes that are under way count no more

    @property
    def look_max(self) -> int:
        """How many of its queue are worth a look."""
        if self.octets == 0 or (self.homes == 0 and not self.broadcasts):
            return 0
        by_octets = BATCH_MAX if self.octets is None else max(self.octets // _OFTEN_OCTETS, _FEW)
        return min(by_octets, BATCH_MAX)


def let_go(connection: Connection, policy: WanPolicy, now: Instant) -> pl.Series:
    """Give the deliveries that leave their queues now, and book what they cost; each region's in turn (R10).

    Whoever holds a region's row holds its queue: another worker passes it over.
    """
    networks = _networks(connection, policy, now)
    if not any(one.look_max for one in networks):
        for one in networks:
            _book(connection, one, {"turn": one.turn, "cost": 0}, policy, now)
        return pl.Series("delivery", [], pl.Int64)
    queue = _queue(connection, networks, now)
    room = pl.DataFrame([(one.region, one.octets, one.homes) for one in networks], schema=wan_share.ROOM, orient="row")
    gone = wan_share.leaving(wan_share.first_rows(queue, policy.quantum), room, policy)
    _open_carriages(connection, gone, policy, now)
    booked = {row["region"]: row for row in gone.group_by("region").agg(pl.max("turn"), pl.sum("cost")).to_dicts()}
    for one in networks:
        _book(connection, one, booked.get(one.region, {"turn": one.turn, "cost": 0}), policy, now)
    return gone["delivery"]


def _networks(connection: Connection, policy: WanPolicy, now: Instant) -> list[_Network]:
    """Give the networks that somebody waits for."""
    w = tables.wan_region
    rows = connection.execute(
        select(w).where(_any_in(t.is_queued)).order_by(w.c.region).with_for_update(skip_locked=True)
    ).all()
    limited = [row.region for row in rows if row.region in policy.homes_at_once]
    under_way = _under_way(connection, limited, policy, now) if limited else {}
    found = []
    for row in rows:
        rate, homes_max = policy.octets_per_s.get(row.region), policy.homes_at_once.get(row.region)
        homes, since = under_way.get(row.region, (0, now))
        found.append(
            _Network(
                region=row.region,
                turn=row.turn,
                booked_until=Instant(row.booked_until),
                open_at=Instant(row.open_at),
                rate=rate,
                octets=None if rate is None else wan_share.octets_free(row.booked_until, rate, policy, now),
                homes=None if homes_max is None else max(homes_max - homes, 0),
                broadcasts=row.region in policy.broadcast,
                again_at=Instant(since + policy.home_held_ms),
            )
        )
    return found


def _under_way(
    connection: Connection, regions: list[str], policy: WanPolicy, now: Instant
) -> dict[str, tuple[int, Instant]]:
    """Count the homes that fetch an image for themselves, with the instant since when the first of them does."""
    d = t.delivery.c
    query = (
        select(d.region, d.request, func.count().label("homes"), func.min(d.since).label("since"))
        .where(d.state == State.ON_WAN.value, d.region.in_(regions), d.since > now - policy.home_held_ms)
        .group_by(d.region, d.request)
    )
    homes = _with_images(connection, read_frame(connection, query), now).filter(~pl.col("carried"))
    counted = homes.group_by("region").agg(pl.sum("homes"), pl.min("since"))
    return {region: (count, Instant(since)) for region, count, since in counted.rows()}


def _with_images(connection: Connection, rows: pl.DataFrame, now: Instant) -> pl.DataFrame:
    """Give rows of regions and requests with image, octets, and `carried`: a broadcast of it goes on there to join."""
    c = tables.wan_carriage.c
    images = images_of(connection, rows["request"].unique())
    going = read_frame(connection, select(c.region, c.image).where(c.until > now).distinct())
    return (
        rows.join(images, on="request", how="inner", maintain_order="left")
        .join(going.with_columns(carried=True), on=["region", "image"], how="left", maintain_order="left")
        .with_columns(pl.col("carried").fill_null(value=False))
    )


def _any_in(rows: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a row of `wan_region` has such deliveries."""
    d = t.delivery.c
    return select(d.id).where(rows, d.region == tables.wan_region.c.region).limit(1).exists()


def _queue(connection: Connection, networks: Iterable[_Network], now: Instant) -> pl.DataFrame:
    """Give the first of each queue, as many as there may be room for."""
    open_ones = {one.region: one.look_max for one in networks if one.look_max}
    share = {region: min(most, BATCH_MAX // len(open_ones)) for region, most in open_ones.items()}
    return _with_images(connection, _heads(connection, t.is_queued, share), now)


def _heads(connection: Connection, rows: ColumnElement[bool], most: Mapping[str, int]) -> pl.DataFrame:
    """Give so many deliveries of each region, the first in turn: delivery, region, turn, request, party."""
    d, r = t.delivery, t.request
    said = select(t.report.c.id).where(t.report.c.delivery == d.c.id, ~t.report.c.taken).exists()
    firsts = [
        select(
            select(d.c.id)
            .where(rows, d.c.region == region, ~said)  # what was said counts before time does
            .order_by(d.c.turn, d.c.id)
            .limit(limit)
            .subquery()
            .c.id
        )
        for region, limit in most.items()
    ]
    heads = (union_all(*firsts) if firsts else select(d.c.id).where(d.c.id.is_(None))).subquery()
    query = (
        select(d.c.id.label("delivery"), d.c.region, d.c.turn, d.c.request, r.c.originator.label("party"))
        .join(heads, heads.c.id == d.c.id)
        .join(r, r.c.id == d.c.request)
        .order_by(d.c.region, d.c.turn, d.c.id)
    )
    return read_frame(connection, query)


def _open_carriages(connection: Connection, gone: pl.DataFrame, policy: WanPolicy, now: Instant) -> None:
    octets = pl.col("octets") * policy.broadcast_repeats
    opened = gone.filter("opens").select("region", "image", octets=octets)
    insert_frame(connection, tables.wan_carriage, opened, since=now, until=now + policy.broadcast_ms)


def _book(connection: Connection, one: _Network, gone: dict[str, Any], policy: WanPolicy, now: Instant) -> None:
    """Write where a region's network stands; whoever still waits is looked at when it may take more."""
    until, again = one.booked_until, now
    if one.rate is not None and gone["cost"]:
        until = wan_share.booked(one.booked_until, gone["cost"], one.rate, now)
    if one.rate is not None:
        again = max(again, wan_share.opens_at(until, policy))
    if one.homes == 0:
        again = max(again, one.again_at)
    w = tables.wan_region
    values = {"turn": max(one.turn, gone["turn"]), "booked_until": until, "open_at": again}
    if values == {"turn": one.turn, "booked_until": one.booked_until, "open_at": one.open_at}:
        return
    connection.execute(update(w).where(w.c.region == one.region).values(values))


def queue_opens() -> Select[Any]:
    """When a network that somebody waits for may take more; null where nobody waits."""
    return select(func.min(tables.wan_region.c.open_at)).where(_any_in(t.is_queued))
