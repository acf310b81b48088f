"""`hanota serve`: several real processes over one store, and what becomes of work when one is stopped or killed."""

import json
import os
import signal
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from hanota.app.clock import wall_clock
from hanota.app.keywork import WORTH_MIN
from hanota.base.instant import iso
from hanota.records.ledger import verify
from hanota.records.store import open_store
from helpers import prefork
from helpers.nats_server import NatsServer, running
from helpers.service import Host, serving
from helpers.system import Home, ask, firmware, hanota, make_estate, signed

NEW = firmware(0x0002_012F)
HOMES = [Home(number) for number in range(1, 9)]
LEASE_S = 2.0
SPEED = 300
SHORT = {"HANOTA_TEST_LEASE_MS": str(int(LEASE_S * 1000))}


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return make_estate(tmp_path / "estate.toml", HOMES, [NEW])


def post(host: Host, homes: list[Home]) -> None:
    request = ask(NEW.octets, [home.ppmid for home in homes], version=NEW.version)
    assert host.client().post(signed(request, host.keys())).code == "I0"


def on_wan(host: Host) -> int:
    ((count,),) = host.rows("SELECT count(*) FROM delivery WHERE state = 'ON_WAN'")
    return int(count)


def events_of(host: Host, lane: str) -> list[dict[str, object]]:
    return [json.loads(octets) for (octets,) in host.rows("SELECT octets FROM event WHERE lane = ? ORDER BY seq", lane)]


def ran_out(host: Host, lane: str) -> bool:
    return host.rows("SELECT 1 FROM lease WHERE name = ? AND until <= ?", lane, wall_clock()) == [(1,)]


def check_log(host: Host) -> None:
    store = open_store(host.store)
    with store.reading() as connection:
        assert verify(connection)
    store.close()


def test_a_worker_stopped_past_its_lease_and_continued_writes_nothing(tmp_path: Path, estate: Path) -> None:
    marker = tmp_path / "stopped"
    host = Host(tmp_path / "host", estate, environment=SHORT | {"HANOTA_TEST_STOP": f"step:{marker}"})
    with serving(host):
        post(host, HOMES)
        host.until(marker.exists, "no worker came to the stage")
        pid = int(marker.read_text())
        (lane,) = (line["lane"] for line in host.log() if line["event"] == "working" and pid_of(host, line) == pid)
        host.until(lambda: on_wan(host) == len(HOMES), "the other worker did not go on")
        host.until(lambda: ran_out(host, lane), "its lease did not run out")
        before = events_of(host, lane)
        os.kill(pid, signal.SIGCONT)
        host.until(lambda: has_ended(host, 75), "it did not end")
        assert events_of(host, lane) == before
        told = [line for line in host.log() if line["event"] == "lease_lost"]
        assert {line["lane"] for line in told} <= {lane}
        moves = host.rows("SELECT octets FROM event WHERE kind = 'released'")
        host.until(lambda: host.pid_of(name_of(host, pid)) != pid, "it was not started again")
        assert host.terminate()[0] == 0
    released = Counter(number for (octets,) in moves for number in json.loads(octets)["columns"]["delivery"])
    assert released == {number: 1 for (number,) in host.rows("SELECT id FROM delivery")}
    check_log(host)


def name_of(host: Host, pid: int) -> str:
    (name,) = (line["process"] for line in host.log() if line["event"] == "process_started" and line["pid"] == pid)
    return str(name)


def pid_of(host: Host, line: dict[str, object]) -> int:
    return host.pid_of(str(line["process"]))


def has_ended(host: Host, code: int) -> bool:
    return any(line["event"] == "process_ended" and line["code"] == code for line in host.log())


def test_workers_share_the_work_and_stop_in_time_when_asked(tmp_path: Path, estate: Path) -> None:
    host = Host(tmp_path / "host", estate, workers=3)
    with serving(host):
        for first in range(0, len(HOMES), 2):
            post(host, HOMES[first : first + 2])
        host.until(lambda: on_wan(host) == len(HOMES), "not all left")
        host.until(lambda: len(host.spool.sent()) >= len(HOMES), "not all were sent")
        code, seconds = host.terminate()
    assert (code, seconds < 30) == (0, True)
    assert len(host.spool.sent()) == len(HOMES)  # each once, though three drained one outbox
    assert host.rows("SELECT count(*) FROM lease WHERE kind = 'lane' AND until > 0") == [(0,)]
    check_log(host)


def test_a_worker_that_is_killed_is_started_again_and_the_log_tells(tmp_path: Path, estate: Path) -> None:
    host = Host(tmp_path / "host", estate, workers=1, environment=SHORT)
    with serving(host):
        pid = host.pid_of("worker-1")
        os.kill(pid, signal.SIGKILL)
        host.until(lambda: has_ended(host, -signal.SIGKILL), "the log does not tell")
        host.until(lambda: host.pid_of("worker-1") not in (0, pid), "it was not started again")
        post(host, HOMES)
        host.until(lambda: on_wan(host) == len(HOMES), "it does not work")
        (told,) = [line for line in host.log() if line["event"] == "process_ended"]
        assert (told["process"], told["again_in_s"]) == ("worker-1", 1.0)
        assert host.terminate()[0] == 0


