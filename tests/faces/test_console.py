"""The console as a person sees it: what stands there, what moves by itself, what can be reached and how."""

import re

import pytest

from hanota.base.instant import HOUR, MINUTE, Instant
from hanota.model.delivery import State
from helpers.fake_desk import (
    DCC,
    ESME,
    GSME,
    HOME,
    HUB,
    PPMID,
    REFUSED_ID,
    REQUEST_ID,
    START,
    SUPPLIER_1,
    SUPPLIER_2,
    event,
)
from helpers.fake_operating import COMMAND_ID, HELD_ID, FakeOperating

VIEWS = (
    "/",
    "/requests",
    f"/requests/{REQUEST_ID}",
    "/deliveries",
    "/deliveries/1",
    "/homes",
    f"/homes/{HOME}",
    f"/home/{HOME}",
    "/alerts",
    "/commands",
    "/messages",
    "/quarantine",
    "/api/docs",
)


@pytest.mark.parametrize("path", VIEWS)
def test_every_view_has_a_url_a_title_and_one_heading(window, path: str) -> None:
    assert window.open(path) == 200
    assert window.page.title().endswith(" · hanota")
    assert window.page.locator("h1").count() == 1


@pytest.mark.parametrize("path", VIEWS)
def test_every_view_fits_a_phone(window, path: str) -> None:
    window.page.set_viewport_size({"width": 390, "height": 844})
    window.open(path)
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_view_is_a_click_away_on_a_laptop(window) -> None:
    window.open("/")
    nav = window.page.locator("nav")
    assert nav.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_the_overview_shows_the_four_numbers_and_what_needs_attention(window) -> None:
    window.open("/")
    numbers = window.page.locator(".numbers .figures").all_inner_texts()
    assert [re.sub(r"\s+", " ", text) for text in numbers] == [
        "1 Running",
        "0 Waiting on someone",
        "1 Failed",
        "0 Confirmed",
    ]
    assert "Transfer failed" in window.page.locator(".card.flush").first.inner_text()


def test_the_numbers_change_without_a_reload(window, desk) -> None:
    window.open("/")
    window.page.evaluate("window.stillHere = true")
    desk.state = State.CONFIRMED
    window.reads(".number.good", "1")
    window.reads(".number.quiet", "Running")
    assert window.page.evaluate("window.stillHere")


def test_with_nothing_there_each_list_tells_the_next_command(window, desk) -> None:
    desk.empty = True
    for path, command in (("/requests", "hanota send"), ("/deliveries", "hanota send"), ("/homes", "hanota estate")):
        window.open(path)
        window.reads("code.command", command)
    desk.empty = False
    window.open("/requests")
    assert window.page.locator("code.command").count() == 0


def test_requests_show_the_code_and_for_refusals_the_reason(window) -> None:
    window.open("/requests")
    rows = window.page.locator("tbody tr")
    assert "W110401" in rows.nth(0).inner_text()
    assert "not on the Certified Product List" in rows.nth(1).inner_text()
    rows.nth(0).get_by_role("link").click()
    window.page.wait_for_url(f"**/requests/{REQUEST_ID}")


def test_a_request_shows_who_is_left_out_why_and_what_to_do(window) -> None:
    window.open(f"/requests/{REQUEST_ID}")
    left_out = window.page.locator(".refused").inner_text()
    for words in ("not Responsible Supplier here", "InvalidDeviceIDList", "Remedy:", "00-DB-12-34-56-78-91-A4"):
        assert words in left_out
    window.page.locator("summary").click()
    window.reads("pre", "<sr:Response")


def test_a_refused_request_shows_reason_and_remedy(window) -> None:
    window.open(f"/requests/{REFUSED_ID}")
    said = window.page.locator(".notice.bad").inner_text()
    for words in ("hash is not on the Certified Product List", "Remedy: load a newer list", "image_not_certified"):
        assert words in said


