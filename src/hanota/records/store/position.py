"""Position of a scaled clock, kept so that time never goes back over a restart."""

from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from hanota.base.instant import Instant
from hanota.records.store.schema import clock, event

_NAME: Final = "service"


def keep_position(connection: Connection, now: Instant) -> None:
    """Write where the clock stands."""
    if connection.execute(update(clock).where(clock.c.name == _NAME).values(position=now)).rowcount == 0:
        connection.execute(insert(clock).values(name=_NAME, position=now))


def kept_position(connection: Connection) -> Instant:
    """Read where the clock stood at the latest; 0 for a store that never knew.

    A process that was killed did not come to write it down, so the newest event counts as well.
    """
    kept = connection.execute(select(clock.c.position).where(clock.c.name == _NAME)).scalar()
    happened = connection.execute(select(func.max(event.c.at))).scalar()
    return Instant(max(kept or 0, happened or 0))
