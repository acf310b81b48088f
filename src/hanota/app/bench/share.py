"""`hanota bench share`: what one Supplier's flood costs another one who asks for little.

Both ask at the same moment, the flood first. Every region's network carries so many octets a second, and less than is
asked for; then none has a limit that is known, and only the head end's own work is shared. Time is virtual: what
counts is when the last device of the small request is confirmed, and what the head end did until its last order left.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from hanota.app.bench.machine import machine
from hanota.app.bench.metering import Meter
from hanota.app.bench.rollout import TICK_MS, HeardRollout, Plan, RequestRefused, RolloutUnfinished
from hanota.app.bench.town import Town, plan_town, settle_town
from hanota.app.frames import FrameBuilder
from hanota.app.head_end import ROWS_MAX
from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, FOREVER, SECOND, Instant
from hanota.base.vocabulary.devices import CspRegion
from hanota.model.policies import Policies, WanPolicy
from hanota.records.registry.many import enter_town
from hanota.records.store import Store
from hanota.records.store.census import states_of_party
from hanota.records.store.outbox import Order
from hanota.records.store.work import next_due

IMAGE_OCTETS: Final = 50_000
RATIO_MAX: Final = 2.0
REQUEST_MAX: Final = 50_000
_DAYS_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How long a request took, in virtual seconds, and the head end's work until its last order had left, in rows."""

    ordered_s: float
    confirmed_s: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOutcome:
    """What was measured: the small request alone and beside the flood, over networks with a limit and without."""

    devices: int
    flood: int
    octets_per_s: int
    alone: Reached
    flooded: Reached
    unlimited_alone: Reached
    unlimited_flooded: Reached
    ratio: float
    ratio_ordered: float
    ratio_rows: float
    machine: str

    @property
    def limits(self) -> dict[str, float]:
        """What the figures are held to."""
        return {"ratio_max": RATIO_MAX}

    @property
    def passed(self) -> bool:
        """Whether the small request took at most twice its time alone."""
        return self.ratio <= RATIO_MAX

    def as_dict(self) -> dict[str, Any]:
        """Give the row for JSON."""
        return {"name": "share", **asdict(self), "limits": self.limits, "passed": self.passed}


def bench_share(*, now: Instant, flood: int = 600_000, devices: int = 1000, octets_per_s: int = 5_000) -> ShareOutcome:
    """Measure a request of `devices` alone, and after another Supplier's requests for `flood` devices.

    Args: octets_per_s: what the network of each of the three regions carries. Raises RequestRefused, RolloutUnfinished.
    """
    town = plan_town(flood + devices, image_octets=IMAGE_OCTETS, now=now, suppliers=2)
    limited = dict.fromkeys((CspRegion.NORTH, CspRegion.CENTRAL, CspRegion.SOUTH), octets_per_s)
    runs = [
        _reached(town, flooded=flooded, flood=flood, wan=wan, now=now)
        for wan in (WanPolicy(octets_per_s=limited), WanPolicy())
        for flooded in (False, True)
    ]
    alone, beside, free_alone, free_beside = runs
    return ShareOutcome(
        devices=devices,
        flood=flood,
        octets_per_s=octets_per_s,
        alone=alone,
        flooded=beside,
        unlimited_alone=free_alone,
        unlimited_flooded=free_beside,
        ratio=round(beside.confirmed_s / alone.confirmed_s, 3),
        ratio_ordered=round(beside.ordered_s / alone.ordered_s, 3),
        ratio_rows=round(free_beside.rows / free_alone.rows, 3),
        machine=machine(),
    )


def _reached(town: Town, *, flooded: bool, flood: int, wan: WanPolicy, now: Instant) -> Reached:
    with tempfile.TemporaryDirectory(prefix="hanota-bench-") as folder:
        store = settle_town(town, Path(folder, "store.sqlite"))
        try:
            contest = Contest(store, town, flood=flood, wan=wan)
            return contest.reach(now, flooded=flooded)
        finally:
            store.close()


class Contest(HeardRollout):
    """The homes of a town between two Suppliers: the second one's are those behind the first one's flood."""

    def __init__(self, store: Store, town: Town, *, flood: int, wan: WanPolicy) -> None:
        super().__init__(
            store,
            town,
            plan=Plan(devices=town.homes, requests=1),
            broker=FrameBuilder(town.keys, town.description.dcc),
            policies=Policies(wan=wan),
            meter=Meter(),
        )
        self._flood = flood
        self._small = town.description.parties[1].eui
        self._few = town.homes - flood
        self._ordered: set[int] = set()
        self._rows = 0
        self._handed = 0
        self._enter_second()

    def _enter_second(self) -> None:
        """Let the second Supplier supply the gas of his homes, so that he may update their displays, too."""
        homes = self.homes.homes.filter(pl.col("home") >= self._flood)
        mine = {"party": pl.lit(self._small.signed), "since": pl.lit(0), "until": pl.lit(int(FOREVER))}
        none = pl.DataFrame()
        with self._store.writing() as connection:
            enter_town(connection, premises=none, devices=none, eligibility=homes.select("device", **mine))

    def reach(self, start: Instant, *, flooded: bool) -> Reached:
        """Go on until the small request is confirmed. Raises RequestRefused, RolloutUnfinished."""
        if flooded:
            for first in range(0, self._flood, REQUEST_MAX):
                self._ask(first, min(REQUEST_MAX, self._flood - first), self._town.sender, start)
        self._ask(self._flood, self._few, self._small, start)
        ordered: tuple[float, int] | None = None
        for now in self._moments(start):
            self._hear(now)
            ordered = self._work(now, start) or ordered
            with self._store.reading() as connection:
                states = states_of_party(connection, self._small)
            if ordered is not None and set(states) == {"CONFIRMED"}:
                seconds, rows = ordered
                return Reached(ordered_s=seconds, confirmed_s=(now - start) / SECOND, rows=rows)
        raise RolloutUnfinished(devices=self._few, states=states, days=_DAYS_MAX)

    def _moments(self, start: Instant) -> Iterator[Instant]:
        """Give the times at which something is due, at homes or at the head end."""
        now = start
        while now < start + _DAYS_MAX * DAY:
            yield now
            with self._store.reading() as connection:
                whens = next_due(connection), self.homes.next_due
            now = Instant(max(now + TICK_MS, min((when for when in whens if when is not None), default=0)))

    def _ask(self, first: int, count: int, supplier: Eui64, now: Instant) -> None:
        octets = self._town.request(first + 1, first, count, supplier=supplier)
        answer = self._pipeline.accept(octets, "D", now)
        require(answer.code.value == "I0", RequestRefused, number=first + 1, answered=answer.code.value)

    def _work(self, now: Instant, start: Instant) -> tuple[float, int] | None:
        """Do what a head end does in a step. Returns: when the last small order left, and after how much work."""
        ordered = None
        while True:
            moved = self._pipeline.run(now, rows_max=ROWS_MAX)
            self._rows += moved
            before = len(self._ordered)
            self._drain(now)
            if before < len(self._ordered) == self._few:
                ordered = ((now - start) / SECOND, self._rows + self._handed)
            if moved < ROWS_MAX:
                return ordered

    def _arrive(self, leaving: pl.DataFrame, asked: Mapping[int, Order], now: Instant) -> None:
        self._handed += leaving.height
        small = [request for request, order in asked.items() if order.request_id.originator == self._small]
        self._ordered.update(leaving.filter(pl.col("request").is_in(small))["delivery"])
        super()._arrive(leaving, asked, now)