def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path, estate: Path) -> None:
    host = Host(tmp_path / "host", estate, workers=1)
    with serving(host):
        assert host.process is not None
        pids = [host.pid_of(name) for name in ("worker-1", "gateway")]
        host.process.kill()
        host.process.wait()
        host.until(lambda: not any(is_running(pid) for pid in pids), "a process is left")


def test_key_processes_begin_with_a_flood_and_end_with_their_worker(tmp_path: Path) -> None:
    homes = [Home(number) for number in range(1, WORTH_MIN + 6)]
    crowded = make_estate(tmp_path / "estate.toml", homes, [NEW])
    host = Host(tmp_path / "host", crowded, workers=1, options=("--key-processes", "2"))
    with serving(host):
        worker = host.pid_of("worker-1")
        assert children(worker) == []
        post(host, homes)
        host.until(lambda: len(host.spool.sent()) >= len(homes), "not all were sent")
        begun = children(worker)
        assert len(begun) >= 2
        code, seconds = host.terminate()
    assert (code, seconds < 30) == (0, True)
    host.until(lambda: not any(is_running(pid) for pid in begun), "a process is left")


def children(pid: int) -> list[int]:
    """The processes that one has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_the_console_is_a_process_of_its_own_and_all_can_be_watched(tmp_path: Path, estate: Path) -> None:
    from helpers.system import free_port

    host = Host(tmp_path / "host", estate, workers=1, console_port=free_port())
    with serving(host):
        post(host, HOMES)
        host.until(lambda: on_wan(host) == len(HOMES), "not all left")
        console = f"http://127.0.0.1:{host.console_port}"
        assert "hanota" in httpx.get(console).text
        assert len({host.pid_of(name) for name in ("worker-1", "gateway", "console")}) == 3
        time.sleep(2.1)  # figures are kept for 2 s
        for at in (host.url, console, host.health_url):
            assert httpx.get(f"{at}/healthz").json() == {"status": "ok"}
            assert httpx.get(f"{at}/readyz").json()["status"] == "ready"
            figures = httpx.get(f"{at}/metrics").text
            assert 'hanota_requests_total{code="I0"} 1.0' in figures
            assert 'hanota_deliveries{state="ON_WAN"} 8.0' in figures
            assert "hanota_open_work 8.0" in figures
        host.terminate()
    lines = [line for line in host.log() if line["event"] == "released"]
    assert sum(line["last_delivery"] - line["first_delivery"] + 1 for line in lines) == len(HOMES)
    assert {line["request"] for line in lines} == {1}


def test_two_that_enter_the_same_estate_at_once_enter_it_once(tmp_path: Path, estate: Path) -> None:
    one = Host(tmp_path / "host", estate, workers=1)
    other = Host(tmp_path / "host", estate, workers=1)
    with serving(one), serving(other):
        devices = one.rows("SELECT count(*) FROM device")
        held = "SELECT count(DISTINCT name) FROM lease WHERE kind = 'lane' AND until > 0"
        one.until(lambda: one.rows(held) == [(4,)], "a lane each for two workers and two gateways")
    assert devices == [(6 * len(HOMES),)]


def test_without_a_network_it_says_what_is_missing(tmp_path: Path) -> None:
    said = hanota("serve", "--database", tmp_path / "store.sqlite")
    assert said.returncode == 1
    assert "HOTA-APP-022" in said.stderr
    assert "--nats" in said.stderr


def test_a_request_goes_all_the_way_over_real_processes_and_a_real_network(tmp_path: Path, estate: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    since = wall_clock()
    clock = {"HANOTA_TEST_CLOCK": f"{SPEED}:{since}"}
    host = Host(tmp_path / "host", estate, nats=server.url, environment=clock)
    agent = ["hub-agent", "--nats", server.url, "--estate", estate, "--pki", host.pki, "--home", tmp_path / "homes"]
    agent += ["--speed", SPEED, "--since", iso(since)]
    with running(server), serving(host), (tmp_path / "agent").open("wb") as log:
        homes = prefork.begin("hanota", agent, stdout=log, stderr=log)
        try:
            post(host, HOMES)
            confirmed = "SELECT count(*) FROM delivery WHERE state = 'CONFIRMED'"
            host.until(lambda: host.rows(confirmed) == [(len(HOMES),)], "not all confirmed", within_s=240)
            open_messages = "SELECT count(*) FROM message WHERE delivered_at IS NULL"
            host.until(lambda: host.rows(open_messages) == [(0,)], "messages that nobody got")
            host.until(lambda: len(host.rows("SELECT * FROM wan_use WHERE octets > 0")) >= 2, "no traffic was counted")
            assert host.terminate()[0] == 0
        finally:
            homes.terminate()
            homes.wait(60)
    posted = [number for (octets,) in told(host) for number in json.loads(octets)["columns"]["alert"]]
    assert Counter(posted) == {number: 1 for (number,) in host.rows("SELECT id FROM message")}
    check_log(host)


def told(host: Host) -> list[tuple[bytes]]:
    return host.rows("SELECT octets FROM event WHERE kind = 'alert_delivered'")
