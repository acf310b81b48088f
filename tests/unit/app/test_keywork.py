"""Work with keys beside the head end: the same results in the same order, whatever becomes of the processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hanota.app import keywork
from hanota.app.head_end import HeadEnd
from hanota.app.keywork import PIECE, WORTH_MIN, BrokerKeys, KeyPool, KeyWork, broker_keys, processes_by_default
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.process.intake import Shut, Spoken
from hanota.records.store import schema as t
from hanota.wire import ecdsa
from hanota.wire.wan import Acknowledge, StrangerSeen, sign_uplink, write_frame
from helpers.premises import DCC
from helpers.world import HUB, PPMID, PPMID_2, STRANGER, keys
from unit.app.test_head_end import Rig

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
COUNT = 2 * PIECE + WORTH_MIN
FRAMES = 2 * WORTH_MIN
OCTETS = [b"%d" % number for number in range(20 * PIECE)]
_SOON_S = 20.0
_STOPPED_S = 0.5


def own_keys() -> BrokerKeys:
    return broker_keys(keys(), DCC)


@pytest.fixture(scope="module")
def pool() -> Iterator[KeyPool]:
    made = KeyPool(own_keys(), 2)
    yield made
    made.close()


def uplinks() -> list[Shut]:
    """Uplinks that tell something, that a hub did not sign, that hold noise, and those of homes that nobody knows."""
    hub, home = keys().credential(HUB, DS), {HUB.signed: keys().certificate(HUB, DS).certified_key.point}
    made: list[Shut] = []
    for number in range(COUNT):
        good = sign_uplink(
            StrangerSeen(node=STRANGER, attempts=number), hub.key, hub=HUB, event=number, sent=Instant(1)
        )
        kinds = (
            (write_frame(good), home),
            (write_frame(replace(good, event=number + 1)), home),
            (write_frame(replace(good, body=b"noise")), home),
            (write_frame(good), {HUB.signed: b"no key"}),
            (write_frame(good), {}),
        )
        made.append(kinds[number % len(kinds)])
    return made


def pids(pool: KeyPool) -> list[int]:
    """The processes that a pool has now."""
    return [] if pool._pool is None else list(pool._pool._processes)


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def until(holds: Callable[[], bool], why: str) -> None:
    give_up = time.monotonic() + _SOON_S
    while not holds():
        assert time.monotonic() < give_up, why
        time.sleep(0.02)


def test_uplinks_are_read_alike_here_and_beside(pool: KeyPool) -> None:
    here, beside = KeyWork(own_keys()), pool
    found = beside.read(uplinks())()
    assert found == here.read(uplinks())()
    assert [type(it) for it in found[:5]] == [Spoken, str, str, str, type(None)]
    assert [it.row[0] for it in found if isinstance(it, Spoken) and it.row] == [
        f"uplink {HUB}/{number}" for number in range(0, COUNT, 5)
    ]
    assert here.looked == beside.looked == len(range(0, COUNT, 5))
    assert pids(beside)
    assert beside.cpu_s > 0


def test_what_is_signed_and_agreed_on_comes_in_order(pool: KeyPool) -> None:
    octets = [b"%d" % number for number in range(COUNT)]
    key = keys().certificate(DCC, DS, CertificateRole.ACCESS_CONTROL_BROKER).public_key
    signed = pool.sign(octets)()
    assert signed == KeyWork(own_keys()).sign(octets)()
    assert all(ecdsa.holds(signature, each, key) for signature, each in zip(signed, octets, strict=True))
    owners = [keys().certificate(device, KA).certified_key.point for device in (PPMID, PPMID_2)]
    owners = owners * COUNT + [b"no key"]
    secrets = pool.agree(owners)()
    assert secrets == KeyWork(own_keys()).agree(owners)()
    assert (len(set(secrets)), secrets[-1]) == (3, None)


def test_little_work_starts_no_process() -> None:
    pool = KeyPool(own_keys(), 2)
    assert pool.read(uplinks()[: WORTH_MIN - 1])() == KeyWork(own_keys()).read(uplinks()[: WORTH_MIN - 1])()
    assert not pids(pool)
    pool.close()


def test_what_processes_had_that_were_killed_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keywork, "_AFTER_BREAK_S", 0.0)
    pool, expected = KeyPool(own_keys(), 2), KeyWork(own_keys()).read(uplinks())()
    pool.read(uplinks())()
    before = pids(pool)
    for pid in before:
        os.kill(pid, signal.SIGSTOP)  # so that they have the work and do not get it done
    begun = pool.read(uplinks())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert begun() == expected
    assert pool.read(uplinks())() == expected
    assert pids(pool)
    assert not set(pids(pool)) & set(before)
    pool.close()


def test_who_waits_does_what_nobody_has_begun() -> None:
    pool, expected = KeyPool(own_keys(), 1), KeyWork(own_keys()).sign(OCTETS)()
    assert pool.sign(OCTETS)() == expected
    before = pool.cpu_s
    stopped = pids(pool)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    going_on = threading.Timer(_STOPPED_S, lambda: [os.kill(pid, signal.SIGCONT) for pid in stopped])
    begun = pool.sign(OCTETS)
    going_on.start()
    began = time.process_time()
    assert begun() == expected
    here_s, beside_s = time.process_time() - began, pool.cpu_s - before
    assert here_s > beside_s > 0  # those few that were handed over are not taken back
    pool.close()


def test_who_waits_does_what_others_want_too() -> None:
    pool, expected = KeyPool(own_keys(), 1), KeyWork(own_keys()).sign(OCTETS)()
    assert pool.sign(OCTETS)() == expected
    stopped = pids(pool)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    going_on = threading.Timer(4 * _STOPPED_S, lambda: [os.kill(pid, signal.SIGCONT) for pid in stopped])
    first, second = pool.sign(OCTETS), pool.sign(OCTETS)
    going_on.start()
    assert first() == expected
    began = time.process_time()
    assert second() == expected
    assert time.process_time() - began < _STOPPED_S / 10
    pool.close()


def test_whatever_thread_does_a_piece_it_is_done_once_here_and_comes_to_who_waits_for_it(
    pool: KeyPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[bytes] = []
    sign = keywork._TASKS["sign"]
    monkeypatch.setitem(keywork._TASKS, "sign", lambda own, octets: [done.extend(octets), *sign(own, octets)][1:])
    given = [[b"%d of %d" % (number, lot) for number in range(8 * PIECE)] for lot in range(4)]
    begun = [pool.sign(octets) for octets in given]
    with ThreadPoolExecutor(len(given)) as threads:
        found = list(threads.map(lambda wait: wait(), begun))
    assert found == [sign(own_keys(), octets) for octets in given]
    assert len(done) == len(set(done))


def test_after_a_break_in_the_midst_of_much_work_others_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keywork, "_AFTER_BREAK_S", 0.0)
    pool, expected = KeyPool(own_keys(), 1), KeyWork(own_keys()).sign(OCTETS)()
    assert pool.sign(OCTETS)() == expected
    for _ in range(3):  # each time with as many pieces handed over as there may be
        before = pids(pool)
        for pid in before:
            os.kill(pid, signal.SIGSTOP)
        begun = pool.sign(OCTETS)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        assert begun() == expected
        beside_s = pool.cpu_s
        assert pool.sign(OCTETS)() == expected
        assert pool.cpu_s > beside_s
        assert not set(pids(pool)) & set(before)
        assert not pool._pieces
    pool.close()


def test_what_a_piece_raises_comes_to_who_waits_for_it_and_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keywork._TASKS, "agree", lambda *_: 1 / 0)
    pool, expected = KeyPool(own_keys(), 1), KeyWork(own_keys()).sign(OCTETS)()
    assert pool.sign(OCTETS)() == expected
    stopped = pids(pool)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    good, bad = pool.sign(OCTETS), pool.agree([b"no key"] * WORTH_MIN)
    threading.Timer(_STOPPED_S, lambda: [os.kill(pid, signal.SIGCONT) for pid in stopped]).start()
    assert good() == expected
    with pytest.raises(ZeroDivisionError):
        bad()
    assert pool.sign(OCTETS)() == expected
    pool.close()


def test_for_a_while_after_a_break_it_goes_on_alone() -> None:
    pool, expected = KeyPool(own_keys(), 1), KeyWork(own_keys()).read(uplinks())()
    pool.read(uplinks())()
    for pid in pids(pool):
        os.kill(pid, signal.SIGKILL)
    assert pool.read(uplinks())() == expected
    assert pool.read(uplinks())() == expected
    assert not pids(pool)
    pool.close()


def test_closing_ends_the_processes_and_work_goes_on_here() -> None:
    pool = KeyPool(own_keys(), 2)
    begun = pool.read(uplinks())
    before = pids(pool)
    pool.close()
    assert before
    assert not any(map(is_running, before))
    expected = KeyWork(own_keys()).read(uplinks())()
    assert begun() == expected
    assert pool.read(uplinks())() == expected
    pool.close()


_OWNER = """
import sys, time
from cryptography.hazmat.primitives.asymmetric import ec
from hanota.app.keywork import BrokerKeys, KeyPool
if __name__ == "__main__":
    key = ec.generate_private_key(ec.SECP256R1())
    pool = KeyPool(BrokerKeys(key, key), 2)
    pool.sign([b"octets"] * 1000)()
    print(*pool._pool._processes, flush=True)
    time.sleep(600)
