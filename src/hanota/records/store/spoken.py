"""What is said of deliveries at one time, in the order in which stages take it.

It is the order of `work.claim`: of each delivery, first the oldest that the first stage hears, then what the next one
hears, and so on, and then what is left.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

TOLD: Final = ("event", "at", "version", "result", "offset", "blocks", "repeats", "until")
"""What a stage is given of a report."""

_COLUMNS: Final = ("delivery", "report", *TOLD, "turn", "more_said")


def spoken(heard: pl.DataFrame, stages: Mapping[str, int]) -> pl.DataFrame:
    """Give what stages may take at once of new reports, with `about`, each with its `turn` and whether `more_said`.

    `stages` gives the number of the stage that hears an event. Nothing is given of a delivery of which something else
    is said, or anything after a version: stages decide by the version that the inventory has then.
    """
    rows = heard.filter(pl.col("about").is_not_null()).with_columns(
        stage=pl.col("event").replace_strict(stages, default=None, return_dtype=pl.Int64)
    )
    if rows["about"].n_unique() == rows.height:
        said = rows.filter(pl.col("stage").is_not_null()).with_columns(turn="stage", more_said=pl.lit(value=False))
        return said.select(pl.col("about").alias("delivery"), *_COLUMNS[1:])
    nth = pl.int_range(pl.len()).over("about", "stage")
    ordered = rows.with_columns(turn=nth * len(stages) + pl.col("stage")).sort("turn", maintain_order=True)
    said = ordered.with_columns(more_said=pl.int_range(pl.len()).over("about") + 1 < pl.len().over("about"))
    odd = pl.col("stage").is_null() | (pl.col("more_said") & pl.col("version").is_not_null())
    whole = said.filter(~odd.any().over("about"))
    return whole.select(pl.col("about").alias("delivery"), *_COLUMNS[1:])
