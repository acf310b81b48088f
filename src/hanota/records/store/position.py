"""Position of a scaled clock, kept so that time never goes back over a restart."""

from typing import Final

from sqlalchemy import Connection, insert, select, update

from hanota.base.instant import Instant
from hanota.records.store.schema import clock

_NAME: Final = "service"


def keep_position(connection: Connection, now: Instant) -> None:
    """Write where the clock stands."""
    if connection.execute(update(clock).where(clock.c.name == _NAME).values(position=now)).rowcount == 0:
        connection.execute(insert(clock).values(name=_NAME, position=now))


def kept_position(connection: Connection) -> Instant:
    """Read where the clock stood; 0 for a store that never kept one."""
    return Instant(connection.execute(select(clock.c.position).where(clock.c.name == _NAME)).scalar() or 0)
