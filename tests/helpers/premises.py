"""An estate with a small head end in front of it: what tests of the premises side run on."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

from hanota.app.pki import Party, make_pki
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, MINUTE, Instant, parse_iso
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import Estate, EstateFile, Observed, builtin_description
from hanota.edge.han.link import HanModel
from hanota.model.policies import Policies
from hanota.wan.inprocess import InProcessWan, NetworkModel
from hanota.wire.gbcs.build import read_version_command
from hanota.wire.gbcs.message import Message, read_message
from hanota.wire.gbcs.payload import ActivationAlert, Payload, TransferAlert, VersionRead, read_payload
from hanota.wire.otaimage import GbImage, OtaHeader, Tail, fit_header, write_image
from hanota.wire.smki.directory import KeyDirectory
from hanota.wire.wan import (
    Acknowledge,
    Cancel,
    Distribute,
    Fetch,
    GbcsDown,
    GbcsUp,
    ImageChunk,
    Receipt,
    ReceiptStatus,
    SignedOrder,
    Uplink,
    open_uplink,
    read_frame,
    sign_order,
    write_frame,
)

NOW = parse_iso("2026-01-15T09:00:00Z")
DCC = Eui64.parse("90-B3-D5-1F-30-00-00-02")
SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
ESME = Eui64.parse("00-DB-12-34-56-78-90-A0")
CHF = Eui64.parse("00-DB-12-34-56-78-90-A2")
PPMID = Eui64.parse("00-DB-12-34-56-78-90-A4")
IHD = Eui64.parse("00-DB-12-34-56-78-90-A6")
ACB = CertificateRole.ACCESS_CONTROL_BROKER
OLD, NEW = 0x00010000, 0x00020000


@cache
def keys() -> KeyDirectory:
    description = builtin_description()
    suppliers = [Party(party.eui, party.name) for party in description.parties]
    return make_pki(dcc=DCC, suppliers=suppliers, devices=description.nodes(), rng=Random(1), now=NOW)


def ppmid_file(octets: int = 4096, *, version: int = NEW, content: bytes | None = None, **header: object) -> bytes:
    """A PPMID image file of `octets` in all, with some header fields changed."""
    numbers: dict[str, object] = {
        "manufacturer": 0x121D,
        "image_type": 0x0084,
        "hardware_min": 0x1111,
        "hardware_max": 0x1211,
    } | header
    plain = OtaHeader(file_version=version, label=b"test".ljust(32), file_octets=0, **numbers)
    body = content if content is not None else Random(octets).randbytes(octets - 60)
    return write_image(GbImage(header=fit_header(plain, len(body), Tail.NONE), manufacturer_image=body))


def order_for(image: bytes, number: int = 1, *, now: Instant = NOW, **facts: object) -> Distribute:
    """The DCC's order to bring `image` to the PPMID, with some facts changed."""
    ordered: dict[str, object] = {
        "device": PPMID,
        "device_type": DeviceType.PPMID,
        "image_hash": hashlib.sha256(image).digest(),
        "image_octets": len(image),
        "manufacturer": 0x121D,
        "image_type": 0x0084,
        "file_version": NEW,
        "hardware_min": 0x1111,
        "hardware_max": 0x1211,
        "expires": Instant(now + 60 * DAY),
    }
    request = RequestId(SUPPLIER, DCC, number)
    return Distribute(order=number, request=request, sent=now, **(ordered | facts))


def signed(order: Distribute | Cancel) -> SignedOrder:
    """The order as the DCC signs it."""
    return sign_order(order, keys().credential(DCC, KeyUsage.DIGITAL_SIGNATURE, ACB).key)


