"""Small pieces that several pages are made of."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from nicegui import ui

from hanota.app.desk.views import AlertView, DeliveryView, Waiting
from hanota.faces.web.live import Region, Rows, Text, box
from hanota.faces.web.look import Look, Tone, of_device, of_state
from hanota.faces.web.page import Page
from hanota.faces.web.when import octets, percent

T = TypeVar("T")
Cells = Sequence[Callable[[], object]]
"""What a table row is made of: one drawing per column."""


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


def fact(name: str, draw: Callable[[], object]) -> None:
    """Write one name and its value in a `dl`."""
    with box("div", "fact"):
        Text(name, tag="dt")
        with box("dd"):
            draw()


def bar(delivery: DeliveryView) -> None:
    """Draw how much of the image the device has fetched."""
    done = percent(delivery.offset, delivery.image_octets)
    tone = of_state(delivery.state).tone
    track = box("div", f"bar {tone}").props(
        f'role="progressbar" aria-valuenow="{done}" aria-valuemin="0" aria-valuemax="100" aria-label="Image fetched"'
    )
    with track:
        box("div", "fill").style(f"width:{done}%")


def transfer_words(delivery: DeliveryView) -> str:
    """Say how far a transfer is: `16 of 64 kB · 256 blocks, 3 repeated`."""
    return (
        f"{octets(delivery.offset)} of {octets(delivery.image_octets)} · "
        f"{delivery.blocks} blocks, {delivery.repeats} repeated"
    )


def waiting_words(page: Page, waiting: Waiting | None) -> None:
    """Say who is waited for, for what, and until when."""
    if waiting is None:
        Text("nobody", classes="quiet")
        return
    late = page.overdue(waiting.until)
    with box("div", "waits late" if late else "waits"):
        with box("div"):
            Text(waiting.owed_by, classes="strong")
            Text(f" owes {waiting.expects}")
        with box("div", "quiet"):
            Text("overdue since " if late else "until ")
            page.time(waiting.until)


def versions(delivery: DeliveryView) -> None:
    """Show from which version to which."""
    with box("span", "versions"):
        code(delivery.version_before or "unknown")
        ui.icon("arrow_forward").props('aria-label="to"')
        code(delivery.version_target)


def device_cell(device: str, device_type: str, target: str) -> None:
    """Show a device by icon, type and EUI-64, as a link."""
    with box("div", "device-cell"):
        ui.icon(of_device(device_type).icon).props('aria-hidden="true"')
        with box("div"):
            Text(device_type, tag="div", classes="strong")
            ui.link(device, target).classes("code")


class Table:
    """A table with a heading row; `rows` fills it and keeps it current. On a phone each row becomes a card."""

    def __init__(self, columns: Sequence[str], caption: str) -> None:
        self.columns = tuple(columns)
        with box("div", "scroll"), box("table"):
            Text(caption, tag="caption", classes="visually-hidden")
            with box("thead"), box("tr"):
                for name in columns:
                    Text(name, tag="th").props('scope="col"')
            self.body = box("tbody")

    def rows(self, draw: Callable[[T], Cells], *, key: Callable[[T], Hashable]) -> Rows[T]:
        """Give the rows; `draw` gives one drawing per column for a value."""

        def cells(value: T) -> None:
            for name, fill in zip(self.columns, draw(value), strict=True):
                with box("td").props(f'data-label="{name}"'):
                    fill()

        return Rows(self.body, cells, key=key)


class Listing(Generic[T]):
    """A table, or in its place the empty state."""

    def __init__(
        self,
        columns: Sequence[str],
        caption: str,
        draw: Callable[[T], Cells],
        *,
        key: Callable[[T], Hashable],
        nothing: Callable[[], None],
    ) -> None:
        self._nothing: Region[bool] = Region(lambda none: nothing() if none else None)
        self._whole = box("div", "card flush")
        with self._whole:
            self._rows: Rows[T] = Table(columns, caption).rows(draw, key=key)

    def show(self, values: Sequence[T]) -> None:
        """Show `values`."""
        self._nothing.show(not values)
        self._whole.set_visibility(bool(values))
        self._rows.show(values)


def alert_state(alert: AlertView, page: Page) -> Look:
    """Give how an alert stands: delivered, due, or late."""
    if alert.delivered_at is not None:
        return Look("Delivered", "mark_email_read", Tone.GOOD)
    if page.overdue(alert.deadline):
        return Look("Late", "error", Tone.BAD)
    return Look("To be delivered", "schedule_send", Tone.WAITING)
