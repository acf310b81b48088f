"""Stage 1, intake: octets become values that may be believed, or a reason why not."""

from hanota.process.intake.frames import Asked, HomeFacts, Ignored, Told, nodes_named, read_uplink_frame
from hanota.process.intake.gbcs import Authentic, MacCheck, NotAuthentic, open_gbcs
from hanota.process.intake.requests import Opened, Refused, open_request
from hanota.process.intake.statements import Doubted, open_statement

__all__ = [
    "Asked",
    "Authentic",
    "Doubted",
    "HomeFacts",
    "Ignored",
    "MacCheck",
    "NotAuthentic",
    "Opened",
    "Refused",
    "Told",
    "nodes_named",
    "open_gbcs",
    "open_request",
    "open_statement",
    "read_uplink_frame",
]
