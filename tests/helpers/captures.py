"""Capture files read back: just enough of pcapng."""

import struct
from typing import Any

_INTERFACE, _PACKET = 1, 6
_COMMENT, _NAME = 1, 2


class Packet(bytes):
    """The octets of one packet, and what the capture says about it."""

    interface: int
    interface_name: str
    at_us: int
    comment: str | None


def packets(capture: bytes) -> list[Packet]:
    """Give the packets of a capture; every block has to be whole."""
    found: list[Packet] = []
    names: list[str] = []
    at = 0
    while at < len(capture):
        kind, length = struct.unpack_from("<II", capture, at)
        assert struct.unpack_from("<I", capture, at + length - 4) == (length,)
        body = capture[at + 8 : at + length - 4]
        if kind == _INTERFACE:
            names.append(_options(body[8:])[_NAME])
        elif kind == _PACKET:
            interface, high, low, kept, _ = struct.unpack_from("<IIIII", body)
            packet = Packet(body[20 : 20 + kept])
            packet.interface, packet.interface_name = interface, names[interface]
            packet.at_us = high << 32 | low
            packet.comment = _options(body[20 + kept + -kept % 4 :]).get(_COMMENT)
            found.append(packet)
        at += length
    return found


def _options(octets: bytes) -> dict[int, Any]:
    found: dict[int, Any] = {}
    while octets:
        code, length = struct.unpack_from("<HH", octets)
        if code == 0:
            break
        found[code] = octets[4 : 4 + length].decode()
        octets = octets[4 + length + -length % 4 :]
    return found
