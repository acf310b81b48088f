"""Which delivery a report speaks of, and which one can have brought a version: predicates over columns (R5, R25).

A candidate is a pair of a report and a delivery that it may be about: the one whose number it names, else any of its
device.
"""

from typing import Final

import polars as pl
from sqlalchemy import Connection, select

from hanota.base.instant import DAY, SECOND
from hanota.model.delivery import CONSENT_REPORTS, ENDS, State
from hanota.records.store import schema as t
from hanota.records.store.facts import standing
from hanota.records.store.frames import name_set, read_frame
from hanota.records.store.requests import request_facts

BRINGS_WITHIN_MS: Final = 7 * DAY
"""How long after its end a delivery may still turn out to have worked: by then a device that holds the image has either
activated it, or been told to drop it. What comes later somebody else brought."""

# Ended deliveries whose device has had the whole image, and those whose device may have had it.
_HELD_BY_DEVICE: Final = sorted({State.ACTIVATION_FAILED, State.VERSION_MISMATCH, State.UNCONFIRMED})
_MAYBE_HELD: Final = sorted({State.EXPIRED, State.WAN_FAILED, State.RESPONSIBILITY_LOST, State.DEVICE_GONE})
_ENDS: Final = sorted(ENDS)
# Reports after which a device holds an image.
_HOLDS_IMAGE: Final = sorted({"transferred", *CONSENT_REPORTS})
_SHOWS_IMAGE: Final = (pl.col("offset") > 0).fill_null(value=False) | pl.col("event").is_in(_HOLDS_IMAGE)
_SAID: Final = ("row", "reporter", "at", "event", "device", "delivery", "version", "image_version", "image_hash")
_OF_DELIVERY: Final = {"about": "delivery", "of_device": "device"} | {
    name: name for name in ("hub", "state", "since", "request", "served")
}
"""What a candidate has of its delivery, by the columns of `facts.standing`."""


