"""An image that a stranger serves: taken while nothing else is under way, checked all the same; the hub goes first."""

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.devices.client import STRANGER_TRIES_MAX
from hanota.edge.effects import SendHan
from hanota.model.policies import HanPolicy, Policies
from hanota.wire.zcl import (
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    OtaAttribute,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    ReadAttributes,
    ReadAttributesResponse,
    UpgradeEndRequest,
    UpgradeEndResponse,
    read_records,
    write_attributes,
)
from helpers.meters import holding, meter_bench, no_image, running_version, signed_image
from helpers.nodes import STRANGER, Bench, device_bench
from helpers.premises import CHF, NEW, OLD, ppmid_file

IMAGE = ppmid_file(230)
NAME = (0x121D, 0x0084, NEW)
NOTIFY = ImageNotify(100, *NAME)
OFFER = QueryNextImageResponse(OtaStatus.SUCCESS, *NAME, len(IMAGE))
NOTHING = QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE)
FAST = Policies(han=HanPolicy(block_octets=250, min_block_period_ms=0))
WHOLE = ImageBlockResponse(OtaStatus.SUCCESS, *NAME, 0, IMAGE)
NOW = UpgradeEndResponse(*NAME, current_time=0, upgrade_time=0)
NEVER = UpgradeEndResponse(*NAME, current_time=0, upgrade_time=0xFFFF_FFFF)


@pytest.fixture
def device() -> Bench:
    """Up, and told by its hub that there is nothing."""
    found = device_bench(FAST)
    found.wake()
    found.hear(NOTHING, CHF)
    return found


def downloading(device: Bench) -> Bench:
    device.hear(NOTIFY, STRANGER)
    device.hear(OFFER, STRANGER)
    return device


def receiver(device: Bench) -> Eui64:
    """To whom the device's last frame went."""
    return [effect.to for effect in device.effects if isinstance(effect, SendHan)][-1]


def asked(device: Bench) -> list[type]:
    return [type(command) for command in device.said]


def test_it_is_fetched_checked_and_activated_as_from_a_hub(device: Bench) -> None:
    downloading(device)
    assert device.said == [ImageBlockRequest(*NAME, 0, 250, min_block_period_ms=0)]
    assert receiver(device) == STRANGER
    assert device.hear(WHOLE, STRANGER) == [UpgradeEndRequest(OtaStatus.SUCCESS, *NAME)]
    device.hear(NOW, STRANGER)
    device.wake()
    assert running_version(device) == NEW
    assert receiver(device) == CHF  # which hears of it by the query that follows every boot


def test_only_who_serves_is_heard(device: Bench) -> None:
    downloading(device)
    assert device.hear(WHOLE, CHF) == []
    assert device.hear(ImageBlockResponse(OtaStatus.ABORT), CHF, sequence=device.node._client._sequence) == []
    assert device.hear(WHOLE, STRANGER) != []


def test_a_stranger_never_breaks_in(device: Bench) -> None:  # I1
    device.hear(NOTIFY, CHF)
    assert device.hear(NOTIFY, STRANGER) == []
    device.hear(OFFER, CHF)
    assert device.hear(NOTIFY, STRANGER) == []
    assert device.hear(WHOLE, STRANGER) == []
    assert device.hear(WHOLE, CHF) == [UpgradeEndRequest(OtaStatus.SUCCESS, *NAME)]
    assert device.hear(NOW, STRANGER) == []
    assert running_version(device) == OLD


def test_one_that_knocks_while_the_hub_is_asked_is_heard_after_it() -> None:
    device = device_bench(FAST)
    device.wake()
    assert device.hear(NOTIFY, STRANGER) == []
    assert asked(device) == []
    device.hear(NOTHING, CHF)
    assert asked(device) == [QueryNextImageRequest]


def test_what_waits_for_its_signed_command_is_not_displaced() -> None:  # I1
    image = signed_image()
    device = holding(meter_bench(), image)
    no_image(device)
    assert device.hear(ImageNotify(100, 0x121D, 0x0000, NEW + 1), STRANGER) == []
    assert device.node.banks.held is not None


