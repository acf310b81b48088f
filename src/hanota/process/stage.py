"""The one shape of a stage, and how every stage turns events into moves (design 2).

A stage takes claimed rows and gives a Step: values in, values out. It knows no store, no clock and no key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from hanota.base.instant import Instant
from hanota.model.alerts import AlertKind
from hanota.model.delivery import DELIVERY, ENDS, EXPECTATIONS, State
from hanota.model.policies import Policies, WanPolicy
from hanota.model.profiles import types_where
from hanota.model.step import ALERTS, MOVES, SENDS, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Ctx:
    """What is the same for all rows of a batch."""

    now: Instant
    policies: Policies


class Stage(Protocol):
    """One stage: which rows it may claim, and what it makes of them."""

    @property
    def takes(self) -> frozenset[State]:
        """States whose rows it claims when they are due."""

    @property
    def hears(self) -> frozenset[str]:
        """Reports that wake a row for it, in whatever state."""

    def accept(self, batch: pl.DataFrame, ctx: Ctx) -> Step:
        """Decide for every row of a batch. Pure."""


_SAID: Final = frozenset(
    {
        "report",
        "event",
        "at",
        "version",
        "result",
        "offset",
        "blocks",
        "repeats",
        "until",
        "more_said",
        "transferred_at",
    }
)
"""What a row has of the report that woke it; null where time did."""

_TABLE: Final = pl.DataFrame(
    [(state, event, target) for (state, event), target in DELIVERY.moves.items()],
    schema={"state": pl.String, "event": pl.String, "to": pl.String},
    orient="row",
)


def move(batch: pl.DataFrame, event: pl.Expr, ctx: Ctx) -> pl.DataFrame:
    """Give the batch with `event`, `to` and `late` by the lifecycle table, and with its next deadline and look.

    An event that the row's state does not take leaves the row as it is, marked late. `event` may be null: nothing
    happened, the row is only looked at again later.
    """
    judged = (
        batch.with_columns(event.alias("event"))
        .join(_TABLE, on=["state", "event"], how="left", maintain_order="left")
        .with_columns((pl.col("event").is_not_null() & pl.col("to").is_null()).alias("late"))
        .with_columns(pl.col("to").fill_null(pl.col("state")))
    )
    changed = pl.col("to") != pl.col("state")
    woken_in_place = pl.col("report").is_not_null() & ~changed
    limits = {state.value: getattr(ctx.policies.deadline, row.deadline) for state, row in EXPECTATIONS.items()}
    fresh = ctx.now + pl.col("to").replace_strict(limits, default=None, return_dtype=pl.Int64)
    return (
        judged.with_columns(pl.when(changed).then(fresh).otherwise("deadline").alias("deadline"))
        .with_columns(
            pl.when(pl.col("to").is_in(sorted(ENDS)))
            .then(None)
            .when(woken_in_place & (pl.col("event") == "order_accepted") & (pl.col("to") == State.ON_WAN))
            .then(pl.min_horizontal("deadline", _handover(ctx), "supplier_from"))
            .when(woken_in_place)
            .then("due")
            .otherwise(
                pl.min_horizontal("deadline", ctx.now + _next_look(changed, ctx), _handover(ctx), "supplier_from")
            )
            .alias("due"),
            pl.when(changed).then(0).otherwise(pl.col("tries") + pl.col("report").is_null()).alias("tries"),
        )
        .with_columns(pl.when(pl.col("to").is_in(sorted(ENDS))).then(None).otherwise("deadline").alias("deadline"))
    )


_DOUBLINGS_MAX: Final = 20  # beyond any limit that a policy can set, and no number too large for its column
_WATCHED: Final = [state.value for state in (State.ON_WAN, State.HELD, State.TRANSFERRING, State.TRANSFERRED)]


def bound_to_supplier() -> pl.Expr:
    """Whether a delivery dies with its sender's responsibility: only he can command the activation (R16)."""
    return pl.col("device_type").is_in(types_where(lambda row: row.supplier_signed))


