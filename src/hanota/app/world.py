"""One DCC and one estate in one process: head end, network and homes over a folder (or in memory).

The folder holds what outlives the process: `store.sqlite` (the head end's), `estate.sqlite` (what hubs and devices
remember; the head end never reads it), `pki/` (a test PKI) and `estate.toml` (the description).
"""

import random
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

from hanota.app import homes
from hanota.app.head_end import HeadEnd
from hanota.app.keys import KeySources, keys_for, open_keys
from hanota.app.registering import device_row, hub_rows, register_estate
from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant
from hanota.callbacks.http import HttpCallback
from hanota.callbacks.port import Callback
from hanota.edge.estate import Estate, EstateDescription, EstateFile
from hanota.edge.estate.description import PremisesDescription
from hanota.edge.estate.writing import write_description
from hanota.edge.han.link import HanModel
from hanota.model.policies import Policies
from hanota.process.acceptance import Answer
from hanota.records.registry import changes
from hanota.records.registry.certificates import register_certificates
from hanota.records.store import Connection, Store, open_store
from hanota.wan.inprocess import InProcessWan, NetworkModel
from hanota.wan.port import Carrier
from hanota.wire.zcl import Answer as ConsumerAnswer

_T = TypeVar("_T")

LANE: Final = "0"
"""The chain of events in which changes of homes are told; the head end's own."""

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
    """Everything between a supplier's request and a home's devices. One thread steps it; any thread may submit.

    `carrier` takes the place of the network in memory.
    """

    def __init__(
        self,
        settings: WorldSettings,
        *,
        now: Instant,
        rng: random.Random | None = None,
        callback: Callback | None = None,
        store: Store | None = None,
        memory: EstateFile | None = None,
        carrier: Carrier | None = None,
    ) -> None:
        folder, description = settings.folder, settings.description
        self._folder = folder
        self.description = description
        self.rng = rng or secrets.SystemRandom()
        self.store = store or open_world_store(folder)
        opened = open_keys(folder, settings.keys, description, self.rng, now)
        self.keys = opened.directory
        with self.store.writing() as connection:
            homes.follow(connection, LANE, description, now)
        register_estate(self.store, description, self.keys, opened.known)
        self.wan = InProcessWan(settings.network, self.rng)
        self._carrier: Carrier = carrier or self.wan
        self._http: HttpCallback | None = None
        if callback is None:
            callback = self._http = HttpCallback()
        self._callback = callback
        self._policies = settings.policies
        self.head_end = self._new_head_end()
        self._estate_file = memory or EstateFile(None if folder is None else folder / "estate.sqlite")
        self.estate = Estate(
            description,
            wan=self._carrier.premises,
            keys=self.keys,
            policies=settings.policies,
            rng=self.rng,
            file=self._estate_file,
            han=settings.han,
        )
        self._estate_due: Instant | None = now
        self._head_end_due: Instant | None = now
        self.turns = 0  # of the head end: between two of them what was accepted stays in its store as it is
        self._woken = threading.Event()
        self._asked: SimpleQueue[Callable[[Instant], None]] = SimpleQueue()
        self.alerts_wait = threading.Event()

    def _new_head_end(self) -> HeadEnd:
        return HeadEnd(
            self.store,
            keys=self.keys,
            dcc=self.description.dcc,
            wan=self._carrier.head_end,
            callback=self._callback,
            policies=self._policies,
        )

    def restart_head_end(self, now: Instant) -> None:
        """Go on as another process would after this one died: with what the store has, and nothing else."""
        self.head_end = self._new_head_end()
        self._head_end_due = now

    def submit(self, octets: bytes, service: str, now: Instant) -> Answer:
        """Answer a request; the next step takes up its deliveries."""
        answer = self.head_end.accept(octets, service, now)
        self._woken.set()
        return answer

    def release(self, number: int, now: Instant) -> None:
        """Serve a request that was held in quarantine; the next step takes up what comes of it. Raises NotHeld."""
        self.head_end.release(number, now)
        self._woken.set()

    def attest(self, octets: bytes, now: Instant) -> bool:
        """Take a signed statement about a local upgrade; whether it explains a version yet. Raises StatementRefused."""
        return self.head_end.attest(octets, now)

    def drop(self, number: int, now: Instant) -> None:
        """Refuse a request that was held in quarantine; the next step tells its sender. Raises NotHeld."""
        self.head_end.drop(number, now)
        self._woken.set()

    def change_supplier(self, mpxn: str, party: Eui64, now: Instant, *, since: Instant | None = None) -> bool:
        """Let another party supply a meter point from `since` on, else at once.

        This and the other changes of homes are for the thread that steps the world; others go by `ask`. Each gives
        False where it is so already. Raises NotInRegistry.
        """
        begins = now if since is None else since
        home = homes.with_supplier(homes.home_of_point(self.description, mpxn), mpxn, party, begins)

        def enter(connection: Connection) -> bool:
            return changes.change_of_supplier(connection, LANE, mpxn, party, since=begins, now=now)

        return self._change(home, enter, now)

    def change_tenancy(self, home: str, now: Instant) -> bool:
        """Let new occupiers move into a home now. Raises NotInRegistry."""
        with self.store.writing() as connection:
            changed = changes.change_of_tenancy(connection, LANE, home, since=now, now=now)
        self._woken.set()
        return changed

    def swap_device(self, device: Eui64, new: Eui64, now: Instant, *, version: int | None = None) -> bool:
        """Put a new device of the same model in an old one's place; it runs factory firmware, of `version` if that is
        given. Raises NotInRegistry, ChangeImpossible.
        """
        before = homes.home_of_device(self.description, device, new)
        old = next((one for one in before.devices if one.eui == device), None)
        fresh = next((one for one in before.devices if one.eui == new), None)
        if old is not None:
            fresh = homes.successor(old, new, version, now)
            before = homes.with_device(before, device, fresh)
        assert fresh is not None
        row = device_row(fresh)

        def enter(connection: Connection) -> bool:
            return changes.device_swap(connection, LANE, device, row, now=now)

        return self._change(before, enter, now)

    def swap_hub(self, home: str, chf: Eui64, gpf: Eui64, now: Instant) -> bool:
        """Put a new hub of the same model, with empty memory, in the place of a home's hub; its devices join it.

        Raises NotInRegistry, ChangeImpossible.
        """
        after = homes.with_hub(homes.home_named(self.description, home), chf, gpf)

        def enter(connection: Connection) -> bool:
            return changes.hub_swap(connection, LANE, home, *hub_rows(after.hub), now=now)

        return self._change(after, enter, now)

    def _change(self, home: PremisesDescription, enter: Callable[[Connection], bool], now: Instant) -> bool:
        """Change the registry and then the home itself. The folder's description is written before the registry is
        durable, so that a process that dies in between finds out at its next start.
        """
        description = homes.with_home(self.description, home)
        keys = keys_for(home.nodes(), keys=self.keys, folder=self._folder, rng=self.rng, now=now)
        with self.store.writing() as connection:
            if not enter(connection):
                return False
            new = [found for found in keys.certificates() if found.eui in set(home.nodes())]
            register_certificates(connection, new)
            if self._folder is not None:
                keep_description(self._folder, description)
        self.description, self.keys = description, keys
        self.estate.change_home(home, keys, now)
        self._estate_due = now
        self._woken.set()
        return True

    def ask(self, act: Callable[[Instant], _T]) -> Future[_T]:
        """Have the thread that steps the world do something at its next step; safe from any thread."""
        asked: Future[_T] = Future()
        self._asked.put(lambda now: _fulfil(asked, act, now))
        self._woken.set()
        return asked

    def _do_asked(self, now: Instant) -> None:
        while not self._asked.empty():
            self._asked.get()(now)

    def press(self, device: Eui64, answer: ConsumerAnswer, now: Instant) -> None:
        """The consumer presses a button of a device's screen; for the thread that steps the world."""
        self.estate.press(device, answer, now)
        self._estate_due = now

    def step(self, now: Instant, *, alerts: bool = True) -> Instant | None:
        """Do what is due by `now` on both sides. Returns: when something will be due next, None if nothing will.

        Without `alerts`, those are for a thread that calls `post_alerts` whenever `alerts_wait` is set.
        """
        self._do_asked(now)
        if _due(self.homes_due(), now):
            self.step_homes(now)
        if _due(self.head_end_due(), now):
            self.step_head_end(now, alerts=alerts)
        return self.next_due()

    def step_homes(self, now: Instant) -> None:
        """Let happen what is due in the homes."""
        self._estate_due = self.estate.advance(now, EVENTS_MAX)

    def step_head_end(self, now: Instant, *, alerts: bool = True) -> None:
        """Let the head end do what is due."""
        self._woken.clear()
        self.turns += 1
        self.head_end.step(now, alerts=alerts)
        self._head_end_due = self.head_end.next_due()
        if not alerts and _due(self._head_end_due, now):  # all else that was due is done
            self._head_end_due = Instant(now + SLICE_MS)
            self.alerts_wait.set()

    def homes_due(self) -> Instant | None:
        """When something is due in the homes: of itself, or because a frame arrives there."""
        return _soonest(self._estate_due, self.estate.next_due(), self._carrier.premises.next_due())

    def head_end_due(self) -> Instant | None:
        """When something is due at the head end; a request makes it due at once."""
        if self._woken.is_set():
            return Instant(0)
        return _soonest(self._head_end_due, self._carrier.head_end.next_due())

    def post_alerts(self, now: Instant) -> Iterator[None]:
        """Hand out alerts that are due, one each time; `step` in its thread records what came of it."""
        self.alerts_wait.clear()
        for _ in self.head_end.post_alerts(now):
            self._woken.set()
            yield

    def next_due(self) -> Instant | None:
        """When something will be due next."""
        return _soonest(self.homes_due(), self.head_end_due())

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


def keep_description(folder: Path, description: EstateDescription) -> None:
    """Let a folder's own estate be as described, whole or not at all, whenever the process dies."""
    own = folder / "estate.toml"
    part = own.with_suffix(".part")
    part.write_text(write_description(description), encoding="utf-8")
    part.replace(own)


def _fulfil(asked: Future[_T], act: Callable[[Instant], _T], now: Instant) -> None:
    """Do what was asked for, and tell who asked what came of it."""
    if not asked.set_running_or_notify_cancel():
        return
    try:
        asked.set_result(act(now))
    except Exception as failure:  # it is for whoever asked, not for the thread that does it
        asked.set_exception(failure)


def _soonest(*whens: Instant | None) -> Instant | None:
    return min((when for when in whens if when is not None), default=None)


def _due(when: Instant | None, now: Instant) -> bool:
    return when is not None and when <= now
