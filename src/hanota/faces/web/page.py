"""The frame of every page, and one browser tab's life: who looks, how it links, what is asked again each second."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import structlog
from nicegui import ui

from hanota.base.errors import HanotaError
from hanota.base.instant import iso
from hanota.faces.ports import DeskPort, Now
from hanota.faces.problems import status_of
from hanota.faces.web.live import Region, Text, attribute, box
from hanota.faces.web.when import absolute, clock, relative
from hanota.model.access import Caller

T = TypeVar("T")
POLL_S: Final = 1.0
NAVIGATION: Final = (
    ("/", "Overview", "space_dashboard"),
    ("/requests", "Requests", "outbox"),
    ("/deliveries", "Deliveries", "local_shipping"),
    ("/commands", "Commands", "terminal"),
    ("/homes", "Homes", "home"),
    ("/alerts", "Alerts", "notifications"),
    ("/messages", "Messages", "mail"),
    ("/quarantine", "Quarantine", "front_hand"),
    ("/api/docs", "API", "data_object"),
)
log = structlog.get_logger("hanota.faces.web")


def sentence(text: str) -> str:
    """Begin a text with a capital; texts of the tables stand in the middle of sentences elsewhere."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Console:
    """What every page is made over."""

    desk: DeskPort
    now: Now


class Page:
    """One open page. Times it has written stay true, and `watch` keeps its contents so."""

    def __init__(self, console: Console, caller: Caller, *, title: str, here: str) -> None:
        self.desk, self._now, self.caller = console.desk, console.now, caller
        self._times: list[tuple[Text, str, Callable[[str], str]]] = []
        self._watched: list[Callable[[], Awaitable[None]]] = []
        ui.page_title(f"{title} · hanota")
        self._frame(here)

    def go_live(self) -> None:
        """Ask again every second from now on. NiceGUI sends a page off once it has a timer, so this comes last."""
        ui.timer(POLL_S, self._poll)

    def link(self, *path: object, **query: object) -> str:
        """Give the URL of a page, keeping whose view this is."""
        asked = {name: value for name, value in query.items() if value not in (None, "", 0)}
        if self.caller.party is not None:
            asked["as"] = self.caller.party
        text = "/" + "/".join(quote(str(part), safe=":") for part in path)
        return text + (f"?{urlencode(asked, safe=':')}" if asked else "")

    async def watch(self, query: Callable[[], T], show: Callable[[T], None]) -> None:
        """Ask `query` now and every second, and `show` its answer. A refusal shows as a notice with its remedy."""

        async def ask() -> None:
            value = await asyncio.to_thread(query)
            with self.body:
                show(value)

        try:
            await ask()
        except HanotaError as error:
            self.refuse(error)
        else:
            self._watched.append(ask)

    async def act(self, do: Callable[[], object]) -> None:
        """Do something at the operator's word, and show at once what came of it; a refusal shows with its remedy."""
        try:
            await asyncio.to_thread(do)
            self._refusal.show("")
        except HanotaError as error:
            self._refusal.show(str(error))
        await self._poll()

    def time(self, text: str, classes: str = "") -> None:
        """Write a time relative to the service's clock, and absolutely beside it."""
        moment = box("time", f"when {classes}").tooltip(absolute(text))
        attribute(moment, "datetime", text)
        with moment:
            self._ticking(text, lambda t: relative(t, self._now()), "when-relative")
            self._ticking(text, lambda t: clock(t, self._now()), "when-absolute")

    def overdue(self, text: str) -> bool:
        """Whether a deadline has passed on the service's clock."""
        return text < iso(self._now())

    def _ticking(self, text: str, say: Callable[[str], str], classes: str) -> None:
        self._times.append((Text(say(text), classes=classes), text, say))

    async def _poll(self) -> None:
        self._times = [entry for entry in self._times if not entry[0].is_deleted]
        for element, text, say in self._times:
            element.set_text(say(text))
        self._clock.set_text(absolute(iso(self._now())))
        try:
            for ask in self._watched:
                await ask()
            self._trouble.show("")
        except HanotaError as error:
            self._trouble.show(str(error))

    def refuse(self, error: HanotaError) -> None:
        """Show why there is nothing to show, and answer with the HTTP status that fits."""
        ui.status_code(status_of(error))
        facts = error.as_dict()
        self.body.clear()
        with self.body, box("section", "card notice bad").props('role="alert"'):
            Text(sentence(str(facts["message"])), tag="h1")
            Text(sentence(str(facts["remedy"])), tag="p")
            Text(error.code, tag="p", classes="code quiet")
            ui.link("Back to the overview", self.link())

    @staticmethod
    def _draw_trouble(message: str) -> None:
        if message:
            with box("div", "notice waiting").props('role="alert"'):
                ui.icon("sync_problem")
                Text(f"What you see may be out of date. {message}")

    @staticmethod
    def _draw_refusal(message: str) -> None:
        if message:
            with box("div", "notice bad").props('role="alert"'):
                ui.icon("block")
                Text(f"That was not done. {message}")

    def _frame(self, here: str) -> None:
        ui.link("Skip to the contents", "#contents").classes("skip")
        with box("header", "top"):
            with ui.link(target=self.link()).classes("brand").props('aria-label="hanota, overview"'):
                ui.icon("hub")
                Text("hanota")
            with box("nav").props('aria-label="Main"'):
                for target, word, icon in NAVIGATION:
                    current = target == here
                    item = ui.link(target=self.link(*target.strip("/").split("/"))).classes("item")
                    with item.props('aria-current="page"' if current else ""):
                        ui.icon(icon)
                        Text(word)
            self._clock = Text(absolute(iso(self._now())), tag="div", classes="clock")
            self._clock.tooltip("The service's clock")
            toggle = box("button", "theme").props('type="button" aria-label="Dark or light"')
            toggle.on("click", js_handler="() => hanotaToggleTheme()")
            with toggle:
                ui.icon("contrast")
        if self.caller.party is not None:
            with box("div", "as").props('role="status"'):
                ui.icon("visibility")
                Text(f"You see what {self.caller.party} may see.")
                ui.link("See everything", here)
        self._trouble: Region[str] = Region(self._draw_trouble, classes="trouble")
        self._refusal: Region[str] = Region(self._draw_refusal, classes="trouble")
        self.body = box("main").props('id="contents" tabindex="-1"')
