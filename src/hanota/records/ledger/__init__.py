"""The evidence: an append-only, chained log of everything that happened."""

from hanota.records.ledger.chain import ChainReport, Event
from hanota.records.ledger.log import append, story, verify

__all__ = ["ChainReport", "Event", "append", "story", "verify"]
