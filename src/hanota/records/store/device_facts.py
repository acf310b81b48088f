"""The facts of the devices that a request names: what its rules are judged on, as columns.

What every device has is read as columns. What holds of few (open work, a consumer's no, a sender that may not act on
them) is asked for as the set of those few. Decisions that wait to become delivery rows count as open work.
"""

from functools import lru_cache
from typing import Any, Final

import polars as pl
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, func, select, true

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CspRegion
from hanota.model.delivery import State
from hanota.records.store import schema as t
from hanota.records.store.acceptance import read_decision
from hanota.records.store.alike import read_alike
from hanota.records.store.beside import read_in_parts
from hanota.records.store.directed import from_staged, is_there
from hanota.records.store.displacement import displaceable
from hanota.records.store.frames import distinct, name_set, read_columns, read_frame
from hanota.records.store.refusals import refusing
from hanota.records.store.schema_types import EUI, INSTANT
from hanota.records.store.segments import of_whole, under_way

_MODEL: Final = ("manufacturer", "image_type", "hardware")
_COLUMNS: Final = (
    *("device", "known", "device_type", "status", "smets1", "joined", *_MODEL, "gbcs_version", "capacity_octets"),
    *("version", "eligible", "open", "displaceable", "refused", "product", "predecessors", "follows"),
    "updated_ms_ago",
)


def device_facts(
    connection: Connection,
    devices: pl.Series,
    *,
    sender: Eui64,
    manufacturer_hash: bytes,
    now: Instant,
    in_segments: bool = False,
    interval_ms: int = 0,
) -> pl.DataFrame:
    """Give one row of facts for every device named, in the order named, by as many queries whatever their number.

    A segment joins the sender's open delivery of its whole: such a device does not count as `open`.

    Columns: device, known, device_type, status, smets1 (it is in such a home), joined (it has a hub), manufacturer,
    image_type, hardware, gbcs_version, capacity_octets, version, eligible, open, displaceable (what is open is the
    sender's own and may be displaced, R12), refused (the consumer's no to this image stands), product (the Active one
    of this hash for its model), predecessors (how many the list names for it), follows (the version it runs is among
    them), updated_ms_ago (since its last update was confirmed, if that was less than `interval_ms` ago).
    """
    joins = of_whole(sender, manufacturer_hash) if in_segments else None
    waiting = _among(_devices_of_waiting_decisions(connection, joins))

    def read(on: Connection, wanted: pl.Series) -> pl.DataFrame:
        named = name_set(on, wanted.sort())  # as tables are sorted: what lies together is read together
        found = read_alike(on, _registered, named, wanted)
        at_work = _working(named, sender)
        working = read_columns(on, at_work if joins is None else at_work.where(~under_way(joins)))
        others = read_columns(on, _not_responsible(named), sender=sender.signed, now=now)["device"]
        refusals = read_columns(on, refusing(named), manufacturer_hash=manufacturer_hash, now=now)["device"]
        known = pl.col("device_type").is_not_null()
        facts = found.with_columns(
            known=known,
            eligible=known & ~_among(others),
            open=_among(working["device"]) | waiting,
            displaceable=_among(working.filter("displaceable")["device"]) & ~waiting,
            refused=_among(refusals),
            updated_ms_ago=pl.lit(None, pl.Int64),
        )
        return _confirmed(on, facts, named, now, interval_ms) if interval_ms else facts

    wanted = distinct(devices).alias("device")
    # what is known of segments may have been changed by this transaction, so it is read there
    facts = read(connection, wanted) if in_segments else read_in_parts(connection, wanted, read)
    return _with_products(connection, facts, manufacturer_hash).select(_COLUMNS)


def _among(devices: pl.Series) -> pl.Expr:
    return pl.col("device").is_in(devices.implode()) if len(devices) else pl.lit(value=False)


@lru_cache(maxsize=2)
def _registered(named: Table) -> Select[Any]:
    """What the registry has of the devices of a set; nothing of those that it does not know."""
    d = t.device.c
    return select(
        named.c.id.label("device"),
        d.device_type,
        d.status,
        (t.premises.c.region == CspRegion.SMETS1.value).label("smets1"),
        d.hub.is_not(None).label("joined"),
        d.manufacturer,
        d.image_type,
        d.hardware,
        d.gbcs_version,
        d.capacity_octets,
        d.version,
    ).select_from(named.outerjoin(t.device, d.eui == named.c.id).outerjoin(t.premises, t.premises.c.id == d.premises))


@lru_cache(maxsize=2)
def _not_responsible(named: Table) -> Select[Any]:
    """The devices of a set that the `sender` may not act on `now`."""
    e = t.eligibility.c
    sender, now = bindparam("sender", type_=EUI), bindparam("now", type_=INSTANT)
    present = and_(e.device == named.c.id, e.party == sender, e.since <= now, e.until > now)
    # SQLite looks up by an outer join in two thirds of the time of NOT EXISTS
    return select(named.c.id.label("device")).outerjoin(t.eligibility, present).where(e.device.is_(None))


@lru_cache(maxsize=64)
def _working(named: Table, sender: Eui64) -> Select[Any]:
    """The devices of a set that have open work, and whether that may be displaced."""
    w, d = t.work.c, t.device.c
    working = from_staged(named, t.work, w.device == named.c.id).outerjoin(t.device, d.eui == w.device)
    query = select(w.device, displaceable(sender).label("displaceable")).select_from(working)
    return query.where(is_there(w.device))


def _confirmed(
    connection: Connection, facts: pl.DataFrame, named: Table, now: Instant, interval_ms: int
) -> pl.DataFrame:
    """Say how long ago an update of devices was confirmed, of those where it was within an interval."""
    d = t.delivery.c
    query = (
        select(d.device, (now - func.max(d.since)).label("updated_ms_ago"))
        .select_from(named.join(t.delivery, d.device == named.c.id))
        .where(d.state == State.CONFIRMED, d.since > now - interval_ms)
        .group_by(d.device)
    )
    found = read_columns(connection, query)
    return facts.drop("updated_ms_ago").join(found, on="device", how="left", maintain_order="left")


def _with_products(connection: Connection, devices: pl.DataFrame, manufacturer_hash: bytes) -> pl.DataFrame:
    """Put beside devices what the Certified Product List says of an image for their model: the list has few of it."""
    p, before = t.product.c, t.predecessor.c
    active = p.manufacturer_hash == manufacturer_hash, p.status == "Active"
    models = (p.manufacturer, p.image_type, p.hardware)
    listed = select(*models, func.max(p.id).label("product")).where(*active).group_by(*models)
    named = select(before.product, before.version).join(t.product, p.id == before.product).where(*active)
    products, versions = read_frame(connection, listed), read_frame(connection, named)
    counts = versions.group_by("product").agg(predecessors=pl.len().cast(pl.Int64))
    counted = products.join(counts, on="product", how="left")
    known = devices.join(counted, on=_MODEL, how="left", maintain_order="left")
    followed = versions.with_columns(follows=True)
    joined = known.join(followed, on=("product", "version"), how="left", maintain_order="left")
    return joined.with_columns(pl.col("predecessors").fill_null(0), pl.col("follows").fill_null(value=False))


def _devices_of_waiting_decisions(connection: Connection, joins: ColumnElement[bool] | None) -> pl.Series:
    others = true() if joins is None else ~joins
    rows = connection.execute(select(t.request.c.decision).where(~t.request.c.materialised, others))
    taken = [read_decision(row.decision).filter(pl.col("reason").is_null())["device"] for row in rows]
    return pl.concat(taken) if taken else pl.Series("device", [], pl.Int64)
