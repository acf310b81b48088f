"""The demonstration: one home, one signed request, followed until the version is confirmed.

Time is virtual: the clock jumps to whatever is due next, so minutes of radio take a moment. All parts are the real
ones: signed XML, the rule book, the store, signed orders, ZigBee frames with loss, two flash banks, GBCS alerts.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from hanota.app.clock import ManualClock, wall_clock
from hanota.app.desk import Desk
from hanota.app.desk.shaping import EVENT_TEXTS
from hanota.app.world import SLICE_MS, World, WorldSettings
from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, Instant, iso
from hanota.base.vocabulary.devices import CplStatus, DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription, Observed, builtin_description
from hanota.edge.estate.description import ProductDescription
from hanota.edge.han.link import HanModel
from hanota.edge.han.pcap import HanCapture
from hanota.model.access import Caller
from hanota.model.policies import CheckPolicy, Policies, Strictness
from hanota.wire import duis
from hanota.wire.otaimage import GbImage, Tail, read_image, write_image
from hanota.wire.otaimage.build import ImageDescription, PayloadDescription, build_image

NEW_VERSION: Final = 0x0002_012F
_GIVE_UP_MS: Final = 30 * DAY


class NothingToShow(HanotaError):
    """The request does not lead to a delivery that could be shown."""

    code, fault = "HOTA-APP-003", Fault.REQUESTER
    what = "the request was answered {response_code}: {why}"
    remedy = "see the reason; the demonstration can only follow a request that is accepted"


class RebootMalformed(HanotaError):
    """A reboot that can't be understood."""

    code, fault = "HOTA-APP-004", Fault.REQUESTER
    what = "{text!r} is no reboot: expected NODE@PERCENT"
    remedy = "write e.g. hub@40% or ppmid@60%"


class DemoObserver(Protocol):
    """Sees the demonstration as it happens."""

    def on_event(self, at_iso: str, who: str, what: str, detail: str) -> None:
        """Something happened: when, to whom, what, and the figures."""

    def on_progress(self, device: str, offset: int, total: int, blocks: int, repeats: int) -> None:
        """The device has `offset` of `total` octets; the hub served `blocks`, `repeats` of them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reboot:
    """A power cut of the hub or the device once the device has `percent` of the image."""

    node: str
    percent: int

    @classmethod
    def parse(cls, text: str) -> "Reboot":
        """Read `hub@40%`. Raises RebootMalformed."""
        node, _, share = text.partition("@")
        share = share.removesuffix("%")
        good = node in ("hub", "ppmid") and share.isdecimal() and int(share) <= 100
        require(good, RebootMalformed, text=text)
        return cls(node=node, percent=int(share))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What to show. `speed` None: as fast as it goes; else so many virtual seconds in a real one.

    `pcap`: where to write what the homes' radios send, None for nowhere.
    """

    request: bytes | None = None
    image_octets: int = 64 * 1024
    loss: float = 0.02
    speed: float | None = None
    reboots: tuple[Reboot, ...] = ()
    folder: Path | None = None
    seed: int = 1
    pcap: BinaryIO | None = None


def run_demo(options: DemoOptions, observer: DemoObserver) -> dict[str, Any]:
    """Show one delivery from signed XML to a confirmed version. Returns: what `--json` prints.

    Raises: NothingToShow, and whatever makes a given request unreadable.
    """
    demo = _Demo(options, observer)
    try:
        return demo.run()
    finally:
        demo.world.close()


def request_document(options: DemoOptions) -> bytes:
    """Give the request that `run_demo` sends, unsigned. Raises what makes a given request unreadable."""
    return duis.write_request(_request(options, builtin_description())[0])


