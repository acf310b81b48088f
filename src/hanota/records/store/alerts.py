"""Alerts of deliveries as messages: made once for each party concerned, one a device or one with a list of devices."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import polars as pl
from sqlalchemy import Connection, Table, insert, select

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.limits import LISTED_DEVICES_MAX
from hanota.model.alerts import ALERTS, AlertKind, Audience
from hanota.records.ledger import Event, append, batch_event
from hanota.records.store import schema as t
from hanota.records.store.bulk import insert_frame
from hanota.records.store.directed import from_staged, is_there
from hanota.records.store.frames import read_frame
from hanota.records.store.turns import reserve

Grouping = Literal["device", "request"]

_LISTED: Final = sorted(kind.value for kind, row in ALERTS.items() if row.listed)
_SAME: Final = ("kind", "request", "party", "device_type")  # what all devices of one message have in common


def write_alerts(
    connection: Connection,
    alerts: pl.DataFrame,
    moved: Table,
    *,
    now: Instant,
    service_level_ms: int,
    grouping: Grouping = "device",
) -> pl.DataFrame:
    """Make one alert for each party of each alert's audience; an alert that stands already is not made again.

    `moved` is a staged table with the numbers of all their deliveries in its column `delivery`.

    With `grouping` "request", alerts of a kind that can list devices share one message, of at most LISTED_DEVICES_MAX
    devices: its row carries it, the others name that row as `lead` and are never due themselves.

    Returns: a row for every alert made; `lead` is null where an alert has a message of its own.
    """
    if alerts.is_empty():
        return alerts
    audience = {kind.value: row.audience.value for kind, row in ALERTS.items()}
    once = alerts.unique(["delivery", "kind"], keep="first", maintain_order=True)  # of what was said twice at one time
    due = once.with_columns(pl.col("kind").replace_strict(audience).alias("audience"))
    to_sender = due.filter(pl.col("audience") != Audience.OTHERS.value).with_columns(party="originator")
    to_others = due.filter(pl.col("audience") != Audience.SENDER.value)
    if to_others.height:
        others = _others(connection, moved, now)
        to_others = to_others.join(others, on="delivery", how="inner", maintain_order="left")
    else:
        to_others = to_sender.clear()
    rows = pl.concat([to_sender, to_others]).sort("delivery", maintain_order=True)
    m = t.message
    told = _standing(connection, moved, due["kind"].unique().sort().to_list())
    rows = rows.join(told, on=["delivery", "party", "kind"], how="anti", maintain_order="left")
    rows = rows.with_row_index("id", offset=next_number(connection, rows.height)).cast({"id": pl.Int64})
    rows = rows.with_columns(lead=pl.lit(None, pl.Int64)) if grouping == "device" else _led(rows)
    rows = rows.with_columns(due=pl.when(pl.col("lead").is_null() | (pl.col("lead") == pl.col("id"))).then(now))
    rows = rows.drop("audience", "originator", "device_type")
    insert_frame(connection, m, rows, created_at=now, deadline=now + service_level_ms, tries=0)
    return rows


def write_mismatch(
    connection: Connection, lane: str, report: Mapping[str, Any], *, now: Instant, service_level_ms: int
) -> None:
    """Tell each Responsible Supplier of a device that it runs a version that nothing explains (R25).

    `report` has `device`, `version`, `at` and the version known `before`. Such an alert belongs to no delivery. Whoever
    calls makes it once for each change.
    """
    e = t.eligibility.c
    concerned = select(e.party).where(e.device == report["device"], e.since <= now, e.until > now).distinct()
    parties = list(connection.execute(concerned.order_by(e.party)).scalars())
    if not parties:
        return
    first = next_number(connection, len(parties))
    same = {
        "device": report["device"],
        "kind": AlertKind.MISMATCH.value,
        "at": report["at"],
        "version": report["version"],
        "version_smi": report["before"],
        "created_at": now,
        "deadline": now + service_level_ms,
        "due": now,
        "tries": 0,
    }
    rows = [{"id": number, "party": party} for number, party in enumerate(parties, first)]
    connection.execute(insert(t.message).values(same), rows)
    columns: dict[str, list[int | str | None]] = {
        "alert": [row["id"] for row in rows],
        "party": [str(Eui64.from_signed(party)) for party in parties],
    }
    facts = {"alert_kind": AlertKind.MISMATCH.value, "code": ALERTS[AlertKind.MISMATCH].code.value}
    device = {"device": str(Eui64.from_signed(report["device"]))}
    append(connection, lane, [Event(kind="alert_due", at=now, facts=facts | device, columns=columns)])


def next_number(connection: Connection, count: int) -> int:
    """Give the first of the numbers of the next `count` messages, which nobody else gives."""
    return reserve(connection, t.message, count)


def _led(rows: pl.DataFrame) -> pl.DataFrame:
    """Put the number of the first alert of each list beside its alerts; null where a list would have one device."""
    part = pl.int_range(pl.len()).over(_SAME) // LISTED_DEVICES_MAX
    rows = rows.with_columns(part=part)
    first, count = (figure.over(*_SAME, "part") for figure in (pl.col("id").min(), pl.len()))
    listed = pl.col("kind").is_in(_LISTED) & (count > 1)
    return rows.with_columns(lead=pl.when(listed).then(first)).drop("part")


def _standing(connection: Connection, moved: Table, kinds: list[str]) -> pl.DataFrame:
    """Give the alerts of these kinds that deliveries have already: delivery, party, kind."""
    m = t.message.c
    alerts = from_staged(moved, t.message, m.delivery == moved.c.delivery, m.kind.in_(kinds))
    return read_frame(connection, select(m.delivery, m.party, m.kind).select_from(alerts).where(is_there(m.id)))


def _others(connection: Connection, moved: Table, now: Instant) -> pl.DataFrame:
    """Give the Responsible Suppliers of each delivery's device now, but for its sender (R16, R18): delivery, party."""
    d, r, e = t.delivery, t.request, t.eligibility
    query = (
        select(d.c.id.label("delivery"), e.c.party)
        .select_from(moved.join(d, d.c.id == moved.c.delivery))
        .join(r, r.c.id == d.c.request)
        .join(e, e.c.device == d.c.device)
        .where(e.c.since <= now, e.c.until > now, e.c.party != r.c.originator)
    )
    return read_frame(connection, query).unique(maintain_order=True)


def alert_events(alerts: pl.DataFrame, now: Instant) -> list[Event]:
    """Give the events that record alerts: one a kind, a row an alert."""
    events = []
    for (kind,), rows in alerts.group_by(["kind"], maintain_order=True):
        led = ["lead"] if rows["lead"].null_count() < rows.height else []
        columns = rows.select("delivery", "party", *led, alert="id")
        facts = {"alert_kind": str(kind), "code": ALERTS[AlertKind(str(kind))].code.value}
        events.append(batch_event("alert_due", now, columns, facts=facts, euis=["party"]))
    return events
