"""The peer of `hanota bench deliver`: the open update server goosebit, installed from the package index by its name.

It runs in an environment of its own, over SQLite as it comes. Its devices are emulated over its own HTTP interface
(hawkBit's DDI), with no request more than it takes: poll, look at the deployment, say that the update goes on, and that
it is done. They don't take the image, as ours don't in this measurement, and register before the clock starts, as ours
are in the registry.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from hanota.base.errors import Fault, HanotaError

PACKAGE: Final = "goosebit"
HOW_THEY_DIFFER: Final = (
    "goosebit answers four HTTP requests a device, each of which changes rows by itself, and keeps no signatures,"
    " no decision on each device, no alerts to other parties and no log of evidence; hanota takes reports in batches"
    " with no HTTP among them, and keeps a delivery, its changes of state, alerts, inventory and a chained log durably"
)
_FLIGHTS: Final = 32
_START_S_MAX: Final = 60.0
_VERSION: Final = "2.0.0"
_LOOKED_AT: Final = 20  # devices, once all is done: whether there is nothing left for them
_SCHEMA: Final = (
    "import asyncio\nfrom tortoise import Tortoise\nfrom goosebit.db.config import TORTOISE_CONF\n"
    "async def make():\n    await Tortoise.init(config=TORTOISE_CONF)\n    await Tortoise.generate_schemas()\n"
    "    await Tortoise.close_connections()\nasyncio.run(make())\n"
)


class PeerBroken(HanotaError):
    """The peer can't be installed, does not start, or does not do what it is asked."""

    code, fault = "HOTA-BENCH-010", Fault.OPERATOR
    what = "goosebit did not do its part: {reason}"
    remedy = "check that the package index can be reached, or leave --peer out"


@dataclass(frozen=True, slots=True)
class PeerOutcome:
    """How quick the peer was, and which one it was."""

    devices: int
    seconds: float
    devices_per_s: float
    name: str


def bench_goosebit(*, cache: Path, folder: Path, devices: int, image: bytes) -> PeerOutcome:
    """Install the peer under `cache` if need be, run it in `folder`, and update so many devices. Raises PeerBroken."""
    python = _installed(cache / "goosebit")
    with _serving(python, folder) as base:
        seconds = asyncio.run(_update_all(base, devices, _update_file(image)))
    return PeerOutcome(devices, round(seconds, 2), round(devices / seconds, 1), _name(python))


def _installed(place: Path) -> Path:
    python = place / "bin" / "python"
    if not (place / "installed").is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        _do(sys.executable, "-m", "venv", "--clear", str(place))
        _do(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE)
        (place / "installed").touch()
    return python


