"""GBCS messages: byte-exact reading and writing, and what is refused."""

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.wire.gbcs.errors import MessageMalformed, MessageShort, MessageTrailing, MessageUnwritable
from hanota.wire.gbcs.message import (
    Cra,
    Header,
    Message,
    MessageCode,
    read_fields,
    read_message,
    signed_part,
    write_message,
)
from hanota.wire.gbcs.octets import Reader
from helpers.gbcs import ACB, CHF, PPMID, SUPPLIER, messages, vectors

HEADER = Header(
    cra=Cra.COMMAND,
    counter=1300,
    originator=ACB,
    recipient=PPMID,
    message_code=MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION,
    supplementary_party=SUPPLIER,
    supplementary_counter=1000,
)
MESSAGE = Message(header=HEADER, payload=b"\x05\x00", mac=bytes(12))
OCTETS = write_message(MESSAGE)


def read_or_refusal(reader: Reader) -> Message | tuple[type, str]:
    try:
        return read_fields(reader)
    except MessageMalformed as error:
        return type(error), str(error)


def test_every_reference_message_is_written_as_it_was_read() -> None:
    assert len(vectors()) == 27
    for name, octets in vectors().items():
        assert write_message(read_message(octets)) == octets, name


def test_a_version_command_says_who_asks_for_whom() -> None:
    message = read_message(vectors()["CS08_11.2_SUCCESS_COMMAND"])
    assert message.header == HEADER
    assert message.payload == MESSAGE.payload
    assert message.signature == b""
    assert message.mac == bytes.fromhex("BDC5E70406017D96EE0F9759")


def test_a_critical_response_has_a_date_time_and_a_signature_but_no_mac() -> None:
    message = read_message(vectors()["CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE"])
    assert message.header.date_time == bytes.fromhex("07DF0101FF000000008000FF")
    assert message.signature is not None
    assert len(message.signature) == 64
    assert message.mac is None


def test_a_pre_command_is_accepted_with_and_without_the_length_of_its_signature() -> None:
    octets = vectors()["CS06_11.3_IMMEDIATE_SUCCESS_PRECOMMAND"]
    bare, plain = read_message(octets), read_message(octets + b"\x00")
    assert (bare.signature, plain.signature) == (None, b"")
    assert dataclasses.replace(bare, signature=b"") == plain
    assert write_message(bare) + b"\x00" == write_message(plain)


def test_a_use_case_outside_the_table_is_kept() -> None:
    message = read_message(vectors()["CS14_NA_8F12_ALERT"])
    assert message.header.originator == CHF
    assert message.header.message_code == 0x0018
    assert not message.header.message_code.known


@given(messages(), st.data())
def test_a_header_read_at_once_is_the_one_read_field_by_field(message: Message, data: st.DataObject) -> None:
    octets = bytearray(write_message(message))
    if data.draw(st.booleans()):
        octets[data.draw(st.integers(0, min(len(octets), 80) - 1))] ^= data.draw(st.integers(1, 255))
    kept = bytes(octets[: data.draw(st.integers(1, len(octets)))])
    assert read_or_refusal(Reader(kept)) == read_or_refusal(Reader(kept, listing=True))


@given(messages())
def test_a_message_reads_back_as_written(message: Message) -> None:
    assert read_message(write_message(message)) == message


@given(st.binary(max_size=200) | st.binary(max_size=120).map(lambda tail: OCTETS[:16] + tail))
def test_noise_is_refused_or_keeps_its_octets(noise: bytes) -> None:
    with contextlib.suppress(MessageMalformed):
        assert write_message(read_message(noise)) == noise


@given(messages(), st.data())
def test_a_damaged_message_is_refused_or_keeps_its_octets(message: Message, data: st.DataObject) -> None:
    octets = bytearray(write_message(message))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(MessageMalformed):
        assert write_message(read_message(bytes(octets))) == octets


@given(messages(), st.data())
def test_a_message_cut_short_is_refused(message: Message, data: st.DataObject) -> None:
    octets = write_message(message)
    cut = octets[: data.draw(st.integers(0, len(octets) - 1))]
    if message.mac is None and message.signature == b"" and len(cut) == len(octets) - 1:
        return  # a pre-command whose signature has no length
    with pytest.raises(MessageMalformed) if _ends_outside_signature(message, cut) else contextlib.nullcontext():
        read_message(cut)


def _ends_outside_signature(message: Message, cut: bytes) -> bool:
    """Without a MAC header nothing tells the whole length: cut right after the payload it is a pre-command."""
    return message.mac is not None or cut != write_message(dataclasses.replace(message, signature=None, mac=None))


