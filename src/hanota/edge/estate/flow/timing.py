"""How long each part of a delivery takes in a home, as a model of few numbers fitted to homes emulated frame by frame.

An image comes over the wide-area network in chunks, one after the other, and over the home's air in blocks, each a
turn of request and answer under the least period that the policy sets. A part of many alike turns takes a time that is
normal around their number; the other parts are short. What chance does is drawn from the numbers of orders: an estate
that starts again finds the same times.
"""

import math
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from hanota.model.policies import Policies


@dataclass(frozen=True, slots=True)
class Spread:
    """A duration in milliseconds: mean and standard deviation."""

    mean_ms: float
    sd_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The model. `chunk` and `block` are of one turn, the others of a whole part.

    `block` is what a turn takes beyond the policy's least period, on average: also what lost frames cost. The defaults
    were fitted to `Estate` with the default models of network and air (docs/benchmarks.md).
    """

    chunk: Spread = field(default=Spread(321.0, 33.0))
    start: Spread = field(default=Spread(60.0, 10.0))
    block: Spread = field(default=Spread(0.0, 5.0))
    end: Spread = field(default=Spread(20.0, 5.0))
    activation: Spread = field(default=Spread(5_000.0, 10.0))
    answer: Spread = field(default=Spread(41.0, 5.0))
    repeats: float = 0.0

    def journey(self, orders: pl.DataFrame, policies: Policies, seed: int) -> pl.DataFrame:
        """Give `orders` (columns: order, at, octets) with the times `held`, `begun`, `ended` and `activated`."""
        size, period = policies.han.block_octets, policies.han.min_block_period_ms
        chunk_octets = policies.wan.chunk_octets
        blocks = (pl.col("octets") + size - 1) // size
        chunks = (pl.col("octets") + chunk_octets - 1) // chunk_octets
        parts = enumerate(("fetch", "start", "blocks", "end", "activation"))
        noise = {name: normal(orders["order"], seed + 2 * place) for place, name in parts}
        return (
            orders.with_columns(blocks=blocks, chunks=chunks, **{f"_{name}": drawn for name, drawn in noise.items()})
            .with_columns(_held=_sum(self.chunk, pl.col("chunks"), "_fetch"))
            .with_columns(held=pl.col("at") + pl.col("_held"))
            .with_columns(begun=pl.col("held") + _sum(self.start, pl.lit(1), "_start"))
            .with_columns(
                ended=pl.col("begun")
                + (period * (pl.col("blocks") - 1)).cast(pl.Int64)
                + _sum(self.block, pl.col("blocks"), "_blocks")
                + _sum(self.end, pl.lit(1), "_end"),
            )
            .with_columns(
                activated=pl.col("ended") + _sum(self.activation, pl.lit(1), "_activation"),
                repeats=(pl.col("blocks") * self.repeats).cast(pl.Int64),
            )
            .drop("_held", "chunks", *(f"_{name}" for name in noise))
        )

    def answers(self, messages: pl.Series, seed: int) -> pl.Series:
        """Draw how long devices take to answer commands of these numbers, milliseconds."""
        return (self.answer.mean_ms + self.answer.sd_ms * normal(messages, seed + _PARTS)).clip(1).cast(pl.Int64)


_PARTS: Final = 2 * 5  # seeds that a journey takes


def _sum(turn: Spread, turns: pl.Expr, noise: str) -> pl.Expr:
    """What so many turns take together: their sum is normal, never less than nothing."""
    total = turn.mean_ms * turns + turn.sd_ms * turns.sqrt() * pl.col(noise)
    return total.clip(0).round().cast(pl.Int64)


def uniform(numbers: pl.Series, seed: int) -> pl.Series:
    """Draw for each number one between 0 and 1, neither of them included: always the same for the same number."""
    return (numbers.hash(seed=seed).cast(pl.Float64) / (1 << 64)).clip(1e-12, 1 - 1e-12)


def normal(numbers: pl.Series, seed: int) -> pl.Series:
    """Draw for each number one of the standard normal distribution (Box and Muller), from `seed` and the next seed."""
    radius = (-2 * uniform(numbers, seed).log()).sqrt()
    return radius * (uniform(numbers, seed + 1) * math.tau).cos()