"""


def test_processes_end_with_an_owner_that_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "owner.py"
    program.write_text(_OWNER)
    with subprocess.Popen((sys.executable, program), stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        theirs = [int(pid) for pid in owner.stdout.readline().split()]
        owner.kill()
    assert theirs
    until(lambda: not any(map(is_running, theirs)), "a process is left")


def test_a_machine_with_no_core_to_spare_has_no_processes_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, workers, processes in ((1, 1, 0), (2, 1, 1), (2, 2, 0), (4, 1, 3), (8, 3, 1), (4, 0, 3)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert processes_by_default(workers) == processes


# --- in the head end ---------------------------------------------------------------------------------------------


def rig_with(work: KeyWork) -> Rig:
    rig = Rig()
    rig.head_end = HeadEnd(
        rig.bench.store,
        keys=keys(),
        dcc=DCC,
        wan=rig.air,
        callback=rig.posts,
        policies=rig.bench.policies,
        work=work,
    )
    return rig.accept().step()


def frames() -> list[bytes]:
    """What one hub says of strangers, among it a frame that it did not sign, and one that can't be read."""
    key = keys().credential(HUB, DS).key
    made = []
    for number in range(1, FRAMES + 1):
        seen = StrangerSeen(node=STRANGER, attempts=number)
        made.append(write_frame(sign_uplink(seen, key, hub=HUB, event=number, sent=Instant(1))))
    made[40] = made[40][:-1] + bytes((made[40][-1] ^ 1,))
    made[50] = b"noise"
    return made


