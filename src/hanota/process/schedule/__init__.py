"""Stage 3, schedule: accepted deliveries are queued, and every other Responsible Supplier is told (R18)."""

from typing import Final

import polars as pl

from hanota.model.alerts import AlertKind
from hanota.model.delivery import State
from hanota.model.step import Step
from hanota.process.stage import Ctx, alerts, move, moves, overdue


class Schedule:
    """REQUESTED becomes QUEUED."""

    takes: Final = frozenset({State.REQUESTED})
    hears: Final = frozenset[str]()

    def accept(self, batch: pl.DataFrame, ctx: Ctx) -> Step:
        """Queue each delivery whose deadline has not passed."""
        event = pl.when(overdue(ctx)).then(pl.lit("deadline_passed")).otherwise(pl.lit("scheduled"))
        judged = move(batch, event, ctx)
        return Step(moves=moves(judged), alerts=alerts(judged, {"scheduled": AlertKind.UPGRADE_REQUESTED}, ctx))
