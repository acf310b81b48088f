"""/deliveries : one image to one device each, by rising number, whole or in one state."""

from collections.abc import Callable

from nicegui import ui

from hanota.app.desk.views import DeliveryView
from hanota.faces.web.live import Region, box
from hanota.faces.web.look import of_state
from hanota.faces.web.page import Page
from hanota.faces.web.parts import Fetched, chip, device_cell, empty, heading, versions, waiting_words
from hanota.faces.web.table import Column, Listing, column, column_of
from hanota.model.delivery import State

_ROWS = 100
_FILTERS = (
    None,
    State.ON_WAN,
    State.TRANSFERRING,
    State.ACTIVATED,
    State.CONFIRMED,
    State.TRANSFER_FAILED,
    State.VERSION_MISMATCH,
    State.UNCONFIRMED,
)


async def deliveries_page(page: Page, state: str | None, after: int) -> None:
    """Fill the list of deliveries."""
    with page.body:
        heading("Deliveries", "One image to one device under one request")
        with box("div", "filters").props('role="group" aria-label="Only in this state"'):
            for choice in _FILTERS:
                _filter(page, choice, chosen=choice == state)
        rows = delivery_list(page, "Deliveries", _none)
        more: Region[int | None] = Region(lambda last: _more(page, state, last))

    def show(found: list[DeliveryView]) -> None:
        rows.show(found)
        more.show(found[-1].delivery if len(found) == _ROWS else None)

    await page.watch(lambda: list(page.desk.deliveries(page.caller, state=state, limit=_ROWS, after=after)), show)


def delivery_list(page: Page, caption: str, nothing: Callable[[], None] = lambda: None) -> Listing[DeliveryView]:
    """Give a table of deliveries, to be filled."""
    columns: tuple[Column[DeliveryView], ...] = (
        column(
            "Device",
            lambda row: (row.device, row.device_type, page.link("deliveries", row.delivery)),
            lambda picked: device_cell(*picked),
        ),
        column("State", lambda row: row.state, lambda state: chip(of_state(state))),
        column("Version", lambda row: (row.version_before, row.version_target), lambda pair: versions(*pair)),
        column_of("Image fetched", Fetched),
        column(
            "Waiting for",
            lambda row: (row.waiting, row.waiting is not None and page.overdue(row.waiting.until)),
            lambda picked: waiting_words(page, *picked),
        ),
        column("Updated", lambda row: row.updated_at, page.time),
    )
    return Listing(columns, caption, key=lambda row: row.delivery, nothing=nothing)


def _filter(page: Page, choice: State | None, *, chosen: bool) -> None:
    word = "All" if choice is None else of_state(choice).word
    link = ui.link(word, page.link("deliveries", state=choice)).classes("filter")
    link.props('aria-current="true"' if chosen else "")


def _more(page: Page, state: str | None, last: int | None) -> None:
    if last is not None:
        ui.link("Later deliveries", page.link("deliveries", state=state, after=last)).classes("more")


def _none() -> None:
    with box("div", "card"):
        empty("No delivery here.", "An accepted request makes one for each device:", "hanota send REQUEST.xml")
