"""Buttons pressed by another thread than the world's: in time and for their question, or not at all."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from hanota.app import screens as module
from hanota.app.asking import HomesSilent
from hanota.app.desk.errors import NotOnScreen
from hanota.app.screens import Screens
from hanota.app.world import _fulfil
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.devices.screen import Question, Showing
from hanota.wire.zcl import Answer
from helpers.world import NEW, NOW, OLD, PPMID

QUESTION = Question(message=1, text="Install it now?", buttons=tuple(Answer), since=NOW, state="SHOWN")
SHOWING = Showing(
    on=True, version=OLD, client="WAITING", offered=NEW, octets=1, of=1, question=QUESTION, notice=None, tried=None
)


class Asked:
    """A world that does what it was asked for at once, or when it is told to."""

    def __init__(self, showing: Showing, *, prompt: bool = True) -> None:
        self.estate = SimpleNamespace(observe=lambda _: None, showing=lambda _: showing)
        self.pressed: list[Answer] = []
        self._prompt = prompt
        self._waiting: list[tuple[Future[Any], Callable[[Instant], Any]]] = []

    def ask(self, act: Callable[[Instant], Any]) -> Future[Any]:
        self._waiting.append((Future(), act))
        asked = self._waiting[-1][0]
        if self._prompt:
            self.step()
        return asked

    def step(self) -> None:
        while self._waiting:
            _fulfil(*self._waiting.pop(0), NOW)

    def press(self, _: Eui64, answer: Answer, __: Instant) -> None:
        self.pressed.append(answer)


def test_a_press_that_nobody_came_to_is_not_carried_out_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PRESS_S_MAX", 0.01)
    world = Asked(SHOWING, prompt=False)
    screens = Screens(world)
    with pytest.raises(HomesSilent):
        screens.press(PPMID, Answer.YES, 1)
    world.step()
    assert world.pressed == []


@pytest.mark.parametrize("question", [replace(QUESTION, message=2), None])
def test_a_press_answers_its_own_question_and_no_other(question: Question | None) -> None:
    world = Asked(replace(SHOWING, question=question))
    with pytest.raises(NotOnScreen):
        Screens(world).press(PPMID, Answer.YES, 1)
    assert world.pressed == []


def test_a_press_in_time_is_done() -> None:
    world = Asked(SHOWING)
    Screens(world).press(PPMID, Answer.YES, 1)
    assert world.pressed == [Answer.YES]
