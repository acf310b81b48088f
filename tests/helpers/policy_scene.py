"""Two homes under one set of policies, three images at once, two consumers, and a hand-held terminal: what is seen.

Head end, network, hubs and devices are those of `hanota up`; only the clock jumps. The patient consumer of the first
home says LATER once and then YES; the unwilling one of the second says NO, whether there is a button for it or not.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any, Final

from sqlalchemy import select

from hanota.app.world import World, WorldSettings
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import HOUR, MINUTE, SECOND, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription, EstateFile, Observed, builtin_description
from hanota.edge.estate.description import PremisesDescription
from hanota.edge.hub.slots import slots_in_use
from hanota.edge.memory import unpack
from hanota.model.policies import (
    ConsentPolicy,
    HanPolicy,
    HubPolicy,
    LocalUpgradePolicy,
    Policies,
    WanPolicy,
)
from hanota.model.profiles import PROFILES
from hanota.process.statements import StatementRefused
from hanota.records.store import Store, open_store
from hanota.records.store import schema as t
from hanota.supplier.attest import signed_statement
from hanota.wan.inprocess import NetworkModel
from hanota.wire import duis
from hanota.wire.otaimage import GbImage, sign_image, write_image
from hanota.wire.smki import KeyDirectory
from hanota.wire.statements import LocalUpgradeStatement
from hanota.wire.wan import ConsentAnswer
from hanota.wire.zcl import Answer
from helpers.homes import certified, plain_image
from helpers.premises import DCC, NEW, NOW
from helpers.world import SUPPLIER_1

PPMID, ESME, HCALCS = DeviceType.PPMID, DeviceType.ESME, DeviceType.HCALCS
LOCAL: Final = 0x0003_0000
PATIENT, UNWILLING = "Home 1", "Home 2"
PRESSES: Final = {PATIENT: (Answer.LATER, Answer.YES), UNWILLING: (Answer.NO,)}
OCTETS: Final = {PPMID: 720, ESME: 800, HCALCS: 270}  # of the images, in the order in which they are asked for
BLOCK: Final = 200  # octets, one every two seconds

CHUNK: Final = 800  # octets over the WAN at a time: of the images only the ESME's needs two
LOOK_MS: Final = 5 * SECOND  # how often the head end looks, and serves a chunk
THINK_MS: Final = 2 * MINUTE  # what a consumer takes to answer
SETTLED_MS: Final = 2 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of each of the four policies."""

    slots: str
    priority: str
    consent: str
    local: str

    def policies(self) -> Policies:
        return Policies(
            hub=HubPolicy(slots=self.slots, shared_slots=2, priority=self.priority),
            consent=ConsentPolicy(mode=self.consent, defer_ms=10 * MINUTE, defers_max=2),
            local_upgrade=LocalUpgradePolicy(mode=self.local),
            han=HanPolicy(block_octets=BLOCK, min_block_period_ms=2 * SECOND),
            wan=WanPolicy(order_retry_ms=30 * SECOND, chunk_octets=CHUNK),
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """A hub took an order: when, and the slot that its memory names for it."""

    at: Instant
    slot: str


@dataclass(frozen=True, slots=True)
class Block:
    """A device got a block."""

    at: Instant
    offset: int


@dataclass(frozen=True, slots=True)
class Told:
    """The inventory after a statement was handed in: what became of that, the version, whence, and the N49 so far."""

    statement: str
    version: int
    origin: str
    mismatches: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Seen:
    """What was seen in one home. The devices' own memory and the head end's store are asked as it happens."""

    home: PremisesDescription
    refused: Counter[DeviceType] = field(default_factory=Counter)
    taken: dict[DeviceType, Taken] = field(default_factory=dict)
    held: dict[DeviceType, Instant] = field(default_factory=dict)
    left: dict[DeviceType, Instant] = field(default_factory=dict)
    blocks: dict[DeviceType, list[Block]] = field(default_factory=lambda: defaultdict(list))
    aside: Counter[DeviceType] = field(default_factory=Counter)
    screen: dict[Instant, tuple[str, tuple[Answer, ...]]] = field(default_factory=dict)  # texts, with their buttons
    pressed: list[tuple[Instant, Answer]] = field(default_factory=list)
    no_button: list[Answer] = field(default_factory=list)
    slots_while_asked: list[str] | None = None
    ran: list[tuple[Instant, int]] = field(default_factory=list)
    terminal: list[str] = field(default_factory=list)
    ends: dict[DeviceType, str] = field(default_factory=dict)
    consent: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    no_stands_ms: list[int] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def device(self, kind: DeviceType) -> Eui64:
        return next(device.eui for device in self.home.devices if device.device_type is kind)

    def see(self, note: Observed, hub_memory: dict[str, bytes]) -> None:
        """Take one thing that hub, device or terminal noted."""
        facts = note.facts
        about = Eui64.parse(str(facts["device"])) if "device" in facts else note.node
        kind = next((device.device_type for device in self.home.devices if device.eui == about), None)
        match note.kind:
            case "hub_answered":
                self.terminal.append(str(facts["status"]))
            case _ if kind is None:
                pass
            case "order" if facts["state"] == "ACCEPTED":
                self.taken[kind] = Taken(note.at, unpack(hub_memory[f"order/{facts['order']:016x}"])["slot"])
            case "order":
                self.refused[kind] += 1
            case "image_held":
                self.held[kind] = note.at
            case "order_ended" | "order_handed_over":
                self.left.setdefault(kind, note.at)
            case "block" if not self.terminal:
                self.blocks[kind].append(Block(note.at, int(str(facts["offset"]))))
            case "stepped_aside":
                self.aside[kind] += 1
            case "pressed":
                self.pressed.append((note.at, Answer(str(facts["answer"]))))
            case "press_ignored":
                self.no_button.append(Answer(str(facts["answer"])))
            case "activated":
                self.ran.append((note.at, int(str(facts["version"]))))


def _homes(base: EstateDescription) -> tuple[PremisesDescription, ...]:
    """The first home of the built-in estate, with an electricity meter, a PPMID and an HCALCS only, and its twin."""
    first, meter = base.premises[0], base.premises[0].meter_points[0]

    def other(eui: Eui64, number: int) -> Eui64:
        return Eui64(eui.value + (number << 12))

    return tuple(
        replace(
            first,
            name=name,
            uprn=first.uprn + number,
            hub=replace(first.hub, chf=other(first.hub.chf, number), gpf=other(first.hub.gpf, number)),
            meter_points=(replace(meter, mpxn=f"{number}{meter.mpxn[1:]}", device=other(meter.device, number)),),
            devices=tuple(
                replace(device, eui=other(device.eui, number))
                for device in first.devices
                if device.device_type in OCTETS
            ),
        )
        for number, name in enumerate((PATIENT, UNWILLING))
    )


@cache
def estate() -> EstateDescription:
    """The two homes, and the images of the scene on the Certified Product List."""
    base = builtin_description()
    images = [*(plain_image(kind, NEW, octets) for kind, octets in OCTETS.items()), local_image()]
    return replace(base, premises=_homes(base), products=tuple(certified(image) for image in images))


def local_image() -> GbImage:
    """What the terminal brings to a PPMID; certified, too."""
    return plain_image(PPMID, LOCAL, 300)


def _world(choice: Choice, memory: EstateFile, store: Store) -> World:
    return World(
        WorldSettings(description=estate(), policies=choice.policies(), network=NetworkModel(jitter_ms=0)),
        now=NOW,
        rng=Random(3),
        store=store,
        memory=memory,
    )


@cache
def _template(choice: Choice) -> Store:
    """A store with the registry of the two homes; keys are drawn from the seed, so every world has the same."""
    store = open_store(None)
    _world(choice, EstateFile(), store)
    return store


@cache
def _requests() -> tuple[bytes, ...]:
    """The Supplier's three signed requests, each for the devices of both homes."""
    world = _world(_FIRST, EstateFile(), _template(_FIRST).copied(Store))
    signer = world.keys.credential(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
    asked = [_request(kind, counter, world.keys) for counter, kind in enumerate(OCTETS, 1)]
    world.close()
    return tuple(duis.sign(duis.write_request(request), signer) for request in asked)


def _request(kind: DeviceType, counter: int, keys: KeyDirectory) -> duis.FirmwareRequest:
    image = plain_image(kind, NEW, OCTETS[kind])
    if PROFILES[kind].supplier_signed:
        signer = keys.credential(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)
        image = sign_image(image, signer.key)
    service = PROFILES[kind].service_reference
    return duis.FirmwareRequest(
        header=duis.RequestHeader(
            request_id=RequestId(SUPPLIER_1, DCC, counter),
            command_variant=8,
            service_reference=service,
            service_reference_variant=service,
        ),
        image=write_image(image),
        firmware_version=f"{NEW:08X}",
        device_list=duis.join_devices([Seen(home).device(kind) for home in estate().premises]),
    )


_FIRST: Final = Choice(slots="as_set", priority="none", consent="none", local="banned")


class Scene:
    """The scene under one choice of policies, played by `play`; `homes` is what was seen."""

    def __init__(self, choice: Choice) -> None:
        self._memory = EstateFile()
        self._world = _world(choice, self._memory, _template(_FIRST).copied(Store))
        self.homes = {home.name: Seen(home) for home in estate().premises}
        self._world.estate.observe(self._see)
        self._presses = {name: list(answers) for name, answers in PRESSES.items()}
        self._now = self._look_at = NOW
        self._visited = NOW

    def _see(self, note: Observed) -> None:
        home = self.homes[note.home]
        home.see(note, self._memory.memory_of(home.home.hub.chf))

    def play(self) -> dict[str, Seen]:
        """Play it from beginning to end."""
        try:
            self._run(MINUTE)
            for octets in _requests():
                answer = self._world.submit(octets, "D", self._now)
                assert answer.code.accepted, answer
            end = self._now + SETTLED_MS
            while self._now < end:
                self._run(MINUTE // 2)
                for seen in self.homes.values():
                    self._watch(seen)
            self._look_up()
            self._visit()
        finally:
            self._world.close()
        return self.homes

    def _run(self, ms: int) -> None:
        """Let time pass; the head end looks now and then, as one that has more homes than these does."""
        end = Instant(self._now + ms)
        while True:
            homes, head_end = self._world.homes_due(), self._world.head_end_due()
            look = None if head_end is None else max(head_end, self._look_at)
            dues = [due for due in (homes, look) if due is not None and due <= end]
            if not dues:
                break
            self._now = Instant(max(self._now, min(dues)))
            if homes is not None and homes <= self._now:
                self._world.step_homes(self._now)
            if look is not None and look <= self._now:
                self._world.step_head_end(self._now)
                self._look_at = Instant(self._now + LOOK_MS)
        self._now = end

    def _watch(self, seen: Seen) -> None:
        """Read the PPMID's screen, and let the consumer answer a question that has stood there for a while."""
        device = seen.device(PPMID)
        showing = self._world.estate.showing(device)
        if showing is None:
            return
        if showing.notice is not None:
            seen.screen.setdefault(Instant(showing.notice.message), (showing.notice.text, ()))
        question = showing.question
        if question is None or question.state != "SHOWN":
            return
        seen.screen.setdefault(Instant(question.message), (question.text, question.buttons))
        presses = self._presses[seen.home.name]
        if presses and self._now >= question.since + THINK_MS:
            seen.slots_while_asked = slots_in_use(self._memory.memory_of(seen.home.hub.chf))
            self._world.press(device, presses.pop(0), self._now)

    def _look_up(self) -> None:
        """Look up in the head end's store what has become of everything by now."""
        rows, deliveries = self._rows, self._rows(t.delivery)
        for seen in self.homes.values():
            for kind in OCTETS:
                (mine,) = (row for row in deliveries if row.device == seen.device(kind).signed)
                seen.ends[kind] = mine.state
                if kind is PPMID:
                    said = [row for row in rows(t.report, delivery=mine.id) if row.event.startswith("cons")]
                    seen.consent = [ConsentAnswer(row.result).name for row in said]
                    seen.alerts = [row.kind for row in rows(t.message, delivery=mine.id)]
                    seen.no_stands_ms = [row.until - row.at for row in rows(t.refusal, delivery=mine.id)]

    def _rows(self, table: Any, **where: Any) -> list[Any]:
        with self._world.store.reading() as connection:
            same = [table.c[name] == value for name, value in where.items()]
            return list(connection.execute(select(table).where(*same).order_by(*table.primary_key.columns)))

    def _visit(self) -> None:
        """A terminal upgrades both PPMIDs. Of the first the Supplier states so at once, of the second an hour later."""
        self._visited = self._now
        for seen in self.homes.values():
            image, device = write_image(local_image()), seen.device(PPMID)
            self._world.estate.visit(seen.home.name, self._now, image=image, device=device)
        early, late = self.homes[PATIENT], self.homes[UNWILLING]
        stated = self._state(early)
        self._run(HOUR)
        self._note_inventory(early, stated)
        self._note_inventory(late, "none")
        stated = self._state(late)
        self._run(HOUR)
        self._note_inventory(late, stated)

    def _state(self, seen: Seen) -> str:
        """Hand in the Supplier's signed statement; give what became of it."""
        statement = LocalUpgradeStatement(
            party=SUPPLIER_1,
            device=seen.device(PPMID),
            version=LOCAL,
            manufacturer_hash=local_image().manufacturer_hash,
            done_at=self._visited,
            done_by="an engineer",
            reason="the display did not answer its hub",
        )
        try:
            explained = self._world.attest(signed_statement(statement, self._world.keys), self._now)
        except StatementRefused as refusal:
            return refusal.reason.value
        return "explains" if explained else "kept"

    def _note_inventory(self, seen: Seen, statement: str) -> None:
        device = seen.device(PPMID).signed
        (row,) = self._rows(t.device, eui=device)
        told = self._rows(t.message, device=device, kind="Mismatch")
        assert all(message.delivered_at is not None for message in told)
        mismatches = tuple((message.version_smi, message.version) for message in told)
        seen.told.append(Told(statement, row.version, row.version_origin, mismatches))
