"""The rule book for whole requests: each row is hit alone, and the earlier of two is the answer."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from hanota.base.errors import HanotaError
from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.parties import UserRole
from hanota.model.policies import CheckPolicy, ImagePolicy, Policies, Strictness
from hanota.model.reasons import RequestReason
from hanota.process.check import REQUEST_CHECKS, Case, judge_request
from hanota.wire.duis import REQUESTS
from helpers.images import sample_esme
from helpers.premises import DCC, ppmid_file
from helpers.world import SUPPLIER_1, image, request

_R = RequestReason
ROLES = frozenset({UserRole.IMPORT_SUPPLIER})


def case(**changes: Any) -> Case:
    asked = replace(request(), **{name: changes.pop(name) for name in ("image", "firmware_version") if name in changes})
    header = {name: changes.pop(name) for name in ("command_variant", "request_id") if name in changes}
    facts: dict[str, Any] = {
        "request": replace(asked, header=replace(asked.header, **header)),
        "row": REQUESTS["11.4"],
        "service": "D",
        "dcc": DCC,
        "roles": ROLES,
        "policies": Policies(),
        "product": lambda _: CplStatus.ACTIVE,
    }
    return Case(**(facts | changes))


ELSEWHERE = replace(request().header.request_id, target=SUPPLIER_1)
TIGHT = Policies(image=ImagePolicy(max_octets=500))
BREAKS: dict[RequestReason, dict[str, Any]] = {
    _R.ORIGINATOR_UNKNOWN: {"roles": None},
    _R.ROLE_NOT_ELIGIBLE: {"roles": frozenset({UserRole.OTHER_USER, UserRole.EXPORT_SUPPLIER})},
    _R.WRONG_COMMAND_VARIANT: {"command_variant": 1},
    _R.WRONG_WEB_SERVICE: {"service": "T"},
    _R.WRONG_TARGET: {"request_id": ELSEWHERE},
    _R.IMAGE_TOO_LARGE: {"policies": TIGHT},
    _R.IMAGE_MALFORMED: {"image": image()[:-1]},
    _R.VERSION_NOT_IN_HEADER: {"firmware_version": "00000000"},
    _R.IMAGE_NOT_CERTIFIED: {"product": lambda _: None},
    _R.CERTIFICATION_NOT_ACTIVE: {"product": lambda _: CplStatus.WITHDRAWN},
}


def reason(**changes: Any) -> RequestReason | None:
    found = judge_request(case(**changes))
    return found[0] if found else None


def test_a_good_request_breaks_no_rule() -> None:
    assert judge_request(case()) is None


def test_every_row_of_the_table_is_tried() -> None:
    assert list(BREAKS) == [check.reason for check in REQUEST_CHECKS]


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_rule_is_the_answer(broken: RequestReason) -> None:
    found = judge_request(case(**BREAKS[broken]))
    assert found is not None
    assert found[0] is broken
    assert found[1]


PAIRS = [  # that one request can break: a field has one value
    (first, second) for first, second in itertools.combinations(BREAKS, 2) if not BREAKS[first].keys() & BREAKS[second]
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_broken_rules_the_earlier_is_the_answer(first: RequestReason, second: RequestReason) -> None:
    assert reason(**BREAKS[first], **BREAKS[second]) is first


@pytest.mark.parametrize("service", ["S", "T", "", "d"])
def test_only_the_non_device_service_takes_it(service: str) -> None:
    assert reason(service=service) is _R.WRONG_WEB_SERVICE


@pytest.mark.parametrize("variant", [0, 1, 2, 3, 4, 5, 6, 7, 9])
def test_only_command_variant_8_is_for_updates(variant: int) -> None:
    assert reason(command_variant=variant) is _R.WRONG_COMMAND_VARIANT


@pytest.mark.parametrize("role", UserRole)
def test_only_suppliers_of_import_or_gas_may_update(role: UserRole) -> None:
    expected = None if role in {UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER} else _R.ROLE_NOT_ELIGIBLE
    assert reason(roles=frozenset({role})) is expected
    assert reason(roles=frozenset({role}) | ROLES) is None


def test_a_party_without_roles_is_known_and_not_eligible() -> None:
    assert reason(roles=frozenset()) is _R.ROLE_NOT_ELIGIBLE


def test_the_limit_of_an_image_is_inclusive_and_counts_the_header() -> None:  # R6
    file = image()
    exact = Policies(image=ImagePolicy(max_octets=len(file)))
    assert reason(policies=exact) is None
    found = judge_request(case(policies=TIGHT))
    assert found == (_R.IMAGE_TOO_LARGE, "600 octets, the limit is 500")


def test_the_limit_is_750_kb_by_default() -> None:
    octets = 750 * 1024
    assert reason(image=ppmid_file(octets)) is None
    assert reason(image=ppmid_file(octets + 1)) is _R.IMAGE_TOO_LARGE


def test_an_image_without_its_suppliers_signature_is_malformed_for_11_1() -> None:
    assert reason(row=REQUESTS["11.1"]) is _R.IMAGE_MALFORMED
    assert reason(row=REQUESTS["11.1"], image=sample_esme(), firmware_version="ACDCACDC") is None


def test_an_image_that_cannot_be_read_has_its_error_and_no_value() -> None:
    broken = case(image=b"no image")
    assert isinstance(broken.image_or_error, HanotaError)
    with pytest.raises(HanotaError):
        _ = broken.image
    assert str(broken.image_or_error) in str(judge_request(broken))


def test_the_version_is_compared_without_regard_to_case() -> None:
    file = ppmid_file(600, version=0xABCDEF01)
    for text in ("abcdef01", "ABCDEF01", "AbCdEf01"):
        assert reason(image=file, firmware_version=text) is None
    assert reason(image=file, firmware_version="ABCDEF02") is _R.VERSION_NOT_IN_HEADER


def _warn() -> Policies:
    return Policies(check=CheckPolicy(version_matches_header=Strictness.WARN))


def test_policy_warn_lets_another_version_pass() -> None:  # R9: the industry's sample needs it
    assert reason(firmware_version="00000000", policies=_warn()) is None


@pytest.mark.parametrize("status", CplStatus)
def test_only_an_active_entry_will_do(status: CplStatus) -> None:  # R4
    expected = None if status is CplStatus.ACTIVE else _R.CERTIFICATION_NOT_ACTIVE
    assert reason(product=lambda _: status) is expected


def test_the_list_is_asked_once() -> None:
    asked: list[object] = []
    assert reason(product=lambda found: asked.append(found) or CplStatus.ACTIVE) is None
    assert len(asked) == 1


def test_a_detail_names_what_was_found_and_what_is_needed() -> None:
    found = judge_request(case(roles=frozenset({UserRole.OTHER_USER})))
    assert found == (_R.ROLE_NOT_ELIGIBLE, "has OU; needs one of GS, IS")
