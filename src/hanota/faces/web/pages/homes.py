"""/homes and /homes/NAME : where the devices are."""

from nicegui import ui

from hanota.app.desk.views import DeliveryView, HomeView
from hanota.faces.web.live import Region, Text, box
from hanota.faces.web.look import of_device
from hanota.faces.web.page import Page
from hanota.faces.web.pages.picture import Picture
from hanota.faces.web.parts import empty, heading
from hanota.faces.web.table import Column, Listing, column


async def homes_page(page: Page) -> None:
    """Fill the list of homes."""
    columns: tuple[Column[HomeView], ...] = (
        column("Home", lambda row: (row.home, row.address), lambda picked: _name(page, *picked)),
        column("Region", lambda row: row.region, Text),
        column("Suppliers", lambda row: row.suppliers, _lines),
        column("Devices", lambda row: tuple((d.device_type, d.device) for d in row.devices), _devices),
    )
    with page.body:
        heading("Homes", "Each with its Communications Hub and the devices that joined it")
        rows = Listing(columns, "Homes", key=lambda row: row.home, nothing=_none)
    await page.watch(lambda: list(page.desk.homes(page.caller)), rows.show)


async def home_page(page: Page, name: str) -> None:
    """Fill one home."""
    with page.body:
        head: Region[HomeView] = Region(lambda home: _head(page, home))
        picture = Picture(page)

    def query() -> tuple[HomeView, dict[str, DeliveryView]]:
        home = page.desk.home(page.caller, name)
        numbers = (device.open_delivery for device in home.devices)
        moving = (page.desk.delivery(page.caller, number) for number in numbers if number is not None)
        return home, {delivery.device: delivery for delivery in moving}

    def show(seen: tuple[HomeView, dict[str, DeliveryView]]) -> None:
        head.show(seen[0].model_copy(update={"devices": ()}))
        picture.show(*seen)

    await page.watch(query, show)


def _name(page: Page, name: str, address: str) -> None:
    ui.link(name, page.link("homes", name)).classes("strong")
    Text(address, tag="div", classes="quiet small")


def _lines(lines: tuple[str, ...]) -> None:
    for line in lines:
        Text(line, tag="div")


def _devices(devices: tuple[tuple[str, str], ...]) -> None:
    with box("div", "icons"):
        for device_type, eui in devices:
            look = of_device(device_type)
            with box("span", "icon-word").tooltip(f"{look.word} {eui}"):
                ui.icon(look.icon).props('aria-hidden="true"')
                Text(device_type, classes="small")


def _head(page: Page, home: HomeView) -> None:
    with box("div", "heading"):
        with box("div", "crumbs quiet small"):
            ui.link("Homes", page.link("homes"))
            Text("/")
            Text(home.home)
        Text(home.address or home.home, tag="h1")
        ui.link("What the consumer sees", page.link("home", home.home)).classes("at-home")
        Text(" · ".join((f"region {home.region}", *home.suppliers)), tag="p", classes="quiet")
        for stranger in home.strangers:
            told = f"The hub refused {stranger.node}, which is in no device log: {stranger.attempts} attempts"
            Text(f"{told}, the last told of at {stranger.last_at}", tag="p", classes="quiet small")


def _none() -> None:
    with box("div", "card"):
        empty("No home.", "Homes are described in an estate file; see the built-in one:", "hanota estate show")
