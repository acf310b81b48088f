"""The head end on one screen: a request comes in, is answered, and its deliveries go through four stages.

    accept   intake ─► check ─► decision and answer are durable ─► answer     (one serialised transaction)
    run      materialise ─► schedule ─► release ─► deliver ─► activate ─► report     (claim, decide, apply; until done)
             commands of Users that are due                                   (11.2, 11.3: `commanding.py`)
    hear     intake of frames from hubs ─► reports are durable, and what stages make of them ─► acknowledge
                                        └► answers and alerts to Users

Stages are pure; what they decide is claimed and written in one transaction. After a crash the same code goes on, for
what was claimed is free again. What is to leave is in the outbox and the alert table; `app` drains them. The first
line is in `acceptance.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.model.delivery import State
from hanota.model.policies import Policies
from hanota.model.step import Step
from hanota.process.acceptance import Acceptance, Answer
from hanota.process.activate import Activate
from hanota.process.commanding import Commanding
from hanota.process.deliver import Deliver, Release
from hanota.process.hearing import Hearing, Judged, Listened, ReadPlainly
from hanota.process.intake import Passed, Plain, Shut, read_plainly
from hanota.process.report import Report
from hanota.process.schedule import Schedule
from hanota.process.services import Broker
from hanota.process.stage import Ctx, Stage, decide, decide_said, moved_on
from hanota.process.statements import take_statement
from hanota.records.store import Connection, Store
from hanota.records.store.applying import apply
from hanota.records.store.materialising import materialise
from hanota.records.store.reports import KeptElsewhere, Reports, save_reports
from hanota.records.store.wan import let_go_at_once
from hanota.records.store.work import claim, claim_leaving, claim_requested, waiting

_SCHEDULE: Final = Schedule()
_RELEASE: Final = Release()
_FOLLOWING: Final[tuple[Stage, ...]] = (Deliver(), Activate(), Report())
STAGES: Final[tuple[Stage, ...]] = (_SCHEDULE, _RELEASE, *_FOLLOWING)
_HEARERS: Final = {event: number for number, stage in enumerate(STAGES) for event in stage.hears}
_HEARD: Final = sorted(_HEARERS)

MADE_MAX: Final = 10_000
"""After so many new deliveries the stages have their turn, and whoever asks meanwhile is not behind all of a flood."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of frames from hubs, and what went wrong with messages that are acknowledged all the same."""

    judged: Judged
    failures: tuple[Exception, ...] = ()


