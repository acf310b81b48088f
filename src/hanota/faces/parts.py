"""The HTTP processes of `hanota serve`: the gateway for parties, the console for the operator, the watch of a host."""

import ipaddress
import threading

import structlog

from hanota.app.clock import wall_clock
from hanota.app.desk import Acts, Desk
from hanota.app.serving.opening import Opened
from hanota.app.serving.settings import PartSettings
from hanota.app.serving.watch import Watch
from hanota.base.instant import iso
from hanota.faces.http import create_app, create_gateway
from hanota.faces.listening import Place, tls_of
from hanota.faces.server import HttpServer, Site

_log = structlog.get_logger()


def serve_http(opened: Opened) -> bool:
    """Serve as the settings say until told to stop. Returns: whether it still held its lane at the end."""
    settings, lane = opened.settings, opened.lane
    pipeline = opened.pipeline()
    acts = Acts(release=pipeline.release, drop=pipeline.drop, attest=pipeline.attest, lane=lane.name)
    desk = Desk(lane.store, pipeline.accept, wall_clock, acts)
    watch = Watch(opened.store)

    def at_work() -> bool:
        return not lane.lost.is_set()

    def look() -> str:
        return iso(watch.now())

    if settings.kind == "gateway" and not is_loopback(settings):
        app = create_gateway(desk, look=look, at_work=at_work)
    else:
        console = settings.kind == "console"
        app = create_app(desk, now=wall_clock, at_work=at_work, console=console, look=look, figures=watch.figures)
    site = Site(app, Place(settings.address, settings.port))
    server = HttpServer([site], tls=tls_of(settings.tls))

    def stop_when_lost() -> None:
        lane.lost.wait()
        server.stop()

    threading.Thread(target=stop_when_lost, name="hanota-lane-lost", daemon=True).start()
    server.run(lambda: _log.info("serving", kind=settings.kind, url=server.urls[0], lane=lane.name))
    return not lane.lost.is_set()


def is_loopback(settings: PartSettings) -> bool:
    """Whether only this machine reaches it: REST and console have no sign-in, so the gateway has REST only there."""
    return ipaddress.ip_address(settings.address).is_loopback
