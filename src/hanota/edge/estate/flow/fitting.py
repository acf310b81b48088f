"""Fitting the model of times to what was seen of homes, and telling how far two lots of times are apart."""

import polars as pl

from hanota.edge.estate.flow.timing import Spread, Timing

PARTS = ("fetch", "transfer", "activation", "answer")
"""Durations of a delivery: order taken to image held, to transfer told, to activation told; and question to answer."""


def fit(seen: pl.DataFrame, *, period_ms: int, travel: Spread) -> Timing:
    """Fit to durations in milliseconds, a row a delivery: PARTS, and how many `chunks` and `blocks` its image had.

    `travel` is what a question takes to its hub, which the durations of answers include.
    Images of at least two sizes are needed to tell what a block takes from what a transfer takes besides.
    """
    beyond = seen.select("blocks", rest=pl.col("transfer") - period_ms * (pl.col("blocks") - 1))
    slope = float(beyond.select(pl.cov("blocks", "rest") / pl.col("blocks").var()).item())
    left = beyond.select("blocks", left=pl.col("rest") - slope * pl.col("blocks"))
    start = _mean(left["left"])
    noise = left.select(((pl.col("left") - start) / pl.col("blocks").sqrt()).std()).item() or 0.0
    answer = _spread(seen["answer"])
    chunk = float(seen["fetch"].sum()) / float(seen["chunks"].sum())
    around = seen.select(((pl.col("fetch") - chunk * pl.col("chunks")) / pl.col("chunks").sqrt()).std()).item() or 0.0
    return Timing(
        chunk=Spread(chunk, float(around)),
        start=Spread(max(start, 0.0)),
        block=Spread(slope, float(noise)),
        end=Spread(0.0),
        activation=_spread(seen["activation"]),
        answer=Spread(max(answer.mean_ms - travel.mean_ms, 0.0), max(answer.sd_ms**2 - travel.sd_ms**2, 0.0) ** 0.5),
    )


def ks_distance(one: pl.Series, other: pl.Series) -> float:
    """Give the largest difference between the shares of both lots that lie below any value (Kolmogorov, Smirnov)."""
    lots = [lot.cast(pl.Float64).sort() for lot in (one, other)]
    values = pl.concat(lots).unique().sort()
    shares = [lot.search_sorted(values, side="right") / len(lot) for lot in lots]
    return float((shares[0] - shares[1]).abs().max())  # type: ignore[arg-type] # of numbers there is a largest


def _spread(durations: pl.Series) -> Spread:
    deviation = durations.std()
    return Spread(_mean(durations), float(deviation) if isinstance(deviation, float) else 0.0)


def _mean(numbers: pl.Series) -> float:
    return float(numbers.sum()) / len(numbers)