class _Demo:
    def __init__(self, options: DemoOptions, observer: DemoObserver) -> None:
        self._options = options
        self._observer = observer
        self._clock = ManualClock(wall_clock())
        base = builtin_description()
        self._request, image = _request(options, base)
        self._device = self._request.devices[0]
        description = _with_product(base, image, self._device)
        self.world = World(
            WorldSettings(
                description=description,
                policies=_policies(self._request, image),
                folder=options.folder,
                han=HanModel(loss=options.loss),
            ),
            now=self._clock.now(),
            rng=random.Random(options.seed),  # noqa: S311 - a test PKI; the same demonstration every time
        )
        self._image = image
        self._names = {str(party.eui): party.name for party in description.parties}
        self._desk = Desk(self.world.store, self.world.submit, self._clock.now)
        self._home = next(h for h in description.premises if self._device in {d.eui for d in h.devices})
        self._reboots = list(options.reboots)
        self._pending: list[Eui64] = []
        self._told = 0
        self._turns = 0
        self._blocks = 0
        self._began = self._clock.now()
        self._first_block: Instant | None = None
        self._last_block = self._began
        self._repeats = 0
        self.world.estate.observe(self._on_home)
        if options.pcap is not None:
            capture = HanCapture(options.pcap, {home.hub.chf for home in description.premises})
            self.world.estate.tap(capture.write)

    def run(self) -> dict[str, Any]:
        """Submit and follow."""
        sender = self._request.header.request_id.originator
        signer = self.world.keys.credential(sender, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
        octets = duis.sign(duis.write_request(self._request), signer)
        before = self._desk.device(Caller(), str(self._device)).version
        self._say("Supplier", "sends a signed Service Request", f"{len(octets)} octets, 11.4 for {self._device}")
        answer = self._desk.submit(octets, "D")
        self._say("DCC", f"answers {answer.code}", "request and decision are durable")
        shown = self._desk.request(Caller(), str(self._request.header.request_id))
        if not shown.devices_accepted:
            why = shown.text or "; ".join(group.text for group in shown.refused)
            raise NothingToShow(response_code=answer.code, why=why)
        self._follow()
        return self._result(answer.code, before)

    def _follow(self) -> None:
        started, began = self._clock.now(), time.monotonic()
        while True:
            now = self._clock.now()
            due = self.world.step(now)
            settled = self._tell_story()
            self._cut_power(now)
            if settled or due is None or now - started > _GIVE_UP_MS:
                return
            soon = Instant(now + SLICE_MS)
            self._clock.move_to(
                min(due, soon) if due > now and self.world.wan.next_due() is not None else max(due, soon)
            )
            if self._options.speed is not None:
                ahead_s = (self._clock.now() - started) / 1000 / self._options.speed - (time.monotonic() - began)
                self.world.wait(max(0.0, ahead_s))

    def _delivery(self) -> Any:
        found = self._desk.deliveries(Caller(), request_id=str(self._request.header.request_id))
        return found[0] if found else None

    def _open_alerts(self) -> bool:
        return any(alert.delivered_at is None for alert in self._desk.alerts(Caller()))

    def _cut_power(self, now: Instant) -> None:
        for address in self._pending:
            self.world.estate.reboot(address, now, off_ms=2000)
        self._pending.clear()

    def _on_home(self, seen: Observed) -> None:
        facts = dict(seen.facts)
        if seen.kind == "block" and seen.node == self._device:
            self._first_block = self._first_block or seen.at
            self._last_block = seen.at
            self._on_block(facts)
            return
        if seen.home != self._home.name or seen.kind not in _HOME_TEXTS:
            return
        who = "hub" if seen.node == self._home.hub.chf else self._type_of(seen.node)
        if seen.node in (self._home.hub.chf, self._device):
            self._observer.on_event(iso(seen.at), who, _HOME_TEXTS[seen.kind], _figures(facts))

    def _type_of(self, node: Eui64) -> str:
        return next((d.device_type.value for d in self._home.devices if d.eui == node), str(node))

    def _on_block(self, facts: Mapping[str, Any]) -> None:
        self._blocks += 1
        offset, total = int(facts["offset"]), int(facts["of"])
        self._observer.on_progress(str(self._device), offset, total, self._blocks, self._repeats)
        for reboot in [r for r in self._reboots if offset * 100 >= r.percent * total]:
            self._reboots.remove(reboot)
            self._pending.append(self._home.hub.chf if reboot.node == "hub" else self._device)

    def _tell_story(self) -> bool:
        """Tell what the head end did in its last turn, if it had one. Returns: whether that was the end."""
        if self.world.turns == self._turns:  # most steps are of blocks within the home: the store says nothing new
            return False
        self._turns = self.world.turns
        delivery = self._delivery()
        if delivery is None:
            return False
        self._repeats = delivery.repeats
        lines = self._desk.delivery(Caller(), delivery.delivery).timeline
        for line in lines[self._told :]:
            if line.kind == "alert_due":
                party = self._names.get(str(line.facts["party"]), "a party")
                told = f"{line.facts['code']} {line.facts['alert_kind']}"
                self._observer.on_event(line.at, "DCC", f"alerts {party}", told)
            elif line.kind in EVENT_TEXTS and line.kind not in _NOT_TOLD:
                self._observer.on_event(line.at, "DCC", line.text, f"→ {line.state}" if line.state else "")
        self._told = len(lines)
        return bool(delivery.ended) and not self._open_alerts()

    def _say(self, who: str, what: str, detail: str) -> None:
        self._observer.on_event(iso(self._clock.now()), who, what, detail)

    def _occupancy(self) -> float:
        """Give the share of the home's channel that was taken between the first block and the last."""
        taken = self.world.estate.occupancy(self._home.name)
        return taken.share(self._first_block or self._began, self._last_block)

    def _result(self, code: str, before: str | None) -> dict[str, Any]:
        delivery = self._delivery()
        detail = self._desk.delivery(Caller(), delivery.delivery)
        device = self._desk.device(Caller(), str(self._device))
        alerts = sorted(detail.alerts, key=lambda alert: int(alert.response_id.rpartition("/")[2]))
        return {
            "request_id": str(self._request.header.request_id),
            "response_code": str(code),
            "device_id": str(self._device),
            "version_before": before,
            "version_after": device.version,
            "image_hash": self._image.manufacturer_hash.hex(),
            "image_octets": delivery.image_octets,
            "blocks": delivery.blocks,
            "blocks_repeated": delivery.repeats,
            "han_occupancy": round(self._occupancy(), 4),
            "virtual_s": (self._clock.now() - self._began) // 1000,
            "alerts": [
                {"party": a.party, "party_name": a.party_name, "code": a.code, "kind": a.kind, "text": a.text}
                for a in alerts
            ],
            "events": [{"at": line.at, "kind": line.kind, "state": line.state} for line in detail.timeline],
            "outcome": delivery.state,
        }


_NOT_TOLD: Final = {"transfer_progressed", "alert_delivered"}
_HOME_TEXTS: Final = {
    "order": "takes the DCC's signed order",
    "image_held": "holds the image; SHA-256 as ordered",
    "image_notify": "tells the device of an image",
    "image_offered": "offers the image",
    "offer": "looks at the offer",
    "image_checked": "has checked the image",
    "boot": "starts",
    "activated": "runs the new image; self-test passed",
    "fell_back": "went back to its old image",
    "activation_alert": "sends its signed activation alert (CS09)",
    "transfer_alert": "sends its signed transfer alert (CCS08)",
    "version_read": "answers the version read (CS08)",
    "power_cut": "loses power",
    "power_on": "has power",
}


def _figures(facts: Mapping[str, Any]) -> str:
    shown = {name: f"{value:08X}" if name in ("version", "running") else value for name, value in facts.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items() if value not in (None, ""))


def _request(options: DemoOptions, base: EstateDescription) -> tuple[duis.FirmwareRequest, GbImage]:
    if options.request is not None:
        root = duis.parse_safely(options.request)
        header = duis.require_supported(root)
        duis.require_schema(root)
        request = duis.read_request(root)
        if not isinstance(request, duis.FirmwareRequest):
            raise duis.UnsupportedRequest(
                srv=header.service_reference_variant, element=type(request).__name__, header=header
            )
        tail = Tail.NONE if request.header.service_reference_variant == "11.4" else Tail.SIGNED
        return request, read_image(request.image, tail)
    sender, home = base.parties[0], base.premises[0]
    device = next(d for d in home.devices if d.device_type is DeviceType.PPMID)
    image = build_image(
        ImageDescription(
            manufacturer=device.manufacturer,
            image_type=device.image_type,
            file_version=NEW_VERSION,
            label="hanota demonstration image",
            hardware_min=device.hardware_version,
            hardware_max=device.hardware_version,
            payload=PayloadDescription(octets=max(1, options.image_octets - 60), seed=options.seed),
        )
    )
    header = duis.RequestHeader(
        request_id=RequestId(sender.eui, base.dcc, 1000),
        command_variant=8,
        service_reference="11.4",
        service_reference_variant="11.4",
    )
    return (
        duis.FirmwareRequest(
            header=header,
            image=write_image(image),
            firmware_version=image.header.version_text,
            device_list=str(device.eui),
        ),
        image,
    )


def _with_product(base: EstateDescription, image: GbImage, device: Eui64) -> EstateDescription:
    """Let the Certified Product List name this image for this device's model, as its maker would have seen to."""
    found = next((d for home in base.premises for d in home.devices if d.eui == device), None)
    if found is None:
        return base
    product = ProductDescription(
        manufacturer=image.header.manufacturer,
        image_type=image.header.image_type,
        hardware_version=found.hardware_version,
        firmware_version=image.header.file_version,
        manufacturer_hash=image.manufacturer_hash,
        status=CplStatus.ACTIVE,
        predecessors=(),
    )
    return replace(base, products=(*base.products, product))


def _policies(request: duis.FirmwareRequest, image: GbImage) -> Policies:
    """The industry's example says version 00000000 whatever its header says: then the check only warns."""
    if request.firmware_version.upper() == image.header.version_text.upper():
        return Policies()
    return Policies(check=CheckPolicy(version_matches_header=Strictness.WARN))
