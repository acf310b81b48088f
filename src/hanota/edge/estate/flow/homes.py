"""The homes themselves: orders and questions in, what hubs and devices say out, in columns from beginning to end."""

from collections.abc import Iterable
from typing import Final

import polars as pl

from hanota.base.errors import BadValue, require
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.estate.flow.queue import TimeQueue
from hanota.edge.estate.flow.timing import Timing
from hanota.edge.estate.flow.told import WHOLE, Told
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES

FLOW_TYPES: Final = frozenset({DeviceType.PPMID, DeviceType.IHD})
"""Devices that their hub activates: no command of a Supplier has to be obeyed for it."""

_MUTE: Final = [kind.value for kind in FLOW_TYPES if not PROFILES[kind].gbcs]  # without credentials there is no CS09

HOMES: Final = pl.Schema({"hub": pl.Int64, "device": pl.Int64, "device_type": pl.String, "version": pl.Int64})
"""One row a home: its hub, the one device of it that is updated, and the version that runs there."""

ORDERS: Final = pl.Schema({"order": pl.Int64, "device": pl.Int64, "version": pl.Int64, "octets": pl.Int64})
"""Orders as they come: the head end's number, whose device, which version, size of the image."""

SAID: Final = pl.Schema(
    {
        "at": pl.Int64,  # by the hub's clock, when it says so
        "told": pl.String,
        "home": pl.Int64,
        "order": pl.Int64,
        "version": pl.Int64,
        "offset": pl.Int64,
        "blocks": pl.Int64,
        "repeats": pl.Int64,
        "tenth": pl.Int64,  # of the image: which of the receipts on the way it is
        "message": pl.Int64,  # the question that it answers
    }
)
"""What homes say; `home` is the row of the homes."""

_ENDS_MUTE: Final = (pl.col("told") == Told.CCS08.value) & pl.col("device_type").is_in(_MUTE)
_LAST: Final = (pl.col("told").is_in([Told.CS09.value, Told.CANCELLED.value]) | _ENDS_MUTE).alias("last")
_ABOUT_OTHERS: Final = [Told.BUSY.value, Told.CANCELLED.value]
_TENTHS: Final = 10
_LACKING: Final = {
    "order": None,
    "version": None,
    "offset": 0,
    "blocks": 0,
    "repeats": 0,
    "tenth": None,
    "message": None,
}


