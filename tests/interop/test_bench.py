"""`hanota bench`: held to its figures beside the industry's signing tool (verify) and a ZigBee library (hub)."""

import json

from helpers.interop import program
from helpers.sign_wrap import sign_wrap_jar
from helpers.system import hanota

TRIES = 3  # another program may have had the machine for a moment


def test_the_largest_request_is_verified_within_the_limits_of_time_and_memory() -> None:
    program("javac", "default-jdk-headless")
    for _ in range(TRIES):
        done = hanota("bench", "verify", "--json", "--rounds", 5, "--jar", sign_wrap_jar(), timeout_s=120)
        told = json.loads(done.stdout)
        assert done.returncode == (0 if told["passed"] else 1), done.stderr
        if told["passed"]:
            break
    assert told["passed"], told
    assert told["ratio"] >= 15
    assert told["ours_ms"] <= 30
    assert told["rss_growth_mb"] <= 25
    assert told["peer_packaged_ms"] > told["peer_ms"] > told["ours_ms"]
    assert told["document_octets"] > 2_200_000


def test_a_hub_makes_sixty_turns_while_the_peer_reads_and_writes_the_frames_of_one() -> None:
    for _ in range(TRIES):
        done = hanota("bench", "hub", "--json", "--rounds", 3, timeout_s=120)
        told = json.loads(done.stdout)
        assert done.returncode == (0 if told["passed"] else 1), done.stderr
        if told["passed"]:
            break
    assert told["passed"], told
    assert told["ratio"] >= 60
    assert told["turns_per_s"] > told["peer_turns_per_s"] > 0
    assert told["peer"].startswith("zigpy ")
