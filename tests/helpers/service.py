"""`hanota serve` as its operator has it: the supervisor as a process, and what can be seen of the ones it starts."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from hanota.wire.smki import KeyDirectory, read_directory
from helpers import prefork
from helpers.spool import Spool
from helpers.system import Client, free_port, hanota, rows

_TESTS = Path(__file__).resolve().parents[1]
_READY_S_MAX = 180.0
_DECODER = json.JSONDecoder()


@dataclass
class Host:
    """One `hanota serve` over a store in `folder`, by default SQLite, with a spool for a network."""

    folder: Path
    estate: Path | None
    workers: int = 2
    options: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)
    database: str = ""
    nats: str = ""
    port: int = field(default_factory=free_port)
    health_port: int = field(default_factory=free_port)
    console_port: int | None = None
    process: prefork.Process | None = None
    _read_to: int = 0
    _log: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = self.database or str(self.folder / "store.sqlite")
        if not self.pki.exists():
            assert self.estate is not None
            made = hanota("pki", "init", self.pki, "--estate", self.estate)
            assert made.returncode == 0, made.stderr

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def store(self) -> Path:
        return Path(self.database)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def spool(self) -> Spool:
        return Spool(self.folder / "spool.sqlite")

    def keys(self) -> KeyDirectory:
        return read_directory(self.pki)

    def client(self) -> Client:
        return Client(self.url, self.keys())

    def command(self) -> list[str]:
        """The arguments of its program."""
        console = ["--no-console"] if self.console_port is None else ["--console-port", str(self.console_port)]
        nats = self.nats or self.folder / "spool.sqlite"
        port, health = str(self.port), str(self.health_port)
        named = {"--nats": nats, "--pki": self.pki, "--port": port, "--health-port": health}
        if self.estate is not None:
            named["--estate"] = self.estate
        options = [str(part) for pair in named.items() for part in pair]
        count = ["--workers", str(self.workers), "--database", self.database]
        return ["serve", *count, *options, *console, *self.options]

    def start(self) -> "Host":
        """Start it and wait until all that it has is at work."""
        environment = {**os.environ, "PYTHONPATH": f"{_TESTS}:{os.environ.get('PYTHONPATH', '')}", **self.environment}
        with (self.folder / "err").open("ab") as err:
            self.process = prefork.begin("helpers.spool", self.command(), env=environment, stderr=err)
        self.until(self._ready, "it does not serve")
        return self

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended by itself: {self.said()}"
        begun = {line["process"] for line in self.log() if line["event"] in ("working", "serving")}
        if len(begun) < self.workers + 1 + (self.console_port is not None):
            return False
        with contextlib.suppress(httpx.HTTPError):
            return all(httpx.get(f"{at}/readyz").is_success for at in (self.url, self.health_url))
        return False

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self.health_port}"

    def until(self, holds: Callable[[], bool], otherwise: str, within_s: float = _READY_S_MAX) -> None:
        """Wait for something."""
        give_up = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < give_up, f"{otherwise}: {self.said()[-4000:]}"
            time.sleep(0.05)

    def said(self) -> str:
        """Everything on stderr."""
        return (self.folder / "err").read_text()

    def log(self) -> list[dict[str, Any]]:
        """The lines of its log; each is one JSON object, if nobody was killed while writing it."""
        with (self.folder / "err").open("rb") as err:
            err.seek(self._read_to)
            whole, newline, _ = err.read().rpartition(b"\n")
        self._read_to += len(whole) + len(newline)
        self._log += [told for line in whole.decode().splitlines() for told in _objects(line)]
        return self._log

    def pid_of(self, process: str) -> int:
        """The process that was started last under a name."""
        started = (line for line in self.log() if line["event"] == "process_started" and line["process"] == process)
        return next((line["pid"] for line in reversed(list(started))), 0)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        if "://" not in self.database:
            return rows(self.store, query, *values)
        with psycopg.connect(self.database, autocommit=True) as session:
            return session.execute(query.replace("?", "%s"), values).fetchall()

    def terminate(self) -> tuple[int, float]:
        """Ask it to stop. Returns: exit code, seconds that took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60), time.monotonic() - began


def _objects(line: str) -> Iterator[dict[str, Any]]:
    """What stands in a line: what a process that was killed did not end is followed by what another one says."""
    at = 0
    while 0 <= at < len(line):
        try:
            told, at = _DECODER.raw_decode(line, at)
            yield told
        except json.JSONDecodeError:
            at = line.find('{"', at + 1)


def end(process: subprocess.Popen[Any] | prefork.Process | None, *, within_s: float) -> None:
    """Have a process end by itself, or else by force."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def serving(host: Host) -> Iterator[Host]:
    """Have a service for a while; no process of it is left behind."""
    try:
        yield host.start()
    finally:
        end(host.process, within_s=40)
