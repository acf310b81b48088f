"""What came of messages that were tried: taken, refused, or given up until an operator replays them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, SECOND, Instant
from hanota.model.policies import AlertPolicy
from hanota.records.ledger import append
from hanota.records.store import schema as t
from hanota.records.store.frames import name_set
from hanota.records.store.messages import in_named, told_of

RETRY_FIRST_MS: Final = 5 * SECOND
RETRY_MAX_MS: Final = 1 * HOUR
_DOUBLINGS_MAX: Final = (RETRY_MAX_MS // RETRY_FIRST_MS).bit_length()
_DEFAULTS: Final = AlertPolicy()


def keep_for_reading(connection: Connection, kept: Iterable[tuple[Eui64, str, bytes]], now: Instant) -> None:
    """Put messages (party, ResponseID, octets) where parties without endpoint read them; the same again is no news."""
    rows = {
        response_id: {"response_id": response_id, "party": party.signed, "octets": octets, "delivered_at": now}
        for party, response_id, octets in reversed(list(kept))
    }
    b = t.inbox
    standing = set(connection.execute(select(b.c.response_id).where(b.c.response_id.in_(list(rows)))).scalars())
    fresh = [row for response_id, row in reversed(rows.items()) if response_id not in standing]
    if fresh:
        connection.execute(insert(b), fresh)


def mark_delivered(connection: Connection, lane: str, ids: Sequence[int], now: Instant) -> None:
    """Record that parties have taken messages, each with all the devices of its list."""
    if not ids:
        return
    m = t.message
    name_set(connection, ids)
    connection.execute(
        update(m)
        .where(in_named(), m.c.delivered_at.is_(None))
        .values(due=None, delivered_at=now, dead_at=None, tries=m.c.tries + 1)
    )
    append(connection, lane, told_of(connection, "message_delivered", now, of_alerts="alert_delivered"))


def mark_refused(
    connection: Connection,
    lane: str,
    refused: Sequence[tuple[int, str]],
    now: Instant,
    policy: AlertPolicy = _DEFAULTS,
) -> None:
    """Set the next try of messages (number, why) that were refused: after twice the time each, until they are given up.

    The first wait is RETRY_FIRST_MS, the longest RETRY_MAX_MS.
    """
    if not refused:
        return
    m = t.message
    connection.execute(
        update(m)
        .where(m.c.id == bindparam("_id"), m.c.due.is_not(None))
        .values(_next_try(now, policy) | {"last_error": bindparam("_error")}),
        [{"_id": number, "_error": error} for number, error in refused],
    )
    named = name_set(connection, [number for number, _ in refused])
    _give_up(connection, lane, m.c.id.in_(select(named.c.id)), now, policy)


def put_off(
    connection: Connection, lane: str, party: Eui64, error: str, *, now: Instant, policy: AlertPolicy = _DEFAULTS
) -> None:
    """Set the next try of every message that a party is due, as if each had been refused."""
    m = t.message
    of_party = m.c.party == party.signed
    due = (of_party, m.c.due <= now)
    connection.execute(update(m).where(*due).values(_next_try(now, policy) | {"last_error": error}))
    _give_up(connection, lane, of_party, now, policy)


def _next_try(now: Instant, policy: AlertPolicy) -> dict[str, Any]:
    """The columns after a try that failed; the last try of all is when the message is to be given up."""
    m = t.message.c
    doubled = literal(RETRY_FIRST_MS, BigInteger).bitwise_lshift(m.tries)
    wait = case((m.tries >= _DOUBLINGS_MAX, RETRY_MAX_MS), else_=doubled)
    first = func.coalesce(m.first_tried_at, now)
    last_try, after_wait = first + policy.give_up_ms, wait + literal(now, BigInteger)
    due = case((after_wait > last_try, last_try), else_=after_wait)
    return {"due": due, "tries": m.tries + 1, "first_tried_at": first}


def _give_up(connection: Connection, lane: str, of: ColumnElement[bool], now: Instant, policy: AlertPolicy) -> None:
    m = t.message
    spent = or_(m.c.tries >= policy.tries_max, m.c.first_tried_at <= now - policy.give_up_ms)
    dead = list(connection.execute(select(m.c.id).where(of, m.c.due.is_not(None), spent)).scalars())
    if dead:
        name_set(connection, dead)
        append(connection, lane, told_of(connection, "message_dead", now))
        connection.execute(update(m).where(in_named(), m.c.delivered_at.is_(None)).values(due=None, dead_at=now))
