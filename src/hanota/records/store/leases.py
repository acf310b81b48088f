"""Leases of several workers over one store, without a leader: whoever is first has it, and nobody else until it ends.

A lane of the event log is leased by time and renewed by its holder. A party's messages belong to the worker that took
them for as long as that worker holds a lane. So there is one beat to keep up, and one way to die: not to keep it up.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, update

from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.records.store import schema as t
from hanota.records.store.bulk import insert_or
from hanota.records.store.schema_workers import lease

LANE: Final = "lane"
PARTY: Final = "party"
_TRIES_MAX: Final = 100  # of several that ask for lanes of one name at the same moment


class LeaseLost(HanotaError):
    """A worker was away for longer than its lease lasts; others may have gone on with its work."""

    code, fault, retryable = "HOTA-STORE-020", Fault.US, True
    what = "the lease on lane {lane} ran out or is another's; nothing was written"
    remedy = "the worker is started again by itself; if it comes often, look whether its machine stalls"


class NoLane(HanotaError):
    """So many begin at once that none of the lanes that were tried was free."""

    code, fault, retryable = "HOTA-STORE-021", Fault.OPERATOR, True
    what = "no lane {base}-N is free after {tries} tries"
    remedy = "start fewer workers at a time, or give each machine a name of its own with --name"


def take_lane(connection: Connection, base: str, holder: str, *, now: Instant, until: Instant) -> str:
    """Take the first lane `base-1`, `base-2`, … that nobody holds, for `holder`. Returns: its name. Raises NoLane."""
    rows = connection.execute(select(lease.c.name).where(lease.c.kind == LANE, lease.c.until > now)).scalars()
    held = set(rows)
    for number in range(1, len(held) + _TRIES_MAX):
        name = f"{base}-{number}"
        if name in held:
            continue
        _ensure(connection, LANE, [name])
        mine = {"holder": holder, "epoch": lease.c.epoch + 1, "since": now, "until": until}
        free = (lease.c.kind == LANE, lease.c.name == name, lease.c.until <= now)
        if connection.execute(update(lease).where(*free).values(mine)).rowcount == 1:
            return name
    raise NoLane(base=base, tries=_TRIES_MAX)


def _ensure(connection: Connection, kind: str, names: Iterable[str]) -> None:
    """Let leases have a row; one that somebody else enters at the same moment is left as it is."""
    empty = {"kind": kind, "holder": "", "epoch": 0, "since": 0, "until": 0}
    rows = [empty | {"name": name} for name in names]
    if rows:
        connection.execute(insert_or(connection, lease).on_conflict_do_nothing(), rows)


def renew_lane(connection: Connection, name: str, holder: str, *, now: Instant, until: Instant) -> None:
    """Hold a lane for longer. Raises LeaseLost: it ran out, or is another's."""
    still = (lease.c.kind == LANE, lease.c.name == name, lease.c.holder == holder, lease.c.until > now)
    renewed = connection.execute(update(lease).where(*still).values(until=until)).rowcount
    require(renewed == 1, LeaseLost, lane=name)


def require_lane(connection: Connection, name: str, holder: str, now: Instant) -> None:
    """Let the transaction go on only if the lane is held; nobody can take it until the transaction ends.

    Raises LeaseLost.
    """
    still = (lease.c.kind == LANE, lease.c.name == name, lease.c.holder == holder, lease.c.until > now)
    found = connection.execute(select(lease.c.epoch).where(*still).with_for_update(read=True)).first()
    require(found is not None, LeaseLost, lane=name)


def give_back(connection: Connection, holder: str) -> None:
    """Let go of everything that `holder` has, so that others need not wait."""
    connection.execute(update(lease).where(lease.c.kind == LANE, lease.c.holder == holder).values(until=0))
    connection.execute(delete(lease).where(lease.c.kind == PARTY, lease.c.holder == holder))


def lanes_held(connection: Connection, now: Instant) -> list[tuple[str, str]]:
    """Give the lanes that are held, each with its holder."""
    rows = connection.execute(
        select(lease.c.name, lease.c.holder).where(lease.c.kind == LANE, lease.c.until > now).order_by(lease.c.name)
    )
    return [(row.name, row.holder) for row in rows]


# --- parties -----------------------------------------------------------------------------------------------------


def parties_to_take(connection: Connection, due: Instant, limit: int, *, now: Instant) -> list[Eui64]:
    """Give parties with messages that are due by `due` and whom no worker that is alive `now` has taken, the longest
    waiting first.
    """
    m = t.message
    taken = select(lease.c.name).where(lease.c.kind == PARTY, lease.c.holder.in_(_alive(now)))
    held = {Eui64.parse(name) for name in connection.execute(taken).scalars()}
    waiting = select(m.c.party).where(m.c.due <= due).group_by(m.c.party).order_by(func.min(m.c.due))
    found = (Eui64.from_signed(party) for party in connection.execute(waiting).scalars())
    return [party for party in found if party not in held][:limit]


def take_parties(connection: Connection, holder: str, parties: Collection[Eui64], now: Instant) -> set[Eui64]:
    """Take parties for `holder`. Returns: those that are its own now; others were quicker with the rest."""
    names = [str(party) for party in parties]
    _ensure(connection, PARTY, names)
    c = lease.c
    free = (c.kind == PARTY, c.name.in_(names), c.holder.not_in(_alive(now)))
    mine = {"holder": holder, "epoch": c.epoch + 1, "since": now}
    connection.execute(update(lease).where(*free).values(mine))
    own = select(c.name).where(c.kind == PARTY, c.name.in_(names), c.holder == holder)
    return {Eui64.parse(name) for name in connection.execute(own).scalars()}


def release_parties(connection: Connection, holder: str, parties: Collection[Eui64]) -> None:
    """Let other workers have parties."""
    names = [str(party) for party in parties]
    own = (lease.c.kind == PARTY, lease.c.holder == holder, lease.c.name.in_(names))
    connection.execute(delete(lease).where(*own))


def _alive(now: Instant) -> Any:
    """Who holds a lane. The alias keeps the subquery apart from the row that is looked at."""
    lane = lease.alias("lane")
    return select(lane.c.holder).where(lane.c.kind == LANE, lane.c.until > now)
