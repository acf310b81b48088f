"""What screens say, face by face, and who may look and press."""

from dataclasses import replace

import pytest

from hanota.app.desk import Acts, Desk, NotAllowed, NotFound
from hanota.app.desk.errors import NotOnScreen
from hanota.app.desk.screens import JUST_MS, screen_view
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.devices.screen import Notice, Question, Showing, Tried
from hanota.model.access import Caller
from hanota.wire.zcl import Answer
from helpers.world import IHD, NEW, NOW, OLD, PPMID, STRANGER, SUPPLIER_1, Bench

IDLE = Showing(
    on=True, version=OLD, client="IDLE", offered=None, octets=0, of=0, question=None, notice=None, tried=None
)
QUESTION = Question(message=1, text="Install it now?", buttons=tuple(Answer), since=NOW, state="SHOWN")
HOLDING = replace(IDLE, client="WAITING", offered=NEW, octets=600, of=600)


def answered(answer: Answer, state: str = "CLOSED") -> Question:
    return replace(QUESTION, state=state, answer=answer, answered_at=NOW)


@pytest.mark.parametrize(
    ("showing", "face", "words"),
    [
        (None, "dark", "No power"),
        (replace(IDLE, on=False), "restarting", "Restarting"),
        (IDLE, "idle", "All is well"),
        (replace(HOLDING, question=QUESTION), "question", "An update is ready"),
        (replace(HOLDING, question=answered(Answer.YES, "ANSWERED")), "answered", "Thank you"),
        (replace(HOLDING, question=answered(Answer.LATER)), "answered", "Thank you"),
        (replace(IDLE, question=answered(Answer.NO)), "answered", "Thank you"),
        (replace(IDLE, client="DOWNLOADING", offered=NEW, octets=300, of=600), "updating", "An update is on its way"),
        (HOLDING, "updating", "An update has arrived"),
        (replace(IDLE, tried=Tried(worked=True, version=NEW, at=NOW)), "idle", "Just updated"),
        (replace(IDLE, tried=Tried(worked=False, version=OLD, at=NOW)), "idle", "The update did not work"),
    ],
)
def test_a_screen_has_one_face_and_says_what_is(showing: Showing | None, face: str, words: str) -> None:
    view = screen_view(str(PPMID), "PPMID", showing, NOW)
    assert (view.face, view.headline) == (face, words)
    assert bool(view.buttons) == (face == "question")
    assert (view.percent is not None) == (face == "updating")


def test_what_was_is_told_for_a_day_and_then_no_more() -> None:
    later = Instant(NOW + JUST_MS)
    past = replace(IDLE, tried=Tried(worked=True, version=NEW, at=NOW), question=answered(Answer.NO))
    assert screen_view(str(PPMID), "PPMID", past, later).headline == "All is well"


def test_a_notice_stands_until_its_time_is_over() -> None:
    told = replace(IDLE, notice=Notice(message=1, text="New software.", until=Instant(NOW + 1)))
    assert screen_view(str(PPMID), "PPMID", told, NOW).lines == ("New software.",)
    assert screen_view(str(PPMID), "PPMID", told, Instant(NOW + 1)).lines != ("New software.",)


@pytest.fixture
def pressed() -> list[tuple[Eui64, Answer]]:
    return []


@pytest.fixture
def desk(pressed: list[tuple[Eui64, Answer]]) -> Desk:
    bench = Bench()
    screens = {PPMID: replace(HOLDING, question=QUESTION), IHD: IDLE}
    acts = Acts(showing=screens.get, press=lambda device, answer, message: pressed.append((device, answer)))
    return Desk(bench.store, bench.pipeline.accept, lambda: NOW, acts)


def test_the_displays_of_a_home_are_shown_by_its_name_or_its_hub(desk: Desk) -> None:
    home = next(home for home in desk.homes(Caller()) if str(PPMID) in {device.device for device in home.devices})
    shown = desk.screens(Caller(), home.home)
    assert {view.device_type for view in shown} == {"PPMID", "IHD"}
    assert desk.screens(Caller(), home.hub) == shown


def test_only_who_runs_the_home_may_press_and_only_what_is_shown(desk: Desk, pressed: list) -> None:
    home = desk.device(Caller(), str(PPMID)).home or ""
    desk.press(Caller(), home, str(PPMID), "LATER")
    assert pressed == [(PPMID, Answer.LATER)]
    with pytest.raises(NotOnScreen):
        desk.press(Caller(), home, str(IHD), "YES")
    with pytest.raises(NotFound):
        desk.press(Caller(), home, str(STRANGER), "YES")
    with pytest.raises(NotAllowed):
        desk.press(Caller(SUPPLIER_1), home, str(PPMID), "YES")
    with pytest.raises(NotAllowed):
        desk.screens(Caller(STRANGER), home)
    assert len(pressed) == 1
