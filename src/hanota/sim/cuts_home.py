"""A home of one hub and one device under a virtual clock, of which a copy can be made at the instant the power goes.

Everything that is going to happen lies on one heap and nothing is left to chance, so a copy goes on as the home itself
would. Copies share the octets of blocks and images, which are values; what the hub has in mind is copied.
"""

import copy
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hanota.base.instant import MINUTE, SECOND, Instant
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.edge.devices import HanDevice
from hanota.edge.devices.banks import Banks
from hanota.edge.effects import Effect, Note, SendHan, SendWan, Store, Wake
from hanota.edge.hub import CommsHub
from hanota.sim.cuts_scene import Scene
from hanota.sim.plan import START
from hanota.wire.gbcs.message import read_message
from hanota.wire.gbcs.payload import read_payload
from hanota.wire.gbcs.values import (
    ActivateImageResponseCode,
    ActivationAlert,
    ActivationOutcome,
    ActivationResult,
    DistributionReceipt,
    TransferAlert,
)
from hanota.wire.wan import (
    Acknowledge,
    Fetch,
    GbcsDown,
    GbcsUp,
    ImageChunk,
    Receipt,
    ReceiptStatus,
    Uplink,
    open_uplink,
    read_frame,
    write_frame,
)
from hanota.wire.zcl import OTA_CLUSTER, ImageBlockRequest, ImagePageRequest, Side, UpgradeEndRequest, read_command

HAN_MS: Final = 15
WAN_MS: Final = 40
OFF_MS: Final = 1 * SECOND
COMMAND_AGAIN_MS: Final = 10 * MINUTE

Watcher = Callable[["CutHome", Sequence[Store], int], None]
"""Is shown the home before a turn of the device is stored: what the turn stores, and how many octets of a block; 0
where it is no block or more than one store."""


