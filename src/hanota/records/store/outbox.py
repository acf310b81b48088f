"""What is to go to hubs: rows of columns here, built and signed into frames as they are drained."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, and_, case, select, update

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, HOUR, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.records.store import schema as t

ORDER_LIFE_MS: Final = 30 * DAY  # then a hub drops it by itself; longer than ON_WAN to TRANSFERRING may last
CANCEL_AGAIN_MS: Final = 6 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One message to a hub, with all that its frame says."""

    id: int
    kind: str
    delivery: int
    hub: Eui64
    device: Eui64
    device_type: DeviceType
    request_id: RequestId
    image_hash: bytes
    image_octets: int
    manufacturer: int
    image_type: int
    version: int
    hardware_min: int | None
    hardware_max: int | None


def unsent(connection: Connection, now: Instant, limit: int = 1000) -> list[Sending]:
    """Give messages that are to be handed to the carrier, oldest first."""
    o, d, r, v, i = t.outbox, t.delivery, t.request, t.device, t.image
    query = (
        select(
            o.c.id,
            o.c.kind,
            d.c.id.label("delivery"),
            d.c.hub,
            d.c.device,
            v.c.device_type,
            r.c.request_id,
            i.c.hash,
            i.c.size,
            i.c.manufacturer,
            i.c.image_type,
            i.c.version,
            i.c.hardware_min,
            i.c.hardware_max,
        )
        .join(d, d.c.id == o.c.delivery)
        .join(r, r.c.id == d.c.request)
        .join(v, v.c.eui == d.c.device)
        .join(i, i.c.hash == r.c.image)
        .where(o.c.due <= now)
        .order_by(o.c.id)
        .limit(limit)
    )
    return [
        Sending(
            id=row.id,
            kind=row.kind,
            delivery=row.delivery,
            hub=Eui64.from_signed(row.hub),
            device=Eui64.from_signed(row.device),
            device_type=DeviceType(row.device_type),
            request_id=RequestId.parse(row.request_id),
            image_hash=row.hash,
            image_octets=row.size,
            manufacturer=row.manufacturer,
            image_type=row.image_type,
            version=row.version,
            hardware_min=row.hardware_min,
            hardware_max=row.hardware_max,
        )
        for row in connection.execute(query)
    ]


def mark_sent(connection: Connection, ids: list[int], now: Instant) -> None:
    """Record that messages were handed to the carrier.

    Stages order again what a hub has not answered. A cancel has no stage behind it any more: it is due again until the
    hub says that it is done, or the order has expired anyway.
    """
    o = t.outbox
    again = case((and_(o.c.kind == "cancel", o.c.queued_at > now - ORDER_LIFE_MS), now + CANCEL_AGAIN_MS), else_=None)
    connection.execute(update(o).where(o.c.id.in_(ids)).values(sent_at=now, due=again))


def end_cancels(connection: Connection, deliveries: list[int]) -> None:
    """Stop sending cancels that their hubs have answered."""
    o = t.outbox
    connection.execute(update(o).where(o.c.delivery.in_(deliveries), o.c.kind == "cancel").values(due=None))