class Pipeline:
    """The whole flow over one store. `seal` signs answers as the DCC, `broker` acts as its Access Control Broker: they
    are all here that knows a key. `read` reads frames and looks at their marks, in this process or beside it.
    """

    def __init__(
        self,
        store: Store,
        *,
        dcc: Eui64,
        policies: Policies,
        seal: Callable[[bytes], bytes],
        broker: Broker,
        read: ReadPlainly | None = None,
        lane: str = "0",
    ) -> None:
        self._store = store
        self._hearing = Hearing(store, read or _read_here, broker.seals_hold)
        self._dcc = dcc
        self._policies = policies
        self._broker = broker
        self._lane = lane
        self._acceptance = Acceptance(store, dcc=dcc, policies=policies, seal=seal, broker=broker, lane=lane)

    def accept(self, octets: bytes, service: str, now: Instant) -> Answer:
        """Answer a request once it and its decision are durable. `service` is D, S or T, by the web service used."""
        return self._acceptance.accept(octets, service, now)

    def release(self, number: int, now: Instant) -> None:
        """Serve a request that was held in quarantine. Raises NotHeld."""
        self._acceptance.release(number, now)

    def drop(self, number: int, now: Instant) -> None:
        """Refuse a request that was held in quarantine. Raises NotHeld."""
        self._acceptance.drop(number, now)

    def attest(self, octets: bytes, now: Instant) -> bool:
        """Keep a signed statement about a local upgrade; whether it explains a version yet. Raises StatementRefused."""
        return take_statement(self._store, self._lane, octets, self._policies, now)

    def run(self, now: Instant, going: Callable[[], bool] = lambda: True, rows_max: int | None = None) -> int:
        """Do everything that is due; leave off between two batches once `rows_max` were moved or `going` says no.

        Returns: how many rows were moved.
        """
        ctx = Ctx(now=now, policies=self._policies)
        made, more = self._materialise(now)
        total = made + self._command(now)
        while going() and (rows_max is None or total < rows_max):
            moved = sum(self._step(stage, ctx) for stage in self._awake(now) if going())
            if more:
                made, more = self._materialise(now)
                moved += made
            if not moved:
                break
            total += moved
        return total

    def _awake(self, now: Instant) -> list[Stage]:
        """Give the stages that may have something to do."""
        with self._store.reading() as connection:
            found = waiting(connection, _HEARD, now)
        return [
            stage for stage in STAGES if (found.queue if stage is _RELEASE else found.any_for(stage.takes, stage.hears))
        ]

    def _materialise(self, now: Instant) -> tuple[int, bool]:
        """Make deliveries of decisions. Returns: of how many devices, and whether more may wait."""
        total = 0
        while total < MADE_MAX:
            with self._store.writing() as connection:
                deadline = Instant(now + self._policies.deadline.requested_ms)
                made = materialise(connection, self._lane, now, deadline, policies=self._policies)
            if not made:
                return total, False
            total += made
        return total, True

    def _step(self, stage: Stage, ctx: Ctx) -> int:
        with self._store.writing() as connection:
            batch = self._claim(connection, stage, ctx)
            if batch.is_empty():
                return 0
            ctx = replace(ctx, now=_not_before(batch, ctx.now))
            step = decide(stage, batch, ctx, _FOLLOWING)
            if stage is _SCHEDULE:
                step = self._release_at_once(connection, batch, step, ctx)
            return self._write(connection, step, ctx)

    def _release_at_once(self, connection: Connection, batch: pl.DataFrame, step: Step, ctx: Ctx) -> Step:
        """Let those go on that were queued just now, for networks of which no queue is needed."""
        queued = moved_on(batch, step.moves, pl.col("to") == State.QUEUED, ctx)
        gone = let_go_at_once(connection, queued.select("delivery", "region", "turn"), self._policies.wan)
        if gone.is_empty():
            return step
        return step.then(decide(_RELEASE, queued.filter(pl.col("delivery").is_in(gone.implode())), ctx))

    def _write(self, connection: Connection, step: Step, ctx: Ctx, *, kept_as_taken: bool = False) -> int:
        alert = self._policies.alert
        return apply(
            connection,
            self._lane,
            step,
            now=ctx.now,
            service_level_ms=alert.service_level_ms,
            grouping=alert.grouping,
            attested=self._policies.local_upgrade.attested,
            kept_as_taken=kept_as_taken,
        )

    def _claim(self, connection: Connection, stage: Stage, ctx: Ctx) -> pl.DataFrame:
        if stage is _SCHEDULE:
            return claim_requested(connection, ctx.now, self._policies.wan)
        if stage is _RELEASE:
            return claim_leaving(connection, ctx.now, self._policies.wan)
        return claim(connection, takes=stage.takes, hears=stage.hears, now=ctx.now)

    def _command(self, now: Instant) -> int:
        total = 0
        while True:
            with self._store.writing() as connection:
                moved = self._commanding(connection, now).step()
            if not moved:
                return total
            total += moved

    def _commanding(self, connection: Connection, now: Instant) -> Commanding:
        return Commanding(connection, dcc=self._dcc, policies=self._policies, lane=self._lane, now=now)

    def hear(self, frames: Sequence[bytes], now: Instant) -> Heard:
        """Take frames from hubs: what they report is durable when this returns, and may then be acknowledged."""
        return self.keep(self.listen(frames), now)

    def listen(self, frames: Iterable[bytes]) -> Listened:
        """Begin to read frames from hubs; nothing is believed, nor kept, before `keep`."""
        return self._hearing.listen(frames)

    def keep(self, listened: Listened, now: Instant, *, at_once: bool = True) -> Heard:
        """Keep what was listened to, as far as its marks hold: it is durable when this returns.

        With `at_once` so is what stages make of it; else they hear of it in the next run.
        """
        judged = self._hearing.judge(listened)
        reports, passed = judged.reports, judged.passed
        failures = self.take(reports, now, passed, at_once=at_once) if reports.height or passed else ()
        return Heard(judged, failures)

    def take(
        self, reports: Reports, now: Instant, passed: Sequence[Passed] = (), *, at_once: bool = True
    ) -> tuple[Exception, ...]:
        """Keep reports, `at_once` with what stages make of them, and take messages to Users.

        Returns: what went wrong with messages.
        """
        try:
            return self._take(reports, now, passed, at_once=at_once)
        except KeptElsewhere:
            return self._take(reports, now, passed, at_once=False)

    def _take(
        self, reports: Reports, now: Instant, passed: Sequence[Passed], *, at_once: bool
    ) -> tuple[Exception, ...]:
        level, attested = self._policies.alert.service_level_ms, self._policies.local_upgrade.attested
        with self._store.writing() as connection:
            kept = save_reports(
                connection,
                self._lane,
                reports,
                now,
                service_level_ms=level,
                attested=attested,
                at_once=_HEARERS if at_once else {},
            )
            if not kept.claimed.is_empty():
                ctx = Ctx(now=_not_before(kept.claimed, now), policies=self._policies)
                self._write(connection, decide_said(STAGES, kept.claimed, ctx, _FOLLOWING), ctx, kept_as_taken=True)
            return tuple(self._commanding(connection, now).hear(passed, kept.sources)) if passed else ()


def _read_here(uplinks: Sequence[Shut]) -> Callable[[], list[Plain]]:
    said = read_plainly(uplinks)
    return lambda: said


def _not_before(batch: pl.DataFrame, now: Instant) -> Instant:
    """Give a time for what is decided now, after all that other workers decided of these deliveries: their clocks may
    be ahead of ours, and a step of ours may have begun before theirs.
    """
    last = int(batch.select(pl.max_horizontal("since", "decided_at").max()).item())
    return now if last <= now else Instant(last + 1)
