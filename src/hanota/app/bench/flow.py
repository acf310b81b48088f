"""`hanota bench flow`: the same orders to homes frame by frame and to homes at flow level, and how their times differ.

Both estates stand behind the same carrier, before a counter that sends orders and questions, serves octets, takes
reports and notes when they were made. The model is fitted to some homes and compared with others, with an image of
another size.
"""

import hashlib
import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol

import polars as pl

from hanota.app.bench.machine import machine
from hanota.app.bench.town import display_image
from hanota.app.pki import make_pki
from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, HOUR, MINUTE, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import Estate, EstateDescription, builtin_description
from hanota.edge.estate.description import PremisesDescription
from hanota.edge.estate.flow import FlowEstate, FlowHomes, Spread, Timing
from hanota.edge.estate.flow.fitting import PARTS, fit, ks_distance
from hanota.model.policies import Policies
from hanota.wan.inprocess import InProcessWan, NetworkModel
from hanota.wire.gbcs import (
    ActivationAlert,
    TransferAlert,
    VersionRead,
    read_message,
    read_payload,
    read_version_command,
)
from hanota.wire.otaimage import GbImage, write_image
from hanota.wire.smki import KeyDirectory
from hanota.wire.wan import (
    Acknowledge,
    Distribute,
    Fetch,
    GbcsDown,
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

KS_MAX: Final = 0.35
MEDIAN_MAX: Final = 0.02
_NETWORK: Final = NetworkModel()
_TRAVEL: Final = Spread(_NETWORK.latency_ms + _NETWORK.jitter_ms / 2, _NETWORK.jitter_ms / 12**0.5)
_FIRST_NODE: Final = 0x00DB_6000_0000_0000
_NODES_EACH: Final = 4
_SEED: Final = 11
_FRAMES_MAX: Final = 1000
_SETTLE_MS: Final = MINUTE
_GIVE_UP_MS: Final = 2 * DAY


_NOTED: Final[Mapping[ReceiptStatus, str]] = {ReceiptStatus.ACCEPTED: "taken", ReceiptStatus.HELD: "held"}


class HomesSilent(HanotaError):
    """Not every home told how its delivery ended: the times would mean nothing."""

    code, fault = "HOTA-BENCH-009", Fault.US
    what = "of {homes} homes {told} told of everything in {hours} hours of virtual time"
    remedy = "report this with the log lines around it"


class _Homes(Protocol):
    def advance(self, now: Instant) -> Instant | None: ...
    def next_due(self) -> Instant | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOutcome:
    """Medians of each part in milliseconds, frame by frame and at flow level, and the distance of the distributions.

    `ks_noise` is what two lots of so many times from one distribution would differ by in one case of twenty.
    """

    homes: int
    image_octets: int
    median_ms: Mapping[str, tuple[float, float]]
    median_difference: Mapping[str, float]
    ks_distance: Mapping[str, float]
    ks_noise: float
    whole_median_difference: float
    timing: Timing
    machine: str

    @property
    def limits(self) -> dict[str, float]:
        """What the figures are held to."""
        return {"whole_median_difference_max": MEDIAN_MAX}

    @property
    def passed(self) -> bool:
        """Whether a delivery as a whole takes the same time at both levels."""
        return abs(self.whole_median_difference) <= MEDIAN_MAX

    def as_dict(self) -> dict[str, Any]:
        """Give the row for JSON."""
        return {"name": "flow", **asdict(self), "limits": self.limits, "passed": self.passed}


def bench_flow(
    *, now: Instant, homes: int = 24, fitted: tuple[int, int] = (10_000, 70_000), compared: int = 40_000
) -> FlowOutcome:
    """Fit to homes frame by frame with images of two sizes, and compare others with homes at flow level.

    Raises HomesSilent.
    """
    scene = _Scene.make(homes, now)
    seen = pl.concat([scene.times(scene.by_frames, octets, now) for octets in fitted])
    timing = fit(seen, period_ms=scene.policies.han.min_block_period_ms, travel=_TRAVEL)
    frames = scene.times(scene.by_frames, compared, now)
    flow = scene.times(lambda wan: scene.by_flow(wan, timing), compared, now)
    medians = {part: (_median(frames[part]), _median(flow[part])) for part in (*PARTS, "whole")}
    return FlowOutcome(
        homes=homes,
        image_octets=compared,
        median_ms=medians,
        median_difference={part: _apart(*pair) for part, pair in medians.items()},
        ks_distance={part: round(ks_distance(frames[part], flow[part]), 3) for part in (*PARTS, "whole")},
        ks_noise=round(1.36 * (2 / homes) ** 0.5, 3),
        whole_median_difference=_apart(*medians["whole"]),
        timing=timing,
        machine=machine(),
    )


@dataclass(frozen=True, slots=True)
class _Scene:
    """Homes with hub and PPMID each, and everybody's keys."""

    description: EstateDescription
    keys: KeyDirectory
    policies: Policies

    @classmethod
    def make(cls, homes: int, now: Instant) -> "_Scene":
        base = builtin_description()
        premises = tuple(_home(base.premises[0], number) for number in range(homes))
        description = replace(base, premises=premises, products=())
        keys = make_pki(dcc=base.dcc, devices=description.nodes(), rng=secrets.SystemRandom(), now=now)
        return cls(description, keys, Policies())

    def by_frames(self, wan: InProcessWan) -> _Homes:
        """Give the homes frame by frame."""
        rng = random.Random(_SEED)  # noqa: S311 - a measurement that can be repeated
        return Estate(self.description, wan=wan.premises, keys=self.keys, policies=self.policies, rng=rng)

    def by_flow(self, wan: InProcessWan, timing: Timing) -> _Homes:
        """Give the same homes at flow level."""
        rows = [
            (home.hub.chf.signed, device.eui.signed, device.device_type.value, device.firmware_version)
            for home in self.description.premises
            for device in home.devices
        ]
        columns = pl.DataFrame(rows, schema=["hub", "device", "device_type", "version"], orient="row")
        acb, dcc = CertificateRole.ACCESS_CONTROL_BROKER, self.description.dcc
        return FlowEstate(
            FlowHomes(columns, policies=self.policies, seed=_SEED, timing=timing),
            wan=wan.premises,
            credential=self.keys.credential,
            acb=self.keys.certificate(dcc, KeyUsage.KEY_AGREEMENT, acb),
            acb_signing=self.keys.certificate(dcc, KeyUsage.DIGITAL_SIGNATURE, acb).public_key,
        )

    def times(self, homes: Callable[[InProcessWan], _Homes], octets: int, now: Instant) -> pl.DataFrame:
        """Let every home have an image of that size, and give how long each part took."""
        wan = InProcessWan(_NETWORK, random.Random(_SEED + octets))  # noqa: S311 - chance of a model, no secret
        image = display_image(self.description, octets)
        counter = _Counter(self, wan, image)
        counter.run(homes(wan), now)
        size, chunk = self.policies.han.block_octets, self.policies.wan.chunk_octets
        whole = len(counter.file)
        return counter.times().with_columns(
            blocks=pl.lit(-(-whole // size), pl.Int64), chunks=pl.lit(-(-whole // chunk), pl.Int64)
        )


class _Counter:
    """Sends an order to every home and notes when it tells of it, by its own clock."""

    def __init__(self, scene: _Scene, wan: InProcessWan, image: GbImage) -> None:
        self._scene, self._wan, self._image = scene, wan, image
        self.file = write_image(image)
        acb, dcc = CertificateRole.ACCESS_CONTROL_BROKER, scene.description.dcc
        self._signing = scene.keys.credential(dcc, KeyUsage.DIGITAL_SIGNATURE, acb)
        self._agreeing = scene.keys.credential(dcc, KeyUsage.KEY_AGREEMENT, acb)
        self._noted: dict[Eui64, dict[str, int]] = {}  # by hub
        self._questions: list[tuple[Instant, Eui64]] = []

    def run(self, homes: _Homes, now: Instant) -> None:
        """Go on until every home has answered."""
        homes.advance(now)
        for order, home in enumerate(self._scene.description.premises, 1):
            self._noted[home.hub.chf] = {"order": order, "ordered": now}
            self._wan.head_end.send(home.hub.chf, self._order(order, home, now), now)
        end = Instant(now + _GIVE_UP_MS)
        while now < end and not self._all_told():
            homes.advance(now)
            self._hear(now)
            self._ask(now)
            dues = [homes.next_due(), self._wan.next_due(), *(at for at, _ in self._questions)]
            now = Instant(max(now + 1, min((due for due in dues if due is not None), default=end)))
        told = sum("answered" in noted for noted in self._noted.values())
        require(self._all_told(), HomesSilent, homes=len(self._noted), told=told, hours=_GIVE_UP_MS // HOUR)

    def times(self) -> pl.DataFrame:
        """Give the parts of each home's delivery, milliseconds, and the `whole` up to the activation."""
        noted = pl.DataFrame(list(self._noted.values()))
        return noted.select(
            fetch=pl.col("held") - pl.col("taken"),
            transfer=pl.col("transferred") - pl.col("held"),
            activation=pl.col("activated") - pl.col("transferred"),
            answer=pl.col("answered") - pl.col("asked"),
            whole=pl.col("activated") - pl.col("ordered"),
        )

    def _all_told(self) -> bool:
        return all("answered" in noted for noted in self._noted.values())

    def _order(self, number: int, home: PremisesDescription, now: Instant) -> bytes:
        header, device = self._image.header, home.devices[0]
        order = Distribute(
            order=number,
            device=device.eui,
            device_type=device.device_type,
            request=RequestId(self._scene.description.parties[0].eui, self._scene.description.dcc, 1),
            image_hash=hashlib.sha256(self.file).digest(),
            image_octets=len(self.file),
            manufacturer=header.manufacturer,
            image_type=header.image_type,
            file_version=header.file_version,
            hardware_min=header.hardware_min,
            hardware_max=header.hardware_max,
            expires=Instant(now + 30 * DAY),
            sent=now,
        )
        return write_frame(sign_order(order, self._signing.key))

    def _hear(self, now: Instant) -> None:
        for octets in self._wan.head_end.receive(now, _FRAMES_MAX):
            frame = read_frame(octets)
            if isinstance(frame, Fetch):
                data = self.file[frame.offset : frame.offset + frame.max_octets]
                size = len(self.file)
                chunk = ImageChunk(image_hash=frame.image_hash, offset=frame.offset, image_octets=size, data=data)
                self._wan.head_end.send(frame.hub, write_frame(chunk), now)
            elif isinstance(frame, Uplink):
                self._wan.head_end.send(frame.hub, write_frame(Acknowledge(event=frame.event)), now)
                self._note(frame, now)

    def _note(self, uplink: Uplink, now: Instant) -> None:
        key = self._scene.keys.certificate(uplink.hub, KeyUsage.DIGITAL_SIGNATURE).public_key
        report, noted = open_uplink(uplink, key), self._noted[uplink.hub]
        if isinstance(report, Receipt) and report.status in _NOTED:
            noted.setdefault(_NOTED[report.status], uplink.sent)
        if not isinstance(report, GbcsUp):
            return
        payload = read_payload(read_message(report.data))
        if isinstance(payload, TransferAlert):
            noted.setdefault("transferred", uplink.sent)
        elif isinstance(payload, ActivationAlert) and "activated" not in noted:
            noted["activated"] = uplink.sent
            self._questions.append((Instant(now + _SETTLE_MS), uplink.hub))
        elif isinstance(payload, VersionRead):
            noted.setdefault("answered", uplink.sent)

    def _ask(self, now: Instant) -> None:
        due = [hub for at, hub in self._questions if at <= now]
        self._questions = [(at, hub) for at, hub in self._questions if at > now]
        for hub in due:
            home = next(home for home in self._scene.description.premises if home.hub.chf == hub)
            number, device = self._noted[hub]["order"], home.devices[0]
            command = read_version_command(
                device_type=device.device_type,
                acb=self._agreeing,
                device=self._scene.keys.certificate(device.eui, KeyUsage.KEY_AGREEMENT),
                counter=number,
                user=self._scene.description.parties[0].eui,
                user_counter=1,
            )
            self._noted[hub]["asked"] = now
            self._wan.head_end.send(hub, write_frame(GbcsDown(message=number, device=device.eui, data=command)), now)


def _home(like: PremisesDescription, number: int) -> PremisesDescription:
    chf, gpf, eui = (Eui64(_FIRST_NODE + _NODES_EACH * number + place) for place in range(3))
    display = next(device for device in like.devices if device.device_type is DeviceType.PPMID)
    hub = replace(like.hub, chf=chf, gpf=gpf)
    devices = (replace(display, eui=eui),)
    return replace(like, name=f"Home {number}", uprn=like.uprn + number, hub=hub, meter_points=(), devices=devices)


def _median(durations: pl.Series) -> float:
    return float(durations.median())  # type: ignore[arg-type] # of numbers there is a median


def _apart(one: float, other: float) -> float:
    return round((other - one) / one, 4) if one else 0.0
