"""What comes back from homes: kept once, whatever is repeated or replayed, before anything is made of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from hanota.base.errors import Fault, HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.policies import AlertPolicy
from hanota.model.returns import Return, Row, row_of
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.bulk import insert_frame, staged
from hanota.records.store.explaining import candidates_of, explained_by
from hanota.records.store.frames import read_frame
from hanota.records.store.refusals import keep_refusals
from hanota.records.store.spoken import spoken
from hanota.records.store.turns import reserve, serialise, writes_alone
from hanota.records.store.versions import note_versions
from hanota.records.store.work import claim_quiet, facts_for

REPORTS: Final = pl.Schema(
    {
        "source": pl.String,
        "reporter": pl.Int64,
        "at": pl.Int64,
        "event": pl.String,
        "device": pl.Int64,
        "octets": pl.Binary,
        "delivery": pl.Int64,  # as named by a hub; null: the report names its device only
        "version": pl.Int64,
        "image_version": pl.Int64,
        "image_hash": pl.Binary,
        "result": pl.Int64,
        "offset": pl.Int64,
        "blocks": pl.Int64,
        "repeats": pl.Int64,
        "until": pl.Int64,
    }
)
"""Reports as columns, named like the fields of `Return` and in their order; EUIs as columns keep them."""

Reports = Sequence[Return] | pl.DataFrame
"""Reports as values, or as columns (REPORTS)."""

_STRANGER: Final = "stranger_refused"
_SERVICE_LEVEL_MS: Final = AlertPolicy().service_level_ms
_NUMBER_MAX: Final = (1 << 63) - 1  # a hub may write 64 bits; SQL's integers end here, and so do columns
_NO_DELIVERY: Final = -1
_NOTHING: Final[Mapping[str, int]] = {}
_KEPT: Final = (
    "source",
    "at",
    "event",
    "device",
    "version",
    "result",
    "offset",
    "blocks",
    "repeats",
    "until",
    "octets",
)


def columns_of(rows: Iterable[Row]) -> pl.DataFrame:
    """Give reports as columns (REPORTS)."""
    values = zip(*rows, strict=True)
    columns = dict(zip(REPORTS, values, strict=False))
    if not columns:
        return REPORTS.to_frame()
    columns["at"] = tuple(min(at, _NUMBER_MAX) for at in columns["at"])
    columns["delivery"] = tuple(_NO_DELIVERY if (it or 0) > _NUMBER_MAX else it for it in columns["delivery"])
    return pl.DataFrame(columns, schema=REPORTS)


class KeptElsewhere(HanotaError):
    """Another worker was keeping the same reports at this moment: the database refused them, nothing was written."""

    code, fault, retryable = "HOTA-STORE-023", Fault.US, True
    what = "of {reports} reports, some are being kept by another worker"
    remedy = "they are kept by themselves, each once; if it comes again, report this with the log lines around it"


@dataclass(frozen=True, slots=True)
class Kept:
    """The sources of the reports that were new, and, as `work.claim` gives it, what may be decided on at once."""

    sources: frozenset[str] = frozenset()
    claimed: pl.DataFrame = field(default_factory=pl.DataFrame)


def save_reports(
    connection: Connection,
    lane: str,
    reports: Reports,
    now: Instant,
    *,
    service_level_ms: int = _SERVICE_LEVEL_MS,
    attested: bool = False,
    at_once: Mapping[str, int] = _NOTHING,
) -> Kept:
    """Keep reports that are new; `attested` tells whether statements explain versions.

    A report that belongs to no delivery is evidence all the same, and a version that none explains is told (R25). A
    clock that runs ahead counts as `now`: nothing is reported before it happens, and no device may date its report
    beyond those that follow. Reports may be given as columns (REPORTS).

    What may be decided at once (`spoken`; `at_once` gives the stage of each event) is claimed and kept as taken: what
    stages make of it must be written in this transaction. Where something waits already, or another worker has the
    delivery, the report waits to be claimed. Raises KeptElsewhere, with `at_once` on PostgreSQL: ask again without.
    """
    if not at_once:
        serialise(connection, "reports")  # what hubs repeat may be at another worker at this moment
    heard = _fresh(connection, reports, now)
    if heard.is_empty():
        return Kept()
    candidates, rows = candidates_of(connection, heard)
    heard = heard.join(explained_by(candidates), on="row", how="left", maintain_order="left")
    said = spoken(heard, at_once)
    taken = claim_quiet(connection, said["delivery"].unique(), now) if said.height else said["delivery"]
    _keep(connection, heard, taken, now)
    _note(connection, lane, heard, now)
    changed = note_versions(
        connection, lane, heard, candidates, now, rows=rows, service_level_ms=service_level_ms, attested=attested
    )
    sources = frozenset(heard["source"])
    if taken.is_empty():
        return Kept(sources)
    said = said.filter(pl.col("delivery").is_in(taken.implode()))
    left = _left(rows, taken, changed) if writes_alone(connection) else None
    return Kept(sources, facts_for(connection, said, now, left))


def _left(rows: pl.DataFrame, taken: pl.Series, changed: pl.DataFrame | None) -> pl.DataFrame | None:
    """Give deliveries as they stand after versions were noted; None if that is to be read."""
    if changed is None:
        return None
    claimed = rows.filter(pl.col("delivery").is_in(taken.implode()))
    now = changed.select("device", version_smi="version", version_at="at", version_origin="origin")
    return claimed if now.is_empty() else claimed.update(now, on="device")


def _fresh(connection: Connection, reports: Reports, now: Instant) -> pl.DataFrame:
    """Give the reports that are new, with their numbers here, `row`, and in the store, `report`.

    They come device by device, those of one in their order: what lies together in the store is then written together.
    """
    told = reports if isinstance(reports, pl.DataFrame) else columns_of(map(row_of, reports))
    unseen = _unseen(connection, told.sort("device", maintain_order=True))
    if unseen.is_empty():
        return unseen
    numbers = pl.int_range(pl.len(), dtype=pl.Int64)
    return unseen.with_columns(
        pl.min_horizontal("at", pl.lit(now, pl.Int64)).alias("at"),
        row=numbers,
        report=numbers + reserve(connection, t.report, unseen.height),
    )


def _keep(connection: Connection, heard: pl.DataFrame, taken: pl.Series, now: Instant) -> None:
    done = pl.col("about").is_null()
    if taken.len():
        done |= pl.col("about").is_in(taken.implode())
    rows = heard.select(*_KEPT, id="report", delivery="about", taken=done)
    try:
        insert_frame(connection, t.report, rows, received_at=now)
    except IntegrityError as error:
        raise KeptElsewhere(reports=rows.height) from error


def _note(connection: Connection, lane: str, heard: pl.DataFrame, now: Instant) -> None:
    """Take from reports what no stage will, but for versions: refusals, and evidence without a delivery."""
    no = (pl.col("event") == "consumer_refused") & pl.col("until").is_not_null() & pl.col("about").is_not_null()
    keep_refusals(connection, heard.filter(no).select("about", "at", "until").iter_rows())
    append(connection, lane, _orphans(heard.filter(pl.col("about").is_null()), now))


def tell_deliveries(
    connection: Connection, change: str, event: str, deliveries: Iterable[tuple[int, int]], now: Instant
) -> None:
    """Keep for deliveries (number, device) what a change of their home means to them; stages take it like a report.

    `change` says which one it was and is the evidence. Hubs and devices can't cause these events (OF_THE_REGISTRY).
    """
    same = {"received_at": now, "at": now, "event": event, "octets": change.encode(), "taken": False}
    rows = [
        {"source": f"registry {change} {now}/{number}", "delivery": number, "device": device}
        for number, device in deliveries
    ]
    if rows:
        connection.execute(insert(t.report).values(same), rows)


def _unseen(connection: Connection, reports: pl.DataFrame) -> pl.DataFrame:
    once = reports.unique("source", keep="first", maintain_order=True)
    s, r = staged(connection, "sources", once.select("source")), t.report
    standing = read_frame(connection, select(r.c.source).select_from(s.join(r, r.c.source == s.c.source)))
    return once.join(standing, on="source", how="anti", maintain_order="left")


def _orphans(orphans: pl.DataFrame, now: Instant) -> list[Event]:
    """Give the events of what belongs to no delivery; of versions, `versions` tells."""
    events = []
    for row in orphans.filter((pl.col("event") == _STRANGER) | pl.col("version").is_null()).iter_rows(named=True):
        device = str(Eui64.from_signed(row["device"]))
        if row["event"] == _STRANGER:
            facts = {"hub": str(Eui64.from_signed(row["reporter"])), "node": device, "attempts": row["result"]}
            events.append(Event(kind=_STRANGER, at=now, facts=facts))
        else:
            facts = {"device": device, "version": None, "reported": row["event"]}
            events.append(Event(kind="unexplained_report", at=now, facts=facts))
    return events
