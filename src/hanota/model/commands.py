"""A command to a device on behalf of a User, 11.2 or 11.3: its states, and which service asks what of which device.

Source: domain 1.5, 2.2, 4.3; GBCS CS06, CS08, ECS52, GCS38.
"""

from enum import StrEnum
from typing import Final

from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.model.lifecycle import lifecycle


class CommandState(StrEnum):
    """States of a command; the name is what the store keeps."""

    WAITING = "WAITING"
    SENT = "SENT"
    HANDED_OVER = "HANDED_OVER"
    DATED = "DATED"
    ANSWERED = "ANSWERED"
    UNANSWERED = "UNANSWERED"
    CANCELLED = "CANCELLED"
    REFUSED = "REFUSED"


COMMAND: Final = lifecycle(
    "command",
    start=CommandState.WAITING,
    terminal=("ANSWERED", "UNANSWERED", "CANCELLED", "REFUSED"),
    table="""
    WAITING           sent             SENT         # at its execution time, else at once
    WAITING           handed_over      HANDED_OVER  # command variants 2 and 6: the User brings it to the device
    WAITING           cancelled        CANCELLED    # a future-dated read that its User called off
    WAITING           deadline_passed  UNANSWERED
    WAITING|SENT      not_responsible  REFUSED      # I3: judged again whenever it is to be sent
    WAITING|SENT      device_gone      UNANSWERED   # it has left its home
    HANDED_OVER|DATED device_gone      UNANSWERED
    SENT              sent             SENT         # again, as long as no answer comes
    SENT|HANDED_OVER  answered         ANSWERED
    SENT|HANDED_OVER  date_accepted    DATED        # CS06: commandAccepted, the device will act at its time
    SENT|HANDED_OVER  deadline_passed  UNANSWERED
    DATED             answered         ANSWERED     # the alert of the dated activation
    DATED             deadline_passed  UNANSWERED
    DATED             cancelled        CANCELLED    # the device took a later command in its place
    """,
)

CANCEL_TIME: Final[Instant] = parse_iso("3000-12-31T00:00:00Z")
"""ExecutionDateTime that calls a future-dated request off (DUIS; the templates' cancellation)."""

READABLE: Final = frozenset(
    {DeviceType.ESME, DeviceType.GSME, DeviceType.CHF, DeviceType.GPF, DeviceType.PPMID, DeviceType.HCALCS}
)
"""Devices with GBCS credentials: their version can be read by 11.2."""

ACTIVATED_BY_COMMAND: Final = frozenset({DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS})
"""Devices that 11.3 is for; a PPMID is activated by its hub (domain 1.2)."""

COMMANDABLE: Final = {
    "11.2": frozenset({DeviceStatus.COMMISSIONED, DeviceStatus.INSTALLED_NOT_COMMISSIONED, DeviceStatus.SUSPENDED}),
    "11.3": frozenset({DeviceStatus.COMMISSIONED, DeviceStatus.SUSPENDED}),
}
"""In which statuses a device takes the command of a service; 11.2 reads Suspended ones since MP105 (domain 2.6)."""
