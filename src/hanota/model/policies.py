"""Policies: one field a row of the requirements' table, with unit and default. Frozen; any may be changed per run.

Defaults marked "assumed" are hanota's own: nothing that could be read states them.
"""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hanota.base.instant import DAY, HOUR, MINUTE
from hanota.base.limits import BLOCK_OCTETS_MAX, IMAGE_OCTETS_MAX_BUSINESS, IMAGE_OCTETS_MAX_SCHEMA
from hanota.base.vocabulary.devices import CspRegion


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Strictness(StrEnum):
    """What a check does when it finds something."""

    REFUSE = "refuse"
    WARN = "warn"


class ScopePolicy(_Frozen):
    """R1: which devices are in scope."""

    ihd: bool = Field(True, description="IHDs are updated as the minutes wish; off: as the industry decided")


class ImagePolicy(_Frozen):
    """R6: how large an image may be."""

    max_octets: int = Field(
        IMAGE_OCTETS_MAX_BUSINESS, ge=1, le=IMAGE_OCTETS_MAX_SCHEMA, description="whole OTA file, header included"
    )
    segments: bool = Field(True, description="images beyond that travel in segments, to devices built for it (R7)")


class CheckPolicy(_Frozen):
    """R9: how strict the DCC's checks are."""

    version_matches_header: Strictness = Field(
        Strictness.REFUSE, description="FirmwareVersion of the request against the image's File Version"
    )
    supplier_signature: Strictness = Field(
        Strictness.REFUSE, description="signature of an 11.1 image against its sender's certificate"
    )
    supplier_in_date: Strictness = Field(
        Strictness.REFUSE, description="a Supplier's certificate, out of date, for images and Signed Pre-Commands"
    )


class VersionPolicy(_Frozen):
    """R9: order of versions."""

    downgrade: Literal["refuse", "allow"] = Field("refuse", description="to a version that the CPL puts before")


class HanPolicy(_Frozen):
    """R8: pace on the home area network."""

    block_octets: int = Field(50, ge=1, le=BLOCK_OCTETS_MAX, description="payload of one Image Block Response")
    min_block_period_ms: int = Field(250, ge=0, le=0xFFFE, description="least time between block requests (assumed)")
    page_octets: int = Field(0, ge=0, le=0xFFFF, description="asked by one Image Page Request; 0: block by block")
    quiet_hours: tuple[int, int] | None = Field(
        None, description="no image travels between these times of day (UTC), written 17:00-20:00; empty for none"
    )
    occupancy_cap: float = Field(
        0.5, gt=0, le=1, description="share of the channel's time that a home's images may take (assumed)"
    )
    wake_every_ms: int = Field(30 * MINUTE, ge=1000, description="how often a sleepy device wakes (assumed)")
    wake_blocks: int = Field(100, ge=1, description="blocks that a sleepy device fetches before it sleeps (assumed)")

    @field_validator("quiet_hours", mode="before")
    @classmethod
    def _of_text(cls, value: object) -> object:
        return (_read_interval(value) if value else None) if isinstance(value, str) else value


_INTERVAL: Final = re.compile(r"(?P<h1>[01]\d|2[0-3]):(?P<m1>[0-5]\d)-(?P<h2>[01]\d|2[0-3]):(?P<m2>[0-5]\d)\Z")


def _read_interval(text: str) -> tuple[int, int]:
    """Read two times of day as milliseconds after midnight; the second may be on the next day."""
    found = _INTERVAL.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no interval like 17:00-20:00")
    first = int(found["h1"]) * HOUR + int(found["m1"]) * MINUTE
    return first, int(found["h2"]) * HOUR + int(found["m2"]) * MINUTE


class HubPolicy(_Frozen):
    """R10–R12: what a Communications Hub holds, for how long, and who goes first."""

    slots: Literal["as_set", "dedicated", "shared_n"] = Field(
        "as_set", description="one slot ESME, one GSME, one for all others; one a device; or several for all (assumed)"
    )
    shared_slots: int = Field(3, ge=1, le=16, description="how many slots shared_n has (assumed)")
    priority: Literal["none", "meters_first"] = Field(
        "none", description="meters_first: others step aside while a meter fetches its image, and then go on"
    )
    force_replace: Literal["off", "own"] = Field(
        "off", description="own: a meter's image may replace an earlier one of the same Supplier for the same type"
    )
    retention_days: int = Field(30, ge=1, description="an image nobody fetched is discarded after this (assumed)")


