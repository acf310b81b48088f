"""The deployment as written agrees with what there is: commands parse, parts exist, the guide names what is served."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from hanota.faces.api.metrics import _Service
from hanota.faces.cli.root import app
from helpers.figures import FIGURES
from helpers.source import ROOT

COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
GUIDE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
ROOT_COMMAND = typer.main.get_command(app)


def command_lines() -> Iterator[str]:
    for service in SERVICES.values():
        for text in (service.get("command", ""), *service.get("entrypoint", ())):
            if isinstance(text, str):
                yield from re.findall(r"hanota [a-z][^|&;]*", text)
    for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL):
        yield from (line.partition("#")[0].strip() for line in block.splitlines() if line.startswith("hanota "))


@pytest.mark.parametrize("line", list(command_lines()))
def test_every_command_line_is_one_that_the_command_takes(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("estate.toml", "REQUEST.xml"):
        (tmp_path / name).touch()
    (tmp_path / "keys").mkdir()
    monkeypatch.chdir(tmp_path)
    for name, value in COMPOSE["x-hanota"]["environment"].items():
        monkeypatch.setenv(name, value)
    there = line.replace("/etc/hanota/estate.toml", "estate.toml").replace("/keys/pki", "keys")
    found, *words = shlex.split(there)[1:]
    command = ROOT_COMMAND.commands[found]
    if hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context(found, words)


def test_the_compose_file_has_what_the_guide_promises() -> None:
    images = [service["image"] for service in SERVICES.values()]
    assert "postgres:16-alpine" in images
    assert sum(image.startswith("nats:") for image in images) == 3
    assert {"gateway", "console", "worker-1", "worker-2", "homes"} <= SERVICES.keys()
    named = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert {name for name in named if not name.startswith(".")} <= COMPOSE["volumes"].keys()
    waited = {name for service in SERVICES.values() for name in service.get("depends_on", ())}
    assert waited <= SERVICES.keys()


def test_each_server_of_the_network_has_routes_to_the_others_and_none_to_itself() -> None:
    """Or else two of three may take themselves for the whole (helpers.nats_server.cluster)."""
    servers = {name: service["command"] for name, service in SERVICES.items() if name.startswith("nats-")}
    for name, command in servers.items():
        routes = command[command.index("--routes") + 1].split(",")
        assert routes == [f"nats://{other}:6222" for other in servers if other != name]
    assert "routes:" not in (ROOT / "deploy" / "nats.conf").read_text(encoding="utf-8")


def test_only_loopback_of_the_host_reaches_what_has_no_sign_in() -> None:
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_files_that_are_mounted_are_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            if volume.startswith("./"):
                assert (ROOT / "deploy" / volume.partition(":")[0]).is_file()


def test_the_image_installs_the_drivers_by_their_hashes() -> None:
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"keep = /(.*?)/ ", (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"))
    kept = [line.partition("==")[0] for line in lock.splitlines() if re.match(pattern, line)]
    assert kept == ["nats-py", "psycopg", "psycopg-binary"]


def test_the_guide_names_every_metric() -> None:
    for family in _Service(lambda: FIGURES).collect():
        assert family.name in GUIDE, family.name
