"""Reading for a writing transaction on several connections at once, where the store allows that.

SQLite has one writer: as long as a transaction has its turn nobody commits, so another connection reads what this one
would, but for what it wrote itself. Looking rows up leaves Python to other threads. In memory there is one connection,
and on a server another connection may see later commits: there everything is read on the transaction's own.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

import polars as pl
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import StaticPool

PART_MIN: Final = 5_000
"""So many rows, at least, are worth a connection of their own."""

_PARTS_MAX: Final = 4

Read = Callable[[Connection, pl.Series], pl.DataFrame]


def read_in_parts(connection: Connection, ids: pl.Series, read: Read) -> pl.DataFrame:
    """Give what `read` gives of `ids`, in their order; it may be called for parts of them, on other connections.

    Not for what this transaction has written: other connections do not see that yet.
    """
    first, *others = _parts(ids, _parts_for(connection, len(ids)))
    if not others:
        return read(connection, first)
    with ThreadPoolExecutor(len(others)) as pool:
        reading = [pool.submit(_read_beside, connection.engine, part, read) for part in others]
        found = read(connection, first)
    return pl.concat([found, *(part.result() for part in reading)])


def _parts_for(connection: Connection, rows: int) -> int:
    options = connection.get_execution_options()
    alone = options.get("hanota_begin") != "IMMEDIATE" or isinstance(connection.engine.pool, StaticPool)
    return 1 if alone else max(1, min(os.cpu_count() or 1, _PARTS_MAX, rows // PART_MIN))


def _parts(ids: pl.Series, count: int) -> list[pl.Series]:
    ends = [len(ids) * number // count for number in range(count + 1)]
    return [ids.slice(start, end - start) for start, end in pairwise(ends)]


def _read_beside(engine: Engine, ids: pl.Series, read: Read) -> pl.DataFrame:
    with engine.connect().execution_options(hanota_begin="DEFERRED") as connection:
        found = read(connection, ids)
        connection.commit()  # its temporary tables stay for the next time
    return found