@dataclass
class Premises:
    """The estate, its network, and a head end that serves images and acknowledges what comes up."""

    policies: Policies = field(default_factory=Policies)
    han: HanModel = field(default_factory=HanModel)
    wan_model: NetworkModel = field(default_factory=NetworkModel)
    path: Path | None = None
    seed: int = 7
    acknowledging: bool = True

    def __post_init__(self) -> None:
        self.now = NOW
        self.rng = Random(self.seed)
        self.wan = InProcessWan(self.wan_model, self.rng)
        self.images: dict[bytes, bytes] = {}
        self.receipts: list[Receipt] = []
        self.events: dict[tuple[Eui64, int], Uplink] = {}
        self.messages: list[tuple[Message, Payload | None]] = []
        self.fetches: list[Fetch] = []
        self.notes: list[Observed] = []
        self.steps = 0
        self.open_estate()

    def open_estate(self) -> None:
        self.estate = Estate(
            builtin_description(),
            wan=self.wan.premises,
            keys=keys(),
            policies=self.policies,
            rng=self.rng,
            file=EstateFile(self.path),
            han=self.han,
        )
        self.estate.observe(self.notes.append)

    def kill(self) -> None:
        """The estate's process dies and is started again on its file."""
        self.estate._file.close()
        self.wan.drop_all()
        self.open_estate()

    def order(self, image: bytes, number: int = 1, **facts: object) -> Distribute:
        """Make an order for `image` and be ready to serve the image."""
        self.images[hashlib.sha256(image).digest()] = image
        return order_for(image, number, now=self.now, **facts)

    def send_order(self, order: Distribute | Cancel, hub: Eui64 = CHF) -> None:
        self.send(signed(order), hub)

    def send(self, frame: object, hub: Eui64 = CHF) -> None:
        self.wan.head_end.send(hub, write_frame(frame), self.now)

    def read_version(self, device: Eui64 = PPMID, counter: int = 100) -> bytes:
        return read_version_command(
            device_type=DeviceType.PPMID,
            acb=keys().credential(DCC, KeyUsage.KEY_AGREEMENT, ACB),
            device=keys().certificate(device, KeyUsage.KEY_AGREEMENT),
            counter=counter,
            user=SUPPLIER,
            user_counter=1,
        )

    def send_gbcs(self, data: bytes, device: Eui64 = PPMID, message: int = 1) -> None:
        self.send(GbcsDown(message=message, device=device, data=data))

    def step(self) -> bool:
        """Let the next thing happen; False when nothing more will."""
        due = self.estate.advance(self.now)
        self._serve()
        dues = [at for at in (due, self.wan.next_due()) if at is not None]
        if not dues:
            return False
        self.steps += 1
        self.now = max(self.now, min(dues))
        return True

    def run(self, until: Callable[[], object] | None = None, limit_ms: int = 60 * MINUTE) -> "Premises":
        """Go on until `until()` holds or the time is over; fail if it never holds."""
        end = self.now + limit_ms
        while self.now <= end:
            if until is not None and until():
                return self
            if not self.step():
                break
        assert until is None or until(), [str(r) for r in self.receipts]
        return self

    def go_to(self, at: int) -> "Premises":
        """Let everything happen until then."""
        while True:
            due = self.estate.advance(self.now)
            self._serve()
            dues = [when for when in (due, self.wan.next_due()) if when is not None]
            if not dues or min(dues) > at:
                self.now = Instant(at)
                return self
            self.now = max(self.now, min(dues))

    def deliver(self, order: Distribute, limit_ms: int = DAY) -> "Premises":
        """Go on until the order has ended well, sending it again while the hub says nothing, as the head end does."""
        end, again = self.now + limit_ms, self.now
        while not self.delivered:
            assert self.now < end, [str(receipt) for receipt in self.receipts]
            if self.now >= again and not self.receipts:
                self.send_order(order)
                again = Instant(self.now + 10 * MINUTE)
            if not self.step():
                self.now = again
        return self

    @property
    def delivered(self) -> bool:
        """Whether receipt, transfer alert and activation alert have all come up."""
        return bool(self.activations and self.transfers and ReceiptStatus.TRANSFERRED in self.statuses)

    def _serve(self) -> None:
        for octets in self.wan.head_end.receive(self.now, 1000):
            frame = read_frame(octets)
            if isinstance(frame, Fetch):
                self.fetches.append(frame)
                image = self.images[frame.image_hash]
                data = image[frame.offset : frame.offset + frame.max_octets]
                chunk = ImageChunk(image_hash=frame.image_hash, offset=frame.offset, image_octets=len(image), data=data)
                self.send(chunk, frame.hub)
            elif isinstance(frame, Uplink):
                if self.acknowledging:
                    self.send(Acknowledge(event=frame.event), frame.hub)
                if (frame.hub, frame.event) not in self.events:
                    self.events[frame.hub, frame.event] = frame
                    self._take(frame)

    def _take(self, uplink: Uplink) -> None:
        report = open_uplink(uplink, keys().certificate(uplink.hub, KeyUsage.DIGITAL_SIGNATURE).public_key)
        if isinstance(report, GbcsUp):
            message = read_message(report.data)
            self.messages.append((message, read_payload(message)))
        elif isinstance(report, Receipt):
            self.receipts.append(report)

    @property
    def statuses(self) -> list[ReceiptStatus]:
        return [receipt.status for receipt in self.receipts]

    def payloads(self, kind: type) -> list:
        return [payload for _, payload in self.messages if isinstance(payload, kind)]

    @property
    def transfers(self) -> list[TransferAlert]:
        return self.payloads(TransferAlert)

    @property
    def activations(self) -> list[ActivationAlert]:
        return self.payloads(ActivationAlert)

    @property
    def versions_read(self) -> list[VersionRead]:
        return self.payloads(VersionRead)

    def noted(self, kind: str, node: Eui64 | None = None) -> list[Observed]:
        return [note for note in self.notes if note.kind == kind and node in (None, note.node)]

    @property
    def fetched_offsets(self) -> list[int]:
        """Offsets of the blocks that the PPMID has stored, in order."""
        return [note.facts["offset"] for note in self.noted("block", PPMID)]
