"""The rules that every Service Request is held to: each row is hit alone, and the earlier of two is the answer."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from hanota.base.ids import RequestId
from hanota.base.vocabulary.parties import UserRole
from hanota.model.reasons import RequestReason
from hanota.process.check import REQUEST_CHECKS, Case, Preceding, judge_request
from hanota.wire.duis import REQUESTS, WEB_SERVICES
from helpers.premises import DCC
from helpers.world import PPMID, SUPPLIER_1, request

_R = RequestReason
ROLES = frozenset({UserRole.IMPORT_SUPPLIER})
BEFORE = RequestId(SUPPLIER_1, DCC, 7)
HEADER = ("command_variant", "request_id", "preceding")


def case(srv: str = "11.4", **changes: Any) -> Case:
    asked = request()
    header = {name: changes.pop(name) for name in HEADER if name in changes}
    before = changes.pop("before", Preceding.DONE)
    facts: dict[str, Any] = {
        "request": replace(asked, header=replace(asked.header, **header)),
        "row": REQUESTS[srv],
        "service": "D",
        "dcc": DCC,
        "roles": ROLES,
        "preceding": lambda _: before,
    }
    return Case(**(facts | changes))


ELSEWHERE = replace(request().header.request_id, target=SUPPLIER_1)
BREAKS: dict[RequestReason, dict[str, Any]] = {
    _R.ORIGINATOR_UNKNOWN: {"roles": None},
    _R.ROLE_NOT_ELIGIBLE: {"roles": frozenset({UserRole.OTHER_USER, UserRole.EXPORT_SUPPLIER})},
    _R.WRONG_COMMAND_VARIANT: {"command_variant": 1},
    _R.WRONG_WEB_SERVICE: {"service": "T"},
    _R.WRONG_TARGET: {"request_id": ELSEWHERE},
    _R.PRECEDING_UNKNOWN: {"preceding": BEFORE, "before": Preceding.UNKNOWN},
    _R.PRECEDING_FAILED: {"preceding": BEFORE, "before": Preceding.FAILED},
    _R.PRECEDING_OPEN: {"preceding": BEFORE, "before": Preceding.OPEN},
}


def reason(srv: str = "11.4", **changes: Any) -> RequestReason | None:
    found = judge_request(case(srv, **changes))
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


@pytest.mark.parametrize("srv", REQUESTS)
@pytest.mark.parametrize("variant", range(10))
@pytest.mark.parametrize("service", ["D", "S", "T", "", "d"])
def test_a_command_variant_goes_with_its_service_and_comes_by_its_web_service(
    srv: str, variant: int, service: str
) -> None:
    target = DCC if REQUESTS[srv].non_device else PPMID
    found = reason(srv, command_variant=variant, service=service, request_id=RequestId(SUPPLIER_1, target, 1))
    if variant not in REQUESTS[srv].command_variants:
        assert found is _R.WRONG_COMMAND_VARIANT
    else:
        assert found is (None if service == WEB_SERVICES[variant] else _R.WRONG_WEB_SERVICE)


@pytest.mark.parametrize("srv", REQUESTS)
@pytest.mark.parametrize("role", UserRole)
def test_only_the_roles_of_the_matrix_may_use_a_service(srv: str, role: UserRole) -> None:
    row = REQUESTS[srv]
    variant = min(row.command_variants)
    fit = {
        "command_variant": variant,
        "service": WEB_SERVICES[variant],
        "request_id": RequestId(SUPPLIER_1, DCC if row.non_device else PPMID, 1),
    }
    suppliers_only = srv in {"8.13", "11.1", "11.3", "11.4"}
    may = not suppliers_only or role in {UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER}
    assert reason(srv, roles=frozenset({role}), **fit) is (None if may else _R.ROLE_NOT_ELIGIBLE)
    assert reason(srv, roles=frozenset({role}) | ROLES, **fit) is None


@pytest.mark.parametrize("srv", REQUESTS)
def test_the_dcc_is_the_target_of_what_only_it_answers_and_of_nothing_else(srv: str) -> None:
    row = REQUESTS[srv]
    variant = min(row.command_variants)
    fit = {"command_variant": variant, "service": WEB_SERVICES[variant]}
    right, wrong = (DCC, PPMID) if row.non_device else (PPMID, DCC)
    assert reason(srv, request_id=RequestId(SUPPLIER_1, right, 1), **fit) is None
    assert reason(srv, request_id=RequestId(SUPPLIER_1, wrong, 1), **fit) is _R.WRONG_TARGET


def test_a_party_without_roles_is_known_and_not_eligible() -> None:
    assert reason(roles=frozenset()) is _R.ROLE_NOT_ELIGIBLE


def test_a_detail_names_what_was_found_and_what_is_needed() -> None:
    found = judge_request(case(roles=frozenset({UserRole.OTHER_USER})))
    assert found == (_R.ROLE_NOT_ELIGIBLE, "has OU; needs one of GS, IS")
    found = judge_request(case(**BREAKS[_R.PRECEDING_OPEN]))
    assert found == (_R.PRECEDING_OPEN, str(BEFORE))


def test_only_a_request_that_names_one_before_it_has_that_looked_up_and_once() -> None:
    asked: list[RequestId] = []

    def look(named: RequestId) -> Preceding:
        asked.append(named)
        return Preceding.DONE

    assert reason(preceding=None) is None
    assert judge_request(replace(case(preceding=BEFORE), preceding=look)) is None
    assert judge_request(replace(case(), preceding=look)) is None
    assert asked == [BEFORE]


@pytest.mark.parametrize("first", [None, True, False])
def test_first_in_sequence_changes_nothing_by_itself(first: bool | None) -> None:
    asked = request(first_in_sequence=first)
    assert judge_request(replace(case(), request=asked)) is None
