"""Power goes at every instant at which a device stores something, before it does and after: the end is the same (I10).

A hub and a Supplier that repeat what is not answered stand on the other side. What a device said twice is told apart by
its octets, as the head end does it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import pytest

from hanota.base.instant import HOUR, SECOND, Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType
from hanota.edge.devices import UNHEALTHY_MARK
from hanota.edge.effects import Effect, SendHan, Store
from hanota.wire.gbcs.payload import (
    ActivateImageResponseCode,
    ActivationOutcome,
    CommandAccepted,
    DatedActivation,
    DistributionReceipt,
)
from hanota.wire.otaimage import GbImage, read_header, write_image
from hanota.wire.zcl import (
    OTA_CLUSTER,
    TUNNELING_CLUSTER,
    Command,
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    Side,
    TransferData,
    UpgradeEndRequest,
    UpgradeEndResponse,
    read_command,
    write_command,
)
from helpers.meters import (
    ADDRESS,
    NEVER,
    activate,
    for_device,
    from_device,
    meter_bench,
    name_of,
    read,
    running_version,
    signed_image,
)
from helpers.premises import CHF, NEW, NOW, OLD

TIME = Instant(NOW + HOUR)
STEPS_MAX = 2_000
Code = ActivateImageResponseCode


@dataclass
class Home:
    """A device on the bench with its hub and its Supplier; the power goes at the `cut_at`th turn that stores."""

    device_type: DeviceType
    image: GbImage
    execution: Instant | None = None
    cut_at: int = 0
    after_storing: bool = False
    stores: int = 0
    heard: dict[bytes, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.octets = write_image(self.image)
        self.bench = meter_bench(self.device_type)
        self.transferred = False
        self.command = activate(
            self.image.manufacturer_hash, device=ADDRESS[self.device_type], execution=self.execution
        )

    def run(self, done: Callable[["Home"], bool]) -> "Home":
        for _ in range(STEPS_MAX):
            if done(self):
                return self
            self._prompt()
            self._wake()
        raise AssertionError(f"not done: {list(self.heard.values())}")

    def payloads(self, kind: type) -> list[object]:
        return [payload for payload in self.heard.values() if isinstance(payload, kind)]

    def _prompt(self) -> None:
        """Hub and Supplier repeat what was not answered."""
        name = name_of(self.image)
        if not self.bench.node.listening:
            return
        if not self.transferred:
            self._hear(OTA_CLUSTER, write_command(1, ImageNotify(100, *name), Side.SERVER))
        elif self.commanding:
            self._transfer(1, for_device(self.bench, self.command))

    @property
    def commanding(self) -> bool:
        return self.transferred and not self.payloads(ActivationOutcome | CommandAccepted)

    def _wake(self) -> None:
        bench = self.bench
        due = bench.wake_at if bench.wake_at is not None else bench.now
        bench.now, bench.wake_at = Instant(max(bench.now, due) + 1), None
        self._apply(bench.node.on_wake(bench.now))

    def _transfer(self, sequence: int, data: bytes) -> None:
        self._hear(TUNNELING_CLUSTER, write_command(sequence, TransferData(0, data), Side.SERVER))

    def _hear(self, cluster: int, octets: bytes) -> None:
        self._apply(self.bench.node.on_frame(CHF, cluster, octets, self.bench.now))

    def _apply(self, effects: list[Effect]) -> None:
        bench = self.bench
        if any(isinstance(effect, Store) for effect in effects):
            self.stores += 1
            if self.stores == self.cut_at:
                if self.after_storing:
                    bench.do(effects)
                self._check_bootable()
                bench.now = Instant(bench.now + 1000)
                bench.restart()
                return
        bench.do(effects)
        self._check_bootable()
        for effect in effects:
            if isinstance(effect, SendHan):
                self._answer(*read_command(effect.cluster, effect.octets, Side.CLIENT))

    def _check_bootable(self) -> None:
        bank = self.bench.memory.get(f"bank/{self.bench.memory.get('boot', b'0').decode()}")
        assert bank is None or (bank == self.octets and read_header(bank).file_version == NEW)

    def _answer(self, sequence: int, said: Command) -> None:
        name = name_of(self.image)
        match said:
            case QueryNextImageRequest() if self.transferred:
                answer: Command = QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE)
            case QueryNextImageRequest():
                answer = QueryNextImageResponse(OtaStatus.SUCCESS, *name, len(self.octets))
            case ImageBlockRequest(offset=offset, max_octets=octets):
                block = self.octets[offset : offset + octets]
                answer = ImageBlockResponse(OtaStatus.SUCCESS, *name, offset, block)
            case UpgradeEndRequest():
                self.transferred = True
                answer = UpgradeEndResponse(*name, current_time=0, upgrade_time=NEVER)
            case TransferData():
                message = from_device(self.bench, said.data)
                if not message:  # a sleepy device asks for one
                    self._transfer(sequence, for_device(self.bench, self.command if self.commanding else b""))
                    return
                self.heard.setdefault(message, read(message)[1])
                self._transfer(sequence, b"")
                return
            case _:
                return
        self._hear(OTA_CLUSTER, write_command(sequence, answer, Side.SERVER))


GOOD, BAD = signed_image(content=bytes(2_000)), signed_image(content=bytes(2_000) + UNHEALTHY_MARK)
CASES = {
    "good, at once": (GOOD, None, Code.SUCCESS, NEW),
    "bad, at once": (BAD, None, Code.ACTIVATION_FAILURE, OLD),
    "good, dated": (GOOD, TIME, Code.SUCCESS, NEW),
    "bad, dated": (BAD, TIME, Code.ACTIVATION_FAILURE, OLD),
}


def told(home: Home) -> bool:
    """Whether the Supplier has heard how the activation ended, and the device has nothing left to say."""
    kind = ActivationOutcome if home.execution is None else DatedActivation
    waiting = [key for key in home.bench.memory if key.startswith("alert/")]
    return bool(home.payloads(kind)) and not waiting


@cache
def turns(case: str) -> int:
    """How many turns store something when the power stays."""
    image, execution, *_ = CASES[case]
    return Home(DeviceType.ESME, image, execution).run(told).stores


@pytest.mark.parametrize("after_storing", [False, True], ids=["before storing", "after storing"])
@pytest.mark.parametrize("case", CASES)
def test_an_update_ends_the_same_wherever_the_power_goes(case: str, after_storing: bool) -> None:
    image, execution, code, version = CASES[case]
    assert turns(case) > 12
    for cut_at in range(1, turns(case) + 1):
        home = Home(DeviceType.ESME, image, execution, cut_at, after_storing).run(told)
        outcome = ActivationOutcome(result=code, file_version=version)
        (receipt,) = home.payloads(DistributionReceipt)
        assert receipt.alert_code is AlertCode.FIRMWARE_VERIFIED
        if execution is None:
            assert home.payloads(ActivationOutcome) == [outcome], cut_at
        else:
            assert [alert.outcome for alert in home.payloads(DatedActivation)] == [outcome], cut_at
        assert running_version(home.bench) == version
        assert home.bench.node.banks.held is None
        leftovers = {key for key in home.bench.memory if key in ("owed", "dated", "trial", "held", "ota")}
        assert leftovers == set(), cut_at


@pytest.mark.parametrize("device_type", [DeviceType.GSME, DeviceType.HCALCS])
@pytest.mark.parametrize("execution", [None, TIME], ids=["at once", "dated"])
def test_every_type_ends_the_same(device_type: DeviceType, execution: Instant | None) -> None:
    image = signed_image(device_type)
    whole = Home(device_type, image, execution).run(told)
    for cut_at in range(1, whole.stores + 1, 2):
        home = Home(device_type, image, execution, cut_at, True).run(told)
        assert running_version(home.bench) == NEW
        assert len(home.payloads(DistributionReceipt)) == (device_type is DeviceType.GSME)


def test_power_that_goes_again_and_again_only_delays() -> None:
    home = Home(DeviceType.ESME, GOOD)
    for cut_at in range(4, 60, 4):
        home.cut_at = cut_at
        home.run(lambda home: home.stores >= home.cut_at or told(home))
    home.run(told)
    assert running_version(home.bench) == NEW
    assert home.bench.now > NOW + 15 * SECOND
