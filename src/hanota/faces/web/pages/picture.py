"""The picture of a home: the hub in the middle, its devices around it, and what moves between them."""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from nicegui import ui

from hanota.app.desk.views import DeliveryView, DeviceView, HomeView
from hanota.faces.web.live import Region, Rows, Text, attribute, box
from hanota.faces.web.look import of_device, of_state
from hanota.faces.web.page import Page
from hanota.faces.web.parts import Bar, chip, code
from hanota.faces.web.when import percent

_AROUND_MAX: Final = 8  # more would overlap: they then stand in rows, as on a phone
_REACH_X, _REACH_Y = 36.0, 37.0  # percent of the picture from its middle to a device's


class _Around(NamedTuple):
    """A device, where it stands, and what it is being sent."""

    device: DeviceView
    x: float
    y: float
    delivery: DeliveryView | None


class Picture:
    """The picture; it moves with the home."""

    def __init__(self, page: Page) -> None:
        self._whole = box("div", "han")
        with self._whole:
            self._spokes: Region[tuple[tuple[float, float, bool], ...]] = Region(_spokes)
            self._hub: Region[tuple[str, str | None]] = Region(_hub, tag="section", classes="card node hub")
            self._devices: Rows[_Around] = Rows(
                box("div", "nodes"), lambda: _Node(page), key=lambda around: around.device.device
            )

    def show(self, home: HomeView, moving: Mapping[str, DeliveryView]) -> None:
        """Show the home as it is now; `moving` are its open deliveries by device."""
        hub = next((device for device in home.devices if device.device == home.hub), None)
        others = [device for device in home.devices if device.device != home.hub]
        around = [
            _Around(device, *_place(number, len(others)), moving.get(device.device))
            for number, device in enumerate(others)
        ]
        self._whole.classes(add="crowd" if len(others) > _AROUND_MAX else "")
        self._spokes.show(tuple((each.x, each.y, each.delivery is not None) for each in around))
        self._hub.show((home.hub, hub.version if hub else None))
        self._devices.show(around)


def _place(number: int, count: int) -> tuple[float, float]:
    """Give where a device stands, in percent of the picture: evenly around, clockwise, none straight above the hub."""
    angle = 2 * math.pi * (number + 0.5) / count
    return 50 + _REACH_X * math.sin(angle), 50 - _REACH_Y * math.cos(angle)


def _spokes(ends: tuple[tuple[float, float, bool], ...]) -> None:
    svg = ui.element("svg").classes("spokes")
    with svg.props('viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"'):
        for x, y, moving in ends:
            line = ui.element("line").props("x1=50 y1=50").classes("moving" if moving else "")
            attribute(line, "x2", f"{x:.1f}")
            attribute(line, "y2", f"{y:.1f}")


def _hub(seen: tuple[str, str | None]) -> None:
    eui, version = seen
    ui.icon("router").classes("face").props('aria-hidden="true"')
    Text("Communications Hub", tag="h3")
    code(eui, "small quiet")
    if version:
        with box("div"):
            Text("runs ", classes="quiet small")
            code(version)


class _Node:
    """One device: what it is and runs, whose it is, and the delivery on its way."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.element = box("section", "card node")
        with self.element:
            self._face: Region[DeviceView] = Region(lambda device: _face(page, device), classes="node-face")
            self._move: Region[tuple[int, str] | None] = Region(self._draw_move)
        self._bar: Bar | None = None
        self._percent: Text | None = None

    def show(self, around: _Around) -> None:
        """Show the device where it stands."""
        self.element.style(f"--x:{around.x:.1f}%;--y:{around.y:.1f}%")
        self._face.show(around.device.model_copy(update={"open_delivery": None}))
        delivery = around.delivery
        self._move.show((delivery.delivery, delivery.state) if delivery else None)
        if delivery and self._bar and self._percent:
            self._bar.show(delivery)
            self._percent.set_text(f"{percent(delivery.offset, delivery.image_octets)} %")

    def _draw_move(self, seen: tuple[int, str] | None) -> None:
        self._bar = self._percent = None
        if seen is None:
            return
        number, state = seen
        with ui.link(target=self._page.link("deliveries", number)).classes("node-delivery"):
            with box("div", "spread"):
                chip(of_state(state))
                self._percent = Text("", classes="small strong")
            self._bar = Bar()


def _face(page: Page, device: DeviceView) -> None:
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
