"""One DCC and one estate in one process: head end, network and homes over a folder (or in memory).

The folder holds what outlives the process: `store.sqlite` (the head end's), `estate.sqlite` (what hubs and devices
remember; the head end never reads it), `pki/` (a test PKI) and `estate.toml` (the description).
"""

import random
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hanota.app.head_end import HeadEnd
from hanota.app.keys import KeySources, open_keys
from hanota.app.registering import register_estate
from hanota.base.instant import SECOND, Instant
from hanota.callbacks.http import HttpCallback
from hanota.callbacks.port import Callback
from hanota.edge.estate import Estate, EstateDescription, EstateFile
from hanota.edge.han.link import HanModel
from hanota.model.policies import Policies
from hanota.process.acceptance import Answer
from hanota.records.store import Store, open_store
from hanota.wan.inprocess import InProcessWan, NetworkModel

SLICE_MS: Final = 1 * SECOND
"""How far the homes go on before the head end looks again: frames up wait for at most this long."""

EVENTS_MAX: Final = 500
"""How much happens in the homes before it is made durable: what a killed process loses, and what a stop waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSettings:
    """How a world is set up. `folder` None: nothing is kept. `rng` draws latencies, losses and new keys."""

    description: EstateDescription
    policies: Policies = field(default_factory=Policies)
    keys: KeySources = field(default_factory=KeySources)
    folder: Path | None = None
    han: HanModel = field(default_factory=HanModel)
    network: NetworkModel = field(default_factory=NetworkModel)


class World:
    """Everything between a supplier's request and a home's devices. One thread steps it; any thread may submit."""

    def __init__(
        self,
        settings: WorldSettings,
        *,
        now: Instant,
        rng: random.Random | None = None,
        callback: Callback | None = None,
        store: Store | None = None,
    ) -> None:
        folder, description = settings.folder, settings.description
        self.description = description
        self.rng = rng or secrets.SystemRandom()
        self.store = store or open_world_store(folder)
        opened = open_keys(folder, settings.keys, description, self.rng, now)
        self.keys = opened.directory
        register_estate(self.store, description, self.keys, opened.known)
        self.wan = InProcessWan(settings.network, self.rng)
        self._http: HttpCallback | None = None
        if callback is None:
            callback = self._http = HttpCallback()
        self.head_end = HeadEnd(
            self.store,
            keys=self.keys,
            dcc=description.dcc,
            wan=self.wan.head_end,
            callback=callback,
            policies=settings.policies,
        )
        self._estate_file = EstateFile(None if folder is None else folder / "estate.sqlite")
        self.estate = Estate(
            description,
            wan=self.wan.premises,
            keys=self.keys,
            policies=settings.policies,
            rng=self.rng,
            file=self._estate_file,
            han=settings.han,
        )
        self._estate_due: Instant | None = now
        self._head_end_due: Instant | None = now
        self._woken = threading.Event()
        self.alerts_wait = threading.Event()

    def submit(self, octets: bytes, service: str, now: Instant) -> Answer:
        """Answer a request; the next step takes up its deliveries."""
        answer = self.head_end.accept(octets, service, now)
        self._woken.set()
        return answer

    def release(self, number: int, now: Instant) -> None:
        """Serve a request that was held in quarantine; the next step takes up what comes of it. Raises NotHeld."""
        self.head_end.release(number, now)
        self._woken.set()

    def drop(self, number: int, now: Instant) -> None:
        """Refuse a request that was held in quarantine; the next step tells its sender. Raises NotHeld."""
        self.head_end.drop(number, now)
        self._woken.set()

    def step(self, now: Instant, *, alerts: bool = True) -> Instant | None:
        """Do what is due by `now` on both sides. Returns: when something will be due next, None if nothing will.

        Without `alerts`, those are for a thread that calls `post_alerts` whenever `alerts_wait` is set.
        """
        if self._woken.is_set():
            self._woken.clear()
            self._head_end_due = now
        if _due(self._estate_due, now) or _due(self.wan.next_due(), now):
            self._estate_due = self.estate.advance(now, EVENTS_MAX)
        if _due(self._head_end_due, now) or _due(self.wan.next_due(), now):
            self.head_end.step(now, alerts=alerts)
            self._head_end_due = self.head_end.next_due()
            if not alerts and _due(self._head_end_due, now):  # all else that was due is done
                self._head_end_due = Instant(now + SLICE_MS)
                self.alerts_wait.set()
        return self.next_due()

    def post_alerts(self, now: Instant) -> Iterator[None]:
        """Hand out alerts that are due, one each time; `step` in its thread records what came of it."""
        self.alerts_wait.clear()
        for _ in self.head_end.post_alerts(now):
            self._woken.set()
            yield

    def next_due(self) -> Instant | None:
        """When something will be due next."""
        soonest = (self._estate_due, self._head_end_due, self.wan.next_due())
        return min((when for when in soonest if when is not None), default=None)

    def wait(self, seconds: float) -> None:
        """Sleep until `seconds` have passed or a request came."""
        self._woken.wait(seconds)

    def close(self) -> None:
        """Let go of files and connections."""
        if self._http is not None:
            self._http.close()
        self._estate_file.close()
        self.store.close()


def open_world_store(folder: Path | None) -> Store:
    """Open the head end's store of a world's folder, which is made if need be."""
    if folder is None:
        return open_store(None)
    folder.mkdir(parents=True, exist_ok=True)
    return open_store(folder / "store.sqlite")


def _due(when: Instant | None, now: Instant) -> bool:
    return when is not None and when <= now
