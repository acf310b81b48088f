"""The command line over radios in the ether."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ether import Ether
from hanota_radio.cli import app, main
from hanota_radio.radios import find_radio
from helpers.premises import OLD, ppmid_file

RADIO = "ether:MemoryRadio"
HUB = "00-DB-12-34-56-78-90-A2"
DEVICE = "00:db:12:34:56:78:90:a6"
PLACE = ["--radio", RADIO, "--device", f"cli/0000/{HUB}"]


@pytest.fixture(autouse=True)
def ether(monkeypatch: pytest.MonkeyPatch) -> Ether:
    made = find_radio(RADIO).ETHERS["cli"] = Ether()
    return made


def invoke(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def image(folder: Path, **facts: int) -> Path:
    file = folder / "image.zigbee"
    file.write_bytes(ppmid_file(400, **facts))
    return file


@pytest.mark.parametrize("command", ["serve", "stand", "scan"])
def test_each_command_tells_how_it_is_used(command: str) -> None:
    code, text = invoke(command, "--help")
    assert code == 0
    assert "--radio" in text


def test_scan_names_the_stick(tmp_path: Path) -> None:
    code, text = invoke("scan", *PLACE, "--home", tmp_path, "--json")
    (stick,) = json.loads(text)["devices"]
    assert (code, stick["eui"], stick["radio"]) == (0, HUB, True)
    assert HUB in invoke("scan", *PLACE, "--home", tmp_path)[1]


def test_an_image_nobody_fetched_in_time_is_no_success(tmp_path: Path) -> None:
    code, text = invoke(
        "serve", image(tmp_path), "--to", DEVICE, "--type", "IHD", *PLACE, "--home", tmp_path, "--wait", "0.3"
    )
    assert code == 1
    assert "held: 0 of 400 octets" in text


def test_a_display_that_is_offered_nothing_is_no_success(tmp_path: Path) -> None:
    firmware = image(tmp_path, version=OLD)
    words = ["--hub", DEVICE, *PLACE, "--home", tmp_path, "--wait", "0.1", "--join", "0"]
    assert invoke("stand", firmware, *words)[0] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--to", "nonsense"], "HOTA-BASE-001"),
        (["--to", DEVICE, "--profile", "xyz"], "HOTA-BASE-001"),
        (["--to", DEVICE, "--join", "9", "--install-code", "00112233"], "HOTA-BASE-001"),
        (["--to", DEVICE, "--policy", "no.such=1"], "HOTA-APP-006"),
        (["--to", DEVICE, "--radio", "nonsense"], "HOTA-RADIO-002"),
    ],
)
def test_what_is_wrong_is_told_with_its_code(
    tmp_path: Path, words: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["serve", str(image(tmp_path)), *PLACE, "--home", str(tmp_path), *words]
    monkeypatch.setattr("sys.argv", ["hanota-radio", *line])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert told in capsys.readouterr().err
