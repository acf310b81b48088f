"""A rollout to a town: staggered requests, orders to homes at flow level, reports shuffled, until all is confirmed.

Time is virtual and goes by ticks. The clock that counts runs while the head end is at work, and stands still while the
homes are: what an estate does to say things is no part of what is measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from random import Random
from typing import Final

import polars as pl

from hanota.app.bench.crew import Alone, Crew
from hanota.app.bench.metering import Meter
from hanota.app.bench.town import Town
from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, MINUTE, SECOND, Instant
from hanota.edge.estate.flow import BRIEF, FlowHomes, Told
from hanota.model.policies import Policies
from hanota.model.returns import Return, Row, row_of
from hanota.process.pipeline import Pipeline
from hanota.process.services import Broker
from hanota.records.store import Store
from hanota.records.store.census import deliveries_by_state
from hanota.records.store.outbox import Order, mark_sent, orders_of, unsent_rows

TICK_MS: Final = 30 * SECOND
STAGGER_MS: Final = MINUTE
HEARD_MAX: Final = 20_000
SENT_MAX: Final = 10_000
GIVE_UP_MS: Final = 2 * DAY
_EVENTS: Final = {
    Told.ACCEPTED: "order_accepted",
    Told.HELD: "image_held",
    Told.TRANSFERRING: "transfer_progressed",
    Told.TRANSFERRED: "transfer_progressed",
    Told.CCS08: "transferred",
    Told.CS09: "activation_succeeded",
    Told.VERSION: "version_read",
    Told.BUSY: "hub_busy",
    Told.CANCELLED: "cancelled",
}
_BY_DEVICE: Final = frozenset({Told.CS09, Told.VERSION})


class RolloutUnfinished(HanotaError):
    """Not every device of a rollout was confirmed: the figures would mean nothing."""

    code, fault = "HOTA-BENCH-007", Fault.US
    what = "of {devices} devices, {states} after {days} days of virtual time"
    remedy = "report this with the log lines around it"


class RequestRefused(HanotaError):
    """A request of the measurement was not accepted whole."""

    code, fault = "HOTA-BENCH-008", Fault.US
    what = "request {number} was answered {answered}"
    remedy = "report this with the log lines around it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """So many devices in so many requests, and what homes say of each."""

    devices: int
    requests: int
    said: frozenset[Told] = BRIEF

    def shares(self) -> list[tuple[int, int]]:
        """Give first home and number of devices of each request."""
        ends = [self.devices * number // self.requests for number in range(self.requests + 1)]
        return [(first, end - first) for first, end in pairwise(ends) if end > first]


class HeardRollout:
    """The rollout whose reports come as they are once a carrier and the checks of signatures have done their part.

    So it measures everything of the head end but wire and signatures: `Pipeline`, store and outbox.
    """

    def __init__(
        self,
        store: Store,
        town: Town,
        *,
        plan: Plan,
        broker: Broker,
        policies: Policies,
        meter: Meter,
        crew: Crew | None = None,
        seed: int = 1,
    ) -> None:
        self._store, self._town, self._plan, self._meter = store, town, plan, meter
        self._rng = Random(seed)  # noqa: S311 - a measurement that can be repeated
        self._pipeline = Pipeline(store, dcc=town.description.dcc, policies=policies, seal=town.sign, broker=broker)
        self._crew = crew or Alone(self._pipeline)
        self.homes = FlowHomes(town.columns(), policies=policies, seed=seed, said=plan.said)
        self.reports = 0
        self.days = 0.0

    def run(self, start: Instant) -> None:
        """Go on until every device is confirmed. Raises RequestRefused, RolloutUnfinished."""
        requests = [(Instant(start + number * STAGGER_MS), *share) for number, share in enumerate(self._plan.shares())]
        for tick in range(GIVE_UP_MS // TICK_MS):
            now = Instant(start + tick * TICK_MS)
            while requests and requests[0][0] <= now:
                _, first, count = requests.pop(0)
                self._accept(first, count, now)
            self._hear(now)
            with self._meter.phase("run") as spent:
                spent.cpu_seconds += self._crew.run(now)
            self._drain(now)
            if not requests and self._done():
                self.days = (now - start) / DAY
                return
        raise RolloutUnfinished(devices=self._plan.devices, states=self._states(), days=GIVE_UP_MS // DAY)

    def _accept(self, first: int, count: int, now: Instant) -> None:
        octets = self._town.request(first + 1, first, count)
        with self._meter.phase("accept"):
            answer = self._pipeline.accept(octets, "D", now)
        require(answer.code.value == "I0", RequestRefused, number=first + 1, answered=answer.code.value)

    def _drain(self, now: Instant) -> None:
        while True:
            with self._meter.phase("drain"):
                with self._store.reading() as connection:
                    leaving = unsent_rows(connection, now, SENT_MAX)
                    orders = orders_of(connection, leaving["request"].unique())
                if leaving.height:
                    with self._store.writing() as connection:
                        mark_sent(connection, leaving["id"], now)
            if leaving.is_empty():
                return
            self._arrive(leaving, orders, now)

    def _arrive(self, leaving: pl.DataFrame, asked: Mapping[int, Order], now: Instant) -> None:
        said = pl.DataFrame(
            [(request, order.version, order.image_octets) for request, order in asked.items()],
            schema={"request": pl.Int64, "version": pl.Int64, "octets": pl.Int64},
            orient="row",
        )
        frame = leaving.rename({"id": "message", "delivery": "order"}).join(said, on="request", maintain_order="left")
        orders = frame.filter(pl.col("kind") == "distribute")
        if orders.height:
            self.homes.order(orders.select("order", "device", "version", "octets"), now)
        questions = frame.filter(pl.col("kind") == "read_version")
        if questions.height:
            self.homes.read(questions.select("message", "device"), now)

    def _reports(self, now: Instant) -> Iterator[list[Row]]:
        said = self.homes.due(now)
        said = said.sample(fraction=1, shuffle=True, seed=self._rng.getrandbits(32))
        for part in said.iter_slices(HEARD_MAX):
            yield self._as_heard(part)

    def _as_heard(self, said: pl.DataFrame) -> list[Row]:
        """Give what the intake makes of a home's frames once it has opened them."""
        heard = []
        for row in said.iter_rows(named=True):
            self.reports += 1
            told = Told(row["told"])
            hub, device = Eui64(row["hub"]), Eui64(row["device"])
            by_device = told in _BY_DEVICE
            of_receipt = told in (Told.CCS08, *_BY_DEVICE)
            report = Return(
                source=f"measurement {self.reports}",
                reporter=device if by_device else hub,
                at=Instant(row["at"]),
                event=_EVENTS[told],
                device=device,
                octets=_EVIDENCE,
                delivery=None if of_receipt else row["order"],
                version=row["version"] if by_device else None,
                image_version=row["version"] if told is Told.CCS08 else None,
                result=0 if by_device else None,
                offset=None if of_receipt else row["offset"],
                blocks=None if of_receipt else row["blocks"],
                repeats=None if of_receipt else row["repeats"],
            )
            heard.append(row_of(report))
        return heard

    def _hear(self, now: Instant) -> None:
        said = self._reports(now)
        while batches := list(islice(said, self._crew.size)):
            self._crew.hold(batches)
            with self._meter.phase("hear") as spent:
                spent.cpu_seconds += self._crew.take(now)

    def _states(self) -> dict[str, int]:
        with self._store.reading() as connection:
            return dict(deliveries_by_state(connection))

    def _done(self) -> bool:
        return self.homes.next_due is None and self._states() == {"CONFIRMED": self._plan.devices}


_EVIDENCE: Final = bytes(180)  # about as many octets as a message that carries a report
