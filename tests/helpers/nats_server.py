"""Private NATS servers for tests: one, or a cluster of three, on free ports of loopback, with stores of their own."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from helpers.disk import Disk
from helpers.leaving_out import leave_out
from helpers.system import free_port

MISSING = (
    "there is no nats-server: install requirements/dev.txt, of which it is one, or put 2.10 or later on the PATH, "
    "or name it in HANOTA_NATS_SERVER"
)
_READY_S_MAX = 10.0
_FORMED_S_MAX = 20.0
_BEGINNINGS_MAX = 5
_CAPACITY = "8GB"  # what limits of streams may sum up to, however large the disk; nothing here fills it


def nats_server() -> str:
    """Give the program: the one that is named, that of the locked requirements, or any. Without one the test is left
    out, which HANOTA_CI=1 makes a failure.
    """
    beside = Path(sys.executable).with_name("nats-server")
    found = os.environ.get("HANOTA_NATS_SERVER") or (str(beside) if beside.is_file() else shutil.which("nats-server"))
    if found is None:
        leave_out(MISSING)
    return found


@dataclass
class NatsServer:
    """One server with JetStream; it keeps its port and its store over all its lives.

    `config` is more of its configuration, e.g. a cluster. With a `disk` of its own, it can lose its power. `monitor` is
    the port at which it tells how it stands.
    """

    folder: Path
    config: str = ""
    jetstream: bool = True
    sync_interval: str | None = None
    disk: Disk | None = None
    port: int = field(default_factory=free_port)
    monitor: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def start(self, *, wait: bool = True) -> "NatsServer":
        """Start it and wait until it answers."""
        program = nats_server()
        self.folder.mkdir(parents=True, exist_ok=True)
        sync = "" if self.sync_interval is None else f", sync_interval: {self.sync_interval}"
        stored = f'store_dir: "{self.store}", max_file_store: {_CAPACITY}{sync}'
        streams = f"jetstream {{ {stored} }}" if self.jetstream else ""
        listen = f'listen: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitor}"'
        path = self.folder / "server.conf"
        path.write_text(f"{listen}\n{streams}\n{self.config}\n", encoding="utf-8")
        command = [program, "-c", str(path)]
        if self.disk is not None:
            command = self.disk.under(self.store, command)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        """Wait until it takes connections."""
        give_up = time.monotonic() + _READY_S_MAX
        while time.monotonic() < give_up:
            assert self.process is not None
            assert self.process.poll() is None, f"nats-server ended by itself: {self.log}"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.01)
        raise AssertionError(f"nats-server took no connection within {_READY_S_MAX} s: {self.log}")

    def peers(self) -> int:
        """How many servers of its cluster are up to date as it knows; 0: it does not lead."""
        try:
            told: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self.monitor}/jsz").json()
        except (httpx.HTTPError, ValueError):
            return 0
        others = told.get("meta_cluster", {}).get("replicas", ())
        return 1 + len(others) if others and all(peer["current"] for peer in others) else 0

    def sync(self) -> None:
        """Have its disk keep all that was written to it so far."""
        assert self.disk is not None
        assert self.process is not None
        self.disk.sync(self.process.pid, self.store)

    def cut(self) -> None:
        """Take away its power: it is gone, and so is what was not synced to its disk."""
        assert self.disk is not None
        assert self.process is not None
        self.disk.cut(self.process.pid, self.store)
        self.kill()

    def kill(self) -> None:
        """Kill it; what it had written is there."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wipe(self) -> None:
        """Lose all that it kept, while it is down."""
        assert self.process is None
        shutil.rmtree(self.store, ignore_errors=True)


def cluster(folder: Path, *, size: int = 3, sync_interval: str | None = None, disks: bool = False) -> list[NatsServer]:
    """Make servers that are to form a cluster, with a disk each if there are to be `disks`; nothing is started.

    Each names the others only: where it names itself too, two of three that start at once now and then take themselves
    for the whole, and no stream can ever have three replicas ("no suitable peers for placement").
    """
    routes = [free_port() for _ in range(size)]

    def clustered(number: int, port: int) -> str:
        others = ", ".join(f'"nats://127.0.0.1:{other}"' for other in routes if other != port)
        return f'server_name: n{number}\ncluster {{ name: hanota, listen: "127.0.0.1:{port}", routes: [{others}] }}'

    return [
        NatsServer(
            folder / f"n{number}",
            config=clustered(number, port),
            sync_interval=sync_interval,
            disk=Disk(folder / f"n{number}.disk") if disks else None,
        )
        for number, port in enumerate(routes, 1)
    ]


def start(servers: Sequence[NatsServer]) -> None:
    """Start servers at once, and wait until each takes connections and all of a cluster have found each other.

    Until then nothing that is asked of JetStream is answered: who asks waits for his time-out. Of servers that begin
    with nothing one is now and then left out by the others for good: they begin anew, as an operator would have them.
    """
    fresh = not any(server.store.exists() for server in servers)
    for _ in range(_BEGINNINGS_MAX if fresh else 1):
        for server in servers:
            server.start(wait=False)
        for server in servers:
            server.wait()
        if len(servers) == 1 or _formed(servers):
            return
        if fresh:
            for server in servers:
                server.kill()
                server.wipe()
    raise AssertionError(f"the servers form no cluster: {[server.log for server in servers]}")


def _formed(servers: Sequence[NatsServer]) -> bool:
    give_up = time.monotonic() + _FORMED_S_MAX
    while not any(server.peers() == len(servers) for server in servers):
        if time.monotonic() >= give_up:
            return False
        time.sleep(0.05)
    return True


def urls(servers: Sequence[NatsServer]) -> str:
    """Give the addresses of all, as `--nats` takes them."""
    return ",".join(server.url for server in servers)


@contextlib.contextmanager
def running(*servers: NatsServer) -> Iterator[None]:
    """Have servers for a while; none is left behind."""
    try:
        start(servers)
        yield
    finally:
        for server in servers:
            server.kill()
