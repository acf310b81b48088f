"""/quarantine : requests beyond an anomaly limit, which the operator releases or drops."""

from functools import partial

from nicegui import ui

from hanota.app.desk.views import QuarantineView
from hanota.faces.web.live import Text, box
from hanota.faces.web.look import of_quarantine
from hanota.faces.web.page import Page
from hanota.faces.web.parts import act_button, chip, heading, party_words
from hanota.faces.web.table import Column, Listing, column
from hanota.records.store.quarantine import Quarantine

_ROWS = 100


async def quarantine_page(page: Page) -> None:
    """Fill the list of what is or was held."""
    with page.body:
        heading(
            "Quarantine", "Requests beyond an anomaly limit wait here: nothing of them reaches a device before that"
        )
        rows = _list(page)
    await page.watch(lambda: list(page.desk.quarantined(page.caller, limit=_ROWS)), rows.show)


def _list(page: Page) -> Listing[QuarantineView]:
    columns: tuple[Column[QuarantineView], ...] = (
        column("Request", lambda row: (row.service_reference, row.request_id), lambda picked: _identity(page, *picked)),
        column("From", lambda row: (row.party_name, row.party), lambda picked: party_words(*picked)),
        column("Standing", lambda row: (row.state, row.decided_at), lambda picked: _standing(page, *picked)),
        column("Held since", lambda row: row.since, page.time),
        column("Decision", lambda row: (row.state, row.number, row.request_id), lambda picked: _acts(page, *picked)),
    )
    return Listing(columns, "Requests in quarantine", key=lambda row: row.number, nothing=_none)


def _identity(page: Page, service_reference: str, request_id: str) -> None:
    name = f"{service_reference} no. {request_id.rpartition(':')[2]}"
    ui.link(name, page.link("requests", request_id)).classes("strong")


def _standing(page: Page, state: str, decided_at: str | None) -> None:
    chip(of_quarantine(state))
    if decided_at is not None:
        with box("div", "quiet small"):
            page.time(decided_at)


def _acts(page: Page, state: str, number: int, request_id: str) -> None:
    if state != Quarantine.HELD:
        Text("–")
        return
    about, desk, caller = f"request {request_id}", page.desk, page.caller
    with box("div", "acts"):
        act_button(page, "Release", "play_arrow", partial(desk.release, caller, number), about=about)
        sure = "Drop this request? Its sender is told that it was refused."
        act_button(page, "Drop", "delete", partial(desk.drop, caller, number), sure=sure, about=about)


def _none() -> None:
    with box("div", "card calm"):
        ui.icon("check_circle").props('aria-hidden="true"')
        Text("Nothing is held. A User who sends more than a policy (anomaly.limits) allows finds the excess here.")
