"""What devices are heard to run, held against the inventory: a version that nothing here explains is told (R5, R25).

Explained is a version by a delivery that was to bring it, or by a Supplier's signed statement (`statements`). Every
other change is one that somebody made locally: the inventory says so, and each Responsible Supplier hears of it once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, SECOND, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.model.delivery import ENDS, State
from hanota.model.profiles import PROFILES, Activation
from hanota.model.returns import Return
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.alerts import write_mismatch
from hanota.records.store.bulk import staged
from hanota.records.store.frames import read_frame
from hanota.records.store.requests import request_facts
from hanota.records.store.statements import ATTESTED, UNEXPLAINED, explain

REPORTED: Final = "reported"
_INVENTORY: Final = pl.Schema({"device": pl.Int64, "version": pl.Int64, "at": pl.Int64, "origin": pl.String})
BRINGS_WITHIN_MS: Final = 7 * DAY
"""How long after its end a delivery may still turn out to have worked: by then a device that holds the image has either
activated it, or been told to drop it. What comes later somebody else brought."""

# Ended deliveries whose device has had the whole image, and those whose device may have had it.
_HELD_BY_DEVICE: Final = frozenset({State.ACTIVATION_FAILED, State.VERSION_MISMATCH, State.UNCONFIRMED})
_MAYBE_HELD: Final = frozenset({State.EXPIRED, State.WAN_FAILED, State.RESPONSIBILITY_LOST, State.DEVICE_GONE})


@dataclass(frozen=True, slots=True)
class Heard:
    """A report, the deliveries of its device, and the one among them that it was found to speak of."""

    report: Return
    deliveries: Sequence[Any]  # rows with id, state, since, received_at, version, served
    delivery: int | None


@dataclass(slots=True)
class _Known:
    """What the inventory says of a device, and whether this has changed."""

    eui: int
    device_type: str
    hub: int | None
    version: int | None
    at: int | None
    origin: str
    changed: bool = False

    def take(self, report: Return, origin: str) -> None:
        self.version, self.at, self.origin, self.changed = report.version, report.at, origin, True


def note_versions(
    connection: Connection,
    lane: str,
    heard: Iterable[Heard],
    now: Instant,
    *,
    service_level_ms: int,
    attested: bool = False,
) -> None:
    """Take versions into the inventory, where no stage will, and tell of those that nothing explains.

    Only the device and the hub that it is joined to are heard. What was reported before what the inventory knows
    changes nothing (I9). Statements explain only where local upgrades are `attested` (R26).
    """
    told = [each for each in heard if each.report.version is not None]
    if not told:
        return
    known = _known(connection, {each.report.device.signed for each in told})
    events: list[Event] = []
    mismatches: list[tuple[Return, int]] = []
    for each in told:
        device = known.get(each.report.device.signed)
        if device is None or each.report.reporter.signed not in (device.eui, device.hub):
            if each.delivery is None:
                events.append(_unexplained(each.report, None, now))
            continue
        if device.at is not None and device.at > each.report.at:
            continue
        before = device.version
        event = _take(device, each, now)
        if event is not None:
            events.append(event)
        if event is not None and device.origin == UNEXPLAINED and before is not None:
            mismatches.append((each.report, before))
    changed = [(each.eui, each.version, each.at, each.origin) for each in known.values() if each.changed]
    if changed:
        _write(connection, pl.DataFrame(changed, schema=_INVENTORY, orient="row"))
    append(connection, lane, events)
    for report, before in mismatches:
        if not (attested and explain(connection, lane, report.device, now)):
            write_mismatch(connection, lane, report, before, now=now, service_level_ms=service_level_ms)


def _known(connection: Connection, devices: set[int]) -> dict[int, _Known]:
    d = t.device.c
    query = select(d.eui, d.device_type, d.hub, d.version, d.version_at, d.version_origin).where(d.eui.in_(devices))
    return {row.eui: _Known(*row) for row in connection.execute(query)}


def _take(device: _Known, heard: Heard, now: Instant) -> Event | None:
    """Change what is known of a device by one report. Returns: what is to be told of it."""
    report, before = heard.report, device.version
    commanded = _commanded(device, report)
    if before == report.version:
        news = device.origin == "declared" or (commanded and device.origin == UNEXPLAINED)
        device.take(report, REPORTED if news else device.origin)
        return None
    if before is None or commanded or _brought(heard):
        if heard.delivery is not None:  # its stage will say so
            return None
        device.take(report, REPORTED)
        facts = {"device": str(report.device), "version": report.version}
        return Event(kind="inventory_changed", at=now, facts=facts)
    if _verdict_follows(heard):
        return None
    device.take(report, UNEXPLAINED)
    return _unexplained(report, before, now)


def _unexplained(report: Return, before: int | None, now: Instant) -> Event:
    facts = {
        "device": str(report.device),
        "version": report.version,
        "version_before": before,
        "reported": report.event,
    }
    return Event(kind="unexplained_report", at=now, facts=facts)


def _commanded(device: _Known, report: Return) -> bool:
    """Whether a device that only its Supplier's signed command activates says so, whoever distributed the image."""
    profile = PROFILES.get(DeviceType(device.device_type))
    signed = profile is not None and profile.activation is Activation.SIGNED_COMMAND
    return signed and report.event == "activation_succeeded" and report.reporter.signed == device.eui


