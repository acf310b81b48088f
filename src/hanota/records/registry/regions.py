"""Which CSP region a hub is in: where the network carries what is for it."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from sqlalchemy import Connection, select

from hanota.base.eui import Eui64
from hanota.records.store import schema as t

_AT_ONCE: Final = 1000


def regions_of(connection: Connection, hubs: Iterable[Eui64]) -> dict[Eui64, str]:
    """Give the regions of hubs; one that stands in no home is left out, one that has left its home is still there."""
    d, p = t.device.c, t.premises.c
    query = select(d.eui, p.region).join_from(t.device, t.premises, p.id == d.premises)
    left = iter(hubs)
    found: dict[Eui64, str] = {}
    while some := [hub.signed for hub in islice(left, _AT_ONCE)]:
        found |= {Eui64.from_signed(row.eui): row.region for row in connection.execute(query.where(d.eui.in_(some)))}
    return found
