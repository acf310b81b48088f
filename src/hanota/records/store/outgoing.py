"""Messages on their way: which may go now. What came of those that were tried is recorded by `outcomes`.

Messages to one party about one device go in the order in which they were made. A few of them, the window, may be under
way: one that the party refuses is overtaken by the next ones, and no more than a window of them stops those behind.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    case,
    func,
    select,
)

from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.model.alerts import AlertKind
from hanota.model.policies import AlertPolicy
from hanota.records.store import schema as t

READ_AT_ONCE_MAX: Final = 100
"""How many messages to one party are read at a time."""
LISTS_AT_ONCE_MAX: Final = 16
"""How many messages with a list of devices are read at a time: each may name thousands."""
_WINDOW: Final = AlertPolicy().window


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """What an alert says; `devices` are those that its message lists, its own among them.

    One that belongs to a device and no delivery has no `request_id`.
    """

    kind: AlertKind
    request_id: RequestId | None
    hub: Eui64
    device: Eui64
    devices: tuple[Eui64, ...]
    device_type: DeviceType
    version_target: int
    at: Instant
    version: int | None
    version_smi: int | None
    result: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMessage:
    """A message that may go to its party now: its document, or the facts from which that is rendered.

    `listed` says that it tells of many devices, so that it is in the queue of each. Without `response_id` its number
    makes one. `schema_version` is the DUIS version in which the party is written to; none: the latest.
    """

    id: int
    party: Eui64
    endpoint: str | None
    device: Eui64 | None
    kind: str
    listed: bool
    response_id: RequestId | None
    document: bytes | None
    facts: AlertFacts | None
    schema_version: str | None
    delivery: int | None
    tries: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message whose row makes no sense: it is refused like one that its party does not take."""

    id: int
    party: Eui64
    error: str


def _in_window(window: int) -> ColumnElement[bool]:
    """Whether fewer than `window` messages of the same party and device stand before this one, taken by nobody yet.

    One look into an index each: PostgreSQL has none for what may be null, and would go through the party's whole queue.
    """
    m, q = t.message, t.message.alias("queue")

    def last(of_device: ColumnElement[bool]) -> ScalarSelect[Any]:
        waiting = (q.c.party == m.c.party, of_device, q.c.delivered_at.is_(None), q.c.dead_at.is_(None))
        found = select(q.c.id).where(*waiting).order_by(q.c.id).offset(window - 1).limit(1)
        return found.correlate(m).scalar_subquery()

    same = case((m.c.device.is_(None), last(q.c.device.is_(None))), else_=last(q.c.device == m.c.device))
    return m.c.id <= func.coalesce(same, m.c.id)


def next_message_due(connection: Connection, window: int = _WINDOW) -> Instant | None:
    """When the next message may go; those behind the window do not count."""
    found = connection.execute(_next_due(window)).scalar()
    return None if found is None else Instant(found)


@lru_cache(maxsize=8)
def _next_due(window: int) -> Select[Any]:
    m = t.message
    return select(m.c.due).where(m.c.due.is_not(None), _in_window(window)).order_by(m.c.due).limit(1)


def due_messages(
    connection: Connection,
    now: Instant,
    *,
    window: int = _WINDOW,
    limit: int = READ_AT_ONCE_MAX,
    passing: Collection[Eui64] = (),
    among: Collection[Eui64] | None = None,
) -> tuple[list[DueMessage], list[Unreadable]]:
    """Give messages that may go: of each party but those in `passing`, the `limit` that have been due for longest.

    With `among`, of those parties alone.

    The party that has waited for longest comes first. Of messages with lists there are LISTS_AT_ONCE_MAX at most.
    """
    m = t.message
    passed = {party.signed for party in passing}
    meant = None if among is None else {party.signed for party in among}
    waiting = (
        select(m.c.party, func.min(m.c.due).label("since")).where(m.c.due <= now).group_by(m.c.party).order_by("since")
    )
    found = connection.execute(waiting).scalars()
    parties = [party for party in found if party not in passed and (meant is None or party in meant)]
    if not parties:
        return [], []
    query = _due_rows(window, limit)
    rows = [row for party in parties for row in connection.execute(query, {"of_party": party, "now": now})]
    lists = [row.id for row in rows if row.lead is not None][:LISTS_AT_ONCE_MAX]
    rows = [row for row in rows if row.lead is None or row.id in lists]
    sources = _sources(connection, rows)
    listed = _listed(connection, lists)
    messages, unreadable = [], []
    for row in rows:
        try:
            messages.append(_message(row, sources, listed))
        except (HanotaError, ValueError, TypeError) as cause:  # whatever one row holds, the others are to go
            unreadable.append(Unreadable(row.id, Eui64.from_signed(row.party), f"unreadable: {cause}"))
    return messages, unreadable


