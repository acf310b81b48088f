"""`hanota bench verify`: the largest legal request, verified by us and by the industry's own signing tool in turns.

Both sides are processes that are warm when the measuring begins. The tool is measured by its classes, each thing done
once (`Verify.java`), and besides as it is packaged, which is slower: its main checks the schema twice.
"""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from hanota.app.bench.machine import machine
from hanota.app.bench.sides import Memory, Side
from hanota.app.pki import Party, make_pki
from hanota.base.errors import Fault, HanotaError
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.limits import DEVICES_PER_REQUEST_MAX, IMAGE_OCTETS_MAX_BUSINESS
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.duis import FirmwareRequest, RequestHeader, join_devices, sign, write_request

JAR_PACKAGE: Final = "HANOTA_SIGN_WRAP"
"""Environment variable: the folder of npm package @smartdcc/duis-sign-wrap."""

RATIO_MIN: Final = 15.0
OURS_MS_MAX: Final = 30.0
GROWTH_MB_MAX: Final = 25.0
PEER_VERSION: Final = "5.1"
"""The DUIS version whose schema is in the jar."""

PROGRAM: Final = Path(__file__).with_name("Verify.java")
"""The tool's side of the race."""

_SENDER, _DCC = Eui64(0x90B3_D51F_3001_0000), Eui64(0x90B3_D51F_3000_0002)
_FIRST_DEVICE: Final = 0x00DB_1234_0000_0000
_PER_ROUND: Final = (
    3  # verifications of a side in a row, so that neither is judged by what the other left in the caches
)


class JarMissing(HanotaError):
    """The jar of the industry's signing tool is not where it was looked for."""

    code, fault = "HOTA-BENCH-001", Fault.OPERATOR
    what = "the signing tool's jar is not here: {place}"
    remedy = (
        "npm install @smartdcc/duis-sign-wrap, then give --jar FILE or set HANOTA_SIGN_WRAP to the package's folder"
    )


class JavaMissing(HanotaError):
    """No Java that compiles, so the signing tool can't run beside us."""

    code, fault = "HOTA-BENCH-002", Fault.OPERATOR
    what = "there is no {program} on this machine"
    remedy = "install a JDK of at least version 11 (Debian: apt-get install default-jdk-headless)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was measured: medians in ms of one verification, resident memory in MB (None: no /proc), and the limits."""

    ours_ms: float
    peer_ms: float
    peer_packaged_ms: float
    ratio: float
    ratio_packaged: float
    rss_growth_mb: float | None
    peer_rss_mb: float | None
    document_octets: int
    rounds: int
    ours_rounds_ms: tuple[float, ...]
    peer_rounds_ms: tuple[float, ...]
    peer: str
    machine: str

    @property
    def limits(self) -> dict[str, float]:
        """What the figures are held to."""
        return {"ratio_min": RATIO_MIN, "ours_ms_max": OURS_MS_MAX, "rss_growth_mb_max": GROWTH_MB_MAX}

    @property
    def passed(self) -> bool:
        """Whether every figure keeps its limit."""
        small = self.rss_growth_mb is None or self.rss_growth_mb <= GROWTH_MB_MAX
        return self.ratio >= RATIO_MIN and self.ours_ms <= OURS_MS_MAX and small

    def as_dict(self) -> dict[str, Any]:
        """Give the row for JSON."""
        return {"name": "verify", **asdict(self), "limits": self.limits, "passed": self.passed}


def find_jar(given: Path | None = None) -> Path:
    """Give the jar: the one named, else that of the npm package in HANOTA_SIGN_WRAP. Raises JarMissing."""
    package = os.environ.get(JAR_PACKAGE)
    place = given or (Path(package, "dist", "tool.jar") if package else None)
    if place is None:
        raise JarMissing(place=f"{JAR_PACKAGE} is not set")
    if not place.is_file():
        raise JarMissing(place=place)
    return place


