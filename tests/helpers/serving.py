"""Serve an application from a thread of the test process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from hanota.faces.server import HttpServer, free_port

_READY_S_MAX = 20


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Give the URL at which `app` is served; stop serving afterwards."""
    server = HttpServer(app, port=free_port())
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,), daemon=True)
    thread.start()
    assert ready.wait(_READY_S_MAX), "the server did not come up"
    try:
        yield server.url
    finally:
        server.stop()
        thread.join(_READY_S_MAX)
        assert not thread.is_alive(), "the server did not stop"
