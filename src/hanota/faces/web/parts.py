"""Small pieces that several pages are made of."""

import json
from collections.abc import Callable

from nicegui import ui

from hanota.app.desk.views import AlertView, DeliveryView, Waiting
from hanota.faces.web.live import Text, attribute, box
from hanota.faces.web.look import Look, Tone, of_device, of_state
from hanota.faces.web.page import Page
from hanota.faces.web.when import octets, percent
from hanota.wire.duis import REQUESTS


def heading(title: str, lead: str = "") -> None:
    """Write a page's title, and one line of what it shows."""
    with box("div", "heading"):
        Text(title, tag="h1")
        if lead:
            Text(lead, tag="p", classes="quiet")


def chip(look: Look, *, extra: str = "") -> None:
    """Show a state by word, icon and colour."""
    with box("span", f"chip {look.tone} {extra}"):
        ui.icon(look.icon).props('aria-hidden="true"')
        Text(look.word)


def code(text: str, classes: str = "") -> None:
    """Show an identifier."""
    Text(text, tag="code", classes=classes)


def empty(what: str, then: str, command: str) -> None:
    """Say that there is nothing yet, and the command that changes it."""
    with box("div", "empty"):
        ui.icon("inbox")
        Text(what, tag="p", classes="strong")
        Text(then, tag="p", classes="quiet")
        code(command, "command")


def act_button(page: Page, word: str, icon: str, do: Callable[[], object], *, sure: str = "", about: str = "") -> None:
    """Show a button for an act of the operator; a party's view has none. `sure`: asked first; `about`: what it acts on,
    for who can't see beside what it stands.
    """
    if page.caller.party is not None:
        return

    async def click() -> None:
        await page.act(do)

    button = box("button", "act").props('type="button"')
    attribute(button, "aria-label", f"{word} {about}".strip())
    button.on("click", click, js_handler=f"() => confirm({json.dumps(sure)}) && emit()" if sure else "() => emit()")
    with button:
        ui.icon(icon).props('aria-hidden="true"')
        Text(word)


def party_words(name: str, eui: str) -> None:
    """Show a party by its name and EUI-64."""
    Text(name, tag="div")
    code(eui, "quiet small")


def service_words(service_reference: str) -> str:
    """Name a service request."""
    row = REQUESTS.get(service_reference)
    return row.name if row else "another service"


def fact(name: str, draw: Callable[[], object], classes: str = "") -> None:
    """Write one name and its value in a `dl`."""
    with box("div", f"fact {classes}"):
        Text(name, tag="dt")
        with box("dd"):
            draw()


class Bar:
    """How much of the image the device has fetched; it grows in place, so that it glides."""

    def __init__(self) -> None:
        self._tone: Tone | None = None
        self.element = box("div", "bar").props('role="progressbar" aria-valuemin="0" aria-valuemax="100"')
        self.element.props('aria-label="Image fetched"')
        with self.element:
            self._fill = box("div", "fill")

    def show(self, delivery: DeliveryView) -> None:
        """Show the progress of `delivery`."""
        done, tone = percent(delivery.offset, delivery.image_octets), _bar_tone(delivery)
        attribute(self.element, "aria-valuenow", done)
        self.element.classes(add=tone, remove=self._tone)
        self._fill.style(f"width:{done}%")
        self._tone = tone


def _bar_tone(delivery: DeliveryView) -> Tone:
    """A whole image is nothing to wait for: what is still owed afterwards says the chip."""
    tone = of_state(delivery.state).tone
    return Tone.MOVING if tone is Tone.WAITING else tone


class Fetched:
    """A bar with its percentage below."""

    def __init__(self) -> None:
        self.element = box("div", "fetched")
        with self.element:
            self._bar = Bar()
            self._percent = Text("", classes="small quiet")

    def show(self, delivery: DeliveryView) -> None:
        """Show the progress of `delivery`."""
        self._bar.show(delivery)
        self._percent.set_text(f"{percent(delivery.offset, delivery.image_octets)} %")


def transfer_words(delivery: DeliveryView) -> str:
    """Say how far a transfer is: `16 of 64 kB · 256 blocks, 3 repeated`."""
    return (
        f"{octets(delivery.offset)} of {octets(delivery.image_octets)} · "
        f"{delivery.blocks} blocks, {delivery.repeats} repeated"
    )


def waiting_words(page: Page, waiting: Waiting | None, late: bool) -> None:
    """Say who is waited for, for what, and until when."""
    if waiting is None:
        Text("nobody", classes="quiet")
        return
    with box("div", "waits late" if late else "waits"):
        with box("div"):
            Text(waiting.owed_by, classes="strong")
            Text(f" owes {waiting.expects}")
        with box("div", "quiet"):
            due(page, waiting.until, late)


def due(page: Page, deadline: str, late: bool) -> None:
    """Write a deadline, kept current."""
    Text("was due " if late else "due ")
    page.time(deadline)


def versions(before: str | None, target: str) -> None:
    """Show from which version to which."""
    with box("span", "versions"):
        code(before or "unknown")
        ui.icon("arrow_forward").props('aria-label="to"')
        code(target)


def device_cell(device: str, device_type: str, target: str) -> None:
    """Show a device by icon, type and EUI-64, as a link."""
    with box("div", "device-cell"):
        ui.icon(of_device(device_type).icon).props('aria-hidden="true"')
        with box("div"):
            Text(device_type, tag="div", classes="strong")
            ui.link(device, target).classes("code")


def alert_look(alert: AlertView, *, late: bool) -> Look:
    """Give how an alert stands: delivered, to be delivered, or late."""
    if alert.delivered_at is not None:
        return Look("Delivered", "mark_email_read", Tone.GOOD)
    if late:
        return Look("Late", "error", Tone.BAD)
    return Look("To be delivered", "schedule_send", Tone.WAITING)
