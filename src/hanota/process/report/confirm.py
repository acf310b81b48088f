"""Confirmation: after `alert.confirm_after` the version is read by CS08, and exactly one verdict is told."""

from typing import Final

import polars as pl

from hanota.model.alerts import AlertKind
from hanota.model.delivery import State
from hanota.model.profiles import types_where
from hanota.model.step import VERSIONS, Step
from hanota.process.stage import Ctx, alerts, first_reading, move, moves, newcomers, overdue, sends

_ALERTS: Final = {
    "version_matched": AlertKind.CONFIRMED.value,
    "version_differed": AlertKind.MISMATCH.value,
    "deadline_passed": AlertKind.NO_REPORT.value,
}


class Report:
    """ACTIVATED, to CONFIRMED, VERSION_MISMATCH or UNCONFIRMED."""

    takes: Final = frozenset({State.ACTIVATED})
    hears: Final = frozenset({"version_read", "version_seen"})

    def accept(self, batch: pl.DataFrame, ctx: Ctx) -> Step:
        """Ask for the version again if no answer comes; judge what was read; give up at the deadline."""
        activated = pl.col("state") == State.ACTIVATED
        # When it was read counts, not when it is taken: an old answer may have waited in its hub for days.
        settled = activated & (pl.col("at") >= pl.col("since") + ctx.policies.alert.confirm_after_ms)
        # What a hub noticed counts as read where it is all that will be said; others tell their version themselves.
        seen = pl.col("event") == "version_seen"
        outside = types_where(lambda row: not row.gbcs)
        read = ((pl.col("event") == "version_read") & (pl.col("result") == 0)) | (
            seen & pl.col("device_type").is_in(outside)
        )
        wanted = pl.col("version") == pl.col("version_target")
        # While ACTIVATING only the wanted version says something: the old one may simply not have been left yet. It is
        # read once more after the settle time, like any other.
        found = read & wanted & pl.col("state").is_in([State.ACTIVATING.value, State.TRANSFERRED.value])
        event = (
            pl.when(found)
            .then(pl.lit("activation_found"))
            .when(read & settled)
            .then(pl.when(wanted).then(pl.lit("version_matched")).otherwise(pl.lit("version_differed")))
            .when(pl.col("report").is_null() & overdue(ctx))
            .then(pl.lit("deadline_passed"))
        )
        versions = batch.filter(read | seen).select(*(pl.col(name).cast(kind) for name, kind in VERSIONS.items()))
        judged = move(batch, event, ctx)
        asking = pl.col("report").is_null() & pl.col("event").is_null()
        return Step(
            moves=moves(judged),
            sends=pl.concat([sends(judged.filter(asking), pl.lit("read_version")), first_reading(judged, ctx)]),
            alerts=pl.concat([newcomers(judged, ctx), alerts(judged, _ALERTS, ctx)]),
            versions=versions,
        )
