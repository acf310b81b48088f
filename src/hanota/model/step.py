"""What a stage gives back: values only. The store writes all of it in one transaction or nothing (design 2)."""

from dataclasses import dataclass, field
from typing import Final

import polars as pl

MOVES: Final = pl.Schema(
    {
        "delivery": pl.Int64,
        "request": pl.Int64,
        "from": pl.String,
        "event": pl.String,
        "to": pl.String,
        "late": pl.Boolean,  # the state does not take the event: kept as evidence, nothing changes
        "report": pl.Int64,  # the report that woke the row, if one did
        "at": pl.Int64,
        "deadline": pl.Int64,
        "due": pl.Int64,
        "tries": pl.Int64,
        "version": pl.Int64,
        "result": pl.Int64,
        "offset": pl.Int64,
        "blocks": pl.Int64,
        "repeats": pl.Int64,
        "until": pl.Int64,  # of what a consumer said
    }
)
"""One row for every claimed row; `event` is null where nothing happened but the next look was set."""

SENDS: Final = pl.Schema({"delivery": pl.Int64, "party": pl.Int64, "kind": pl.String, "due": pl.Int64})
"""What is to go to the hub of a delivery, for whom (EUI, signed), and when (null: at once); built and signed as the
outbox is drained.
"""

ALERTS: Final = pl.Schema(
    {
        "delivery": pl.Int64,
        "request": pl.Int64,
        "originator": pl.Int64,  # whose request it is: an EUI, signed
        "device": pl.Int64,
        "device_type": pl.String,
        "kind": pl.String,
        "at": pl.Int64,
        "version": pl.Int64,
        "version_smi": pl.Int64,
        "result": pl.Int64,
    }
)
"""What is to be told; the store makes one alert for each party of the kind's audience."""

VERSIONS: Final = pl.Schema(
    {
        "delivery": pl.Int64,
        "device": pl.Int64,
        "version": pl.Int64,
        "version_target": pl.Int64,
        "at": pl.Int64,
        "version_smi": pl.Int64,  # what the inventory says, since when, and where that came from
        "version_at": pl.Int64,
        "version_origin": pl.String,
    }
)
"""What devices reported to run: the only thing that changes a commissioned device's version (R5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Result of one stage over one batch."""

    moves: pl.DataFrame
    sends: pl.DataFrame = field(default_factory=SENDS.to_frame)
    alerts: pl.DataFrame = field(default_factory=ALERTS.to_frame)
    versions: pl.DataFrame = field(default_factory=VERSIONS.to_frame)

    def then(self, after: "Step") -> "Step":
        """Give both steps as one: of rows that were moved by this one, `after` is what came next."""
        return Step(
            moves=pl.concat([self.moves, after.moves]),
            sends=pl.concat([self.sends, after.sends]),
            alerts=pl.concat([self.alerts, after.alerts]),
            versions=pl.concat([self.versions, after.versions]),
        )
