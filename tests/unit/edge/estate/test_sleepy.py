"""A gas meter that sleeps, end to end: it wakes, asks, fetches a share of the image, answers, and sleeps again."""

from itertools import pairwise

import pytest

from hanota.base.instant import DAY, HOUR, MINUTE
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.han.link import HanModel
from hanota.model.policies import HanPolicy, Policies
from hanota.wire.gbcs.payload import ActivateImageResponseCode, ActivationOutcome, DistributionReceipt, VersionRead
from hanota.wire.otaimage import GbImage, write_image
from hanota.wire.wan import ReceiptStatus
from helpers.meters import GSME, SUPPLIER_2, activate, ask_version, signed_image
from helpers.premises import CHF, NEW, Premises

DONE = ActivationOutcome(result=ActivateImageResponseCode.SUCCESS, file_version=NEW)


def ordered(premises: Premises, octets: int) -> GbImage:
    image = signed_image(DeviceType.GSME, signer=SUPPLIER_2, content=bytes(octets))
    premises.go_to(premises.now + MINUTE)
    facts = {"device": GSME, "device_type": DeviceType.GSME, "image_type": 0x0001}
    premises.send_order(premises.order(write_image(image), **facts))
    return image


def transferred(premises: Premises) -> bool:
    return ReceiptStatus.TRANSFERRED in premises.statuses


def test_it_fetches_so_many_blocks_each_time_it_wakes() -> None:
    premises = Premises()
    ordered(premises, 20_000)
    began = premises.now
    premises.run(lambda: transferred(premises), limit_ms=DAY)
    assert transferred(premises)
    assert 4 * 30 * MINUTE <= premises.now - began <= 6 * 30 * MINUTE  # 404 blocks are five times a hundred
    awake = [note.at for note in premises.notes if note.kind == "awake" and note.node == GSME]
    assert {later - earlier for earlier, later in pairwise(awake)} == {30 * MINUTE}


def test_its_radio_is_off_nearly_all_the_time() -> None:
    premises = Premises()
    premises.go_to(premises.now + DAY)
    notes = [(note.at, note.kind) for note in premises.notes if note.node == GSME and note.kind in ("awake", "asleep")]
    assert [kind for _, kind in notes] == ["awake", "asleep"] * 48
    on = sum(off[0] - on[0] for on, off in zip(notes[::2], notes[1::2], strict=True))
    assert on < 48 * MINUTE / 10


@pytest.mark.parametrize("page_octets", [0, 1_000])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_updated_through_a_bad_air(seed: int, page_octets: int) -> None:
    policies = Policies(han=HanPolicy(page_octets=page_octets, wake_blocks=30))
    air = HanModel(loss=0.1, duplication=0.1, jitter_ms=300, corruption=0.05)
    premises = Premises(policies=policies, han=air, seed=seed)
    image = ordered(premises, 3_000)
    premises.run(lambda: transferred(premises), limit_ms=2 * DAY)
    premises.run(lambda: premises.payloads(DistributionReceipt), limit_ms=HOUR)
    premises.send_gbcs(activate(image.manufacturer_hash, device=GSME, supplier=SUPPLIER_2), GSME)
    premises.run(lambda: premises.payloads(ActivationOutcome), limit_ms=4 * HOUR)
    assert set(premises.payloads(ActivationOutcome)) == {DONE}
    assert premises.estate.node(GSME).banks.version == NEW


def test_what_is_asked_while_it_sleeps_is_answered_when_it_wakes() -> None:
    premises = Premises()
    premises.go_to(premises.now + 10 * MINUTE)
    for counter in (100, 101, 102):
        premises.send_gbcs(ask_version(DeviceType.GSME, GSME, counter), GSME)
        premises.go_to(premises.now + MINUTE)
    asked = premises.now
    premises.run(lambda: len(premises.payloads(VersionRead)) == 3, limit_ms=HOUR)
    assert len(premises.payloads(VersionRead)) == 3
    assert 10 * MINUTE < premises.now - asked <= 18 * MINUTE


@pytest.mark.parametrize("victim", [GSME, CHF])
def test_power_cuts_only_delay(victim: object) -> None:
    premises = Premises()
    ordered(premises, 4_000)
    for _ in range(20):
        premises.go_to(premises.now + 7 * MINUTE)
        premises.estate.reboot(victim, premises.now)
    premises.run(lambda: transferred(premises), limit_ms=DAY)
    assert transferred(premises)
    assert len(premises.payloads(DistributionReceipt)) == 1


def test_the_largest_image_takes_days_and_arrives() -> None:
    premises = Premises(han=HanModel(loss=0.05))
    ordered(premises, 767_000)
    began = premises.now
    premises.run(lambda: transferred(premises), limit_ms=7 * DAY)
    assert 3.2 * DAY < premises.now - began < 4 * DAY  # 15,343 blocks, a hundred every half hour, some lost
