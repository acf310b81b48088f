"""The command line: quick help, one document with --json, errors as code, what and remedy, honest exit codes."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from hanota.faces.cli import demo_view, options, root
from hanota.supplier import send as supplier_send
from hanota.wire import duis
from hanota.wire.smki import read_directory
from helpers.activation import Gateway, activation, pre_command
from helpers.requests import SUPPLIER, answer, request

run = CliRunner().invoke

HEAVY = ("nicegui", "fastapi", "polars", "sqlalchemy", "cryptography", "lxml", "httpx", "granian", "structlog")
COMMANDS = (
    "demo",
    "up",
    "send",
    "pki",
    "pki init",
    "estate",
    "estate show",
    "image",
    "duis",
    "duis explain",
    "gbcs",
    "bench",
)


def hanota(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["hanota", *arguments])
    with pytest.raises(SystemExit) as left:
        root.main()
    return int(left.value.code or 0)


def test_help_loads_nothing_heavy() -> None:
    code = f"import sys, hanota.faces.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = run(root.app, [*command.split(), "--help"])
    assert done.exit_code == 0
    if command not in ("pki", "estate", "image", "duis", "gbcs", "bench"):
        assert "Examples:" in done.stdout
        assert f"$ hanota {command}" in done.stdout


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "hanota", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("hanota ")


_SERVED = """
import atexit, sys
from hanota.faces import server
from hanota.faces.cli import root
if {served}:
    server.HttpServer([]).run()
def command():
    print("said")
    sys.exit(3)
