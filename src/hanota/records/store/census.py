"""How many rows there are of what: for measurements, which have to show that everything they count was written."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, func, select

from hanota.base.eui import Eui64
from hanota.records.store import schema as t

COUNTED: Final = (t.delivery, t.work, t.report, t.outbox, t.message, t.event, t.device)


def census(connection: Connection) -> Mapping[str, int]:
    """Count the rows of the tables that a rollout writes to, by the table's name."""
    return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in COUNTED}


def deliveries_by_state(connection: Connection) -> Mapping[str, int]:
    """Count deliveries by their state."""
    query = select(t.delivery.c.state, func.count()).group_by(t.delivery.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def states_of_party(connection: Connection, party: Eui64) -> Mapping[str, int]:
    """Count the deliveries under a party's requests by their state."""
    d, r = t.delivery.c, t.request
    mine = d.request.in_(select(r.c.id).where(r.c.originator == party.signed))
    rows = connection.execute(select(d.state, func.count()).where(mine).group_by(d.state))
    return {row[0]: row[1] for row in rows}
