"""A PostgreSQL server of the tests' own: on a socket in a temporary folder, with fsync as in earnest, and then gone.

`postgres` gives the server. `each_store` lets every test of a module run twice, over SQLite and over databases of that
server; a module asks for it by `pytestmark = pytest.mark.usefixtures("each_store")`, and a test of it that would take
too long there by `sqlite_is_enough`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from helpers import stores
from helpers.leaving_out import leave_out

_USER = "hanota"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "autovacuum": "off",  # it would sit in databases that are to be copied
    "log_min_messages": "fatal",
}
_START_S = 60
_WATCH = 'read _; kill -QUIT "$0"; sleep 1; rm -rf "$1"'  # reads until whoever started it is gone, however it died
_MEMORY = Path("/dev/shm")


def _binaries() -> Path:
    """Where the server's programs are; leave the test out, and say why, where there are none."""
    named = os.environ.get("HANOTA_POSTGRES")
    on_path = shutil.which("postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    found = [Path(named)] if named else [Path(on_path).parent] if on_path else []
    whole = [place for place in (*found, *debian) if (place / "initdb").is_file() and (place / "postgres").is_file()]
    if not whole:
        leave_out(
            "no PostgreSQL server: apt-get install postgresql, or set HANOTA_POSTGRES to the folder of its programs"
        )
    return whole[0]


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as: it refuses to be root. None: whoever we are."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


class Cluster:
    """A server with its own folder. It may be killed and started again: what it had committed is there.

    The folder is in memory where there is such a place, for many tests share a disk; or else in `where`.
    """

    def __init__(self, where: Path | None = _MEMORY, **settings: str) -> None:
        self._settings = _SETTINGS | settings
        self._bin = _binaries()
        self._who = _unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="hanota-pg-", dir=where if where and where.is_dir() else None))
        self._data = self._folder / "data"
        self._numbers = count(1)
        if self._who:
            os.chown(self._folder, self._who.pw_uid, self._who.pw_gid)
        self._do("initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    def _as_user(self) -> dict[str, object]:
        same = {"cwd": self._folder, "stdin": subprocess.DEVNULL}
        if self._who is None:
            return same
        return same | {"user": self._who.pw_uid, "group": self._who.pw_gid, "extra_groups": []}

    def _do(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [self._bin / program, *map(str, arguments)], capture_output=True, check=False, text=True, **self._as_user()
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start the server, and wait until it answers: after a kill it first makes good what was under way."""
        (log := self._folder / "log").touch()
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-k", self._folder, *settings],
                stdout=stream,
                stderr=stream,
                **self._as_user(),
            )
        self._watch = subprocess.Popen(
            ["sh", "-c", _WATCH, str(self._process.pid), self._folder], stdin=subprocess.PIPE, start_new_session=True
        )
        for _ in range(_START_S * 20):
            assert self._process.poll() is None, log.read_text()
            with contextlib.suppress(psycopg.OperationalError), self.session("postgres"):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        raise AssertionError(log.read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends what is under way, SIGQUIT leaves all as a crash would."""
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(_START_S)
        self._watch.kill()
        self._watch.communicate()

    def remove(self) -> None:
        """Stop it and forget all it held."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """The URL by which a store is opened."""
        return URL.create(
            "postgresql", username=_USER, database=database, query={"host": str(self._folder)}
        ).render_as_string()

    def session(self, database: str) -> psycopg.Connection:
        """A connection beside any store."""
        return psycopg.connect(host=str(self._folder), user=_USER, dbname=database, autocommit=True)

    def create(self, template: str = "template1") -> str:
        """Make a database, as a copy of another one that nobody uses. Returns: its name."""
        name = f"store{next(self._numbers)}"
        with self.session("postgres") as session:
            session.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name


sqlite_is_enough = pytest.mark.parametrize("each_store", ["sqlite"], indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture
def on_postgres(postgres: Cluster) -> Iterator[Cluster]:
    """Let the stores of a test be databases of the server."""
    with stores.on_server(postgres):
        yield postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def each_store(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test on either engine: what `helpers.stores` gives is of that one."""
    if request.param == "sqlite":
        yield request.param
        return
    with stores.on_server(request.getfixturevalue("postgres")):
        yield request.param
