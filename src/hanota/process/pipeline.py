"""The head end on one screen: a request comes in, is answered, and its deliveries go through four stages.

    accept   intake ─► check ─► decision and answer are durable ─► answer     (one serialised transaction)
    run      materialise ─► schedule ─► deliver ─► activate ─► report         (claim, decide, apply; until all is done)
    hear     intake of frames from hubs ─► reports are durable ─► acknowledge (the stages hear them in the next run)

Stages are pure; the store writes what they decide in one transaction. After a crash the same code goes on: rows whose
claim ran out are claimed again. What is to leave is in the outbox and the alert table; `app` drains them. The first
line is in `acceptance.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.policies import Policies
from hanota.process.acceptance import Acceptance, Answer
from hanota.process.activate import Activate
from hanota.process.deliver import Deliver
from hanota.process.intake import Asked, HomeFacts, Ignored, MacCheck, Told, read_uplink_frame
from hanota.process.report import Report
from hanota.process.schedule import Schedule
from hanota.process.stage import Ctx, Stage
from hanota.records.registry.certificates import CertificateFinder
from hanota.records.store import Store
from hanota.records.store.acceptance import materialise
from hanota.records.store.reports import save_reports
from hanota.records.store.work import apply, claim

STAGES: Final[tuple[Stage, ...]] = (Schedule(), Deliver(), Activate(), Report())


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of frames from hubs: uplinks to acknowledge, image octets asked for, frames not believed."""

    told: tuple[Told, ...]
    asked: tuple[Asked, ...]
    ignored: tuple[Ignored, ...]


class Pipeline:
    """The whole flow over one store. `seal` signs answers as the DCC; it is the only thing here that knows a key."""

    def __init__(
        self, store: Store, *, dcc: Eui64, policies: Policies, seal: Callable[[bytes], bytes], lane: str = "0"
    ) -> None:
        self._store = store
        self._policies = policies
        self._lane = lane
        self._acceptance = Acceptance(store, dcc=dcc, policies=policies, seal=seal, lane=lane)

    def accept(self, octets: bytes, service: str, now: Instant) -> Answer:
        """Answer a request once it and its decision are durable. `service` is D, S or T, by the web service used."""
        return self._acceptance.accept(octets, service, now)

    def run(self, now: Instant) -> int:
        """Do everything that is due. Returns: how many rows were moved."""
        ctx = Ctx(now=now, policies=self._policies)
        total = self._materialise(now)
        for stage in STAGES:
            while moved := self._step(stage, ctx):
                total += moved
        return total

    def _materialise(self, now: Instant) -> int:
        total = 0
        while True:
            with self._store.writing() as connection:
                deadline = Instant(now + self._policies.deadline.requested_ms)
                made = materialise(connection, self._lane, now, deadline)
            if not made:
                return total
            total += made

    def _step(self, stage: Stage, ctx: Ctx) -> int:
        with self._store.writing() as connection:
            batch = claim(connection, takes=stage.takes, hears=stage.hears, now=ctx.now)
        if batch.is_empty():
            return 0
        step = stage.accept(batch, ctx)
        service_level_ms = self._policies.alert.service_level_ms
        with self._store.writing() as connection:
            return apply(connection, self._lane, step, now=ctx.now, service_level_ms=service_level_ms)

    def hear(self, frames: Iterable[bytes], mac_holds: MacCheck, now: Instant) -> Heard:
        """Take frames from hubs: what they report is durable when this returns, and may then be acknowledged."""
        with self._store.reading() as connection:
            facts = HomeFacts(certificate=CertificateFinder(connection), mac_holds=mac_holds)
            read = [read_uplink_frame(frame, facts) for frame in frames]
        told = tuple(item for item in read if isinstance(item, Told))
        reports = [item.report for item in told if item.report is not None]
        if reports:
            with self._store.writing() as connection:
                save_reports(connection, self._lane, reports, now)
        return Heard(
            told,
            tuple(item for item in read if isinstance(item, Asked)),
            tuple(item for item in read if isinstance(item, Ignored)),
        )
