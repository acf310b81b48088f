"""Stage 1, intake: octets become values that may be believed, or a reason why not."""

from hanota.process.intake.frames import Asked, HomeFacts, Ignored, MacCheck, Told, read_uplink_frame
from hanota.process.intake.requests import Opened, Refused, open_request

__all__ = [
    "Asked",
    "HomeFacts",
    "Ignored",
    "MacCheck",
    "Opened",
    "Refused",
    "Told",
    "open_request",
    "read_uplink_frame",
]
