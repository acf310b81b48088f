"""Displacement: a Supplier's later image takes the place of its own earlier one for the same meter (R12).

Only under policy `hub.force_replace: own`, and only while the hub, and not yet the meter, has the earlier image. The
claim on the meter passes in the transaction that makes the new delivery. If the earlier one went on too far between
acceptance and that, it stays: then the new one has no claim, and the schedule stage rejects it.
"""

from collections.abc import Iterable
from typing import Final

import polars as pl
from sqlalchemy import ColumnElement, Connection, Table, and_, select

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.alerts import AlertKind
from hanota.model.delivery import DELIVERY, State
from hanota.model.inventory import METERS
from hanota.model.policies import AlertPolicy
from hanota.model.step import ALERTS, MOVES, SENDS, Step
from hanota.records.store import schema as t
from hanota.records.store.applying import apply
from hanota.records.store.frames import name_set, read_frame
from hanota.records.store.turns import hold_open

_EVENT: Final = "displaced"
_TAKING: Final = sorted(state for state, event in DELIVERY.moves if event == _EVENT)
_ORDERED: Final = [State.ON_WAN.value, State.HELD.value, State.TRANSFERRING.value]
"""States in which the hub may have the order, or yet get it: it has to hear of a Cancel."""


def of_meter(device: Table = t.device) -> ColumnElement[bool]:
    """Whether a device is a meter, in SQL."""
    return device.c.device_type.in_(sorted(kind.value for kind in METERS))


def displaceable(sender: Eui64) -> ColumnElement[bool]:
    """Whether a meter's open work is a delivery of `sender` that may be displaced; in SQL over `work` and `device`."""
    d, r = t.delivery, t.request
    own = (
        select(d.c.id)
        .join(r, r.c.id == d.c.request)
        .where(d.c.id == t.work.c.delivery, d.c.state.in_(_TAKING), r.c.originator == sender.signed)
    )
    return and_(of_meter(), own.correlate(t.work).exists())


def displace(
    connection: Connection, lane: str, devices: Iterable[int], *, sender: Eui64, now: Instant, alert: AlertPolicy
) -> None:
    """End the open deliveries of meters that a later request of the same sender displaces, and tell hub and sender."""
    leaving = _leaving(connection, devices, sender)
    if leaving.is_empty():
        return
    concerned = name_set(connection, leaving["delivery"])
    hold_open(connection, t.delivery.c.id.in_(select(concerned.c.id)))
    leaving = _leaving(connection, leaving["device"], sender)  # a step may have brought one too far until now
    level, grouping = alert.service_level_ms, alert.grouping
    apply(connection, lane, _step(leaving, now), now=now, service_level_ms=level, grouping=grouping)


def _leaving(connection: Connection, devices: Iterable[int], sender: Eui64) -> pl.DataFrame:
    """The open deliveries of meters among `devices` that may be displaced, as moves without event."""
    named = name_set(connection, devices)
    d, r, v, w, i = t.delivery, t.request, t.device, t.work, t.image
    query = (
        select(
            d.c.id.label("delivery"),
            d.c.request,
            r.c.originator,
            d.c.device,
            v.c.device_type,
            d.c.state.label("from"),
            i.c.version,
            v.c.version.label("version_smi"),
        )
        .join(w, w.c.delivery == d.c.id)
        .join(named, named.c.id == w.c.device)
        .join(v, v.c.eui == w.c.device)
        .join(r, r.c.id == d.c.request)
        .join(i, i.c.hash == r.c.image)
        .where(displaceable(sender))
        .order_by(d.c.id)
    )
    return read_frame(connection, query)


def _step(leaving: pl.DataFrame, now: Instant) -> Step:
    ends = {
        "event": pl.lit(_EVENT),
        "to": pl.lit(State.DISCARDED.value),
        "late": pl.lit(value=False),
        "tries": pl.lit(0),
    }
    tells = {"kind": pl.lit(AlertKind.GIVEN_UP.value), "at": pl.lit(now)}
    ordered = leaving.filter(pl.col("from").is_in(_ORDERED))
    return Step(
        moves=_shaped(leaving.drop("version").with_columns(**ends), MOVES),
        sends=_shaped(ordered.with_columns(kind=pl.lit("cancel"), party="originator"), SENDS),
        alerts=_shaped(leaving.with_columns(**tells), ALERTS),
    )


def _shaped(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Give the columns of a schema; null where the frame has none."""
    lacking = {name: pl.lit(None, kind) for name, kind in schema.items() if name not in frame.columns}
    return frame.with_columns(**lacking).select(pl.col(name).cast(kind) for name, kind in schema.items())
