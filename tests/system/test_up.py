"""`hanota up` as a process: it stops when told to, and says what is in its way instead of half starting."""

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hanota.base.limits import IMAGE_OCTETS_MAX_BUSINESS
from helpers.system import Home, Service, ask, firmware, free_port, hanota, make_estate, rows, running, signed
from helpers.tls import make_tls

STOP_S_MAX = 3.0
LARGE = firmware(0x0002_012F, IMAGE_OCTETS_MAX_BUSINESS)
HOMES = [Home(number) for number in range(1, 5)]


@pytest.mark.parametrize("speed", [20, 2000])  # at leisure, and as much behind its clock as it can be
def test_sigterm_stops_it_in_mid_delivery_within_three_seconds(tmp_path: Path, speed: int) -> None:
    estate = make_estate(tmp_path / "estate.toml", HOMES, [LARGE])
    with running(Service(tmp_path / "home", estate), speed=speed) as service:
        client = service.client()
        request = ask(LARGE.octets, [home.ppmid for home in HOMES], version=LARGE.version)
        assert client.post(signed(request, client.keys)).code == "I0"
        wait_for_blocks(service)
        code, stop_s = service.terminate()
    assert (code, stop_s < STOP_S_MAX) == (0, True), f"exit code {code} after {stop_s:.1f} s"
    assert "everything acknowledged is kept" in service.said()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{service.url}/healthz")
    assert rows(service.store, "SELECT state FROM delivery") == [("TRANSFERRING",)] * len(HOMES)


def wait_for_blocks(service: Service, within_s: float = 30) -> None:
    """Wait until every device fetches."""
    give_up = time.monotonic() + within_s
    while [state for (state,) in rows(service.store, "SELECT state FROM delivery")] != ["TRANSFERRING"] * len(HOMES):
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that has nothing to do; the last test that has it stops it."""
    with running(Service(tmp_path_factory.mktemp("idle") / "home")) as service:
        yield service


def test_a_second_one_on_the_same_folder_says_so_and_the_first_goes_on(idle: Service) -> None:
    second = hanota("up", "--home", idle.home, "--port", free_port())
    assert second.returncode == 1
    assert "HOTA-APP-005" in second.stderr
    assert idle.process is not None
    assert str(idle.process.pid) in second.stderr
    assert "Remedy: " in second.stderr
    assert httpx.get(f"{idle.url}/readyz").is_success


def test_a_taken_port_is_said_and_the_folder_let_go(idle: Service, tmp_path: Path) -> None:
    for _ in range(2):
        taken = hanota("up", "--home", tmp_path / "home", "--port", idle.port)
        assert taken.returncode == 1
        assert "HOTA-FACE-010" in taken.stderr
        assert str(idle.port) in taken.stderr
        assert "Remedy: " in taken.stderr


def test_it_listens_on_loopback_only_and_turns_other_host_names_away(idle: Service) -> None:
    assert httpx.get(f"{idle.url}/readyz", headers={"Host": "attacker.example"}).status_code == 400
    own = own_address()
    if own is not None:
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://{own}:{idle.port}/healthz", timeout=2)


def test_keys_are_for_their_owner_alone(idle: Service) -> None:
    exposed = [path for path in (idle.home / "pki" / "keys").iterdir() if path.stat().st_mode & 0o077]
    assert exposed == []


def test_sigterm_stops_it_while_a_browser_tab_is_open(idle: Service) -> None:
    with socket.create_connection(("127.0.0.1", idle.port)) as tab:
        tab.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert tab.recv(12) == b"HTTP/1.1 200"
        code, stop_s = idle.terminate()
    assert (code, stop_s < STOP_S_MAX + 1) == (0, True), f"exit code {code} after {stop_s:.1f} s"


def own_address() -> str | None:
    """Give an address of this machine that others could reach, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # documentation range: nothing is sent
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address


def test_a_taken_smki_port_is_said_before_the_world_runs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        smki_port = taken.getsockname()[1]
        refused = hanota("up", "--home", tmp_path / "home", "--port", free_port(), "--smki-port", smki_port)
    assert (refused.returncode, "HOTA-FACE-010" in refused.stderr) == (1, True)
    assert str(smki_port) in refused.stderr
    assert not (tmp_path / "home").exists()


def test_tls_and_the_smki_repository_at_its_own_port(tmp_path: Path) -> None:
    files, port, smki_port = make_tls(tmp_path), free_port(), free_port()
    tls = ("--tls-cert", files.server, "--tls-key", files.server_key)
    arguments = ("up", "--home", tmp_path / "home", "--port", port, "--smki-port", smki_port, *tls)
    environment = {**os.environ, "HANOTA_TLS__CLIENT_CA": str(files.ca)}
    context = ssl.create_default_context(cafile=files.ca)
    stranger = httpx.Client(verify=context)
    shown = ssl.create_default_context(cafile=files.ca)
    shown.load_cert_chain(files.client, files.client_key)
    client = httpx.Client(verify=shown)
    command = [sys.executable, "-m", "hanota", *map(str, arguments)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().endswith(f"https://127.0.0.1:{port}\n")
            assert client.get(f"https://127.0.0.1:{port}/readyz").is_success
            asked = "<CertificateSearchRequest><CertificateSubjectAltName>{}</CertificateSubjectAltName>".format
            answer = client.post(
                f"https://127.0.0.1:{smki_port}/services/certificatesearch",
                content=asked("00-DB-12-34-56-78-90-A4") + "</CertificateSearchRequest>",
                headers={"content-type": "application/xml"},
            )
            assert (answer.status_code, answer.text.count("<Result>")) == (200, 2)
            for at in (port, smki_port):
                with pytest.raises(httpx.TransportError):
                    stranger.get(f"https://127.0.0.1:{at}/readyz")
        finally:
            process.terminate()
            said, _ = process.communicate(timeout=30)
    assert (process.returncode, "everything acknowledged is kept" in said) == (0, True)


def test_a_broken_store_or_estate_is_said_with_a_remedy(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "store.sqlite").write_bytes(b"this is no database" * 100)
    broken = hanota("up", "--home", home, "--port", free_port())
    assert (broken.returncode, "HOTA-STORE-001" in broken.stderr) == (1, True)
    assert "Traceback" not in broken.stderr
    file = tmp_path / "estate.toml"
    file.write_text('[dcc]\neui = "90-B3"\n')
    wrong = hanota("up", "--home", tmp_path / "other", "--estate", file, "--port", free_port())
    assert (wrong.returncode, "HOTA-ESTATE-001" in wrong.stderr) == (1, True)
    assert "Traceback" not in wrong.stderr
