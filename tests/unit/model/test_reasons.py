"""Reasons: every refusal has one row, its code is a DUIS code, and the order is that in which it is judged."""

import itertools

import pytest

from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.reasons import DEVICE_REFUSALS, DeviceReason, RequestReason
from hanota.model.refusals import REQUEST_REFUSALS
from hanota.process.check import (
    DEVICE_CHECKS,
    IMAGE_CHECKS,
    PRE_COMMAND_CHECKS,
    PRENOTIFICATION_CHECKS,
    REQUEST_CHECKS,
    TARGET_CHECKS,
    UPDATE_CHECKS,
)
from hanota.wire.duis import REQUESTS

request_reasons = pytest.mark.parametrize("reason", RequestReason)
device_reasons = pytest.mark.parametrize("reason", DeviceReason)


def test_every_reason_has_one_row_in_the_order_of_judging() -> None:
    assert list(REQUEST_REFUSALS) == list(RequestReason)
    assert list(DEVICE_REFUSALS) == list(DeviceReason)


def test_checks_stand_in_the_order_of_the_reasons() -> None:
    assert [check.reason for check in DEVICE_CHECKS] == list(DeviceReason)
    judged = [check.reason for check in REQUEST_CHECKS]
    assert judged == [reason for reason in RequestReason if reason in set(judged)]


def test_a_reused_request_id_is_judged_once_the_sender_is_proved_and_before_the_rules() -> None:
    order = list(RequestReason)
    assert order.index(RequestReason.SIGNER_NOT_ORIGINATOR) + 1 == order.index(RequestReason.REQUEST_ID_REUSED)
    assert order.index(RequestReason.REQUEST_ID_REUSED) + 1 == order.index(REQUEST_CHECKS[0].reason)


@request_reasons
@pytest.mark.parametrize("srv", REQUESTS)
def test_a_refusal_is_told_by_a_known_code_that_does_not_go_on(reason: RequestReason, srv: str) -> None:
    code = REQUEST_REFUSALS[reason].code_for(srv)
    assert code.known
    assert not code.accepted


@request_reasons
@pytest.mark.parametrize("srv", ["", "11", "x.1", "1.x", "11.²", "999.999", "-1.1", ".", "1.1.1", "11.4 "])
def test_a_reason_has_a_code_whatever_service_a_stranger_names(reason: RequestReason, srv: str) -> None:
    assert isinstance(REQUEST_REFUSALS[reason].code_for(srv), ResponseCode)


def test_codes_of_a_service_carry_its_number() -> None:
    too_large = REQUEST_REFUSALS[RequestReason.IMAGE_TOO_LARGE]
    assert too_large.code_for("11.1") is ResponseCode.E110105
    assert too_large.code_for("11.4") is ResponseCode.E110405


@request_reasons
def test_a_request_reason_says_what_and_what_to_do(reason: RequestReason) -> None:
    row = REQUEST_REFUSALS[reason]
    assert len(row.text.split()) >= 4
    assert len(row.remedy.split()) >= 3


@device_reasons
def test_a_device_reason_says_its_list_what_and_what_to_do(reason: DeviceReason) -> None:
    row = DEVICE_REFUSALS[reason]
    assert row.device_list.known
    assert row.text
    assert len(row.remedy.split()) >= 3


def test_every_list_has_a_reason_and_every_text_its_own_words() -> None:
    rows = (*REQUEST_REFUSALS.values(), *DEVICE_REFUSALS.values())
    assert {row.device_list for row in DEVICE_REFUSALS.values()} == set(DeviceList)
    assert all(one.text != other.text for one, other in itertools.combinations(rows, 2))


def test_a_reason_of_every_service_has_one_code_for_all_and_others_that_of_their_own() -> None:
    numbers = {"0802": "8.2", "0804": "8.4", "0813": "8.13", "1101": "11.1", "1104": "11.4", "1202": "12.2"}
    for reason, row in REQUEST_REFUSALS.items():
        if row.code.startswith("E{srv}"):
            assert row.code_for("11.1").value[1:5] == "1101"
            assert row.code_for("11.4").value[1:5] == "1104"
        elif len(row.code) == len("E080201"):
            assert numbers[row.code[1:5]] in REQUESTS, reason
        else:
            assert {row.code_for(srv) for srv in REQUESTS} == {ResponseCode(row.code)}


def test_every_rule_book_raises_its_own_reasons_and_together_with_intake_all_of_them() -> None:
    books = (REQUEST_CHECKS, IMAGE_CHECKS, UPDATE_CHECKS, PRENOTIFICATION_CHECKS, TARGET_CHECKS, PRE_COMMAND_CHECKS)
    order = list(RequestReason)
    for book in books[:-1]:
        reasons = [rule.reason for rule in book]
        assert reasons == sorted(reasons, key=order.index)  # a Signed Pre-Command's times come after its request's own
    judged = [rule.reason for book in books for rule in book]
    intake = set(order[: order.index(RequestReason.ORIGINATOR_UNKNOWN)])
    by_services = {
        RequestReason.QUARANTINE_DROPPED,
        RequestReason.QUARANTINE_FULL,
        RequestReason.NO_VALID_DEVICE,
        RequestReason.INVENTORY_NOT_FOUND,
        RequestReason.INVENTORY_AMBIGUOUS,
        RequestReason.RETURNED_UNREADABLE,
        RequestReason.RETURNED_WITHOUT_COMMAND,
        RequestReason.RETURNED_NOT_AUTHENTIC,
        RequestReason.NOTHING_TO_CANCEL,
        RequestReason.COUNTER_UNWRITABLE,
    }
    assert intake | by_services | set(judged) == set(order)
    assert not (intake | by_services) & set(judged)