def can_have_brought(delivery: Any, at: Instant) -> bool:
    """Whether what a device runs at `at` can have come by this delivery: while it is open, or not long after its end.

    One that ended otherwise (refused, cancelled, discarded, not transferred, …) left the device without an image that
    it may run. `delivery` has state, since and served.
    """
    state = State(delivery.state)
    if state not in ENDS or state is State.CONFIRMED:
        return True
    held = state in _HELD_BY_DEVICE or (state in _MAYBE_HELD and bool(delivery.served))
    return held and at <= delivery.since + BRINGS_WITHIN_MS


def _brought(heard: Heard) -> bool:
    """Whether a delivery that was asked for before the report came can have brought the version.

    What was confirmed once explains nothing that is reported later: then somebody brought the version back.
    """
    report = heard.report
    return any(
        row.version == report.version
        and report.at + SECOND > row.received_at
        and (row.state != State.CONFIRMED or report.at <= row.since)
        and can_have_brought(row, report.at)
        for row in heard.deliveries
    )


def _verdict_follows(heard: Heard) -> bool:
    """Whether a delivery's own verdict will tell of another version: then nothing else has to."""
    return any(row.id == heard.delivery and row.state == State.ACTIVATED for row in heard.deliveries)


def write_reported(
    connection: Connection, lane: str, versions: pl.DataFrame, now: Instant, *, attested: bool = False
) -> pl.DataFrame:
    """Write what stages take from reports (VERSIONS), but for what was reported before what the inventory knows.

    A version that came locally stays marked so while it is merely read again; another than the one that was to come
    is marked, too, unless local upgrades are `attested` and a statement explains it (R26). Returns: what was taken.
    """
    if versions.is_empty():
        return versions
    v, d, s = (
        t.device,
        t.delivery,
        staged(connection, "versions", versions.with_row_index("row").cast({"row": pl.Int64})),
    )
    query = (
        select(
            s.c.row,
            *(s.c[name] for name in versions.columns),
            d.c.request,
            v.c.version.label("before"),
            v.c.version_at.label("before_at"),
            v.c.version_origin.label("origin"),
        )
        .select_from(s.join(v, v.c.eui == s.c.device))
        .join(d, d.c.id == s.c.delivery)
    )
    known = read_frame(connection, query)
    fresh = known.filter(pl.col("before_at").is_null() | (pl.col("before_at") <= pl.col("at"))).sort("row")
    if fresh.is_empty():
        return versions.clear()
    targets = request_facts(connection, fresh["request"].unique()).select("request", target="version_target")
    taken = fresh.join(targets, on="request", how="inner", maintain_order="left")
    same = (pl.col("before") == pl.col("version")).fill_null(value=False)
    local = pl.col("origin").is_in([UNEXPLAINED, ATTESTED])
    due = (pl.col("version") == pl.col("target")) | pl.col("before").is_null()
    origin = pl.when(same & local).then("origin").when(same | due).then(pl.lit(REPORTED)).otherwise(pl.lit(UNEXPLAINED))
    last = taken.with_columns(origin=origin).unique("device", keep="last", maintain_order=True)
    _write(connection, last.select("device", "version", "at", "origin"))
    if attested:
        for eui in last.filter(pl.col("version") != pl.col("target"))["device"].sort():
            explain(connection, lane, Eui64.from_signed(eui), now)
    return taken.select(versions.columns)


def _write(connection: Connection, devices: pl.DataFrame) -> None:
    """Enter version, `at` and origin of each device."""
    v, s = t.device, staged(connection, "inventory", devices)
    values = {"version": s.c.version, "version_at": s.c["at"], "version_origin": s.c.origin}
    connection.execute(update(v).where(v.c.eui == s.c.device).values(values))