def _handover(ctx: Ctx) -> pl.Expr:
    """When the sender's responsibility ends, where the delivery dies with it; null: it does not.

    What a hub activates lives on once the hub holds its image (R16). It may have ended while a report waited to be
    taken: then the row is looked at again at once.
    """
    watched = (pl.col("to").is_in(_WATCHED) & bound_to_supplier()) | pl.col("to").is_in([State.QUEUED, State.ON_WAN])
    ends = pl.when(pl.col("eligible")).then("eligible_until").otherwise(ctx.now)
    return pl.when(watched).then(ends)


def _next_look(changed: pl.Expr, ctx: Ctx) -> pl.Expr:
    """How long until a row is looked at again, in milliseconds; null: not before its deadline."""
    settle, again = ctx.policies.alert.confirm_after_ms, ctx.policies.alert.read_retry_ms
    first = {
        State.ON_WAN.value: ctx.policies.wan.order_retry_ms,
        State.TRANSFERRED.value: 0,
        State.ACTIVATING.value: settle + again,
        State.ACTIVATED.value: settle + again,
    }
    later = {
        State.ACTIVATING.value: again,
        State.ACTIVATED.value: again,
    }
    wait = {"default": None, "return_dtype": pl.Int64}
    return (
        pl.when(changed)
        .then(pl.col("to").replace_strict(first, **wait))
        .when(pl.col("to") == State.ON_WAN)
        .then(_order_again(ctx.policies.wan))
        .otherwise(pl.col("to").replace_strict(later, **wait))
    )


def _order_again(wan: WanPolicy) -> pl.Expr:
    """How long until an order that was not answered is sent again: each time twice as long, up to a limit (R10)."""
    doubled = wan.order_retry_ms * pl.lit(2, pl.Int64).pow(pl.col("tries").clip(0, _DOUBLINGS_MAX) + 1)
    return pl.min_horizontal(doubled, pl.lit(max(wan.order_retry_max_ms, wan.order_retry_ms)))


def overdue(ctx: Ctx) -> pl.Expr:
    """Whether a row's deadline has passed."""
    return pl.col("deadline") <= ctx.now


def decide(stage: Stage, batch: pl.DataFrame, ctx: Ctx, following: Sequence[Stage] = ()) -> Step:
    """Give what a stage makes of a batch, and what those that follow make of rows that are theirs at once.

    A row of which another report waits goes no further: what was said counts before time does.
    """
    step = stage.accept(batch, ctx)
    for after in following:
        rows = moved_on(batch, step.moves, pl.col("to").is_in(sorted(after.takes)) & (pl.col("due") <= ctx.now), ctx)
        if rows.height:
            step = step.then(after.accept(rows, ctx))
    return step


def decide_said(stages: Sequence[Stage], batch: pl.DataFrame, ctx: Ctx, following: Sequence[Stage] = ()) -> Step:
    """Give what stages make of reports, each of which has its `turn`: a row a report, with the facts of its delivery as
    they were before all of them.
    """
    step = Step(moves=MOVES.to_frame())
    for said in batch.partition_by("turn", maintain_order=True):
        (stage,) = (stage for stage in stages if said["event"][0] in stage.hears)
        step = step.then(decide(stage, _after(said.drop("turn"), step.moves, ctx), ctx, following))
    return step


def _after(batch: pl.DataFrame, made: pl.DataFrame, ctx: Ctx) -> pl.DataFrame:
    """Give rows as moves left their deliveries."""
    if made.is_empty():
        return batch
    left = {"state": "to", "deadline": "deadline", "due": "due", "tries": "tries"}
    last = made.unique("delivery", keep="last").select("delivery", **{f"{name}_left": it for name, it in left.items()})
    rows = batch.join(last, on="delivery", how="left", maintain_order="left")
    moved = pl.col("state_left").is_not_null()
    return rows.with_columns(
        *(pl.when(moved).then(f"{name}_left").otherwise(name).alias(name) for name in left),
        since=pl.when(moved & (pl.col("state_left") != pl.col("state"))).then(int(ctx.now)).otherwise("since"),
        newcomer=pl.col("newcomer") & ~moved,  # was told by the first of them
    ).select(batch.columns)


