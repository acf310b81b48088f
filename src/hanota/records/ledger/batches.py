"""Events of batches: rows as columns, and what all rows have in common said once."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from hanota.base.eui import Eui64, texts_of_signed
from hanota.records.ledger.chain import Event

_EACH: Final = frozenset({"delivery", "alert", "message"})
"""By these a row is found, so they are never said of all."""

_NOTHING: Final[Mapping[str, int | str | None]] = MappingProxyType({})


def batch_event(
    kind: str,
    at: int,
    rows: pl.DataFrame,
    *,
    request: int | None = None,
    facts: Mapping[str, int | str | None] = _NOTHING,
    euis: Collection[str] = (),
) -> Event:
    """Give the event of what happened to all `rows` at once. Columns `euis` hold EUI-64, signed.

    A column with one value in all rows becomes a fact, which says the same of each of them and costs no room a row.
    """
    counts = rows.select(pl.all().n_unique()).row(0, named=True)
    alike = [name for name in rows.columns if counts[name] == 1 and name not in _EACH]
    same = rows.head(1).select(alike).row(0, named=True) if alike else {}
    shared = {name: str(Eui64.from_signed(value)) if name in euis else value for name, value in same.items()}
    columns = {
        name: texts_of_signed(rows[name]) if name in euis else rows[name].to_list()
        for name in rows.columns
        if name not in same
    }
    return Event(kind=kind, at=at, request=request, facts={**facts, **shared}, columns=columns)
