"""The lean worker: one process that has loaded everything and gives birth to head ends, which are to be killed.

`python -m helpers.lean.worker FOLDER` reads lines: `live STORE LIFE` begets one that accepts, hears and sends until it
is killed, `end STORE LIFE` one that works until nothing is left to do and ends, `bury` waits for its end. A head end
says what it has acknowledged or handed over in lines of JSON on the same stdout; each line is one write of less than
PIPE_BUF octets, so it is there whole or not at all.
"""

import hashlib
import json
import os
import re
import sys
import traceback
from concurrent.futures import Future
from pathlib import Path
from random import Random
from typing import Final

from hanota.app.head_end import HeadEnd
from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, MINUTE, SECOND, Instant
from hanota.records.store import open_store
from hanota.sim.quiet import quiet
from helpers.lean.street import HOMES, NOW, POLICIES, VERSIONS, Street, image, keys
from helpers.system import DCC, SUPPLIER_1, ask, signed

_RESPONSE_ID: Final = re.compile(rb"ResponseID>([^<]+)<")
_BUSY: Final = "SELECT device FROM delivery WHERE state != 'CONFIRMED'"
_QUIET_ROUNDS: Final = 3
_TRACE_MAX: Final = 2_000  # octets of a line that is written whole


def say(*words: object) -> None:
    """Tell whoever keeps the account."""
    os.write(1, f"{json.dumps(words)}\n".encode())


class Parties:
    """Suppliers that take every message, and say so."""

    def post(self, endpoint: str, octets: bytes) -> "Future[None]":
        found = _RESPONSE_ID.search(octets)
        assert found is not None
        say("posted", found[1].decode())
        taken: Future[None] = Future()
        taken.set_result(None)
        return taken


class Worker:
    """One life of a head end."""

    def __init__(self, folder: Path, path: Path, life: int) -> None:
        self._rng = Random(f"life {life}")
        self._life = life
        self._folder = folder
        self._now = Instant(NOW + life * HOUR)
        self._sent: list[bytes] = []
        self.store = open_store(path)
        self._street = Street(folder, self.store, self._rng, say)
        self._head_end = HeadEnd(
            self.store, keys=keys(folder), dcc=DCC, wan=self._street, callback=Parties(), policies=POLICIES
        )
        say("lives", life)

    def live(self) -> None:
        """Go on until somebody ends it."""
        while True:
            self._ask()
            self._step()

    def finish(self) -> None:
        """Do what is left, until nothing changes any more, the claims of those who died long over."""
        rounds = 0
        while rounds < _QUIET_ROUNDS:
            before = self._events()
            self._step(5 * MINUTE)
            rounds = rounds + 1 if self._events() == before else 0
        self.store.close()

    def _events(self) -> int:
        with self.store.reading() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM event").scalar_one())

    def _step(self, after_ms: int = 10 * SECOND) -> None:
        self._now = Instant(self._now + after_ms)
        self._street.look()
        self._head_end.step(self._now)

    def _ask(self) -> None:
        """Send a new request for some devices that wait for nothing, or now and then one that was answered before."""
        with self.store.reading() as connection:
            (number,) = connection.exec_driver_sql("SELECT count(*) FROM request").one()
            busy = {eui for (eui,) in connection.exec_driver_sql(_BUSY)}
        idle = [home.ppmid for home in HOMES if home.ppmid.signed not in busy]
        if self._sent and (self._rng.random() < 0.3 or not idle):
            octets = self._rng.choice(self._sent)
        elif idle:
            devices = self._rng.sample(idle, self._rng.randint(1, min(4, len(idle))))
            octets = self._request(devices, number)
        else:
            return
        answer = self._head_end.accept(octets, "D", self._now)
        self._sent.append(octets)
        digest = hashlib.sha256(answer.octets).hexdigest()
        say("answered", hashlib.sha256(octets).hexdigest(), digest, str(answer.code.value))

    def _request(self, devices: list[Eui64], number: int) -> bytes:
        chosen = image(VERSIONS[number % len(VERSIONS)])
        counter = 1 + self._life * 10_000 + len(self._sent)
        asked = ask(chosen.octets, devices, version=chosen.version, sender=SUPPLIER_1, counter=counter)
        return signed(asked, keys(self._folder))


def main() -> None:
    """Beget and bury."""
    folder = Path(sys.argv[1])
    keys(folder)
    for version in VERSIONS:
        image(version)
    child = 0
    say("ready")
    for line in sys.stdin:
        words = line.split()
        if words[0] == "bury":
            _, status = os.waitpid(child, 0)
            say("buried", os.waitstatus_to_exitcode(status))
            continue
        told, telling = os.pipe()
        child = os.fork()
        if child:
            os.close(told)
            say("begot", child)
            os.close(telling)
            continue
        os.close(telling)
        os.read(told, 1)  # nothing comes, but its end: whoever is born first says nothing before it was announced
        os.close(told)
        try:
            with quiet():
                worker = Worker(folder, Path(words[1]), int(words[2]))
                (worker.live if words[0] == "live" else worker.finish)()
        except BaseException:
            say("failed", traceback.format_exc()[-_TRACE_MAX:])
            os._exit(1)
        os._exit(0)


if __name__ == "__main__":
    main()
