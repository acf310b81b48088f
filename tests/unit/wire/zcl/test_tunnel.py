"""What sleepy devices and hubs put into the tunnel (domain 6.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.wire.zcl import ZclMalformed
from hanota.wire.zcl.tunnel import Get, Give, Put, read_tunnelled, write_tunnelled


@pytest.mark.parametrize(
    ("item", "octets"),
    [
        (Get(), "01"),
        (Give(0, b""), "0200"),
        (Give(2, b"\xdf\x09"), "0202df09"),
        (Put(b"\xdd\x00"), "03dd00"),
    ],
)
def test_octets_as_the_standard_has_them(item: object, octets: str) -> None:
    assert write_tunnelled(item).hex() == octets
    assert read_tunnelled(bytes.fromhex(octets)) == item


def test_more_than_an_octet_can_say_remain() -> None:
    assert write_tunnelled(Give(999, b"x")) == b"\x02\xffx"


@given(st.binary(max_size=40))
def test_hostile_octets_are_refused_or_written_back_the_same(octets: bytes) -> None:
    try:
        item = read_tunnelled(octets)
    except ZclMalformed:
        return
    assert write_tunnelled(item) == octets
