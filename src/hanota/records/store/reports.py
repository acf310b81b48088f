"""What comes back from homes: kept once, whatever is repeated or replayed, before anything is made of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, select, tuple_

from hanota.base.instant import SECOND, Instant
from hanota.model.delivery import CONSENT_REPORTS, ENDS
from hanota.model.policies import AlertPolicy
from hanota.model.returns import Return
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.refusals import keep_refusals
from hanota.records.store.versions import Heard, can_have_brought, note_versions

_STRANGER: Final = "stranger_refused"
_SERVICE_LEVEL_MS: Final = AlertPolicy().service_level_ms
# Reports after which a device holds an image.
_HOLDS_IMAGE: Final = frozenset({"transferred", *CONSENT_REPORTS})
_ID_MAX: Final = (1 << 63) - 1  # a hub may write 64 bits; no delivery has a number beyond SQL's integers

_Named = tuple[str, int]  # a delivery by its number, or a device by its EUI


def save_reports(
    connection: Connection,
    lane: str,
    reports: Sequence[Return],
    now: Instant,
    *,
    service_level_ms: int = _SERVICE_LEVEL_MS,
    attested: bool = False,
) -> frozenset[str]:
    """Keep reports that are new; `attested` tells whether statements explain versions. Returns: the sources of the new.

    A report that belongs to no delivery is evidence all the same, and a version that none explains is told (R25). A
    clock that runs ahead counts as `now`: nothing is reported before it happens, and no device may date its report
    beyond those that follow.
    """
    fresh = [replace(report, at=min(report.at, now)) for report in _unseen(connection, reports)]
    if not fresh:
        return frozenset()
    candidates = _candidates(connection, fresh)
    explained = _explained(candidates, fresh)
    rows = [_row(report, explained.get(report.source), now) for report in fresh]
    connection.execute(insert(t.report), rows)
    keep_refusals(connection, _refusals(fresh, explained))
    append(connection, lane, _orphans([report for report in fresh if report.source not in explained], now))
    heard = [
        Heard(report, candidates.get(("device", report.device.signed), ()), explained.get(report.source))
        for report in fresh
    ]
    note_versions(connection, lane, heard, now, service_level_ms=service_level_ms, attested=attested)
    return frozenset(report.source for report in fresh)


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


def _unseen(connection: Connection, reports: Sequence[Return]) -> list[Return]:
    sources = {report.source: report for report in reversed(reports)}
    standing = connection.execute(select(t.report.c.source).where(t.report.c.source.in_(list(sources)))).scalars()
    for source in standing:
        del sources[source]
    return [report for report in reports if sources.get(report.source) is report]


def _explained(candidates: Mapping[_Named, Sequence[Any]], reports: Sequence[Return]) -> dict[str, int]:
    """Find the delivery that each report speaks of; a hub is heard on deliveries of its own home and no others."""
    found = {}
    for report in reports:
        fitting = next((row for row in candidates.get(_named(report), ()) if _fits(report, row)), None)
        if fitting is not None:
            found[report.source] = fitting.id
    return found


def _candidates(connection: Connection, reports: Sequence[Return]) -> dict[_Named, list[Any]]:
    """Give the delivery of each number named, and the deliveries of each device named, newest first.

    `served` is whether its hub has given the device any of the image, as far as was reported, now or before.
    """
    d, r, i, said = t.delivery, t.request, t.image, t.report.c
    numbers = [report.delivery for report in reports if report.delivery is not None and report.delivery <= _ID_MAX]
    devices = [report.device.signed for report in reports if report.delivery is None]
    now = {
        (report.delivery, report.reporter.signed)
        for report in reports
        if report.delivery is not None
        and report.delivery <= _ID_MAX
        and (report.offset or report.event in _HOLDS_IMAGE)
    }
    before = select(said.id).where(said.delivery == d.c.id, (said.offset > 0) | said.event.in_(_HOLDS_IMAGE)).exists()
    served = or_(d.c.offset > 0, before, tuple_(d.c.id, d.c.hub).in_(sorted(now))).label("served")
    query = (
        select(d.c.id, d.c.device, d.c.hub, d.c.state, d.c.since, r.c.received_at, i.c.version, i.c.manufacturer_hash)
        .join(r, r.c.id == d.c.request)
        .join(i, i.c.hash == r.c.image)
        .order_by(d.c.id.desc())
    )
    rows: dict[_Named, list[Any]] = {}
    for row in connection.execute(query.where(d.c.id.in_(numbers))):
        rows["delivery", row.id] = [row]
    for row in connection.execute(query.add_columns(served).where(d.c.device.in_(devices))):
        rows.setdefault(("device", row.device), []).append(row)
    return rows


def _named(report: Return) -> _Named:
    return ("device", report.device.signed) if report.delivery is None else ("delivery", report.delivery)


def _fits(report: Return, delivery: Any) -> bool:
    """Whether a report can be about this delivery: by who says it, when, and of which version.

    Reports may come late, even after the next update of the device was asked for: then they are about the last one.
    A version that runs is no word about a delivery that can't have brought it.
    """
    if report.delivery is not None:  # only hubs know numbers
        return bool(report.reporter.signed == delivery.hub)
    if report.reporter.signed not in (delivery.hub, delivery.device):
        return False
    failed = report.event in ("activation_failed", "image_missing")  # names the version that went on running
    if report.version is not None and not failed and not can_have_brought(delivery, report.at):
        return False
    if report.event == "version_read":  # asked for by us: about what is open, else about what put that version there
        return delivery.state not in ENDS or delivery.version == report.version
    in_time = report.at + SECOND > delivery.received_at  # GBCS writes whole seconds
    if report.image_hash is not None:
        return in_time and bool(report.image_hash == delivery.manufacturer_hash)
    about = report.image_version if report.image_version is not None else report.version
    return in_time and (failed or about == delivery.version)


def _refusals(reports: Sequence[Return], explained: dict[str, int]) -> list[tuple[int, Instant, Instant]]:
    return [
        (explained[report.source], report.at, report.until)
        for report in reports
        if report.event == "consumer_refused" and report.until is not None and report.source in explained
    ]


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
        "until": report.until,
        "octets": report.octets,
        "taken": delivery is None,
    }


def _orphans(orphans: Sequence[Return], now: Instant) -> list[Event]:
    """Give the events of what belongs to no delivery; of versions, `versions` tells."""
    events = []
    for report in orphans:
        if report.event == _STRANGER:
            facts = {"hub": str(report.reporter), "node": str(report.device), "attempts": report.result}
            events.append(Event(kind=_STRANGER, at=now, facts=facts))
        elif report.version is None:
            facts = {"device": str(report.device), "version": None, "reported": report.event}
            events.append(Event(kind="unexplained_report", at=now, facts=facts))
    return events