@dataclass(slots=True, kw_only=True)
class CutHome:
    """The home. `taken` is how many octets of the image the device has stored in one go from the first one on.

    Since the power came back: `asked` is the offset that the device asked for first, `took` that of the first block it
    stored, `ended` whether it said that it has the image whole. `wrong` is what must never be.
    """

    scene: Scene
    hub: CommsHub
    device: HanDevice | None = None
    memory: dict[str, bytes] = field(default_factory=dict)
    now: Instant = START
    heap: list[tuple[Instant, int, str, tuple[int, bytes]]] = field(default_factory=list)
    pushed: int = 0
    alarms: dict[str, Instant] = field(default_factory=dict)
    taken: int = 0
    asked: int | None = None
    took: int | None = None
    ended: bool = False
    events: set[int] = field(default_factory=set)
    heard: Counter[str] = field(default_factory=Counter)
    wrong: str = ""
    watcher: Watcher | None = None

    @classmethod
    def begin(cls, scene: Scene, watcher: Watcher | None = None) -> "CutHome":
        """Give the home as the order for the image sets out."""
        home = cls(scene=scene, hub=CommsHub(scene.hub, scene.policies, {}), watcher=watcher)
        home._apply_hub(home.hub.start(START))
        home._push(START, "power")
        home._push(Instant(START + 10 * SECOND), "down", scene.order)
        return home

    def cut(self, stores: Iterable[Store]) -> "CutHome":
        """Give a copy in which these stores still got through, and the device has no power then."""
        return self.cut_to(_stored(self.memory, stores))

    def cut_to(self, memory: dict[str, bytes]) -> "CutHome":
        """Give a copy whose device has no power, and will remember `memory` when it comes back."""
        scene = self.scene
        shared = {id(value): value for value in (scene.hub, scene.policies)}
        other = replace(
            self,
            hub=copy.deepcopy(self.hub, shared),
            device=None,
            memory=memory,
            heap=list(self.heap),
            alarms={name: at for name, at in self.alarms.items() if name != "device"},
            events=set(self.events),
            heard=self.heard.copy(),
            asked=None,
            took=None,
            ended=False,
            watcher=None,
        )
        other._push(Instant(self.now + OFF_MS), "power")
        return other

    @property
    def bootable(self) -> bool:
        """Whether there is a bank to boot, and what is in it is the old image or the new one, octet for octet."""
        return Banks(self.scene.old, self.memory).running in (self.scene.old, self.scene.new)

    @property
    def boots_new(self) -> bool:
        """Whether it is the new image that would boot now."""
        return Banks(self.scene.old, self.memory).running == self.scene.new

    @property
    def settled(self) -> bool:
        """Whether the device runs the image that is to run in the end, and not on trial."""
        banks = self.device.banks if self.device is not None else None
        return banks is not None and banks.running == self.scene.last and not banks.on_trial

    @property
    def all_said(self) -> bool:
        """Whether everything that is owed has been heard."""
        return all(self.heard[owed] for owed in (*self.scene.owed, "receipt TRANSFERRED"))

    @property
    def said_once(self) -> bool:
        """Whether that, and of messages nothing else and nothing twice, has been heard."""
        messages = {said: count for said, count in self.heard.items() if not said.startswith("receipt ")}
        return messages == dict.fromkeys(self.scene.owed, 1) and self.all_said

    def step(self) -> bool:
        """Let the next thing happen; False where nothing more will."""
        if not self.heap:
            return False
        self.now, _, kind, facts = heapq.heappop(self.heap)
        _EVENTS[kind](self, facts[1])
        return True

    def run(self, until: Callable[["CutHome"], bool], events_max: int) -> bool:
        """Go on until it is so. False where something went wrong, or it is not so after so many events."""
        for _ in range(events_max):
            if self.wrong or not self.step():
                return False
            if until(self):
                return not self.wrong
        return False

    def told(self) -> str:
        """Say in what state it is."""
        heard = ", ".join(f"{said} (x{count})" for said, count in sorted(self.heard.items()))
        asked = f"asked for {self.asked}, stored {self.took}, has {self.taken} octets"
        return f"{asked}, {'settled' if self.settled else 'not settled'}; heard {heard or 'nothing'}"

    def _push(self, at: Instant, kind: str, octets: bytes = b"", number: int = 0) -> None:
        self.pushed += 1
        heapq.heappush(self.heap, (at, self.pushed, kind, (number, octets)))

    def _alarm(self, name: str, at: Instant) -> None:
        at = max(at, self.now)
        if self.alarms.get(name) != at:
            self.alarms[name] = at
            self._push(at, name)

    def _rings(self, name: str) -> bool:
        """Whether an alarm clock is still set to now."""
        if self.alarms.get(name) != self.now:
            return False
        del self.alarms[name]
        return True

    # The device

    def _on_power(self, _: bytes) -> None:
        if not self.bootable:
            self.wrong = "no bank to boot"
            return
        self.device = self.scene.power_on(dict(self.memory), self.now)
        self._apply_device(self.device.start(self.now))

    def _on_device_alarm(self, _: bytes) -> None:
        if self._rings("device") and self.device is not None:
            self._apply_device(self.device.on_wake(self.now))

    def _on_to_device(self, octets: bytes) -> None:
        if self.device is not None and self.device.listening:
            cluster = int.from_bytes(octets[:2], "big")
            self._apply_device(self.device.on_frame(self.scene.hub.chf, cluster, octets[2:], self.now))

    def _apply_device(self, effects: Sequence[Effect]) -> None:
        stores = [effect for effect in effects if isinstance(effect, Store)]
        if stores:
            notes = {effect.kind: effect.facts for effect in effects if isinstance(effect, Note)}
            block = notes.get("block")
            if self.watcher is not None:
                octets = block["octets"] if block is not None and len(stores) == 1 else 0
                assert isinstance(octets, int)
                self.watcher(self, stores, octets)
            self._keep(stores, block)
        for effect in effects:
            if isinstance(effect, SendHan):
                self._look_at_request(effect)
                self._send_han("to hub", effect)
            elif isinstance(effect, Wake):
                self._alarm("device", effect.at)

    def _keep(self, stores: Sequence[Store], block: Mapping[str, object] | None) -> None:
        boots = f"bank/{self.memory.get('boot', b'0').decode()}"
        if any(store.key == boots for store in stores):
            self.wrong = f"wrote to {boots}, which boots"
        put(self.memory, stores)
        if not self.bootable:
            self.wrong = "no bank to boot"
        if block is not None:
            offset, octets = block["offset"], block["octets"]
            assert isinstance(offset, int)
            assert isinstance(octets, int)
            self.took = offset if self.took is None else self.took
            self.taken = offset + octets

    def _look_at_request(self, sent: SendHan) -> None:
        if sent.cluster != OTA_CLUSTER:
            return
        command = read_command(sent.cluster, sent.octets, Side.CLIENT)[1]
        if isinstance(command, ImageBlockRequest | ImagePageRequest) and self.asked is None:
            self.asked = command.offset
        self.ended |= isinstance(command, UpgradeEndRequest)

    # The hub

    def _on_hub_alarm(self, _: bytes) -> None:
        if self._rings("hub"):
            self._apply_hub(self.hub.on_wake(self.now))

    def _on_to_hub(self, octets: bytes) -> None:
        cluster = int.from_bytes(octets[:2], "big")
        self._apply_hub(self.hub.on_frame(self.scene.device, cluster, octets[2:], self.now))

    def _on_down(self, octets: bytes) -> None:
        self._apply_hub(self.hub.on_wan(octets, self.now))

    def _apply_hub(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, SendHan) and effect.to == self.scene.device:
                self._send_han("to device", effect)
            elif isinstance(effect, SendWan):
                self._push(Instant(self.now + WAN_MS), "up", effect.octets)
            elif isinstance(effect, Wake):
                self._alarm("hub", effect.at)

    def _send_han(self, kind: str, sent: SendHan) -> None:
        self._push(Instant(self.now + HAN_MS), kind, sent.cluster.to_bytes(2, "big") + sent.octets)

    # The head end, and the Supplier behind it

    def _on_up(self, octets: bytes) -> None:
        frame = read_frame(octets)
        if isinstance(frame, Fetch):
            image = self.scene.new
            data = image[frame.offset : frame.offset + frame.max_octets]
            self._send_down(
                write_frame(
                    ImageChunk(image_hash=frame.image_hash, offset=frame.offset, image_octets=len(image), data=data)
                )
            )
        elif isinstance(frame, Uplink):
            self._send_down(write_frame(Acknowledge(event=frame.event)))
            if frame.event not in self.events:
                self.events.add(frame.event)
                self._hear(frame)

    def _hear(self, uplink: Uplink) -> None:
        report = open_uplink(uplink, self.scene.hub.signing.certificate.public_key)
        if isinstance(report, Receipt):
            self.heard[f"receipt {report.status.name}"] += 1
            if report.status is ReceiptStatus.TRANSFERRED and self.scene.command is not None:
                self._alarm("command", self.now)
        elif isinstance(report, GbcsUp):
            self.heard[_in_words(report.data, self.scene.last_version)] += 1

    def _on_command(self, _: bytes) -> None:
        """The Supplier's command goes out, again and again until it is answered."""
        command = self.scene.command
        if self._rings("command") and command is not None and not self.all_said:
            self._send_down(write_frame(GbcsDown(message=1, device=self.scene.device, data=command)))
            self._alarm("command", Instant(self.now + COMMAND_AGAIN_MS))

    def _send_down(self, octets: bytes) -> None:
        self._push(Instant(self.now + WAN_MS), "down", octets)


