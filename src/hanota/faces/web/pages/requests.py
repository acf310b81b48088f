"""/requests and /requests/ID : what Suppliers asked for, and what they were answered."""

from collections import Counter

from nicegui import ui

from hanota.app.desk.views import DeliveryView, Refused, RequestDetail, RequestView
from hanota.faces.web.live import Region, Text, box
from hanota.faces.web.look import of_code, of_state
from hanota.faces.web.page import Page
from hanota.faces.web.pages.deliveries import COLUMNS as DELIVERY_COLUMNS
from hanota.faces.web.pages.deliveries import cells as delivery_cells
from hanota.faces.web.parts import Cells, Listing, chip, code, empty, fact, heading
from hanota.faces.web.when import octets

COLUMNS = ("Request", "Answer", "From", "Version", "Devices", "Received")
_ROWS = 50
_DEVICES_SHOWN = 20
_NON_DEVICE_VARIANT = 8


async def requests_page(page: Page, before: str | None) -> None:
    """Fill the list of requests."""
    with page.body:
        heading("Requests", "Service Requests that reached the gateway, newest first")
        rows = request_list(page)
        older: Region[str | None] = Region(lambda last: _older(page, last))

    def show(requests: list[RequestView]) -> None:
        rows.show(requests)
        older.show(requests[-1].request_id if len(requests) == _ROWS else None)

    await page.watch(lambda: list(page.desk.requests(page.caller, limit=_ROWS, before=before)), show)


def request_list(page: Page) -> Listing[RequestView]:
    """Give the table of requests, to be filled."""
    return Listing(
        COLUMNS,
        "Requests",
        lambda row: _cells(page, row),
        key=lambda row: (row.request_id, row.command_variant),
        nothing=_none,
    )


async def request_page(page: Page, request_id: str, command_variant: int) -> None:
    """Fill one request: its facts, its refusals, its deliveries and the answer as sent."""
    with page.body:
        whole: Region[RequestDetail] = Region(lambda seen: _detail(page, seen))
        deliveries: Region[bool] = Region(_deliveries_heading)
        rows: Listing[DeliveryView] = Listing(
            DELIVERY_COLUMNS,
            "Deliveries of this request",
            lambda row: delivery_cells(page, row),
            key=lambda row: row.delivery,
            nothing=lambda: None,
        )
        answer: Region[str] = Region(_answer)

    def show(seen: tuple[RequestDetail, list[DeliveryView]]) -> None:
        request, found = seen
        whole.show(request)
        deliveries.show(bool(found))
        rows.show(found)
        answer.show(request.answer_xml)

    await page.watch(
        lambda: (
            page.desk.request(page.caller, request_id, command_variant),
            list(page.desk.deliveries(page.caller, request_id=request_id)),
        ),
        show,
    )


def _cells(page: Page, row: RequestView) -> Cells:
    variant = None if row.command_variant == _NON_DEVICE_VARIANT else row.command_variant
    target = page.link("requests", row.request_id, cv=variant)

    def answer() -> None:
        chip(of_code(row.response_code))
        if row.reason is not None:
            Text(row.text, tag="div", classes="quiet small")

    def sender() -> None:
        Text(row.originator_name, tag="div")
        code(row.originator, "quiet small")

    def devices() -> None:
        Text(f"{row.devices_accepted:,} of {row.devices_named:,} accepted", tag="div")
        outcomes(row)

    return (
        lambda: _identity(row, target),
        answer,
        sender,
        lambda: code(row.firmware_version or "–"),
        devices,
        lambda: page.time(row.received_at),
    )


def _identity(row: RequestView, target: str) -> None:
    ui.link(f"{row.service_reference} no. {row.request_id.rpartition(':')[2]}", target).classes("strong")
    with box("div", "quiet small"):
        Text({"11.1": "Update Firmware", "11.4": "Update PPMID Firmware"}.get(row.service_reference, "other service"))


def outcomes(row: RequestView) -> None:
    """Show how many devices are in which state."""
    with box("div", "outcomes"):
        for state, count in Counter(row.outcomes).most_common():
            look = of_state(state)
            with box("span", f"outcome {look.tone}"):
                ui.icon(look.icon).props('aria-hidden="true"')
                Text(f"{count:,} {look.word.lower()}")


def _detail(page: Page, seen: RequestDetail) -> None:
    with box("div", "heading"):
        with box("div", "spread"):
            Text(f"Request {seen.service_reference} no. {seen.request_id.rpartition(':')[2]}", tag="h1")
            chip(of_code(seen.response_code), extra="large")
        code(seen.request_id, "quiet")
    with box("section", f"card notice {of_code(seen.response_code).tone}"):
        Text(seen.text[:1].upper() + seen.text[1:], tag="p", classes="strong")
        if seen.remedy:
            Text(f"Remedy: {seen.remedy}", tag="p")
        if seen.reason:
            code(seen.reason, "quiet")
    with box("dl", "card facts"):
        fact("From", lambda: _party(seen))
        fact("Received", lambda: page.time(seen.received_at))
        fact("Version asked for", lambda: code(seen.firmware_version or "–"))
        fact("Image", lambda: Text(octets(seen.image_octets) if seen.image_octets is not None else "–"))
        fact("Devices", lambda: Text(f"{seen.devices_accepted:,} of {seen.devices_named:,} accepted"))
        fact("SHA-256", lambda: code(seen.image_hash or "–", "wrap"))
    if seen.refused:
        Text("Left out", tag="h2")
        for group in seen.refused:
            _refused(group)


def _party(seen: RequestDetail) -> None:
    Text(seen.originator_name, tag="div")
    code(seen.originator, "quiet small")


def _refused(group: Refused) -> None:
    with box("section", "card refused"):
        with box("div", "spread"):
            Text(f"{len(group.devices):,} × {group.text}", tag="p", classes="strong")
            code(group.device_list, "quiet small")
        Text(f"Remedy: {group.remedy}", tag="p")
        with box("p", "devices"):
            for device in group.devices[:_DEVICES_SHOWN]:
                code(device)
            if len(group.devices) > _DEVICES_SHOWN:
                Text(f"and {len(group.devices) - _DEVICES_SHOWN:,} more: see the answer", classes="quiet")


def _answer(xml: str) -> None:
    with box("details", "card"):
        Text("The answer as sent", tag="summary")
        Text(xml, tag="pre", classes="xml")


def _deliveries_heading(some: bool) -> None:
    if some:
        Text("Deliveries", tag="h2")


def _older(page: Page, last: str | None) -> None:
    if last is not None:
        ui.link("Older requests", page.link("requests", before=last)).classes("more")


def _none() -> None:
    with box("div", "card"):
        empty("No request yet.", "Sign and send one to this gateway:", "hanota send REQUEST.xml")
