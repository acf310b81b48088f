"""Addresses and ZCL headers between zigpy's forms and hanota's.

hanota spells a frame in one way only. Real devices differ in the bit "disable default response", so headers are read
openly here and written as hanota's nodes expect them.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import zigpy.types as t

from hanota.base.eui import EUI64_OCTETS, Eui64
from hanota.wire.zcl import OTA_CLUSTER, Side, ZclMalformed, ZclUnknown, read_command
from hanota.wire.zcl.tables import FRAME_CONTROL, GENERAL_CONTROL, MESSAGING_CLUSTER, ROWS

_TYPE, _MANUFACTURER, _FROM_SERVER, _QUIET = 0x03, 0x04, 0x08, 0x10  # bits of frame control (ZCL 2.4.1.1)
_GLOBAL, _CLUSTER = 0x00, 0x01
_DEFAULT_RESPONSE: Final = 0x0B  # ZCL 2.5.12
_GET_LAST_MESSAGE: Final = 0x00
_SHARED: Final = frozenset((row.cluster, row.sender, row.number) for row in ROWS if row.general)


class DefaultStatus(IntEnum):
    """What a Default Response may say here (ZCL 2.6.3)."""

    SUCCESS = 0x00
    MALFORMED_COMMAND = 0x80
    UNSUP_COMMAND = 0x81
    NOT_FOUND = 0x8B


def zigpy_eui(eui: Eui64) -> t.EUI64:
    """Give an EUI-64 in zigpy's form, which holds the octets as they travel: the least significant first."""
    return t.EUI64.deserialize(eui.octets[::-1])[0]


def hanota_eui(ieee: t.EUI64) -> Eui64:
    """Give an EUI-64 in hanota's form."""
    octets = ieee.serialize()
    assert len(octets) == EUI64_OCTETS
    return Eui64.from_octets(octets[::-1])


@dataclass(frozen=True, slots=True)
class Header:
    """The start of a ZCL frame. `manufacturer` is empty, or the two octets of a maker's code as they travel."""

    control: int
    manufacturer: bytes
    sequence: int
    command: int

    @property
    def octets(self) -> int:
        """How long it is."""
        return 3 + len(self.manufacturer)

    @property
    def general(self) -> bool:
        """Whether the command is one that every cluster has, such as Read Attributes."""
        return self.control & _TYPE == _GLOBAL

    @property
    def of_cluster(self) -> bool:
        """Whether the command is the cluster's own, in the standard's meaning and no maker's."""
        return self.control & _TYPE == _CLUSTER and not self.manufacturer

    @property
    def sender(self) -> Side:
        """The side of the cluster that sent it."""
        return Side.SERVER if self.control & _FROM_SERVER else Side.CLIENT

    @property
    def wants_default_response(self) -> bool:
        """Whether the sender asks for one where no other answer comes."""
        return not self.control & _QUIET

    def spelt(self, octets: bytes) -> bytes:
        """Give the frame that this header begins as hanota spells it."""
        control = (GENERAL_CONTROL if self.general else FRAME_CONTROL)[self.sender]
        return bytes((control, self.sequence, self.command)) + octets[self.octets :]

    def default_response(self, status: DefaultStatus) -> bytes:
        """Write the Default Response to the frame that this header begins (ZCL 2.5.12)."""
        control = _GLOBAL | _QUIET
        control |= _MANUFACTURER if self.manufacturer else 0
        control |= 0 if self.control & _FROM_SERVER else _FROM_SERVER
        start = bytes((control,)) + self.manufacturer
        return start + bytes((self.sequence, _DEFAULT_RESPONSE, self.command, status))


def read_header(octets: bytes) -> Header | None:
    """Read the header of any ZCL frame; None if the frame is too short to have one."""
    at = 3 if octets and octets[0] & _MANUFACTURER else 1
    if len(octets) < at + 2:
        return None
    return Header(octets[0], octets[1:at], octets[at], octets[at + 1])


def for_nodes(cluster: int, header: Header) -> bool:
    """Whether a command that all clusters share is one that hanota's nodes use in this one, such as Read Attributes."""
    return not header.manufacturer and (cluster, header.sender, header.command) in _SHARED


def unanswered(cluster: int, header: Header, octets: bytes) -> DefaultStatus | None:
    """Give what a Default Response says to a frame that the node did not answer; None if there shall be none.

    The requests of the OTA cluster have answers of their own, which may come later.
    """
    if not header.of_cluster:
        return DefaultStatus.UNSUP_COMMAND
    try:
        read_command(cluster, header.spelt(octets), header.sender)
    except ZclUnknown:
        return DefaultStatus.UNSUP_COMMAND
    except ZclMalformed:
        return DefaultStatus.MALFORMED_COMMAND
    if header.sender is Side.CLIENT and cluster == OTA_CLUSTER:
        return None
    if (cluster, header.sender, header.command) == (MESSAGING_CLUSTER, Side.CLIENT, _GET_LAST_MESSAGE):
        return DefaultStatus.NOT_FOUND
    return DefaultStatus.SUCCESS
