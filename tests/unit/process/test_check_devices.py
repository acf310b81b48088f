"""The rule book for devices: each row is hit alone, and the earlier of two is the reason."""

import itertools
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.instant import DAY
from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.model.policies import Policies, ScopePolicy, UpdatePolicy, VersionPolicy
from hanota.model.profiles import PROFILES
from hanota.model.reasons import DeviceReason
from hanota.process.check import DEVICE_CHECKS, Terms, judge_devices
from hanota.process.check.devices import GBCS_VERSION_MIN
from hanota.records.store.device_facts import device_facts
from helpers.premises import NEW, NOW, OLD
from helpers.world import PPMID, SUPPLIER_1, Bench, image, read

FACTS = pl.Schema(
    {
        "device": pl.Int64,
        "known": pl.Boolean,
        "device_type": pl.String,
        "status": pl.String,
        "smets1": pl.Boolean,
        "joined": pl.Boolean,
        "manufacturer": pl.Int64,
        "image_type": pl.Int64,
        "hardware": pl.Int64,
        "gbcs_version": pl.String,
        "capacity_octets": pl.Int64,
        "version": pl.Int64,
        "eligible": pl.Boolean,
        "open": pl.Boolean,
        "displaceable": pl.Boolean,
        "refused": pl.Boolean,
        "product": pl.Int64,
        "predecessors": pl.Int64,
        "follows": pl.Boolean,
        "updated_ms_ago": pl.Int64,
    }
)
HEADER = read(image()).header
GOOD: dict[str, Any] = {
    "known": True,
    "device_type": DeviceType.PPMID,
    "status": DeviceStatus.COMMISSIONED,
    "smets1": False,
    "joined": True,
    "manufacturer": HEADER.manufacturer,
    "image_type": HEADER.image_type,
    "hardware": 0x1111,
    "gbcs_version": "4.3",
    "capacity_octets": 768_000,
    "version": OLD,
    "eligible": True,
    "open": False,
    "displaceable": False,
    "refused": False,
    "product": 1,
    "predecessors": 0,
    "follows": False,
    "updated_ms_ago": DAY,
}
UNKNOWN: dict[str, Any] = (
    dict.fromkeys(GOOD) | {"known": False, "eligible": False, "open": False, "follows": False} | {"displaceable": False}
)
_D = DeviceReason
BREAKS: dict[DeviceReason, dict[str, Any]] = {
    _D.UNKNOWN: UNKNOWN | {"predecessors": 0},
    _D.SMETS1: {"smets1": True},
    _D.NO_OTA: {"device_type": DeviceType.CAD},
    _D.WRONG_SERVICE: {"device_type": DeviceType.ESME},
    _D.NO_HUB: {"joined": False},
    _D.NOT_RESPONSIBLE: {"eligible": False},
    _D.NOT_COMMISSIONED: {"status": DeviceStatus.WHITELISTED},
    _D.OTHER_MANUFACTURER: {"manufacturer": HEADER.manufacturer + 1},
    _D.OTHER_MODEL: {"image_type": HEADER.image_type + 1},
    _D.OTHER_HARDWARE: {"hardware": 0x1110},
    _D.NOT_CERTIFIED_FOR_MODEL: {"product": None},
    _D.NO_CAPACITY: {"capacity_octets": len(image()) - 1},
    _D.REFUSED_BY_CONSUMER: {"refused": True},
    _D.IN_PROGRESS: {"open": True},
    _D.ALREADY_RUNS_IT: {"version": NEW},
    _D.NOT_A_SUCCESSOR: {"predecessors": 1},
    _D.DOWNGRADE: {"version": NEW + 1},
    _D.GBCS_TOO_OLD: {"gbcs_version": "3.9"},
    _D.TOO_SOON: {"updated_ms_ago": DAY - 1},
}
ONCE_A_DAY = Policies(update=UpdatePolicy(min_interval_days=1))


def terms(**changes: Any) -> Terms:
    plain: dict[str, Any] = {"srv": "11.4", "header": HEADER, "image_octets": len(image()), "policies": ONCE_A_DAY}
    return Terms(**(plain | changes))


def reasons(*rows: dict[str, Any], given: Terms | None = None) -> list[str | None]:
    facts = pl.DataFrame(
        [{"device": number, **GOOD, **row} for number, row in enumerate(rows)], schema=FACTS, orient="row"
    )
    return judge_devices(facts, given or terms())["reason"].to_list()


def test_a_good_device_goes_on_with_the_version_it_runs() -> None:
    facts = pl.DataFrame([{"device": 7, **GOOD}], schema=FACTS)
    assert judge_devices(facts, terms()).rows() == [(7, None, OLD)]


