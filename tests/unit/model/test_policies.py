"""Policies: frozen, one field a row of the requirements' table, with the defaults that stand there."""

import re

import pytest
from pydantic import BaseModel, ValidationError

from hanota.base.instant import DAY, HOUR, MINUTE
from hanota.base.vocabulary.devices import CspRegion
from hanota.model.policies import (
    AlertPolicy,
    AnomalyPolicy,
    CheckPolicy,
    CommandPolicy,
    ConsentPolicy,
    DeadlinePolicy,
    HanPolicy,
    HubPolicy,
    ImagePolicy,
    InventoryPolicy,
    Limit,
    LocalUpgradePolicy,
    Policies,
    Strictness,
    UpdatePolicy,
    VersionPolicy,
    WanPolicy,
)
from helpers.shared import shared

DEFAULTS = {
    "scope.ihd": True,
    "image.max_octets": 768_000,
    "check.version_matches_header": "refuse",
    "version.downgrade": "refuse",
    "han.block_octets": 50,
    "han.min_block_period_ms": 250,
    "han.quiet_hours": None,
    "han.occupancy_cap": 0.5,
    "image.segments": True,
    "update.min_interval_days": 0,
    "hub.slots": "as_set",
    "hub.priority": "none",
    "hub.force_replace": "off",
    "local_upgrade.mode": "banned",
    "consent.mode": "none",
    "hub.retention_days": 30,
    "alert.confirm_after_ms": 15 * MINUTE,
    "alert.service_level_ms": 24 * HOUR,
    "alert.grouping": "device",
    "anomaly.limits": (Limit(services=frozenset({"11.1", "11.4"}), count=200, window_ms=DAY),),
    "deadline.on_wan_ms": 5 * DAY,
    "deadline.held_ms": 14 * DAY,
    "deadline.transferring_ms": 7 * DAY,
    "deadline.transferred_ms": 90 * DAY,
    "deadline.consent_ms": 30 * DAY,
    "deadline.activating_ms": 24 * HOUR,
    "deadline.activated_ms": 48 * HOUR,
}
OWN = {
    "han.page_octets",
    "han.wake_every_ms",
    "han.wake_blocks",
    "hub.shared_slots",
    "consent.defer_ms",
    "consent.defers_max",
    "consent.refusal_days",
    "anomaly.held_max",
    "command.horizon_days",
    "check.supplier_signature",
    "check.supplier_in_date",
    "alert.read_retry_ms",
    "alert.give_up_ms",
    "alert.tries_max",
    "alert.window",
    "command.deadline_ms",
    "command.retry_ms",
    "deadline.queued_ms",
    "deadline.requested_ms",
    "inventory.prenotified_on_cpl",
    "wan.ahead_ms",
    "wan.broadcast",
    "wan.broadcast_homes_min",
    "wan.broadcast_ms",
    "wan.broadcast_repeats",
    "wan.chunk_octets",
    "wan.home_held_ms",
    "wan.homes_at_once",
    "wan.octets_per_s",
    "wan.order_retry_max_ms",
    "wan.order_retry_ms",
    "wan.quantum",
}
GROUPS = {name: getattr(Policies(), name) for name in Policies.model_fields}


def fields() -> list[str]:
    return [f"{group}.{name}" for group, policy in GROUPS.items() for name in type(policy).model_fields]


@pytest.mark.parametrize("name", DEFAULTS)
def test_default_is_that_of_the_requirements(name: str) -> None:
    group, field = name.split(".")
    assert getattr(GROUPS[group], field) == DEFAULTS[name]


def test_no_policy_is_left_untested() -> None:
    assert set(fields()) == set(DEFAULTS) | OWN


def test_names_and_figures_agree_with_the_requirements_table() -> None:
    text = (shared() / "requirements.md").read_text("utf-8")
    section = text[text.index("## Policies") :]
    table = {
        name: cells[2]
        for line in section.splitlines()
        if line.startswith("| `")
        for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
        for name in re.findall(r"`([a-z_.*]+)`", cells[0])
    }
    for name in fields():
        plain = re.sub(r"_ms$|\.mode$", "", name)
        known = {name, plain, f"{plain}_h", f"{name.partition('.')[0]}.*"}
        assert known & set(table) or name in OWN, name
    assert table["image.max_octets"] == "768,000"
    assert "ON_WAN 5 d, HELD 14 d, TRANSFERRING 7 d" in table["deadline.*"]
    assert table["alert.confirm_after"].startswith("15 min")


@pytest.mark.parametrize("policy", [Policies(), *GROUPS.values()], ids=lambda policy: type(policy).__name__)
def test_a_policy_is_frozen_and_knows_no_other_field(policy: BaseModel) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(policy, next(iter(type(policy).model_fields)), None)
    with pytest.raises(ValidationError, match="Extra inputs"):
        type(policy)(of_no_such_name=1)


