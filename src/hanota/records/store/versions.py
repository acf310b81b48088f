"""What devices are heard to run, held against the inventory: a version that nothing here explains is told (R5, R25).

Explained is a version by a delivery that was to bring it, or by a Supplier's signed statement (`statements`). Every
other change is one that somebody made locally: the inventory says so, and each Responsible Supplier hears of it once.
"""

from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.profiles import Activation, types_where
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.alerts import write_mismatch
from hanota.records.store.bulk import staged
from hanota.records.store.explaining import brought_by, judged_by
from hanota.records.store.frames import name_set, read_columns
from hanota.records.store.statements import ATTESTED, UNEXPLAINED, explain

REPORTED: Final = "reported"
_INVENTORY: Final = ("device", "version", "at", "origin")
_KNOWN: Final = {
    "device_type": "device_type",
    "hub": "device_hub",
    "before": "version_smi",
    "before_at": "version_at",
    "before_origin": "version_origin",
}
"""What is known of a device before a report, by the columns of `facts.standing`."""

# What a report of a version comes to.
_STRANGE: Final = "strange"  # by none that may speak for the device, and about no delivery
_SAME: Final = "same"  # the version that the inventory has
_CAME: Final = "came"  # explained, and no stage will say so
_UNTOLD: Final = "unexplained"


def note_versions(
    connection: Connection,
    lane: str,
    heard: pl.DataFrame,
    candidates: pl.DataFrame,
    now: Instant,
    *,
    rows: pl.DataFrame,
    service_level_ms: int,
    attested: bool = False,
) -> pl.DataFrame | None:
    """Take versions into the inventory, where no stage will, and tell of those that nothing explains.

    `heard` are reports (REPORTS) with `row` and `about`, the delivery that each was found to speak of; `rows` are
    deliveries as they stood before. Only the device and the hub that it is joined to are heard. What was reported
    before what the inventory knows changes nothing (I9). Statements explain only where local upgrades are `attested`
    (R26).

    Returns: what the inventory has now where it was changed (_INVENTORY); None if that is to be read again.
    """
    told = heard.filter(pl.col("version").is_not_null())
    if told.is_empty():
        return told.select("device", "version", "at", origin=pl.lit(None, pl.String))
    known = _known(connection, told["device"], rows)
    judged = _judge(_beside(told, candidates), known)
    changes = judged.filter(pl.col("origin").is_not_null())
    changed = changes.unique("device", keep="last", maintain_order=True).select(_INVENTORY)
    if changed.height:
        _write(connection, changed)
    news = judged.filter(pl.col("verdict").is_in([_STRANGE, _CAME, _UNTOLD]))
    append(connection, lane, [_event(row, now) for row in news.iter_rows(named=True)])
    for row in news.filter(pl.col("verdict") == _UNTOLD).iter_rows(named=True):
        device = Eui64.from_signed(row["device"])
        if not (attested and explain(connection, lane, device, now)):
            write_mismatch(connection, lane, row, now=now, service_level_ms=service_level_ms)
    return changed if news.is_empty() else None


