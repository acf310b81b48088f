"""Stage 5, activate: from an image held by the device to its report that it runs it.

A PPMID or IHD is activated by its hub once it holds the image (GBCS 11.6); meters and HCALCS wait for CS06.
"""

from typing import Final

import polars as pl

from hanota.model.alerts import AlertKind
from hanota.model.delivery import State
from hanota.model.profiles import Activation, types_where
from hanota.model.step import VERSIONS, Step
from hanota.process.stage import (
    Ctx,
    alerts,
    bound_to_supplier,
    first_reading,
    move,
    moves,
    newcomers,
    overdue,
    sends,
)

_ASKING: Final = frozenset({"may_defer", "may_refuse"})
_ALERTS: Final = {
    "activation_succeeded": AlertKind.ACTIVATION.value,
    "activation_failed": AlertKind.ACTIVATION_FAILURE.value,
    "no_report": AlertKind.NO_REPORT.value,
    "given_up": AlertKind.GIVEN_UP.value,
    "image_missing": AlertKind.GIVEN_UP.value,
}


class Activate:
    """TRANSFERRED, CONSENT and ACTIVATING, to ACTIVATED or an end."""

    takes: Final = frozenset({State.TRANSFERRED, State.CONSENT, State.ACTIVATING})
    hears: Final = frozenset({"activation_succeeded", "activation_failed", "image_missing"})

    def accept(self, batch: pl.DataFrame, ctx: Ctx) -> Step:
        """Take activation reports; ask a device whose report is overdue which version it runs (MP105)."""
        on_receipt = types_where(lambda row: row.activation is Activation.ON_RECEIPT)
        with_screen = types_where(lambda row: row.consent_display)
        asked = with_screen if ctx.policies.consent.mode in _ASKING else []  # there the hub tells of the answer
        by_hub = (pl.col("state") == State.TRANSFERRED) & pl.col("device_type").is_in(on_receipt)
        by_hub &= ~pl.col("device_type").is_in(asked)
        lost = (pl.col("state") == State.TRANSFERRED) & bound_to_supplier() & ~pl.col("eligible")
        by_time = (
            pl.when(overdue(ctx))
            .then(pl.lit("deadline_passed"))
            .when(lost)
            .then(pl.lit("responsibility_lost"))
            .when(by_hub)
            .then(pl.lit("activation_due"))
        )
        # A command that came before the image found none, but says nothing of the one that came after.
        overtaken = (pl.col("event") == "image_missing") & (pl.col("at") < pl.col("transferred_at"))
        said = pl.when(~overtaken.fill_null(value=False)).then("event")
        judged = move(batch, pl.when(pl.col("report").is_null()).then(by_time).otherwise(said), ctx)
        silent = pl.col("event").is_null() & (pl.col("state") == State.ACTIVATING)
        # Only a delivery whose activation was called for was "due to have activated" (R22).
        gave_up = pl.col("event").is_in(["deadline_passed", "responsibility_lost"])
        called_for = pl.col("state") == State.ACTIVATING
        told = judged.with_columns(
            pl.when(gave_up & called_for)
            .then(pl.lit("no_report"))
            .when(gave_up)
            .then(pl.lit("given_up"))
            .otherwise("event")
            .alias("event")
        )
        # Who commanded an activation by CS06 has the device's own answer to it.
        told = told.filter((pl.col("event") != "activation_succeeded") | pl.col("device_type").is_in(on_receipt))
        to_hub = pl.when(silent).then(pl.lit("read_version")).otherwise(pl.lit("cancel"))
        reported = judged.filter(pl.col("version").is_not_null())
        return Step(
            moves=moves(judged),
            sends=pl.concat(
                [sends(judged.filter(silent | (gave_up & ~called_for)), to_hub), first_reading(judged, ctx)]
            ),
            alerts=pl.concat([newcomers(judged, ctx), alerts(told, _ALERTS, ctx)]),
            versions=reported.select(*(pl.col(name).cast(kind) for name, kind in VERSIONS.items())),
        )
