"""Settings out of a seed: most policies take each of their values in some towns; deadlines are days, not months."""

from random import Random

from hanota.base.instant import HOUR, MINUTE, SECOND
from hanota.model.policies import (
    AlertPolicy,
    CommandPolicy,
    ConsentPolicy,
    DeadlinePolicy,
    HanPolicy,
    HubPolicy,
    ImagePolicy,
    LocalUpgradePolicy,
    Policies,
    UpdatePolicy,
    VersionPolicy,
    WanPolicy,
)


def draw_policies(rng: Random) -> Policies:
    """Draw the settings of one town."""
    return Policies(
        image=ImagePolicy(max_octets=rng.choice((6_000, 16_000, 40_000))),
        version=VersionPolicy(downgrade=rng.choice(("refuse", "refuse", "allow"))),
        han=_han(rng),
        hub=HubPolicy(
            slots=rng.choice(("as_set", "dedicated", "shared_n")),
            shared_slots=rng.randint(1, 3),
            priority=rng.choice(("none", "meters_first")),
            force_replace=rng.choice(("off", "own")),
            retention_days=rng.randint(1, 3),
        ),
        update=UpdatePolicy(min_interval_days=rng.choice((0, 0, 0, 1))),
        consent=ConsentPolicy(
            mode=rng.choice(("none", "none", "notify", "may_defer", "may_refuse")),
            defer_ms=rng.choice((HOUR, 6 * HOUR)),
            defers_max=rng.randint(0, 3),
            refusal_days=rng.choice((1, 30)),
        ),
        local_upgrade=LocalUpgradePolicy(mode=rng.choice(("banned", "attested"))),
        alert=AlertPolicy(
            confirm_after_ms=rng.choice((5, 15, 30)) * MINUTE,
            read_retry_ms=rng.choice((20, 60)) * MINUTE,
            grouping=rng.choice(("device", "request")),
            window=rng.randint(1, 4),
        ),
        deadline=_deadlines(rng),
        command=CommandPolicy(retry_ms=rng.choice((20, 60)) * MINUTE, deadline_ms=rng.choice((6, 24)) * HOUR),
        wan=WanPolicy(order_retry_ms=rng.choice((15, 40)) * MINUTE, chunk_octets=rng.choice((512, 4096, 32 * 1024))),
    )


def _han(rng: Random) -> HanPolicy:
    return HanPolicy(
        block_octets=rng.choice((50, 64, 128, 200)),
        min_block_period_ms=rng.choice((0, 100, 250)),
        page_octets=rng.choice((0, 0, 512, 1024)),
        quiet_hours=rng.choice((None, None, "02:00-05:00", "17:00-20:00", "22:30-01:15")),
        occupancy_cap=rng.choice((0.05, 0.5, 1.0)),
        wake_every_ms=rng.choice((5, 30)) * MINUTE,
        wake_blocks=rng.choice((20, 100)),
    )


def _deadlines(rng: Random) -> DeadlinePolicy:
    return DeadlinePolicy(
        requested_ms=12 * HOUR,
        queued_ms=12 * HOUR,
        on_wan_ms=rng.choice((24, 60)) * HOUR,
        held_ms=rng.choice((24, 60)) * HOUR,
        transferring_ms=rng.choice((24, 60)) * HOUR,
        transferred_ms=rng.choice((24, 72)) * HOUR,
        consent_ms=rng.choice((12, 48)) * HOUR,
        activating_ms=rng.choice((12, 24)) * HOUR,
        activated_ms=rng.choice((12, 48)) * HOUR,
    )


SLICE_MS = 2 * SECOND
