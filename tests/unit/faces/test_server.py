"""The server runs inside the process, says when it is ready, says when its port is taken, and stops when told."""

import socket

import httpx
import pytest
from fastapi import FastAPI

from hanota.faces.server import HttpServer, PortTaken, free_port
from helpers.serving import served


def test_it_serves_in_this_process_and_stops_when_told() -> None:
    import os

    app = FastAPI()
    app.get("/pid")(os.getpid)
    with served(app) as url:
        assert httpx.get(f"{url}/pid").json() == os.getpid()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_an_open_connection_does_not_keep_it() -> None:
    with served(FastAPI()) as url:
        client = httpx.Client()
        client.get(url)
    client.close()


def test_a_taken_port_is_said_with_a_remedy() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match="--port"):
        HttpServer(FastAPI(), port=port).run()
