"""Keeps the processes of `hanota serve` going: starts each, starts one that ended again after a while, ends them all.

It does no work itself and knows no other machine's: that several work together is the store's doing (`leases`).
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from hanota.app.serving.settings import PartSettings

PROGRAM: tuple[str, ...] = (sys.executable, "-m", "hanota", "serve-part")
EXIT_LEASE_LOST: Final = 75
"""It ended because its work is others' by now: it is started again at once."""
EXIT_UNUSABLE: Final = 78
"""It ended because of what the operator gave it: to start it again would not help."""
STOP_S_MAX: Final = 25.0
"""How long processes have to end by themselves, of the 30 s in which the whole must have ended."""
_BACK_OFF_S_MAX: Final = 60.0
_STEADY_S: Final = 60.0  # who lived for so long starts from the shortest wait again
_LOOK_EVERY_S: Final = 0.2
_AS_ASKED: Final = (0, -signal.SIGTERM)  # the latter where it had not begun yet
_log = structlog.get_logger()


@dataclass(slots=True)
class _Child:
    settings: PartSettings
    process: "subprocess.Popen[bytes] | None" = None
    started_s: float = 0.0
    start_at_s: float = 0.0
    failures: int = field(default=0)


class Supervisor:
    """The processes of one machine. `run` belongs to one thread; `stop` may be called from any, or from a signal."""

    def __init__(self, parts: Sequence[PartSettings]) -> None:
        self._children = [_Child(settings) for settings in parts]
        self._stopping = False
        self._nap = threading.Event()
        self._unusable = False

    def stop(self) -> None:
        """Ask it to end all processes, and itself."""
        self._stopping = True  # no lock: a signal may come while the thread that it interrupts holds any

    @property
    def whole(self) -> bool:
        """Whether every process is there."""
        return all(child.process is not None and child.process.poll() is None for child in self._children)

    def run(self) -> bool:
        """Keep them going until stopped. Returns: whether all of them ended as they were asked to."""
        while not self._stopping:
            for child in self._children:
                self._look_after(child)
            self._nap.wait(_LOOK_EVERY_S)
        return self._end_all() and not self._unusable

    def _look_after(self, child: _Child) -> None:
        now_s = time.monotonic()
        if child.process is None:
            if now_s >= child.start_at_s:
                self._start(child)
            return
        code = child.process.poll()
        if code is None:
            return
        child.process = None
        if code == EXIT_UNUSABLE:
            self._unusable = True
            self._stopping = True
        if now_s - child.started_s >= _STEADY_S:
            child.failures = 0
        wait_s = 0.0 if code == EXIT_LEASE_LOST else min(2.0**child.failures, _BACK_OFF_S_MAX)
        child.failures += code != EXIT_LEASE_LOST
        child.start_at_s = now_s + wait_s
        _log.error("process_ended", process=child.settings.name, code=code, again_in_s=wait_s)

    def _start(self, child: _Child) -> None:
        child.started_s = time.monotonic()
        child.process = subprocess.Popen(  # noqa: S603  (this very program)
            PROGRAM,
            env=child.settings.environment(),
            stdin=subprocess.PIPE,  # it ends when this ends, however that happens
            start_new_session=True,  # Ctrl-C is for this process, which then asks the others
        )
        _log.info("process_started", process=child.settings.name, pid=child.process.pid)

    def _end_all(self) -> bool:
        processes = {child.settings.name: child.process for child in self._children if child.process is not None}
        for process in processes.values():
            process.terminate()
        end_s = time.monotonic() + STOP_S_MAX
        clean = True
        for name, process in processes.items():
            try:
                code = process.wait(max(0.0, end_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            clean &= code in _AS_ASKED
            _log.info("process_ended", process=name, code=code)
        return clean
