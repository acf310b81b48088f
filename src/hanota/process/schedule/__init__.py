"""Stage 3, schedule: accepted deliveries are queued, and every other Responsible Supplier is told (R18).

A delivery of an image in segments waits until its Supplier has sent all of them (R7).
"""

from typing import Final

import polars as pl

from hanota.model.alerts import AlertKind
from hanota.model.delivery import State
from hanota.model.step import Step
from hanota.process.stage import Ctx, alerts, move, moves, overdue

NO_HUB: Final = 0
"""Stands for the hub of a device that left its hub between the decision and its delivery."""

_ALERTS: Final = {
    "scheduled": AlertKind.UPGRADE_REQUESTED.value,
    "device_gone": AlertKind.GIVEN_UP.value,
    "deadline_passed": AlertKind.GIVEN_UP.value,
    "segments_missing": AlertKind.GIVEN_UP.value,
    "rejected": AlertKind.GIVEN_UP.value,
}


class Schedule:
    """REQUESTED becomes QUEUED."""

    takes: Final = frozenset({State.REQUESTED})
    hears: Final = frozenset[str]()

    def accept(self, batch: pl.DataFrame, ctx: Ctx) -> Step:
        """Queue each delivery whose image is there, whose device has a hub still, and whose deadline has not passed."""
        incomplete = pl.col("segments_missing").fill_null(0) > 0
        event = (
            pl.when(pl.col("hub") == NO_HUB)
            .then(pl.lit("device_gone"))
            .when(~pl.col("claimed").fill_null(value=True))  # what it was to displace went on too far (R12)
            .then(pl.lit("rejected"))
            .when(overdue(ctx) & incomplete)
            .then(pl.lit("segments_missing"))
            .when(overdue(ctx))
            .then(pl.lit("deadline_passed"))
            .when(~incomplete)
            .then(pl.lit("scheduled"))
        )
        judged = move(batch, event, ctx)
        return Step(moves=moves(judged), alerts=alerts(judged, _ALERTS, ctx))
