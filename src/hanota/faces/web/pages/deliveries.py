"""/deliveries : one image to one device each, by rising number, whole or in one state."""

from nicegui import ui

from hanota.app.desk.views import DeliveryView
from hanota.faces.web.live import Region, Text, box
from hanota.faces.web.look import of_state
from hanota.faces.web.page import Page
from hanota.faces.web.parts import Cells, Listing, bar, chip, device_cell, empty, heading, versions, waiting_words
from hanota.faces.web.when import percent
from hanota.model.delivery import State

COLUMNS = ("Device", "State", "Version", "Image fetched", "Waiting for", "Updated")
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
        rows: Listing[DeliveryView] = Listing(
            COLUMNS, "Deliveries", lambda row: cells(page, row), key=lambda row: row.delivery, nothing=_none
        )
        more: Region[int | None] = Region(lambda last: _more(page, state, last))

    def show(found: list[DeliveryView]) -> None:
        rows.show(found)
        more.show(found[-1].delivery if len(found) == _ROWS else None)

    await page.watch(lambda: list(page.desk.deliveries(page.caller, state=state, limit=_ROWS, after=after)), show)


def cells(page: Page, row: DeliveryView) -> Cells:
    """Give the cells of one delivery for a table of COLUMNS."""

    def fetched() -> None:
        with box("div", "fetched"):
            bar(row)
            Text(f"{percent(row.offset, row.image_octets)} %", classes="small quiet")

    return (
        lambda: device_cell(row.device, row.device_type, page.link("deliveries", row.delivery)),
        lambda: chip(of_state(row.state)),
        lambda: versions(row),
        fetched,
        lambda: waiting_words(page, row.waiting),
        lambda: page.time(row.updated_at),
    )


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
