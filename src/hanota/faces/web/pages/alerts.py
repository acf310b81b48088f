"""/alerts : what each party is told, and whether it has been."""

from collections.abc import Callable

from nicegui import ui

from hanota.app.desk.views import AlertView
from hanota.faces.web.live import Region, Text, box
from hanota.faces.web.page import Page
from hanota.faces.web.parts import alert_look, chip, code, due, empty, heading, party_words
from hanota.faces.web.table import Column, Listing, column

_ROWS = 100


async def alerts_page(page: Page, party: str | None) -> None:
    """Fill the list of alerts, of all parties or of one."""
    with page.body:
        heading("Alerts", "Each party concerned gets its own, once; nothing is thrown away")
        parties: Region[tuple[tuple[str, str], ...]] = Region(
            lambda known: _parties(page, known, party), classes="filters"
        )
        rows = alert_list(page, _none)

    def query() -> tuple[tuple[tuple[str, str], ...], list[AlertView]]:
        everyone = list(page.desk.alerts(page.caller, limit=_ROWS))
        found = everyone if party is None else list(page.desk.alerts(page.caller, party=party, limit=_ROWS))
        names = {alert.party: alert.party_name for alert in (*everyone, *found)}
        return tuple(sorted(names.items(), key=lambda item: item[1])), found

    def show(seen: tuple[tuple[tuple[str, str], ...], list[AlertView]]) -> None:
        parties.show(seen[0])
        rows.show(seen[1])

    await page.watch(query, show)


def alert_list(page: Page, nothing: Callable[[], None]) -> Listing[AlertView]:
    """Give a table of alerts, to be filled."""
    columns: tuple[Column[AlertView], ...] = (
        column("Alert", lambda row: (row.code, row.kind, row.text), lambda picked: _what(*picked)),
        column("To", lambda row: (row.party_name, row.party), lambda picked: party_words(*picked)),
        column("Device", lambda row: row.device or "–", code),
        column("Standing", lambda row: (row, page.overdue(row.deadline)), lambda seen: _standing(page, *seen)),
        column("Recorded", lambda row: row.created_at, page.time),
    )
    return Listing(columns, "Alerts", key=lambda row: row.response_id, nothing=nothing)


def _what(number: str, kind: str, text: str) -> None:
    with box("div"):
        code(number, "strong")
        Text(f" {kind}", classes="strong")
    Text(text, tag="div", classes="quiet small")


def _standing(page: Page, row: AlertView, late: bool) -> None:
    chip(alert_look(row, late=late))
    if row.delivered_at is None:
        with box("div", "quiet small"):
            due(page, row.deadline, late)
    if row.tries > 1:
        Text(f"{row.tries} tries", tag="div", classes="quiet small")


def _parties(page: Page, known: tuple[tuple[str, str], ...], party: str | None) -> None:
    everyone = ui.link("All parties", page.link("alerts")).classes("filter")
    everyone.props('aria-current="true"' if party is None else "")
    for eui, name in known:
        link = ui.link(name, page.link("alerts", party=eui)).classes("filter")
        link.props('aria-current="true"' if party == eui else "")


def _none() -> None:
    with box("div", "card"):
        empty("No alert.", "Alerts come as updates move; see what happens in one home:", "hanota demo")
