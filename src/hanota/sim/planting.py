"""How a bug is made out of right code: small changes that several planted bugs share."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import polars as pl

from hanota.wire.wan.codec import read_kind
from hanota.wire.wan.tables import Place

Change = Callable[[Any], Any]
"""Makes the faulty thing out of the right one."""


def always(value: object) -> Change:
    """A function that does nothing but give `value`."""
    return lambda _: lambda *_, **__: value


def fixed(value: object) -> Change:
    """A property that is always the same."""
    return lambda _: property(lambda _: value)


def never_again(backoff: Any) -> Any:
    """A wait that outlasts every run."""
    return type(backoff)(first_ms=10**12, longest_ms=10**12)


def without(*names: str) -> Change:
    """Leave rows out of a table of checks; a row is named by its first field or its reason."""

    def change(table: Any) -> Any:
        return tuple(row for row in table if str(row[0] if isinstance(row, tuple) else row.reason) not in names)

    return change


def taking(*rows: tuple[str, str, str]) -> Change:
    """Let the table of a delivery's moves have other rows: state, event, next state."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        more = pl.DataFrame(rows, schema=table.schema, orient="row")
        return pl.concat([table.join(more, on=["state", "event"], how="anti"), more])

    return change


def losing_alert(kind: str) -> Change:
    """Lose one kind of alert."""

    def change(write: Any) -> Any:
        return lambda connection, alerts, *rest, **named: write(
            connection, alerts.filter(pl.col("kind") != kind), *rest, **named
        )

    return change


def losing_report(event: str) -> Change:
    """Acknowledge one kind of report and not keep it."""

    def change(save: Any) -> Any:
        return lambda connection, lane, reports, *rest, **named: save(
            connection, lane, reports.filter(pl.col("event") != event), *rest, **named
        )

    return change


def guessing(write: Any) -> Any:
    """Write a version that is one above the one reported."""
    return lambda connection, lane, versions, *rest, **named: write(
        connection, lane, versions.with_columns(pl.col("version") + 1), *rest, **named
    )


def moved_block(take: Any) -> Any:
    """Take any block for the one that comes next."""
    return lambda download, block, offer, turn: take(
        download, dataclasses.replace(block, offset=download.got_octets), offer, turn
    )


def believed(openers: Any) -> Any:
    """Read what is signed without a look at the signature."""
    del openers
    return lambda signed, _key: read_kind(signed.body, Place.ORDER, Place.REPORT)


def taken_by_nobody(note: Any) -> Any:
    """Count every post as one that its party took."""

    def landed() -> Future[None]:
        future: Future[None] = Future()
        future.set_result(None)
        return future

    return lambda posting, message, _flight: note(posting, message, landed())
