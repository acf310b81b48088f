"""HAN traffic as a capture: octet for octet as the standards have it, and as Wireshark's own dissectors read it."""

import subprocess
from io import BytesIO
from pathlib import Path

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.han.link import HanModel
from hanota.edge.han.pcap import FRAME_OCTETS_MAX, NOT_ARRIVED, HanCapture, TappedFrame
from hanota.wire.zcl import OTA_CLUSTER, TUNNELING_CLUSTER, ImageBlockRequest, Side, TransferData, write_command
from helpers.captures import packets
from helpers.interop import program
from helpers.premises import CHF, PPMID, Premises, ppmid_file

AT = Instant(0x0001_0000_0003)
EMPTY_OCTETS = 46  # a radio frame with an empty TransferData, in which Wireshark misses its GBCS message
REQUEST = write_command(0x2A, ImageBlockRequest(0x121D, 0x0084, 0x0002012F, 100, 50))


def tapped(octets: bytes = REQUEST, sender: Eui64 = PPMID, receiver: Eui64 = CHF, **facts: object) -> TappedFrame:
    plain = {"at": AT, "home": "Home", "cluster": OTA_CLUSTER, "arrives": True}
    return TappedFrame(octets=octets, sender=sender, receiver=receiver, **(plain | facts))


def captured(*frames: TappedFrame) -> bytes:
    file = BytesIO()
    capture = HanCapture(file, [CHF])
    for frame in frames:
        capture.write(frame)
    return file.getvalue()


def test_a_file_is_what_the_standards_say_octet_for_octet() -> None:
    assert captured(tapped()).hex() == (
        # section header block: 28 octets, byte order, version 1.0, length unknown
        "0a0d0d0a" "1c000000" "4d3c2b1a" "0100" "0000" "ffffffffffffffff" "1c000000"
        # interface description block: link type 230, no limit; name "Home", end of options
        "01000000" "20000000" "e600" "0000" "00000000" "0200" "0400" "486f6d65" "0000" "0000" "20000000"
        # enhanced packet block: interface 0, time in µs high and low (0x3e8_00000bb8), 58 octets
        "06000000" "5c000000" "00000000" "e8030000" "b80b0000" "3a000000" "3a000000"
        # MAC: data within one PAN, sequence 1, PAN 1, to 0000 from 0001
        "4188" "01" "0100" "0000" "0100"
        # network: data, version 2, both EUI-64; to 0000 from 0001, radius 30, sequence 1, EUI-64 of hub and PPMID
        "0818" "0000" "0100" "1e" "01" "a29078563412db00" "a49078563412db00"
        # application support: data, endpoint 1, OTA cluster, Smart Energy, endpoint 1, counter 0
        "00" "01" "1900" "0901" "01" "00"
        # ZCL: client to server, sequence 2a, Image Block Request of 50 octets from 100 on
        "01" "2a" "03" "00" "1d12" "8400" "2f010200" "64000000" "32"
        # padding to four octets, and the block's length again
        "0000" "5c000000"
    )  # fmt: skip


def test_hubs_have_address_0_and_devices_others_in_the_order_in_which_they_are_heard() -> None:
    other = Eui64(0x00DB_1234_0000_0001)
    shorts = [packet[5:9] for packet in packets(captured(tapped(), tapped(sender=CHF, receiver=other)))]
    assert shorts == [b"\0\0\1\0", b"\2\0\0\0"]


def test_each_home_is_an_interface_and_a_pan() -> None:
    found = packets(captured(tapped(), tapped(home="Other"), tapped(home="Home")))
    assert [(packet.interface, packet[3:5]) for packet in found] == [(0, b"\1\0"), (1, b"\2\0"), (0, b"\1\0")]
    assert [packet.interface_name for packet in found] == ["Home", "Other", "Home"]


def test_a_frame_that_did_not_arrive_says_so() -> None:
    assert [packet.comment for packet in packets(captured(tapped(arrives=False), tapped()))] == [NOT_ARRIVED, None]


def test_what_is_too_long_for_the_radio_goes_out_in_numbered_parts() -> None:
    message = write_command(1, TransferData(0, bytes(range(250))), Side.SERVER)
    found = packets(captured(tapped(message, CHF, PPMID, cluster=TUNNELING_CLUSTER), tapped()))
    *parts, last = (packet[33:] for packet in found)
    assert all(len(packet) <= FRAME_OCTETS_MAX for packet in found)
    assert [part[8:10].hex() for part in parts] == ["0104", "0201", "0202", "0203"]  # first of 4, later 1…3
    assert {part[0] for part in parts} == {0xC0}
    assert len({part[7] for part in parts}) == 1  # one counter: they belong together
    assert b"".join(part[10:] for part in parts) == message
    assert (last[0], last[8:]) == (0x00, REQUEST)


def test_the_longest_frame_that_fits_is_not_parted() -> None:
    for extra, parts in ((0, 1), (1, 2)):
        zcl = bytes(FRAME_OCTETS_MAX - 33 - 8 + extra)
        assert len(packets(captured(tapped(zcl)))) == parts


def a_delivery(path: Path) -> Premises:
    """A small image over a bad link, everything of it in a capture at `path`."""
    home = Premises(han=HanModel(loss=0.1))
    with path.open("wb") as file:
        home.estate.tap(HanCapture(file, [CHF]).write)
        home.deliver(home.order(ppmid_file(600)))
    return home


def test_an_estate_shows_every_frame_that_is_on_the_air(tmp_path: Path) -> None:
    home = a_delivery(tmp_path / "home.pcapng")
    found = packets((tmp_path / "home.pcapng").read_bytes())
    heads = [packet for packet in found if packet[33] == 0x00 or packet[41] == 1]  # whole ones and first parts
    homes = {packet.interface_name for packet in heads}
    assert len(homes) > 1
    for name in homes:
        air = home.estate.occupancy(name)
        told = [packet.comment for packet in heads if packet.interface_name == name]
        assert (len(told), told.count(NOT_ARRIVED)) == (air.frames, air.lost)


def test_wireshark_reads_every_command_of_a_delivery(tmp_path: Path) -> None:
    tshark = program("tshark", "tshark")
    a_delivery(tmp_path / "home.pcapng")
    names = ("_ws.col.Info", "zbee_aps.profile", "zbee_nwk.src64", "zbee_zcl_general.ota.file.offset")
    fields = [word for name in (*names, "_ws.malformed", "frame.len") for word in ("-e", name)]
    command = [tshark, "-r", str(tmp_path / "home.pcapng"), "-T", "fields", "-E", "separator=|", *fields]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    rows = [line.split("|") for line in done.stdout.splitlines()]
    told = " ".join(row[0] for row in rows)
    for words in ("Image Notify", "Query Next Image", "Image Block", "Image Block Response", "Upgrade End"):
        assert words in told
    assert "Alert, Unknown Use Case" in told  # a GBCS message, put together from its parts
    assert {row[1] for row in rows if row[1]} == {"0x0109"}
    assert {str(eui).replace("-", ":").lower() for eui in (CHF, PPMID)} <= {row[2] for row in rows}
    assert {int(row[3], 0) for row in rows if row[3]} == set(range(0, 600, 50))
    assert {row[5] for row in rows if row[4]} <= {str(EMPTY_OCTETS)}
