"""What an estate at flow level remembers over restarts: which orders it took and when, and which of them are done with.

A file that only grows, a row an order and one more when all that was said of it is acknowledged. A row cut off by the
end of the process is not read: then its order is sent again.
"""

import os
import struct
import zlib
from pathlib import Path
from typing import Final

import polars as pl

from hanota.base.instant import Instant

_ROW: Final = struct.Struct(">BQqIIq")  # kind, order, device, version, octets, at
_SUM: Final = struct.Struct(">I")
_TAKEN, _RAN, _DROPPED = 1, 2, 3
_COLUMNS: Final = ("kind", "order", "device", "version", "octets", "at")


class FlowJournal:
    """The file at `path`; without one nothing is remembered."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._rows: list[tuple[int, ...]] = []
        self._file = None if path is None else path.open("ab")
        if self._file is not None and path is not None:
            self._file.truncate(len(_whole(path.read_bytes())) * (_ROW.size + _SUM.size))

    def take(self, orders: pl.DataFrame, at: Instant) -> None:
        """Note orders that are carried out from now on."""
        self._rows += [(_TAKEN, *row, at) for row in orders.select(_COLUMNS[1:5]).iter_rows()]

    def done(self, order: int, *, ran: bool) -> None:
        """Note an order of which nothing is to be said again; whether its device runs the image."""
        self._rows.append((_RAN if ran else _DROPPED, order, 0, 0, 0, 0))

    def commit(self) -> None:
        """Have on disk what was noted."""
        rows, self._rows = self._rows, []
        if self._file is None or not rows:
            return
        packed = (_ROW.pack(*row) for row in rows)
        self._file.write(b"".join(octets + _SUM.pack(zlib.crc32(octets)) for octets in packed))
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def recall(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Give the orders that are not done with, at their `at`; and those whose device ran the image."""
        rows = [] if self._path is None else _whole(self._path.read_bytes())
        schema = dict.fromkeys(_COLUMNS, pl.Int64)
        kept = pl.DataFrame(rows, schema=schema, orient="row")
        ran = kept.filter(pl.col("kind") == _RAN).select("order")
        done = kept.filter(pl.col("kind") != _TAKEN).select("order")
        taken = kept.filter(pl.col("kind") == _TAKEN).unique("order", keep="first", maintain_order=True).drop("kind")
        return taken.join(done, on="order", how="anti"), taken.join(ran, on="order", how="semi").sort("at")

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def _whole(octets: bytes) -> list[tuple[int, ...]]:
    """Read rows up to the first that is not whole."""
    step = _ROW.size + _SUM.size
    rows = []
    for start in range(0, len(octets) - step + 1, step):
        row = octets[start : start + _ROW.size]
        if _SUM.unpack_from(octets, start + _ROW.size)[0] != zlib.crc32(row):
            break
        rows.append(_ROW.unpack(row))
    return rows
