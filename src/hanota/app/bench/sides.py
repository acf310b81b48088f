"""A side of a race: a process that does the work once for each line it is given, and says how long that took."""

import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, Self

from hanota.base.errors import Fault, HanotaError

_LIFE_S_MAX: Final = 600.0
_TOLD_CHARS_MAX: Final = 500
_KB_PER_MB: Final = 1024
_REFUSED: Final = "it does not hold the document for good"


class SideBroken(HanotaError):
    """One side of the race ended, or did not do what it was there to do."""

    code, fault = "HOTA-BENCH-003", Fault.OPERATOR
    what = "{side} did not do its part: {reason}"
    remedy = "run the command by hand and see what it says: {command}"


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process in MB: now, and the most that it ever had."""

    now_mb: float
    peak_mb: float


class Side:
    """Runs `command` while it is entered as a context. It is killed after ten minutes.

    `refused` is what to say of a side that answers "false".
    """

    def __init__(self, name: str, command: Sequence[str], *, refused: str = _REFUSED) -> None:
        self._name = name
        self._command = tuple(command)
        self._refused = refused

    def __enter__(self) -> Self:
        self._told = tempfile.TemporaryFile()
        self._process = subprocess.Popen(  # noqa: S603 - Python or Java with arguments of our own making
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._told, text=True
        )
        self._end = threading.Timer(_LIFE_S_MAX, self._process.kill)
        self._end.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.cancel()
        self._process.kill()
        self._process.communicate()
        self._told.close()

    def wait_ready(self) -> str:
        """Wait for the line by which the process says that it is idle, and give it. Raises SideBroken."""
        return self._line()

    def round_ms(self, order: str, times: int) -> float:
        """Have the work done so many times in a row. Returns: the median by the side's own clock. Raises SideBroken."""
        return median(self._once_ms(order) for _ in range(times))

    def memory(self) -> Memory | None:
        """Give the process's memory; None where the system has no /proc."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        lines = dict(line.split(":", 1) for line in status.splitlines())
        now, peak = (int(lines[name].split()[0]) / _KB_PER_MB for name in ("VmRSS", "VmHWM"))
        return Memory(now, peak)

    def _once_ms(self, order: str) -> float:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{order}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._break("it ended early")
        held, _, milliseconds = self._line().partition(" ")
        if held != "true":
            self._break(self._refused)
        return float(milliseconds)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._break("it ended early")
        return line.strip()

    def _break(self, reason: str) -> None:
        self._told.seek(0)
        told = self._told.read(_TOLD_CHARS_MAX).decode(errors="replace").strip()
        raise SideBroken(side=self._name, reason=f"{reason}. {told}".strip(), command=" ".join(self._command))
