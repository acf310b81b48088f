"""The evidence: an append-only, chained log of everything that happened."""

from hanota.records.ledger.batches import batch_event
from hanota.records.ledger.chain import ChainReport, Event
from hanota.records.ledger.log import append, entered, last_number, story, verify

__all__ = ["ChainReport", "Event", "append", "batch_event", "entered", "last_number", "story", "verify"]
