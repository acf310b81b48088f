"""What comes back from homes: kept once, whatever is repeated or replayed, before anything is made of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, insert, or_, select, update

from hanota.base.instant import Instant
from hanota.model.returns import Return
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t

_ID_MAX: Final = (1 << 63) - 1  # a hub may write 64 bits; no delivery has a number beyond SQL's integers


def save_reports(connection: Connection, lane: str, reports: Sequence[Return], now: Instant) -> int:
    """Keep reports that are new. Returns: how many were.

    A report that belongs to no delivery is evidence all the same: it changes the version in the inventory, and its
    event says that no delivery explains it (R25). A clock that runs ahead counts as `now`: nothing is reported before
    it happens, and no device may date its report beyond those that follow.
    """
    fresh = [replace(report, at=min(report.at, now)) for report in _unseen(connection, reports)]
    if not fresh:
        return 0
    explained = _explained(connection, fresh)
    rows = [_row(report, explained.get(report.source), now) for report in fresh]
    connection.execute(insert(t.report), rows)
    _take_orphans(connection, lane, [report for report in fresh if report.source not in explained], now)
    return len(fresh)


def _unseen(connection: Connection, reports: Sequence[Return]) -> list[Return]:
    sources = {report.source: report for report in reversed(reports)}
    standing = connection.execute(select(t.report.c.source).where(t.report.c.source.in_(list(sources)))).scalars()
    for source in standing:
        del sources[source]
    return [report for report in reports if sources.get(report.source) is report]


def _explained(connection: Connection, reports: Sequence[Return]) -> dict[str, int]:
    """Find the delivery that each report speaks of; a hub is heard on deliveries of its own home and no others."""
    d, w = t.delivery, t.work
    numbers = [report.delivery for report in reports if report.delivery is not None and report.delivery <= _ID_MAX]
    named = connection.execute(select(d.c.id, d.c.hub).where(d.c.id.in_(numbers)))
    by_number = {row.id: (row.id, row.hub) for row in named}
    devices = [report.device.signed for report in reports if report.delivery is None]
    at_work = connection.execute(
        select(w.c.device, w.c.delivery, d.c.hub).join(d, d.c.id == w.c.delivery).where(w.c.device.in_(devices))
    )
    by_device = {row.device: (row.delivery, row.hub) for row in at_work}
    found = {}
    for report in reports:
        place = by_device.get(report.device.signed) if report.delivery is None else by_number.get(report.delivery)
        of_itself = report.delivery is None and report.reporter == report.device
        if place is not None and (of_itself or place[1] == report.reporter.signed):
            found[report.source] = place[0]
    return found


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
            older = or_(t.device.c.version_at.is_(None), t.device.c.version_at <= report.at)
            connection.execute(
                update(t.device)
                .where(t.device.c.eui == report.device.signed, older)
                .values(version=report.version, version_at=report.at, version_origin="reported, unexplained")
            )
    append(connection, lane, events)
