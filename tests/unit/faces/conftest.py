"""A client of the HTTP application over the fake desk, without sockets and without the console."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from hanota.faces.cli.logs import set_up_logs
from hanota.faces.http import create_app
from hanota.wire.smki import write_directory
from helpers.fake_desk import FakeDesk
from helpers.pki import small_pki


class Client:
    """Asks the application in this process."""

    def __init__(self, desk: FakeDesk, app: Callable[[FakeDesk], FastAPI] | None = None, **options) -> None:
        self.desk = desk
        self._app = app(desk) if app else create_app(desk, now=desk.clock, console=False, **options)

    def ask(self, method: str, path: str, **options) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8079") as client:
                return await client.request(method, path, **options)

        with ThreadPoolExecutor(1) as thread:  # a loop of its own, also where a browser test left one running
            return thread.submit(asyncio.run, go()).result()

    def get(self, path: str, **options) -> httpx.Response:
        return self.ask("GET", path, **options)

    def post(self, path: str, **options) -> httpx.Response:
        return self.ask("POST", path, **options)


@pytest.fixture
def keys_folder(tmp_path: Path) -> Path:
    """A folder with the keys of the small PKI."""
    folder = tmp_path / "pki"
    write_directory(folder, small_pki())
    return folder


@pytest.fixture(autouse=True)
def logs() -> None:
    set_up_logs(verbose=False)


@pytest.fixture
def client() -> Client:
    return Client(FakeDesk())


@pytest.fixture
def make_client() -> type[Client]:
    return Client
