"""The HTTP applications: DUIS gateway, REST, health and the console, all in one or some of them."""

from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

import hanota
from hanota.faces import problems
from hanota.faces.api import health, metrics, rest, statements
from hanota.faces.api.metrics import ReadFigures
from hanota.faces.api.routes import PREFIX
from hanota.faces.gateway import gateway
from hanota.faces.ports import DeskPort, Now
from hanota.faces.smki import repository
from hanota.model.access import Caller

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_TAGS: Final = [
    {"name": "DUIS", "description": "The DCC's gateway: signed requests in, DUIS Responses out"},
    {"name": "overview", "description": "Where things stand"},
    {"name": "requests", "description": "What Suppliers asked for"},
    {"name": "deliveries", "description": "What became of it, device by device"},
    {"name": "premises", "description": "Homes and their devices"},
    {"name": "alerts", "description": "What parties are told"},
    {"name": "operating", "description": "Commands under way, and what waits for the operator"},
    {"name": "changes", "description": "Homes that change: Supplier, occupiers, a device, the hub"},
    {"name": "SMKI", "description": "The SMKI repository: certificates by subject or serial number, for anyone"},
    {"name": "health", "description": "For whoever watches the service"},
]


def create_app(
    desk: DeskPort,
    *,
    now: Now,
    at_work: Callable[[], bool] = lambda: True,
    console: bool = True,
    look: Callable[[], str] | None = None,
    figures: ReadFigures | None = None,
) -> FastAPI:
    """Build the application over `desk`; `now` is the service's clock, against which the console writes "2 min ago";
    `at_work` tells whether what moves deliveries is alive, and `look` reads records, else the overview, for `/readyz`;
    `figures` are those of `/metrics`.

    The console is one per process: a second application with it takes its pages over.
    """
    app = FastAPI(
        title="hanota",
        version=hanota.__version__,
        summary="Firmware over the air for the home area network of GB smart metering",
        openapi_url="/api/openapi.json",
        openapi_tags=_TAGS,
        docs_url=None,  # FastAPI's own pages load scripts from a CDN; /api/docs is the console's and works offline
        redoc_url=None,
    )
    _guard(app)
    app.include_router(gateway(desk))
    app.include_router(repository(desk))
    app.include_router(rest(desk))
    app.include_router(health(look or (lambda: desk.overview(Caller()).now), at_work))
    if figures is not None:
        app.include_router(metrics(figures))
    if console:
        from hanota.faces.web import mount_console  # noqa: PLC0415  (half a second that REST alone need not spend)

        mount_console(app, desk, now)
    return app


def create_gateway(desk: DeskPort, *, look: Callable[[], str], at_work: Callable[[], bool]) -> FastAPI:
    """Build an application with what anybody may reach: signed requests and statements, public certificates, health.

    Nothing here is given to somebody because of the address he comes from, so any Host will do.
    """
    app = FastAPI(title="hanota gateway", version=hanota.__version__, openapi_url=None)
    problems.install(app)
    app.include_router(gateway(desk))
    app.include_router(repository(desk))
    app.include_router(statements(desk), prefix=PREFIX)
    app.include_router(health(look, at_work))
    return app


def create_watch(*, look: Callable[[], str], at_work: Callable[[], bool], figures: ReadFigures) -> FastAPI:
    """Build an application for whoever watches a host: liveness, readiness and figures, and nothing of a party's."""
    app = FastAPI(title="hanota, watched", version=hanota.__version__, openapi_url=None)
    problems.install(app)
    app.include_router(health(look, at_work))
    app.include_router(metrics(figures))
    return app


def create_repository(desk: DeskPort) -> FastAPI:
    """Build an application with the SMKI repository alone, for the port where its clients look for it."""
    app = FastAPI(title="hanota SMKI repository", version=hanota.__version__, openapi_url=None)
    _guard(app)
    app.include_router(repository(desk))
    return app


def _guard(app: FastAPI) -> None:
    problems.install(app)
    # The operator's view needs no password because only this machine reaches it. A web page elsewhere could point its
    # own name at 127.0.0.1 and read along; such a request carries that name as its Host and is turned away.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK_NAMES))
