"""The command line as a person at a terminal, or a program behind a pipe, meets it."""

import json
import re
import resource
from pathlib import Path

import pytest

from helpers.shared import shared
from helpers.system import TEMPLATES, free_port, hanota, started

COMMANDS = ("demo", "up", "send", "image build", "image inspect", "image segment", "pki init", "estate show")
HELP_S_MAX = 1.0  # of a core: a busy machine shall not fail for it; wanted is half of that


def test_help_is_quick() -> None:
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert started("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(took) < HELP_S_MAX, f"best of three: {min(took):.2f} s of a core"


def test_help_names_every_command_and_where_to_begin() -> None:
    text = started("--help").stdout
    assert {command.split()[0] for command in COMMANDS} <= set(re.findall(r"\w+", text))
    assert "First time: hanota demo" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_examples_that_begin_with_it(command: str) -> None:
    told = hanota(*command.split(), "--help")
    examples = re.findall(r"\$ (hanota .*)", told.stdout)
    assert told.returncode == 0
    assert examples
    assert [line for line in examples if not line.startswith(f"hanota {command}")] == []


def test_no_argument_and_a_wrong_one_are_wrong_usage() -> None:
    assert hanota().returncode == 2
    assert hanota("demo", "--loss", "2").returncode == 2
    assert hanota("send", "/no/such/file.xml").returncode == 2


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[object], str]]:
    """Commands that fail, each with the code of its error."""
    folder = tmp_path_factory.mktemp("failing")
    (request,) = (shared() / TEMPLATES).glob("11.4*")
    nonsense = folder / "nonsense"
    nonsense.write_text("nonsense")
    keys = folder / "keys"
    assert hanota("pki", "init", keys).returncode == 0
    nobody = f"http://127.0.0.1:{free_port()}"
    return {
        "no gateway": (["send", request, "--to", nobody, "--pki", keys], "HOTA-SUP-001"),
        "no keys": (["send", request, "--pki", folder / "none"], "HOTA-SUP-005"),
        "no XML": (["send", nonsense, "--pki", keys], "HOTA-DUIS-001"),
        "no image": (["image", "inspect", nonsense], "HOTA-IMAGE-"),
        "no estate": (["estate", "show", nonsense], "HOTA-ESTATE-001"),
        "keys are never overwritten": (["pki", "init", keys], "HOTA-CLI-001"),
        "no reboot": (["demo", "--reboot", "fridge@40%"], "HOTA-APP-004"),
        "too large an image": (["demo", "--image-size", "751kB"], "HOTA-APP-003"),
    }


@pytest.mark.parametrize("name", ["no gateway", "no XML", "no image", "keys are never overwritten"])
def test_an_error_is_code_what_and_remedy_and_exit_code_1(
    failing: dict[str, tuple[list[object], str]], name: str
) -> None:
    arguments, code = failing[name]
    failed = hanota(*arguments)
    assert (failed.returncode, failed.stdout) == (1, "")
    first, *others = failed.stderr.splitlines()
    assert re.match(rf"{code}\d*: .+", first), failed.stderr
    assert any(line.startswith("Remedy: ") for line in others), failed.stderr
    assert "Traceback" not in failed.stderr


def test_started_as_a_user_does_it_ends_the_same_way(failing: dict[str, tuple[list[object], str]]) -> None:
    """All others run in processes that have imported everything (helpers.prefork)."""
    arguments, _ = failing["no gateway"]
    one, other = started(*arguments), hanota(*arguments)
    assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)
    assert started("estate", "show", "--json").stdout == hanota("estate", "show", "--json").stdout


def test_with_json_an_error_is_the_one_document(failing: dict[str, tuple[list[object], str]]) -> None:
    for name, (arguments, code) in failing.items():
        failed = hanota(*arguments, "--json")
        assert (name, failed.returncode) == (name, 1)
        error = json.loads(failed.stdout)["error"]
        assert error["code"].startswith(code)
        assert {"message", "remedy", "fault", "retryable", "facts"} <= set(error)


def test_with_json_an_answer_is_one_document(tmp_path: Path) -> None:
    description, image = tmp_path / "image.toml", tmp_path / "built.zigbee"
    description.write_text(
        'manufacturer = 0x121D\nimage_type = 0x0084\nfile_version = "0002012F"\n[payload]\noctets = 100\nseed = 1\n'
    )
    assert hanota("image", "build", description, "-o", image).returncode == 0
    for arguments in (["pki", "init", tmp_path / "keys"], ["estate", "show"], ["image", "inspect", image]):
        done = hanota(*arguments, "--json")
        assert (done.returncode, type(json.loads(done.stdout))) == (0, dict)


def test_the_demos_own_request_is_one_that_up_takes(tmp_path: Path) -> None:
    """What the demonstration writes for `send` can be read as a request (the gateway's tests send such)."""
    file = tmp_path / "request.xml"
    assert hanota("demo", "--image-size", "1kB", "--save-request", file, "--json").returncode == 0
    again = hanota("demo", "--request", file, "--json")
    assert json.loads(again.stdout)["outcome"] == "CONFIRMED"
