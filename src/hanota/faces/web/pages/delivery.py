"""/deliveries/N : the story of one delivery, live, with who is waited for."""

from nicegui import ui

from hanota.app.desk.views import DeliveryDetail, DeliveryView, DeviceView, Waiting
from hanota.base.errors import HanotaError
from hanota.faces.web.live import Region, Rows, Text, box
from hanota.faces.web.look import STEP_WORDS, STEPS, of_device, of_state
from hanota.faces.web.page import Page
from hanota.faces.web.pages.alerts import alert_list
from hanota.faces.web.pages.story import Line, tell
from hanota.faces.web.parts import Bar, chip, code, due, fact, transfer_words, versions
from hanota.faces.web.when import percent
from hanota.model.delivery import State


async def delivery_page(page: Page, number: int) -> None:
    """Fill the page of one delivery."""
    with page.body:
        head: Region[DeliveryView] = Region(lambda seen: _head(page, seen))
        steps: Region[tuple[str, frozenset[str]]] = Region(_steps, tag="ol", classes="card steps")
        with box("div", "columns"):
            with box("div", "column"):
                waiting: Region[tuple[str, Waiting | None, bool]] = Region(lambda seen: _waiting(page, *seen))
                transfer = _Transfer()
                Text("Timeline", tag="h2")
                with box("div", "card"):
                    story: Rows[Line] = Rows(
                        box("ol", "timeline").props('aria-live="polite"'),
                        lambda: Region(lambda line: _line(page, line), tag="li"),
                        key=lambda line: line.number,
                    )
            with box("div", "column side"):
                facts: Region[tuple[DeliveryView, str | None]] = Region(lambda seen: _facts(page, *seen))
        Text("Alerts", tag="h2")
        alerts = alert_list(page, _no_alert)

    def show(seen: tuple[DeliveryDetail, DeviceView | None]) -> None:
        delivery, device = seen
        plain = DeliveryView(**{name: getattr(delivery, name) for name in DeliveryView.model_fields})
        still = plain.model_copy(update={"offset": 0, "blocks": 0, "repeats": 0, "updated_at": "", "waiting": None})
        head.show(still)
        steps.show((plain.state, frozenset(event.state for event in delivery.timeline if event.state)))
        late = plain.waiting is not None and page.overdue(plain.waiting.until)
        waiting.show((plain.state, plain.waiting, late))
        transfer.show(plain)
        names = {alert.party: alert.party_name for alert in delivery.alerts}
        story.show(tell(delivery.timeline, names))
        facts.show((still, device.home if device else None))
        alerts.show(delivery.alerts)

    await page.watch(lambda: _query(page, number), show)


def _query(page: Page, number: int) -> tuple[DeliveryDetail, DeviceView | None]:
    delivery = page.desk.delivery(page.caller, number)
    try:
        return delivery, page.desk.device(page.caller, delivery.device)
    except HanotaError:  # the device left the inventory or is not this caller's to see: the delivery still is
        return delivery, None


def _head(page: Page, seen: DeliveryView) -> None:
    with box("div", "heading"):
        with box("div", "crumbs quiet small"):
            ui.link("Deliveries", page.link("deliveries"))
            Text("/")
            Text(f"no. {seen.delivery}")
        with box("div", "spread"):
            with box("h1"):
                ui.icon(of_device(seen.device_type).icon).props('aria-hidden="true"')
                Text(f"{seen.device_type} ")
                code(seen.device)
            chip(of_state(seen.state), extra="large")
        versions(seen.version_before, seen.version_target)


def _steps(seen: tuple[str, frozenset[str]]) -> None:
    state, been = seen
    reached = max((place for place, step in enumerate(STEPS) if step in been or step == state), default=-1)
    failed = state not in (*STEPS, State.REQUESTED, State.CONSENT)
    for place, step in enumerate(STEPS):
        here = "current" if place == reached and state != State.CONFIRMED else "todo"
        look = "done" if place < reached or state == State.CONFIRMED else here
        if failed and place == reached + 1:
            look = "failed"
        elif failed and place == reached:
            look = "done"
        with box("li", look).props('aria-current="step"' if look == "current" else ""):
            with box("span", "dot"):
                ui.icon({"done": "check", "failed": "close"}.get(look, "circle")).props('aria-hidden="true"')
            Text(of_state(state).word if look == "failed" else STEP_WORDS[step])


def _waiting(page: Page, state: str, waiting: Waiting | None, late: bool) -> None:
    if waiting is None:
        look = of_state(state)
        with box("section", f"card waiting-for {look.tone}"):
            ui.icon(look.icon).props('aria-hidden="true"')
            with box("div"):
                Text(look.word, tag="div", classes="strong")
                Text("This delivery has ended; nobody is waited for.", tag="div", classes="quiet")
        return
    with box("section", f"card waiting-for {'late' if late else 'waiting'}").props('aria-label="Who is waited for"'):
        ui.icon("alarm" if late else "hourglass_top").props('aria-hidden="true"')
        with box("div"):
            with box("div"):
                Text("Waiting for the " if waiting.owed_by.islower() else "Waiting for ")
                Text(waiting.owed_by, classes="strong")
                Text(": ")
                Text(waiting.expects)
            with box("div", "quiet"):
                due(page, waiting.until, late)


class _Transfer:
    """The progress of the transfer in words and as a bar."""

    def __init__(self) -> None:
        with box("section", "card transfer").props('aria-label="Transfer"'):
            with box("div", "spread"):
                self._words = Text("", classes="small")
                self._percent = Text("", classes="strong")
            self._bar = Bar()

    def show(self, seen: DeliveryView) -> None:
        self._words.set_text(transfer_words(seen))
        self._percent.set_text(f"{percent(seen.offset, seen.image_octets)} %")
        self._bar.show(seen)


def _line(page: Page, line: Line) -> None:
    with box("span", f"dot {line.look.tone}"):
        ui.icon(line.look.icon).props('aria-hidden="true"')
    with box("div", "event"):
        with box("div", "spread"):
            Text(line.text, classes="strong")
            page.time(line.at)
        with box("div", "event-facts quiet small"):
            for fact_told in line.facts:
                Text(fact_told)


def _facts(page: Page, seen: DeliveryView, home: str | None) -> None:
    Text("Facts", tag="h2")
    with box("dl", "card facts narrow"):
        fact("Request", lambda: ui.link(seen.request_id, page.link("requests", seen.request_id)).classes("code wrap"))
        if home is not None:
            fact("Home", lambda: ui.link(home, page.link("homes", home)))
        fact("Hub", lambda: code(seen.hub))
        if seen.consent is not None:
            fact("Consumer", lambda: _consent(page, seen))
        fact("Version before", lambda: code(seen.version_before or "unknown"))
        fact("Version asked for", lambda: code(seen.version_target))
        fact("Version reported", lambda: code(seen.version_reported) if seen.version_reported else _not_yet())


def _consent(page: Page, seen: DeliveryView) -> None:
    if seen.consent is None:
        return
    Text(seen.consent.answer)
    if seen.consent.until is not None:
        Text(", until ")
        page.time(seen.consent.until)


def _no_alert() -> None:
    Text("No alert yet: parties are told when the image is at the hub, and of every outcome.", tag="p", classes="quiet")


def _not_yet() -> None:
    Text("not yet", classes="quiet")
