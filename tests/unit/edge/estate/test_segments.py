"""Images in segments from a signed order to the whole that runs, with air, network and power failing (R7)."""

from dataclasses import dataclass, replace
from random import Random
from unittest import mock

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.devices import TransferResponseCode
from hanota.edge.devices import HanDevice
from hanota.edge.estate import EstateDescription, builtin_description
from hanota.edge.han.link import HanModel
from hanota.model.policies import HanPolicy, Policies
from hanota.wan.inprocess import NetworkModel
from hanota.wire.gbcs.payload import ActivationResult
from hanota.wire.otaimage import Tail, read_header, read_image, write_image
from hanota.wire.otaimage.segments import split
from hanota.wire.wan import Cancel, Distribute, Part, ReceiptStatus, write_parts
from helpers.premises import CHF, NEW, OLD, PPMID, Premises, ppmid_file

WHOLE = ppmid_file(3000)
LIMIT = 1200
LOSSY_AIR = HanModel(loss=0.2, duplication=0.2, jitter_ms=3_000)
BAD_NETWORK = NetworkModel(loss=0.2, duplication=0.1, jitter_ms=2_000)


def cut(whole: bytes = WHOLE, limit: int = LIMIT) -> list[bytes]:
    return [write_image(part) for part in split(read_image(whole, Tail.NONE), limit)]


def in_parts(premises: Premises, files: list[bytes], number: int = 1, **facts: object) -> Distribute:
    """The order for an image in these segments."""
    first, *_ = orders = [premises.order(file, number, **facts) for file in files]
    return replace(first, parts=write_parts(Part(order.image_hash, order.image_octets) for order in orders))


def running(premises: Premises) -> bytes:
    node = premises.estate.node(PPMID)
    assert isinstance(node, HanDevice)
    return node.banks.running


def check(premises: Premises, whole: bytes = WHOLE) -> None:
    premises.run(lambda: premises.estate.node(PPMID) is not None)
    assert running(premises) == whole
    assert {alert.result for alert in premises.transfers} == {TransferResponseCode.FILE_TRANSFER_SUCCESS}
    assert {(a.result, a.file_version) for a in premises.activations} == {(ActivationResult.SUCCESS, NEW)}


