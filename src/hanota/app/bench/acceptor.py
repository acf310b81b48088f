"""Our side of `hanota bench accept`, a process of its own: `python -m hanota.app.bench.acceptor STORE DOCUMENT NOW`.

It says "ready" when it is idle, and then accepts what lies in the document's file once for each line on stdin: the
answer is a line "true|false MILLISECONDS", true for I0. Reading the file counts, and so does all until the request, its
decision and its answer are durable and the answer is signed. NOW is the instant at which the test PKI was made.
"""

import sys
import time
from pathlib import Path

from hanota.app.bench.town import plan_town
from hanota.app.clock import wall_clock
from hanota.app.frames import FrameBuilder
from hanota.app.memory import collect_seldom
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.policies import Policies
from hanota.process.pipeline import Pipeline
from hanota.records.store import open_store


def main() -> None:
    """Answer every line until stdin ends."""
    store, document, made = Path(sys.argv[1]), Path(sys.argv[2]), Instant(int(sys.argv[3]))
    town = plan_town(1, image_octets=1, now=made)
    dcc = town.description.dcc
    broker = FrameBuilder(town.keys, dcc)
    pipeline = Pipeline(open_store(store), dcc=dcc, policies=Policies(), seal=town.sign, broker=broker)
    collect_seldom()
    _say("ready")
    for _ in sys.stdin:
        start = time.perf_counter()
        answer = pipeline.accept(document.read_bytes(), "D", wall_clock())
        taken_ms = (time.perf_counter() - start) * 1000
        _say(f"{str(answer.code is ResponseCode.I0).lower()} {taken_ms:.3f}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
