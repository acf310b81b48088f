"""What a store says, read out for those who judge the whole of it: simulations and audits.

Plain rows, nothing summed up and nothing judged; identifiers as values, oldest first.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from hanota.base.eui import Eui64
from hanota.records.store import schema as t

_STATE: Final = (t.delivery, t.device, t.work, t.message, t.command, t.refusal, t.event)
_MOVE: Final = frozenset({"from", "to"})
_PASSING: Final = frozenset({"decided_at", "due", "tries"})
"""Columns that say when something is looked at again, not what is so."""


def deliveries(connection: Connection) -> list[Any]:
    """Every delivery with its request, its sender and its image."""
    d, r, i, v = t.delivery, t.request, t.image, t.device
    query = (
        select(
            d,
            r.c.originator,
            r.c.request_id,
            r.c.received_at,
            i.c.manufacturer_hash,
            i.c.version,
            v.c.device_type,
            v.c.premises,
        )
        .join(r, r.c.id == d.c.request)
        .join(i, i.c.hash == r.c.image)
        .join(v, v.c.eui == d.c.device)
        .order_by(d.c.id)
    )
    return list(connection.execute(query))


def open_deliveries(connection: Connection, state: str) -> list[Any]:
    """The deliveries in one state, with sender and image."""
    d, r, i, v = t.delivery, t.request, t.image, t.device
    query = (
        select(d.c.id, d.c.device, d.c.since, r.c.originator, r.c.request_id, i.c.manufacturer_hash, v.c.device_type)
        .join(r, r.c.id == d.c.request)
        .join(i, i.c.hash == r.c.image)
        .join(v, v.c.eui == d.c.device)
        .where(d.c.state == state)
        .order_by(d.c.id)
    )
    return list(connection.execute(query))


def devices(connection: Connection) -> list[Any]:
    """The inventory."""
    return list(connection.execute(select(t.device).order_by(t.device.c.eui)))


def messages(connection: Connection) -> list[Any]:
    """Every message to a party."""
    return list(connection.execute(select(t.message).order_by(t.message.c.id)))


def commands(connection: Connection) -> list[Any]:
    """Every command to a device, with when its request came."""
    query = select(t.command, t.request.c.received_at).join(t.request, t.request.c.id == t.command.c.request)
    return list(connection.execute(query.order_by(t.command.c.id)))


def requests(connection: Connection) -> list[Any]:
    """Every request and its answer."""
    return list(connection.execute(select(t.request).order_by(t.request.c.id)))


def report_octets(connection: Connection) -> frozenset[bytes]:
    """What came back from homes, as received: reports, and answers to commands."""
    reports = connection.execute(select(t.report.c.octets)).scalars()
    answers = connection.execute(select(t.command.c.answer).where(t.command.c.answer.is_not(None))).scalars()
    return frozenset([*reports, *answers])


def refusals_overridden(connection: Connection) -> list[Any]:
    """Deliveries that were asked for while a consumer's refusal of their image stood."""
    d, r, i, v, f, n = t.delivery, t.request, t.image, t.device, t.refusal, t.tenancy
    moved_in = (
        select(n.c.since)
        .where(n.c.premises == v.c.premises, n.c.since > f.c.at, n.c.since <= r.c.received_at)
        .correlate(v, f, r)
        .exists()
    )
    query = (
        select(d.c.id, d.c.device, f.c.delivery.label("refused"))
        .join(r, r.c.id == d.c.request)
        .join(i, i.c.hash == r.c.image)
        .join(v, v.c.eui == d.c.device)
        .join(f, (f.c.device == d.c.device) & (f.c.manufacturer_hash == i.c.manufacturer_hash))
        .where(d.c.id > f.c.delivery, r.c.received_at < f.c.until, ~moved_in)
        .order_by(d.c.id)
    )
    refused_at = {
        row.delivery: row.received_at
        for row in connection.execute(
            select(t.report.c.delivery, t.report.c.received_at).where(t.report.c.event == "consumer_refused")
        )
    }
    requested_at = {row.id: row.received_at for row in deliveries(connection)}
    return [
        row
        for row in connection.execute(query)
        if requested_at[row.id] > refused_at.get(row.refused, requested_at[row.id])
    ]


def documents(connection: Connection) -> list[bytes]:
    """The documents written for parties so far, but for those that are made from facts as they are posted."""
    query = select(t.message.c.document).where(t.message.c.document.is_not(None))
    return list(connection.execute(query).scalars())


def events(connection: Connection) -> Iterator[Mapping[str, Any]]:
    """Every event of the log, as its canonical octets say; moves in columns, even if all are the same."""
    query = select(t.event.c.octets).order_by(t.event.c.lane, t.event.c.seq)
    for octets in connection.execute(query).scalars():
        body: dict[str, Any] = json.loads(octets)
        facts, columns = body["facts"], body["columns"]
        if "delivery" in columns:
            rows = len(columns["delivery"])
            columns |= {name: [facts.pop(name)] * rows for name in _MOVE & facts.keys()}
        yield body


def work_left(connection: Connection) -> list[Eui64]:
    """Devices that somebody's open work stands for."""
    return [Eui64.from_signed(eui) for eui in connection.execute(select(t.work.c.device)).scalars()]


def state_digest(connection: Connection) -> str:
    """SHA-256 over all that is so: what is repeated and changes nothing leaves it as it is."""
    digest = hashlib.sha256()
    for table in _STATE:
        columns = [column for column in table.columns if column.name not in _PASSING]
        for row in connection.execute(select(*columns).order_by(*table.primary_key.columns)):
            digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()
