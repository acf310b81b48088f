"""`hanota bench deliver`: a rollout through the durable pipeline until every device is confirmed, beside its floor.

The store is a file (or a PostgreSQL database) with the registry in it. Of each device the store holds in the end one
delivery with its state changes, its alerts, its reports, its version in the inventory, and events from which all of it
can be recovered singly.
"""

import cProfile
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from hanota.app.bench.floor import Floor, sqlite_floor
from hanota.app.bench.machine import machine
from hanota.app.bench.metering import Meter, peak_rss_mb
from hanota.app.bench.rollout import HeardRollout, Plan
from hanota.app.bench.town import Town, plan_town, settle_town
from hanota.app.frames import FrameBuilder
from hanota.base.instant import Instant
from hanota.edge.estate.flow import BRIEF, WHOLE
from hanota.model.policies import Policies
from hanota.records.store.census import census

PER_S_MIN: Final[Mapping[tuple[str, str], float]] = {
    ("sqlite", "heard"): 5_000.0,
    ("postgresql", "heard"): 2_000.0,
    ("sqlite", "signed"): 2_500.0,
}
"""Devices per second, by store and by how reports come."""

OF_FLOOR_MIN: Final = 0.5
GROWTH_MAX: Final = 1.5
IMAGE_OCTETS: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverOutcome:
    """What was measured. `phases_us` are per device; `ratio` is the rate against the floor's, `ratio_cpu` the
    same by the time that the processor spent: on a busy machine the steadier one."""

    devices: int
    requests: int
    registry: int
    store: str
    carrier: str
    reports: str
    reports_per_device: float
    seconds: float
    cpu_seconds: float
    devices_per_s: float
    floor_devices_per_s: float | None
    peer_devices_per_s: float | None
    ratio: float | None
    ratio_cpu: float | None
    phases_us: Mapping[str, float]
    rows: Mapping[str, int]
    virtual_minutes: float
    peak_rss_mb: float
    growth_us: Mapping[str, float]
    peer: str | None
    machine: str

    @property
    def limits(self) -> dict[str, float]:
        """What the figures are held to."""
        per_s = PER_S_MIN.get((self.store, self.reports))
        rate = {} if per_s is None else {"devices_per_s_min": per_s}
        return {**rate, "ratio_min": OF_FLOOR_MIN}

    @property
    def passed(self) -> bool:
        """Whether every figure that was measured keeps its limit."""
        limits = self.limits
        quick = self.devices_per_s >= limits.get("devices_per_s_min", 0)
        return quick and (self.ratio is None or self.ratio >= limits["ratio_min"])

    def as_dict(self) -> dict[str, Any]:
        """Give the row for JSON."""
        return {"name": "deliver", **asdict(self), "limits": self.limits, "passed": self.passed}


def bench_deliver(
    *,
    now: Instant,
    devices: int,
    requests: int = 20,
    registry: int | None = None,
    whole: bool = False,
    with_floor: bool = True,
    growth: tuple[int, ...] = (),
    profile: Path | None = None,
) -> DeliverOutcome:
    """Measure a rollout to so many devices in so many requests, in a registry of at least as many.

    Args: whole: homes send every receipt that `Estate` sends, not only what moves a delivery on. growth: numbers of
    devices for which the cost is measured as well. profile: a file for `python -m pstats`; it slows all down.
    Raises RequestRefused, RolloutUnfinished.
    """
    town = plan_town(max(devices, registry or 0, *growth), image_octets=IMAGE_OCTETS, now=now)
    plan = Plan(devices=devices, requests=requests, said=WHOLE if whole else BRIEF)
    grown = {str(size): _cost_us(town, replace(plan, devices=size), now) for size in growth}
    meter = Meter(cProfile.Profile() if profile is not None else None)
    with tempfile.TemporaryDirectory(prefix="hanota-bench-") as folder:
        rollout, rows = _roll_out(town, plan, Path(folder, "store.sqlite"), meter, now)
        floor = _floor(town, Path(folder)) if with_floor else None
    if profile is not None:
        meter.keep_profile(profile)
    per_s = devices / meter.seconds
    floor_per_s = None if floor is None else devices / floor.seconds
    return DeliverOutcome(
        devices=devices,
        requests=requests,
        registry=town.homes,
        store="sqlite",
        carrier="none",
        reports="heard",
        reports_per_device=round(rollout.reports / devices, 2),
        seconds=round(meter.seconds, 2),
        cpu_seconds=round(meter.cpu_seconds, 2),
        devices_per_s=round(per_s, 1),
        floor_devices_per_s=None if floor_per_s is None else round(floor_per_s, 1),
        peer_devices_per_s=None,
        ratio=None if floor_per_s is None else round(per_s / floor_per_s, 3),
        ratio_cpu=None if floor is None else round(floor.cpu_seconds / meter.cpu_seconds, 3),
        phases_us={name: round(spent.seconds / devices * 1e6, 1) for name, spent in meter.phases.items()},
        rows=rows,
        virtual_minutes=round(rollout.days * 24 * 60, 1),
        peak_rss_mb=peak_rss_mb(),
        growth_us=grown,
        peer=None,
        machine=machine(),
    )


def _roll_out(town: Town, plan: Plan, file: Path, meter: Meter, now: Instant) -> tuple[HeardRollout, Mapping[str, int]]:
    store = settle_town(town, file)
    try:
        broker = FrameBuilder(town.keys, town.description.dcc)
        rollout = HeardRollout(store, town, plan=plan, broker=broker, policies=Policies(), meter=meter)
        rollout.run(now)
        with store.reading() as connection:
            return rollout, census(connection)
    finally:
        store.close()


def _floor(town: Town, folder: Path) -> Floor:
    empty = folder / "floor.sqlite"
    settle_town(town, empty).close()
    return sqlite_floor(folder / "store.sqlite", empty)


def _cost_us(town: Town, plan: Plan, now: Instant) -> float:
    meter = Meter()
    with tempfile.TemporaryDirectory(prefix="hanota-bench-") as folder:
        _roll_out(town, plan, Path(folder, "store.sqlite"), meter, now)
    return round(meter.seconds / plan.devices * 1e6, 1)
