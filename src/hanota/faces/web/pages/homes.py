"""/homes and /homes/NAME : the hub in the middle, the devices around it, and what moves between them."""

import math
from typing import Final

from nicegui import ui

from hanota.app.desk.views import DeliveryView, DeviceView, HomeView
from hanota.faces.web.live import Region, Text, box
from hanota.faces.web.look import of_device, of_state
from hanota.faces.web.page import Page
from hanota.faces.web.parts import Cells, Listing, bar, chip, code, empty, heading
from hanota.faces.web.when import percent

_AROUND_MAX: Final = 8
_REACH_X, _REACH_Y = 36.0, 37.0  # percent of the picture from its middle to a device's
_COLUMNS: Final = ("Home", "Region", "Suppliers", "Devices")
_Seen = tuple[HomeView, tuple[DeliveryView, ...]]


async def homes_page(page: Page) -> None:
    """Fill the list of homes."""
    with page.body:
        heading("Homes", "Each with its Communications Hub and the devices that joined it")
        rows: Listing[HomeView] = Listing(
            _COLUMNS, "Homes", lambda row: _cells(page, row), key=lambda row: row.home, nothing=_none
        )
    await page.watch(lambda: list(page.desk.homes(page.caller)), rows.show)


async def home_page(page: Page, name: str) -> None:
    """Fill one home."""
    with page.body:
        head: Region[HomeView] = Region(lambda home: _head(page, home))
        picture: Region[_Seen] = Region(lambda seen: _picture(page, *seen))

    def query() -> _Seen:
        home = page.desk.home(page.caller, name)
        numbers = (device.open_delivery for device in home.devices)
        return home, tuple(page.desk.delivery(page.caller, number) for number in numbers if number is not None)

    def show(seen: _Seen) -> None:
        head.show(seen[0].model_copy(update={"devices": ()}))
        picture.show(seen)

    await page.watch(query, show)


def _cells(page: Page, row: HomeView) -> Cells:
    def home() -> None:
        ui.link(row.home, page.link("homes", row.home)).classes("strong")
        Text(row.address, tag="div", classes="quiet small")

    def suppliers() -> None:
        for supplier in row.suppliers:
            Text(supplier, tag="div")

    def devices() -> None:
        with box("div", "icons"):
            for device in row.devices:
                look = of_device(device.device_type)
                with box("span", "icon-word").tooltip(f"{look.word} {device.device}"):
                    ui.icon(look.icon).props('aria-hidden="true"')
                    Text(device.device_type, classes="small")

    return home, lambda: Text(row.region), suppliers, devices


def _head(page: Page, home: HomeView) -> None:
    with box("div", "heading"):
        with box("div", "crumbs quiet small"):
            ui.link("Homes", page.link("homes"))
            Text("/")
            Text(home.home)
        Text(home.address or home.home, tag="h1")
        with box("p", "quiet"):
            Text(" · ".join((f"region {home.region}", *home.suppliers)))


def _picture(page: Page, home: HomeView, deliveries: tuple[DeliveryView, ...]) -> None:
    moving = {delivery.device: delivery for delivery in deliveries}
    hub = next((device for device in home.devices if device.device == home.hub), None)
    around = [device for device in home.devices if device.device != home.hub]
    places = [_place(number, len(around)) for number in range(len(around))]
    with box("div", "han" if len(around) <= _AROUND_MAX else "han crowd"):
        _spokes([(x, y, device.device in moving) for (x, y), device in zip(places, around, strict=True)])
        with box("section", "card node hub"):
            _hub(home.hub, hub)
        for (x, y), device in zip(places, around, strict=True):
            with box("section", "card node").style(f"--x:{x:.1f}%;--y:{y:.1f}%"):
                _device(page, device, moving.get(device.device))


def _place(number: int, count: int) -> tuple[float, float]:
    """Give where a device stands, in percent: evenly on an ellipse, none straight above or below the hub."""
    angle = 2 * math.pi * (number + 0.5) / max(count, 1) - math.pi / 2
    return 50 + _REACH_X * math.sin(angle + math.pi / 2), 50 - _REACH_Y * math.cos(angle + math.pi / 2)


def _spokes(ends: list[tuple[float, float, bool]]) -> None:
    with (
        ui.element("svg").classes("spokes").props('viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"')
    ):
        for x, y, moving in ends:
            line = ui.element("line").props(f'x1="50" y1="50" x2="{x:.1f}" y2="{y:.1f}"')
            line.classes("moving" if moving else "")


def _hub(eui: str, hub: DeviceView | None) -> None:
    ui.icon("router").classes("face").props('aria-hidden="true"')
    Text("Communications Hub", tag="h3")
    code(eui, "small quiet")
    if hub is not None and hub.version:
        _version(hub.version)


def _version(version: str) -> None:
    with box("div"):
        Text("runs ", classes="quiet small")
        code(version)


def _device(page: Page, device: DeviceView, delivery: DeliveryView | None) -> None:
    look = of_device(device.device_type)
    with box("div", "node-head"):
        ui.icon(look.icon).classes("face").props('aria-hidden="true"')
        with box("div"):
            Text(device.device_type, tag="h3").tooltip(look.word)
            code(device.device, "small quiet")
    with box("div", "node-version"):
        Text("runs", classes="quiet small")
        code(device.version or "unknown")
        if device.version_at:
            Text(device.version_origin, classes="quiet small")
            page.time(device.version_at)
    if device.suppliers:
        with box("div", "icon-word small quiet").tooltip("Responsible Suppliers"):
            ui.icon("store").props('aria-hidden="true"')
            Text(", ".join(device.suppliers))
    if device.status != "Commissioned":
        Text(device.status, tag="div", classes="strong small")
    if delivery is not None:
        with ui.link(target=page.link("deliveries", delivery.delivery)).classes("node-delivery"):
            with box("div", "spread"):
                chip(of_state(delivery.state))
                Text(f"{percent(delivery.offset, delivery.image_octets)} %", classes="small strong")
            bar(delivery)


def _none() -> None:
    with box("div", "card"):
        empty("No home.", "Homes are described in an estate file; see the built-in one:", "hanota estate show")
