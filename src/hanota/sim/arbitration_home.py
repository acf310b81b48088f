"""The home whose arbitration is explored: its policies, its devices, and the orders that may come in any sequence.

The orders are signed and the images are real files, so the hub's own classes take them as they are.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Final, Literal

from hanota.app.pki import make_pki
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, Instant, parse_iso
from hanota.base.vocabulary.devices import DeviceType, TransferResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.effects import Turn
from hanota.edge.hub import HubIdentity
from hanota.edge.hub.book import OrderBook
from hanota.edge.hub.outbox import Outbox
from hanota.model.policies import HubPolicy, Policies
from hanota.wire.otaimage import GbImage, OtaHeader, Tail, fit_header, write_image
from hanota.wire.smki import KeyDirectory
from hanota.wire.wan import Distribute, ImageChunk, Receipt, Report, sign_order, write_frame

NOW: Final = parse_iso("2026-01-15T09:00:00Z")
_DCC: Final = Eui64(0x90B3D51F30000002)
_CHF: Final = Eui64(0x00DB1234567890A2)
_SUPPLIERS: Final = {"A": Eui64(0x90B3D51F30010000), "B": Eui64(0x90B3D51F30020000)}
_FIRST_DEVICE: Final = 0x00DB1234567890B0
_ACB: Final = CertificateRole.ACCESS_CONTROL_BROKER
_HEADER: Final = OtaHeader(
    manufacturer=0x121D,
    image_type=0x0084,
    file_version=2,
    label=b"arbitration".ljust(32, b"\0"),
    file_octets=0,
    hardware_min=1,
    hardware_max=1,
)


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """An order that may come: by which Supplier, for which device, with which image and ForceReplace octet."""

    supplier: str
    device: str
    image: str
    force_replace: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What is explored: policies, devices by name, and the orders, whose numbers rise from 1.

    `consent`: consumers are asked about images of devices that are no meters, so an order may outlive its slot.
    """

    slots: Literal["as_set", "dedicated", "shared_n"] = "as_set"
    force_replace: Literal["off", "own"] = "off"
    priority: Literal["none", "meters_first"] = "none"
    shared_slots: int = 2
    consent: bool = False
    devices: Mapping[str, DeviceType] = field(
        default_factory=lambda: {kind.value: kind for kind in (DeviceType.ESME, DeviceType.PPMID, DeviceType.HCALCS)}
    )
    orders: tuple[OrderPlan, ...] = (
        OrderPlan("A", "ESME", "a"),
        OrderPlan("B", "PPMID", "b"),
        OrderPlan("A", "HCALCS", "c"),
        OrderPlan("B", "ESME", "d", 1),
        OrderPlan("A", "PPMID", "e", 1),
        OrderPlan("A", "ESME", "f", 1),
        OrderPlan("B", "PPMID", "g", 1),
        OrderPlan("B", "HCALCS", "h", 1),
    )

    @property
    def words(self) -> str:
        """The policies in words."""
        slots = f"shared_n ({self.shared_slots})" if self.slots == "shared_n" else self.slots
        consent = ", consumers asked" if self.consent else ""
        return f"slots {slots}, priority {self.priority}, force_replace {self.force_replace}{consent}"

    @property
    def policies(self) -> Policies:
        """The policies that the hub gets."""
        return Policies(
            hub=HubPolicy(
                slots=self.slots,
                shared_slots=self.shared_slots,
                priority=self.priority,
                force_replace=self.force_replace,
            )
        )


class Mailbag(Outbox):
    """What a hub says, kept for who looks on: nothing is signed, sent again or acknowledged."""

    def __init__(self, identity: HubIdentity) -> None:
        super().__init__(identity, {})
        self.receipts: list[Receipt] = []
        self.alerts: list[tuple[Eui64, TransferResponseCode]] = []

    def put(self, report: Report, turn: Turn) -> int:  # noqa: ARG002 - the shape of the one that signs
        """Keep a receipt."""
        if isinstance(report, Receipt):
            self.receipts.append(report)
        return 0

    def put_transfer_alert(
        self,
        device: Eui64,
        version: int,  # noqa: ARG002 - the same shape
        result: TransferResponseCode,
        turn: Turn,  # noqa: ARG002 - the same shape
    ) -> None:
        """Keep which device's transfer ended how."""
        self.alerts.append((device, result))


