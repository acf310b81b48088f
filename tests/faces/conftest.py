"""The console over the fake desk, served once and looked at with Chromium."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import pytest
from playwright.sync_api import Browser, Page

from hanota.faces.cli.logs import set_up_logs
from hanota.faces.http import create_app
from hanota.faces.web import page as pages
from helpers.browser import browser
from helpers.fake_desk import FakeDesk
from helpers.serving import served

# NiceGUI has one set of pages per process, so the tests share one console. It stops
# with the last of them: what follows should not run beside a server thread, nor inside the loop of Playwright.
_DESK = FakeDesk()


@dataclass
class Window:
    """A browser window that remembers what pages complained about and where they went."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> int:
        """Open a page of the console and wait until it is live. Returns: the HTTP status."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        self.page.wait_for_function("window.socket && window.socket.connected")
        return answer.status

    def reads(self, selector: str, text: str) -> None:
        """Wait until an element that `selector` finds holds `text`."""
        self.page.locator(selector, has_text=text).first.wait_for(timeout=5000)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="package")
def console_url() -> Iterator[str]:
    set_up_logs(verbose=False)
    pages.POLL_S = 0.2  # the tests wait for what moves
    with served(create_app(_DESK, now=_DESK.clock)) as url:
        yield url


@pytest.fixture
def desk() -> FakeDesk:
    fresh = FakeDesk()
    for each in fields(FakeDesk):
        setattr(_DESK, each.name, getattr(fresh, each.name))
    return _DESK


@pytest.fixture
def window(chromium: Browser, console_url: str, desk: FakeDesk) -> Iterator[Window]:
    """A window; afterwards no page may have complained, or asked anyone but the console for anything."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    seen = Window(context.new_page(), console_url)
    seen.page.on("console", lambda line: seen.complaints.append(line.text) if line.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    own = (console_url, console_url.replace("http", "ws", 1), "data:", "blob:")
    seen.page.on("request", lambda asked: None if asked.url.startswith(own) else seen.strangers.append(asked.url))
    yield seen
    context.close()
    assert seen.complaints == []
    assert seen.strangers == []
