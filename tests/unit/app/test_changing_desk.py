"""Changes of homes at the desk: the operator's alone, in plain words, made by the thread that moves the homes."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hanota.app.asking import AskedHomes, HomesSilent
from hanota.app.desk import Desk, NotAllowed, NotFound
from hanota.app.desk.errors import ChangeImpossible, NotInRegistry
from hanota.app.running import Running
from hanota.app.world import World, WorldSettings
from hanota.base.errors import BadValue
from hanota.model.access import Caller
from helpers.premises import NOW
from helpers.world import IHD, PPMID, STRANGER, SUPPLIER_1, SUPPLIER_2, Bench, description

OPERATOR = Caller()
HOME, MPAN = "Home 1", "1234567890121"
NEW, CHF, GPF = (f"00-DB-12-34-56-78-9E-0{digit}" for digit in "423")
ACTS: dict[str, Callable[[Desk, Caller], Any]] = {
    "supplier": lambda desk, caller: desk.change_supplier(caller, MPAN, str(SUPPLIER_2)),
    "tenancy": lambda desk, caller: desk.change_tenancy(caller, HOME),
    "device": lambda desk, caller: desk.swap_device(caller, str(PPMID), NEW, "00020000"),
    "hub": lambda desk, caller: desk.swap_hub(caller, HOME, CHF, GPF),
}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path, speed=50)
    found.start()
    yield found
    found.stop()


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("party", [SUPPLIER_1, SUPPLIER_2, STRANGER])
def test_no_party_changes_a_home(act: str, party: Any) -> None:
    with pytest.raises(NotAllowed):
        ACTS[act](Desk(Bench().store, lambda *_: None, lambda: NOW), Caller(party))


@pytest.mark.parametrize("act", ACTS)
def test_a_desk_without_homes_finds_none(act: str) -> None:
    with pytest.raises(NotFound):
        ACTS[act](Desk(Bench().store, lambda *_: None, lambda: NOW), OPERATOR)


def test_each_change_is_made_once_and_told_in_words(running: Running) -> None:
    desk = running.desk
    said = {act: ACTS[act](desk, OPERATOR) for act in ACTS}
    assert all(change.changed for change in said.values())
    assert said["supplier"].text == f"{SUPPLIER_2} supplies meter point {MPAN} from now on"
    assert [ACTS[act](desk, OPERATOR).changed for act in ("supplier", "device", "hub")] == [False, False, False]
    assert desk.device(OPERATOR, NEW).version == "00020000"
    assert desk.home(OPERATOR, HOME).hub == CHF


def test_after_a_restart_they_stand(tmp_path: Path) -> None:
    for life in range(2):
        running = Running(tmp_path, speed=50)
        running.start()
        if life == 0:
            for act in ACTS.values():
                act(running.desk, OPERATOR)
        home = running.desk.home(OPERATOR, HOME)
        running.stop()
        assert (home.hub, running.failure) == (CHF, None)
        statuses = {device.device: device.status for device in home.devices}
        assert (statuses[NEW], statuses[str(PPMID)]) == ("Commissioned", "Decommissioned")


def test_a_change_may_begin_later(running: Running) -> None:
    change = running.desk.change_supplier(OPERATOR, MPAN, str(SUPPLIER_2), "2100-01-01T00:00:00Z")
    assert change.text == f"{SUPPLIER_2} supplies meter point {MPAN} from 2100-01-01T00:00:00.000Z on"


def test_what_can_not_be_is_told_to_who_asked(running: Running) -> None:
    desk = running.desk
    with pytest.raises(NotInRegistry):
        desk.change_tenancy(OPERATOR, "Nowhere")
    with pytest.raises(ChangeImpossible):
        desk.swap_device(OPERATOR, str(PPMID), str(IHD))
    with pytest.raises(BadValue):
        desk.swap_hub(OPERATOR, HOME, "no EUI", GPF)
    assert running.failure is None


def test_homes_that_nobody_moves_change_nothing() -> None:
    world = World(WorldSettings(description=description()), now=NOW)
    with pytest.raises(HomesSilent):
        AskedHomes(world, wait_s=0.01).change_tenancy(HOME)
    world.step(NOW)
    assert world.change_tenancy(HOME, NOW) is True
    world.close()


def test_what_has_just_begun_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(WorldSettings(description=description()), now=NOW)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_: Any) -> bool:
        begun.set()
        return go_on.wait(10)

    monkeypatch.setattr(world, "change_tenancy", slow)
    answers: list[bool] = []
    asker = threading.Thread(target=lambda: answers.append(AskedHomes(world, wait_s=0.05).change_tenancy(HOME)))
    asker.start()
    stepper = threading.Thread(target=lambda: [world.step(NOW) for _ in range(200) if not begun.wait(0.01)])
    stepper.start()
    assert begun.wait(10)
    threading.Timer(0.2, go_on.set).start()
    asker.join(10)
    stepper.join(10)
    assert answers == [True]
    world.close()