@pytest.mark.parametrize(
    ("policy", "values"),
    [
        (ImagePolicy, {"max_octets": 0}),
        (ImagePolicy, {"max_octets": 10_240_001}),
        (CheckPolicy, {"version_matches_header": "perhaps"}),
        (VersionPolicy, {"downgrade": "perhaps"}),
        (HanPolicy, {"block_octets": 0}),
        (HanPolicy, {"block_octets": 256}),
        (HanPolicy, {"min_block_period_ms": 0xFFFF}),
        (HanPolicy, {"quiet_hours": "5pm"}),
        (HanPolicy, {"quiet_hours": "24:00-06:00"}),
        (HanPolicy, {"occupancy_cap": 0.0}),
        (HanPolicy, {"occupancy_cap": 1.1}),
        (HubPolicy, {"slots": "many"}),
        (HubPolicy, {"shared_slots": 0}),
        (HubPolicy, {"priority": "overwrite"}),
        (HubPolicy, {"force_replace": "any"}),
        (ConsentPolicy, {"mode": "perhaps"}),
        (ConsentPolicy, {"defer_ms": 0}),
        (LocalUpgradePolicy, {"mode": "allowed"}),
        (UpdatePolicy, {"min_interval_days": -1}),
        (HubPolicy, {"retention_days": 0}),
        (AlertPolicy, {"confirm_after_ms": -1}),
        (AlertPolicy, {"read_retry_ms": 999}),
        (AlertPolicy, {"grouping": "home"}),
        (AlertPolicy, {"give_up_ms": 999}),
        (AlertPolicy, {"tries_max": 0}),
        (AlertPolicy, {"window": 0}),
        (CheckPolicy, {"supplier_signature": "perhaps"}),
        (CommandPolicy, {"retry_ms": 999}),
        (CommandPolicy, {"deadline_ms": 999}),
        (CommandPolicy, {"horizon_days": 0}),
        (AnomalyPolicy, {"held_max": -1}),
        (DeadlinePolicy, {"held_ms": 0}),
        (InventoryPolicy, {"prenotified_on_cpl": "perhaps"}),
        (WanPolicy, {"order_retry_ms": 0}),
        (WanPolicy, {"octets_per_s": "North"}),
        (WanPolicy, {"octets_per_s": "North=0"}),
        (WanPolicy, {"octets_per_s": "Nowhere=5"}),
        (WanPolicy, {"homes_at_once": "North=many"}),
        (WanPolicy, {"broadcast": "North,Nowhere"}),
        (WanPolicy, {"chunk_octets": 512 * 1024}),
    ],
)
def test_a_value_that_cannot_work_is_refused(policy: type[BaseModel], values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        policy(**values)


def test_a_chunk_fits_into_one_frame() -> None:
    from hanota.base.limits import WAN_FRAME_OCTETS_MAX

    largest = next(rule.le for rule in WanPolicy.model_fields["chunk_octets"].metadata if hasattr(rule, "le"))
    assert largest + 100 < WAN_FRAME_OCTETS_MAX


def test_any_policy_may_be_changed_for_one_run() -> None:
    changed = Policies(check=CheckPolicy(version_matches_header=Strictness.WARN))
    assert changed.check.version_matches_header is Strictness.WARN
    assert changed.image == Policies().image
    assert Policies.model_validate(changed.model_dump()) == changed


@pytest.mark.parametrize(
    ("text", "interval"), [("", None), ("17:00-20:00", (17 * HOUR, 20 * HOUR)), ("22:30-06:00", (81_000_000, 6 * HOUR))]
)
def test_quiet_hours_are_written_as_two_times_of_day(text: str, interval: tuple[int, int] | None) -> None:
    assert HanPolicy(quiet_hours=text).quiet_hours == interval


# --- anomaly.limits ----------------------------------------------------------------------------------------------


def test_limits_are_written_as_services_requests_and_hours() -> None:
    limits = AnomalyPolicy(limits="11.1+11.4=200/24h;11.3=1000/1h").limits
    assert limits == (
        Limit(services=frozenset({"11.1", "11.4"}), count=200, window_ms=24 * HOUR),
        Limit(services=frozenset({"11.3"}), count=1000, window_ms=HOUR),
    )


@pytest.mark.parametrize(("text", "count"), [("", 0), (";", 0), ("8.2=0/1h", 1), (" 8.2=1/1h ; 8.4=1/1h;", 2)])
def test_an_empty_limit_is_none_and_white_space_around_one_does_not_matter(text: str, count: int) -> None:
    assert len(AnomalyPolicy(limits=text).limits) == count


def test_a_service_counts_for_every_limit_that_names_it() -> None:
    policy = AnomalyPolicy(limits="11.1+11.4=5/1h;11.4=2/1h")
    assert [limit.count for limit in policy.of("11.4")] == [5, 2]
    assert [limit.count for limit in policy.of("11.1")] == [5]
    assert policy.of("8.2") == policy.of("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "11.4",
        "11.4=200",
        "11.4=/24h",
        "11.4=200/24",
        "11.4=200/0h",
        "=200/24h",
        "11.4=-1/24h",
        "11.4=1.5/24h",
        "x=1/1h",
        "11.4=200/24h,8.2=1/1h",
        "11.4+=1/1h",
        "+=1/1h",
        ".=1/1h",
        "11=1/1h",
        "11.4=1/24d",
        "11.4=٣/1h",
    ],
)
def test_a_limit_that_cannot_be_meant_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(ValidationError):
        AnomalyPolicy(limits=text)


def test_limits_survive_being_dumped_and_read() -> None:
    changed = Policies(anomaly=AnomalyPolicy(limits="8.2=1/1h"))
    assert Policies.model_validate(changed.model_dump()) == changed
    assert Policies.model_validate_json(changed.model_dump_json()) == changed


def test_figures_of_regions_are_read_from_text_and_survive_being_dumped_and_read() -> None:
    policy = WanPolicy.model_validate(
        {"octets_per_s": "North=8000; 4G Central=2000000", "homes_at_once": "", "broadcast": "North, South"}
    )
    assert policy.octets_per_s == {CspRegion.NORTH: 8000, CspRegion.CENTRAL_4G: 2_000_000}
    assert (policy.homes_at_once, policy.broadcast) == ({}, {CspRegion.NORTH, CspRegion.SOUTH})
    changed = Policies(wan=policy)
    assert Policies.model_validate(changed.model_dump()) == changed
    assert Policies.model_validate_json(changed.model_dump_json()) == changed
