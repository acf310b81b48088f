"""The evidence: an append-only, chained log of everything that happened."""

from hanota.records.ledger.chain import ChainReport, Event
from hanota.records.ledger.log import append, entered, last_number, story, verify

__all__ = ["ChainReport", "Event", "append", "entered", "last_number", "story", "verify"]
