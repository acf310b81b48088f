"""What comes back from homes: kept once, whatever is repeated or replayed, before anything is made of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, select, update

from hanota.base.instant import SECOND, Instant
from hanota.model.delivery import ENDS
from hanota.model.returns import Return
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t

_ID_MAX: Final = (1 << 63) - 1  # a hub may write 64 bits; no delivery has a number beyond SQL's integers

_Named = tuple[str, int]  # a delivery by its number, or a device by its EUI


def save_reports(connection: Connection, lane: str, reports: Sequence[Return], now: Instant) -> frozenset[str]:
    """Keep reports that are new. Returns: the sources of those that were.

    A report that belongs to no delivery is evidence all the same: it changes the version in the inventory, and its
    event says that no delivery explains it (R25). A clock that runs ahead counts as `now`: nothing is reported before
    it happens, and no device may date its report beyond those that follow.
    """
    fresh = [replace(report, at=min(report.at, now)) for report in _unseen(connection, reports)]
    if not fresh:
        return frozenset()
    explained = _explained(connection, fresh)
    rows = [_row(report, explained.get(report.source), now) for report in fresh]
    connection.execute(insert(t.report), rows)
    _take_orphans(connection, lane, [report for report in fresh if report.source not in explained], now)
    return frozenset(report.source for report in fresh)


def _unseen(connection: Connection, reports: Sequence[Return]) -> list[Return]:
    sources = {report.source: report for report in reversed(reports)}
    standing = connection.execute(select(t.report.c.source).where(t.report.c.source.in_(list(sources)))).scalars()
    for source in standing:
        del sources[source]
    return [report for report in reports if sources.get(report.source) is report]


def _explained(connection: Connection, reports: Sequence[Return]) -> dict[str, int]:
    """Find the delivery that each report speaks of; a hub is heard on deliveries of its own home and no others."""
    candidates = _candidates(connection, reports)
    found = {}
    for report in reports:
        fitting = next((row for row in candidates.get(_named(report), ()) if _fits(report, row)), None)
        if fitting is not None:
            found[report.source] = fitting.id
    return found


def _candidates(connection: Connection, reports: Sequence[Return]) -> dict[_Named, list[Any]]:
    """Give the delivery of each number named, and the deliveries of each device named, newest first."""
    d, r, i = t.delivery, t.request, t.image
    numbers = [report.delivery for report in reports if report.delivery is not None and report.delivery <= _ID_MAX]
    devices = [report.device.signed for report in reports if report.delivery is None]
    query = (
        select(d.c.id, d.c.device, d.c.hub, d.c.state, r.c.received_at, i.c.version, i.c.manufacturer_hash)
        .join(r, r.c.id == d.c.request)
        .join(i, i.c.hash == r.c.image)
        .order_by(d.c.id.desc())
    )
    rows: dict[_Named, list[Any]] = {}
    for row in connection.execute(query.where(d.c.id.in_(numbers))):
        rows["delivery", row.id] = [row]
    for row in connection.execute(query.where(d.c.device.in_(devices))):
        rows.setdefault(("device", row.device), []).append(row)
    return rows


def _named(report: Return) -> _Named:
    return ("device", report.device.signed) if report.delivery is None else ("delivery", report.delivery)


def _fits(report: Return, delivery: Any) -> bool:
    """Whether a report can be about this delivery: by who says it, when, and of which version.

    Reports may come late, even after the next update of the device was asked for: then they are about the last one.
    """
    if report.delivery is not None:  # only hubs know numbers
        return bool(report.reporter.signed == delivery.hub)
    if report.reporter.signed not in (delivery.hub, delivery.device):
        return False
    if report.event == "version_read":  # asked for by us: about what is open, else about what put that version there
        return delivery.state not in ENDS or delivery.version == report.version
    in_time = report.at + SECOND > delivery.received_at  # GBCS writes whole seconds
    if report.image_hash is not None:
        return in_time and bool(report.image_hash == delivery.manufacturer_hash)
    about = report.image_version if report.image_version is not None else report.version
    failed = report.event in ("activation_failed", "image_missing")  # names the version that went on running
    return in_time and (failed or about == delivery.version)


def _row(report: Return, delivery: int | None, now: Instant) -> dict[str, object]:
    return {
        "source": report.source,
        "received_at": now,
        "at": report.at,
        "event": report.event,
        "device": report.device.signed,
        "delivery": delivery,
        "version": report.version,
        "result": report.result,
        "offset": report.offset,
        "blocks": report.blocks,
        "repeats": report.repeats,
        "octets": report.octets,
        "taken": delivery is None,
    }


def _take_orphans(connection: Connection, lane: str, orphans: Sequence[Return], now: Instant) -> None:
    events = []
    for report in orphans:
        facts = {"device": str(report.device), "version": report.version, "reported": report.event}
        events.append(Event(kind="unexplained_report", at=now, facts=facts))
        if report.version is not None:
            other = or_(t.device.c.version.is_(None), t.device.c.version != report.version)
            older = or_(t.device.c.version_at.is_(None), t.device.c.version_at <= report.at)
            connection.execute(
                update(t.device)
                .where(t.device.c.eui == report.device.signed, older, other)
                .values(version=report.version, version_at=report.at, version_origin="reported, unexplained")
            )
    append(connection, lane, events)
