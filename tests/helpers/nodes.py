"""One hub or one device on the bench: frames go in by hand, what it wants done is collected."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.commands import Entity
from hanota.edge.devices import DeviceIdentity, GbcsCredentials, HanDevice
from hanota.edge.effects import Effect, Node, Note, SendHan, SendWan, Store, Wake
from hanota.edge.hub import CommsHub, HubIdentity
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES
from hanota.wire.wan import ImageChunk, Receipt, Uplink, open_uplink, read_frame, write_frame
from hanota.wire.zcl import (
    OTA_CLUSTER,
    Command,
    ImageBlockRequest,
    Side,
    UpgradeEndRequest,
    read_command,
    write_command,
)
from helpers.premises import ACB, CHF, DCC, ESME, NOW, OLD, PPMID, keys, ppmid_file

PPMID_2 = Eui64.parse("00-DB-12-34-56-78-90-B4")
GPF = Eui64.parse("00-DB-12-34-56-78-90-A3")
HUB_VERSION = 0x00009001
STRANGER = Eui64.parse("00-DB-12-34-56-78-90-FF")
DEVICE_LOG = {ESME: DeviceType.ESME, PPMID: DeviceType.PPMID, PPMID_2: DeviceType.PPMID}


@dataclass
class Bench:
    """A node, what it stored, and what it said since last asked."""

    make: Callable[[dict[str, bytes]], Node]
    side: Side
    memory: dict[str, bytes] = field(default_factory=dict)
    now: Instant = NOW

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> list[Effect]:
        self.node = self.make(dict(self.memory))
        self.wake_at: Instant | None = None
        return self.do(self.node.start(self.now))

    def do(self, effects: list[Effect]) -> list[Effect]:
        self.effects = effects
        for effect in effects:
            if isinstance(effect, Store) and effect.value is None:
                self.memory.pop(effect.key, None)
            elif isinstance(effect, Store):
                self.memory[effect.key] = effect.value
            elif isinstance(effect, Wake):
                self.wake_at = effect.at
        return effects

    def hear(self, command: Command, sender: Eui64, *, sequence: int = 1, cluster: int = OTA_CLUSTER) -> list[Command]:
        """Let a command arrive; give the commands that it answers with."""
        other = Side.CLIENT if self.side is Side.SERVER else Side.SERVER
        frame = write_command(sequence, command, other) if cluster != OTA_CLUSTER else write_command(sequence, command)
        self.do(self.node.on_frame(sender, cluster, frame, self.now))
        return self.said

    def end(self, said: UpgradeEndRequest, device: Eui64, octets: int) -> list[Command]:
        """Let a device say how it ended once it has fetched the last octet of an image as long as that."""
        name = (said.manufacturer, said.image_type, said.file_version)
        self.hear(ImageBlockRequest(*name, octets - 1, 1), device)
        return self.hear(said, device)

    def wake(self, after_ms: int | None = None) -> list[Command]:
        """Let the alarm clock ring when it is set to, or after so long."""
        self.now = Instant(self.now + after_ms) if after_ms is not None else max(self.now, self.wake_at or self.now)
        self.do(self.node.on_wake(self.now))
        return self.said

    @property
    def said(self) -> list[Command]:
        return [read_command(e.cluster, e.octets, self.side)[1] for e in self.effects if isinstance(e, SendHan)]

    @property
    def sequences(self) -> list[int]:
        return [read_command(e.cluster, e.octets, self.side)[0] for e in self.effects if isinstance(e, SendHan)]

    @property
    def frames(self) -> list[object]:
        return [read_frame(effect.octets) for effect in self.effects if isinstance(effect, SendWan)]

    @property
    def uplinks(self) -> list[Uplink]:
        return [frame for frame in self.frames if isinstance(frame, Uplink)]

    @property
    def reports(self) -> list[object]:
        key = keys().certificate(CHF, KeyUsage.DIGITAL_SIGNATURE).public_key
        return [open_uplink(uplink, key) for uplink in self.uplinks]

    @property
    def receipts(self) -> list[Receipt]:
        return [report for report in self.reports if isinstance(report, Receipt)]

    def noted(self, kind: str) -> list[Note]:
        return [effect for effect in self.effects if isinstance(effect, Note) and effect.kind == kind]

    def wan(self, frame: object) -> list[Effect]:
        return self.do(self.node.on_wan(write_frame(frame), self.now))

    def serve(self, image: bytes, chunk_octets: int = 1000) -> list[Effect]:
        """Give a hub a whole image, chunk by chunk; give the effects of the last one."""
        for offset in range(0, len(image), chunk_octets):
            data = image[offset : offset + chunk_octets]
            digest = hashlib.sha256(image).digest()
            self.wan(ImageChunk(image_hash=digest, offset=offset, image_octets=len(image), data=data))
        return self.effects


def function(address: Eui64, device_type: DeviceType) -> Entity:
    """One of the hub's two functions, as it takes commands."""
    agreement = keys().credential(address, KeyUsage.KEY_AGREEMENT)
    acb = keys().certificate(DCC, KeyUsage.KEY_AGREEMENT, ACB)
    return Entity(address=address, device_type=device_type, agreement=agreement, acb=acb)


def hub_bench(policies: Policies | None = None, device_log: Mapping[Eui64, DeviceType] | None = None) -> Bench:
    identity = HubIdentity(
        chf=CHF,
        acb=DCC,
        signing=keys().credential(CHF, KeyUsage.DIGITAL_SIGNATURE),
        acb_signing=keys().certificate(DCC, KeyUsage.DIGITAL_SIGNATURE, ACB).public_key,
        device_log=DEVICE_LOG if device_log is None else device_log,
        functions=(function(CHF, DeviceType.CHF), function(GPF, DeviceType.GPF)),
        firmware_version=HUB_VERSION,
    )
    return Bench(lambda memory: CommsHub(identity, policies or Policies(), memory), Side.SERVER)


def device_bench(policies: Policies | None = None, **changes: object) -> Bench:
    facts: dict[str, object] = {
        "address": PPMID,
        "hub": CHF,
        "profile": PROFILES[DeviceType.PPMID],
        "manufacturer": 0x121D,
        "image_type": 0x0084,
        "hardware_version": 0x1111,
        "factory_image": ppmid_file(500, version=OLD),
        "capacity_octets": 768_000,
        "credentials": GbcsCredentials(
            signing=keys().credential(PPMID, KeyUsage.DIGITAL_SIGNATURE),
            agreement=keys().credential(PPMID, KeyUsage.KEY_AGREEMENT),
            acb=keys().certificate(DCC, KeyUsage.KEY_AGREEMENT, ACB),
        ),
    }
    identity = DeviceIdentity(**(facts | changes))
    return Bench(lambda memory: HanDevice(identity, policies or Policies(), memory), Side.CLIENT)
