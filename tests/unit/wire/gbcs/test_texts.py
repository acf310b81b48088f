"""A message may come as octets, hex or base64; what is none of them is pointed at."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.wire.gbcs.errors import MessageUnreadable
from hanota.wire.gbcs.message import Message, write_message
from hanota.wire.gbcs.texts import read_octets
from helpers.gbcs import messages


@given(messages())
def test_every_form_gives_the_same_octets(message: Message) -> None:
    octets = write_message(message)
    assert read_octets(octets) == octets
    assert read_octets(octets.hex().encode()) == octets
    assert read_octets(octets.hex(" ").upper().encode() + b"\r\n") == octets
    assert read_octets(base64.b64encode(octets)) == octets
    assert read_octets(base64.encodebytes(octets)) == octets


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        (b"DF 09 0x", 7),
        (b"DF090", 5),
        (b"", 0),
        (b"  \n", 3),
        (b"zz", 0),
        (b"no such file.hex", 0),
        (b"\xff\xfe", 0),
        (b"3wkB?", 1),
        (b"AAAA", None),
    ],
)
def test_what_is_no_message_is_pointed_at(text: bytes, offset: int | None) -> None:
    if offset is None:
        assert read_octets(text) == b"\xaa\xaa"
        return
    with pytest.raises(MessageUnreadable) as caught:
        read_octets(text)
    assert caught.value.facts["offset"] == offset


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_noise_is_refused_by_our_error_or_read(noise: bytes) -> None:
    with contextlib.suppress(MessageUnreadable):
        read_octets(noise)
