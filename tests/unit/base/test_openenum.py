"""Open enumerations: an unknown code stays what it is and says so; equal codes are equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.openenum import OpenIntEnum, OpenStrEnum
from hanota.base.vocabulary import devices, duis, parties
from hanota.base.vocabulary.duis import ResponseCode

MODULES = (devices, duis, parties)
TABLES = sorted(
    {
        found
        for module in MODULES
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, OpenIntEnum | OpenStrEnum) and found.__members__
    },
    key=lambda table: table.__name__,
)


class Colour(OpenIntEnum):
    RED = 1


class Word(OpenStrEnum):
    YES = "yes"


@given(st.integers(2, 2**64))
def test_an_unknown_number_is_kept(number: int) -> None:
    stranger = Colour(number)
    assert stranger == number
    assert int(stranger) == stranger.value == number
    assert not stranger.known
    assert stranger.name == f"UNKNOWN_0x{number:04X}"


@given(st.text().filter(lambda text: text != "yes"))
def test_an_unknown_text_is_kept(text: str) -> None:
    stranger = Word(text)
    assert stranger == text
    assert str(stranger) == stranger.value == text
    assert not stranger.known


def test_a_known_code_is_its_member() -> None:
    assert Colour(1) is Colour.RED
    assert Word("yes") is Word.YES
    assert Colour.RED.known
    assert Word.YES.known


def test_strangers_do_not_join_the_table_and_equal_ones_are_equal() -> None:
    assert Colour(9) == Colour(9)
    assert hash(Colour(9)) == hash(9)
    assert list(Colour) == [Colour.RED]


@pytest.mark.parametrize("value", [None, "1", 1.5, b"1"])
def test_what_is_no_number_is_no_code(value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        Colour(value)


@pytest.mark.parametrize("value", [None, 1, b"yes"])
def test_what_is_no_text_is_no_word(value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        Word(value)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_no_two_members_share_a_code(table: type[OpenIntEnum] | type[OpenStrEnum]) -> None:
    assert len(table.__members__) == len({member.value for member in table})


@pytest.mark.parametrize("code", [code.value for code in ResponseCode])
def test_codes_of_success_and_warning_go_on_and_codes_of_error_do_not(code: str) -> None:
    assert ResponseCode(code).accepted == (code[0] in "IW")
