"""The home view as its consumer sees it: over a world that runs, with every button pressed in the browser."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hanota.app.running import Running
from hanota.base.instant import HOUR
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.access import Caller
from hanota.model.policies import ConsentPolicy, Policies
from helpers.fake_desk import HOME, PPMID, SUPPLIER_1
from helpers.living import living, send

OPERATOR = Caller()
SPEED = 10_000
"""A day of the home passes in nine seconds."""


@contextmanager
def asked(desk, window, folder: Path, **consent: object) -> Iterator[Running]:
    """A home whose consumer is asked about an update, with its view open."""
    policies = Policies(consent=ConsentPolicy(**consent))
    with living(folder, policies, speed=SPEED) as running:
        desk.living = running.desk
        window.open(f"/home/{running.desk.homes(OPERATOR)[0].home}")
        assert send(running, folder) is ResponseCode.I0
        try:
            yield running
        finally:
            desk.living = None


def display(window, number: int = 0):
    return window.page.locator(".screen", has_text="PPMID").nth(number)


def press(window, button: str) -> None:
    display(window).get_by_role("button", name=button, exact=True).click(timeout=20_000)


def sees(window, words: str) -> None:
    display(window).get_by_text(words).first.wait_for(timeout=30_000)


def ended(running: Running, state: str, delivery: int = 1) -> None:
    end = time.monotonic() + 40
    while (found := running.desk.delivery(OPERATOR, delivery)).state != state:
        assert time.monotonic() < end, found.state
        time.sleep(0.05)


def test_yes_installs_and_the_screen_says_so(window, desk, tmp_path: Path) -> None:
    with asked(desk, window, tmp_path, mode="may_refuse", defer_ms=200 * HOUR) as running:
        sees(window, "An update is ready")
        sees(window, "What if it fails?")
        press(window, "Yes, install it")
        sees(window, "Just updated")
        ended(running, "CONFIRMED")
        assert running.desk.delivery(OPERATOR, 1).consent.answer == "accepted"


def test_later_puts_it_off_and_the_display_asks_again(window, desk, tmp_path: Path) -> None:
    with asked(desk, window, tmp_path, mode="may_refuse", defer_ms=8 * HOUR, defers_max=1) as running:
        press(window, "Later")
        sees(window, "asks you again")
        assert running.desk.delivery(OPERATOR, 1).state == "CONSENT"
        sees(window, "An update is ready")
        assert display(window).get_by_role("button").all_inner_texts() == ["Yes, install it", "No"]


def test_no_is_told_with_its_expiry_and_holds_until_then(window, desk, tmp_path: Path) -> None:
    with asked(desk, window, tmp_path, mode="may_refuse", refusal_days=1) as running:
        press(window, "No")
        sees(window, "Nothing is installed")
        ended(running, "REFUSED")
        consent = running.desk.delivery(OPERATOR, 1).consent
        assert (consent.answer, consent.until > consent.at) == ("refused", True)
        assert send(running, tmp_path, 2) is ResponseCode.E110403
        end = time.monotonic() + 30
        counter = 3
        while not send(running, tmp_path, counter).accepted:
            assert time.monotonic() < end
            time.sleep(0.5)
            counter += 1
        sees(window, "An update is ready")


def test_without_an_answer_it_is_installed_when_the_time_is_over(window, desk, tmp_path: Path) -> None:
    with asked(desk, window, tmp_path, mode="may_defer", defer_ms=6 * HOUR, defers_max=1) as running:
        sees(window, "An update is ready")
        assert display(window).get_by_role("button", name="No", exact=True).count() == 0
        sees(window, "Just updated")
        ended(running, "CONFIRMED")


def test_both_displays_are_shown_in_large_type_on_a_phone(window) -> None:
    window.page.set_viewport_size({"width": 390, "height": 844})
    window.open(f"/home/{HOME}")
    assert window.page.locator(".screen h2").all_inner_texts() == ["Prepayment display", "In-home display"]
    for button in window.page.locator(".press").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 48
    size = window.page.locator(".headline").first.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    assert size >= 24
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_press_reaches_the_desk_and_a_party_has_no_hand(window, desk) -> None:
    window.open(f"/home/{HOME}")
    press(window, "Later")
    window.page.wait_for_timeout(300)
    assert desk.pressed == ["LATER"]
    window.open(f"/home/{HOME}?as={SUPPLIER_1}")
    assert display(window).get_by_role("button", disabled=True).count() == 3


@pytest.mark.parametrize("name", ["nowhere", PPMID])
def test_a_home_that_is_not_there_is_said_so(window, name: str) -> None:
    assert window.open(f"/home/{name}") == 404
    window.reads(".notice.bad", f"There is no home {name}")
    window.complaints.clear()  # the browser counts the status itself as one
