"""Private NATS servers for tests: one, or a cluster of three, on free ports of loopback, with stores of their own."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from helpers.leaving_out import leave_out
from helpers.system import free_port

MISSING = "nats-server is not installed: apt-get install nats-server (Debian), or put it on the PATH"
_READY_S_MAX = 10.0


def nats_server() -> str:
    """Give the program. Without one the test is left out, which HANOTA_CI=1 makes a failure."""
    found = shutil.which("nats-server")
    if found is None:
        leave_out(MISSING)
    return found


@dataclass
class NatsServer:
    """One server with JetStream; it keeps its port and its store over all its lives.

    `config` is more of its configuration, e.g. a cluster or `sync_interval`.
    """

    folder: Path
    config: str = ""
    jetstream: bool = True
    sync_interval: str | None = None
    port: int = field(default_factory=free_port)
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
        streams = f'jetstream {{ store_dir: "{self.store}"{sync} }}' if self.jetstream else ""
        path = self.folder / "server.conf"
        path.write_text(f'listen: "127.0.0.1:{self.port}"\n{streams}\n{self.config}\n', encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([program, "-c", str(path)], stdout=log, stderr=log)
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

    def kill(self) -> None:
        """Kill it as the power would; what it had not on disk is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wipe(self) -> None:
        """Lose all that it kept, while it is down."""
        assert self.process is None
        shutil.rmtree(self.store, ignore_errors=True)


def cluster(folder: Path, *, size: int = 3, sync_interval: str | None = None) -> list[NatsServer]:
    """Make servers that are to form a cluster; nothing is started."""
    routes = [free_port() for _ in range(size)]
    named = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
    return [
        NatsServer(
            folder / f"n{number}",
            config=f'server_name: n{number}\ncluster {{ name: hanota, listen: "127.0.0.1:{port}", routes: [{named}] }}',
            sync_interval=sync_interval,
        )
        for number, port in enumerate(routes, 1)
    ]


def urls(servers: Sequence[NatsServer]) -> str:
    """Give the addresses of all, as `--nats` takes them."""
    return ",".join(server.url for server in servers)


@contextlib.contextmanager
def running(*servers: NatsServer) -> Iterator[None]:
    """Have servers for a while; none is left behind."""
    try:
        for server in servers:
            server.start(wait=False)
        for server in servers:
            server.wait()
        yield
    finally:
        for server in servers:
            server.kill()
