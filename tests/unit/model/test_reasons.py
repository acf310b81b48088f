"""Reasons: every refusal has one row, its code is a DUIS code, and the order is that in which it is judged."""

import itertools

import pytest

from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.reasons import DEVICE_REFUSALS, REQUEST_REFUSALS, DeviceReason, RequestReason
from hanota.process.check import DEVICE_CHECKS, REQUEST_CHECKS
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
