"""/messages : what no party took until it was given up, to be tried anew at the operator's word."""

from functools import partial

from nicegui import ui

from hanota.app.desk.views import DeadLetterView
from hanota.faces.web.live import Region, Text, box
from hanota.faces.web.page import Page
from hanota.faces.web.parts import act_button, code, heading, party_words
from hanota.faces.web.table import Column, Listing, column

_ROWS = 100


async def messages_page(page: Page) -> None:
    """Fill the list of dead letters."""
    with page.body:
        heading("Messages", "Responses and alerts that their party did not take in time; nothing is thrown away")
        with box("div", "spread"):
            Text("Dead letters", tag="h2")
            everything: Region[tuple[int, ...]] = Region(lambda numbers: _all(page, numbers))
        rows = _list(page)

    def show(found: list[DeadLetterView]) -> None:
        everything.show(tuple(letter.message for letter in found))
        rows.show(found)

    await page.watch(lambda: list(page.desk.dead_letters(page.caller, limit=_ROWS)), show)


def _all(page: Page, numbers: tuple[int, ...]) -> None:
    if len(numbers) > 1:
        act_button(page, "Replay all", "replay", partial(page.desk.replay, page.caller, list(numbers)))


def _list(page: Page) -> Listing[DeadLetterView]:
    columns: tuple[Column[DeadLetterView], ...] = (
        column("Message", lambda row: (row.kind, row.response_id), lambda picked: _what(*picked)),
        column("To", lambda row: (row.party_name, row.party), lambda picked: party_words(*picked)),
        column("About", lambda row: (row.device, row.devices), lambda picked: _about(*picked)),
        column("Why", lambda row: (row.error, row.tries), lambda picked: _why(*picked)),
        column("Given up", lambda row: row.given_up_at, page.time),
        column("Decision", lambda row: (row.message, row.response_id), lambda picked: _act(page, *picked)),
    )
    return Listing(columns, "Dead letters", key=lambda row: row.message, nothing=_none)


def _what(kind: str, response_id: str) -> None:
    Text(kind, tag="div", classes="strong")
    code(response_id, "quiet small wrap")


def _about(device: str | None, devices: int) -> None:
    if device is not None:
        code(device)
    if devices > 1:
        Text(f"{devices:,} devices", tag="div")
    if device is None and not devices:
        Text("–")


def _why(error: str | None, tries: int) -> None:
    Text(error or "not known", tag="div", classes="wrap")
    Text(f"{tries} tries", tag="div", classes="quiet small")


def _act(page: Page, message: int, response_id: str) -> None:
    act_button(page, "Replay", "replay", partial(page.desk.replay, page.caller, [message]), about=response_id)


def _none() -> None:
    with box("div", "card calm"):
        ui.icon("check_circle").props('aria-hidden="true"')
        Text(
            "Every message was taken or is still being tried. What is given up by policy (alert.tries_max) waits here."
        )