class UpdatePolicy(_Frozen):
    """R8: how often a device may be updated."""

    min_interval_days: int = Field(0, ge=0, description="from one update's confirmation to the next request")


class ConsentPolicy(_Frozen):
    """R27: whether the consumer is asked before an IHD or PPMID runs a new image."""

    mode: Literal["none", "notify", "may_defer", "may_refuse"] = Field(
        "none", description="nobody is asked; told; may put it off; may also say no"
    )
    defer_ms: int = Field(24 * HOUR, ge=1000, description="how long one putting-off lasts (assumed)")
    defers_max: int = Field(3, ge=0, description="how often; then may_defer installs, may_refuse asks yes or no")
    refusal_days: int = Field(365, ge=1, description="how long a no stands for that image (assumed)")


class LocalUpgradePolicy(_Frozen):
    """R25, R26: upgrades by a hand-held terminal."""

    mode: Literal["banned", "attested"] = Field(
        "banned", description="attested: a Supplier's signed statement explains one, once the device's report agrees"
    )

    @property
    def attested(self) -> bool:
        """Whether statements are taken, and explain anything."""
        return self.mode == "attested"


class AlertPolicy(_Frozen):
    """R22–R24: confirmation and service level of alerts, and how long messages to parties are tried."""

    confirm_after_ms: int = Field(15 * MINUTE, ge=0, description="settle time before the version is read (assumed)")
    read_retry_ms: int = Field(30 * MINUTE, ge=1000, description="between attempts to read the version (assumed)")
    service_level_ms: int = Field(24 * HOUR, ge=1, description="an alert is due at its party within (assumed)")
    grouping: Literal["device", "request"] = Field("device", description="one message a device, or one with a list")
    give_up_ms: int = Field(24 * HOUR, ge=1000, description="from a message's first try to its last")
    tries_max: int = Field(20, ge=1, le=1000, description="then a message waits for an operator to replay it")
    window: int = Field(4, ge=1, le=100, description="messages under way about one device: one refused stops no more")


class DeadlinePolicy(_Frozen):
    """R10: how long a state may wait before it ends (all assumed)."""

    requested_ms: int = Field(1 * DAY, ge=1)
    queued_ms: int = Field(5 * DAY, ge=1)
    on_wan_ms: int = Field(5 * DAY, ge=1)
    held_ms: int = Field(14 * DAY, ge=1)
    transferring_ms: int = Field(7 * DAY, ge=1)
    transferred_ms: int = Field(90 * DAY, ge=1)
    consent_ms: int = Field(30 * DAY, ge=1)
    activating_ms: int = Field(24 * HOUR, ge=1)
    activated_ms: int = Field(48 * HOUR, ge=1)


class CommandPolicy(_Frozen):
    """R10: how long a command to a device waits for its answer."""

    retry_ms: int = Field(10 * MINUTE, ge=1000, description="a command without answer is sent again (assumed)")
    deadline_ms: int = Field(24 * HOUR, ge=1000, description="then its User hears E21 or E31 (assumed)")
    horizon_days: int = Field(3650, ge=1, le=36_500, description="how far ahead it may be dated (assumed)")


class InventoryPolicy(_Frozen):
    """R5: what may be entered into the inventory."""

    prenotified_on_cpl: Strictness = Field(Strictness.REFUSE, description="a pre-notified model that the CPL lacks")


class Limit(_Frozen):
    """At most `count` requests of these services together, from one User, in a sliding window."""

    services: frozenset[str]
    count: int = Field(ge=0)
    window_ms: int = Field(ge=1000)


_SERVICE: Final = r"[0-9]+(\.[0-9]+)+"
_LIMIT: Final = re.compile(rf"(?P<services>{_SERVICE}(\+{_SERVICE})*)=(?P<count>[0-9]+)/(?P<hours>[0-9]+)h\Z")


class AnomalyPolicy(_Frozen):
    """R29: anomaly detection thresholds; what is beyond them waits for an operator.

    Written as text: `11.1+11.4=200/24h;11.3=1000/1h`, services, requests, hours; empty for no limit.
    """

    limits: tuple[Limit, ...] = Field(
        (Limit(services=frozenset({"11.1", "11.4"}), count=200, window_ms=DAY),),
        description="requests of one User, by service and window (assumed)",
    )
    held_max: int = Field(1000, ge=0, description="requests of one User in quarantine; more are refused (assumed)")

    @field_validator("limits", mode="before")
    @classmethod
    def _of_text(cls, value: object) -> object:
        return tuple(map(_read_limit, filter(None, value.split(";")))) if isinstance(value, str) else value

    def of(self, service: str) -> tuple[Limit, ...]:
        """Give the limits that a service counts for."""
        return tuple(limit for limit in self.limits if service in limit.services)


