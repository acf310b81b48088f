"""The maker's own signature inside a Manufacturer Image."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.wire.otaimage import MakerProblem, check_maker, sign_maker

KEY = ec.derive_private_key(31, ec.SECP256R1())
MAKER = Eui64.parse("00-DB-12-34-56-78-90-FF")
FIRMWARE = b"the firmware itself"
SIGNED = sign_maker(FIRMWARE, MAKER, KEY)


def test_the_layout_is_firmware_magic_signer_signature() -> None:
    assert SIGNED[: len(FIRMWARE) + 12] == FIRMWARE + b"HMS1" + MAKER.octets
    assert len(SIGNED) == len(FIRMWARE) + 76


def test_a_signature_of_the_maker_holds() -> None:
    report = check_maker(SIGNED, KEY.public_key())
    assert report
    assert (report.signer, report.firmware, report.problem) == (MAKER, FIRMWARE, None)


@pytest.mark.parametrize("image", [b"", FIRMWARE, bytes(500), SIGNED[:-1], SIGNED + b"x"])
def test_an_image_without_the_trailer_is_not_signed(image: bytes) -> None:
    report = check_maker(image, KEY.public_key())
    assert not report
    assert (report.problem, report.signer, report.firmware) == (MakerProblem.NOT_SIGNED, None, image)


def test_without_a_key_the_signer_is_only_claimed() -> None:
    report = check_maker(SIGNED, None)
    assert not report
    assert (report.problem, report.signer) == (MakerProblem.KEY_NOT_GIVEN, MAKER)


def test_another_key_does_not_do() -> None:
    other = ec.derive_private_key(32, ec.SECP256R1()).public_key()
    assert check_maker(SIGNED, other).problem is MakerProblem.SIGNATURE_WRONG


@given(place=st.integers(0, len(SIGNED) * 8 - 1))
def test_a_changed_bit_anywhere_is_found(place: int) -> None:
    changed = bytearray(SIGNED)
    changed[place // 8] ^= 1 << place % 8
    assert not check_maker(bytes(changed), KEY.public_key())
