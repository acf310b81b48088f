"""Addresses and headers: nothing is lost between zigpy's form and hanota's, and zigpy reads what is written here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zigpy.types import EUI64
from zigpy.zcl.foundation import GENERAL_COMMANDS, GeneralCommand, Status, ZCLHeader

from hanota.base.eui import Eui64
from hanota.wire.zcl import Side
from hanota_radio.frames import DefaultStatus, hanota_eui, read_header, zigpy_eui

euis = st.integers(0, 2**64 - 1).map(Eui64)


@given(eui=euis)
def test_an_address_comes_back_as_it_was_and_both_write_the_same_digits(eui: Eui64) -> None:
    assert hanota_eui(zigpy_eui(eui)) == eui
    assert zigpy_eui(eui) == EUI64.convert(str(eui).replace("-", ":"))


@given(octets=st.binary(max_size=12))
def test_headers_are_read_as_zigpy_reads_them(octets: bytes) -> None:
    ours = read_header(octets)
    try:
        theirs, rest = ZCLHeader.deserialize(octets)
    except ValueError:
        assert ours is None
        return
    assert ours is not None
    assert (ours.sequence, ours.command, ours.octets) == (theirs.tsn, theirs.command_id, len(octets) - len(rest))
    assert ours.general == theirs.frame_control.is_general
    assert ours.of_cluster == (theirs.frame_control.is_cluster and theirs.manufacturer is None)
    assert ours.sender == Side(theirs.direction)
    assert ours.wants_default_response != theirs.frame_control.disable_default_response


@pytest.mark.parametrize("status", DefaultStatus)
@pytest.mark.parametrize("octets", [b"\x01\x07\x03", b"\x09\x07\x03", b"\x05\x1d\x12\x07\x03", b"\x0d\x1d\x12\x07\x03"])
def test_zigpy_reads_a_default_response(octets: bytes, status: DefaultStatus) -> None:
    asked, _ = ZCLHeader.deserialize(octets)
    header = read_header(octets)
    assert header is not None
    answer, rest = ZCLHeader.deserialize(header.default_response(status))
    said, left = GENERAL_COMMANDS[GeneralCommand.Default_Response].schema.deserialize(rest)
    assert (answer.tsn, answer.manufacturer, left) == (7, asked.manufacturer, b"")
    assert answer.direction != asked.direction
    assert (said.command_id, said.status) == (3, Status(status))


def test_either_spelling_becomes_the_one_that_hanota_reads() -> None:
    for octets in (b"\x01\x07\x03rest", b"\x11\x07\x03rest"):
        header = read_header(octets)
        assert header is not None
        assert header.spelt(octets) == b"\x01\x07\x03rest"
    for octets in (b"\x09\x07\x02rest", b"\x19\x07\x02rest"):
        header = read_header(octets)
        assert header is not None
        assert header.spelt(octets) == b"\x19\x07\x02rest"
