"""What the wide-area networks have carried, and how each of them stands: figures for operators, no evidence.

What goes to and from hubs is counted as it is handed over. Image octets that a hub takes from a broadcast that goes on
in its region are counted as `joined`: by the model, the network carried them once, as `broadcast`.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl
from sqlalchemy import Connection, case, func, select

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CspRegion
from hanota.model.delivery import State
from hanota.records.store import schema as t
from hanota.records.store import schema_wan as tables
from hanota.records.store.bulk import insert_or, staged
from hanota.records.store.frames import read_columns, read_frame

IMAGE: Final = "image"
JOINED: Final = "joined"
BROADCAST: Final = "broadcast"

Kind = tuple[str, str, bytes | None]
"""Of what was handed over: its direction, its kind and, of octets of an image, the image."""


class Handed:
    """What was handed over of one kind: of each frame its hub, as columns have it, and how many octets count."""

    __slots__ = ("hubs", "octets")

    def __init__(self) -> None:
        self.hubs = array("q")
        self.octets = array("q")

    def add(self, hub: Eui64, octets: int) -> None:
        """Count a frame."""
        self.hubs.append(hub.signed)
        self.octets.append(octets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a region's network has carried in one direction, of one kind; `joined` octets it did not carry again."""

    region: str
    direction: str
    kind: str
    frames: int
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a region's network stands: who waits for it, by state who is under way, until when it is booked."""

    region: str
    queued: int
    on_wan: int
    booked_until: Instant
    carriages: int


def add_use(connection: Connection, handed: Mapping[Kind, Handed], now: Instant) -> None:
    """Add what was handed over, by the regions of the hubs."""
    if not handed:
        return
    counted = pl.concat(_counted(kind, each) for kind, each in handed.items())
    hubs, p = staged(connection, "wan_use_hubs", counted.select("hub").unique()), t.premises.c
    query = select(hubs.c.hub, p.region).select_from(hubs.join(t.premises, p.hub == hubs.c.hub))
    homes = read_columns(connection, query)
    c = tables.wan_carriage.c
    going = read_frame(connection, select(c.region, c.image).where(c.until > now).distinct())
    added = (
        counted.join(homes, on="hub", how="left", maintain_order="left")
        .with_columns(pl.col("region").fill_null(CspRegion.UNKNOWN.value))
        .join(going.with_columns(joined=True), on=["region", "image"], how="left", maintain_order="left")
        .with_columns(kind=pl.when("joined").then(pl.lit(JOINED)).otherwise("kind"))
        .group_by("region", "direction", "kind", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("frames"), pl.sum("octets"))
    )
    _add(connection, added)


def _counted(kind: Kind, handed: Handed) -> pl.DataFrame:
    columns = {"hub": pl.Series(handed.hubs, dtype=pl.Int64), "octets": pl.Series(handed.octets, dtype=pl.Int64)}
    direction, name, image = kind
    what = {"direction": pl.lit(direction), "kind": pl.lit(name), "image": pl.lit(image, pl.Binary)}
    return pl.DataFrame(columns).with_columns(**what)


def _add(connection: Connection, added: pl.DataFrame) -> None:
    adding = insert_or(connection, tables.wan_use)
    more = {name: tables.wan_use.c[name] + adding.excluded[name] for name in ("frames", "octets")}
    key = ["region", "direction", "kind"]  # in order, so that two workers never wait for each other
    connection.execute(adding.on_conflict_do_update(index_elements=key, set_=more), added.sort(key).to_dicts())


def wan_use(connection: Connection) -> list[Use]:
    """Give what each region's network has carried, by direction and kind; a broadcast counts when it is let go."""
    u, c = tables.wan_use.c, tables.wan_carriage.c
    rows = connection.execute(select(u.region, u.direction, u.kind, u.frames, u.octets)).all()
    sent = connection.execute(select(c.region, func.count(), func.sum(c.octets)).group_by(c.region)).all()
    carried = [(region, "down", BROADCAST, number, octets) for region, number, octets in sent]
    return [
        Use(region=region, direction=direction, kind=kind, frames=int(frames), octets=int(octets))
        for region, direction, kind, frames, octets in sorted([*map(tuple, rows), *carried])
    ]


def wan_standing(connection: Connection, now: Instant) -> list[Standing]:
    """Give how each region's network stands that anything waits for or is under way on."""
    d, w, c = t.delivery.c, tables.wan_region.c, tables.wan_carriage.c
    under_way = d.state.in_([State.QUEUED.value, State.ON_WAN.value])
    queued = func.sum(case((d.state == State.QUEUED.value, 1), else_=0))
    counts = connection.execute(select(d.region, queued, func.count()).where(under_way).group_by(d.region)).all()
    booked = {row.region: row.booked_until for row in connection.execute(select(w.region, w.booked_until))}
    live = select(c.region, func.count().label("carriages")).where(c.until > now).group_by(c.region)
    going = {row.region: row.carriages for row in connection.execute(live)}
    return [
        Standing(
            region=region,
            queued=int(waiting),
            on_wan=int(both - waiting),
            booked_until=Instant(booked.get(region, 0)),
            carriages=going.get(region, 0),
        )
        for region, waiting, both in sorted(map(tuple, counts))
    ]


def queue_place(connection: Connection, delivery: int) -> int | None:
    """Say at which place of its region's queue a delivery waits, from 1; None: it waits in none."""
    d, before = t.delivery.c, t.delivery.alias("before").c
    row = connection.execute(select(d.region, d.turn, d.state).where(d.id == delivery)).first()
    if row is None or row.state != State.QUEUED:
        return None
    ahead = (before.turn < row.turn) | ((before.turn == row.turn) & (before.id < delivery))
    query = select(func.count()).where(before.state == State.QUEUED.value, before.region == row.region, ahead)
    return int(connection.execute(query).scalar_one()) + 1
