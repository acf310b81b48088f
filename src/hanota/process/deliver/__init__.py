"""Stage 4, deliver: from the queue over the wide-area network to the hub and over the HAN to the device.

`Release` is its first half: what leaves the queue of its region's network.
Source: GBCS 11.4, 11.6 (CS05c), CCS08; R10 for repeating; R16: responsibility is judged again at release.
"""

from typing import Final

import polars as pl

from hanota.base.vocabulary.devices import TransferResponseCode
from hanota.model.alerts import AlertKind
from hanota.model.delivery import OF_THE_REGISTRY, State
from hanota.model.profiles import types_where
from hanota.model.step import Step
from hanota.process.stage import Ctx, alerts, bound_to_supplier, move, moves, newcomers, overdue, sends

_ALERTS: Final = {
    "image_held": AlertKind.DELIVERED_TO_HUB,
    "wan_failed": AlertKind.NOT_DELIVERED_TO_HUB,
    "responsibility_lost": AlertKind.GIVEN_UP,
    "cancelled": AlertKind.GIVEN_UP,
    "deadline_passed": AlertKind.GIVEN_UP,
    "transferred": AlertKind.TRANSFER,
    "discarded": AlertKind.TRANSFER,
    "hardware_mismatched": AlertKind.TRANSFER,
    "transfer_failed": AlertKind.TRANSFER,
    "consumer_refused": AlertKind.REFUSED,
    "device_gone": AlertKind.GIVEN_UP,
    "gone_unread": AlertKind.NO_REPORT,
}
_BY_HUB: Final = {
    "hub_discarded": "discarded",
    "hub_hardware_mismatched": "hardware_mismatched",
    "hub_transfer_failed": "transfer_failed",
}
"""How a transfer to a meter failed, by its hub's receipt; of other devices CCS08 says so."""

_RESULTS: Final = {
    "transferred": TransferResponseCode.FILE_TRANSFER_SUCCESS,
    "discarded": TransferResponseCode.FIRMWARE_IMAGE_DISCARDED,
    "hardware_mismatched": TransferResponseCode.HARDWARE_VERSION_MISMATCH,
    "transfer_failed": TransferResponseCode.FILE_TRANSFER_FAILURE,
    "consumer_refused": TransferResponseCode.FIRMWARE_IMAGE_DISCARDED,
}

_ASKING: Final = frozenset({"consent_asked", "consent_deferred", "consent_given"})
"""Heard here with the outcomes of transfers, so that a refusal counts before the discarding that it leads to (R27)."""
_ORDERED: Final = [State.ON_WAN, State.HELD, State.TRANSFERRING, State.TRANSFERRED, State.CONSENT]
"""States in which an order may stand at the hub."""
_CALLED_FOR: Final = [State.ACTIVATING, State.ACTIVATED]
"""States in which the device was due to have activated: one verdict is owed to all concerned (R22)."""


class Release:
    """QUEUED becomes ON_WAN, for those whose turn it is and whom their region's network takes now."""

    takes: Final = frozenset[State]()
    """By no time: `records.store.wan` says whose turn it is."""
    hears: Final = frozenset[str]()

    def accept(self, batch: pl.DataFrame, ctx: Ctx) -> Step:
        """Let the order leave for whom the sender is responsible still, in time."""
        return _act(_heard(batch), pl.coalesce(_ended(ctx), pl.lit("released")), ctx)


class Deliver:
    """ON_WAN, HELD and TRANSFERRING, to TRANSFERRED or an end; QUEUED to an end, if its time comes before its turn."""

    takes: Final = frozenset({State.QUEUED, State.ON_WAN, State.HELD, State.TRANSFERRING})
    hears: Final = frozenset(
        {
            "order_accepted",
            "hub_busy",
            "image_held",
            "transfer_progressed",
            "wan_failed",
            "cancelled",
            *_RESULTS,
            *_BY_HUB,
            *OF_THE_REGISTRY,
            *_ASKING,
        }
    )

    def accept(self, batch: pl.DataFrame, ctx: Ctx) -> Step:
        """Repeat what the hub has not answered, take reports, end what is overdue."""
        return _act(_heard(batch), pl.when(pl.col("report").is_null()).then(_ended(ctx)).otherwise("event"), ctx)


def _ended(ctx: Ctx) -> pl.Expr:
    """What ends a row by time alone; null: nothing does."""
    queued, on_wan = pl.col("state") == State.QUEUED, pl.col("state") == State.ON_WAN
    return (
        pl.when(overdue(ctx) & on_wan)
        .then(pl.lit("wan_failed"))
        .when(overdue(ctx))
        .then(pl.lit("deadline_passed"))
        .when(~pl.col("eligible") & (queued | on_wan | bound_to_supplier()))
        .then(pl.lit("responsibility_lost"))
    )


def _act(batch: pl.DataFrame, event: pl.Expr, ctx: Ctx) -> Step:
    judged = move(batch, event, ctx)
    by_time_alone = pl.col("report").is_null()
    order = by_time_alone & (pl.col("to") == State.ON_WAN)
    # The hub may hold, or yet get, the order of a delivery that time has ended: it has to hear of that.
    ended = pl.col("event").is_in(["wan_failed", "deadline_passed", "responsibility_lost"])
    cancel = by_time_alone & ended & (pl.col("state") != State.QUEUED)
    gone = pl.col("event") == "device_gone"
    cancel |= gone & pl.col("state").is_in(_ORDERED)
    results = {name: int(code) for name, code in _RESULTS.items()}
    told = judged.with_columns(
        pl.col("event").replace_strict(results, default=None, return_dtype=pl.Int64).alias("result"),
        pl.col("version_target").alias("version"),
        pl.when(gone & pl.col("state").is_in(_CALLED_FOR))
        .then(pl.lit("gone_unread"))
        .otherwise("event")
        .alias("event"),
    )
    return Step(
        moves=moves(judged),
        sends=sends(
            judged.filter(order | cancel), pl.when(order).then(pl.lit("distribute")).otherwise(pl.lit("cancel"))
        ),
        alerts=pl.concat([newcomers(judged, ctx), _alerts(told, ctx)]),
    )


def _heard(batch: pl.DataFrame) -> pl.DataFrame:
    """Read what hubs say of failed transfers: for a meter it is the event, for other devices it comes too late."""
    by_hub = pl.col("event").is_in(list(_BY_HUB)).fill_null(value=False)
    meter = _tells_itself()
    event = pl.when(by_hub & meter).then(pl.col("event").replace_strict(_BY_HUB, default=None))
    return batch.with_columns(event.otherwise("event").alias("event"), (by_hub & meter).alias("by_hub"))


def _tells_itself() -> pl.Expr:
    """Whether the device, a meter, tells its Supplier of a transfer; CCS08 is of the other devices."""
    return pl.col("device_type").is_in(types_where(lambda row: row.own_receipt))


def _alerts(told: pl.DataFrame, ctx: Ctx) -> pl.DataFrame:
    """Give the alerts: of a meter's transfer only what its hub alone can tell."""
    of_meter = _tells_itself() & pl.col("event").is_in(list(_RESULTS))
    plain = alerts(
        told.filter(~of_meter.fill_null(value=False)), {name: kind.value for name, kind in _ALERTS.items()}, ctx
    )
    by_hub = alerts(told.filter(pl.col("by_hub")), dict.fromkeys(_RESULTS, AlertKind.GIVEN_UP.value), ctx)
    return pl.concat([plain, by_hub])