def candidates_of(connection: Connection, reports: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the candidates of reports (REPORTS and `row`, a number), of the newest delivery first, and these deliveries
    as they stand (`facts.standing`), each once. To be called before this transaction has written anything.

    Columns: those of _SAID; and `about`, hub, of_device, state, since, received_at, version_target, manufacturer_hash
    of the delivery; `served`: whether its hub has given the device any of the image, as far as was reported.
    """
    numbered, named = reports.filter(pl.col("delivery").is_not_null()), reports.filter(pl.col("delivery").is_null())
    rows: list[pl.DataFrame] = []
    found: list[pl.DataFrame] = []
    for part, key, of in ((numbered, t.delivery.c.id, "about"), (named, t.delivery.c.device, "of_device")):
        if part.height:
            rows.append(standing(connection, key, part[_OF_DELIVERY[of]]))
            beside = rows[-1].select(**{name: pl.col(its) for name, its in _OF_DELIVERY.items()})
            joined = part.select("row", pl.col(_OF_DELIVERY[of]).alias(of)).join(beside, on=of, how="inner")
            found.append(joined.select("row", *_OF_DELIVERY))
    candidates = pl.concat(found)
    requests = request_facts(connection, candidates["request"].unique()).drop("originator", "segments_missing")
    served = _served(connection, candidates, reports)
    candidates = (
        candidates.join(requests, on="request", how="inner")
        .with_columns(pl.col("served") | pl.col("about").is_in(served.implode()))
        .sort("about", descending=True)
        .join(reports.select(_SAID), on="row", how="inner", maintain_order="left")
    )
    return candidates, rows[0] if len(rows) == 1 else pl.concat(rows).unique("delivery")


def _served(connection: Connection, found: pl.DataFrame, reports: pl.DataFrame) -> pl.Series:
    """Of the deliveries with which it matters, those whose device was given some of the image by what is reported."""
    open_to_doubt = found.filter(pl.col("state").is_in(_MAYBE_HELD) & ~pl.col("served")).unique("about")
    if open_to_doubt.is_empty():
        return open_to_doubt["about"]
    now = reports.filter(_SHOWS_IMAGE).join(
        open_to_doubt, left_on=["delivery", "reporter"], right_on=["about", "hub"], how="semi"
    )
    named, r = name_set(connection, open_to_doubt["about"]), t.report
    shows = (r.c.offset > 0) | r.c.event.in_(_HOLDS_IMAGE)
    before = select(r.c.delivery).select_from(named.join(r, r.c.delivery == named.c.id)).where(shows)
    return pl.concat([now["delivery"], read_frame(connection, before)["delivery"]])


def explained_by(candidates: pl.DataFrame) -> pl.DataFrame:
    """Give the delivery that each report speaks of: `row` and `about`; none for a report that fits no delivery."""
    return candidates.filter(_FITS).unique("row", keep="first", maintain_order=True).select("row", "about")


def brought_by(candidates: pl.DataFrame) -> pl.Series:
    """Give the rows of reports whose version a delivery can have brought that was asked for before.

    What was confirmed once explains nothing that is reported later: then somebody brought the version back. A report
    that names a number says nothing of other deliveries.
    """
    brings = (
        pl.col("delivery").is_null()
        & (pl.col("version_target") == pl.col("version"))
        & _IN_TIME
        & ((pl.col("state") != State.CONFIRMED) | (pl.col("at") <= pl.col("since")))
        & _CAN_HAVE_BROUGHT
    )
    return candidates.filter(brings)["row"].unique()


def judged_by(candidates: pl.DataFrame) -> pl.DataFrame:
    """Give the pairs, `row` and `about`, of deliveries whose own verdict will tell of another version."""
    activated = pl.col("delivery").is_null() & (pl.col("state") == State.ACTIVATED)
    return candidates.filter(activated).select("row", "about")


# Whether what a device runs can have come by a delivery: while it is open, or not long after its end. One that ended
# otherwise (refused, cancelled, discarded, not transferred, …) left the device without an image that it may run.
_CAN_HAVE_BROUGHT: Final = (
    ~pl.col("state").is_in(_ENDS)
    | (pl.col("state") == State.CONFIRMED)
    | (
        (pl.col("state").is_in(_HELD_BY_DEVICE) | (pl.col("state").is_in(_MAYBE_HELD) & pl.col("served")))
        & (pl.col("at") <= pl.col("since") + BRINGS_WITHIN_MS)
    )
)
_IN_TIME: Final = pl.col("at") + SECOND > pl.col("received_at")  # GBCS writes whole seconds
_FAILED: Final = pl.col("event").is_in(["activation_failed", "image_missing"])  # names the version that went on running
_ABOUT_IMAGE: Final = (
    pl.when(pl.col("image_hash").is_not_null())
    .then(pl.col("image_hash") == pl.col("manufacturer_hash"))
    .otherwise(_FAILED | (pl.coalesce("image_version", "version") == pl.col("version_target")).fill_null(value=False))
)
_BY_NAME: Final = (
    ((pl.col("reporter") == pl.col("hub")) | (pl.col("reporter") == pl.col("of_device")))
    # A version that runs is no word about a delivery that can't have brought it.
    & (pl.col("version").is_null() | _FAILED | _CAN_HAVE_BROUGHT)
    & pl.when(pl.col("event") == "version_read")  # asked for by us: of what is open, else what put that version there
    .then(~pl.col("state").is_in(_ENDS) | (pl.col("version_target") == pl.col("version")).fill_null(value=False))
    .otherwise(_IN_TIME & _ABOUT_IMAGE)
)
# By who says it, when, and of which version. Only hubs know numbers. Reports may come late, even after the next update
# of the device was asked for: then they are about the last one.
_FITS: Final = pl.when(pl.col("delivery").is_null()).then(_BY_NAME).otherwise(pl.col("reporter") == pl.col("hub"))
