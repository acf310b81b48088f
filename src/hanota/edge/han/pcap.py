"""HAN traffic as a capture file that Wireshark opens: pcapng, one interface a home, IEEE 802.15.4 frames without FCS.

Under each ZCL frame, which is as it was carried, stand the headers that a radio would have put there: MAC with 16-bit
addresses in the home's own PAN, ZigBee network header with both EUI-64, application support header with the Smart
Energy profile. Security of network and application layer is left out, so that a reader needs no keys. What is longer
than a radio frame goes out as numbered APS fragments; neither their acknowledgements nor those of the MAC are written.

Wireshark finds only one kind of frame malformed: the empty TransferData with which our hub confirms a message, as its
GBCS dissector expects a message in each.

Sources: IEEE 802.15.4-2006 7.2, ZigBee specification r21 2.2.5 (APS) and 3.3.1 (network), the pcapng specification.
"""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count
from typing import BinaryIO, Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant

FRAME_OCTETS_MAX: Final = 125  # of a radio frame without its two octets of FCS (aMaxPHYPacketSize)
LINK_TYPE: Final = 230  # LINKTYPE_IEEE802_15_4_NOFCS
PROFILE: Final = 0x0109  # Smart Energy
ENDPOINT: Final = 1
NOT_ARRIVED: Final = "hanota: did not arrive"

_MAC: Final = struct.Struct("<HBHHH")  # control, sequence, PAN, to, from
_MAC_CONTROL: Final = 0x8841  # data, within one PAN, both addresses 16 bits
_NETWORK: Final = struct.Struct("<HHHBBQQ")  # control, to, from, radius, sequence, EUI-64 to, EUI-64 from
_NETWORK_CONTROL: Final = 0x1808  # data, protocol version 2, both EUI-64 are there
_RADIUS: Final = 30
_SUPPORT: Final = struct.Struct("<BBHHBB")  # control, endpoint to, cluster, profile, endpoint from, counter
_WHOLE: Final = 0x00  # data, to one node
_PART: Final = 0xC0  # likewise; to be acknowledged, and an extended header follows
_EXTENDED: Final = struct.Struct("<BB")  # fragmentation, block
_FIRST, _LATER = 1, 2

_ZCL_OCTETS_MAX: Final = FRAME_OCTETS_MAX - _MAC.size - _NETWORK.size - _SUPPORT.size
_PART_OCTETS_MAX: Final = _ZCL_OCTETS_MAX - _EXTENDED.size

_SECTION: Final = struct.Struct("<IHHq")  # byte order, version 1.0, length unknown
_INTERFACE: Final = struct.Struct("<HHI")  # link type, reserved, no limit on length
_PACKET: Final = struct.Struct("<IIIII")  # interface, time high and low in µs, octets kept, octets in all
_SECTION_HEADER, _INTERFACE_DESCRIPTION, _ENHANCED_PACKET = 0x0A0D_0D0A, 1, 6
_COMMENT, _NAME = 1, 2  # options


@dataclass(frozen=True, slots=True, kw_only=True)
class TappedFrame:
    """A ZCL frame at the instant of sending, and whether the air of its home let it arrive."""

    at: Instant
    home: str
    sender: Eui64
    receiver: Eui64
    cluster: int
    octets: bytes
    arrives: bool


class HanCapture:
    """Writes frames to `file`, which is the caller's to open and close.

    `hubs` are the coordinators of their homes, whose 16-bit address is 0. PANs and the other 16-bit addresses are
    given in the order in which homes and devices are first heard of.
    """

    def __init__(self, file: BinaryIO, hubs: Collection[Eui64]) -> None:
        self._file = file
        self._homes: dict[str, int] = {}
        self._shorts: dict[Eui64, int] = dict.fromkeys(hubs, 0)
        self._free = count(1)
        self._sequence = count()
        file.write(_block(_SECTION_HEADER, _SECTION.pack(0x1A2B_3C4D, 1, 0, -1)))

    def write(self, tapped: TappedFrame) -> None:
        """Write one frame, in as many radio frames as it takes."""
        home = self._homes.get(tapped.home)
        if home is None:
            home = self._homes[tapped.home] = len(self._homes)
            described = _INTERFACE.pack(LINK_TYPE, 0, 0) + _option(_NAME, tapped.home) + _option(0)
            self._file.write(_block(_INTERFACE_DESCRIPTION, described))
        comment = b"" if tapped.arrives else _option(_COMMENT, NOT_ARRIVED) + _option(0)
        time_us = tapped.at * 1000
        for frame in self._radio_frames(tapped, pan=home + 1):
            head = _PACKET.pack(home, time_us >> 32, time_us & 0xFFFF_FFFF, len(frame), len(frame))
            self._file.write(_block(_ENHANCED_PACKET, head + _padded(frame) + comment))

    def _radio_frames(self, tapped: TappedFrame, pan: int) -> Iterator[bytes]:
        to, origin = self._short(tapped.receiver), self._short(tapped.sender)
        counter = next(self._sequence) & 0xFF
        for control, extended, octets in _parts(tapped.octets):
            sequence = next(self._sequence) & 0xFF
            mac = _MAC.pack(_MAC_CONTROL, sequence, pan, to, origin)
            euis = tapped.receiver.value, tapped.sender.value
            network = _NETWORK.pack(_NETWORK_CONTROL, to, origin, _RADIUS, sequence, *euis)
            support = _SUPPORT.pack(control, ENDPOINT, tapped.cluster, PROFILE, ENDPOINT, counter)
            yield mac + network + support + extended + octets

    def _short(self, address: Eui64) -> int:
        if address not in self._shorts:
            self._shorts[address] = next(self._free) & 0xFFFF
        return self._shorts[address]


def _parts(octets: bytes) -> list[tuple[int, bytes, bytes]]:
    """Give (frame control, extended header, octets) of each radio frame that a ZCL frame takes."""
    if len(octets) <= _ZCL_OCTETS_MAX:
        return [(_WHOLE, b"", octets)]
    cut = [octets[at : at + _PART_OCTETS_MAX] for at in range(0, len(octets), _PART_OCTETS_MAX)]
    numbers = [(_FIRST, len(cut)), *((_LATER, number) for number in range(1, len(cut)))]  # the first says how many
    return [(_PART, _EXTENDED.pack(*number), part) for number, part in zip(numbers, cut, strict=True)]


def _block(kind: int, body: bytes) -> bytes:
    whole = len(body) + 12  # its kind, and its length in front and behind
    return struct.pack("<II", kind, whole) + body + struct.pack("<I", whole)


def _option(code: int, text: str = "") -> bytes:
    octets = text.encode()
    return struct.pack("<HH", code, len(octets)) + _padded(octets)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
