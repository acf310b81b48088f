"""What an estate at flow level remembers over restarts: which orders it took and when, what it said of them that is
acknowledged, and which of them are done with.

A file that only grows: a row an order, one for what a round of frames acknowledges of it, and one when that is all. A
row cut off by the end of the process is not read: then its order is sent again.
"""

import os
import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from hanota.base.instant import Instant

_ROW: Final = struct.Struct(">BQqIIq")  # kind, order, device, version, octets, at
_SUM: Final = struct.Struct(">I")
_TAKEN, _RAN, _DROPPED, _HEARD = 1, 2, 3, 4
_COLUMNS: Final = ("kind", "order", "device", "version", "octets", "at")


class Recalled(NamedTuple):
    """What was noted: orders that are not done with, at their `at`; those whose device ran the image; and of the former
    which uplinks are acknowledged (order, heard: a bit for each place).
    """

    under_way: pl.DataFrame
    ran: pl.DataFrame
    heard: pl.DataFrame


class FlowJournal:
    """The file at `path`; without one nothing is remembered."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._rows: list[tuple[int, ...]] = []
        self._heard: dict[int, int] = {}
        self._file = None if path is None else path.open("ab")
        if self._file is not None and path is not None:
            self._file.truncate(len(_whole(path.read_bytes())) * (_ROW.size + _SUM.size))

    def take(self, orders: pl.DataFrame, at: Instant) -> None:
        """Note orders that are carried out from now on."""
        self._rows += [(_TAKEN, *row, at) for row in orders.select(_COLUMNS[1:5]).iter_rows()]

    def heard(self, order: int, place: int) -> None:
        """Note that the uplink at a place of an order (0 to 62) is acknowledged, and not to be said again."""
        self._heard[order] = self._heard.get(order, 0) | 1 << place

    def done(self, order: int, *, ran: bool) -> None:
        """Note an order of which nothing is to be said again; whether its device runs the image."""
        self._heard.pop(order, None)
        self._rows.append((_RAN if ran else _DROPPED, order, 0, 0, 0, 0))

    def commit(self) -> None:
        """Have on disk what was noted."""
        rows = self._rows + [(_HEARD, order, places, 0, 0, 0) for order, places in self._heard.items()]
        self._rows, self._heard = [], {}
        if self._file is None or not rows:
            return
        packed = (_ROW.pack(*row) for row in rows)
        self._file.write(b"".join(octets + _SUM.pack(zlib.crc32(octets)) for octets in packed))
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def recall(self) -> Recalled:
        """Give what was noted."""
        rows = [] if self._path is None else _whole(self._path.read_bytes())
        schema = dict.fromkeys(_COLUMNS, pl.Int64)
        kept = pl.DataFrame(rows, schema=schema, orient="row")
        ran = kept.filter(pl.col("kind") == _RAN).select("order")
        done = kept.filter(pl.col("kind").is_in([_RAN, _DROPPED])).select("order")
        told = kept.filter(pl.col("kind") == _HEARD).join(done, on="order", how="anti")
        taken = kept.filter(pl.col("kind") == _TAKEN).unique("order", keep="first", maintain_order=True).drop("kind")
        return Recalled(
            taken.join(done, on="order", how="anti"),
            taken.join(ran, on="order", how="semi").sort("at"),
            told.group_by("order").agg(heard=pl.col("device").bitwise_or()),
        )

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
