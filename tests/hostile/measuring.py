"""Measure what it takes to refuse each hostile document: a program, `python -m hostile.measuring`, a JSON line each.

Every document is opened in a process of its own, forked from one in which everything is imported. Should a bound be
broken badly, the process is stopped by the kernel rather than the machine by the process.
"""

import gc
import json
import os
import resource
import sys
import time
from pathlib import Path

from hanota.base.instant import parse_iso
from hanota.process.intake import Refused, open_request
from hostile.documents import DOCUMENTS, Hostile
from unit.wire.duis.people import SIGNER

ADDRESS_OCTETS_MAX = 2 << 30
CPU_S_MAX = 20
NOW = parse_iso("2026-01-15T09:00:00Z")


class Known:
    certificate = SIGNER.certificate

    def revoked(self, now: object) -> bool:
        return False


def find(issuer: str, serial: int) -> Known | None:
    held = SIGNER.certificate
    return Known() if (issuer, serial) == (held.issuer, held.serial) else None


def resident_mb(name: str) -> float:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) / 1024


def measure(hostile: Hostile) -> dict[str, object]:
    """Open the document; give the reason, seconds, and MB above what was resident before, at the worst moment."""
    octets = hostile.build()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    idle = resident_mb("VmRSS")
    start = time.perf_counter()
    found = open_request(octets, find, NOW)
    seconds = time.perf_counter() - start
    peak = resident_mb("VmHWM")
    told = {"reason": str(found.reason), "detail": found.detail} if isinstance(found, Refused) else {"reason": None}
    return {"name": str(hostile), **told, "seconds": seconds, "growth_mb": peak - idle}


def main() -> None:
    open_request(b"<a/>", find, NOW)  # what is made on first use is made
    for hostile in DOCUMENTS:
        child = os.fork()
        if not child:
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_OCTETS_MAX, ADDRESS_OCTETS_MAX))
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
            os.write(sys.stdout.fileno(), json.dumps(measure(hostile)).encode() + b"\n")
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
