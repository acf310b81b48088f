"""What the inventory knows: numbers written as text, and which status may follow which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.model.inventory import (
    NOT_YET_COMMISSIONED,
    STATUS_AFTER,
    ModelNumbers,
    meter_point_fits,
    model_numbers,
    version_number,
)

_S = DeviceStatus


def test_a_model_is_read_from_hex_digits_of_either_case() -> None:
    assert model_numbers("121D", "00841111") == ModelNumbers(0x121D, 0x0084, 0x1111)
    assert model_numbers("121d", "0084aBcD") == ModelNumbers(0x121D, 0x0084, 0xABCD)


@pytest.mark.parametrize(
    ("manufacturer", "model"),
    [
        ("", ""),
        ("121", "00841111"),
        ("121D", "0084111"),
        ("121D", "008411111"),
        ("121G", "00841111"),
        ("121D\n", "00841111"),
        ("121D", "00841111\n"),
        ("١٢١٣", "00841111"),
        ("0x1D", "00841111"),
        (" 21D", "00841111"),
    ],
)
def test_what_is_not_hex_of_the_right_length_is_no_model(manufacturer: str, model: str) -> None:
    assert model_numbers(manufacturer, model) is None


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_a_model_that_was_written_is_read_again(manufacturer: int, image_type: int, hardware: int) -> None:
    found = model_numbers(f"{manufacturer:04X}", f"{image_type:04X}{hardware:04X}")
    assert found == ModelNumbers(manufacturer, image_type, hardware)


@given(st.text())
def test_no_text_makes_reading_raise(text: str) -> None:
    assert model_numbers(text, text) is None
    assert version_number(text) is None or int(text, 16) < 1 << 32
    for kind in DeviceType:
        for which in ("import", "secondary", "export", text):
            assert isinstance(meter_point_fits(kind, which, text), bool)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("00020000", 0x20000), ("ACDCacdc", 0xACDCACDC)])
def test_a_version_is_a_hex_number(text: str, number: int) -> None:
    assert version_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "1.0", "123456789", "v1", "1\n", "+1", "0x1", "1_0"])
def test_a_version_that_is_no_hex_number_is_none(text: str) -> None:
    assert version_number(text) is None


def test_only_a_hub_is_commissioned_or_withdrawn_by_an_update() -> None:
    wanted = {hub: {status for of_hub, status in STATUS_AFTER if of_hub is hub} for hub in (False, True)}
    assert wanted[False] == {_S.PENDING, _S.INSTALLED_NOT_COMMISSIONED}
    assert wanted[True] == {_S.COMMISSIONED, _S.WITHDRAWN, _S.INSTALLED_NOT_COMMISSIONED}


def test_no_device_in_use_is_made_new_by_an_update() -> None:
    for (hub, wanted), before in STATUS_AFTER.items():
        assert wanted not in before
        assert hub or before <= NOT_YET_COMMISSIONED
