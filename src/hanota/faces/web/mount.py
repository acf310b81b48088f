"""Which page answers which URL."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final

import structlog
from fastapi import FastAPI, Query
from nicegui import app as nicegui_app
from nicegui import ui

from hanota.base.errors import HanotaError
from hanota.faces.api.caller import caller_as
from hanota.faces.ports import DeskPort, Now
from hanota.faces.problems import Unexpected
from hanota.faces.web.page import Console, Page
from hanota.faces.web.pages.alerts import alerts_page
from hanota.faces.web.pages.commands import commands_page
from hanota.faces.web.pages.consumer import consumer_page
from hanota.faces.web.pages.deliveries import deliveries_page
from hanota.faces.web.pages.delivery import delivery_page
from hanota.faces.web.pages.homes import home_page, homes_page
from hanota.faces.web.pages.messages import messages_page
from hanota.faces.web.pages.overview import overview_page
from hanota.faces.web.pages.quarantine import quarantine_page
from hanota.faces.web.pages.reference import reference_page
from hanota.faces.web.pages.requests import request_page, requests_page
from hanota.model.access import Caller

log = structlog.get_logger("hanota.faces.web")
Fill = Callable[[Page], Awaitable[None]]
As = Annotated[str | None, Query(alias="as")]
_HERE: Final = Path(__file__).parent
_RECONNECT_S: Final = 30.0
_ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0f5c8c"/>'
    '<g stroke="#fff" stroke-width="2.4"><path d="M16 16 7 9M16 16l9-7M16 16v10"/></g><g fill="#fff">'
    '<circle cx="16" cy="16" r="4"/><circle cx="7" cy="9" r="2.6"/><circle cx="25" cy="9" r="2.6"/>'
    '<circle cx="16" cy="26" r="2.6"/></g></svg>'
)


def mount_console(app: FastAPI, desk: DeskPort, now: Now) -> None:
    """Put the console on `app`, below every route that it has already."""
    console = Console(desk, now)
    ui.add_css((_HERE / "console.css").read_text(encoding="utf-8"), shared=True)
    ui.add_head_html(f"<script>{(_HERE / 'theme.js').read_text(encoding='utf-8')}</script>", shared=True)
    _lists(console)
    _operating(console)
    _details(console)

    @ui.page("/api/docs")
    async def reference(party: As = None) -> None:
        await _open(console, party, lambda page: reference_page(page, app.openapi()), "API", "/api/docs")

    nicegui_app.on_page_exception(lambda error: _broken(console, error))
    nicegui_app.on_exception(lambda error: log.error("page failed", exc_info=error))
    ui.run_with(
        app,
        title="hanota",
        favicon=_ICON,
        tailwind=False,
        language="en-GB",
        reconnect_timeout=_RECONNECT_S,
        show_welcome_message=False,
    )


def _lists(console: Console) -> None:
    @ui.page("/")
    async def overview(party: As = None) -> None:
        await _open(console, party, overview_page, "Overview", "/")

    @ui.page("/requests")
    async def requests(party: As = None, before: str | None = None) -> None:
        await _open(console, party, lambda page: requests_page(page, before), "Requests", "/requests")

    @ui.page("/deliveries")
    async def deliveries(party: As = None, state: str | None = None, after: int = 0) -> None:
        await _open(console, party, lambda page: deliveries_page(page, state, after), "Deliveries", "/deliveries")

    @ui.page("/homes")
    async def homes(party: As = None) -> None:
        await _open(console, party, homes_page, "Homes", "/homes")

    @ui.page("/alerts")
    async def alerts(party: As = None, to: Annotated[str | None, Query(alias="party")] = None) -> None:
        await _open(console, party, lambda page: alerts_page(page, to), "Alerts", "/alerts")


def _operating(console: Console) -> None:
    @ui.page("/commands")
    async def commands(party: As = None) -> None:
        await _open(console, party, commands_page, "Commands", "/commands")

    @ui.page("/messages")
    async def messages(party: As = None) -> None:
        await _open(console, party, messages_page, "Messages", "/messages")

    @ui.page("/quarantine")
    async def quarantine(party: As = None) -> None:
        await _open(console, party, quarantine_page, "Quarantine", "/quarantine")


def _details(console: Console) -> None:
    @ui.page("/requests/{request_id}")
    async def request(request_id: str, party: As = None, cv: int = 8) -> None:
        await _open(
            console, party, lambda page: request_page(page, request_id, cv), f"Request {request_id}", "/requests"
        )

    @ui.page("/deliveries/{number}")
    async def delivery(number: int, party: As = None) -> None:
        await _open(console, party, lambda page: delivery_page(page, number), f"Delivery {number}", "/deliveries")

    @ui.page("/homes/{name}")
    async def home(name: str, party: As = None) -> None:
        await _open(console, party, lambda page: home_page(page, name), name, "/homes")

    @ui.page("/home/{name}")
    async def consumer(name: str, party: As = None) -> None:
        await _open(console, party, lambda page: consumer_page(page, name), f"At home: {name}", "/homes")


async def _open(console: Console, party: str | None, fill: Fill, title: str, here: str) -> None:
    """Open a page for the party in its URL. Where that is no EUI-64, the page says so and shows nothing else."""
    try:
        caller = caller_as(party)
    except HanotaError as error:
        Page(console, Caller(), title=title, here=here).refuse(error)
        return
    page = Page(console, caller, title=title, here=here)
    await fill(page)
    page.go_live()


def _broken(console: Console, error: Exception) -> None:
    """What a page shows that could not be made. The trace goes to the log, never to the browser."""
    log.error("page could not be made", exc_info=error)
    Page(console, Caller(), title="Something went wrong", here="").refuse(Unexpected(path="this page"))
