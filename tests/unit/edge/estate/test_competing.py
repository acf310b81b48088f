"""Real devices on a real hub compete for it: displacement and priority from order to image held (R12)."""

import pytest

from hanota.base.instant import DAY, HOUR
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.devices import HanDevice
from hanota.edge.devices.banks import Banks
from hanota.model.policies import HanPolicy, HubPolicy, Policies
from hanota.wire.otaimage import GbImage, write_image
from hanota.wire.wan import Distribute, ReceiptStatus
from helpers.meters import signed_image
from helpers.premises import CHF, ESME, PPMID, Premises, ppmid_file

_S = ReceiptStatus
TO_ESME = {"device": ESME, "device_type": DeviceType.ESME, "image_type": 0x0000}


def order(home: Premises, image: GbImage, number: int, **facts: object) -> Distribute:
    header = image.header
    return home.order(write_image(image), number, file_version=header.file_version, **TO_ESME, **facts)


def blocks(home: Premises, device: object) -> list[int]:
    return [note.facts["offset"] for note in home.noted("block", device)]


def banks(home: Premises) -> Banks:
    node = home.estate._seats[ESME].node
    assert isinstance(node, HanDevice)
    return node.banks


def statuses(home: Premises, number: int) -> list[ReceiptStatus]:
    return [receipt.status for receipt in home.receipts if receipt.order == number]


@pytest.mark.parametrize("version", [0x0002_0000, 0x0002_0001], ids=["same name", "another version"])
@pytest.mark.parametrize("restart", [False, True], ids=["", "with power cuts"])
def test_a_meter_takes_the_image_that_displaced_the_one_it_was_fetching(version: int, restart: bool) -> None:
    home = Premises(policies=Policies(hub=HubPolicy(force_replace="own")))
    earlier = signed_image(version=0x0002_0000, content=bytes(range(256)) * 16)
    later = signed_image(version=version, content=bytes(reversed(range(256))) * 15, force_replace=1)
    home.send_order(order(home, earlier, 1))
    home.run(lambda: len(blocks(home, ESME)) > 30)
    home.send_order(order(home, later, 2, force_replace=1))
    home.run(lambda: _S.DISCARDED in statuses(home, 1))
    if restart:
        home.estate.reboot(ESME, home.now, off_ms=1_000)
        home.estate.reboot(CHF, home.now, off_ms=2_000)
    home.run(lambda: _S.TRANSFERRED in statuses(home, 2), limit_ms=2 * HOUR)
    assert banks(home).held == write_image(later)
    assert statuses(home, 1)[-1] is _S.DISCARDED
    assert _S.TRANSFERRED not in statuses(home, 1)


@pytest.mark.parametrize("priority", ["none", "meters_first"])
def test_a_display_steps_aside_for_a_meter_and_goes_on_with_its_next_block(priority: str) -> None:
    han = HanPolicy(min_block_period_ms=250, occupancy_cap=1)
    home = Premises(policies=Policies(hub=HubPolicy(priority=priority), han=han))
    image = ppmid_file(6000)
    home.send_order(home.order(image, 1))
    home.run(lambda: len(blocks(home, PPMID)) > 10)
    meters = signed_image(content=bytes(6000))
    home.send_order(order(home, meters, 2))
    home.run(lambda: _S.TRANSFERRED in statuses(home, 2), limit_ms=DAY)
    before = len(blocks(home, PPMID))
    home.run(lambda: _S.TRANSFERRED in statuses(home, 1), limit_ms=DAY)
    assert blocks(home, PPMID) == list(range(0, 6000, 50)), "each block once, in order"
    waited = bool(home.noted("stepped_aside"))
    assert waited == (priority == "meters_first")
    assert (before < 60) == waited
