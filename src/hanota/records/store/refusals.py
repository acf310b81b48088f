"""Consumers' refusals (R27): kept in the transaction that keeps the hub's report, and counted until they end.

A refusal is the device's, not the Supplier's: a change of Supplier does not end it. New occupiers do.
"""

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection, LargeBinary, Select, Table, bindparam, delete, func, insert, select, tuple_

from hanota.base.instant import Instant
from hanota.records.store import schema as t
from hanota.records.store.schema_types import INSTANT


def keep_refusals(connection: Connection, refusals: Iterable[tuple[int, Instant, Instant]]) -> None:
    """Keep refusals: number of the delivery, when it was said, until when it stands. The latest one counts."""
    d, r, i, f = t.delivery, t.request, t.image, t.refusal
    said = {number: (at, until) for number, at, until in refusals}
    if not said:
        return
    query = (
        select(d.c.id, d.c.device, i.c.manufacturer_hash)
        .join(r, r.c.id == d.c.request)
        .join(i, i.c.hash == r.c.image)
        .where(d.c.id.in_(list(said)))
        .order_by(d.c.id)
    )
    rows = {
        (row.device, row.manufacturer_hash): {
            "device": row.device,
            "manufacturer_hash": row.manufacturer_hash,
            "delivery": row.id,
            "at": said[row.id][0],
            "until": said[row.id][1],
        }
        for row in connection.execute(query)
    }
    connection.execute(delete(f).where(tuple_(f.c.device, f.c.manufacturer_hash).in_(list(rows))))
    connection.execute(insert(f), list(rows.values()))


@lru_cache(maxsize=2)
def refusing(named: Table) -> Select[tuple[int]]:
    """Give the devices of a set whose consumers stand by a no to an image; said before new occupiers came, it is void.

    To be run with `manufacturer_hash`, of the Manufacturer Image, or of the whole for one in segments, and with `now`.
    """
    f, n, v = t.refusal.c, t.tenancy.c, t.device.c
    manufacturer_hash, now = bindparam("manufacturer_hash", type_=LargeBinary), bindparam("now", type_=INSTANT)
    moved_in = (
        select(func.coalesce(func.max(n.since), 0))
        .where(n.premises == v.premises, n.since <= now)
        .correlate(t.device)
        .scalar_subquery()
    )
    return (
        select(v.eui.label("device"))
        .select_from(named.join(t.refusal, f.device == named.c.id).join(t.device, v.eui == f.device))
        .where(f.manufacturer_hash == manufacturer_hash, f.until > now, f.at >= moved_in)
    )