root.app = command
atexit.register(print, "taken down")
root.program()
"""


@pytest.mark.parametrize(("served", "said"), [(True, "said\n"), (False, "said\ntaken down\n")])
def test_a_process_that_served_ends_with_its_exit_code_and_is_not_taken_down(served: bool, said: str) -> None:
    words = [sys.executable, "-c", _SERVED.format(served=served)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, said), done.stderr


def test_an_error_is_told_on_stderr_with_its_remedy(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "something").touch()
    assert hanota("pki", "init", str(tmp_path), monkeypatch=monkeypatch) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("HOTA-CLI-001: ")
    assert "Remedy: " in said.err


def test_with_json_an_error_is_the_one_document(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "something").touch()
    assert hanota("pki", "init", str(tmp_path), "--json", monkeypatch=monkeypatch) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "HOTA-CLI-001"


@pytest.mark.parametrize("arguments", [["demo", "--image-size", "much"], ["demo", "--loss", "2"], ["nonsense"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str], monkeypatch) -> None:
    assert hanota(*arguments, monkeypatch=monkeypatch) == 2


@pytest.mark.parametrize(
    ("text", "number"), [("65536", 65_536), ("256kB", 262_144), ("1 MB", 1_048_576), ("750KB", 768_000), ("2KiB", 2048)]
)
def test_sizes_are_read_with_1024_octets_a_kilobyte(text: str, number: int) -> None:
    assert options.octets(text) == number


@pytest.mark.parametrize("text", ["", "kB", "-1", "1.5kB", "1TB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        options.octets(text)


def test_pki_init_makes_keys_that_only_their_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    party, device = "90-B3-D5-1F-30-07-00-00", "00-DB-12-34-56-78-90-A4"
    done = run(root.app, ["pki", "init", str(folder), "--supplier", f"{party}=My Energy", "--device", device, "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["certificates"]
    assert {row["eui"] for row in rows} == {party, device, "90-B3-D5-1F-30-00-00-02"}
    assert len(read_directory(folder).credentials()) == len(rows)
    assert {stat.S_IMODE(key.stat().st_mode) for key in (folder / "keys").iterdir()} == {0o600}


def test_pki_init_without_names_makes_those_of_the_built_in_estate(tmp_path: Path) -> None:
    done = run(root.app, ["pki", "init", str(tmp_path / "keys")])
    assert done.exit_code == 0
    assert "hanota send" in done.stdout
    held = {str(certificate.eui) for certificate in read_directory(tmp_path / "keys").certificates()}
    assert {str(SUPPLIER), "00-DB-12-34-56-78-90-A4"} <= held


def test_estate_show_draws_and_prints_the_built_in_estate() -> None:
    assert "Certified products" in run(root.app, ["estate", "show"]).stdout
    shown = json.loads(run(root.app, ["estate", "show", "--json"]).stdout)
    assert shown["dcc"] == "90-B3-D5-1F-30-00-00-02"
    assert shown["premises"][0]["devices"][0]["device_type"] == "ESME"
    assert len(shown["products"][0]["manufacturer_hash"]) == 64


def test_estate_show_says_what_is_wrong_with_a_file(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "estate.toml").write_text("[dcc]\n")
    assert hanota("estate", "show", str(tmp_path / "estate.toml"), monkeypatch=monkeypatch) == 1
    assert "eui" in capsys.readouterr().err


RESULT = {
    "request_id": "a:b:1",
    "response_code": "I0",
    "device_id": "00-DB-12-34-56-78-90-A4",
    "version_before": "00010000",
    "version_after": "0002012F",
    "image_hash": "ab" * 32,
    "blocks": 1344,
    "blocks_repeated": 33,
    "alerts": [
        {"party": "P2", "party_name": "Harbour", "code": "N59", "kind": "UpgradeRequested", "text": "asked"},
        {"party": "P1", "party_name": "Northlight", "code": "N60", "kind": "DeliveredToHub", "text": "held"},
        {"party": "P1", "party_name": "Northlight", "code": "N39", "kind": "Confirmed", "text": "read"},
    ],
    "events": [],
    "outcome": "CONFIRMED",
}


@pytest.mark.parametrize("terminal", [False, True])
def test_the_demo_draws_timeline_progress_and_summary(terminal: bool) -> None:
    console = Console(record=True, width=140, force_terminal=terminal, highlight=False)
    with demo_view.Drawn(console) as view:
        view.on_event("2026-01-15T09:00:00.000Z", "Supplier", "sends a request", "88910 octets")
        view.on_event("2026-01-15T11:01:02.500Z", "PPMID", "starts", "")
        for offset in (100, 500, 1000):
            view.on_progress("PPMID", offset, 1000, offset // 50, 1)
    view.finish(RESULT)
    drawn = console.export_text()
    for words in ("+0:00.000", "+2:01:02", "sends a request", "CONFIRMED", "00010000 → 0002012F", "1344, repeated 33"):
        assert words in drawn
    assert drawn.index("Northlight P1") < drawn.index("N60") < drawn.index("N39")
    assert "hanota up" in drawn
    assert terminal or "has 50 %" in drawn


def test_the_silent_demo_prints_one_document(capsys) -> None:
    with demo_view.Silent() as view:
        view.on_event("2026-01-15T09:00:00Z", "hub", "x", "")
        view.on_progress("PPMID", 1, 2, 1, 0)
    view.finish(RESULT)
    assert json.loads(capsys.readouterr().out) == RESULT


@pytest.mark.parametrize(("outcome", "exit_code"), [("CONFIRMED", 0), ("TRANSFER_FAILED", 1)])
def test_the_demos_exit_code_is_its_outcome(outcome: str, exit_code: int, monkeypatch) -> None:
    import hanota.app.demo

    asked = []
    result = RESULT | {"outcome": outcome}
    monkeypatch.setattr(hanota.app.demo, "run_demo", lambda given, _: asked.append(given) or result)
    done = run(root.app, ["demo", "--json", "--image-size", "1kB", "--reboot", "hub@40%"])
    assert (done.exit_code, json.loads(done.stdout)["outcome"]) == (exit_code, outcome)
    assert asked[0].image_octets == 1024
    assert asked[0].reboots[0].percent == 40


@pytest.fixture
def gateway(monkeypatch) -> list[httpx.Request]:
    """A gateway that refuses everything, in place of the network; gives what it was sent."""
    seen: list[httpx.Request] = []

    def handle(asked: httpx.Request) -> httpx.Response:
        seen.append(asked)
        if asked.method == "GET":
            return httpx.Response(404)
        return httpx.Response(200, content=answer("E110401"), headers={"content-type": "application/xml"})

    transport = httpx.MockTransport(handle)
    real = httpx.Client
    monkeypatch.setattr(supplier_send.httpx, "Client", lambda **given: real(**given | {"transport": transport}))
    return seen


def test_send_signs_posts_and_says_what_the_answer_means(tmp_path: Path, gateway, keys_folder: Path) -> None:
    file, kept = tmp_path / "request.xml", tmp_path / "signed.xml"
    file.write_bytes(request())
    done = run(root.app, ["send", str(file), "--pki", str(keys_folder), "--save", str(kept)])
    assert done.exit_code == 1
    assert done.stdout.startswith("E110401: ")
    assert "nothing was sent to any device" in done.stdout
    assert gateway[0].content == kept.read_bytes()
    assert b"<ds:Signature" in kept.read_bytes()


def test_send_names_devices_left_out_and_stops_before_they_fill_the_screen(capsys) -> None:
    from hanota.faces.cli.send import _print
    from hanota.supplier.explain import Explanation, LeftOut

    devices = tuple(f"device-{number}" for number in range(20))
    group = LeftOut(device_list="InvalidDeviceIDList", why="unknown", remedy="check them", devices=devices)
    _print(
        Explanation(
            request_id="a:b:1",
            response_code="W110401",
            accepted=True,
            meaning="accepted for some",
            remedy="none",
            left_out=(group,),
            next="wait",
            console_url="http://127.0.0.1:8079/requests/a:b:1",
        )
    )
    said = capsys.readouterr().out
    for words in ("left out 20 device(s)", "device-7 and 12 more", "remedy: check them", "follow   http"):
        assert words in said
    assert "device-8" not in said


def test_send_with_json_prints_the_explanation(tmp_path: Path, gateway, keys_folder: Path) -> None:
    file = tmp_path / "request.xml"
    file.write_bytes(request())
    done = run(root.app, ["send", str(file), "--pki", str(keys_folder), "--json", "--new-counter"])
    shown = json.loads(done.stdout)
    assert (done.exit_code, shown["response_code"], shown["accepted"]) == (1, "E110401", False)
    assert int(shown["request_id"].rpartition(":")[2]) > 1_700_000_000_000


@pytest.fixture
def critical(tmp_path: Path, monkeypatch) -> tuple[Path, Gateway]:
    """A file with an 11.3, and a gateway that transforms it and takes it signed."""
    file = tmp_path / "activate.xml"
    file.write_bytes(duis.write_request(activation()))
    gateway = Gateway(pre_command())
    real, transport = httpx.Client, httpx.MockTransport(gateway)
    monkeypatch.setattr(supplier_send.httpx, "Client", lambda **given: real(**given | {"transport": transport}))
    return file, gateway


def test_send_signs_the_pre_command_of_a_critical_command_and_sends_it_back(critical, keys_folder: Path) -> None:
    file, gateway = critical
    done = run(root.app, ["send", str(file), "--pki", str(keys_folder)])
    assert done.exit_code == 0, done.output
    assert [(service, type(asked)) for service, asked in gateway.seen] == [
        ("T", duis.ActivateFirmware),
        ("S", duis.SignedPreCommand),
    ]
    assert len({asked.header.request_id for _, asked in gateway.seen}) == 1
    assert "was signed" in done.stdout
    assert "I99: acknowledged" in done.stdout
    assert "callback address" in done.stdout


def test_send_with_json_tells_both_answers_of_a_critical_command(critical, keys_folder: Path) -> None:
    file, _ = critical
    done = run(root.app, ["send", str(file), "--pki", str(keys_folder), "--json"])
    shown = json.loads(done.stdout)
    assert (shown["response_code"], shown["transform"]["response_code"]) == ("I99", "I0")
    assert shown["transform"]["gbcs"] == pre_command().hex()


def test_send_stops_at_the_pre_command_where_told_to(critical, keys_folder: Path) -> None:
    file, gateway = critical
    done = run(root.app, ["send", str(file), "--pki", str(keys_folder), "--transform-only"])
    assert (done.exit_code, [service for service, _ in gateway.seen]) == (0, ["T"])
    assert pre_command().hex() in done.stdout
    assert "command variant 5" in done.stdout


def test_send_does_not_sign_what_was_not_asked_for(critical, keys_folder: Path, monkeypatch, capsys) -> None:
    file, gateway = critical
    gateway.pre_command = pre_command(manufacturer_hash=bytes(32))
    assert hanota("send", str(file), "--pki", str(keys_folder), monkeypatch=monkeypatch) == 1
    assert "HOTA-SUP-009" in capsys.readouterr().err
    assert [service for service, _ in gateway.seen] == ["T"]


def test_a_signed_pre_command_that_is_refused_is_exit_code_1(critical, keys_folder: Path) -> None:
    file, gateway = critical
    gateway.acknowledgement = "E5"
    assert run(root.app, ["send", str(file), "--pki", str(keys_folder)]).exit_code == 1


def test_send_shows_an_inventory_as_a_table(capsys) -> None:
    from hanota.faces.cli.send import _print
    from hanota.supplier.explain import Explanation

    _print(
        Explanation(
            request_id="a:b:1",
            response_code="I0",
            accepted=True,
            meaning="accepted",
            remedy=None,
            left_out=(),
            next="nothing more follows",
            console_url=None,
            inventory=({"device": "00-DB-12-34-56-78-90-A2", "device_type": "CHF", "manufacturer": "121D"},),
        )
    )
    said = capsys.readouterr().out
    for words in ("device", "00-DB-12-34-56-78-90-A2", "CHF", "121D"):
        assert words in said


def test_send_without_keys_says_how_to_get_them(tmp_path: Path, monkeypatch, capsys) -> None:
    file = tmp_path / "request.xml"
    file.write_bytes(request())
    assert hanota("send", str(file), "--pki", str(tmp_path / "none"), monkeypatch=monkeypatch) == 1
    assert "hanota pki init" in capsys.readouterr().err


def test_logs_go_to_stderr_as_json_and_never_show_values(capsys) -> None:
    import structlog

    from hanota.faces.cli.logs import set_up_logs

    set_up_logs(verbose=False)
    secret = "do not tell"
    try:
        raise ValueError("told")
    except ValueError as error:
        structlog.get_logger().error("failed", exc_info=error)
        structlog.get_logger().info("not shown")
    said = capsys.readouterr()
    assert said.out == ""
    assert json.loads(said.err)["event"] == "failed"
    assert secret not in said.err
