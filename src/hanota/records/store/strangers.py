"""Nodes outside the device log that hubs refused, as told by them (R25)."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from hanota.base.eui import Eui64
from hanota.records.store import schema as t

STRANGERS_SHOWN_MAX: Final = 20


def strangers(connection: Connection, hub: Eui64) -> Sequence[Row[Any]]:
    """Give what a hub refused, the latest first: `node`, its `attempts`, when it was told of `first` and `last`."""
    r = t.report.c
    query: Select[Any] = (
        select(
            r.device.label("node"),
            func.max(r.result).label("attempts"),
            func.min(r.at).label("first"),
            func.max(r.at).label("last"),
        )
        .where(r.taken, r.event == "stranger_refused", r.source.startswith(f"uplink {hub}/"))
        .group_by(r.device)
        .order_by(func.max(r.at).desc(), r.device)
        .limit(STRANGERS_SHOWN_MAX)
    )
    return connection.execute(query).all()
