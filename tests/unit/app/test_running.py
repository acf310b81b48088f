"""A world that runs by itself: started, stopped, gone on with; one process a folder."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from hanota.app.clock import SpeedOutOfRange
from hanota.app.pki import ISSUER_NAME
from hanota.app.running import FolderInUse, FolderLock, Running
from hanota.base.errors import HanotaError
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.access import Caller
from hanota.wire import duis
from hanota.wire.smki import read_directory
from helpers.premises import DCC, NEW
from helpers.world import PPMID, SUPPLIER_1, SUPPLIER_2, image, product_of, read, request

OPERATOR = Caller()


def estate_file(folder: Path) -> Path:
    """The built-in estate with the test image on its list."""
    found = product_of(image())
    text = (resources.files("hanota.edge.estate") / "builtin.toml").read_text("utf-8")
    path = folder / "given.toml"
    path.write_text(
        text
        + f"""
[[product]]
manufacturer = "{found.manufacturer:04X}"
model = "{found.image_type:04X}{found.hardware_version:04X}"
firmware_version = "{found.firmware_version:08X}"
manufacturer_hash = "{read(image()).manufacturer_hash.hex()}"
""",
        "utf-8",
    )
    return path


def send(running: Running, folder: Path, counter: int = 1) -> ResponseCode:
    role = CertificateRole.XML_SIGN
    signer = read_directory(folder / "pki").credential(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, role)
    return running.desk.submit(duis.sign(duis.write_request(request(counter=counter)), signer), "D").code


def wait_for(condition: Callable[[], object], within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def test_a_request_is_delivered_by_itself_over_a_stop_in_the_middle(tmp_path: Path) -> None:
    home = tmp_path / "home"
    running = Running(home, speed=2000, estate=estate_file(tmp_path))
    running.start()
    assert running.healthy
    assert send(running, home) is ResponseCode.I0
    wait_for(lambda: running.desk.deliveries(OPERATOR))
    running.stop()
    assert not running.healthy
    stood = running.now()

    again = Running(home, speed=2000)  # the estate is the folder's own by now
    assert again.now() >= stood - 60_000  # a moment passes between reading the clock and keeping it
    again.start()
    try:
        wait_for(lambda: again.desk.deliveries(OPERATOR)[0].ended)
        (delivery,) = again.desk.deliveries(OPERATOR)
        assert delivery.state == "CONFIRMED"
        assert again.desk.device(OPERATOR, str(PPMID)).version == f"{NEW:08X}"
        assert again.failure is None
    finally:
        again.stop()


def test_a_folder_has_one_process(tmp_path: Path) -> None:
    running = Running(tmp_path)
    with pytest.raises(FolderInUse) as caught:
        Running(tmp_path)
    assert caught.value.facts["pid"] == str(os.getpid())
    running.stop()
    Running(tmp_path).stop()


@pytest.mark.parametrize("content", ["this is [no estate", "[dcc]\neui = 'x'\n"])
def test_a_start_that_failed_leaves_the_folder_free(tmp_path: Path, content: str) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(content, "utf-8")
    with pytest.raises(HanotaError):
        Running(tmp_path / "home", estate=wrong)
    with pytest.raises(SpeedOutOfRange):
        Running(tmp_path / "home", speed=0)
    running = Running(tmp_path / "home")  # nothing of the wrong description stayed
    assert running.desk.homes(OPERATOR)
    running.stop()


def test_a_world_keeps_its_keys_and_its_description(tmp_path: Path) -> None:
    Running(tmp_path, estate=None).stop()
    first = read_directory(tmp_path / "pki")
    Running(tmp_path).stop()
    assert read_directory(tmp_path / "pki").certificates() == first.certificates()
    assert first.authority(ISSUER_NAME)
    assert first.credential(DCC, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.DSP_XML_SIGN)


def test_a_failed_step_is_told_and_tried_again(tmp_path: Path) -> None:
    running = Running(tmp_path, speed=100)
    step, failing = running._world.step, [True]

    def fails(*args: Any, **facts: Any) -> Any:
        if failing:
            raise OSError("disk full")
        return step(*args, **facts)

    running._world.step = fails
    running.start()
    try:
        wait_for(lambda: isinstance(running.failure, OSError))
        assert not running.healthy
        failing.clear()
        wait_for(lambda: running.healthy)
    finally:
        running.stop()


class Stuck:
    """A party's endpoint that answers nothing before it is let go."""

    def __init__(self) -> None:
        self.posts = 0
        self.let_go = threading.Event()

    def post(self, endpoint: str, octets: bytes) -> Future[None]:
        self.posts += 1
        landed: Future[None] = Future()
        threading.Thread(target=lambda: landed.set_result(self.let_go.wait(60) and None), daemon=True).start()
        return landed

    def close(self) -> None:
        """Nothing to close."""