def _known(connection: Connection, devices: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    """What the registry has of devices: from what was read with their deliveries, and of others anew."""
    beside = rows.filter(pl.col("device_type").is_not_null()).unique("device")
    known = beside.select("device", **{name: pl.col(its) for name, its in _KNOWN.items()})
    others = devices.filter(~devices.is_in(known["device"].implode()))
    return known if others.is_empty() else pl.concat([known, _registered(connection, others)])


def _registered(connection: Connection, devices: pl.Series) -> pl.DataFrame:
    named, d = name_set(connection, devices), t.device
    query = select(
        d.c.eui.label("device"),
        d.c.device_type,
        d.c.hub,
        d.c.version.label("before"),
        d.c.version_at.label("before_at"),
        d.c.version_origin.label("before_origin"),
    )
    return read_columns(connection, query.select_from(named.join(d, d.c.eui == named.c.id)))


def _beside(told: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """Put beside reports whether a delivery can have brought the version, and whether one will tell of it itself."""
    judged = judged_by(candidates).with_columns(judged=pl.lit(value=True))
    return told.join(judged, on=["row", "about"], how="left", maintain_order="left").with_columns(
        pl.col("judged").fill_null(value=False), brought=pl.col("row").is_in(brought_by(candidates).implode())
    )


def _judge(told: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Give the reports with what is known `before` each of them, its `verdict`, and `origin` where it is taken.

    Reports of one device are judged one after the other, each by what those before it left: the first ones of all
    devices together, then the second ones, and so on.
    """
    turns = told.with_columns(turn=pl.int_range(pl.len()).over("device")).partition_by("turn", maintain_order=True)
    judged: list[pl.DataFrame] = []
    for turn in sorted(turns, key=lambda part: int(part["turn"][0])):
        part = _verdicts(turn.join(known, on="device", how="left", maintain_order="left"))
        judged.append(part)
        left = part.filter(pl.col("origin").is_not_null())
        if len(turns) > 1 and left.height:
            after = left.select("device", before="version", before_at="at", before_origin="origin")
            known = known.update(after, on="device")
    return pl.concat(judged).sort("row")


def _verdicts(told: pl.DataFrame) -> pl.DataFrame:
    """Judge reports of different devices."""
    by_command = types_where(lambda row: row.activation is Activation.SIGNED_COMMAND)
    own = pl.col("reporter") == pl.col("device")
    heard = pl.col("device_type").is_not_null() & (own | (pl.col("reporter") == pl.col("hub")).fill_null(value=False))
    old = (pl.col("before_at") > pl.col("at")).fill_null(value=False)
    # A device that only its Supplier's signed command activates says so, whoever distributed the image.
    commanded = pl.col("device_type").is_in(by_command) & (pl.col("event") == "activation_succeeded") & own
    expected = pl.col("before").is_null() | commanded | pl.col("brought")
    stage_will_tell = pl.col("about").is_not_null()
    verdict = (
        pl.when(~heard)
        .then(pl.when(~stage_will_tell).then(pl.lit(_STRANGE)))
        .when(old)
        .then(None)
        .when((pl.col("before") == pl.col("version")).fill_null(value=False))
        .then(pl.lit(_SAME))
        .when(expected)
        .then(pl.when(~stage_will_tell).then(pl.lit(_CAME)))
        .when(~pl.col("judged"))
        .then(pl.lit(_UNTOLD))
    )
    news = (pl.col("before_origin") == "declared") | (commanded & (pl.col("before_origin") == UNEXPLAINED))
    origin = (
        pl.when(pl.col("verdict") == _SAME)
        .then(pl.when(news).then(pl.lit(REPORTED)).otherwise("before_origin"))
        .when(pl.col("verdict") == _CAME)
        .then(pl.lit(REPORTED))
        .when(pl.col("verdict") == _UNTOLD)
        .then(pl.lit(UNEXPLAINED))
    )
    return told.with_columns(verdict=verdict).with_columns(origin=origin)


def _event(row: dict[str, Any], now: Instant) -> Event:
    """Give the event of one report that no delivery tells of."""
    facts = {"device": str(Eui64.from_signed(row["device"])), "version": row["version"]}
    if row["verdict"] == _CAME:
        return Event(kind="inventory_changed", at=now, facts=facts)
    before = row["before"] if row["verdict"] == _UNTOLD else None
    return Event(kind="unexplained_report", at=now, facts=facts | {"version_before": before, "reported": row["event"]})


def write_reported(
    connection: Connection, lane: str, versions: pl.DataFrame, now: Instant, *, attested: bool = False
) -> pl.DataFrame:
    """Write what stages take from reports (VERSIONS), but for what was reported before what the inventory knows, which
    they were given as facts.

    A version that came locally stays marked so while it is merely read again; another than the one that was to come
    is marked, too, unless local upgrades are `attested` and a statement explains it (R26). Returns: what was taken.
    """
    if versions.is_empty():
        return versions
    taken = versions.filter(pl.col("version_at").is_null() | (pl.col("version_at") <= pl.col("at")))
    if taken.is_empty():
        return versions.clear()
    same = (pl.col("version_smi") == pl.col("version")).fill_null(value=False)
    local = pl.col("version_origin").is_in([UNEXPLAINED, ATTESTED])
    due = (pl.col("version") == pl.col("version_target")) | pl.col("version_smi").is_null()
    origin = (
        pl.when(same & local)
        .then("version_origin")
        .when(same | due)
        .then(pl.lit(REPORTED))
        .otherwise(pl.lit(UNEXPLAINED))
    )
    last = taken.with_columns(origin=origin).unique("device", keep="last", maintain_order=True)
    _write(connection, last.select("device", "version", "at", "origin"))
    if attested:
        for eui in last.filter(pl.col("version") != pl.col("version_target"))["device"].sort():
            explain(connection, lane, Eui64.from_signed(eui), now)
    return taken


def _write(connection: Connection, devices: pl.DataFrame) -> None:
    """Enter version, `at` and origin of each device."""
    v, s = t.device, staged(connection, "inventory", devices)
    values = {"version": s.c.version, "version_at": s.c["at"], "version_origin": s.c.origin}
    connection.execute(update(v).where(v.c.eui == s.c.device).values(values))