def test_long_lists_are_paged(window, monkeypatch) -> None:
    from hanota.faces.web.pages import deliveries, requests

    monkeypatch.setattr(requests, "_ROWS", 1)
    monkeypatch.setattr(deliveries, "_ROWS", 1)
    window.open("/requests")
    window.page.get_by_role("link", name="Older requests").click()
    window.reads("tbody", "11.4 no. 999")
    window.open("/deliveries")
    window.page.get_by_role("link", name="Later deliveries").click()
    window.reads("tbody", "IHD")


def test_a_delivery_says_who_is_waited_for_for_what_and_until_when(window, desk) -> None:
    window.open("/deliveries/1")
    box = window.page.get_by_label("Who is waited for")
    assert re.sub(r"\s+", " ", box.inner_text()).endswith(
        "Waiting for the device: the last block due in 30 min 09:30:00"
    )
    desk.now = Instant(START + HOUR)
    window.reads(".waiting-for.late", "was due 30 min ago")


def test_a_transfer_moves_by_itself_and_its_bar_is_the_same_bar(window, desk) -> None:
    window.open("/deliveries/1")
    bar = window.page.get_by_role("progressbar")
    assert bar.get_attribute("aria-valuenow") == "25"
    window.reads(".transfer", "16 kB of 64 kB · 256 blocks, 3 repeated")
    bar.evaluate("element => { element.isTheSame = true }")
    desk.offset = 49_152
    window.reads(".transfer", "75 %")
    assert bar.get_attribute("aria-valuenow") == "75"
    assert bar.evaluate("element => element.isTheSame")


def test_the_timeline_grows_at_the_top_without_a_reload(window, desk) -> None:
    window.open("/deliveries/1")
    lines = window.page.locator(".timeline li")
    assert lines.count() == 5
    lines.nth(0).evaluate("element => { element.isTheSame = true }")
    desk.extra_events = [event("transferred", State.TRANSFERRED, "the device holds the whole image", -1)]
    desk.state = State.TRANSFERRED
    window.reads(".timeline li >> nth=0", "The device holds the whole image")
    assert lines.nth(1).evaluate("element => element.isTheSame")
    window.reads(".steps .current", "Transferred")
    window.reads(".waiting-for", "Waiting for the hub")


def test_an_ended_delivery_waits_for_nobody(window, desk) -> None:
    desk.state = State.CONFIRMED
    window.open("/deliveries/1")
    window.reads(".waiting-for", "nobody is waited for")
    assert window.page.locator(".steps li.done").count() == 8


def test_a_failed_delivery_shows_where_it_stopped(window) -> None:
    window.open("/deliveries/2")
    window.reads(".steps li.failed", "Transfer failed")
    window.reads(".heading .chip.bad", "Transfer failed")


def test_deliveries_can_be_narrowed_to_a_state(window) -> None:
    window.open("/deliveries?state=TRANSFER_FAILED")
    assert window.page.locator("tbody tr").count() == 1
    window.page.get_by_role("link", name="All", exact=True).click()
    window.page.wait_for_url("**/deliveries")
    window.page.locator("tbody tr").nth(1).wait_for()


def test_focus_stays_on_a_row_that_is_being_updated(window, desk) -> None:
    window.open("/deliveries")
    link = window.page.get_by_role("link", name=PPMID)
    link.focus()
    desk.offset = 32_768
    window.reads("tbody", "50 %")
    assert link.evaluate("element => element === document.activeElement")


def test_a_home_shows_its_hub_its_devices_and_what_moves(window, desk) -> None:
    window.open(f"/homes/{HOME}")
    assert HUB in window.page.locator(".node.hub").inner_text()
    devices = window.page.locator(".nodes .node")
    assert devices.count() == 5
    shown = " ".join(devices.all_inner_texts())
    assert all(eui in shown for eui in (ESME, GSME, PPMID))
    assert "0002012E" in shown
    assert "Northlight Energy, Harbour Gas" in shown
    assert window.page.locator(".spokes line.moving").count() == 1
    window.reads(".node-delivery", "25 %")
    desk.state = State.CONFIRMED
    window.page.locator(".spokes line.moving").wait_for(state="detached")
    assert window.page.locator(".node-delivery").count() == 0


