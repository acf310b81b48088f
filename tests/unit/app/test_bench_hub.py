"""The measurement of a hub: what it measures happened; without its peer it gives our own figures and says so."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hanota.app.bench import hub as module
from hanota.app.bench.hub import PEER_ABSENT, HubOutcome, PeerMissing, bench_hub, find_peer
from hanota.app.bench.laden_hub import LadenHub
from hanota.app.bench.sides import SideBroken
from hanota.faces.cli import bench as face
from hanota.wire.zcl import OTA_CLUSTER, ImageBlockRequest, ImageBlockResponse, OtaStatus, Side, read_command

PEER = Path(__file__).parents[3] / "packages" / "hanota-radio" / "src" / "hanota_radio" / "peer.py"
DOUBLE = "print('ready a double', flush=True)\nfor line in open(0): print('{answer} 500.0', flush=True)\n"
GOOD = HubOutcome(
    turns_per_s=300_000,
    peer_turns_per_s=5_000,
    ratio=60.0,
    bare_struct_per_s=3_000_000,
    devices=2,
    turns=80,
    image_octets=2000,
    rounds=1,
    ours_rounds_per_s=(300_000,),
    peer_rounds_per_s=(5_000,),
    peer="a double",
    left_out=None,
    machine="a machine",
)
ALONE = replace(GOOD, ratio=None, peer_turns_per_s=None, peer_rounds_per_s=(), peer=None, left_out=PEER_ABSENT)


def double(folder: Path, answer: str = "true") -> Path:
    """A program that behaves as the peer does, at 2,000 turns a second."""
    program = folder / "peer.py"
    program.write_text(DOUBLE.format(answer=answer))
    return program


def test_every_device_asks_for_the_whole_image_in_turns_and_each_request_has_its_answer() -> None:
    asked = LadenHub(devices=3, image_octets=170).all_asked()
    assert len({one.device for one in asked[:3]}) == 3
    assert len(asked) == 3 * 4
    assert [one.at for one in asked] == sorted({one.at for one in asked})
    _, request = read_command(OTA_CLUSTER, asked[-1].request, Side.CLIENT)
    _, answer = read_command(OTA_CLUSTER, asked[-1].answer, Side.SERVER)
    assert isinstance(request, ImageBlockRequest)
    assert isinstance(answer, ImageBlockResponse)
    assert (answer.status, answer.offset, len(answer.data or b"")) == (OtaStatus.SUCCESS, request.offset, 20)


def test_a_round_is_a_whole_transfer_to_every_device_stored_and_reported() -> None:
    laden = LadenHub(devices=2, image_octets=2000)
    asked, home = laden.all_asked(), laden.ready()
    assert home.serve(asked) > 0
    assert laden.all_served(home, asked)
    assert sorted(key for key in home.memory if key.startswith("served/")) == [f"served/{n:016x}" for n in (1, 2)]
    assert not [key for key in home.memory if key.startswith("uplink/")]  # all acknowledged


def test_a_round_in_which_one_answer_is_missing_does_not_count() -> None:
    laden = LadenHub(devices=2, image_octets=2000)
    asked, home = laden.all_asked(), laden.ready()
    home.serve(asked[:-1])
    assert not laden.all_served(home, asked)


def test_both_sides_are_measured_in_turns(tmp_path: Path) -> None:
    outcome = bench_hub(peer=double(tmp_path), rounds=2, warm_up=0, devices=2, image_octets=2000)
    found = outcome.as_dict()
    assert (found["name"], found["turns"], found["peer"], found["left_out"]) == ("hub", 80, "a double", None)
    assert found["peer_turns_per_s"] == 2000
    assert found["ratio"] == pytest.approx(found["turns_per_s"] / 2000, abs=0.06)
    assert len(found["ours_rounds_per_s"]) == len(found["peer_rounds_per_s"]) == 2
    assert found["limits"] == {"ratio_min": 60.0, "turns_per_s_aim": 160_000.0}
    assert found["bare_struct_per_s"] > 0


def test_without_a_peer_our_own_figures_are_given_and_nothing_is_proved() -> None:
    found = bench_hub(peer=None, rounds=1, warm_up=0, devices=1, image_octets=500).as_dict()
    assert found["turns_per_s"] > 0
    assert (found["ratio"], found["peer_turns_per_s"], found["passed"]) == (None, None, False)
    assert "pip install packages/hanota-radio" in found["left_out"]


def test_a_peer_that_writes_other_octets_is_told(tmp_path: Path) -> None:
    with pytest.raises(SideBroken, match=r"the peer.*does not write the octets that hanota writes"):
        bench_hub(peer=double(tmp_path, "false"), rounds=1, warm_up=0, devices=1, image_octets=500)


def test_the_real_peer_writes_the_same_octets() -> None:
    outcome = bench_hub(peer=PEER, rounds=1, warm_up=0, devices=1, image_octets=500)
    assert outcome.peer is not None
    assert outcome.peer.startswith("zigpy ")
    assert outcome.ratio is not None


def test_the_peer_is_the_one_named_else_one_that_can_run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_peer(double(tmp_path)) == tmp_path / "peer.py"
    with pytest.raises(PeerMissing, match=r"none\.py"):
        find_peer(tmp_path / "none.py")
    assert find_peer() == PEER
    monkeypatch.setattr(module, "_PEER_PACKAGE", "no_such_package")
    assert find_peer() == PEER
    monkeypatch.setattr(module, "_CHECKOUT", tmp_path)
    assert find_peer() is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert find_peer() is None


@pytest.mark.parametrize(
    ("outcome", "passed"), [(GOOD, True), (replace(GOOD, ratio=59.9), False), (ALONE, False)], ids=str
)
def test_the_ratio_is_held_to_its_limit(outcome: HubOutcome, passed: bool) -> None:
    assert outcome.passed is outcome.as_dict()["passed"] is passed


@pytest.mark.parametrize(
    ("outcome", "told", "code"),
    [
        (GOOD, ("300000 turns a second", "60.0, at least 60", "a double", "passed"), 0),
        (replace(GOOD, ratio=59.9), ("59.9, at least 60", "a limit is broken"), 1),
        (ALONE, ("not measured", "pip install packages/hanota-radio", "not proved"), 1),
    ],
    ids=["good", "slow", "alone"],
)
def test_the_command_says_what_was_measured_and_ends_by_whether_it_is_enough(
    monkeypatch: pytest.MonkeyPatch, outcome: HubOutcome, told: tuple[str, ...], code: int
) -> None:
    monkeypatch.setattr(module, "bench_hub", lambda **_: outcome)
    shown = CliRunner().invoke(face.app, ["hub"])
    assert shown.exit_code == code
    for words in told:
        assert words in shown.stdout
    as_json = CliRunner().invoke(face.app, ["hub", "--json"])
    assert (json.loads(as_json.stdout)["passed"], as_json.exit_code) == (code == 0, code)
