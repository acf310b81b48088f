"""A durable decision becomes rows: deliveries with their places in the queues of the networks, claims, first events."""

from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, Table, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.policies import Policies
from hanota.records.ledger import append, batch_event
from hanota.records.store import schema as t
from hanota.records.store.acceptance import read_decision
from hanota.records.store.bulk import insert_frame
from hanota.records.store.directed import from_staged, is_there
from hanota.records.store.displacement import displace, of_meter
from hanota.records.store.frames import name_set, read_frame
from hanota.records.store.turns import reserve, serialise
from hanota.records.store.wan import backlog_of, join_queues

_POLICIES: Final = Policies()


def materialise(
    connection: Connection, lane: str, now: Instant, deadline: Instant, *, policies: Policies = _POLICIES
) -> int:
    """Make the delivery rows, open-work claims and first events of a decision that waits for it.

    It is the oldest of the Supplier of whom least waits for the wide-area networks.

    A device with an open delivery was accepted for a segment: that delivery goes on with it; or, if it is a meter, to
    displace that delivery: the claim passes, unless it went on too far meanwhile. Then the new one has no claim.
    Returns: how many devices it was accepted for; 0 when no decision waits.
    """
    if _next_waiting(connection) is None:
        return 0
    serialise(connection, "acceptance")
    row = _next_waiting(connection)  # somebody else may have made it while we waited for our turn
    if row is None:
        return 0
    accepted = read_decision(row.decision).filter(pl.col("reason").is_null())
    sender = Eui64.from_signed(row.originator)
    named = name_set(connection, accepted["device"])
    standing = _standing(connection, named)
    if standing["stays"].any():
        meters = standing.filter("stays")["device"]
        displace(connection, lane, meters, sender=sender, now=now, alert=policies.alert)
        named = name_set(connection, accepted["device"])
        standing = _standing(connection, named)
    joined = standing.filter(~pl.col("stays"))
    new = accepted.join(joined, on="device", how="anti", maintain_order="left")
    rows = _rows_of(connection, named, new, row.id)
    if rows.height:
        places = join_queues(connection, rows["region"], party=sender, request=row.id, policy=policies.wan)
        rows = rows.with_columns(places)
    fixed = {"since": now, "deadline": deadline, "due": now, "tries": 0}
    counts = {"offset": 0, "blocks": 0, "repeats": 0}
    insert_frame(connection, t.delivery, rows, state="REQUESTED", **fixed, **counts)
    claims = rows.join(standing, on="device", how="anti", maintain_order="left")
    insert_frame(connection, t.work, claims.select("device", delivery="id"))
    connection.execute(update(t.request).where(t.request.c.id == row.id).values(materialised=True))
    events = []
    if rows.height:
        columns = rows.select("device", delivery="id")
        facts = {"to": "REQUESTED"}
        events.append(batch_event("requested", now, columns, request=row.id, facts=facts, euis=["device"]))
    if joined.height:
        columns = joined.select("delivery", "device")
        events.append(batch_event("segment_joined", now, columns, request=row.id, euis=["device"]))
    append(connection, lane, events)
    return accepted.height


def _standing(connection: Connection, named: Table) -> pl.DataFrame:
    """The open deliveries of devices; `stays`: it is not a new segment's to join, but in a new image's way."""
    w, d = t.work.c, t.device
    working = from_staged(named, t.work, w.device == named.c.id).outerjoin(d, d.c.eui == w.device)
    query = select(w.device, w.delivery, of_meter().label("stays")).select_from(working)
    return read_frame(connection, query.where(is_there(w.device)))


def _rows_of(connection: Connection, named: Table, accepted: pl.DataFrame, request: int) -> pl.DataFrame:
    """The rows of new deliveries with numbers of their own, hubs and regions, of devices among those `named`."""
    hubs = read_frame(
        connection,
        select(t.device.c.eui.label("device"), t.device.c.hub, t.premises.c.region)
        .join(named, named.c.id == t.device.c.eui)
        .outerjoin(t.premises, t.premises.c.id == t.device.c.premises),
    )
    return (
        accepted.join(hubs, on="device", how="left", maintain_order="left")
        .with_row_index("id", offset=reserve(connection, t.delivery, accepted.height))
        .select(
            pl.col("id").cast(pl.Int64),
            "device",
            pl.col("hub").fill_null(0),  # left its hub since the decision: the schedule stage ends it
            "version_before",
            pl.lit(request, pl.Int64).alias("request"),
            "region",
        )
    )


def _next_waiting(connection: Connection) -> Any:
    """The request whose decision becomes delivery rows next: of the Supplier of whom least waits, the oldest."""
    r = t.request.c
    waiting = select(r.id, r.originator, r.decision).where(~r.materialised)
    query = waiting.order_by(backlog_of(r.originator), r.id).limit(1)
    return connection.execute(query).first()
