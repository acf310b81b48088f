"""What comes back from homes: kept once, whatever is repeated or replayed, before anything is made of it."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.returns import Return
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t


def save_reports(connection: Connection, lane: str, reports: Sequence[Return], now: Instant) -> int:
    """Keep reports that are new. Returns: how many were.

    A report of a device without open delivery is evidence all the same: it changes the version in the inventory, and
    its event says that no delivery explains it (R25).
    """
    fresh = _unseen(connection, reports)
    if not fresh:
        return 0
    open_work = _open_work(connection, [report for report in fresh if report.delivery is None])
    rows, orphans = [], []
    for report in fresh:
        delivery = report.delivery if report.delivery is not None else open_work.get(report.device)
        if delivery is None:
            orphans.append(report)
        rows.append(_row(report, delivery, now))
    connection.execute(insert(t.report), rows)
    _take_orphans(connection, lane, orphans, now)
    return len(fresh)


def _unseen(connection: Connection, reports: Sequence[Return]) -> list[Return]:
    sources = {report.source: report for report in reversed(reports)}
    standing = connection.execute(select(t.report.c.source).where(t.report.c.source.in_(list(sources)))).scalars()
    for source in standing:
        del sources[source]
    return [report for report in reports if sources.get(report.source) is report]


def _open_work(connection: Connection, reports: Sequence[Return]) -> dict[Eui64, int]:
    devices = [report.device.signed for report in reports]
    query = select(t.work.c.device, t.work.c.delivery).where(t.work.c.device.in_(devices))
    return {Eui64.from_signed(row.device): row.delivery for row in connection.execute(query)}


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
            connection.execute(
                update(t.device)
                .where(t.device.c.eui == report.device.signed)
                .values(version=report.version, version_at=report.at, version_origin="reported, unexplained")
            )
    append(connection, lane, events)