def _read_limit(text: str) -> Limit:
    found = _LIMIT.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no limit like 11.1+11.4=200/24h")
    services = frozenset(found["services"].split("+"))
    return Limit(services=services, count=int(found["count"]), window_ms=int(found["hours"]) * HOUR)


_Regions = TypeVar("_Regions", bound=Collection[CspRegion])


class WanPolicy(_Frozen):
    """R10: what each region's wide-area network takes at once, and how what a hub has not answered is repeated.

    Figures of regions are written as text: `North=8000;Central=2000000`, regions: `North,South`; empty for none.
    """

    order_retry_ms: int = Field(10 * MINUTE, ge=1000, description="an order without receipt is sent again (assumed)")
    order_retry_max_ms: int = Field(
        1 * HOUR, ge=1000, description="each time after twice as long, at most this (assumed)"
    )
    chunk_octets: int = Field(32 * 1024, ge=64, le=256 * 1024, description="image octets in one frame (assumed)")
    octets_per_s: Mapping[CspRegion, Annotated[int, Field(ge=1)]] = Field(
        {}, description="what a region carries of images and orders; none said: no limit (assumed)"
    )
    homes_at_once: Mapping[CspRegion, Annotated[int, Field(ge=1)]] = Field(
        {}, description="homes of a region that fetch an image each for itself; none said: no limit (assumed)"
    )
    home_held_ms: int = Field(
        1 * HOUR, ge=1000, description="then a home that took an order and is not done counts no more (assumed)"
    )
    ahead_ms: int = Field(1 * MINUTE, ge=2, description="how much of a region's capacity is given out ahead (assumed)")
    broadcast: frozenset[CspRegion] = Field(
        frozenset(), description="regions that carry an image once for all homes that were ordered (assumed)"
    )
    broadcast_homes_min: int = Field(50, ge=1, description="fewer homes fetch it each for itself (assumed)")
    broadcast_repeats: int = Field(3, ge=1, description="how often a carriage says the whole image (assumed)")
    broadcast_ms: int = Field(1 * DAY, ge=1000, description="how long homes can join a carriage (assumed)")
    quantum: int = Field(1000, ge=1, description="deliveries of one Supplier in a batch while others wait (assumed)")

    @field_validator("octets_per_s", "homes_at_once", mode="before")
    @classmethod
    def _figures_of_text(cls, value: object) -> object:
        return dict(_read_figure(text) for text in value.split(";") if text) if isinstance(value, str) else value

    @field_validator("broadcast", mode="before")
    @classmethod
    def _regions_of_text(cls, value: object) -> object:
        return {text.strip() for text in value.split(",") if text} if isinstance(value, str) else value

    @field_validator("octets_per_s", "homes_at_once", "broadcast")
    @classmethod
    def _of_known_regions(cls, value: _Regions) -> _Regions:
        strangers = sorted(region for region in value if not region.known)
        if strangers:
            raise ValueError(f"there is no region {strangers[0]!r}; there are {', '.join(CspRegion)}")
        return value


def _read_figure(text: str) -> tuple[str, str]:
    region, equals, figure = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is no figure of a region like North=8000")
    return region.strip(), figure.strip()


class Policies(_Frozen):
    """All policies of one run."""

    scope: ScopePolicy = ScopePolicy()
    image: ImagePolicy = ImagePolicy()
    check: CheckPolicy = CheckPolicy()
    version: VersionPolicy = VersionPolicy()
    han: HanPolicy = HanPolicy()
    hub: HubPolicy = HubPolicy()
    update: UpdatePolicy = UpdatePolicy()
    consent: ConsentPolicy = ConsentPolicy()
    local_upgrade: LocalUpgradePolicy = LocalUpgradePolicy()
    alert: AlertPolicy = AlertPolicy()
    deadline: DeadlinePolicy = DeadlinePolicy()
    command: CommandPolicy = CommandPolicy()
    inventory: InventoryPolicy = InventoryPolicy()
    anomaly: AnomalyPolicy = AnomalyPolicy()
    wan: WanPolicy = WanPolicy()
