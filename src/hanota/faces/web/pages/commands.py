"""/commands : GBCS commands to devices on behalf of their Users, 11.2 and 11.3."""

from nicegui import ui

from hanota.app.desk.views import CommandView
from hanota.faces.web.live import Text, box
from hanota.faces.web.look import of_command
from hanota.faces.web.page import Page
from hanota.faces.web.parts import chip, code, due, empty, heading, party_words, service_words
from hanota.faces.web.table import Column, Listing, column

_ROWS = 100


async def commands_page(page: Page) -> None:
    """Fill the list of commands."""
    with page.body:
        heading("Commands", "What devices are told on behalf of a User, and whether they have answered; newest first")
        rows = _list(page)
    await page.watch(lambda: list(page.desk.commands(page.caller, limit=_ROWS)), rows.show)


def _list(page: Page) -> Listing[CommandView]:
    columns: tuple[Column[CommandView], ...] = (
        column(
            "Command",
            lambda row: (row.service_reference, row.request_id, row.command_variant),
            lambda picked: _identity(page, *picked),
        ),
        column("Device", lambda row: row.device, code),
        column("For", lambda row: (row.party_name, row.party), lambda picked: party_words(*picked)),
        column("State", lambda row: row.state, lambda state: chip(of_command(state))),
        column(
            "Waiting until",
            lambda row: (row.execute_at, row.deadline, bool(row.deadline) and page.overdue(str(row.deadline))),
            lambda picked: _until(page, *picked),
        ),
        column("Since", lambda row: row.since, page.time),
    )
    return Listing(columns, "Commands", key=lambda row: row.command, nothing=_none)


def _identity(page: Page, service_reference: str, request_id: str, command_variant: int) -> None:
    name = f"{service_reference} no. {request_id.rpartition(':')[2]}"
    ui.link(name, page.link("requests", request_id, cv=command_variant)).classes("strong")
    Text(service_words(service_reference), tag="div", classes="quiet small")


def _until(page: Page, execute_at: str | None, deadline: str | None, late: bool) -> None:
    if execute_at is not None:
        with box("div"):
            Text("to act ")
            page.time(execute_at)
    if deadline is None:
        Text("nobody is waited for", classes="quiet")
        return
    with box("div", "waits late" if late else "waits"), box("div", "quiet"):
        due(page, deadline, late)


def _none() -> None:
    with box("div", "card"):
        empty("No command yet.", "11.2 reads a device's version, 11.3 activates an image:", "hanota send REQUEST.xml")