_EVENTS: Final[Mapping[str, Callable[[CutHome, bytes], None]]] = {
    "power": CutHome._on_power,
    "device": CutHome._on_device_alarm,
    "to device": CutHome._on_to_device,
    "hub": CutHome._on_hub_alarm,
    "to hub": CutHome._on_to_hub,
    "down": CutHome._on_down,
    "up": CutHome._on_up,
    "command": CutHome._on_command,
}


_ENDS: Final[Mapping[tuple[type, int], str]] = {
    (ActivationAlert, ActivationResult.SUCCESS): "activated on receipt",
    (ActivationAlert, ActivationResult.FAILURE): "fell back on receipt",
    (ActivationOutcome, ActivateImageResponseCode.SUCCESS): "activated by command",
    (ActivationOutcome, ActivateImageResponseCode.ACTIVATION_FAILURE): "fell back by command",
}


def put(memory: dict[str, bytes], stores: Iterable[Store]) -> None:
    """Write these stores into a memory."""
    for store in stores:
        if store.value is None:
            memory.pop(store.key, None)
        else:
            memory[store.key] = store.value


def _stored(memory: Mapping[str, bytes], stores: Iterable[Store]) -> dict[str, bytes]:
    written = dict(memory)
    put(written, stores)
    return written


def _in_words(octets: bytes, version: int) -> str:
    """Say what a message means, if it may be of an end that was expected; else what is in it.

    Args: version: of the image that is to run in the end.
    """
    payload = read_payload(read_message(octets))
    match payload:
        case TransferAlert(result=TransferResponseCode.FILE_TRANSFER_SUCCESS):
            return "image transferred"
        case DistributionReceipt(alert_code=AlertCode.FIRMWARE_VERIFIED):
            return "image verified"
        case ActivationAlert(file_version=running) | ActivationOutcome(file_version=running) if running == version:
            return _ENDS.get((type(payload), payload.result), str(payload))
    return str(payload)
