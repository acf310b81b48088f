"""Lists of attributes as zigpy reads and writes them, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zigpy.zcl.clusters.general import Ota
from zigpy.zcl.foundation import GENERAL_COMMANDS, GeneralCommand

from hanota.wire.layout import ValueUnwritable
from hanota.wire.zcl import (
    OTA_CLUSTER,
    OtaAttribute,
    ReadAttributes,
    ReadAttributesResponse,
    Side,
    ZclMalformed,
    ZclShort,
    ZclUnknown,
    ZclWrong,
    read_attributes,
    read_command,
    read_records,
    write_attributes,
    write_command,
    write_records,
)
from hanota.wire.zcl.attributes import ATTRIBUTES_MAX, TYPES

HEADER_OCTETS = 3
values = st.dictionaries(st.sampled_from(OtaAttribute), st.integers(0, 255) | st.none())


def test_octets_are_those_of_the_standard() -> None:
    ask = write_command(7, ReadAttributes(write_attributes([OtaAttribute.CURRENT_FILE_VERSION])))
    assert ask.hex(" ") == "18 07 00 02 00"
    records = write_records({OtaAttribute.CURRENT_FILE_VERSION: 0x0002012F, OtaAttribute.IMAGE_STAMP: None})
    answer = write_command(7, ReadAttributesResponse(records))
    assert answer.hex(" ") == "10 07 01 02 00 00 23 2f 01 02 00 0a 00 86"


def test_a_general_command_is_none_of_the_cluster_and_has_one_direction() -> None:
    for frame, side in (("10 07 00 02 00", Side.CLIENT), ("18 07 01", Side.SERVER), ("18 07 02", Side.SERVER)):
        with pytest.raises(ZclUnknown):
            read_command(OTA_CLUSTER, bytes.fromhex(frame), side)
    for frame in ("00 07 00", "19 07 00 02 00"):
        with pytest.raises(ZclWrong):
            read_command(OTA_CLUSTER, bytes.fromhex(frame), Side.CLIENT)


@given(values)
def test_what_is_written_is_read_back(written: dict[int, int | None]) -> None:
    assert read_records(write_records(written)) == written
    assert read_attributes(write_attributes(written)) == tuple(written)


@given(values)
def test_zigpy_agrees(written: dict[int, int | None]) -> None:
    schema = GENERAL_COMMANDS[GeneralCommand.Read_Attributes_rsp].schema
    theirs, rest = schema.deserialize(write_records(written))
    assert rest == b""
    read = {record.attrid: record.value.value if record.status == 0 else None for record in theirs.status_records}
    assert set(read) == set(written)
    for number, value in written.items():
        if value is not None and TYPES[OtaAttribute(number)].code != 0xF0:  # an EUI-64 has a type of its own there
            assert int(read[number]) == value
    assert read_records(theirs.serialize()) == written


def test_numbers_and_types_are_those_of_zigpy() -> None:
    for attribute, kind in TYPES.items():
        theirs = Ota.attributes[int(attribute)]
        assert theirs.zcl_type == kind.code, attribute.name


@given(st.binary(max_size=60))
def test_noise_is_refused_or_read_without_loss(noise: bytes) -> None:
    for read, write in ((read_attributes, write_attributes), (read_records, None)):
        try:
            found = read(noise)
        except ZclMalformed:
            continue
        if write is not None:
            assert write(found) == noise


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        ("02", ZclShort),
        ("02 00 00", ZclWrong),  # no type
        ("02 00 00 21 01 00", ZclWrong),  # another type
        ("02 00 00 23 01 00", ZclShort),
        ("ff 00 00 23 01 00 00 00", ZclWrong),  # no attribute of this cluster
    ],
)
def test_records_that_make_no_sense_are_refused(octets: str, error: type[ZclMalformed]) -> None:
    with pytest.raises(error):
        read_records(bytes.fromhex(octets))


def test_more_than_anybody_has_is_not_asked_for() -> None:
    with pytest.raises(ZclWrong):
        read_attributes(bytes(2 * ATTRIBUTES_MAX + 2))


@pytest.mark.parametrize("written", [{OtaAttribute.MANUFACTURER: 0x1_0000}, {0x00FF: 1}])
def test_a_value_beyond_its_type_is_not_written(written: dict[int, int | None]) -> None:
    with pytest.raises(ValueUnwritable):
        write_records(written)
