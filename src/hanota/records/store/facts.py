"""The facts of claimed deliveries that stages decide on: a few queries for a whole batch, joined as columns."""

from functools import lru_cache
from typing import Any, Final

import polars as pl
from sqlalchemy import BigInteger, Connection, Select, Table, and_, bindparam, case, func, select

from hanota.base.instant import Instant
from hanota.model.alerts import AlertKind
from hanota.records.store import schema as t
from hanota.records.store.frames import read_frame
from hanota.records.store.requests import request_facts

_COLUMNS: Final = (
    *("delivery", "epoch", "state", "since", "deadline", "due", "tries", "device", "hub", "device_type"),
    *("version_smi", "version_target", "eligible", "eligible_until", "newcomer", "supplier_from"),
    *("transferred_at", "segments_missing", "claimed"),
)


def delivery_facts(connection: Connection, named: Table, now: Instant) -> pl.DataFrame:
    """Give one row of facts a delivery of a table of their numbers (`id`), in order, in _COLUMNS.

    `eligible` and `eligible_until`: its sender's responsibility now; `newcomer`: somebody else is responsible and has
    not been told that its update was asked for; `supplier_from`: when somebody next becomes responsible;
    `transferred_at`: when, by its own word or its hub's, the device held the image; `claimed`: it is its device's work.
    """
    rows = read_frame(connection, _deliveries(named))
    suppliers = _suppliers(connection, named, now)
    requests = request_facts(connection, rows["request"].unique())
    return (
        rows.join(requests, on="request", how="inner", maintain_order="left")
        .join(suppliers, on="delivery", how="left", maintain_order="left")
        .with_columns(
            pl.col("eligible_until").is_not_null().alias("eligible"), pl.col("newcomer").fill_null(value=False)
        )
        .sort("delivery")
        .select(_COLUMNS)
    )


@lru_cache
def _deliveries(named: Table) -> Select[Any]:
    d, v, w, r = t.delivery, t.device, t.work, t.report.c
    transferred = select(func.max(r.at)).where(r.delivery == d.c.id, r.event == "transferred", r.taken)
    missed = select(r.id).where(r.delivery == d.c.id, r.event == "image_missing", ~r.taken).exists()
    return (
        select(
            d.c.id.label("delivery"),
            d.c.epoch,
            d.c.state,
            d.c.since,
            d.c.deadline,
            d.c.due,
            d.c.tries,
            d.c.device,
            d.c.hub,
            d.c.request,
            v.c.device_type,
            v.c.version.label("version_smi"),
            case((missed, transferred.scalar_subquery())).label("transferred_at"),
            w.c.device.is_not(None).label("claimed"),
        )
        .select_from(named.join(d, d.c.id == named.c.id))
        .join(v, v.c.eui == d.c.device)
        .outerjoin(w, and_(w.c.device == d.c.device, w.c.delivery == d.c.id))
    )


def _suppliers(connection: Connection, named: Table, now: Instant) -> pl.DataFrame:
    """What the Responsible Suppliers of each delivery's device, now and to come, mean to it."""
    return (
        read_frame(connection, _responsible(named), now=now)
        .group_by("delivery")
        .agg(
            pl.col("own_until").max().alias("eligible_until"),
            pl.col("untold").any().alias("newcomer"),
            pl.col("since").filter(pl.col("since") > now).min().alias("supplier_from"),
        )
    )


@lru_cache
def _responsible(named: Table) -> Select[Any]:
    now = bindparam("now", type_=BigInteger)
    d, r, e, m = t.delivery, t.request, t.eligibility, t.message
    own, present = e.c.party == r.c.originator, e.c.since <= now
    told = select(m.c.id).where(
        m.c.delivery == d.c.id, m.c.party == e.c.party, m.c.kind == AlertKind.UPGRADE_REQUESTED.value
    )
    return (
        select(
            d.c.id.label("delivery"),
            e.c.since,
            case((and_(own, present), e.c.until)).label("own_until"),
            case((and_(~own, present), ~told.exists()), else_=False).label("untold"),
        )
        .select_from(named.join(d, d.c.id == named.c.id))
        .join(r, r.c.id == d.c.request)
        .join(e, e.c.device == d.c.device)
        .where(e.c.until > now)
    )
