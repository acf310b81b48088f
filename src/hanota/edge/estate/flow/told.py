"""What a home says of a delivery, in the order in which it says it."""

from enum import StrEnum
from typing import Final


class Told(StrEnum):
    """One kind of uplink: receipts of the hub, then the messages that decide."""

    ACCEPTED = "accepted"
    HELD = "held"
    TRANSFERRING = "transferring"
    TRANSFERRED = "transferred"
    CCS08 = "ccs08"  # the hub: how the transfer ended
    CS09 = "cs09"  # the device: whether it activated the image
    VERSION = "version"  # the device's CS08, or its hub's word for it: what it runs
    BUSY = "busy"  # the hub has no slot for the order now
    CANCELLED = "cancelled"


RECEIPTS: Final = frozenset({Told.ACCEPTED, Told.HELD, Told.TRANSFERRING, Told.TRANSFERRED, Told.BUSY, Told.CANCELLED})
WHOLE: Final = frozenset(Told)
"""All that a hub says, a receipt for each tenth of the image among it."""

BRIEF: Final = frozenset({Told.CCS08, Told.CS09, Told.VERSION, Told.BUSY, Told.CANCELLED})
"""Only what moves a delivery on that goes well: three messages."""
