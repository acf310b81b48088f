"""Our side of `hanota bench hub`, a process of its own: `python -m hanota.app.bench.laden_hub DEVICES OCTETS`.

It says "ready" when it is idle, and then lets a hub serve its image to all of its devices, block by block in turns,
once for each line on stdin. The answer is a line "true|false MILLISECONDS"; true: every device had all of its blocks,
and the hub has told the head end that it served each one once. To make the hub ready and to look at what it did is not
counted; what a home does for its hub is: keep what it stores, and acknowledge what it reports.
"""

import hashlib
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from hanota.app.pki import make_pki
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, Instant, parse_iso
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.effects import Effect, SendHan, SendWan, Store
from hanota.edge.estate import builtin_description
from hanota.edge.estate.building import NodeMaker
from hanota.edge.estate.description import DeviceDescription
from hanota.edge.hub import CommsHub
from hanota.model.policies import Policies
from hanota.wire.otaimage import write_image
from hanota.wire.otaimage.build import ImageDescription, PayloadDescription, build_image
from hanota.wire.wan import (
    Acknowledge,
    Distribute,
    ImageChunk,
    Receipt,
    ReceiptStatus,
    Uplink,
    open_uplink,
    read_frame,
    sign_order,
    write_frame,
)
from hanota.wire.zcl import OTA_CLUSTER, ImageBlockRequest, ImageBlockResponse, OtaStatus, write_command

_NOW: Final = parse_iso("2026-01-15T09:00:00Z")
_VERSION: Final = 0x0002_012F
_FIRST_DISPLAY: Final = 0x00DB_4000_0000_0000
_TURN_MS: Final = 16  # between two requests that the hub hears: as many as its pace lets through
_SEED: Final = 1
_HEADER_OCTETS: Final = 60  # of an OTA file with hardware versions
_ACB: Final = CertificateRole.ACCESS_CONTROL_BROKER


class Asked(NamedTuple):
    """One frame that a device sends, and the one that is its answer."""

    device: Eui64
    request: bytes
    answer: bytes
    at: Instant


@dataclass(slots=True)
class Home:
    """What stands around a hub: its memory, a head end that acknowledges, and what a device was sent last.

    `answered` counts the requests that got the answer due to them.
    """

    hub: CommsHub
    memory: dict[str, bytes] = field(default_factory=dict)
    uplinks: list[Uplink] = field(default_factory=list)
    sent: bytes = b""
    answered: int = 0

    def serve(self, asked: list[Asked]) -> float:
        """Let the hub answer every frame in turn. Returns: the milliseconds that it took."""
        on_frame, apply = self.hub.on_frame, self.apply
        began = time.perf_counter()
        for device, request, answer, at in asked:
            apply(on_frame(device, OTA_CLUSTER, request, at), at)
            if self.sent == answer:
                self.answered += 1
        return (time.perf_counter() - began) * 1000

    def apply(self, effects: list[Effect], now: Instant) -> None:
        """Do what the hub wants, as an estate does: first store all, then send."""
        for effect in effects:
            if type(effect) is Store:
                if effect.value is None:
                    self.memory.pop(effect.key, None)
                else:
                    self.memory[effect.key] = effect.value
        for effect in effects:
            if type(effect) is SendHan:
                self.sent = effect.octets
            elif type(effect) is SendWan:
                self._acknowledge(effect.octets, now)

    def _acknowledge(self, octets: bytes, now: Instant) -> None:
        frame = read_frame(octets)
        if isinstance(frame, Uplink):
            self.uplinks.append(frame)
            self.apply(self.hub.on_wan(write_frame(Acknowledge(event=frame.event)), now), now)


