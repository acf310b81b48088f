"""RequestID and ResponseID: originator, target, counter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.errors import BadValue
from hanota.base.eui import Eui64
from hanota.base.ids import COUNTER_MAX, RequestId

euis = st.builds(Eui64, st.integers(0, 2**64 - 1))
ONE, TWO = Eui64(1), Eui64(2)


@given(st.builds(RequestId, euis, euis, st.integers(0, COUNTER_MAX)))
def test_what_is_written_is_read_back(request_id: RequestId) -> None:
    assert RequestId.parse(str(request_id)) == request_id


def test_an_identifier_has_one_written_form() -> None:
    assert RequestId.parse(f"{ONE}:{TWO}:0").counter == 0
    for counter in ("01", "00", "+1", "-1", " 1", "1 ", "1.0", "0x1", "", "٣", "²", "1_0"):
        with pytest.raises(BadValue):
            RequestId.parse(f"{ONE}:{TWO}:{counter}")


@pytest.mark.parametrize("text", ["", "1", f"{ONE}:{TWO}", f"{ONE}:{TWO}:1:2", f"{ONE}::1", f":{TWO}:1"])
def test_three_parts_are_needed(text: str) -> None:
    with pytest.raises(BadValue):
        RequestId.parse(text)


@pytest.mark.parametrize("counter", [-1, COUNTER_MAX + 1])
def test_a_counter_has_64_bits(counter: int) -> None:
    with pytest.raises(BadValue):
        RequestId(ONE, TWO, counter)
    assert RequestId.parse(f"{ONE}:{TWO}:{COUNTER_MAX}").counter == COUNTER_MAX


def test_a_text_of_any_length_is_refused_at_once() -> None:
    with pytest.raises(BadValue):
        RequestId.parse(f"{ONE}:{TWO}:{'9' * 5000}")
