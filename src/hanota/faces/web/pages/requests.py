"""/requests and /requests/ID : what Suppliers asked for, and what they were answered."""

from nicegui import ui

from hanota.app.desk.views import DeliveryView, Refused, RequestDetail, RequestView
from hanota.base.vocabulary.duis import ResponseCode
from hanota.faces.web.live import Region, Text, box
from hanota.faces.web.look import of_code, of_state
from hanota.faces.web.page import Page, sentence
from hanota.faces.web.pages.deliveries import delivery_list
from hanota.faces.web.parts import chip, code, empty, fact, heading, party_words, service_words
from hanota.faces.web.table import Column, Listing, column
from hanota.faces.web.when import octets
from hanota.supplier.meanings import meanings

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
    """Give a table of requests, to be filled."""
    columns: tuple[Column[RequestView], ...] = (
        column(
            "Request",
            lambda row: (row.service_reference, row.request_id, row.command_variant),
            lambda picked: _identity(page, *picked),
        ),
        column("Answer", lambda row: (row.response_code, _in_words(row)), lambda picked: _answer(*picked)),
        column("From", lambda row: (row.originator_name, row.originator), lambda picked: party_words(*picked)),
        column("Version", lambda row: row.firmware_version or "–", code),
        column("Devices", lambda row: (row.devices_accepted, row.devices_named, row.outcomes), _devices),
        column("Received", lambda row: row.received_at, page.time),
    )
    return Listing(columns, "Requests", key=lambda row: row.number, nothing=_none)


async def request_page(page: Page, request_id: str, command_variant: int) -> None:
    """Fill one request: its facts, its refusals, its deliveries and the answer as sent."""
    with page.body:
        whole: Region[RequestDetail] = Region(lambda seen: _detail(page, seen))
        deliveries: Region[bool] = Region(_deliveries_heading)
        rows = delivery_list(page, "Deliveries of this request")
        answer: Region[str] = Region(_sent)

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


def _identity(page: Page, service_reference: str, request_id: str, command_variant: int) -> None:
    variant = None if command_variant == _NON_DEVICE_VARIANT else command_variant
    name = f"{service_reference} no. {request_id.rpartition(':')[2]}"
    ui.link(name, page.link("requests", request_id, cv=variant)).classes("strong")
    Text(service_words(service_reference), tag="div", classes="quiet small")


def _in_words(row: RequestView) -> str:
    return row.text or " or ".join(meanings(ResponseCode(row.response_code), row.service_reference))


def _answer(response_code: str, text: str) -> None:
    chip(of_code(response_code))
    Text(text, tag="div", classes="quiet small")


def _devices(picked: tuple[int, int, dict[str, int]]) -> None:
    accepted, named, outcomes = picked
    Text(f"{accepted:,} of {named:,} accepted" if named else "–", tag="div")
    with box("div", "outcomes"):
        for state, count in sorted(outcomes.items(), key=lambda item: -item[1]):
            look = of_state(state)
            with box("span", f"outcome {look.tone}"):
                ui.icon(look.icon).props('aria-hidden="true"')
                Text(f"{count:,} {look.word.lower()}")


def _detail(page: Page, seen: RequestDetail) -> None:
    with box("div", "heading"):
        with box("div", "spread"):
            Text(f"Request {seen.service_reference} no. {seen.request_id.rpartition(':')[2]}", tag="h1")
            chip(of_code(seen.response_code), extra="large")
        code(seen.request_id, "quiet wrap")
    with box("section", f"card notice {of_code(seen.response_code).tone}"):
        text = _in_words(seen)
        Text(sentence(text), tag="p", classes="strong")
        if seen.remedy:
            Text(f"Remedy: {seen.remedy}", tag="p")
        if seen.reason:
            code(seen.reason, "quiet")
    with box("dl", "card facts"):
        fact("From", lambda: party_words(seen.originator_name, seen.originator))
        fact("Received", lambda: page.time(seen.received_at))
        fact("Version asked for", lambda: code(seen.firmware_version or "–"))
        fact("Image", lambda: Text(octets(seen.image_octets) if seen.image_octets is not None else "–"))
        fact("Devices", lambda: Text(f"{seen.devices_accepted:,} of {seen.devices_named:,} accepted"))
        fact("SHA-256 of the image", lambda: code(seen.image_hash or "–", "wrap"), classes="wide")
    if seen.refused:
        Text("Left out", tag="h2")
        for group in seen.refused:
            _refused(group)


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


def _sent(xml: str) -> None:
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
