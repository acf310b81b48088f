"""Processes of `hanota` that begin with most of what they need imported, which takes two seconds of a core.

Each process of tests has one source of them (`python -m helpers.prefork`), which imports, and then forks for each
command that it is told. What it forks is a process like any other: arguments, environment, folder, streams, exit code
and death by a signal are its own. `helpers.system.started` starts `hanota` in earnest, for tests of just that.
"""

import atexit
import contextlib
import faulthandler
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

_LIBRARIES: Final = (
    *(
        "aiohttp",
        "alembic.command",
        "asn1tools",
        "cryptography.x509",
        "fastapi",
        "granian",
        "httpx",
        "lxml.etree",
        "nats",
    ),
    *("nicegui", "prometheus_client", "psycopg", "rich.table", "sqlalchemy.dialects.postgresql"),
    *("sqlalchemy.dialects.sqlite", "structlog", "typer"),
)
_THREADED: Final = "polars"
"""It begins threads when it is imported, and who has threads can't be forked."""
_PACKAGE: Final = "hanota"
_NOT_THESE: Final = ("__main__", ".migrations.", ".bench")
_TESTS: Final = Path(__file__).resolve().parents[1]
_OCTETS_MAX: Final = 1 << 17
_STREAMS: Final = 3
_NAMED: Final = "HANOTA_TEST_PREFORK"
"""By this, a process knows the one that forked it."""
_START_S_MAX: Final = 60.0


class Process:
    """A process that was forked, to be dealt with like a `subprocess.Popen`."""

    def __init__(self, pid: int, end: int, feed: int | None = None) -> None:
        """`end` tells how it ended; `feed` is what it reads, open as long as this is and its end is not known."""
        self.pid = pid
        self.returncode: int | None = None
        self._end = end
        self._feed = feed

    def poll(self) -> int | None:
        """How it ended; None: it has not."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises: subprocess.TimeoutExpired."""
        if (code := self._look(timeout)) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, within_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], within_s)[0]:
            told = os.read(self._end, 100)
            assert told, "the source of processes is gone"
            for descriptor in (self._end, self._feed):
                if descriptor is not None:
                    os.close(descriptor)
            self.returncode = int(told)
        return self.returncode


class _Source:
    """The process that forks, as one that tells it what to."""

    def __init__(self, link: socket.socket) -> None:
        self._turn = threading.Lock()
        self._link = link

    def fork(self, told: dict[str, object], streams: Sequence[int], feed: int | None = None) -> Process:
        ours, theirs = os.pipe()
        with self._turn:
            socket.send_fds(self._link, [json.dumps(told).encode()], [*streams, theirs])
            os.close(theirs)
            pid = int(self._link.recv(100))
        return Process(pid, ours, feed)


class _OwnSource(_Source):
    """One that begins with this process of tests, and ends with it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = f"{_TESTS}:{os.environ.get('PYTHONPATH', '')}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "helpers.prefork", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=sys.__stderr__,
        )
        theirs.close()
        ours.settimeout(_START_S_MAX)
        super().__init__(ours)
        atexit.register(self._end)

    def _end(self) -> None:
        self._link.close()
        self._process.wait()


@cache
def _source() -> _Source:
    """A process that was forked asks the one that forked it."""
    if _NAMED not in os.environ:
        return _OwnSource()
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.connect(_place(os.environ[_NAMED]))
    return _Source(link)


def _place(name: str) -> str:
    return f"\0hanota-tests-{name}"


def begin(
    module: str,
    arguments: Sequence[object] = (),
    *,
    env: dict[str, str] | None = None,
    stdout: IO[Any] | None = None,
    stderr: IO[Any] | None = None,
) -> Process:
    """Begin what `python -m MODULE ARGUMENTS` would."""
    outputs = [stdout.fileno() if stdout else 1, stderr.fileno() if stderr else 2]
    with Path(os.devnull).open("rb") as nothing:
        return _source().fork(_told(module, arguments, env), [nothing.fileno(), *outputs])


def begin_fed(module: str, arguments: Sequence[object], env: dict[str, str]) -> Process:
    """Begin what reads from a pipe that ends with the process which calls this, in a session of its own."""
    reads, feed = os.pipe()
    try:
        return _source().fork({**_told(module, arguments, env), "session": True}, [reads, 1, 2], feed)
    finally:
        os.close(reads)


def _told(module: str, arguments: Sequence[object], env: dict[str, str] | None) -> dict[str, object]:
    return {
        "module": module,
        "arguments": [str(argument) for argument in arguments],
        "environment": dict(os.environ if env is None else env),
        "folder": str(Path.cwd()),
    }


# --- the process that forks --------------------------------------------------------------------------------------


def main() -> None:
    """Import, and fork for each command until nobody is left to tell one. What is forked goes on with its command."""
    _import()
    gc.collect()
    gc.freeze()
    begun = _serve(socket.socket(fileno=int(sys.argv[1])))
    if begun is not None:
        faulthandler.enable()  # one that aborts says where
        sys.argv = ["", *begun["arguments"]]
        runpy.run_module(begun["module"], run_name="__main__", alter_sys=True)


def _import() -> None:
    """Import all that needs no threads."""
    sys.modules[_THREADED] = None  # who imports it can't be imported
    package = importlib.import_module(_PACKAGE)
    ours = (module.name for module in pkgutil.walk_packages(package.__path__, f"{_PACKAGE}.", onerror=lambda _: None))
    for name in (*_LIBRARIES, *(name for name in ours if not any(part in name for part in _NOT_THESE))):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    del sys.modules[_THREADED]


def _serve(first: socket.socket) -> dict[str, Any] | None:
    """Returns: a command, in the process that is to run it; None once whoever began this is gone."""
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door.bind(_place(str(os.getpid())))
    door.listen()
    links, ends = [first], {}
    while True:
        ready, _, _ = select.select([woken, door, *links], [], [])
        if woken in ready:
            os.read(woken, 1000)
            _reap(ends)
        if door in ready:
            links.append(door.accept()[0])
        for link in [link for link in links if link in ready]:
            octets, given, _, _ = socket.recv_fds(link, _OCTETS_MAX, _STREAMS + 1)
            if not octets:
                links.remove(link)
                link.close()
                continue
            pid = _fork()
            if pid == 0:
                for end in (woken, waker, *ends.values()):
                    os.close(end)
                for each in (door, *links):
                    each.close()
                return _settle(json.loads(octets), given)
            *streams, ends[pid] = given
            for stream in streams:
                os.close(stream)
            link.send(str(pid).encode())
        if first not in links:
            for pid in ends:
                os.kill(pid, signal.SIGKILL)
            return None


def _fork() -> int:
    assert len(os.listdir("/proc/self/task")) == 1, "a process with threads can't be forked"  # noqa: PTH208
    source = os.getpid()
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ[_NAMED] = str(source)
    return pid


def _reap(ends: dict[int, int]) -> None:
    """Tell of each process that has ended how it did."""
    for pid in list(ends):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            end = ends.pop(pid)
            with contextlib.suppress(BrokenPipeError):  # whoever would know is gone
                os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(end)


def _settle(begun: dict[str, Any], given: Sequence[int]) -> dict[str, Any]:
    """Take on what the process is to have of its own."""
    for number in range(_STREAMS):
        os.dup2(given[number], number)
    for end in given:
        os.close(end)
    if begun.get("session"):
        os.setsid()
    os.chdir(begun["folder"])
    source = os.environ[_NAMED]
    os.environ.clear()
    os.environ.update({**begun["environment"], _NAMED: source})
    return begun


if __name__ == "__main__":
    main()
