"""Upgrades past the DCC: a hand-held terminal in a home, what it can do, and who hears of it (R25)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hanota.app.desk import Desk
from hanota.base.instant import DAY, HOUR, MINUTE
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.edge.devices import UNHEALTHY_MARK
from hanota.model.access import Caller
from hanota.model.delivery import ENDS
from hanota.model.profiles import PROFILES
from hanota.records.store import schema as t
from hanota.wire.otaimage import Tail, fit_header, write_image
from helpers.homes import DEVICE, Homes, plain_image
from helpers.premises import NEW, OLD
from helpers.world import SUPPLIER_1, SUPPLIER_2

LOCAL, BETWEEN = 0x0003_0000, 0x0001_8000
DISPLAYS = [DeviceType.PPMID, DeviceType.IHD]
MACHINES = [DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS]
HOME = "Home 1"


@pytest.fixture
def homes() -> Iterator[Homes]:
    found = Homes(versions=(NEW, LOCAL)).run(MINUTE)
    yield found
    found.close()


def visit(homes: Homes, kind: DeviceType, image: bytes | None = None) -> None:
    """Somebody brings an image to a device of home 1."""
    homes.world.estate.visit(HOME, homes.now, image=image or write_image(homes.image(kind, LOCAL)), device=DEVICE[kind])


def known(homes: Homes, kind: DeviceType) -> tuple[int, str]:
    return homes.device(kind).version, homes.device(kind).version_origin


def test_a_hub_refuses_a_hand_held_terminal_and_the_dcc_hears_of_it(homes: Homes) -> None:
    terminal = homes.world.estate.visit(HOME, homes.now)
    homes.run(MINUTE)
    (answer,) = homes.noted("hub_answered")
    assert answer.facts["status"] == "NOT_AUTHORIZED"
    assert homes.events("stranger_refused") == 1
    (report,) = homes.rows(t.report, event="stranger_refused")
    assert (report.device, report.result) == (terminal.signed, 1)
    desk = Desk(homes.world.store, homes.world.submit, lambda: homes.now)
    (stranger,) = desk.home(Caller(), HOME).strangers
    assert (stranger.node, stranger.attempts) == (str(terminal), 1)
    assert desk.home(Caller(), "Home 2").strangers == ()


@pytest.mark.parametrize("kind", DISPLAYS)
def test_a_display_that_cannot_refuse_is_upgraded_and_each_supplier_hears_of_it(homes: Homes, kind: DeviceType) -> None:
    visit(homes, kind)
    homes.run(2 * HOUR)
    assert known(homes, kind) == (LOCAL, "reported, unexplained")
    for party in (SUPPLIER_1, SUPPLIER_2):
        (alert,) = homes.mismatches(party)
        assert (alert.device, alert.device_type) == (DEVICE[kind], kind)
        assert (alert.version_smi, alert.version_device) == (f"{OLD:08X}", f"{LOCAL:08X}")
    assert homes.sound()


def test_a_device_whose_profile_can_refuse_does(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = replace(PROFILES[DeviceType.PPMID], refuses_hht=True)
    monkeypatch.setitem(PROFILES, DeviceType.PPMID, refusing)
    homes = Homes(versions=(LOCAL,)).run(MINUTE)
    visit(homes, DeviceType.PPMID)
    homes.run(2 * HOUR)
    assert known(homes, DeviceType.PPMID) == (OLD, "reported")
    assert homes.noted("stranger_refused")
    homes.close()


@pytest.mark.parametrize("kind", MACHINES)
def test_what_waits_for_a_signed_command_is_held_and_never_runs(homes: Homes, kind: DeviceType) -> None:
    visit(homes, kind)
    homes.run(6 * HOUR)
    assert homes.noted("image_taken")
    assert known(homes, kind) == (OLD, "reported")


def test_an_image_that_fails_its_checks_is_not_taken(homes: Homes) -> None:
    good = plain_image(DeviceType.PPMID, LOCAL)
    other = replace(good, header=replace(good.header, hardware_min=0x2000, hardware_max=0x2000))
    visit(homes, DeviceType.PPMID, write_image(other))
    homes.run(2 * HOUR)
    assert homes.noted("image_refused")
    assert known(homes, DeviceType.PPMID) == (OLD, "reported")


def test_an_image_that_fails_its_trial_is_gone_again(homes: Homes) -> None:
    good = plain_image(DeviceType.PPMID, LOCAL)
    content = good.manufacturer_image + UNHEALTHY_MARK
    bad = replace(good, header=fit_header(good.header, len(content), Tail.NONE), manufacturer_image=content)
    visit(homes, DeviceType.PPMID, write_image(bad))
    homes.run(2 * HOUR)
    assert homes.noted("fell_back")
    assert known(homes, DeviceType.PPMID) == (OLD, "reported")
    assert homes.mismatches(SUPPLIER_1) == []


@pytest.mark.parametrize("kind", DISPLAYS)
def test_an_update_that_is_under_way_is_not_disturbed(homes: Homes, kind: DeviceType) -> None:  # I1
    assert homes.send(kind).code is ResponseCode.I0
    homes.run(1_000)
    visit(homes, kind, write_image(plain_image(kind, BETWEEN)))
    homes.run(3 * HOUR)
    assert homes.states() == ["CONFIRMED"]


@pytest.mark.parametrize("kind", DISPLAYS)
def test_a_delivery_settles_though_the_device_was_upgraded_past_it(homes: Homes, kind: DeviceType) -> None:  # I4
    visit(homes, kind)
    homes.run(200)
    homes.send(kind)
    for _ in range(30):
        (state,) = homes.run(DAY).states()
        if state in ENDS:
            break
    assert state in ("CONFIRMED", "TRANSFER_FAILED")
    assert homes.sound()


def test_an_update_after_a_local_upgrade_explains_its_own_version(homes: Homes) -> None:
    visit(homes, DeviceType.PPMID)
    homes.run(2 * HOUR)
    later = LOCAL + 1
    newer = Homes(versions=(NEW, LOCAL, later)).run(MINUTE)
    visit(newer, DeviceType.PPMID)
    newer.run(2 * HOUR)
    newer.send(DeviceType.PPMID, later)
    newer.run(2 * HOUR)
    assert newer.states() == ["CONFIRMED"]
    assert known(newer, DeviceType.PPMID) == (later, "reported")
    newer.close()


def test_a_visit_over_bad_air_ends_and_the_home_goes_on() -> None:
    homes = Homes(versions=(NEW, LOCAL), loss=0.3).run(MINUTE)
    visit(homes, DeviceType.PPMID)
    homes.run(10 * HOUR)
    assert homes.noted("visit_over")
    version, origin = known(homes, DeviceType.PPMID)
    assert (version, origin) in ((LOCAL, "reported, unexplained"), (OLD, "reported"))
    assert len(homes.mismatches(SUPPLIER_1)) == (version == LOCAL)
    homes.close()


def test_the_desk_shows_what_is_unexplained_and_lists_the_alert(homes: Homes) -> None:
    visit(homes, DeviceType.IHD)
    homes.run(2 * HOUR)
    desk = Desk(homes.world.store, homes.world.submit, lambda: homes.now)
    assert desk.device(Caller(), str(DEVICE[DeviceType.IHD])).version_origin == "reported, unexplained"
    (alert,) = desk.alerts(Caller(SUPPLIER_1))
    assert (alert.kind, alert.code, alert.request_id) == ("Mismatch", "N49", None)