def _do(*command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - commands of this module
    if done.returncode:
        raise PeerBroken(reason=f"{command[0]} {command[-1]:.60}: {done.stderr.strip()[-400:]}")
    return done.stdout


def _name(python: Path) -> str:
    told = "import importlib.metadata as m; print(m.version('goosebit'))"
    return f"goosebit {_do(str(python), '-c', told).strip()}, uvicorn, SQLite"


@contextmanager
def _serving(python: Path, folder: Path) -> Iterator[str]:
    """Run the peer on a free port; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "GOOSEBIT_DB_URI": f"sqlite://{folder / 'goosebit.sqlite'}",
        "GOOSEBIT_ARTIFACTS_DIR": str(folder / "artifacts"),
        "GOOSEBIT_PORT": str(port),
    }
    environment.pop("PYTHONPATH", None)
    _do(str(python), "-c", _SCHEMA, environment=environment)
    serve = (str(python), "-m", "uvicorn", "goosebit:app", "--port", str(port), "--log-level", "error")
    with (folder / "goosebit.log").open("wb") as log:
        process = subprocess.Popen(serve, env=environment, stdout=log, stderr=log, cwd=folder)  # noqa: S603 - a command of our own
        try:
            _wait_listening(process, port, folder / "goosebit.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(_START_S_MAX)


def _wait_listening(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + _START_S_MAX
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            _nap(process)
        else:
            return
    raise PeerBroken(reason=f"it does not listen: {log.read_text(errors='replace')[-400:]}")


def _nap(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(0.1)
    except subprocess.TimeoutExpired:
        return


def _update_file(image: bytes) -> bytes:
    """Give an update as SWUpdate packs it: a cpio archive whose first file describes it."""
    description = f'software = {{ version = "{_VERSION}"; hardware-compatibility: [ "default" ]; }}\n'.encode()
    entries = (("sw-description", description), ("image.bin", image), ("TRAILER!!!", b""))
    return b"".join(_cpio(name, content, number) for number, (name, content) in enumerate(entries, 1))


def _cpio(name: str, content: bytes, number: int) -> bytes:
    """Give one file of a cpio archive in the "newc" form: 13 fields of 8 hex digits, name, content, each padded."""
    fields = [number, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


async def _update_all(base: str, devices: int, update: bytes) -> float:
    """Set the server up, register the devices, and measure how long all of them take to run the update."""
    connector = aiohttp.TCPConnector(limit=_FLIGHTS)
    async with aiohttp.ClientSession(base, connector=connector) as session:
        await _offer(session, update)
        names = [f"device-{number}" for number in range(devices)]
        await _each(session, names, _register)
        start = time.perf_counter()
        await _each(session, names, _update)
        seconds = time.perf_counter() - start
        await _each(session, names[:_LOOKED_AT], _look)
        return seconds


async def _offer(session: aiohttp.ClientSession, update: bytes) -> None:
    account = {"username": "measurement@example.com", "password": "measurement"}
    token = (await _ask(session, "POST", "/setup", data=account))["access_token"]
    own = {"Authorization": f"Bearer {token}"}
    form = aiohttp.FormData()
    form.add_field("file", update, filename="update.swu")
    software = (await _ask(session, "PUT", "/api/v1/software", data=form, headers=own))["id"]
    rollout = {"name": "measurement", "feed": "default", "software_id": software}
    await _ask(session, "PUT", "/api/v1/rollouts", json=rollout, headers=own)


async def _each(session: aiohttp.ClientSession, names: list[str], act: Any) -> None:
    """Let devices act, so many at a time."""
    waiting = iter(names)

    async def work() -> None:
        for name in waiting:
            await act(session, f"/DEFAULT/controller/v1/{name}")

    await asyncio.gather(*(work() for _ in range(_FLIGHTS)))


async def _register(session: aiohttp.ClientSession, own: str) -> None:
    await _ask(session, "GET", own)
    runs = {"hw_boardname": "default", "hw_revision": "default", "sw_version": "1.0.0"}
    await _ask(session, "PUT", f"{own}/configData", json={"data": runs})


async def _update(session: aiohttp.ClientSession, own: str) -> None:
    """What one device does from its poll to its new version: four requests."""
    links = (await _ask(session, "GET", own))["_links"]
    if "deploymentBase" not in links:
        raise PeerBroken(reason=f"no update is offered to {own}")
    place = "/" + links["deploymentBase"]["href"].split("/", 3)[3]
    deployment = await _ask(session, "GET", place)
    if not deployment["deployment"]["chunks"]:
        raise PeerBroken(reason=f"the update that is offered to {own} has no image")
    await _ask(session, "POST", f"{place}/feedback", json=_feedback("proceeding", "none"))
    await _ask(session, "POST", f"{place}/feedback", json=_feedback("closed", "success"))


async def _look(session: aiohttp.ClientSession, own: str) -> None:
    if "deploymentBase" in (await _ask(session, "GET", own))["_links"]:
        raise PeerBroken(reason=f"{own} has said that it is done, and is offered the update again")


def _feedback(execution: str, finished: str) -> dict[str, Any]:
    return {"status": {"execution": execution, "result": {"finished": finished}, "details": []}}


async def _ask(session: aiohttp.ClientSession, method: str, path: str, **how: Any) -> Any:
    async with session.request(method, path, **how) as answer:
        if answer.status >= 400:
            raise PeerBroken(reason=f"{method} {path}: {answer.status} {(await answer.text())[:200]}")
        return await answer.json()