def test_a_party_that_is_slow_holds_up_neither_deliveries_nor_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck()
    monkeypatch.setattr("hanota.app.world.HttpCallback", lambda: stuck)
    estate = estate_file(tmp_path)
    text, mark = estate.read_text("utf-8"), f'eui = "{SUPPLIER_2}"\n'
    assert text.count(mark) == 1
    estate.write_text(text.replace(mark, f'{mark}callback = "http://party.example/"\n'), "utf-8")
    running = Running(tmp_path / "home", speed=2000, estate=estate)
    running.start()
    try:
        assert send(running, tmp_path / "home") is ResponseCode.I0
        wait_for(lambda: stuck.posts and running.desk.deliveries(OPERATOR)[0].ended)
        assert (stuck.posts, running.healthy) == (1, True)
        told = {alert.party for alert in running.desk.alerts(OPERATOR) if alert.delivered_at is not None}
        assert str(SUPPLIER_2) not in told  # what was behind it waits with it; nothing else does
        stuck.let_go.set()
        wait_for(lambda: all(alert.delivered_at is not None for alert in running.desk.alerts(OPERATOR)))
        assert stuck.posts == len([alert for alert in running.desk.alerts(OPERATOR) if alert.party == str(SUPPLIER_2)])
        stuck.let_go.clear()
        assert send(running, tmp_path / "home", counter=2) is not None
    finally:
        began = time.monotonic()
        running.stop()
        stuck.let_go.set()
    assert time.monotonic() - began < 3


def test_alerts_that_could_not_be_looked_at_are_told_and_tried_again(tmp_path: Path) -> None:
    running = Running(tmp_path)
    post, failing = running._world.post_alerts, [True]

    def fails(now: Instant) -> Iterator[None]:
        if failing:
            raise OSError("disk full")
        return post(now)

    running._world.post_alerts = fails
    running.start()
    try:
        wait_for(lambda: isinstance(running.alerts_failure, OSError))
        assert not running.healthy
        failing.clear()
        wait_for(lambda: running.healthy)
    finally:
        running.stop()


def test_a_description_is_the_folders_own_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    estate = estate_file(tmp_path)
    write = Path.write_bytes

    def dies(path: Path, octets: bytes) -> int:
        if path.name.startswith("estate"):
            write(path, octets[: len(octets) // 2])
            raise OSError("killed")
        return write(path, octets)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", dies)
        with pytest.raises(OSError, match="killed"):
            Running(tmp_path / "home", estate=estate)
    assert not (tmp_path / "home" / "estate.toml").exists()
    Running(tmp_path / "home").stop()


def test_stopping_what_was_never_started_is_fine(tmp_path: Path) -> None:
    Running(tmp_path).stop()


# --- the lock ----------------------------------------------------------------------------------------------------


def test_a_lock_is_free_again_when_released(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "new" / "folder")
    with pytest.raises(FolderInUse):
        FolderLock(tmp_path / "new" / "folder")
    lock.release()
    FolderLock(tmp_path / "new" / "folder").release()


def test_a_lock_is_free_again_when_its_process_was_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from hanota.app.running import FolderLock;"
        "lock = FolderLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(FolderInUse) as caught:
            FolderLock(tmp_path)
        assert caught.value.facts["pid"] == str(holder.pid)
        holder.kill()
    FolderLock(tmp_path).release()


def test_keys_that_were_written_in_part_are_made_anew(tmp_path: Path) -> None:
    left = tmp_path / "pki.part" / "certs"
    left.mkdir(parents=True)
    (left / "half.pem").write_text("-----BEGIN")
    running = Running(tmp_path)
    running.stop()
    assert not left.exists()
    assert (tmp_path / "pki").is_dir()
