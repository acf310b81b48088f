"""Wherever a device's power goes, it boots a whole image, resumes where it was and ends as it should (T4, I10)."""

import os
from collections.abc import Callable

import pytest

from hanota.base.errors import BadValue
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.devices.banks import Banks
from hanota.edge.devices.client import OtaClient
from hanota.edge.devices.fetching import Download
from hanota.edge.devices.outgoing import Outgoing
from hanota.edge.effects import Turn
from hanota.model.policies import HanPolicy, Policies
from hanota.sim.cuts import (
    CUT_PROFILES,
    FULL_OCTETS,
    SMALL_OCTETS,
    CutPlan,
    CutReport,
    cut_plans,
    report_line,
    run_cuts,
)

UPDATED = (*CUT_PROFILES, DeviceType.IHD, DeviceType.GSME)
SMALL = 2_000
SHARE = (
    *(
        CutPlan(profile=profile, image_octets=SMALL_OCTETS, every=200, to_end_every=600, from_start=False)
        for profile in CUT_PROFILES
    ),
    CutPlan(
        profile=DeviceType.PPMID,
        image_octets=FULL_OCTETS,
        every=4000,
        to_end_every=12_000,
        from_start=False,
        torn=False,
    ),
)
PLANS = cut_plans(full=True) if os.environ.get("HANOTA_TEST_PROFILE") == "nightly" else SHARE


def name(plan: CutPlan) -> str:
    return f"{plan.profile.value} {plan.image_octets}{'' if plan.healthy else ' unhealthy'}"


def all_is_well(report: CutReport) -> bool:
    assert report.failures == ()
    assert report.bootable == report.cuts > 0
    assert report.resumed == report.to_resume > 0
    assert report.ended == report.to_end > 0
    assert report.boots_old > 0
    assert report.boots_new > 0
    return bool(report)


@pytest.mark.parametrize("healthy", [True, False], ids=["healthy", "unhealthy"])
@pytest.mark.parametrize("profile", UPDATED)
def test_a_cut_at_any_write_of_an_update_changes_nothing_of_its_end(profile: DeviceType, healthy: bool) -> None:
    report = run_cuts(CutPlan(profile=profile, image_octets=SMALL, to_end_every=10, healthy=healthy))
    assert all_is_well(report)
    assert report.writes == report.before == report.after > SMALL // 50
    assert report.torn > SMALL // 50  # the last block's turn lets every other go


@pytest.mark.parametrize("plan", PLANS, ids=name)
def test_large_images_resume_and_end_well(plan: CutPlan) -> None:
    report = run_cuts(plan)
    print(report_line(report, 0))
    assert all_is_well(report)
    assert report.writes > plan.image_octets // 50


def test_whole_pages_of_blocks_are_cut_as_well_as_single_blocks() -> None:
    policies = Policies(han=HanPolicy(page_octets=500))
    report = run_cuts(CutPlan(profile=DeviceType.PPMID, image_octets=SMALL, to_end_every=10), policies)
    assert all_is_well(report)


def test_the_same_plan_gives_the_same_report() -> None:
    plan = CutPlan(profile=DeviceType.ESME, image_octets=1024)
    assert run_cuts(plan) == run_cuts(plan)


def test_a_report_is_one_line() -> None:
    report = run_cuts(CutPlan(profile=DeviceType.PPMID, image_octets=1024))
    line = report_line(report, 1.5)
    assert line.startswith("PPMID, image of 1,024 octets: 25 writes; ")
    assert "always bootable" in line
    assert line.endswith("0 failed; 1.5 s")


@pytest.mark.parametrize(("profile", "octets"), [(DeviceType.CAD, SMALL), (DeviceType.PPMID, 100)])
def test_what_cannot_be_delivered_is_refused(profile: DeviceType, octets: int) -> None:
    with pytest.raises(BadValue):
        run_cuts(CutPlan(profile=profile, image_octets=octets))


def _into_the_running_bank(banks: Banks, image: bytes, turn: Turn) -> None:
    turn.store(f"bank/{banks._boot}", image)
    banks._hold(True, turn)


def _half_an_image(banks: Banks, image: bytes, turn: Turn) -> None:
    banks._images[1 - banks._boot] = image
    turn.store(f"bank/{1 - banks._boot}", image[: len(image) // 2])
    banks._hold(True, turn)


def _pointer_before_trial(banks: Banks, turn: Turn) -> None:
    trial = 1 - banks._boot
    banks._hold(False, turn)
    banks._point_to(trial, turn)
    banks._count(0, turn, bank=trial)


def _from_the_start_again(client: OtaClient, turn: Turn) -> None:
    client._download.drop(turn)
    client._tries = 0
    client._querying = client.state == "IDLE"
    client.due = Instant(turn.now)
    client.do_due(turn)


def _said_but_not_kept(outgoing: Outgoing, make: Callable[[int], bytes], turn: Turn) -> int:
    outgoing._counter += 1
    outgoing._kept[outgoing._counter] = make(outgoing._counter)
    outgoing.due = turn.now
    return outgoing._counter


@pytest.mark.parametrize(
    ("owner", "method", "bug", "told"),
    [
        (Banks, "write_spare", _into_the_running_bank, "which boots"),
        (Banks, "write_spare", _half_an_image, "no bank to boot"),
        (Banks, "switch", _pointer_before_trial, "after store "),
        (OtaClient, "start", _from_the_start_again, "asked for 0"),
        (Download, "drop", lambda *_: None, ""),
        (Outgoing, "put", _said_but_not_kept, "heard activated by command (x1), receipt"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_planted_bugs_are_caught(
    owner: type, method: str, bug: Callable[..., object], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = CutPlan(profile=DeviceType.ESME, image_octets=1024)
    assert run_cuts(plan)
    monkeypatch.setattr(owner, method, bug)
    report = run_cuts(plan)
    assert not report
    assert told in "\n".join(report.failures)