def moved_on(batch: pl.DataFrame, made: pl.DataFrame, which: pl.Expr, ctx: Ctx) -> pl.DataFrame:
    """Give the rows whose moves bring them to `which`, as a stage would claim them: woken by nothing that was said."""
    last = made.unique("delivery", keep="last", maintain_order=True)
    came = last.filter((pl.col("to") != pl.col("from")) & which)
    came = came.select("delivery", "deadline", "due", "tries", state="to")
    if came.is_empty():
        return batch.clear()
    quiet = batch.filter(~pl.col("more_said").fill_null(value=False))
    unsaid = [pl.lit(None, kind).alias(name) for name, kind in batch.schema.items() if name in _SAID]
    moved = quiet.drop("state", "deadline", "due", "tries").join(came, on="delivery", maintain_order="left")
    return moved.with_columns(*unsaid, since=pl.lit(ctx.now), newcomer=pl.lit(value=False)).select(batch.columns)


def moves(judged: pl.DataFrame) -> pl.DataFrame:
    """Give the moves of judged rows, in the columns that the store takes."""
    return judged.rename({"state": "from"}).select(
        *(pl.col(name).cast(kind) for name, kind in MOVES.items()),
    )


def sends(judged: pl.DataFrame, kind: pl.Expr, due: Instant | None = None) -> pl.DataFrame:
    """Give what goes to the hubs of judged rows: of each row, what `kind` says; at `due`, or at once."""
    return judged.with_columns(kind=kind, party="originator", due=pl.lit(due)).select(
        *(pl.col(name).cast(dtype) for name, dtype in SENDS.items())
    )


def first_reading(judged: pl.DataFrame, ctx: Ctx) -> pl.DataFrame:
    """Give the question for its version to each device that activated just now: it leaves once that settled (R22)."""
    came = judged.filter((pl.col("to") == State.ACTIVATED) & (pl.col("state") != State.ACTIVATED))
    return sends(came, pl.lit("read_version"), Instant(ctx.now + ctx.policies.alert.confirm_after_ms))


def alerts(judged: pl.DataFrame, kinds: dict[str, str], ctx: Ctx) -> pl.DataFrame:
    """Give the alerts of judged rows: `kinds` says which event makes which; late rows make none."""
    return (
        judged.filter(~pl.col("late") & pl.col("event").is_in(list(kinds)))
        .with_columns(pl.col("event").replace_strict(kinds).alias("kind"), pl.col("at").fill_null(ctx.now).alias("at"))
        .select(*(pl.col(name).cast(kind) for name, kind in ALERTS.items()))
    )


_VERDICTS: Final = {State.CONFIRMED, State.VERSION_MISMATCH, State.UNCONFIRMED, State.ACTIVATION_FAILED}
_NOT_TOLD: Final = sorted({State.REQUESTED, *(ENDS - _VERDICTS)})


def newcomers(judged: pl.DataFrame, ctx: Ctx) -> pl.DataFrame:
    """Give the alerts that tell of an update that goes on to who became a Responsible Supplier meanwhile (R16, R18).

    The store tells each party once, so it does no harm to ask for it at every look.
    """
    rows = judged.filter(pl.col("newcomer").fill_null(value=False) & ~pl.col("to").is_in(_NOT_TOLD))
    told = rows.with_columns(
        kind=pl.lit(AlertKind.UPGRADE_REQUESTED.value), at=pl.lit(ctx.now), version=None, result=None
    )
    return told.select(*(pl.col(name).cast(kind) for name, kind in ALERTS.items()))
