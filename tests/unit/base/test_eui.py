"""EUI-64: one value, four forms, none of them lossy."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.errors import BadValue
from hanota.base.eui import EUI64_CHARS, Eui64, signed_of_text, texts_of_signed

euis = st.builds(Eui64, st.integers(0, 2**64 - 1))


@given(euis)
def test_every_form_is_read_back(eui: Eui64) -> None:
    assert Eui64.parse(str(eui)) == eui
    assert Eui64.parse(str(eui).lower()) == eui
    assert Eui64.from_octets(eui.octets) == eui
    assert Eui64.from_signed(eui.signed) == eui


@given(euis)
def test_the_column_form_fits_the_widest_integer_of_sql(eui: Eui64) -> None:
    assert -(2**63) <= eui.signed < 2**63


@given(euis, euis)
def test_order_is_that_of_the_text(one: Eui64, other: Eui64) -> None:
    assert (one < other) == (str(one) < str(other))


@given(st.lists(euis))
def test_many_are_written_as_each_is(many: list[Eui64]) -> None:
    assert texts_of_signed(eui.signed for eui in many) == [str(eui) for eui in many]


@given(st.lists(euis, min_size=1))
def test_many_are_read_as_each_is(many: list[Eui64]) -> None:
    text = ",".join(map(str, many))
    for written in (text, text.lower()):
        assert list(signed_of_text(written)) == [eui.signed for eui in many]


def test_where_numbers_begin_with_their_highest_octet_none_is_turned_round(monkeypatch: pytest.MonkeyPatch) -> None:
    eui = Eui64(0x00DB1234567890A0)
    here = int.from_bytes(eui.octets, sys.byteorder, signed=True)  # what such a machine keeps of it, read by this one
    monkeypatch.setattr(sys, "byteorder", "big")
    assert texts_of_signed([here]) == [str(eui)]
    assert list(signed_of_text(str(eui))) == [here]


def test_it_is_written_in_capitals_with_dashes() -> None:
    assert str(Eui64(0x00DB1234567890A0)) == "00-DB-12-34-56-78-90-A0"
    assert len(str(Eui64(0))) == EUI64_CHARS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-DB",
        "00DB1234567890A0",
        "00:DB:12:34:56:78:90:A0",
        "00-DB-12-34-56-78-90-A0-00",
        "0G-DB-12-34-56-78-90-A0",
    ],
)
def test_another_shape_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(BadValue) as caught:
        Eui64.parse(text)
    assert caught.value.facts["value"] == text
    assert "eight hex pairs" in str(caught.value)


@pytest.mark.parametrize("text", ["00-DB-12-34-56-78-90-A0\n", " 00-DB-12-34-56-78-90-A0", "٠0-DB-12-34-56-78-90-A0"])
def test_nothing_around_or_like_the_digits_is_let_through(text: str) -> None:
    with pytest.raises(BadValue):
        Eui64.parse(text)


@pytest.mark.parametrize("octets", [b"", bytes(7), bytes(9)])
def test_octets_are_eight(octets: bytes) -> None:
    with pytest.raises(BadValue):
        Eui64.from_octets(octets)


@pytest.mark.parametrize("value", [-1, 2**64])
def test_a_number_beyond_64_bits_is_refused(value: int) -> None:
    with pytest.raises(BadValue):
        Eui64(value)
