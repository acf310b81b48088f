"""Serve an application from a thread of the test process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI

from hanota.faces.listening import Claim, Tls, free_port
from hanota.faces.server import HttpServer, Site

_READY_S_MAX = 20


@contextmanager
def served(*apps: FastAPI, tls: Tls | None = None) -> Iterator[Any]:
    """Give the URL at which the application is served, or the URLs of several; stop serving afterwards."""
    sites = [Site(app, Claim(free_port())) for app in apps]
    server = HttpServer(sites, tls=tls)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,), daemon=True)
    thread.start()
    assert ready.wait(_READY_S_MAX), "the server did not come up"
    try:
        yield server.urls if len(apps) > 1 else server.urls[0]
    finally:
        server.stop()
        thread.join(_READY_S_MAX)
        for site in sites:
            site.claim.release()
        assert not thread.is_alive(), "the server did not stop"
