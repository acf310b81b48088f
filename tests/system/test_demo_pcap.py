"""`hanota demo --pcap`: what the homes' radios send, for Wireshark."""

from pathlib import Path

from helpers.captures import packets
from helpers.system import hanota


def test_the_demo_writes_what_its_homes_send(tmp_path: Path) -> None:
    file = tmp_path / "home.pcapng"
    done = hanota("demo", "--image-size", "1kB", "--pcap", file, "--json")
    assert done.returncode == 0, done.stderr
    blocks = [packet for packet in packets(file.read_bytes()) if packet[43:44] == b"\x05"]  # Image Block Response
    assert len(blocks) >= 1024 // 50


def test_a_capture_that_cannot_be_written_is_refused_before_anything_happens(tmp_path: Path) -> None:
    done = hanota("demo", "--pcap", tmp_path / "nowhere" / "home.pcapng")
    assert done.returncode == 2
    assert "No such file" in done.stderr
