"""Stage 1, intake: octets become values that may be believed, or a reason why not."""

from hanota.process.intake.frames import Asked, Ignored, open_other
from hanota.process.intake.gbcs import Authentic, NotAuthentic, Passed, SealCheck, open_gbcs
from hanota.process.intake.plain import Plain, Sealed, Shut, Spoken, read_plainly, read_wholly
from hanota.process.intake.requests import Opened, Refused, open_request
from hanota.process.intake.statements import Doubted, open_statement

__all__ = [
    "Asked",
    "Authentic",
    "Doubted",
    "Ignored",
    "NotAuthentic",
    "Opened",
    "Passed",
    "Plain",
    "Refused",
    "SealCheck",
    "Sealed",
    "Shut",
    "Spoken",
    "open_gbcs",
    "open_other",
    "open_request",
    "open_statement",
    "read_plainly",
    "read_wholly",
]
