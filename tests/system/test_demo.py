"""`hanota demo` from outside: one document that tells one delivery from a signed request to a confirmed version."""

import hashlib
import json
import math
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hanota.app.demo import DemoOptions, Reboot, run_demo
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.devices import HanDevice
from hanota.edge.effects import Effect, Store
from hanota.edge.hub import CommsHub
from hanota.wire import duis
from hanota.wire.otaimage import Tail, read_image
from helpers.block_log import listening
from helpers.shared import shared
from helpers.system import FACTORY_VERSION, SUPPLIER_1, SUPPLIER_2, TEMPLATES, hanota, template

BLOCK_OCTETS = 50
DEMO_S_MAX = 60.0  # alone on a machine it takes a fifth of that
STORY = ["requested", "scheduled", "released", "image_held", "transferred", "activation_succeeded", "version_matched"]
TOLD = {  # who is told what of an undisturbed update, R18, R20, R22
    (str(SUPPLIER_1), "N60"): 1,
    (str(SUPPLIER_1), "N62"): 1,
    (str(SUPPLIER_1), "N39"): 2,  # the device's activation report, and the version read from it
    (str(SUPPLIER_2), "N59"): 1,
    (str(SUPPLIER_2), "N39"): 1,
}


class Unseen:
    """Watches nothing."""

    def on_event(self, at_iso: str, who: str, what: str, detail: str) -> None: ...

    def on_progress(self, device: str, offset: int, total: int, blocks: int, repeats: int) -> None: ...


def one_document(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # raises for anything before or behind the one document


def told(result: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    return dict(Counter((alert["party"], alert["code"]) for alert in result["alerts"]))


def is_subsequence(wanted: list[str], told: list[str]) -> bool:
    rest = iter(told)
    return all(kind in rest for kind in wanted)


def check_confirmed(result: Mapping[str, Any]) -> None:
    kinds = [event["kind"] for event in result["events"]]
    times = [event["at"] for event in result["events"]]
    assert result["outcome"] == "CONFIRMED"
    assert is_subsequence(STORY, kinds), kinds
    assert times == sorted(times)
    assert told(result) == TOLD


def test_the_demo_prints_one_document_that_ends_confirmed() -> None:
    began = time.monotonic()
    result = one_document(hanota("demo", "--json"))
    assert time.monotonic() - began < DEMO_S_MAX
    check_confirmed(result)
    assert (result["response_code"], result["version_before"]) == ("I0", f"{FACTORY_VERSION:08X}")
    assert result["version_after"] != result["version_before"]
    assert result["image_octets"] == 64 * 1024
    assert result["blocks"] - result["blocks_repeated"] == math.ceil(64 * 1024 / BLOCK_OCTETS)
    assert len(bytes.fromhex(result["image_hash"])) == 32


def test_the_demo_delivers_the_image_of_a_request_that_somebody_else_wrote() -> None:
    name = "11.4_UPDATE_PPMID_FIRMWARE_REQUEST_DUIS.XML"
    result = one_document(hanota("demo", "--request", shared() / TEMPLATES / name, "--json"))
    request = duis.read_request(duis.parse_safely(template("11.4")))
    image = read_image(request.image, Tail.NONE)
    check_confirmed(result)
    assert result["request_id"] == str(request.header.request_id)
    assert result["device_id"] == str(request.devices[0])
    assert result["version_after"] == image.header.version_text == "ACDCACDC"
    assert result["image_hash"] == hashlib.sha256(image.manufacturer_image).hexdigest()
    assert result["blocks"] - result["blocks_repeated"] == math.ceil(len(request.image) / BLOCK_OCTETS)


def test_with_loss_and_restarts_the_command_ends_confirmed() -> None:
    reboots = ("--reboot", "hub@40%", "--reboot", "ppmid@60%")
    result = one_document(hanota("demo", "--loss", "0.2", "--image-size", "16kB", *reboots, "--json"))
    check_confirmed(result)
    assert result["blocks"] - result["blocks_repeated"] == math.ceil(16 * 1024 / BLOCK_OCTETS)


@pytest.mark.parametrize(
    "reboots", [("hub@40%", "ppmid@60%"), ("ppmid@1%", "hub@1%"), ("hub@99%", "ppmid@99%", "hub@50%", "ppmid@50%")]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_with_loss_and_restarts_no_stored_block_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, seed: int, reboots: tuple[str, ...]
) -> None:
    log = TransferLog(monkeypatch)
    octets = 8 * 1024
    result = run_demo(
        DemoOptions(image_octets=octets, loss=0.2, reboots=tuple(map(Reboot.parse, reboots)), seed=seed), Unseen()
    )
    check_confirmed(result)
    device = Eui64.parse(result["device_id"])
    assert log.asked_though_stored == []
    assert log.stored[device] == set(range(0, octets, BLOCK_OCTETS))
    assert log.stored_twice == []
    assert len(log.starts) - len(set(log.starts)) == len(reboots)  # each power cut was a start from memory
    assert log.lost_answers > 0  # the air did lose frames: what was asked for twice had never arrived


class TransferLog:
    """Every block asked for at a hub against every block that its device had stored by then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stored: dict[Eui64, set[int]] = {}
        self.stored_twice: list[int] = []
        self.asked: Counter[int] = Counter()
        self.asked_though_stored: list[int] = []
        self.starts: list[Eui64] = []
        self._watch_device(monkeypatch)
        self._watch_starts(monkeypatch, HanDevice)
        self._watch_starts(monkeypatch, CommsHub)
        monkeypatch.setattr(CommsHub, "on_frame", listening(self._on_asked))

    @property
    def lost_answers(self) -> int:
        return sum(self.asked.values()) - len(self.asked)

    def _on_asked(self, device: Eui64, offset: int) -> None:
        self.asked[offset] += 1
        if offset in self.stored.get(device, ()):
            self.asked_though_stored.append(offset)

    def _watch_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plain = HanDevice.on_frame

        def on_frame(device: HanDevice, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
            effects = plain(device, sender, cluster, octets, now)
            for effect in effects:
                if isinstance(effect, Store) and effect.key.startswith("block/") and effect.value is not None:
                    self._on_stored(device.address, int(effect.key.removeprefix("block/"), 16))
            return effects

        monkeypatch.setattr(HanDevice, "on_frame", on_frame)

    def _on_stored(self, device: Eui64, offset: int) -> None:
        held = self.stored.setdefault(device, set())
        if offset in held:
            self.stored_twice.append(offset)
        held.add(offset)

    def _watch_starts(self, monkeypatch: pytest.MonkeyPatch, kind: type[HanDevice] | type[CommsHub]) -> None:
        plain = kind.start

        def start(node: Any, now: Instant) -> list[Effect]:
            self.starts.append(node.address)
            return plain(node, now)

        monkeypatch.setattr(kind, "start", start)


def test_an_image_size_is_taken_in_its_units(tmp_path: Path) -> None:
    result = one_document(hanota("demo", "--image-size", "2kB", "--home", tmp_path / "home", "--json"))
    assert result["image_octets"] == 2048
    assert (tmp_path / "home" / "store.sqlite").is_file()