def events(frames: list[Any]) -> list[int]:
    return [frame.event for frame in frames if isinstance(frame, Acknowledge)]


def kept(rig: Rig) -> set[str]:
    with rig.bench.store.reading() as connection:
        return set(connection.execute(select(t.report.c.source)).scalars())


def test_a_head_end_keeps_and_acknowledges_the_same_with_processes_beside(pool: KeyPool) -> None:
    alone, helped = rig_with(KeyWork(own_keys())), rig_with(pool)
    for rig in (alone, helped):
        rig.air.arriving += frames()
        rig.step()
    assert events(helped.frames) == events(alone.frames)
    assert kept(helped) == kept(alone)
    assert set(events(helped.frames)) == set(range(1, FRAMES + 1)) - {41, 51}


def test_nothing_is_lost_or_acknowledged_wrongly_when_the_processes_die(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = KeyPool(own_keys(), 2)
    pool.read(uplinks())()
    rig = rig_with(pool)
    read = pool.read

    def read_and_die(given: Any) -> Any:
        before = pids(pool)
        for pid in before:
            os.kill(pid, signal.SIGSTOP)
        begun = read(given)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        return begun

    monkeypatch.setattr(rig.head_end._pipeline._hearing, "_read", read_and_die)
    rig.air.arriving += frames()
    rig.step()
    assert len(kept(rig)) == len(events(rig.frames)) == len(frames()) - 2
    assert not rig.air.open
    pool.close()


def test_nothing_is_acknowledged_that_was_not_kept(pool: KeyPool, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_with(pool)
    rig.air.arriving += frames()
    with monkeypatch.context() as broken:
        broken.setattr("hanota.process.pipeline.save_reports", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rig.step()
        assert not events(rig.frames)
        assert not kept(rig)
    rig.step()
    assert len(kept(rig)) == len(events(rig.frames)) == len(frames()) - 2


def test_what_waits_behind_a_full_round_is_kept_in_the_next(pool: KeyPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hanota.app.head_end.HEARD_MAX", 100)
    monkeypatch.setattr("hanota.app.head_end._FRAMES_MAX", 70)
    monkeypatch.setattr("hanota.app.head_end._AHEAD_MIN", 1)
    rig = rig_with(pool)
    rig.air.arriving += frames()
    rig.air.sent.clear()
    while rig.head_end.step(rig.bench.now, whole=False):
        pass
    assert len(kept(rig)) == len(events(rig.frames)) == len(frames()) - 2
    assert not rig.air.open


def test_what_is_read_ahead_is_neither_settled_nor_lost_before_it_is_kept(
    pool: KeyPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hanota.app.head_end.HEARD_MAX", 100)
    monkeypatch.setattr("hanota.app.head_end._FRAMES_MAX", 50)
    monkeypatch.setattr("hanota.app.head_end._AHEAD_MIN", 1)
    rig = rig_with(pool)
    rig.air.arriving += frames()
    rig.head_end.step(rig.bench.now, whole=False)
    assert rig.air.open == frames()[:100]
    rig.head_end.step(rig.bench.now, whole=False)
    assert rig.air.open == frames()[100:]
    with monkeypatch.context() as broken:
        broken.setattr("hanota.process.pipeline.save_reports", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rig.step()
    assert (rig.air.open, rig.air.arriving) == ([], frames()[100:])
    rig.step()
    assert len(kept(rig)) == len(frames()) - 2