def bench_verify(*, jar: Path, now: Instant, rounds: int = 7, warm_up: int = 2) -> Outcome:
    """Run both sides in turns, `rounds` times after `warm_up` times that don't count; each three times in a row.

    Raises: JavaMissing; SideBroken: a side does not hold the document for good.
    """
    java = find_java()
    with _largest_request(now) as (document, certificate):
        files = (str(document), str(certificate))
        ours_command = (sys.executable, "-m", "hanota.app.bench.verifier", *files)
        peer_command = (java, "-cp", str(jar), str(PROGRAM), *files)
        with Side("hanota", ours_command) as ours, Side("the signing tool", peer_command) as peer:
            ours.wait_ready()
            idle = ours.memory()
            pairs = [
                (ours.round_ms("verify", _PER_ROUND), peer.round_ms("classes", _PER_ROUND))
                for _ in range(warm_up + rounds)
            ][warm_up:]
            ended, peer_ended = ours.memory(), peer.memory()
            packaged_ms = peer.round_ms("packaged", _PER_ROUND)
        octets = document.stat().st_size
    ours_ms, peer_ms = (median(times) for times in zip(*pairs, strict=True))
    return Outcome(
        ours_ms=round(ours_ms, 2),
        peer_ms=round(peer_ms, 1),
        peer_packaged_ms=round(packaged_ms, 1),
        ratio=round(peer_ms / ours_ms, 1),
        ratio_packaged=round(packaged_ms / ours_ms, 1),
        rss_growth_mb=growth_mb(idle, ended),
        peer_rss_mb=None if peer_ended is None else round(peer_ended.peak_mb),
        document_octets=octets,
        rounds=rounds,
        ours_rounds_ms=tuple(pair[0] for pair in pairs),
        peer_rounds_ms=tuple(pair[1] for pair in pairs),
        peer=name_peer(java, jar),
        machine=machine(),
    )


@contextmanager
def _largest_request(now: Instant) -> Iterator[tuple[Path, Path]]:
    """Write a signed 11.4 with 750 kB for 50,000 devices, and its signer's certificate."""
    rng = secrets.SystemRandom()
    keys = make_pki(dcc=_DCC, suppliers=[Party(_SENDER, "SUPPLIER-1")], rng=rng, now=now)
    signer = keys.credential(_SENDER, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
    header = RequestHeader(
        request_id=RequestId(_SENDER, _DCC, 1),
        command_variant=8,
        service_reference="11.4",
        service_reference_variant="11.4",
        schema_version=PEER_VERSION,
    )
    request = FirmwareRequest(
        header=header,
        image=secrets.token_bytes(IMAGE_OCTETS_MAX_BUSINESS),
        firmware_version="00020130",
        device_list=join_devices(Eui64(_FIRST_DEVICE + number) for number in range(DEVICES_PER_REQUEST_MAX)),
    )
    with tempfile.TemporaryDirectory(prefix="hanota-bench-") as folder:
        document, certificate = Path(folder, "request.xml"), Path(folder, "signer.der")
        document.write_bytes(sign(write_request(request), signer))
        certificate.write_bytes(signer.certificate.der)
        yield document, certificate


def growth_mb(idle: Memory | None, ended: Memory | None) -> float | None:
    """Give by how much memory grew at most since it was idle, in MB; None where it was not measured."""
    return None if idle is None or ended is None else round(ended.peak_mb - idle.now_mb, 1)


def find_java() -> str:
    """Give the path of java, which compiles and runs the signing tool's side. Raises JavaMissing."""
    found = {program: shutil.which(program) for program in ("java", "javac")}  # java compiles what it is given
    for program, path in found.items():
        if path is None:
            raise JavaMissing(program=program)
    return str(found["java"])


def name_peer(java: str, jar: Path) -> str:
    """Say which tool on which Java stands on the other side."""
    told = subprocess.run((java, "-version"), capture_output=True, text=True, check=False).stderr  # noqa: S603 - found on the PATH by us
    digest = hashlib.sha256(jar.read_bytes()).hexdigest()
    return f"{jar.name} (SHA-256 {digest[:16]}…), its classes, warm and in one process; {told.partition(chr(10))[0]}"
