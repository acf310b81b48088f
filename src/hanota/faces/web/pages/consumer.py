"""/home/NAME : what a consumer sees on the displays at home, with their buttons, in plain words and large type."""

from functools import partial
from typing import Final

from nicegui import ui

from hanota.app.desk.views import ScreenView
from hanota.faces.web.live import Region, Rows, Text, attribute, box
from hanota.faces.web.look import of_device
from hanota.faces.web.page import Page

_WORDS: Final = {"YES": "Yes, install it", "LATER": "Later", "NO": "No"}
_FACES: Final = {
    "dark": "power_off",
    "restarting": "restart_alt",
    "question": "system_update",
    "answered": "thumb_up",
    "updating": "downloading",
    "idle": "check_circle",
}
_NO: Final = {
    True: "Yes. Press No, and this update is not offered again for a long time. You can still use everything.",
    False: "Not for this update. You can choose a better moment where the display offers Later.",
}


async def consumer_page(page: Page, home: str) -> None:
    """Fill the page of one home's displays."""
    with page.body, box("div", "at-home-page"):
        Text("Your displays", tag="h1")
        screens: Rows[ScreenView] = Rows(
            box("div", "screens").props('aria-live="polite"'),
            lambda: Region(lambda seen: _screen(page, home, seen), tag="section", classes="screen"),
            key=lambda seen: seen.device,
        )
        nothing: Region[bool] = Region(_nothing)

    def show(seen: list[ScreenView]) -> None:
        screens.show(seen)
        nothing.show(not seen)

    await page.watch(lambda: list(page.desk.screens(page.caller, home)), show)


def _screen(page: Page, home: str, seen: ScreenView) -> None:
    Text(of_device(seen.device_type).word, tag="h2")
    with box("div", f"glass {seen.face}"):
        ui.icon(_FACES[seen.face]).props('aria-hidden="true"')
        Text(seen.headline, tag="p", classes="headline")
        for line in seen.lines:
            Text(line, tag="p")
        if seen.percent is not None:
            _progress(seen.percent)
        if seen.buttons:
            with box("div", "buttons"):
                for button in seen.buttons:
                    _button(page, home, seen, button)
    if seen.face == "question":
        _answers(seen)
    Text(f"{seen.device_type} {seen.device}", tag="p", classes="code quiet small")


def _progress(percent: int) -> None:
    bar = box("div", "bar moving").props('role="progressbar" aria-valuemin="0" aria-valuemax="100"')
    attribute(bar, "aria-valuenow", percent)
    attribute(bar, "aria-label", "Update fetched")
    with bar:
        box("div", "fill").style(f"width:{percent}%")


def _button(page: Page, home: str, seen: ScreenView, button: str) -> None:
    """Show a button; only who runs the emulated home may press it, as only the consumer may in a real one."""
    element = box("button", f"press {button.lower()}").props('type="button"')
    if page.caller.party is not None:
        attribute(element, "disabled", "disabled")
    act = partial(page.desk.press, page.caller, home, seen.device, button)

    async def click() -> None:
        await page.act(act)

    element.on("click", click)
    with element:
        Text(_WORDS.get(button, button))


def _answers(seen: ScreenView) -> None:
    """Answer what people ask before they press a button."""
    with box("dl", "asked"):
        for question, answer in (
            ("What changes?", f"The display's software, from {seen.version} to {seen.offered}. Your settings stay."),
            ("How long does it take?", "About a minute. The screen restarts once; your supply is not touched."),
            ("Can I say no?", _NO["NO" in seen.buttons]),
            ("What if it fails?", "The display goes back to the software it runs now, by itself. Nothing is lost."),
        ):
            Text(question, tag="dt")
            Text(answer, tag="dd")


def _nothing(empty: bool) -> None:
    if empty:
        Text("There is no display in this home.", tag="p", classes="quiet")
