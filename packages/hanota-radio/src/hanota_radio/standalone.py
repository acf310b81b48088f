"""A head end for one device: it orders a hub to bring one image, hands the image over, and hears how it went.

This is what a maker needs to try a device with, without a supplier, a DCC or their systems: the keys are a test PKI's
of its own. What hub and head end say to each other is the same as always, signed and acknowledged.
"""

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hanota.app.pki import Party, add_missing, make_pki
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.devices import DeviceType, TransferResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.hub import CommsHub, HubIdentity
from hanota.model.policies import Policies
from hanota.wire.gbcs.errors import GbcsMalformed
from hanota.wire.gbcs.message import read_message
from hanota.wire.gbcs.payload import TransferAlert, read_payload
from hanota.wire.otaimage import read_header
from hanota.wire.smki import KeyDirectory, read_directory, write_directory
from hanota.wire.wan import (
    Acknowledge,
    Cancel,
    Distribute,
    Fetch,
    Frame,
    GbcsUp,
    ImageChunk,
    Receipt,
    ReceiptStatus,
    Uplink,
    open_uplink,
    read_frame,
    sign_order,
    write_frame,
)

DCC: Final = Eui64.parse("90-B3-D5-1F-30-00-00-02")
SUPPLIER: Final = Party(Eui64.parse("90-B3-D5-1F-30-01-00-00"), "HANOTA-RADIO")
EXPIRES_MS: Final = 30 * DAY
HUB_VERSION: Final = 0x00000001
_ORDER: Final = "order.json"
_ACB: Final = CertificateRole.ACCESS_CONTROL_BROKER
_UNDER_WAY: Final = frozenset({ReceiptStatus.ACCEPTED, ReceiptStatus.HELD, ReceiptStatus.TRANSFERRING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One image for one device, and the hub that serves it."""

    hub: Eui64
    device: Eui64
    device_type: DeviceType
    image: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How the order stands, in words; `ended` tells whether `well` is the last word."""

    word: str
    octets: int
    ended: bool = False
    well: bool = False

    def __str__(self) -> str:
        return self.word.lower().replace("_", " ")


def open_pki(folder: Path | None, task: Task, rng: random.Random, now: Instant) -> KeyDirectory:
    """Read the test PKI of `folder`, or make one; hub and device have credentials afterwards."""
    place = None if folder is None else folder / "pki"
    keys = read_directory(place) if place and place.is_dir() else make_pki(dcc=DCC, rng=rng, now=now)
    keys = add_missing(keys, suppliers=[SUPPLIER], devices=[task.hub, task.device], rng=rng, now=now)
    if place is not None:
        write_directory(place, keys)
    return keys


def hub_identity(task: Task, keys: KeyDirectory) -> HubIdentity:
    """Give the identity of a hub in whose device log the task's device stands alone."""
    return HubIdentity(
        chf=task.hub,
        acb=DCC,
        signing=keys.credential(task.hub, KeyUsage.DIGITAL_SIGNATURE),
        acb_signing=keys.certificate(DCC, KeyUsage.DIGITAL_SIGNATURE, _ACB).public_key,
        device_log={task.device: task.device_type},
        functions=(),
        firmware_version=HUB_VERSION,
    )


def make_hub(task: Task, keys: KeyDirectory, policies: Policies, memory: dict[str, bytes]) -> CommsHub:
    """Make the hub from what it remembers."""
    return CommsHub(hub_identity(task, keys), policies, memory)


def order_of(task: Task, number: int, now: Instant) -> Distribute:
    """Write the order. Raises ImageMalformed: the file does not begin with a ZigBee OTA header as GBCS wants it."""
    header = read_header(task.image)
    return Distribute(
        order=number,
        device=task.device,
        device_type=task.device_type,
        request=RequestId(SUPPLIER.eui, DCC, number),
        image_hash=hashlib.sha256(task.image).digest(),
        image_octets=len(task.image),
        manufacturer=header.manufacturer,
        image_type=header.image_type,
        file_version=header.file_version,
        hardware_min=header.hardware_min,
        hardware_max=header.hardware_max,
        expires=Instant(now + EXPIRES_MS),
        sent=now,
    )


class OneImage:
    """The head end of one order. `to_hub` takes its frames; `on_wan` is given the hub's.

    `ended` is the last progress once there is one.
    """

    def __init__(
        self, task: Task, order: Distribute, keys: KeyDirectory, tell: Callable[[Progress], None] | None = None
    ) -> None:
        self._task = task
        self._order = order
        self._key = keys.credential(DCC, KeyUsage.DIGITAL_SIGNATURE, _ACB).key
        self._hub_key = keys.certificate(task.hub, KeyUsage.DIGITAL_SIGNATURE).public_key
        self._tell = tell
        self.to_hub: Callable[[bytes], None] = lambda _: None
        self.ended: Progress | None = None

    def begin(self, superseded: int | None = None) -> None:
        """Send the order, after taking back the one that it takes the place of; a known order is told again."""
        if superseded is not None:
            self._send(sign_order(Cancel(order=superseded, sent=self._order.sent), self._key))
        self._send(sign_order(self._order, self._key))

    def on_wan(self, octets: bytes) -> None:
        """Take one frame of the hub."""
        frame = read_frame(octets)
        if isinstance(frame, Fetch):
            self._hand_over(frame)
        elif isinstance(frame, Uplink):
            report = open_uplink(frame, self._hub_key)
            self._send(Acknowledge(event=frame.event))
            if isinstance(report, Receipt) and report.order == self._order.order:
                self._on_receipt(report)
            elif isinstance(report, GbcsUp):
                self._on_gbcs(report.data)

    def _hand_over(self, fetch: Fetch) -> None:
        image = self._task.image
        if fetch.image_hash != self._order.image_hash:
            return  # of an earlier order, whose file nobody has any more
        data = image[fetch.offset : fetch.offset + fetch.max_octets]
        self._send(ImageChunk(image_hash=fetch.image_hash, offset=fetch.offset, image_octets=len(image), data=data))

    def _on_receipt(self, receipt: Receipt) -> None:
        well = receipt.status == ReceiptStatus.TRANSFERRED
        ended = well or receipt.status not in _UNDER_WAY
        self._progress(Progress(receipt.status.name, len(self._task.image) if well else receipt.offset, ended, well))

    def _on_gbcs(self, data: bytes) -> None:
        """A failed transfer is told by CCS08 where the device is one of those that it is told of (domain 7.1)."""
        try:
            payload = read_payload(read_message(data))
        except GbcsMalformed:
            return
        if not isinstance(payload, TransferAlert) or payload.device != self._task.device:
            return
        if payload.result != TransferResponseCode.FILE_TRANSFER_SUCCESS:
            self._progress(Progress(payload.result.name, 0, ended=True))

    def _progress(self, progress: Progress) -> None:
        if progress.ended and self.ended is None:
            self.ended = progress
        if self._tell is not None:
            self._tell(progress)

    def _send(self, frame: Frame) -> None:
        self.to_hub(write_frame(frame))


@dataclass(frozen=True, slots=True)
class Numbers:
    """The number of a task's order, and that of an earlier one which it takes the place of."""

    order: int
    superseded: int | None = None


def order_numbers(folder: Path | None, task: Task, now: Instant) -> Numbers:
    """Give the number of the order that stands for this very task, or a new one; `forget_order` ends it."""
    if folder is None:
        return Numbers(int(now))
    file = folder / _ORDER
    task_name = {"device": str(task.device), "sha256": hashlib.sha256(task.image).hexdigest()}
    kept = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    if {key: kept.get(key) for key in task_name} == task_name:
        return Numbers(int(kept["order"]))
    file.write_text(json.dumps(task_name | {"order": int(now)}, indent=2) + "\n", "utf-8")
    return Numbers(int(now), int(kept["order"]) if kept else None)


def forget_order(folder: Path | None) -> None:
    """The order has ended: the same image for the same device is a new one from now on."""
    if folder is not None:
        (folder / _ORDER).unlink(missing_ok=True)
