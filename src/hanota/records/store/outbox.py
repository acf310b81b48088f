"""What is to go to hubs: rows of columns here, built and signed into frames as they are drained."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    select,
    union_all,
    update,
)

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, HOUR, SECOND, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.records.store import schema as t
from hanota.records.store.frames import name_set, named, read_columns
from hanota.records.store.segments import parts_of

ORDER_LIFE_MS: Final = 30 * DAY  # then a hub drops it by itself; longer than ON_WAN to TRANSFERRING may last
CANCEL_AGAIN_MS: Final = 6 * HOUR
CLAIM_MS: Final = 30 * SECOND  # then what a worker took, and did not hand over, is another's
_SENDING: Final = ("id", "kind", "delivery", "hub", "device", "device_type", "request")
_PARTIES_MAX: Final = 400  # SQLite joins no more than 500 queries to one; there are some sixty Suppliers


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a request says to all its homes.

    `parts`: SHA-256 and size of every segment's file, in order; then `image_hash` and `image_octets` are the first's.
    """

    request_id: RequestId
    image_hash: bytes
    image_octets: int
    manufacturer: int
    image_type: int
    version: int
    hardware_min: int | None
    hardware_max: int | None
    force_replace: int
    parts: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One message to a hub, with all that its frame says."""

    id: int
    kind: str
    delivery: int
    hub: Eui64
    device: Eui64
    device_type: DeviceType
    order: Order

    @property
    def request_id(self) -> RequestId:
        """What its Supplier called the request."""
        return self.order.request_id


_UNSENT: Final = select(t.outbox.c.id).where(t.outbox.c.due <= bindparam("now")).limit(1)


def anything_unsent(connection: Connection, now: Instant) -> bool:
    """Whether anything, of a delivery or a command, is to be handed to the carrier."""
    return connection.execute(_UNSENT, {"now": now}).first() is not None


def claim_unsent(connection: Connection, now: Instant, limit: int = 1000) -> list[int]:
    """Take messages that are to be handed to the carrier, so that no other worker hands them over: of each party the
    oldest, as many for each that has any, so that nobody's orders wait behind all of another's.

    They come due again after CLAIM_MS, unless they are marked as sent: a worker that dies in between only delays them.
    """
    parties = list(connection.execute(select(_PARTIES.c.party).where(_PARTIES.c.party.is_not(None))).scalars())
    if not parties:
        return []
    o = t.outbox
    first = _first_of(parties[:_PARTIES_MAX], -(-limit // len(parties)), now)
    due = select(o.c.id).where(o.c.due <= now, o.c.id.in_(select(first.c.id))).order_by(o.c.id).limit(limit)
    ids = list(connection.execute(due.with_for_update(skip_locked=True)).scalars())
    if ids:
        name_set(connection, ids)
        connection.execute(update(o).where(o.c.id.in_(select(named.c.id))).values(due=now + CLAIM_MS))
    return ids


def put_back(connection: Connection, ids: list[int], now: Instant) -> None:
    """Let messages that were claimed, and could not be handed over, be claimed again at once."""
    if ids:
        o = t.outbox
        connection.execute(update(o).where(o.c.id.in_(ids), o.c.due.is_not(None)).values(due=now))


def these_or_due(claimed: list[int] | None, now: Instant) -> ColumnElement[bool]:
    """Which messages of the outbox are meant: those claimed, or with None all that are due."""
    return t.outbox.c.due <= now if claimed is None else t.outbox.c.id.in_(claimed)


def unsent(
    connection: Connection, now: Instant, limit: int = 1000, *, claimed: list[int] | None = None
) -> list[Sending]:
    """Give messages that are to be handed to the carrier, oldest first; of those `claimed`, where they are given."""
    rows = unsent_rows(connection, now, limit, claimed=claimed)
    orders = orders_of(connection, rows["request"].unique())
    return [_sending(row, orders) for row in rows.select(_SENDING).iter_rows()]


def unsent_rows(
    connection: Connection, now: Instant, limit: int = 1000, *, claimed: list[int] | None = None
) -> pl.DataFrame:
    """Give what `unsent` gives as columns: id, kind, delivery, hub, device, device_type, request."""
    o, d, v = t.outbox, t.delivery, t.device
    query = (
        select(o.c.id, o.c.kind, d.c.id.label("delivery"), d.c.hub, d.c.device, v.c.device_type, d.c.request)
        .join(d, d.c.id == o.c.delivery)
        .join(v, v.c.eui == d.c.device)
        .where(these_or_due(claimed, now))
        .order_by(o.c.due, o.c.id)  # as an index has them: by the number alone, all that has been sent came first
        .limit(limit)
    )
    return read_columns(connection, query).sort("id")


def orders_of(connection: Connection, requests: Iterable[int]) -> dict[int, Order]:
    """Give what each of these requests says to its homes."""
    r, i = t.request, t.image
    image = (column for column in i.c if column is not i.c.octets)
    asked = name_set(connection, requests)
    query = select(r.c.id.label("request"), r.c.request_id, r.c.originator, *image).join(asked, asked.c.id == r.c.id)
    rows = connection.execute(query.join(i, i.c.hash == r.c.image)).all()
    return {row.request: _order(row, parts_of(connection, row.originator, row.hash)) for row in rows}


def _order(row: Any, parts: tuple[tuple[bytes, int], ...]) -> Order:
    image_hash, image_octets = parts[0] if parts else (row.hash, row.size)
    return Order(
        request_id=RequestId.parse(row.request_id),
        image_hash=image_hash,
        image_octets=image_octets,
        manufacturer=row.manufacturer,
        image_type=row.image_type,
        version=row.version,
        hardware_min=row.hardware_min,
        hardware_max=row.hardware_max,
        force_replace=row.force_replace or 0,
        parts=parts,
    )


def _parties() -> CTE:
    """Who has something unsent, by as many looks into the index as there are such parties."""
    o = t.outbox.c
    found = select(func.min(o.party).label("party")).where(t.is_unsent).cte("parties", recursive=True)
    after = select(func.min(o.party)).where(t.is_unsent, o.party > found.c.party).scalar_subquery()
    return found.union_all(select(after).where(found.c.party.is_not(None)))


_PARTIES: Final = _parties()


def _first_of(parties: list[int], share: int, now: Instant) -> Subquery:
    """The numbers of each party's first messages; commands go as one party's, number 0."""
    o = t.outbox.c
    firsts = [
        select(
            select(o.id)
            .where(t.is_unsent, o.party == party, o.due <= now)
            .order_by(o.due, o.id)
            .limit(share)
            .subquery()
            .c.id
        )
        for party in parties
    ]
    return union_all(*firsts).subquery()


def _sending(row: tuple[Any, ...], orders: Mapping[int, Order]) -> Sending:
    number, kind, delivery, hub, device, device_type, request = row
    return Sending(
        id=number,
        kind=kind,
        delivery=delivery,
        hub=Eui64.from_signed(hub),
        device=Eui64.from_signed(device),
        device_type=DeviceType(device_type),
        order=orders[request],
    )


def mark_sent(connection: Connection, ids: Iterable[int], now: Instant) -> None:
    """Record that messages were handed to the carrier.

    Stages order again what a hub has not answered. A cancel has no stage behind it any more: it is due again until the
    hub says that it is done, or the order has expired anyway.
    """
    o = t.outbox
    again = case((and_(o.c.kind == "cancel", o.c.queued_at > now - ORDER_LIFE_MS), now + CANCEL_AGAIN_MS), else_=None)
    sent = select(name_set(connection, ids).c.id)
    connection.execute(update(o).where(o.c.id.in_(sent)).values(sent_at=now, due=again))


def end_cancels(connection: Connection, deliveries: Iterable[int]) -> None:
    """Stop sending cancels that their hubs have answered."""
    o, answered = t.outbox, select(name_set(connection, deliveries).c.id)
    unended = o.c.kind == "cancel", o.c.due.is_not(None)
    connection.execute(update(o).where(o.c.delivery.in_(answered), *unended).values(due=None))
