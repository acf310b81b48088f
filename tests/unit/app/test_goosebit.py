"""The peer of `hanota bench deliver --peer`: what it is given, and that a failure says what broke.

That it is installed and updates devices takes the package index; `make bench` shows it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from hanota.app.bench import goosebit
from hanota.app.bench.goosebit import PeerBroken


class Peer:
    """Answers the requests that goosebit answers, as it does."""

    def __init__(self, *, offers: bool = True, forgets: bool = False) -> None:
        self.offers, self.forgets = offers, forgets
        self.asked: list[tuple[str, str]] = []
        self.done: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        path, device = request.path, request.path.split("/")[4] if "controller" in request.path else ""
        self.asked.append((request.method, path.replace(device, "D") if device else path))
        if path == "/setup":
            return web.json_response({"access_token": "t"})
        if path.startswith("/api"):
            return web.json_response({"id": 7})
        if path.endswith("feedback"):
            if (await request.json())["status"]["execution"] == "closed" and not self.forgets:
                self.done.add(device)
            return web.json_response({"id": "7"})
        if "deploymentBase" in path:
            return web.json_response({"deployment": {"chunks": [{}]}})
        offered = self.offers and device not in self.done
        href = {"deploymentBase": {"href": f"http://{request.host}{path}/deploymentBase/7"}}
        return web.json_response({"_links": href if offered else {}})


@asynccontextmanager
async def serving(peer: Peer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", peer.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def update_all(peer: Peer, devices: int) -> float:
    async def run() -> float:
        async with serving(peer) as base:
            return await goosebit._update_all(base, devices, b"")

    return asyncio.run(run())


def test_a_device_polls_looks_and_says_twice_how_it_goes() -> None:
    peer = Peer()
    assert update_all(peer, 3) > 0
    own = "/DEFAULT/controller/v1/D"
    place = f"{own}/deploymentBase/7"
    of_each = [("GET", own), ("PUT", f"{own}/configData"), ("GET", own), ("GET", place)]
    of_each += [("POST", f"{place}/feedback")] * 2 + [("GET", own)]
    set_up = [("POST", "/setup"), ("PUT", "/api/v1/software"), ("PUT", "/api/v1/rollouts")]
    assert sorted(peer.asked) == sorted(set_up + 3 * of_each)


@pytest.mark.parametrize(
    ("peer", "why"),
    [(Peer(offers=False), "no update is offered"), (Peer(forgets=True), "is offered the update again")],
    ids=["offers-nothing", "forgets"],
)
def test_a_peer_that_does_not_do_its_part_is_no_measure(peer: Peer, why: str) -> None:
    with pytest.raises(PeerBroken, match=why):
        update_all(peer, 2)


def test_an_update_is_a_whole_archive_with_its_description_first() -> None:
    archive = goosebit._update_file(b"image")
    assert archive.startswith(b"070701")
    assert archive.index(b"sw-description") < archive.index(b"image.bin") < archive.index(b"TRAILER!!!")
    assert len(archive) % 4 == 0


def test_a_peer_that_does_not_start_is_named_with_what_it_said(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho broken >&2\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    with pytest.raises(PeerBroken, match="broken"), goosebit._serving(python, tmp_path):
        pass
