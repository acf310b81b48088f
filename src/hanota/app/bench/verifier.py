"""Our side of `hanota bench verify`, a process of its own: `python -m hanota.app.bench.verifier DOCUMENT CERTIFICATE`.

It says "ready" when it is idle, and then verifies the document once for each line on stdin, as `Verify.java` does: the
answer is a line "true|false MILLISECONDS". Reading the file counts, on both sides.
"""

import sys
import time
from pathlib import Path

from hanota.wire.duis import check_schema, parse_safely, verify
from hanota.wire.smki import Certificate, read_certificate


def holds(document: Path, signer: Certificate) -> bool:
    """Read, parse and schema-check a document, and verify that this certificate's key signed it."""
    root = parse_safely(document.read_bytes())
    known = {(signer.issuer, signer.serial): signer}
    return not check_schema(root) and bool(verify(root, lambda issuer, serial: known.get((issuer, serial))))


def main() -> None:
    """Answer every line until stdin ends."""
    document, certificate = map(Path, sys.argv[1:])
    signer = read_certificate(certificate.read_bytes())
    _say("ready")
    for _ in sys.stdin:
        start = time.perf_counter()
        held = holds(document, signer)
        _say(f"{str(held).lower()} {(time.perf_counter() - start) * 1000:.3f}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
