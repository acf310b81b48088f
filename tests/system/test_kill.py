"""`kill -9` of `hanota up` in mid-delivery: nothing acknowledged is lost, nothing told twice, nothing fetched twice."""

import json
import math
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hanota.base.eui import Eui64
from hanota.records.ledger import verify
from hanota.records.store import open_store
from helpers.block_log import read_log
from helpers.system import Home, Service, ask, firmware, make_estate, rows, running, signed, stored_octets

KILLS = 20
SEED = 20
IMAGE_OCTETS = 64 * 1024
BLOCK_OCTETS = 50
NEW = firmware(0x0002_012F, IMAGE_OCTETS)
KILLED, UNDISTURBED = Home(1), Home(2)
EARLY_LIVES, SPEED_EARLY = 3, 1  # in real time, so that deaths fall before the hub holds the image, too
FETCHING_LIVES, SPEED_FETCHING = 10, 150
SPEED_SETTLING, SPEED_AT_LAST = 400, 1000
POLICIES = ["wan.order_retry_ms=10000"]  # an order lost with its carrier is sent again within a life or two


@dataclass
class Deaths:
    """How things stood at each death: the delivery's state, and what the device had stored."""

    states: list[str] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)


def test_killed_twenty_times_a_delivery_ends_confirmed_and_every_alert_is_recorded_once(tmp_path: Path) -> None:
    estate = make_estate(tmp_path / "estate.toml", [KILLED, UNDISTURBED], [NEW])
    service = Service(tmp_path / "home", estate, policies=POLICIES, block_log=tmp_path / "blocks.log")
    with running(service, SPEED_EARLY):
        client = service.client()
        request = ask(NEW.octets, [KILLED.ppmid], version=NEW.version)
        octets = signed(request, client.keys)
        answer = client.post(octets)
        assert answer.code == "I0"
        deaths = kill_again_and_again(service, random.Random(SEED))

        service.start(SPEED_AT_LAST)
        assert client.post(octets).octets == answer.octets  # the request that was answered before the first death
        (ended,) = client.until_ended(request.header.request_id, within_s=60)
        wait_until_told(service)  # so that no thread of its notes an instant while another takes a request
        other = ask(NEW.octets, [UNDISTURBED.ppmid], version=NEW.version)
        assert client.post(signed(other, client.keys)).code == "I0"
        (model,) = client.until_ended(other.header.request_id, within_s=60)
        wait_until_told(service)
        service.terminate()

    assert (ended["state"], ended["version_reported"]) == ("CONFIRMED", NEW.version)
    assert deaths.states.count("TRANSFERRING") >= FETCHING_LIVES / 2, deaths.states
    check_alerts(service, ended["delivery"], model["delivery"])
    check_records(service)
    check_blocks(service, deaths)
    # What its hub counted last may come after the end, then as evidence alone; which blocks were asked for is above.
    assert 0 < ended["blocks"] - ended["repeats"] <= math.ceil(IMAGE_OCTETS / BLOCK_OCTETS)
    print("deaths:", dict(Counter(deaths.states)), "stored:", deaths.stored)


def kill_again_and_again(service: Service, rng: random.Random) -> Deaths:
    """Kill it, start it, and so on: first soon after the request, then while blocks are fetched, then behind that."""
    deaths = Deaths()
    log = service.block_log
    assert log is not None
    while True:
        live_a_while(log, len(deaths.states), rng)
        service.kill()
        ((state,),) = rows(service.store, "SELECT state FROM delivery") or [("REQUESTED",)]
        deaths.states.append(state)
        deaths.stored.append(stored_octets(service.home, KILLED.ppmid))
        if len(deaths.states) == KILLS:
            return deaths
        lines = lines_of(log)
        service.process = service.launch(speed_of(len(deaths.states)))
        wait_for_lines(log, lines + 2)  # its life has begun, and its homes have power


def speed_of(life: int) -> float:
    if life < EARLY_LIVES:
        return SPEED_EARLY
    return SPEED_FETCHING if life < EARLY_LIVES + FETCHING_LIVES else SPEED_SETTLING


def live_a_while(log: Path, life: int, rng: random.Random) -> None:
    """Let it live for a random time; while blocks are fetched, until a random number of them was."""
    blocks, moment_s = rng.randint(10, 200), rng.uniform(0.05, 0.6)
    if EARLY_LIVES <= life < EARLY_LIVES + FETCHING_LIVES:
        wait_for_lines(log, lines_of(log) + blocks, within_s=5)
        moment_s /= 100
    time.sleep(moment_s)


def lines_of(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def wait_for_lines(log: Path, wanted: int, within_s: float = 30) -> None:
    """Wait until the log is that long, or the time is over."""
    give_up = time.monotonic() + within_s
    while lines_of(log) < wanted and time.monotonic() < give_up:
        time.sleep(0.005)


def wait_until_told(service: Service, within_s: float = 10) -> None:
    give_up = time.monotonic() + within_s
    while rows(service.store, "SELECT count(*) FROM message WHERE delivered_at IS NULL") != [(0,)]:
        assert time.monotonic() < give_up, "alerts that nobody took"
        time.sleep(0.02)


def check_alerts(service: Service, killed: int, undisturbed: int) -> None:
    """Each alert stands once, was handed over once, and they are those of a delivery that nothing happened to."""
    told = rows(service.store, "SELECT party, kind, id FROM message WHERE delivery = ?", killed)
    model = rows(service.store, "SELECT party, kind FROM message WHERE delivery = ?", undisturbed)
    assert Counter((party, kind) for party, kind, _ in told) == Counter(model)
    assert all(count == 1 for count in Counter(model).values())
    inbox = rows(service.store, "SELECT response_id FROM inbox")
    assert len(inbox) == len(set(inbox)) == len(told) + len(model)
    events = [json.loads(octets) for (octets,) in rows(service.store, "SELECT octets FROM event")]
    handed_over = Counter(
        number for event in events if event["kind"] == "alert_delivered" for number in event["columns"]["alert"]
    )
    assert {number: handed_over[number] for _, _, number in told} == {number: 1 for _, _, number in told}


def check_records(service: Service) -> None:
    """Both files are whole, the chain of events holds, and its clock never went back."""
    assert rows(service.store, "PRAGMA integrity_check") == [("ok",)]
    assert rows(service.home / "estate.sqlite", "PRAGMA integrity_check") == [("ok",)]
    store = open_store(service.store)
    with store.reading() as connection:
        report = verify(connection)
    store.close()
    times = [at for (at,) in rows(service.store, "SELECT at FROM event ORDER BY lane, seq")]
    assert report
    assert report.events == len(times)
    assert times == sorted(times)


def check_blocks(service: Service, deaths: Deaths) -> None:
    """No life asks for a block that was stored when the one before it died; what was in flight may be asked again."""
    assert service.block_log is not None
    lives = [offsets_of(KILLED.ppmid, life) for life in read_log(service.block_log)]
    assert len(lives) == KILLS + 1
    assert deaths.stored == sorted(deaths.stored)
    for life, stored in zip(lives[1:], deaths.stored, strict=True):
        assert [offset for offset in life if offset < stored] == []
    assert [offset for life in lives for offset, times in Counter(life).items() if times > 1] == []
    everything = Counter(offset for life in lives for offset in life)
    assert set(everything) == set(range(0, IMAGE_OCTETS, BLOCK_OCTETS))


def offsets_of(device: Eui64, life: list[tuple[Eui64, int]]) -> list[int]:
    return [offset for who, offset in life if who == device]
