"""Messages to parties, whatever they say: queued with their document, given up, replayed.

What stands here is for those who make messages and for those who look after them; `outgoing` hands them out, `alerts`
makes the ones that are rendered from a delivery's facts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, case, func, insert, or_, select, update

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.alerts import next_number
from hanota.records.store.frames import name_set, named

_ERROR_CHARS_MAX: Final = 200  # of what the evidence says of each message


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A message whose text is made when it is queued. `request` is the row number of the request that it belongs to.

    `render` gives the DUIS document, unsigned, for the ResponseID that the message will have. Without `response_id`
    that is the DCC, the party and the message's own number.
    """

    party: Eui64
    device: Eui64 | None
    kind: str
    response_id: RequestId | None
    render: Callable[[RequestId], bytes]
    request: int | None = None


def queue_document(
    connection: Connection, lane: str, document: Document, *, dcc: Eui64, now: Instant, service_level_ms: int
) -> bool:
    """Queue one document and record it; False if a message stands already under its ResponseID."""
    return queue_documents(connection, lane, [document], dcc=dcc, now=now, service_level_ms=service_level_ms) == 1


def queue_documents(
    connection: Connection,
    lane: str,
    documents: Iterable[Document],
    *,
    dcc: Eui64,
    now: Instant,
    service_level_ms: int,
) -> int:
    """Queue documents in their order. Returns: how many are new, that is, not queued before under their ResponseID."""
    given = list(documents)
    keys = [str(document.response_id) for document in given if document.response_id is not None]
    m = t.message
    standing = set(connection.execute(select(m.c.response_id).where(m.c.response_id.in_(keys))).scalars())
    number = next_number(connection, len(given))
    rows: list[dict[str, Any]] = []
    for document in given:
        identifier = document.response_id
        key = None if identifier is None else str(identifier)
        if key in standing:
            continue
        if key is not None:
            standing.add(key)
        rows.append(
            {
                "id": number,
                "party": document.party.signed,
                "device": None if document.device is None else document.device.signed,
                "kind": document.kind,
                "request": document.request,
                "response_id": key,
                "document": document.render(identifier or RequestId(dcc, document.party, number)),
            }
        )
        number += 1
    if rows:
        same = {"at": now, "created_at": now, "deadline": now + service_level_ms, "due": now, "tries": 0}
        connection.execute(insert(m).values(same), rows)
        append(connection, lane, _due_events(rows, now))
    return len(rows)


def _due_events(rows: Sequence[dict[str, Any]], now: Instant) -> list[Event]:
    events = []
    for kind, request in dict.fromkeys((row["kind"], row["request"]) for row in rows):
        of_kind = [row for row in rows if (row["kind"], row["request"]) == (kind, request)]
        columns: dict[str, list[int | str | None]] = {
            "message": [row["id"] for row in of_kind],
            "party": [str(Eui64.from_signed(row["party"])) for row in of_kind],
            "response_id": [row["response_id"] for row in of_kind],
        }
        facts = {"message_kind": kind}
        events.append(Event(kind="message_due", at=now, request=request, facts=facts, columns=columns))
    return events


def dead_letters(connection: Connection, party: Eui64 | None, limit: int | None = 100) -> Sequence[Row[Any]]:
    """Give messages that were given up, the latest first; of one party, or of any with None.

    A message with a list of devices is one row; `devices` says of how many it tells.
    """
    m, p = t.message, t.party
    members = t.message.alias("members")
    listed = select(func.count()).where(members.c.lead == m.c.id).correlate(m).scalar_subquery()
    devices = case((m.c.lead.is_not(None), listed), (m.c.device.is_not(None), 1), else_=0)
    query = (
        select(m, p.c.name.label("party_name"), devices.label("devices"))
        .outerjoin(p, p.c.eui == m.c.party)
        .where(m.c.dead_at.is_not(None), or_(m.c.lead.is_(None), m.c.lead == m.c.id))
        .order_by(m.c.dead_at.desc(), m.c.id.desc())
        .limit(limit)
    )
    if party is not None:
        query = query.where(m.c.party == party.signed)
    return connection.execute(query).all()


def replay(connection: Connection, lane: str, ids: Iterable[int], now: Instant) -> int:
    """Let messages that were given up be tried anew, as often and as long as new ones; others are left as they are.

    A device's part of a list stands for the whole list. Returns: how many messages are due again.
    """
    m = t.message
    name_set(connection, ids)
    asked = select(func.coalesce(m.c.lead, m.c.id).label("id")).join(named, named.c.id == m.c.id)
    whole = list(connection.execute(asked.where(m.c.dead_at.is_not(None)).distinct()).scalars())
    name_set(connection, whole)
    told = told_of(connection, "message_replayed", now)
    carries = or_(m.c.lead.is_(None), m.c.lead == m.c.id)
    connection.execute(
        update(m)
        .where(in_named(), m.c.dead_at.is_not(None))
        .values(dead_at=None, due=case((carries, now)), tries=0, first_tried_at=None)
    )
    append(connection, lane, told)
    return len(whole)


def in_named() -> Any:
    """A condition: the message, or the one that carries its list, is in the set that was named last."""
    chosen = select(named.c.id)
    return or_(t.message.c.id.in_(chosen), t.message.c.lead.in_(chosen))


def told_of(connection: Connection, event: str, now: Instant, of_alerts: str | None = None) -> list[Event]:
    """Give the events that say something of the messages named last, each device of a list on its own: one a kind.

    Alerts of deliveries have the event `of_alerts` where that is given, so that each delivery's story tells it.
    """
    m = t.message
    query = select(m.c.id, m.c.party, m.c.kind, m.c.delivery, m.c.last_error).where(in_named()).order_by(m.c.id)
    kinds: dict[tuple[str, bool], list[Any]] = {}
    for row in connection.execute(query):
        kinds.setdefault((row.kind, row.delivery is not None), []).append(row)
    events = []
    for (kind, is_alert), rows in kinds.items():
        number = "alert" if is_alert else "message"
        columns: dict[str, list[int | str | None]] = {
            number: [row.id for row in rows],
            "party": [str(Eui64.from_signed(row.party)) for row in rows],
        }
        if is_alert:
            columns["delivery"] = [row.delivery for row in rows]
        if event == "message_dead":
            columns["error"] = [(row.last_error or "")[:_ERROR_CHARS_MAX] for row in rows]
        name = of_alerts if is_alert and of_alerts else event
        events.append(Event(kind=name, at=now, facts={f"{number}_kind": kind}, columns=columns))
    return events