class LadenHub:
    """A hub that holds one image of so many octets, ordered for so many displays."""

    def __init__(self, *, devices: int, image_octets: int) -> None:
        self._policies = Policies()
        base = builtin_description()
        home = base.premises[0]
        display = next(device for device in home.devices if device.device_type is DeviceType.PPMID)
        self._dcc, self._sender, self._hub = base.dcc, base.parties[0].eui, home.hub.chf
        self._facts = (display.manufacturer, display.image_type, _VERSION)
        self._hardware = display.hardware_version
        self._displays = [Eui64(_FIRST_DISPLAY + number) for number in range(devices)]
        self._image = _image(display, image_octets)
        crowd = replace(home, devices=tuple(replace(display, eui=eui) for eui in self._displays))
        rng = random.Random(_SEED)  # noqa: S311 - keys of a hub that lives for one measurement
        self._keys = make_pki(dcc=base.dcc, devices=(self._hub, home.hub.gpf), rng=rng, now=_NOW)
        self._maker = NodeMaker(replace(base, premises=(crowd,)), self._keys, self._policies)

    def ready(self) -> Home:
        """Make the hub anew, with its orders taken and the image held."""
        node = self._maker.make(self._hub, {}, _NOW)
        assert isinstance(node, CommsHub)
        home = Home(node)
        home.apply(node.start(_NOW), _NOW)
        signing = self._keys.credential(self._dcc, KeyUsage.DIGITAL_SIGNATURE, _ACB).key
        orders = [sign_order(self._order(n, device), signing) for n, device in enumerate(self._displays, start=1)]
        for frame in (*map(write_frame, orders), *map(write_frame, self._chunks())):
            home.apply(node.on_wan(frame, _NOW), _NOW)
        return home

    def all_asked(self) -> list[Asked]:
        """Give every frame that the devices send for the whole image, in turns."""
        block_octets = self._policies.han.block_octets
        found: list[Asked] = []
        for number, offset in enumerate(range(0, len(self._image), block_octets)):
            sequence, data = number & 0xFF, self._image[offset : offset + block_octets]
            request = write_command(sequence, ImageBlockRequest(*self._facts, offset, block_octets))
            block = ImageBlockResponse(OtaStatus.SUCCESS, *self._facts, offset, data)
            answer = write_command(sequence, block)
            for device in self._displays:
                found.append(Asked(device, request, answer, Instant(_NOW + _TURN_MS * len(found))))
        return found

    def all_served(self, home: Home, asked: list[Asked]) -> bool:
        """Whether every device had the answers due to it, and the hub has reported just that."""
        key = self._keys.certificate(self._hub, KeyUsage.DIGITAL_SIGNATURE).public_key
        reports = [open_uplink(uplink, key) for uplink in home.uplinks]
        last = {report.order: report for report in reports if isinstance(report, Receipt)}
        each = len(asked) // len(self._displays)
        due = {(ReceiptStatus.TRANSFERRING, len(self._image), each, 0)}
        told = {(receipt.status, receipt.offset, receipt.blocks, receipt.repeats) for receipt in last.values()}
        return home.answered == len(asked) and len(last) == len(self._displays) and told == due

    def _order(self, number: int, device: Eui64) -> Distribute:
        manufacturer, image_type, version = self._facts
        return Distribute(
            order=number,
            device=device,
            device_type=DeviceType.PPMID,
            request=RequestId(self._sender, self._dcc, number),
            image_hash=hashlib.sha256(self._image).digest(),
            image_octets=len(self._image),
            manufacturer=manufacturer,
            image_type=image_type,
            file_version=version,
            hardware_min=self._hardware,
            hardware_max=self._hardware,
            expires=Instant(_NOW + 60 * DAY),
            sent=_NOW,
        )

    def _chunks(self) -> Iterator[ImageChunk]:
        digest, whole, step = hashlib.sha256(self._image).digest(), len(self._image), self._policies.wan.chunk_octets
        for offset in range(0, whole, step):
            data = self._image[offset : offset + step]
            yield ImageChunk(image_hash=digest, offset=offset, image_octets=whole, data=data)


def _image(display: DeviceDescription, octets: int) -> bytes:
    made = ImageDescription(
        manufacturer=display.manufacturer,
        image_type=display.image_type,
        file_version=_VERSION,
        label="hanota measurement",
        hardware_min=display.hardware_version,
        hardware_max=display.hardware_version,
        payload=PayloadDescription(octets=octets - _HEADER_OCTETS, seed=_SEED),
    )
    return write_image(build_image(made))


def main() -> None:
    """Answer every line until stdin ends."""
    laden = LadenHub(devices=int(sys.argv[1]), image_octets=int(sys.argv[2]))
    asked = laden.all_asked()
    _say("ready")
    for _ in sys.stdin:
        home = laden.ready()
        took_ms = home.serve(asked)
        _say(f"{str(laden.all_served(home, asked)).lower()} {took_ms:.3f}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