@lru_cache(maxsize=8)
def _due_rows(window: int, limit: int) -> Select[Any]:
    m, d, v, p = t.message, t.delivery, t.device, t.party
    columns = (m.c.id, m.c.party, m.c.device, m.c.kind, m.c.lead, m.c.response_id, m.c.document, m.c.delivery)
    facts = (m.c.at, m.c.version, m.c.version_smi, m.c.result, m.c.tries)
    hub = func.coalesce(d.c.hub, v.c.hub, m.c.device)
    return (
        select(*columns, *facts, p.c.endpoint, p.c.duis_version, d.c.request, hub.label("hub"), v.c.device_type)
        .outerjoin(p, p.c.eui == m.c.party)
        .outerjoin(d, d.c.id == m.c.delivery)
        .outerjoin(v, v.c.eui == func.coalesce(d.c.device, m.c.device))
        .where(m.c.party == bindparam("of_party"), m.c.due <= bindparam("now"), _in_window(window))
        .order_by(m.c.due, m.c.id)
        .limit(limit)
    )


def _sources(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, tuple[str, int]]:
    """RequestID and target version of the requests of alerts: once each, for their rows hold megabytes."""
    r, i = t.request, t.image
    requests = {row.request for row in rows if row.request is not None}
    query = select(r.c.id, r.c.request_id, i.c.version).join(i, i.c.hash == r.c.image).where(r.c.id.in_(requests))
    return {row.id: (row.request_id, row.version) for row in connection.execute(query)}


def _listed(connection: Connection, leads: Sequence[int]) -> dict[int, tuple[Eui64, ...]]:
    m = t.message
    query = select(m.c.lead, m.c.device).where(m.c.lead.in_(leads)).order_by(m.c.id)
    found: dict[int, list[Eui64]] = {}
    for row in connection.execute(query):
        found.setdefault(row.lead, []).append(Eui64.from_signed(row.device))
    return {lead: tuple(devices) for lead, devices in found.items()}


def _message(row: Row[Any], sources: dict[int, tuple[str, int]], listed: dict[int, tuple[Eui64, ...]]) -> DueMessage:
    facts = None
    if row.document is None:
        device = Eui64.from_signed(row.device)
        request_id, version_target = sources.get(row.request, (None, None))
        if row.delivery is None and row.kind == AlertKind.MISMATCH:
            version_target = row.version
        elif request_id is None or version_target is None:
            raise ValueError("neither a document, nor a delivery of which it could tell")
        facts = AlertFacts(
            kind=AlertKind(row.kind),
            request_id=None if request_id is None else _request_id(request_id),
            hub=Eui64.from_signed(row.hub),
            device=device,
            devices=listed.get(row.id, (device,)),
            device_type=DeviceType(row.device_type),
            version_target=version_target,
            at=Instant(row.at),
            version=row.version,
            version_smi=row.version_smi,
            result=row.result,
        )
    return DueMessage(
        id=row.id,
        party=Eui64.from_signed(row.party),
        endpoint=row.endpoint,
        device=None if row.device is None else Eui64.from_signed(row.device),
        kind=row.kind,
        listed=row.lead is not None,
        response_id=None if row.response_id is None else RequestId.parse(row.response_id),
        document=row.document,
        facts=facts,
        schema_version=row.duis_version,
        delivery=row.delivery,
        tries=row.tries,
    )


@lru_cache(maxsize=1024)
def _request_id(text: str) -> RequestId:
    """Read a RequestID once for all the alerts of its request."""
    return RequestId.parse(text)
