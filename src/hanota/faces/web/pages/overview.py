"""/ : the four numbers that matter, what needs attention, and the latest requests."""

from collections.abc import Sequence

from nicegui import ui

from hanota.app.desk.views import Overview, RequestView
from hanota.faces.web.live import Region, Text, box
from hanota.faces.web.look import Look, Tone
from hanota.faces.web.page import Page
from hanota.faces.web.pages.deliveries import delivery_list
from hanota.faces.web.pages.requests import request_list
from hanota.faces.web.parts import heading
from hanota.model.delivery import State

_LATEST = 5
_THINGS = {"quarantine": ("request is", "requests are"), "messages": ("message was", "messages were")}


async def overview_page(page: Page) -> None:
    """Fill the page."""
    with page.body:
        heading("Overview", "Firmware updates over the home area network, as they stand now")
        numbers: Region[tuple[int, int, int, int]] = Region(lambda four: _numbers(page, four), classes="numbers")
        left: Region[tuple[int, int]] = Region(lambda counts: _left_to_operator(page, *counts))
        Text("Needs attention", tag="h2")
        attention = delivery_list(page, "Deliveries that need attention", _all_well)
        with box("div", "spread"):
            Text("Latest requests", tag="h2")
            ui.link("All requests", page.link("requests"))
        latest = request_list(page)

    def show(seen: tuple[Overview, Sequence[RequestView]]) -> None:
        now, requests = seen
        numbers.show((now.running, now.waiting, now.failed, now.confirmed))
        left.show((now.held, now.dead_letters))
        attention.show(now.attention)
        latest.show(requests)

    await page.watch(lambda: (page.desk.overview(page.caller), page.desk.requests(page.caller, limit=_LATEST)), show)


def _numbers(page: Page, four: tuple[int, int, int, int]) -> None:
    looks = (
        (Look("Running", "downloading", Tone.MOVING), None),
        (Look("Waiting on someone", "hourglass_top", Tone.WAITING), None),
        (Look("Failed", "error", Tone.BAD), None),
        (Look("Confirmed", "verified", Tone.GOOD), State.CONFIRMED),
    )
    for number, (look, state) in zip(four, looks, strict=True):
        tone = look.tone if number else Tone.QUIET
        with ui.link(target=page.link("deliveries", state=state)).classes(f"number card {tone}"):
            with box("span", "badge"):
                ui.icon(look.icon).props('aria-hidden="true"')
            with box("span", "figures"):
                Text(f"{number:,}", classes="big")
                Text(look.word, classes="quiet")


def _left_to_operator(page: Page, held: int, dead_letters: int) -> None:
    for count, what, where in (
        (held, "held until the operator decides", "quarantine"),
        (dead_letters, "given up, to be replayed by the operator", "messages"),
    ):
        if count:
            with box("div", "notice waiting left"):
                ui.icon("front_hand").props('aria-hidden="true"')
                Text(f"{count:,} {_THINGS[where][count > 1]} {what}.")
                ui.link(f"See {where}", page.link(where))


def _all_well() -> None:
    with box("div", "card calm"):
        ui.icon("check_circle").props('aria-hidden="true"')
        Text("Nothing needs you now. What is late or has failed will stand here, with who owes the next step.")
