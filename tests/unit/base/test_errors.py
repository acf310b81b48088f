"""Errors: code, what, remedy, whose fault; reporting one can't fail."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.errors import BadValue, Fault, HanotaError, require


class TooHot(HanotaError):
    code, fault, retryable = "HOTA-TEST-001", Fault.OPERATOR, True
    what = "{place} has {degrees} °C"
    remedy = "cool {place}"


def test_the_text_says_code_what_and_remedy() -> None:
    assert str(TooHot(place="the hall", degrees=41)) == "HOTA-TEST-001: the hall has 41 °C — cool the hall"
    assert TooHot(place="the hall", degrees=41).explain() == "the hall has 41 °C"


def test_facts_are_ready_for_json() -> None:
    told = TooHot(place="the hall", degrees=41).as_dict()
    assert json.loads(json.dumps(told)) == {
        "code": "HOTA-TEST-001",
        "fault": "operator",
        "retryable": True,
        "message": "the hall has 41 °C",
        "remedy": "cool the hall",
        "facts": {"place": "the hall", "degrees": "41"},
    }


def test_a_missing_fact_leaves_its_placeholder() -> None:
    assert "{degrees}" in str(TooHot(place="the hall"))
    assert TooHot().as_dict()["message"] == "{place} has {degrees} °C"


def test_a_fact_with_braces_is_shown_as_it_is() -> None:
    assert TooHot(place="{degrees}", degrees=1).explain() == "{degrees} has 1 °C"


@given(st.text())
def test_any_value_can_be_reported(value: str) -> None:
    assert repr(value) in str(BadValue(kind="thing", value=value, expected="another"))


def test_require_raises_with_the_facts_or_lets_pass() -> None:
    require(1, TooHot, place="the hall")
    with pytest.raises(TooHot) as caught:
        require([], TooHot, place="the hall", degrees=50)
    assert caught.value.facts == {"place": "the hall", "degrees": 50}


def test_an_error_without_facts_of_its_own_still_has_a_code() -> None:
    assert str(HanotaError()).startswith("HOTA-BASE-000: ")
    assert HanotaError.fault is Fault.US
    assert not HanotaError.retryable