@pytest.mark.parametrize("so_far", ["offered", "fetched", "waiting"])
def test_the_hub_always_goes_first(device: Bench, so_far: str) -> None:
    downloading(device)
    if so_far != "offered":
        device.hear(WHOLE, STRANGER)
    if so_far == "waiting":
        device.hear(NEVER, STRANGER)
    assert [type(said) for said in device.hear(NOTIFY, CHF)] == [QueryNextImageRequest]
    assert device.node.banks.held is None
    device.hear(OFFER, CHF)
    assert device.hear(WHOLE, CHF) == [UpgradeEndRequest(OtaStatus.SUCCESS, *NAME)]


@pytest.mark.parametrize("so_far", ["offered", "fetched", "waiting"])
def test_one_that_is_gone_does_not_keep_a_device_for_ever(device: Bench, so_far: str) -> None:
    downloading(device)
    if so_far != "offered":
        device.hear(WHOLE, STRANGER)
    if so_far == "waiting":
        device.hear(NEVER, STRANGER)
    for _ in range(STRANGER_TRIES_MAX + 1):
        device.wake()
    assert asked(device) == [QueryNextImageRequest]
    assert receiver(device) == CHF
    assert device.memory.keys().isdisjoint({"ota", "held"})


def test_who_serves_is_remembered_over_a_restart(device: Bench) -> None:
    downloading(device)
    device.restart()
    device.wake()
    assert device.said == [ImageBlockRequest(*NAME, 0, 250, min_block_period_ms=0)]
    assert receiver(device) == STRANGER


def test_one_without_an_image_is_forgotten(device: Bench) -> None:
    device.hear(NOTIFY, STRANGER)
    device.hear(NOTHING, STRANGER)
    assert device.wake(DAY) == []
    assert asked(device) == []


# --- attributes --------------------------------------------------------------------------------------------------


def read(device: Bench, *attributes: int) -> dict[int, int | None]:
    (answer,) = device.hear(ReadAttributes(write_attributes(attributes)), CHF)
    assert isinstance(answer, ReadAttributesResponse)
    return read_records(answer.records)


def test_the_hub_reads_what_the_client_has_and_hears_what_it_lacks(device: Bench) -> None:
    assert read(device, OtaAttribute.CURRENT_FILE_VERSION) == {OtaAttribute.CURRENT_FILE_VERSION: OLD}
    values = read(device, *OtaAttribute)
    assert values[OtaAttribute.UPGRADE_SERVER] == CHF.value
    assert values[OtaAttribute.IMAGE_UPGRADE_STATUS] == 0
    assert (values[OtaAttribute.MANUFACTURER], values[OtaAttribute.IMAGE_TYPE]) == (0x121D, 0x0084)
    assert [number for number, value in values.items() if value is None] == [OtaAttribute.IMAGE_STAMP]


def test_the_status_follows_the_download(device: Bench) -> None:
    def status() -> int | None:
        return read(device, OtaAttribute.IMAGE_UPGRADE_STATUS)[OtaAttribute.IMAGE_UPGRADE_STATUS]

    downloading(device)
    assert status() == 1
    device.hear(WHOLE, STRANGER)
    assert status() == 2
    device.hear(NEVER, STRANGER)
    assert status() == 3


def test_a_meter_that_holds_an_image_waits_for_an_external_event() -> None:
    device = holding(meter_bench(DeviceType.ESME), signed_image())
    values = read(device, OtaAttribute.IMAGE_UPGRADE_STATUS, OtaAttribute.DOWNLOADED_FILE_VERSION)
    assert list(values.values()) == [6, NEW]


def test_only_the_hub_may_read_and_only_what_makes_sense(device: Bench) -> None:
    ask = ReadAttributes(write_attributes([OtaAttribute.CURRENT_FILE_VERSION]))
    assert device.hear(ask, STRANGER) == []
    assert device.hear(ReadAttributes(b"\x02"), CHF) == []
    assert device.noted("frame_refused")