@given(messages(), st.binary(min_size=1, max_size=70))
def test_octets_after_the_end_are_refused(message: Message, more: bytes) -> None:
    if message.signature is None:
        message = dataclasses.replace(message, signature=b"")
    with pytest.raises(MessageMalformed):
        read_message(write_message(message) + more)


# Each row damages the command above in one place: (octets to find, octets to put, part of the error).
DAMAGES = {
    "ciphering header with a transaction-id": ("dd000000000000", "dd010000000000", "general-ciphering header"),
    "ciphered length too long by one": ("46110000", "47110000", "ciphered length"),
    "ciphered length in two octets": ("46110000", "8146110000", "shortest"),
    "ciphered length in three octets": ("46110000", "820046110000", "shortest"),
    "length of unknown length": ("46110000", "80110000", "00…82"),
    "length in four octets": ("46110000", "8300004611000000", "00…82"),
    "encrypted": ("1100000000", "3100000000", "security header"),
    "invocation counter": ("1100000000", "1100000001", "security header"),
    "tag": ("00df09", "00de09", "general-signing tag"),
    "transaction-id of eight octets": ("df0901", "df0801", "transaction-id"),
    "CRA flag 0": ("df0901", "df0900", "CRA flag"),
    "CRA flag 4": ("df0901", "df0904", "CRA flag"),
    "originator of seven octets": ("0890b3d51f30000002", "0790b3d51f30000002", "originator"),
    "recipient of nine octets": ("0800db12", "0900db12", "recipient"),
    "date-time of one octet": ("a40012", "a40112", "date-time"),
    "payload longer than the message": ("020500", "7f0500", "payload"),
    "signature of 63 octets": ("05000000", "05003f00", "signature"),
}


@pytest.mark.parametrize(("find", "put", "told"), DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_refused_and_named(find: str, put: str, told: str) -> None:
    assert OCTETS.hex().count(find) >= 1
    with pytest.raises(MessageMalformed) as caught:
        read_message(bytes.fromhex(OCTETS.hex().replace(find, put, 1)))
    assert told in str(caught.value)


@pytest.mark.parametrize("octets", [0, 1, 3, 9, 11, 17, 19, 25])
def test_other_information_has_one_of_its_lengths(octets: int) -> None:
    start = OCTETS[13:43]
    with pytest.raises(MessageMalformed):
        read_message(start + bytes((octets,)) + bytes(octets) + b"\x00\x00")


def test_a_short_message_says_what_is_missing() -> None:
    with pytest.raises(MessageShort) as caught:
        read_message(bytes.fromhex("df0901000000"))
    assert caught.value.facts == {"field": "originator counter", "offset": 3, "got": 3, "expected": 8}


def test_what_follows_a_message_is_counted() -> None:
    unsealed = write_message(dataclasses.replace(MESSAGE, mac=None))
    with pytest.raises(MessageTrailing) as caught:
        read_message(unsealed + b"abc")
    assert caught.value.facts["got"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"counter": -1},
        {"counter": 1 << 64},
        {"message_code": MessageCode(0x10000)},
        {"date_time": bytes(11)},
        {"supplementary_counter": 1 << 64},
        {"supplementary_party": None},
        {"supplementary_counter": None, "supplementary_rest": bytes(8)},
        {"supplementary_rest": bytes(7)},
    ],
    ids=str,
)
def test_a_header_without_a_form_is_refused(wrong) -> None:
    with pytest.raises(MessageUnwritable):
        dataclasses.replace(HEADER, **wrong)


@pytest.mark.parametrize(
    "wrong", [{"signature": bytes(63)}, {"mac": bytes(11)}, {"signature": None}, {"mac": b""}], ids=str
)
def test_a_message_without_a_form_is_refused(wrong) -> None:
    with pytest.raises(MessageUnwritable):
        dataclasses.replace(MESSAGE, **wrong)


def test_a_message_longer_than_a_length_can_say_is_refused() -> None:
    with pytest.raises(MessageUnwritable):
        write_message(dataclasses.replace(MESSAGE, payload=bytes(0x10000)))
    assert read_message(write_message(dataclasses.replace(MESSAGE, payload=bytes(0xFF00)))).payload == bytes(0xFF00)


def test_a_title_keeps_its_order_of_octets() -> None:
    assert OCTETS[25:33] == Eui64.parse("90-B3-D5-1F-30-00-00-02").octets


@given(messages())
def test_what_is_signed_stands_in_the_octets_as_it_is_written(message: Message) -> None:
    assert signed_part(write_message(message), message) == message.signed_octets
