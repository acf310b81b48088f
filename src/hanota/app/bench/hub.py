"""`hanota bench hub`: how many block requests a hub answers in a second, beside a ZigBee library in the same run.

A turn of ours is a whole one: octets in, the hub's state machine with its order book, its counts and what it stores,
octets out. The peer only decodes the same request and encodes the same response. Both are processes of their own, warm
when the measuring begins, and take turns. The peer's library has a licence that hanota's code may not depend on: it is
a program beside hanota, and where it is missing our own figures are given all the same.
"""

import importlib.util
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from hanota.app.bench.laden_hub import Asked, LadenHub
from hanota.app.bench.machine import machine
from hanota.app.bench.sides import Side
from hanota.base.errors import Fault, HanotaError, require

RATIO_MIN: Final = 60.0
TURNS_PER_S_AIM: Final = 160_000.0
DEVICES: Final = 32
IMAGE_OCTETS: Final = 256 * 1024

PEER_ABSENT: Final = (
    "the peer is not here, so there is no ratio: install it into this Python, it brings its library along "
    "(pip install packages/hanota-radio of hanota's repository)"
)

_PEER_PACKAGE: Final = "hanota_radio"
_PEER_LIBRARY: Final = "zigpy"
_CHECKOUT: Final = Path(__file__).parents[4]  # of hanota's repository, where this is one
_PEER_PLACE: Final = Path("packages", "hanota-radio", "src", _PEER_PACKAGE)

_PEER_TURNS: Final = 1_000  # the peer is slow: as many as take about as long as a round of ours
_SAMPLE: Final = 200  # frames that the peer reads and writes, over and over
_PER_ROUND: Final = 3
_BARE_TURNS: Final = 100_000
_BARE: Final = struct.Struct("<BBBBHHIIB")  # request and response have the same fixed fields
_UNSERVED: Final = "it did not give every device the blocks that it asked for"
_UNEQUAL: Final = "it does not write the octets that hanota writes"


class PeerMissing(HanotaError):
    """The program that was named as the peer is not there."""

    code, fault = "HOTA-BENCH-006", Fault.OPERATOR
    what = "there is no peer program {place}"
    remedy = "name peer.py of packages/hanota-radio, or leave --peer out"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOutcome:
    """What was measured, in turns per second: medians over the rounds.

    `bare_struct_per_s` is what unpacking and packing the two frames' fixed fields by `struct` alone would allow. Where
    the peer is missing, its figures are None and `left_out` says how to add it.
    """

    turns_per_s: float
    peer_turns_per_s: float | None
    ratio: float | None
    bare_struct_per_s: float
    devices: int
    turns: int
    image_octets: int
    rounds: int
    ours_rounds_per_s: tuple[float, ...]
    peer_rounds_per_s: tuple[float, ...]
    peer: str | None
    left_out: str | None
    machine: str

    @property
    def limits(self) -> dict[str, float]:
        """What the figures are held to, and what they aim at."""
        return {"ratio_min": RATIO_MIN, "turns_per_s_aim": TURNS_PER_S_AIM}

    @property
    def passed(self) -> bool:
        """Whether the ratio keeps its limit; without a peer nothing is proved."""
        return self.ratio is not None and self.ratio >= RATIO_MIN

    def as_dict(self) -> dict[str, Any]:
        """Give the row for JSON."""
        return {"name": "hub", **asdict(self), "limits": self.limits, "passed": self.passed}


def find_peer(given: Path | None = None) -> Path | None:
    """Give the peer's program: the one named, else that of an installed hanota-radio, else that of this checkout.

    None: there is none, or the library that it runs on is not installed. Raises PeerMissing: the named one isn't there.
    """
    if given is not None:
        require(given.is_file(), PeerMissing, place=given)
        return given
    if importlib.util.find_spec(_PEER_LIBRARY) is None:  # looked for, never imported
        return None
    package = importlib.util.find_spec(_PEER_PACKAGE)
    folders = [Path(place) for place in (package and package.submodule_search_locations) or ()]
    programs = [folder / "peer.py" for folder in (*folders, _CHECKOUT / _PEER_PLACE)]
    return next((program for program in programs if program.is_file()), None)


def bench_hub(
    *,
    peer: Path | None,
    rounds: int = 7,
    warm_up: int = 2,
    devices: int = DEVICES,
    image_octets: int = IMAGE_OCTETS,
) -> HubOutcome:
    """Run both sides in turns, `rounds` times after `warm_up` times that don't count; each three times in a row.

    Raises SideBroken: a hub did not serve every device, or the peer writes other octets than we do.
    """
    asked = LadenHub(devices=devices, image_octets=image_octets).all_asked()
    ours_command = (sys.executable, "-m", "hanota.app.bench.laden_hub", str(devices), str(image_octets))
    ours_per_s: list[float] = []
    peer_per_s: list[float] = []
    with Side("hanota", ours_command, refused=_UNSERVED) as ours, _peer_side(peer, asked) as other:
        ours.wait_ready()
        name = other.wait_ready() if other else None
        for _ in range(warm_up + rounds):
            ours_per_s.append(len(asked) * 1000 / ours.round_ms("serve", _PER_ROUND))
            if other:
                peer_per_s.append(_PEER_TURNS * 1000 / other.round_ms(str(_PEER_TURNS), _PER_ROUND))
    counted, peer_counted = ours_per_s[warm_up:], peer_per_s[warm_up:]
    return HubOutcome(
        turns_per_s=round(median(counted)),
        peer_turns_per_s=round(median(peer_counted)) if peer_counted else None,
        ratio=round(median(counted) / median(peer_counted), 1) if peer_counted else None,
        bare_struct_per_s=round(_bare_struct_per_s(asked[0].request)),
        devices=devices,
        turns=len(asked),
        image_octets=image_octets,
        rounds=rounds,
        ours_rounds_per_s=tuple(map(round, counted)),
        peer_rounds_per_s=tuple(map(round, peer_counted)),
        peer=name and name.removeprefix("ready "),
        left_out=None if peer else PEER_ABSENT,
        machine=machine(),
    )


@contextmanager
def _peer_side(program: Path | None, asked: list[Asked]) -> Iterator[Side | None]:
    """Run the peer over the first frames of some; None without a program."""
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="hanota-bench-") as folder:
        frames = Path(folder, "frames.txt")
        frames.write_text("".join(f"{one.request.hex()} {one.answer.hex()}\n" for one in asked[:_SAMPLE]), "ascii")
        with Side("the peer", (sys.executable, str(program), str(frames)), refused=_UNEQUAL) as side:
            yield side


def _bare_struct_per_s(request: bytes) -> float:
    """Turns per second of nothing but `struct` and a slice."""
    unpack, pack, image = _BARE.unpack, _BARE.pack, bytes(IMAGE_OCTETS)
    began = time.perf_counter()
    for _ in range(_BARE_TURNS):
        control, sequence, command, fields, manufacturer, image_type, version, offset, octets = unpack(request)
        data = image[offset : offset + octets]
        pack(control, sequence, command, fields, manufacturer, image_type, version, offset, len(data)) + data
    return _BARE_TURNS / (time.perf_counter() - began)
