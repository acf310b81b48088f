"""What a sleepy device and its hub put into TransferData: the device asks and puts, the hub gives (domain 6.3).

Devices that always listen exchange bare messages. A bare GBCS message begins with another octet than these do.
"""

from dataclasses import dataclass
from typing import Final

from hanota.wire.zcl.errors import ZclShort, ZclWrong

_GET, _GIVE, _PUT = 0x01, 0x02, 0x03
_LAYOUT: Final = "tunnelled octets"
REMAINING_MAX: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Get:
    """The device asks for a message that waits for it."""


@dataclass(frozen=True, slots=True)
class Give:
    """The hub gives the message that waited, and says how many more do. No message: none waits."""

    remaining: int
    message: bytes


@dataclass(frozen=True, slots=True)
class Put:
    """The device puts a message of its own."""

    message: bytes


Tunnelled = Get | Give | Put


def write_tunnelled(item: Tunnelled) -> bytes:
    """Write the octets for TransferData; more than 255 remaining are told as 255."""
    match item:
        case Get():
            return bytes([_GET])
        case Give():
            return bytes([_GIVE, min(item.remaining, REMAINING_MAX)]) + item.message
        case Put():
            return bytes([_PUT]) + item.message


def read_tunnelled(octets: bytes) -> Tunnelled:
    """Read what `write_tunnelled` writes. Raises ZclShort, ZclWrong."""
    kind = octets[0] if octets else None
    if kind is None or (kind == _GIVE and len(octets) < 2):
        raise ZclShort(layout=_LAYOUT, field="kind or remaining", offset=0, got=len(octets), expected="one octet more")
    match kind:
        case 0x01 if len(octets) == 1:
            return Get()
        case 0x02:
            return Give(octets[1], octets[2:])
        case 0x03:
            return Put(octets[1:])
        case _:
            raise ZclWrong(layout=_LAYOUT, field="kind", offset=0, got=octets[:2].hex(), expected="01, 02… or 03…")