def test_facts_are_those_that_the_store_gives() -> None:
    bench = Bench()
    with bench.store.writing() as connection:
        facts = device_facts(connection, pl.Series([PPMID.signed]), sender=SUPPLIER_1, manufacturer_hash=b"", now=NOW)
    assert facts.schema == FACTS


def test_every_row_of_the_table_is_tried() -> None:
    of_segments = [_D.NO_SEGMENTS]  # it needs an image in segments: test_segments.py
    assert list(BREAKS) == [check.reason for check in DEVICE_CHECKS if check.reason not in of_segments]


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_rule_leaves_the_device_out(broken: DeviceReason) -> None:
    assert reasons(BREAKS[broken], {}) == [broken, None]


PAIRS = [
    (first, second) for first, second in itertools.combinations(BREAKS, 2) if not BREAKS[first].keys() & BREAKS[second]
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_broken_rules_the_earlier_is_the_reason(first: DeviceReason, second: DeviceReason) -> None:
    assert reasons(BREAKS[first] | BREAKS[second]) == [first]


@given(st.lists(st.sampled_from([None, *BREAKS]), max_size=20))
def test_devices_are_judged_apart_and_in_order(broken: list[DeviceReason | None]) -> None:
    assert reasons(*(BREAKS[reason] if reason else {} for reason in broken)) == broken


@given(st.fixed_dictionaries({name: st.sampled_from([GOOD[name], None]) for name in GOOD}))
def test_a_fact_that_is_missing_never_breaks_the_judging(row: dict[str, Any]) -> None:
    assert len(reasons(row | {"known": True})) == 1


@pytest.mark.parametrize("srv", GBCS_VERSION_MIN)
@pytest.mark.parametrize("kind", DeviceType)
def test_a_type_is_taken_by_its_own_service_only(kind: DeviceType, srv: str) -> None:
    profile = PROFILES[kind]
    expected = None if profile.service_reference == srv else _D.WRONG_SERVICE if profile.ota else _D.NO_OTA
    assert reasons({"device_type": kind}, given=terms(srv=srv)) == [expected]


def test_a_type_that_nobody_knows_belongs_to_no_service() -> None:
    assert reasons({"device_type": "Type 3"}) == [_D.WRONG_SERVICE]


def test_ihds_are_in_scope_by_policy() -> None:  # R1
    ihd = {"device_type": DeviceType.IHD}
    assert reasons(ihd) == [None]
    assert reasons(ihd, given=terms(policies=Policies(scope=ScopePolicy(ihd=False)))) == [_D.NO_OTA]


@pytest.mark.parametrize("status", DeviceStatus)
def test_only_commissioned_devices_and_suspended_ones_which_need_it_go_on(status: DeviceStatus) -> None:
    good = status in {DeviceStatus.COMMISSIONED, DeviceStatus.SUSPENDED}
    assert reasons({"status": status}) == [None if good else _D.NOT_COMMISSIONED]


def test_the_hardware_range_is_inclusive_and_may_be_absent() -> None:
    assert reasons(*({"hardware": number} for number in (0x1110, 0x1111, 0x1211, 0x1212))) == [
        _D.OTHER_HARDWARE,
        None,
        None,
        _D.OTHER_HARDWARE,
    ]
    anywhere = replace(HEADER, hardware_min=None, hardware_max=None)
    assert reasons({"hardware": 0}, given=terms(header=anywhere)) == [None]


def test_an_image_that_just_fits_goes_on() -> None:
    assert reasons({"capacity_octets": len(image())}) == [None]


def test_order_of_versions_comes_from_the_list_where_it_names_predecessors() -> None:  # R9
    listed = {"predecessors": 2, "follows": True}
    assert reasons(listed, listed | {"version": NEW + 1}, listed | {"follows": False}) == [
        None,
        None,
        _D.NOT_A_SUCCESSOR,
    ]


def test_a_downgrade_may_be_allowed() -> None:
    allowed = terms(policies=Policies(version=VersionPolicy(downgrade="allow")))
    assert reasons({"version": NEW + 1}, given=allowed) == [None]


def test_a_device_of_unknown_version_is_judged_by_the_rest() -> None:
    assert reasons({"version": None}) == [None]
    assert reasons({"version": None, "predecessors": 1}) == [_D.NOT_A_SUCCESSOR]


@pytest.mark.parametrize(
    ("text", "good"),
    [("4.0", True), ("4", True), ("4.3", True), ("10.0", True), ("3.99", False), ("", False), ("v4", False)],
)
def test_gbcs_versions_are_compared_as_numbers(text: str, good: bool) -> None:
    assert reasons({"gbcs_version": text}) == [None if good else _D.GBCS_TOO_OLD]


def test_no_devices_is_an_empty_decision() -> None:
    assert reasons() == []
