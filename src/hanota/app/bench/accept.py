"""`hanota bench accept`: the largest legal request acknowledged durably, in turns with the industry's signing tool.

The store is a SQLite file with `synchronous=FULL` and a million devices in its registry. Ours is all of it: reading,
schema, signature, every rule for 50,000 devices, the decision and the signed answer on disk. The tool only validates
the same document. Deliveries are made behind the acknowledgement, by another process between the turns.
"""

import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from hanota.app.bench.machine import machine
from hanota.app.bench.sides import Side
from hanota.app.bench.town import Town, plan_town, settle_town
from hanota.app.bench.verify import PEER_VERSION, PROGRAM, find_java, growth_mb, name_peer
from hanota.base.instant import DAY, Instant
from hanota.base.limits import DEVICES_PER_REQUEST_MAX, IMAGE_OCTETS_MAX_BUSINESS
from hanota.records.store import Store
from hanota.records.store.materialising import materialise

RATIO_MIN: Final = 2.0
RATIO_AIM: Final = 4.0
GROWTH_MB_MAX: Final = 150.0
_LANE: Final = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptOutcome:
    """What was measured: medians, one acceptance and one validation a round; memory in MB (None: no /proc)."""

    seconds: float
    peer_ms: float
    ratio: float
    rss_growth_mb: float | None
    devices: int
    registry: int
    document_octets: int
    rounds: int
    ours_rounds_ms: tuple[float, ...]
    peer_rounds_ms: tuple[float, ...]
    store: str
    peer: str
    machine: str

    @property
    def limits(self) -> dict[str, float]:
        """What the figures are held to."""
        return {"ratio_min": RATIO_MIN, "ratio_aim": RATIO_AIM, "rss_growth_mb_max": GROWTH_MB_MAX}

    @property
    def passed(self) -> bool:
        """Whether every figure keeps its limit."""
        small = self.rss_growth_mb is None or self.rss_growth_mb <= GROWTH_MB_MAX
        return small and self.ratio >= RATIO_MIN

    def as_dict(self) -> dict[str, Any]:
        """Give the row for JSON."""
        return {"name": "accept", **asdict(self), "limits": self.limits, "passed": self.passed}


def bench_accept(
    *,
    jar: Path,
    now: Instant,
    registry: int = 1_000_000,
    devices: int = DEVICES_PER_REQUEST_MAX,
    rounds: int = 7,
    warm_up: int = 2,
) -> AcceptOutcome:
    """Run both sides in turns, `rounds` times after `warm_up` times that don't count; every round has its own request.

    Raises: JavaMissing; SideBroken: a side does not hold the document for good.
    """
    java = find_java()
    homes = max(registry, devices * (rounds + warm_up))
    town = plan_town(homes, image_octets=_payload_octets(now), now=now)
    with tempfile.TemporaryDirectory(prefix="hanota-bench-") as folder:
        document, certificate = Path(folder, "request.xml"), Path(folder, "signer.der")
        certificate.write_bytes(town.signer.certificate.der)
        file = Path(folder, "store.sqlite")
        store = settle_town(town, file)
        document.write_bytes(_request(town, 0, devices))  # the tool looks for it as it starts
        ours_command = (sys.executable, "-m", "hanota.app.bench.acceptor", str(file), str(document), str(int(now)))
        peer_command = (java, "-cp", str(jar), str(PROGRAM), str(document), str(certificate))
        with Side("hanota", ours_command) as ours, Side("the signing tool", peer_command) as peer:
            ours.wait_ready()
            idle = ours.memory()
            pairs = []
            for number in range(warm_up + rounds):
                document.write_bytes(_request(town, number, devices))
                pairs.append((ours.round_ms("accept", 1), peer.round_ms("classes", 1)))
                _make_deliveries(store, now)
            ended = ours.memory()
        octets = document.stat().st_size
        store.close()
    ours_ms, peer_ms = zip(*pairs[warm_up:], strict=True)
    return AcceptOutcome(
        seconds=round(median(ours_ms) / 1000, 4),
        peer_ms=round(median(peer_ms), 1),
        ratio=round(median(peer_ms) / median(ours_ms), 2),
        rss_growth_mb=growth_mb(idle, ended),
        devices=devices,
        registry=homes,
        document_octets=octets,
        rounds=rounds,
        ours_rounds_ms=ours_ms,
        peer_rounds_ms=peer_ms,
        store="sqlite",
        peer=name_peer(java, jar),
        machine=machine(),
    )


def _request(town: Town, number: int, devices: int) -> bytes:
    return town.request(number + 1, number * devices, devices, schema_version=PEER_VERSION)


def _payload_octets(now: Instant) -> int:
    """Give the payload with which an image's file has exactly the size that is allowed."""
    around = len(plan_town(1, image_octets=1, now=now).file) - 1
    return IMAGE_OCTETS_MAX_BUSINESS - around


def _make_deliveries(store: Store, now: Instant) -> None:
    with store.writing() as connection:
        materialise(connection, _LANE, now, Instant(now + DAY))
