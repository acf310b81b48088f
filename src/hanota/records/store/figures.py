"""What whoever watches the service wants to know: counts that an index gives, so that asking often costs little."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.records.store import schema as t
from hanota.records.store.leases import lanes_held
from hanota.records.store.wan_use import Use, wan_use


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The service in numbers. `alert_lag_ms`: how long the oldest message that may go has been due.

    `carried` is what the wide-area networks took since the store was made; `lanes` are those that a process holds.
    """

    requests: Mapping[str, int]
    deliveries: Mapping[str, int]
    open_work: int
    alert_lag_ms: int
    messages_due: Mapping[Eui64, int]
    messages_dead: int
    outbox_due: int
    carried: tuple[Use, ...]
    lanes: tuple[str, ...]


def figures(connection: Connection, now: Instant) -> Figures:
    """Count everything once."""
    m, o = t.message.c, t.outbox.c
    oldest = connection.execute(select(func.min(m.due))).scalar_one()
    open_messages = select(m.party, func.count()).where(m.due.is_not(None)).group_by(m.party)
    return Figures(
        requests=_counts(connection, select(t.request.c.code, func.count()).group_by(t.request.c.code)),
        deliveries=_counts(connection, select(t.delivery.c.state, func.count()).group_by(t.delivery.c.state)),
        open_work=_count(connection, select(func.count()).select_from(t.work)),
        alert_lag_ms=0 if oldest is None else max(0, now - oldest),
        messages_due={Eui64.from_signed(party): count for party, count in connection.execute(open_messages)},
        messages_dead=_count(connection, select(func.count()).where(m.dead_at.is_not(None))),
        outbox_due=_count(connection, select(func.count()).where(o.due.is_not(None))),
        carried=tuple(wan_use(connection)),
        lanes=tuple(name for name, _ in lanes_held(connection, now)),
    )


def _counts(connection: Connection, query: Select[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _count(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar_one())
