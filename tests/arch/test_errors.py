"""Every error has its own code and a remedy, and docs/errors.md lists them all as they are."""

import re

import errors_table
import pytest

from hanota.base.errors import Fault, HanotaError

errors_table.import_everything()
ERRORS = [error for error in errors_table.error_classes() if errors_table.has_own_code(error)]
CODE = re.compile(r"HOTA-[A-Z]+-\d{3}\Z")


def test_codes_are_unique() -> None:
    codes = [error.code for error in ERRORS]
    assert sorted(set(codes)) == codes


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_an_error_says_what_happened_and_what_to_do(error: type[HanotaError]) -> None:
    assert CODE.match(error.code)
    assert error.what != HanotaError.what
    assert error.fault is Fault.US or error.remedy != HanotaError.remedy, "say what to do"
    assert str(error()).startswith(error.code), "reporting an error may not fail, whatever facts it was given"


def test_an_error_without_code_of_its_own_is_a_family() -> None:
    lone = [error for error in errors_table.error_classes() if error not in ERRORS]
    assert [error.__qualname__ for error in lone if not error.__subclasses__()] == []


def test_the_page_of_errors_is_current() -> None:
    assert errors_table.PAGE.read_text(encoding="utf-8") == errors_table.page(), "run: make tables"
