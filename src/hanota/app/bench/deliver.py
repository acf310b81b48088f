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

from hanota.app.bench.crew import Workers
from hanota.app.bench.floor import Floor, sqlite_floor
from hanota.app.bench.goosebit import HOW_THEY_DIFFER, PeerOutcome, bench_goosebit
from hanota.app.bench.identities import Identities
from hanota.app.bench.machine import machine
from hanota.app.bench.metering import Meter, peak_rss_mb
from hanota.app.bench.rollout import HeardRollout, Plan
from hanota.app.bench.signed import SignedRollout
from hanota.app.bench.town import Town, cache_folder, plan_town, settle_town
from hanota.app.frames import FrameBuilder
from hanota.app.keywork import processes_by_default
from hanota.base.errors import Fault, HanotaError, require
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
OF_PEER_MIN: Final = 100.0
GROWTH_MAX: Final = 1.5
GROWTH_FROM: Final = 100_000  # below it, what a batch costs in itself counts for much
IMAGE_OCTETS: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverOutcome:
    """What was measured. `phases_us` are per device; `cpu_seconds` are those of all `processes`; `ratio` is the rate
    against the floor's, `ratio_cpu` the same by the time that the processor spent: on a busy machine the steadier one;
    `ratio_peer` against the peer's."""

    devices: int
    requests: int
    workers: int
    registry: int
    store: str
    carrier: str
    reports: str
    reports_per_device: float
    signatures_per_device: float
    processes: int
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
    growth: float | None
    peer: str | None
    peer_devices: int | None
    ratio_peer: float | None
    how_they_differ: str | None
    profile: str | None
    machine: str

    @property
    def limits(self) -> dict[str, float]:
        """What the figures are held to."""
        per_s = PER_S_MIN.get((self.store, self.reports))
        rate = {} if per_s is None else {"devices_per_s_min": per_s}
        return {**rate, "ratio_min": OF_FLOOR_MIN, "ratio_peer_min": OF_PEER_MIN, "growth_max": GROWTH_MAX}

    @property
    def passed(self) -> bool:
        """Whether every figure that was measured keeps its limit."""
        limits = self.limits
        return (
            self.devices_per_s >= limits.get("devices_per_s_min", 0)
            and (self.ratio is None or self.ratio >= limits["ratio_min"])
            and (self.ratio_peer is None or self.ratio_peer >= limits["ratio_peer_min"])
            and (self.growth is None or self.growth <= limits["growth_max"])
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the row for JSON."""
        return {"name": "deliver", **asdict(self), "limits": self.limits, "passed": self.passed}


class WorkersOfNone(HanotaError):
    """Several workers need something that several can write at a time."""

    code, fault = "HOTA-BENCH-012", Fault.OPERATOR
    what = "{workers} workers share the work on a database server only, with reports that are heard"
    remedy = "give --database postgresql://… without --signed, or leave --workers away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is measured beside the rollout itself.

    `growth`: numbers of devices for which the cost is measured as well, SQLite alone; GROWTH_FROM is what the limit
    goes by. `peer_devices`: how many the peer
    updates. `profile`: a file for `python -m pstats`; it slows all down.
    """

    floor: bool = True
    growth: tuple[int, ...] = ()
    peer_devices: int | None = None
    profile: Path | None = None


def bench_deliver(
    *,
    now: Instant,
    devices: int,
    requests: int = 20,
    registry: int | None = None,
    whole: bool = False,
    signed: bool = False,
    processes: int | None = None,
    database: str | None = None,
    workers: int = 1,
    beside: Beside = Beside(),
) -> DeliverOutcome:
    """Measure a rollout to so many devices in so many requests, in a registry of at least as many.

    Args: whole: homes send every receipt that `Estate` sends, not only what moves a delivery on. signed: orders and
    reports are frames, signed and verified. processes: how many look at signatures beside the one that owns the store;
    else as many as this machine has use for. database: URL of an empty one; else it is a SQLite file. workers: so many
    processes share the work on a database server.
    Raises RequestRefused, RolloutUnfinished, PeerBroken, DatabaseInUse, WorkersOfNone.
    """
    require(workers == 1 or (database is not None and not signed), WorkersOfNone, workers=workers)
    growth = () if database else beside.growth
    town = plan_town(max(devices, registry or 0, *growth), image_octets=IMAGE_OCTETS, now=now)
    runs = _Runs(
        town, Identities(town.keys, now) if signed else None, now, _key_processes(processes, signed=signed), workers
    )
    plan = Plan(devices=devices, requests=requests, said=WHOLE if whole else BRIEF)
    grown = {size: runs.cost_us(replace(plan, devices=size)) for size in growth}
    meter = Meter(cProfile.Profile() if beside.profile is not None else None)
    with tempfile.TemporaryDirectory(prefix="hanota-bench-") as folder:
        reports, days, rows = runs.roll_out(plan, database or Path(folder, "store.sqlite"), meter)
        floor = runs.floor(Path(folder)) if beside.floor and not database else None
        peer = None if beside.peer_devices is None else _peer(town, Path(folder), beside.peer_devices)
    meter.keep_profile(beside.profile)
    return DeliverOutcome(
        devices=devices,
        requests=requests,
        workers=workers,
        registry=town.homes,
        store="postgresql" if database else "sqlite",
        carrier="memory" if signed else "none",
        reports="signed" if signed else "heard",
        reports_per_device=round(reports / devices, 2),
        signatures_per_device=round(meter.signatures / devices, 2),
        processes=workers + runs.beside,
        seconds=round(meter.seconds, 2),
        cpu_seconds=round(meter.cpu_seconds, 2),
        devices_per_s=round(devices / meter.seconds, 1),
        **_over(floor, devices, meter),
        phases_us={name: round(spent.seconds / devices * 1e6, 1) for name, spent in meter.phases.items()},
        rows=rows,
        virtual_minutes=round(days * 24 * 60, 1),
        peak_rss_mb=peak_rss_mb(),
        growth_us={str(size): us for size, us in grown.items()},
        growth=_growth(meter.seconds / devices * 1e6, grown),
        **_against(peer, devices / meter.seconds),
        profile=None if beside.profile is None else str(beside.profile),
        machine=machine(),
    )


@dataclass(frozen=True, slots=True)
class _Runs:
    """Rollouts to one town, each in a store of its own."""

    town: Town
    identities: Identities | None
    now: Instant
    beside: int = 0
    workers: int = 1

    def roll_out(self, plan: Plan, where: Path | str, meter: Meter) -> tuple[int, float, Mapping[str, int]]:
        """Bring all devices to the new version. Returns: reports, days of virtual time, and rows that were written."""
        town, policies = self.town, Policies()
        store = settle_town(town, where, self.identities)
        rollout: HeardRollout | SignedRollout
        crew: Workers | None = None
        try:
            if self.identities is None:
                broker = FrameBuilder(town.keys, town.description.dcc)
                if self.workers > 1:
                    crew = Workers(str(where), size=self.workers, dcc=town.description.dcc, policies=policies)
                rollout = HeardRollout(store, town, plan=plan, broker=broker, policies=policies, meter=meter, crew=crew)
            else:
                rollout = SignedRollout(
                    store,
                    town,
                    self.identities,
                    plan=plan,
                    policies=policies,
                    meter=meter,
                    processes=self.beside,
                )
            with meter.collecting_seldom():
                rollout.run(self.now)
            with store.reading() as connection:
                return rollout.reports, rollout.days, census(connection)
        finally:
            if crew is not None:
                crew.close()
            store.close()

    def floor(self, folder: Path) -> Floor:
        """Write the rows of the rollout in `folder` again, by a bare loop."""
        empty = folder / "floor.sqlite"
        settle_town(self.town, empty, self.identities).close()
        return sqlite_floor(folder / "store.sqlite", empty)

    def cost_us(self, plan: Plan) -> float:
        """Give what a device costs in a rollout of that size, in the same registry."""
        meter = Meter()
        with tempfile.TemporaryDirectory(prefix="hanota-bench-") as folder:
            self.roll_out(plan, Path(folder, "store.sqlite"), meter)
        return round(meter.seconds / plan.devices * 1e6, 1)


def _key_processes(asked: int | None, *, signed: bool) -> int:
    if not signed:
        return 0
    return processes_by_default() if asked is None else asked


def _over(floor: Floor | None, devices: int, meter: Meter) -> dict[str, Any]:
    """Give how the rollout stands to its floor, by the names that DeliverOutcome has for it."""
    if floor is None:
        return {"floor_devices_per_s": None, "ratio": None, "ratio_cpu": None}
    return {
        "floor_devices_per_s": round(devices / floor.seconds, 1),
        "ratio": round(floor.seconds / meter.seconds, 3),
        "ratio_cpu": round(floor.cpu_seconds / meter.cpu_seconds, 3),
    }


def _growth(cost_us: float, grown: Mapping[int, float]) -> float | None:
    """Give how many times what it costs at GROWTH_FROM a device costs; None where that is not known."""
    return round(cost_us / grown[GROWTH_FROM], 2) if GROWTH_FROM in grown else None


def _against(peer: PeerOutcome | None, per_s: float) -> dict[str, Any]:
    """Give what is told of the peer, beside a rate of ours."""
    if peer is None:
        return dict.fromkeys(("peer", "peer_devices", "peer_devices_per_s", "ratio_peer", "how_they_differ"))
    return {
        "peer": peer.name,
        "peer_devices": peer.devices,
        "peer_devices_per_s": peer.devices_per_s,
        "ratio_peer": round(per_s / peer.devices_per_s, 1),
        "how_they_differ": HOW_THEY_DIFFER,
    }


def _peer(town: Town, folder: Path, devices: int) -> PeerOutcome:
    place = folder / "peer"
    place.mkdir()
    return bench_goosebit(cache=cache_folder(), folder=place, devices=devices, image=town.file)
