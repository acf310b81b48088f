"""The facts of claimed deliveries that stages decide on: a few queries for a whole batch, joined as columns."""

from functools import lru_cache
from typing import Any, Final

import polars as pl
from sqlalchemy import BigInteger, Column, Connection, Select, Table, and_, bindparam, case, func, or_, select

from hanota.base.instant import FOREVER, Instant
from hanota.model.alerts import AlertKind
from hanota.records.store import schema as t
from hanota.records.store.beside import read_in_parts
from hanota.records.store.frames import distinct, name_set, read_columns, read_frame
from hanota.records.store.requests import request_facts

_COLUMNS: Final = (
    *("delivery", "request", "originator", "device", "hub", "device_type"),
    *("state", "since", "decided_at", "deadline", "due", "tries"),
    *(
        "version_smi",
        "version_at",
        "version_origin",
        "version_target",
        "eligible",
        "eligible_until",
        "newcomer",
        "supplier_from",
    ),
    *("segments_missing", "claimed"),
)


def standing(connection: Connection, key: Column[int], numbers: pl.Series) -> pl.DataFrame:
    """Give deliveries with such numbers, or of such devices (`key`), as they and their devices stand: a row each.

    Columns: delivery, its own, and device_type, device_hub, version_smi, version_at, version_origin of its device, null
    where that is not registered any more; `served`: its hub has given the device some of the image; `claimed`, while it
    is REQUESTED: it is its device's work. To be called before this transaction has written anything.
    """
    return read_in_parts(connection, distinct(numbers), lambda on, part: _read(on, key, part))


def _read(connection: Connection, key: Column[int], numbers: pl.Series) -> pl.DataFrame:
    return read_columns(connection, _standing(name_set(connection, numbers), key))


def delivery_facts(
    connection: Connection, named: Table, now: Instant, rows: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Give one row of facts a delivery of a table of their numbers (`id`), in order, in _COLUMNS.

    `rows` are those that `standing` would give of them, where somebody has read them already.

    `eligible` and `eligible_until`: its sender's responsibility now; `newcomer`: somebody else is responsible and has
    not been told that its update was asked for; `supplier_from`: when somebody next becomes responsible; `claimed`,
    while it is REQUESTED: it is its device's work.
    """
    if rows is None:
        rows = read_columns(connection, _standing(named, t.delivery.c.id))
    rows = rows.filter(pl.col("device_type").is_not_null())
    suppliers = _suppliers(connection, named, now)
    requests = request_facts(connection, rows["request"].unique())
    for_good = pl.col("for_good").fill_null(value=True)
    return (
        rows.join(requests, on="request", how="inner", maintain_order="left")
        .join(suppliers, on="delivery", how="left", maintain_order="left")
        .with_columns(
            eligible_until=pl.when(for_good).then(pl.lit(int(FOREVER))).otherwise("own_until"),
            newcomer=pl.col("newcomer").fill_null(value=False),
        )
        .with_columns(eligible=pl.col("eligible_until").is_not_null())
        .sort("delivery")
        .select(_COLUMNS)
    )


@lru_cache
def _standing(named: Table, key: Column[int]) -> Select[Any]:
    d, v, w = t.delivery, t.device, t.work.c
    its_work = select(w.device).where(w.device == d.c.device, w.delivery == d.c.id).exists()
    return (
        select(
            d.c.id.label("delivery"),
            d.c.state,
            d.c.since,
            d.c.decided_at,
            d.c.deadline,
            d.c.due,
            d.c.tries,
            d.c.device,
            d.c.hub,
            d.c.request,
            (d.c.offset > 0).label("served"),
            case((t.is_requested, its_work)).label("claimed"),
            v.c.device_type,
            v.c.hub.label("device_hub"),
            v.c.version.label("version_smi"),
            v.c.version_at,
            v.c.version_origin,
        )
        .select_from(named.join(d, key == named.c.id))
        .outerjoin(v, v.c.eui == d.c.device)
    )


def _suppliers(connection: Connection, named: Table, now: Instant) -> pl.DataFrame:
    """What the Responsible Suppliers of each delivery's device, now and to come, mean to it.

    Deliveries are left out for whose device their sender is responsible for good, and nobody else.
    """
    return (
        read_frame(connection, _responsible(named), now=now)
        .group_by("delivery")
        .agg(
            pl.col("for_good").any(),
            pl.col("own_until").max(),
            pl.col("untold").any().alias("newcomer"),
            pl.col("since").filter(pl.col("since") > now).min().alias("supplier_from"),
        )
    )


@lru_cache
def _responsible(named: Table) -> Select[Any]:
    now = bindparam("now", type_=BigInteger)
    d, r, m = t.delivery, t.request, t.message
    e, o = t.eligibility, t.eligibility.alias()
    own, present = e.c.party == r.c.originator, e.c.since <= now
    told = select(m.c.id).where(
        m.c.delivery == d.c.id, m.c.party == e.c.party, m.c.kind == AlertKind.UPGRADE_REQUESTED.value
    )
    for_good = select(o.c.device).where(
        o.c.device == d.c.device, o.c.party == r.c.originator, o.c.since <= now, o.c.until == int(FOREVER)
    )
    return (
        select(
            d.c.id.label("delivery"),
            e.c.since,
            for_good.exists().label("for_good"),
            case((and_(own, present), e.c.until)).label("own_until"),
            case((and_(~own, present), ~told.exists()), else_=False).label("untold"),
        )
        .select_from(named.join(d, d.c.id == named.c.id))
        .join(r, r.c.id == d.c.request)
        .outerjoin(e, and_(e.c.device == d.c.device, e.c.until > now))
        .where(or_(e.c.device.is_(None), ~and_(own, present, e.c.until == int(FOREVER))))
    )


def transferred_at(connection: Connection, deliveries: pl.Series) -> pl.DataFrame:
    """Give when, by its own word or its hub's, the device of each delivery came to hold its image.

    Columns: delivery, transferred_at.
    """
    named, r = name_set(connection, deliveries), t.report.c
    query = select(r.delivery, func.max(r.at).label("transferred_at")).join(named, named.c.id == r.delivery)
    return read_frame(connection, query.where(r.event == "transferred", r.taken).group_by(r.delivery))
