"""Suppliers' signed statements about local upgrades, and what they explain once the device agrees (R26).

A statement never changes a version in the inventory (I5): it only says how the one came there that the device itself
reports.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, Instant
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t

UNEXPLAINED: Final = "reported, unexplained"
ATTESTED: Final = "reported, attested"
TOLERANCE_MS: Final = 1 * HOUR
"""How much sooner than stated a device may report the version: the clocks are those of a person and of a hub."""
REPORTED_WITHIN_MS: Final = 7 * DAY
"""How much later than stated a device may report the version: a device that is up says it within minutes, and one that
says it later may have got it from anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRecord:
    """A statement that was believed. `octets` is the document as signed."""

    party: Eui64
    device: Eui64
    version: int
    manufacturer_hash: bytes
    done_at: Instant
    done_by: str
    reason: str
    octets: bytes


def keep_statement(connection: Connection, lane: str, record: StatementRecord, now: Instant) -> bool:
    """Keep a statement as evidence; the same octets again are no news. Returns: whether it explains a version now."""
    s = t.statement
    digest = hashlib.sha256(record.octets).digest()
    standing = connection.execute(select(s.c.explained_at).where(s.c.digest == digest)).first()
    if standing is not None:
        return standing.explained_at is not None
    connection.execute(
        insert(s).values(
            digest=digest,
            party=record.party.signed,
            device=record.device.signed,
            version=record.version,
            manufacturer_hash=record.manufacturer_hash,
            done_at=record.done_at,
            received_at=now,
            octets=record.octets,
        )
    )
    facts: dict[str, int | str | None] = {
        "device": str(record.device),
        "version": record.version,
        "party": str(record.party),
        "manufacturer_hash": record.manufacturer_hash.hex(),
        "done_at": record.done_at,
        "done_by": record.done_by,
        "reason": record.reason,
        "digest": digest.hex(),
    }
    append(connection, lane, [Event(kind="local_upgrade_stated", at=now, facts=facts)])
    return explain(connection, lane, record.device, now)


def explain(connection: Connection, lane: str, device: Eui64, now: Instant) -> bool:
    """Let the latest statement that fits explain what a device runs. Returns: whether there is one.

    It fits if nothing else explains the version, it names that one, and the device reported it no sooner than it was
    done, and soon after. One statement explains one change. To be called only where local upgrades are attested.
    """
    s, d = t.statement.c, t.device.c
    found = connection.execute(
        select(s.id, s.digest, s.party, s.version)
        .join(t.device, d.eui == s.device)
        .where(
            s.device == device.signed,
            s.explained_at.is_(None),
            d.version_origin == UNEXPLAINED,
            d.version == s.version,
            d.version_at + TOLERANCE_MS >= s.done_at,
            d.version_at <= s.done_at + REPORTED_WITHIN_MS,
        )
        .order_by(s.id.desc())
        .limit(1)
    ).first()
    if found is None:
        return False
    connection.execute(update(t.statement).where(s.id == found.id).values(explained_at=now))
    connection.execute(update(t.device).where(d.eui == device.signed).values(version_origin=ATTESTED))
    facts: dict[str, int | str | None] = {
        "device": str(device),
        "version": found.version,
        "party": str(Eui64.from_signed(found.party)),
        "digest": found.digest.hex(),
    }
    append(connection, lane, [Event(kind="local_upgrade_explained", at=now, facts=facts)])
    return True