class FlowHomes:
    """All homes. One order at a time stands at a hub; the same order again gets the same receipt again.

    `said` is what is told of a delivery; the same `seed` gives the same times.

    Raises BadValue: a device of another type than FLOW_TYPES.
    """

    def __init__(
        self,
        homes: pl.DataFrame,
        *,
        policies: Policies,
        seed: int,
        timing: Timing | None = None,
        said: Iterable[Told] = WHOLE,
    ) -> None:
        kinds = set(homes["device_type"].unique())
        fitting = kinds <= {kind.value for kind in FLOW_TYPES}
        require(fitting, BadValue, kind="device type", value=sorted(kinds), expected="PPMID or IHD")
        self._policies, self._seed = policies, seed
        self._timing = timing or Timing()
        self._said = sorted(kind.value for kind in said)
        self._homes = homes.select(HOMES.names()).with_row_index("home").with_columns(pl.col("home").cast(pl.Int64))
        self._places, self._hubs = self._homes.select("home", "device"), self._homes.select("home", "hub")
        self._cancelled: set[int] = set()  # before they came
        self._version = homes["version"].clone()
        self._order = pl.zeros(homes.height, dtype=pl.Int64, eager=True)  # the last one taken, by home
        self._free_at = pl.zeros(homes.height, dtype=pl.Int64, eager=True)
        self._queue = TimeQueue(SAID)

    @property
    def homes(self) -> pl.DataFrame:
        """The homes with their row numbers."""
        return self._homes

    def order(self, orders: pl.DataFrame, now: Instant) -> pl.DataFrame:
        """Take orders that have arrived; one for a device that lives nowhere here is passed over.

        Returns: those that are carried out, in columns of ORDERS.
        """
        placed = self._placed(orders.unique("order", maintain_order=True)).with_columns(at=pl.lit(now, pl.Int64))
        if self._cancelled:
            placed = placed.filter(~pl.col("order").is_in(list(self._cancelled)))
        home = placed["home"]
        standing = placed.with_columns(known=self._order.gather(home), free_at=self._free_at.gather(home))
        again = standing.filter(pl.col("known") == pl.col("order"))
        self._say(again.select("at", "home", "order", told=pl.lit(Told.ACCEPTED.value)))
        new = standing.filter(pl.col("known") != pl.col("order"))
        busy = new.filter(pl.col("free_at") > now)
        self._say(busy.select("at", "home", "order", told=pl.lit(Told.BUSY.value)))
        taken = new.filter(pl.col("free_at") <= now).unique("home", keep="first", maintain_order=True)
        self._start(taken)
        return taken.select(ORDERS.names())

    def recall(self, orders: pl.DataFrame) -> None:
        """Take up again orders that were taken at their `at`, besides in columns of ORDERS, by an earlier run.

        All that homes said of them since is said again.
        """
        self._start(self._placed(orders).sort("at").unique("home", keep="last", maintain_order=True))

    def runs(self, devices: pl.DataFrame) -> None:
        """Let devices (columns device, version) run a version from now on."""
        placed = self._placed(devices)
        self._version = self._version.scatter(placed["home"], placed["version"])

    def _start(self, orders: pl.DataFrame) -> None:
        if orders.is_empty():
            return
        under_way = self._timing.journey(orders, self._policies, self._seed)
        self._order = self._order.scatter(under_way["home"], under_way["order"])
        self._free_at = self._free_at.scatter(under_way["home"], under_way["ended"])
        whole = {"offset": pl.col("octets"), "blocks": pl.col("blocks") + pl.col("repeats"), "repeats": "repeats"}
        at = {"order": "order", "home": "home"}
        self._say(under_way.select(**at, at="at", told=pl.lit(Told.ACCEPTED.value)))
        self._say(under_way.select(**at, at="held", told=pl.lit(Told.HELD.value)))
        if Told.TRANSFERRING.value in self._said:
            self._say(_progress(under_way))
        self._say(under_way.select(**at, **whole, at="ended", told=pl.lit(Told.TRANSFERRED.value)))
        self._say(under_way.select(**at, at="ended", version="version", told=pl.lit(Told.CCS08.value)))
        self._say(under_way.select(**at, at="activated", version="version", told=pl.lit(Told.CS09.value)))

    def read(self, questions: pl.DataFrame, now: Instant) -> None:
        """Take questions (columns message, device) for the version that a device runs."""
        placed = self._placed(questions)
        answers = now + self._timing.answers(placed["message"], self._seed)
        self._say(placed.select("home", "message", told=pl.lit(Told.VERSION.value)).with_columns(at=answers))

    def due(self, now: Instant) -> pl.DataFrame:
        """Give what homes say by `now`, the earliest first: rows of SAID, beside each its hub, device and
        type, and whether nothing more follows about the order (`last`).
        """
        said = self._queue.pop(now)
        # What was ordered after a cancel, or before one, is not what stands there now.
        stands = pl.col("order").is_null() | (pl.col("order") == self._order.gather(said["home"]))
        said = said.filter(stands | pl.col("told").is_in(_ABOUT_OTHERS))
        runs = said.filter(pl.col("told") == Told.CS09.value).select("home", run_at="at", runs="version")
        before = said.with_columns(was=self._version.gather(said["home"]))
        now_runs = before.join(runs, on="home", how="left", maintain_order="left")
        answer = pl.when(pl.col("run_at") <= pl.col("at")).then("runs").otherwise("was")
        asked = pl.col("told") == Told.VERSION.value
        told = now_runs.with_columns(version=pl.when(asked).then(answer).otherwise("version")).select(SAID.names())
        if runs.height:
            self._version = self._version.scatter(runs["home"], runs["runs"])
        mute = (pl.col("told") == Told.CS09.value) & pl.col("device_type").is_in(_MUTE)
        named = told.join(self._homes.drop("version"), on="home", how="left", maintain_order="left")
        return named.filter(pl.col("told").is_in(self._said) & ~mute).with_columns(_LAST)

    def cancel(self, orders: pl.DataFrame, now: Instant) -> None:
        """Take orders (columns order, hub) back, also such as have yet to come; an ended one stays as it ended."""
        placed = orders.join(self._hubs, on="hub", how="inner", maintain_order="left")
        home = placed["home"]
        standing = placed.with_columns(
            here=self._order.gather(home) == placed["order"], open=self._free_at.gather(home) > now, at=pl.lit(now)
        )
        taken_back = standing.filter("here", "open")
        self._order = self._order.scatter(taken_back["home"], pl.zeros(taken_back.height, dtype=pl.Int64, eager=True))
        self._free_at = self._free_at.scatter(taken_back["home"], taken_back["at"])
        self._cancelled.update(standing.filter(~pl.col("here"))["order"])
        ended = pl.col("here") & ~pl.col("open")
        told = pl.when(ended).then(pl.lit(Told.TRANSFERRED.value)).otherwise(pl.lit(Told.CANCELLED.value))
        self._say(standing.select("at", "home", "order", told=told))

    @property
    def next_due(self) -> Instant | None:
        """When a home next says something; None if none is going to."""
        return self._queue.next_due

    def _placed(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(self._places, on="device", how="inner", maintain_order="left")

    def _say(self, rows: pl.DataFrame) -> None:
        lacking = {name: pl.lit(value) for name, value in _LACKING.items() if name not in rows.columns}
        self._queue.push(rows.with_columns(**lacking).select(pl.col(name).cast(kind) for name, kind in SAID.items()))


def _progress(under_way: pl.DataFrame) -> pl.DataFrame:
    """Give a receipt for each tenth of the image but the last, which `transferred` tells."""
    tenths = pl.DataFrame({"tenth": range(1, _TENTHS)})
    share = pl.col("tenth") / _TENTHS
    return (
        under_way.join(tenths, how="cross")
        .filter(pl.col("blocks") >= _TENTHS)
        .with_columns(
            at=pl.col("begun") + ((pl.col("ended") - pl.col("begun")) * share).cast(pl.Int64),
            offset=(pl.col("octets") * share).ceil().cast(pl.Int64),
            blocks=(pl.col("blocks") * share).ceil().cast(pl.Int64),
            told=pl.lit(Told.TRANSFERRING.value),
        )
        .select("order", "home", "at", "offset", "blocks", "tenth", "told")
    )