def test_a_homes_devices_do_not_cover_each_other(window) -> None:
    window.open(f"/homes/{HOME}")
    boxes = [found.bounding_box() for found in window.page.locator(".han .node").all()]
    overlaps = [
        (a, b)
        for place, a in enumerate(boxes)
        for b in boxes[place + 1 :]
        if a["x"] < b["x"] + b["width"]
        and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"]
        and b["y"] < a["y"] + a["height"]
    ]
    assert overlaps == []


def test_alerts_stand_by_party_with_what_is_still_due(window, desk) -> None:
    window.open("/alerts")
    assert window.page.locator("tbody tr").count() == 2
    window.page.get_by_role("link", name="Harbour Gas").click()
    window.page.wait_for_url(f"**/alerts?party={SUPPLIER_2}")
    row = window.page.locator("tbody tr")
    row.wait_for()
    for words in ("N59", "To be delivered", "2 tries"):
        assert words in row.inner_text()
    desk.now = Instant(START + 61 * MINUTE)
    window.reads("tbody .chip.bad", "Late")


def test_commands_say_what_is_told_to_whom_and_until_when_it_is_waited(window) -> None:
    window.open("/commands")
    first, second = window.page.locator("tbody tr").all()
    for words in ("11.3 no. 1300", "Activate Firmware", ESME, "Sent", "due in 30 min"):
        assert words in re.sub(r"\s+", " ", first.inner_text())
    assert "to act in 10 h" in re.sub(r"\s+", " ", second.inner_text())


def test_a_request_that_is_held_is_released_at_a_click(window, desk) -> None:
    window.open("/")
    window.reads(".notice.left", "1 request is held")
    window.page.get_by_role("link", name="See quarantine").click()
    window.page.wait_for_url("**/quarantine")
    window.page.get_by_role("button", name=f"Release request {HELD_ID}").click()
    window.reads("tbody .chip.good", "Released")
    assert desk.acts == [("released", 12)]
    assert window.page.locator("tbody button").count() == 0


@pytest.mark.parametrize("sure", [True, False])
def test_a_request_is_dropped_only_after_a_question(window, desk, sure: bool) -> None:
    asked = []
    window.page.on(
        "dialog", lambda dialog: asked.append(dialog.message) or (dialog.accept if sure else dialog.dismiss)()
    )
    window.open("/quarantine")
    window.page.get_by_role("button", name="Drop").click()
    if sure:
        window.reads("tbody .chip", "Dropped")
    assert desk.acts == ([("dropped", 12)] if sure else [])
    assert "Drop this request?" in asked[0]


def test_a_decision_that_another_took_before_is_told(window, desk) -> None:
    window.open("/quarantine")
    desk.decided_elsewhere = True  # and the page has not heard of it yet
    window.page.get_by_role("button", name="Release").click()
    window.reads("[role=alert]", "another operator may have decided")


def test_messages_that_were_given_up_are_replayed_one_or_all(window, desk) -> None:
    window.open("/messages")
    rows = window.page.locator("tbody tr")
    for words in ("Response", COMMAND_ID, "HTTP 503", "20 tries", "Northlight Energy"):
        assert words in rows.nth(0).inner_text()
    assert "3,900 devices" in rows.nth(1).inner_text()
    window.page.get_by_role("button", name=f"Replay {COMMAND_ID}").click()
    window.page.locator("tbody tr").nth(1).wait_for(state="detached")
    assert desk.acts == [("replay", [41])]
    desk.letters = FakeOperating().letters
    window.page.get_by_role("button", name="Replay all").click()
    window.reads(".calm", "Every message was taken")
    assert desk.acts[1:] == [("replay", [41, 40])]


def test_a_partys_view_has_no_buttons(window) -> None:
    for path in ("/quarantine", "/messages"):
        window.open(f"{path}?as={SUPPLIER_1}")
        window.page.locator("tbody tr").first.wait_for()
        assert window.page.locator("button.act").count() == 0


