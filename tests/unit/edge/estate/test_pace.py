"""Pace and links in a whole home: what was measured on the air, not what the hub believes."""

import pytest

from hanota.base.instant import DAY, HOUR, MINUTE
from hanota.edge.han.link import HanModel, Occupancy
from hanota.model.airtime import SUB_GHZ
from hanota.model.policies import HanPolicy, Policies
from hanota.wire.wan import ReceiptStatus
from helpers.premises import NOW, Premises, ppmid_file

TIME_OF_DAY = NOW % DAY


def transfer(premises: Premises, octets: int, limit_ms: int = DAY) -> int:
    """Let an image be fetched; give how long it took."""
    premises.go_to(premises.now + MINUTE)
    premises.send_order(premises.order(ppmid_file(octets)))
    began = premises.now
    premises.run(lambda: ReceiptStatus.TRANSFERRED in premises.statuses, limit_ms=limit_ms)
    return premises.now - began


def occupancy(premises: Premises) -> Occupancy:
    return premises.estate.occupancy(premises.estate._seats[premises.order(b"").device].home)


@pytest.mark.parametrize("page_octets", [0, 1_000])
@pytest.mark.parametrize("cap", [0.005, 0.02])
def test_no_minute_is_taken_more_than_the_cap(cap: float, page_octets: int) -> None:
    policies = Policies(han=HanPolicy(occupancy_cap=cap, min_block_period_ms=0, page_octets=page_octets))
    premises = Premises(policies=policies, han=HanModel(loss=0.05))
    took = transfer(premises, 20_000)
    shares = [share for _, share in occupancy(premises).shares()]
    assert max(shares) <= cap
    assert took > 400 * 3.5 / cap  # milliseconds on the air of 400 blocks, at most at the cap
    assert max(shares) > cap / 3


def test_without_a_cap_that_binds_the_same_takes_more() -> None:
    premises = Premises(policies=Policies(han=HanPolicy(occupancy_cap=1.0, min_block_period_ms=0)))
    transfer(premises, 20_000)
    assert max(share for _, share in occupancy(premises).shares()) > 0.03


@pytest.mark.parametrize("page_octets", [0, 1_000])
def test_in_quiet_hours_no_image_travels_and_afterwards_it_goes_on(page_octets: int) -> None:
    quiet = ((TIME_OF_DAY + 3 * MINUTE) % DAY, (TIME_OF_DAY + 2 * HOUR) % DAY)
    policies = Policies(han=HanPolicy(quiet_hours=quiet, page_octets=page_octets))
    premises = Premises(policies=policies)
    took = transfer(premises, 60_000)
    blocks = [note.at - NOW for note in premises.notes if note.kind == "block"]
    assert not [at for at in blocks if 3 * MINUTE + 1000 < at < 2 * HOUR]
    assert min(blocks) < 3 * MINUTE < 2 * HOUR < max(blocks) < 2 * HOUR + 10 * MINUTE
    assert took > HOUR


def test_at_sub_ghz_the_duty_cycle_stretches_the_transfer_and_it_ends() -> None:
    slow = transfer(Premises(han=HanModel(band=SUB_GHZ)), 200_000, limit_ms=2 * DAY)
    fast = transfer(Premises(han=HanModel()), 200_000, limit_ms=2 * DAY)
    assert fast < 30 * MINUTE < slow < 4 * HOUR


def test_altered_frames_that_are_handed_up_crash_nobody() -> None:
    premises = Premises(han=HanModel(corruption=0.3, integrity=False))
    premises.send_order(premises.order(ppmid_file(3_000)))
    premises.go_to(premises.now + 2 * HOUR)
    assert occupancy(premises).altered > 100


@pytest.mark.parametrize("seed", range(3))
def test_altered_frames_that_are_found_out_only_delay(seed: int) -> None:
    premises = Premises(han=HanModel(corruption=0.2, duplication=0.1, jitter_ms=400), seed=seed)
    assert transfer(premises, 5_000) < HOUR
