"""The rollout with everything signed: orders by the DCC, reports by hubs and devices, each verified as it comes in.

The whole `HeadEnd` is measured: frames built and signed, sent, received, verified, kept, acknowledged. Homes are at
flow level and make their frames while the clock stands still. The network is a list each way, which takes no time.
"""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from multiprocessing import active_children
from random import Random
from typing import Final

from hanota.app.bench.identities import Identities
from hanota.app.bench.metering import Meter
from hanota.app.bench.rollout import GIVE_UP_MS, STAGGER_MS, Plan, RequestRefused, RolloutUnfinished
from hanota.app.bench.town import Town
from hanota.app.head_end import HEARD_MAX, HeadEnd
from hanota.app.keywork import open_key_work
from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.backoff import Backoff
from hanota.edge.estate.flow import FlowEstate, FlowHomes
from hanota.model.policies import Policies
from hanota.records.store import Store
from hanota.records.store.census import deliveries_by_state
from hanota.wan.port import check_frame

_TICK_MS: Final = 10 * SECOND
# Time stands still while the head end works, then goes on at once: homes that repeat after some seconds what is not
# acknowledged would repeat what is under way.
_UNHURRIED: Final = Backoff(first_ms=MINUTE, longest_ms=HOUR)


class SignedRollout:
    """A rollout between a head end and homes at flow level, who meet in signed frames."""

    def __init__(
        self,
        store: Store,
        town: Town,
        identities: Identities,
        *,
        plan: Plan,
        policies: Policies,
        meter: Meter,
        seed: int = 1,
        wires: "Wires | None" = None,
        processes: int = 0,
    ) -> None:
        self._store, self._town, self._plan, self._meter = store, town, plan, meter
        self._wires = wires or Wires(Random(seed))  # noqa: S311 - a measurement that can be repeated
        dcc, acb = town.description.dcc, CertificateRole.ACCESS_CONTROL_BROKER
        self._work = open_key_work(town.keys, dcc, processes)
        self._head_end = HeadEnd(
            store,
            keys=town.keys,
            dcc=dcc,
            wan=self._wires.head_end,
            callback=_NoCallback(),
            policies=policies,
            work=self._work,
        )
        self._homes = FlowEstate(
            FlowHomes(town.columns(), policies=policies, seed=seed, said=plan.said),
            wan=self._wires.premises,
            credential=identities.credential,
            acb=town.keys.certificate(dcc, KeyUsage.KEY_AGREEMENT, acb),
            acb_signing=town.keys.certificate(dcc, KeyUsage.DIGITAL_SIGNATURE, acb).public_key,
            resend=_UNHURRIED,
        )
        self.days = 0.0

    @property
    def reports(self) -> int:
        """How many frames came from homes."""
        return self._wires.carried_up

    def run(self, start: Instant) -> None:
        """Go on until every device is confirmed. Raises RequestRefused, RolloutUnfinished."""
        try:
            self._run(start)
        finally:
            self._work.close()
        self._meter.beside_cpu_s += self._work.cpu_s
        self._meter.signatures += self._work.looked

    def _run(self, start: Instant) -> None:
        requests = [(Instant(start + number * STAGGER_MS), *share) for number, share in enumerate(self._plan.shares())]
        for tick in range(GIVE_UP_MS // _TICK_MS):
            now = Instant(start + tick * _TICK_MS)
            while requests and requests[0][0] <= now:
                _, first, count = requests.pop(0)
                self._accept(first, count, now)
            with _others_stopped():
                self._homes.advance(now, len(self._wires.down) + 1)
                self._wires.shuffle()
            self._work_off(now)
            if not requests and self._done():
                self.days = (now - start) / DAY
                return
        raise RolloutUnfinished(devices=self._plan.devices, states=self._states(), days=GIVE_UP_MS // DAY)

    def _work_off(self, now: Instant) -> None:
        """Step as a worker does, once or until less than a round of frames waits: then time goes on."""
        while True:
            with self._meter.phase("step"):
                self._head_end.step(now, alerts=False, whole=False)
            if len(self._wires.up) < HEARD_MAX:
                return

    def _accept(self, first: int, count: int, now: Instant) -> None:
        octets = self._town.request(first + 1, first, count)
        with self._meter.phase("accept"):
            answer = self._head_end.accept(octets, "D", now)
        require(answer.code.value == "I0", RequestRefused, number=first + 1, answered=answer.code.value)

    def _states(self) -> dict[str, int]:
        with self._store.reading() as connection:
            return dict(deliveries_by_state(connection))

    def _done(self) -> bool:
        return not self._wires.anything and self._states() == {"CONFIRMED": self._plan.devices}


@contextmanager
def _others_stopped() -> Iterator[None]:
    """Stop the processes beside: what they have in hand must not be done while the clock stands still."""
    others = [child.pid for child in active_children() if child.pid is not None]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


class Wires:
    """A network that loses nothing and takes no time; what goes up arrives in any order."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.down: list[tuple[Eui64, bytes]] = []
        self.up: list[bytes] = []
        self.carried_up = 0
        self.head_end = _HeadEndOfWires(self)
        self.premises = _PremisesOfWires(self)

    @property
    def anything(self) -> bool:
        """Whether anything is under way."""
        return bool(self.down or self.up)

    def shuffle(self) -> None:
        """Let what is under way to the head end arrive in another order."""
        self._rng.shuffle(self.up)


class _HeadEndOfWires:
    """The end that implements `HeadEndWan`."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires

    def send(self, hub: Eui64, frame: bytes, _now: Instant) -> None:
        check_frame(hub, frame)
        self._wires.down.append((hub, frame))

    def flush(self) -> frozenset[Eui64]:
        return frozenset()

    def receive(self, _now: Instant, limit: int) -> list[bytes]:
        up = self._wires.up
        taken = up[-limit:]
        del up[-limit:]
        return taken

    def settle(self, frames: int) -> None:
        """What was taken is gone from here."""

    def give_back(self) -> None:
        """A frame comes once."""

    def offer(self, image_hash: bytes, octets: Callable[[], bytes | None], *, anew: bool = False) -> None:
        """No image is kept here, and homes at flow level ask for none."""

    def next_due(self) -> Instant | None:
        return None


class _PremisesOfWires:
    """The end that implements `PremisesWan`."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires

    def send(self, hub: Eui64, frame: bytes, _now: Instant) -> None:
        check_frame(hub, frame)
        self._wires.up.append(frame)
        self._wires.carried_up += 1

    def flush(self) -> None:
        """Each frame went as it was sent."""

    def receive(self, _now: Instant, limit: int) -> list[tuple[Eui64, bytes]]:
        down = self._wires.down
        taken = down[:limit]
        del down[:limit]
        return taken

    def settle(self) -> None:
        """What was taken is gone from here."""

    def next_due(self) -> Instant | None:
        return None


class _NoCallback:
    """Alerts stay where they are: posting them is measured by `hanota bench callbacks`."""

    def post(self, endpoint: str, octets: bytes) -> Future[None]:
        raise RuntimeError(f"nothing is posted in this measurement, and {endpoint} was to get {len(octets)} octets")
