"""A world that runs by itself: one background thread steps it by a scaled clock whose position is durable, and one
posts alerts, so that a party which is slow holds up nothing.

The process may be killed at any instant. Started again on the same folder it goes on: store and estate file hold all
that was acknowledged, frames that were in the air are sent again, and the clock goes on from where it stood.
"""

import fcntl
import os
import threading
from pathlib import Path
from typing import Final

import structlog

from hanota.app.asking import AskedHomes
from hanota.app.clock import ScaledClock
from hanota.app.desk import Acts, Desk
from hanota.app.keys import KeySources
from hanota.app.screens import Screens
from hanota.app.world import World, WorldSettings, open_world_store
from hanota.base.errors import Fault, HanotaError
from hanota.base.instant import Instant
from hanota.edge.estate import EstateDescription, builtin_description, read_description
from hanota.model.policies import Policies
from hanota.process.acceptance import Answer

_KEEP_CLOCK_S: Final = 1.0
_AHEAD_S: Final = 3 * _KEEP_CLOCK_S
_NAP_S_MAX: Final = 0.25
_STOP_S_MAX: Final = 30.0
_STOP_ALERTS_S_MAX: Final = 1.0  # a party may be slow; what it was not seen to take is posted again
_AFTER_FAILURE_S: Final = 1.0
_log = structlog.get_logger()


class FolderInUse(HanotaError):
    """Another process runs on the same folder."""

    code, fault, retryable = "HOTA-APP-005", Fault.OPERATOR, True
    what = "{folder} is in use by process {pid}"
    remedy = "stop that process, or give another folder with --home"


class Running:
    """`hanota up` without its faces. Start it, ask its desk, stop it."""

    def __init__(
        self,
        folder: Path,
        *,
        speed: float = 1.0,
        estate: Path | None = None,
        policies: Policies | None = None,
        keys: KeySources | None = None,
    ) -> None:
        self._lock = FolderLock(folder)
        try:
            self._open(folder, speed, estate, policies or Policies(), keys or KeySources())
        except BaseException:
            self._lock.release()
            raise
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hanota-world", daemon=True)
        self._alerts_thread = threading.Thread(target=self._post_alerts, name="hanota-alerts", daemon=True)
        self.failure: Exception | None = None
        self.alerts_failure: Exception | None = None

    def _open(self, folder: Path, speed: float, estate: Path | None, policies: Policies, keys: KeySources) -> None:
        store = open_world_store(folder)
        self._clock = ScaledClock(store, speed)
        description = _description(folder, estate)
        settings = WorldSettings(description=description, policies=policies, keys=keys, folder=folder)
        self._world = World(settings, now=self._clock.now(), store=store)
        self._screens = screens = Screens(self._world)
        world = self._world
        acts = Acts(
            release=world.release, drop=world.drop, attest=world.attest, showing=screens.of, press=screens.press
        )
        self.desk = Desk(store, self._submit, self._clock.now, acts)
        self.desk.changer = AskedHomes(self._world)

    def now(self) -> Instant:
        """What its clock shows."""
        return self._clock.now()

    def start(self) -> None:
        """Begin to step the world and to post alerts in the background.

        Before either does anything, the clock is kept ahead: else what was done in a life that was killed at once may
        lie ahead of where the next one begins.
        """
        self._clock.keep(keep_ahead_s=_AHEAD_S)
        self._thread.start()
        self._alerts_thread.start()

    def stop(self) -> None:
        """Stop after the step at hand, keep the clock, let go of the folder."""
        self._stopping.set()
        self._world.alerts_wait.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S_MAX)
        if self._alerts_thread.is_alive():
            self._alerts_thread.join(_STOP_ALERTS_S_MAX)
        self._world.head_end.record_alerts(self._clock.now())
        self._clock.keep()
        self._world.close()
        self._lock.release()

    @property
    def healthy(self) -> bool:
        """Whether both background threads are at work and their last rounds did not fail."""
        at_work = self._thread.is_alive() and self._alerts_thread.is_alive()
        return at_work and self.failure is None and self.alerts_failure is None

    def _submit(self, octets: bytes, service: str, now: Instant) -> Answer:
        return self._world.submit(octets, service, now)

    def _run(self) -> None:
        keep_at = self._clock.after_s(_KEEP_CLOCK_S)
        while not self._stopping.is_set():
            now = self._clock.now()
            try:
                if now >= keep_at:
                    self._clock.keep(keep_ahead_s=_AHEAD_S)  # a killed process goes on from beyond its deeds
                    keep_at = self._clock.after_s(_KEEP_CLOCK_S)
                due = self._world.step(now, alerts=False)
                self._screens.follow()
                self.failure = None
            except Exception as failure:  # nothing is above this thread: readiness tells of it, and it tries again
                self.failure = failure
                _log.exception("step_failed")
                due = self._clock.after_s(_AFTER_FAILURE_S)
                self._stopping.wait(_AFTER_FAILURE_S)
            nap_s = _NAP_S_MAX if due is None else min(self._clock.seconds_until(due), _NAP_S_MAX)
            self._world.wait(nap_s)

    def _post_alerts(self) -> None:
        while not self._stopping.is_set():
            try:
                for _ in self._world.post_alerts(self._clock.now()):
                    if self._stopping.is_set():
                        return
                self.alerts_failure = None
            except Exception as failure:  # nothing is above this thread either
                self.alerts_failure = failure
                _log.exception("alerts_failed")
                self._stopping.wait(_AFTER_FAILURE_S)
            self._world.alerts_wait.wait(_NAP_S_MAX)


class FolderLock:
    """Keeps two processes from running on one folder; the operating system frees it when the holder dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "lock"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(self._descriptor):
            pid = self._path.read_text().strip() or "unknown"
            os.close(self._descriptor)
            raise FolderInUse(folder=folder, pid=pid)
        os.truncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        """Let another process have the folder."""
        os.close(self._descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _description(folder: Path, estate: Path | None) -> EstateDescription:
    """The description given, else the folder's own, else the built-in one; one given becomes the folder's own."""
    own = folder / "estate.toml"
    if estate is not None:
        description = read_description(estate)
        part = own.with_suffix(".part")
        part.write_bytes(estate.read_bytes())
        part.replace(own)  # whole or not at all, whenever the process dies
        return description
    return read_description(own) if own.is_file() else builtin_description()