def test_three_segments_arrive_and_the_whole_runs() -> None:
    premises, files = Premises(), cut()
    premises.send_order(in_parts(premises, files))
    premises.run(lambda: premises.delivered)
    check(premises)
    final = premises.receipts[-1]
    octets = sum(map(len, files))
    assert (final.offset, final.repeats) == (octets, 0)
    assert final.blocks == sum(-(-len(file) // 50) for file in files)
    statuses = [receipt.status.name for receipt in premises.receipts]
    assert statuses[:2] == ["ACCEPTED", "HELD"]
    assert set(statuses[2:-1]) == {"TRANSFERRING"}
    assert statuses[-1] == "TRANSFERRED"


def test_octets_of_all_receipts_only_grow() -> None:
    premises = Premises()
    premises.send_order(in_parts(premises, cut()))
    premises.run(lambda: premises.delivered)
    offsets = [receipt.offset for receipt in premises.receipts]
    assert offsets == sorted(offsets)


def test_nothing_is_left_behind_in_hub_and_device() -> None:
    premises = Premises()
    premises.send_order(in_parts(premises, cut()))
    premises.run(lambda: premises.delivered)
    for node in (CHF, PPMID):
        memory = premises.estate._file.memory_of(node)
        assert not [key for key in memory if key.startswith(("segment/", "assembly", "block/", "slot/"))]


@pytest.mark.parametrize("page_octets", [0, 500])
@pytest.mark.parametrize("seed", range(8))
def test_loss_repetition_and_reordering_do_no_harm(seed: int, page_octets: int) -> None:
    policies = Policies(han=HanPolicy(page_octets=page_octets))
    premises = Premises(policies=policies, han=LOSSY_AIR, wan_model=BAD_NETWORK, seed=seed)
    premises.deliver(in_parts(premises, cut()))
    check(premises)


@pytest.mark.parametrize("node", [CHF, PPMID])
@pytest.mark.parametrize("kind", ["part_taken", "segment_kept", "image_held", "image_notify", "offer", "image_checked"])
def test_a_power_cut_at_every_boundary_of_parts_does_no_harm(kind: str, node: object) -> None:
    premises = Premises()
    order = in_parts(premises, cut())
    premises.send_order(order)
    seen = 0
    while not premises.delivered:
        if not premises.step():
            premises.run(lambda: premises.delivered)
            break
        happened = len(premises.noted(kind))
        if seen < happened < 12:  # a hub that starts tells of its image at once: there would be no end
            seen = happened
            premises.estate.reboot(node, premises.now, 1_000)
    check(premises)
    assert seen


@pytest.mark.parametrize("seed", range(20))
def test_power_cuts_at_random_instants_do_no_harm(seed: int) -> None:
    rng = Random(seed)
    premises = Premises(han=HanModel(loss=0.1, duplication=0.1), seed=seed)
    order = in_parts(premises, cut())
    premises.send_order(order)
    end = premises.now + DAY
    cuts = 0
    while not premises.delivered:
        assert premises.now < end
        if not premises.step():
            premises.now = Instant(premises.now + 60_000)
            if not premises.receipts:
                premises.send_order(order)
        if cuts < 40 and rng.random() < 0.02:
            cuts += 1
            premises.estate.reboot(rng.choice([CHF, PPMID]), premises.now, rng.choice([100, 5_000, 60_000]))
    check(premises)


def _until_part(premises: Premises, part: int) -> None:
    premises.run(lambda: len(premises.noted("part_taken")) >= part)


def forget(premises: Premises, node: Eui64, *what: str) -> None:
    """Let a node lose what it has below these keys."""
    for key in list(premises.estate._file.memory_of(node)):
        if key.startswith(what):
            premises.estate._file.put(node, key, None)
    premises.estate.reboot(node, premises.now, 1_000)


def test_after_a_hub_swap_segments_that_the_device_has_are_not_fetched_again() -> None:
    premises, files = Premises(), cut()
    premises.send_order(in_parts(premises, files))
    _until_part(premises, 2)
    forget(premises, CHF, "order/", "served/", "slot/")
    before = len(premises.noted("block", PPMID))
    order = in_parts(premises, files, number=2)
    while not premises.delivered:
        if not any(receipt.order == 2 for receipt in premises.receipts):
            premises.send_order(order)
        premises.go_to(premises.now + 10_000)
    check(premises)
    blocks = [-(-len(file) // 50) for file in files]
    assert len(premises.noted("block", PPMID)) - before <= 3 + 3 + blocks[2] + 2


def test_a_segment_lost_by_the_device_is_fetched_in_a_further_round() -> None:
    premises = Premises()
    premises.send_order(in_parts(premises, cut()))
    _until_part(premises, 1)
    forget(premises, PPMID, "segment/", "assembly")
    premises.run(lambda: premises.delivered)
    check(premises)


def forged(file: bytes) -> bytes:
    return file[:-1] + bytes([file[-1] ^ 1])


def test_a_whole_that_is_not_what_its_segments_say_never_runs() -> None:
    premises, files = Premises(), cut()
    files[1] = forged(files[1])
    premises.send_order(in_parts(premises, files))
    premises.run(lambda: bool(premises.transfers))
    assert {alert.result for alert in premises.transfers} == {TransferResponseCode.FILE_TRANSFER_FAILURE}
    assert read_header(running(premises)).file_version == OLD
    memory = premises.estate._file.memory_of(PPMID)
    assert not [key for key in memory if key.startswith(("segment/", "assembly"))]
    premises.transfers.clear()
    premises.receipts.clear()
    premises.deliver(in_parts(premises, cut(), number=2))
    assert running(premises) == WHOLE


def test_segments_of_another_image_take_the_place_of_those_that_are_there() -> None:
    premises = Premises()
    other = ppmid_file(2500, version=NEW + 1)
    premises.send_order(in_parts(premises, cut(), number=1))
    _until_part(premises, 1)
    premises.send_order(Cancel(order=1, sent=premises.now))
    premises.run(lambda: ReceiptStatus.CANCELLED in premises.statuses)
    premises.receipts.clear()
    premises.deliver(in_parts(premises, cut(other), number=2, file_version=NEW + 1))
    assert running(premises) == other


@dataclass
class Roomy(Premises):
    """Premises whose PPMID holds up to 2 MB."""

    def open_estate(self) -> None:
        roomy = _roomy(builtin_description())
        with mock.patch("helpers.premises.builtin_description", return_value=roomy):
            super().open_estate()


def _roomy(plain: EstateDescription) -> EstateDescription:
    homes = [
        replace(home, devices=tuple(replace(device, capacity_octets=2_000_000) for device in home.devices))
        for home in plain.premises
    ]
    return replace(plain, premises=tuple(homes))


def test_an_image_of_1_8_mb_arrives_in_segments_of_750_kb() -> None:
    whole = ppmid_file(1_800_000)
    premises = Roomy(policies=Policies(han=HanPolicy(block_octets=255, min_block_period_ms=0, occupancy_cap=1)))
    files = cut(whole, 768_000)
    assert [len(file) for file in files] == [768_000, 768_000, 264_246]
    premises.send_order(in_parts(premises, files))
    premises.run(lambda: premises.delivered, limit_ms=DAY)
    check(premises, whole)


def test_a_whole_beyond_the_devices_bank_is_refused_with_its_first_segment() -> None:
    premises, whole = Premises(), ppmid_file(768_001)
    premises.send_order(in_parts(premises, cut(whole, 768_000)[::-1][:1] + cut(whole, 768_000)[:1]))
    premises.run(lambda: bool(premises.transfers))
    assert {alert.result for alert in premises.transfers} == {TransferResponseCode.FILE_TRANSFER_FAILURE}