_BELIEVED: Final[dict[bytes, Distribute | None]] = {}


class Book(OrderBook):
    """The hub's order book; a kept order whose signature was found good is not checked at every restart anew."""

    def _believed(self, frame: bytes) -> Distribute | None:
        if frame not in _BELIEVED:
            _BELIEVED[frame] = super()._believed(frame)
        return _BELIEVED[frame]


@dataclass(frozen=True, slots=True)
class Planned:
    """An order as it comes: the same one in time, and past its expiry."""

    plan: OrderPlan
    order: Distribute
    frame: bytes
    late: Distribute
    late_frame: bytes


class Home:
    """One configuration made of real objects."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.policies = config.policies
        keys = _keys()
        self.devices = {name: Eui64(_FIRST_DEVICE + place) for place, name in enumerate(config.devices)}
        self._owners = {str(address): name for name, address in self.devices.items()}
        self.identity = HubIdentity(
            chf=_CHF,
            acb=_DCC,
            signing=keys.credential(_CHF, KeyUsage.DIGITAL_SIGNATURE),
            acb_signing=keys.certificate(_DCC, KeyUsage.DIGITAL_SIGNATURE, _ACB).public_key,
            device_log={self.devices[name]: kind for name, kind in config.devices.items()},
            functions=(),
            firmware_version=1,
        )
        self.mailbag = Mailbag(self.identity)
        self.images = {name: _image(name) for name in sorted({plan.image for plan in config.orders})}
        self.image_names = {hashlib.sha256(octets).digest(): name for name, octets in self.images.items()}
        self.orders = {number + 1: self._planned(number + 1, plan) for number, plan in enumerate(config.orders)}

    def book(self, memory: Mapping[str, bytes]) -> Book:
        """Make the order book of a hub that wakes with this memory."""
        return Book(self.identity, self.policies, self.mailbag, memory)

    def slot_name(self, slot: str) -> str:
        """Give the name of a slot as people would say it: one of a device has the device's name."""
        return self._owners.get(slot, slot)

    def chunk(self, image: str, *, damaged: bool = False) -> ImageChunk:
        """Give a whole image in one chunk, its last bit turned if it is to be `damaged`."""
        octets = self.images[image]
        data = octets[:-1] + bytes([octets[-1] ^ damaged])
        digest = hashlib.sha256(octets).digest()
        return ImageChunk(image_hash=digest, offset=0, image_octets=len(octets), data=data)

    def _planned(self, number: int, plan: OrderPlan) -> Planned:
        octets = self.images[plan.image]
        order = Distribute(
            order=number,
            device=self.devices[plan.device],
            device_type=self.config.devices[plan.device],
            request=RequestId(_SUPPLIERS[plan.supplier], _DCC, number),
            image_hash=hashlib.sha256(octets).digest(),
            image_octets=len(octets),
            manufacturer=_HEADER.manufacturer,
            image_type=_HEADER.image_type,
            file_version=_HEADER.file_version,
            hardware_min=_HEADER.hardware_min,
            hardware_max=_HEADER.hardware_max,
            expires=Instant(NOW + DAY),
            sent=NOW,
            force_replace=plan.force_replace,
        )
        late = replace(order, expires=NOW)
        return Planned(plan, order, _signed(order), late, _signed(late))


def _image(name: str) -> bytes:
    content = name.encode() * 8
    return write_image(GbImage(header=fit_header(_HEADER, len(content), Tail.NONE), manufacturer_image=content))


@cache
def _keys() -> KeyDirectory:
    return make_pki(dcc=_DCC, devices=[_CHF], rng=Random(1), now=NOW)  # noqa: S311 - the same keys in every run


def _signed(order: Distribute) -> bytes:
    return write_frame(sign_order(order, _keys().credential(_DCC, KeyUsage.DIGITAL_SIGNATURE, _ACB).key))
