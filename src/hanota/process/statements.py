"""Statements about local upgrades: believed if a Responsible Supplier signed them, kept as evidence (R26).

A statement never changes the inventory (I5). It explains a version once the device's own report agrees, whichever of
the two comes first.
"""

from typing import Final

from hanota.base.errors import Fault, HanotaError
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.parties import UserRole
from hanota.model.policies import Policies
from hanota.model.statements import STATEMENT_REFUSALS, StatementReason
from hanota.process.intake import Doubted, open_statement
from hanota.records.registry import inventory as known
from hanota.records.registry.certificates import find_certificate
from hanota.records.registry.lookups import find_party, product_standing
from hanota.records.store import Connection, Store
from hanota.records.store.statements import TOLERANCE_MS, StatementRecord, keep_statement
from hanota.wire.statements import LocalUpgradeStatement

_SUPPLIERS: Final = frozenset({UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER})


class StatementRefused(HanotaError):
    """A statement that was not believed (facts: reason, text, detail)."""

    code, fault = "HOTA-STMT-010", Fault.REQUESTER
    what = "the statement is refused, {reason}: {text}{detail}"
    remedy = "{advice}"

    def __init__(self, reason: StatementReason = StatementReason.NOT_A_STATEMENT, detail: str = "") -> None:
        row = STATEMENT_REFUSALS[reason]
        told = f" ({detail})" if detail else ""
        super().__init__(reason=reason.value, text=row.text, detail=told, advice=row.remedy)
        self.reason = reason


def take_statement(store: Store, lane: str, octets: bytes, policies: Policies, now: Instant) -> bool:
    """Judge a signed statement and keep it. Returns: whether it explains a version already. Raises StatementRefused.

    The same octets again are no news. What is refused is not kept.
    """
    if not policies.local_upgrade.attested:
        raise StatementRefused(StatementReason.LOCAL_UPGRADES_BANNED)
    with store.reading() as connection:
        opened = open_statement(octets, lambda issuer, serial: find_certificate(connection, issuer, serial), now)
    if isinstance(opened, Doubted):
        raise StatementRefused(opened.reason, opened.detail)
    with store.writing() as connection:
        failed = _failed(connection, opened, now)
        if failed is not None:
            raise StatementRefused(failed, f"device {opened.device}, party {opened.party}")
        record = StatementRecord(
            party=opened.party,
            device=opened.device,
            version=opened.version,
            manufacturer_hash=opened.manufacturer_hash,
            done_at=opened.done_at,
            done_by=opened.done_by,
            reason=opened.reason,
            octets=octets,
        )
        return keep_statement(connection, lane, record, now)


def _failed(connection: Connection, stated: LocalUpgradeStatement, now: Instant) -> StatementReason | None:
    """Hold a statement against what is known; responsibility counts as of when the upgrade was done (I3)."""
    if stated.done_at > now + TOLERANCE_MS:
        return StatementReason.NOT_DONE_YET
    device = known.find_device(connection, stated.device)
    if device is None:
        return StatementReason.DEVICE_UNKNOWN
    party = find_party(connection, stated.party)
    supplier = party is not None and bool(party.roles & _SUPPLIERS)
    if not supplier or not known.eligible(connection, stated.device, stated.party, stated.done_at):
        return StatementReason.NOT_RESPONSIBLE
    standing = product_standing(
        connection,
        manufacturer_hash=stated.manufacturer_hash,
        manufacturer=device.manufacturer,
        image_type=device.image_type,
        version=stated.version,
    )
    return None if standing is CplStatus.ACTIVE else StatementReason.IMAGE_NOT_LISTED
