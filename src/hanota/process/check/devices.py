"""Checks of each device: predicates over columns, judged for all devices at once.

Source order is precedence: a device is left out for the first reason whose predicate is true.
Source: five lists of DSPUpdate…FirmwareWarning; R1, R2, R4, R9, R13, R15, R16.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from hanota.base.instant import DAY
from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES
from hanota.model.reasons import DeviceReason
from hanota.wire.otaimage import OtaHeader

GBCS_VERSION_MIN: Final = {"11.1": (1, 0), "11.4": (4, 0)}
"""Least GBCS version of the devices of a request: PPMID updates came with GBCS 4."""

# A Suspended device may only recover by new firmware (domain 7.5), so it counts as commissioned here.
_UPDATABLE: Final = [DeviceStatus.COMMISSIONED.value, DeviceStatus.SUSPENDED.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What devices are held against: the request's service, its image, the policies.

    `image_octets`: of the file that a device holds in the end, also where it comes in segments. `force_replace` is the
    octet of a meter's image.
    """

    srv: str
    header: OtaHeader
    image_octets: int
    policies: Policies
    in_segments: bool = False
    force_replace: int = 0


@dataclass(frozen=True, slots=True)
class DeviceCheck:
    """One row: the reason, and the predicate that is true for the devices it leaves out."""

    reason: DeviceReason
    fails: Callable[[Terms], pl.Expr]


def _types(*, ota: bool, policies: Policies) -> list[str]:
    in_scope = {kind: row.ota and (policies.scope.ihd or kind is not DeviceType.IHD) for kind, row in PROFILES.items()}
    return [kind.value for kind, taken in in_scope.items() if taken is ota]


def _by_service(srv: str) -> list[str]:
    return [kind.value for kind, row in PROFILES.items() if row.service_reference == srv]


def _without_segments(terms: Terms) -> pl.Expr:
    able = [kind.value for kind, row in PROFILES.items() if row.segments]
    return ~pl.col("device_type").is_in(able) if terms.in_segments else pl.lit(value=False)


def _in_progress(terms: Terms) -> pl.Expr:
    """Under `own` a meter's image with ForceReplace may take the place of its sender's earlier one (R12)."""
    replaces = terms.policies.hub.force_replace == "own" and terms.force_replace != 0
    return pl.col("open") & ~pl.col("displaceable") if replaces else pl.col("open")


def _outside_hardware(terms: Terms) -> pl.Expr:
    low, high = terms.header.hardware_min, terms.header.hardware_max
    if low is None or high is None:
        return pl.lit(value=False)
    return ~pl.col("hardware").is_between(low, high)


def _too_old(terms: Terms) -> pl.Expr:
    """Few versions are about: each is read once, however many devices have it."""
    major, minor = GBCS_VERSION_MIN[terms.srv]
    parts = pl.col("gbcs_version").str.split(".")
    has_major = parts.list.get(0, null_on_oob=True).cast(pl.Int64, strict=False).fill_null(0)
    has_minor = parts.list.get(1, null_on_oob=True).cast(pl.Int64, strict=False).fill_null(0)
    older = (has_major < major) | ((has_major == major) & (has_minor < minor))

    def among_older(versions: pl.Series) -> pl.Series:
        return versions.is_in(versions.unique().to_frame().filter(older).to_series().implode())

    return pl.col("gbcs_version").fill_null("").map_batches(among_older, return_dtype=pl.Boolean)


def _downgrade(terms: Terms) -> pl.Expr:
    """Where the list names predecessors, it says the order; else versions are ordered as numbers (R9)."""
    if terms.policies.version.downgrade == "allow":
        return pl.lit(value=False)
    return (pl.col("predecessors") == 0) & (pl.col("version") > terms.header.file_version)


_D = DeviceReason
DEVICE_CHECKS: Final = (
    DeviceCheck(_D.UNKNOWN, lambda _: ~pl.col("known")),
    DeviceCheck(_D.SMETS1, lambda _: pl.col("smets1")),
    DeviceCheck(_D.NO_OTA, lambda terms: pl.col("device_type").is_in(_types(ota=False, policies=terms.policies))),
    DeviceCheck(_D.WRONG_SERVICE, lambda terms: ~pl.col("device_type").is_in(_by_service(terms.srv))),
    DeviceCheck(_D.NO_HUB, lambda _: ~pl.col("joined")),
    DeviceCheck(_D.NOT_RESPONSIBLE, lambda _: ~pl.col("eligible")),
    DeviceCheck(_D.NOT_COMMISSIONED, lambda _: ~pl.col("status").is_in(_UPDATABLE)),
    DeviceCheck(_D.OTHER_MANUFACTURER, lambda terms: pl.col("manufacturer") != terms.header.manufacturer),
    DeviceCheck(_D.OTHER_MODEL, lambda terms: pl.col("image_type") != terms.header.image_type),
    DeviceCheck(_D.OTHER_HARDWARE, _outside_hardware),
    DeviceCheck(_D.NOT_CERTIFIED_FOR_MODEL, lambda _: pl.col("product").is_null()),
    DeviceCheck(_D.NO_SEGMENTS, _without_segments),
    DeviceCheck(_D.NO_CAPACITY, lambda terms: pl.col("capacity_octets") < terms.image_octets),
    DeviceCheck(_D.REFUSED_BY_CONSUMER, lambda _: pl.col("refused")),
    DeviceCheck(_D.IN_PROGRESS, _in_progress),
    DeviceCheck(_D.ALREADY_RUNS_IT, lambda terms: pl.col("version") == terms.header.file_version),
    DeviceCheck(_D.NOT_A_SUCCESSOR, lambda _: (pl.col("predecessors") > 0) & ~pl.col("follows")),
    DeviceCheck(_D.DOWNGRADE, _downgrade),
    DeviceCheck(_D.GBCS_TOO_OLD, _too_old),
    DeviceCheck(_D.TOO_SOON, lambda terms: pl.col("updated_ms_ago") < terms.policies.update.min_interval_days * DAY),
)


def judge_devices(facts: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Judge every device of a request. Returns columns device, reason (null: it goes on), version_before."""
    broken = facts.select(
        check.fails(terms).fill_null(value=False).alias(check.reason.value) for check in DEVICE_CHECKS
    )
    reasons = [pl.when(rule).then(pl.lit(rule.name)) for rule in broken if rule.any()]  # most rules leave nobody out
    reason = pl.coalesce(*reasons, pl.lit(None, pl.String)).alias("reason")
    return facts.select("device", reason, pl.col("version").alias("version_before"))