def test_with_nothing_left_to_the_operator_each_list_says_so(window, desk) -> None:
    desk.nothing_to_do = True
    for path, words in (
        ("/quarantine", "Nothing is held"),
        ("/messages", "Every message"),
        ("/commands", "No command"),
    ):
        window.open(path)
        window.reads("main", words)
    window.open("/")
    assert window.page.locator(".notice.left").count() == 0


def test_as_shows_one_partys_view_and_says_so_on_every_link(window) -> None:
    window.open(f"/requests?as={SUPPLIER_2}")
    window.reads(".as", SUPPLIER_2)
    window.reads("code.command", "hanota send")
    window.page.get_by_role("link", name="Alerts").click()
    window.page.wait_for_url(f"**/alerts?as={SUPPLIER_2}")
    assert window.page.locator("tbody tr").count() == 1


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/deliveries/77", 404, "there is no delivery 77"),
        ("/homes/nowhere", 404, "there is no home nowhere"),
        (f"/requests/{REQUEST_ID}?as={SUPPLIER_2}", 403, "may not see a request"),
        ("/?as=rubbish", 400, "can't be read"),
    ],
)
def test_what_can_not_be_shown_is_said_with_a_remedy_and_nothing_else(
    window, path: str, status: int, words: str
) -> None:
    assert window.open(path) == status
    window.reads("[role=alert]", words)
    assert window.page.locator("table").count() == 0
    window.complaints.clear()  # the browser itself reports the status


def test_a_page_that_breaks_shows_no_trace(window, desk) -> None:
    desk.broken = ZeroDivisionError("secret detail")
    assert window.page.goto(window.url + "/requests").status == 500
    text = window.page.inner_text("body")
    assert "HOTA-FACE-005" in text
    assert "secret" not in text
    assert "Traceback" not in text
    window.complaints.clear()


def test_while_the_desk_can_not_answer_the_page_stays_and_says_that_it_is_old(window, desk) -> None:
    from hanota.app.desk.errors import NotFound

    window.open("/")
    desk.broken = NotFound(kind="record", name="now")
    window.reads("[role=alert]", "may be out of date")
    assert window.page.locator(".numbers").is_visible()
    desk.broken = None
    window.page.locator("[role=alert]").wait_for(state="detached")


def test_dark_and_light_are_one_key_apart_and_remembered(window) -> None:
    window.open("/")
    assert window.page.evaluate("document.documentElement.dataset.theme") == "light"
    window.page.get_by_role("button", name="Dark or light").press("Enter")
    window.open("/requests")
    assert window.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_first_key_leads_past_the_menu(window) -> None:
    window.open("/")
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.activeElement.textContent") == "Skip to the contents"


def test_a_state_is_told_by_word_icon_and_colour(window) -> None:
    window.open("/deliveries")
    for chip in window.page.locator(".chip").all():
        assert chip.locator("i, .q-icon").count() == 1
        assert chip.inner_text().strip()
        assert re.search(r"\b(moving|waiting|good|bad|quiet)\b", chip.get_attribute("class") or "")


def test_text_from_outside_is_shown_never_run(window, desk) -> None:
    attack = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    desk.extra_events = [event("odd", None, attack, 0, code=attack)]
    window.open("/deliveries/1")
    window.reads(".timeline", attack)
    assert window.page.locator(".timeline img, .timeline script").count() == 0


def test_the_reference_lists_every_route_and_its_parameters(window) -> None:
    window.open("/api/docs")
    operations = window.page.locator(".operation")
    assert operations.count() >= 15
    window.page.get_by_text("/api/rest/v1/deliveries", exact=True).locator("xpath=ancestor::details").locator(
        "summary"
    ).press("Space")
    window.reads(".operation[open]", "TRANSFERRING")


def test_identifiers_of_the_dcc_stay_whole(window) -> None:
    window.open(f"/requests/{REQUEST_ID}")
    window.reads("code", f"{SUPPLIER_1}:{DCC}:1000")
