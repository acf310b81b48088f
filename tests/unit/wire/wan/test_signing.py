"""Only what the right party signed, octet for octet, is obeyed or believed."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.wire import ecdsa
from hanota.wire.wan import (
    Cancel,
    FrameMalformed,
    FrameUnknown,
    GbcsUp,
    OrderNotSigned,
    Receipt,
    ReceiptStatus,
    SignedOrder,
    Uplink,
    UplinkNotSigned,
    open_order,
    open_uplink,
    read_frame,
    sign_order,
    sign_uplink,
    signed_octets,
    signed_part,
    uplink_from,
    write_frame,
)

DCC = ec.derive_private_key(11, ec.SECP256R1())
HUB_KEY = ec.derive_private_key(12, ec.SECP256R1())
HUB = Eui64.parse("00-DB-12-34-56-78-90-A2")
CANCEL = Cancel(order=7, sent=Instant(1))
RECEIPT = Receipt(order=7, status=ReceiptStatus.TRANSFERRING, offset=4000, blocks=80, repeats=3)
ORDER = write_frame(sign_order(CANCEL, DCC))
UPLINK = write_frame(sign_uplink(RECEIPT, HUB_KEY, hub=HUB, event=5, sent=Instant(9)))
GBCS = sign_uplink(GbcsUp(data=b"\xdd\x00"), HUB_KEY, hub=HUB, event=6, sent=Instant(9))


def flipped(octets: bytes, place: int) -> bytes:
    changed = bytearray(octets)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def test_a_signed_order_opens_to_the_order() -> None:
    signed = read_frame(ORDER)
    assert open_order(signed, DCC.public_key()) == CANCEL


def test_a_signed_uplink_opens_to_the_report() -> None:
    uplink = read_frame(UPLINK)
    assert isinstance(uplink, Uplink)
    assert (uplink.hub, uplink.event, uplink.sent) == (HUB, 5, Instant(9))
    assert open_uplink(uplink, HUB_KEY.public_key()) == RECEIPT


def test_the_same_order_always_has_the_same_octets() -> None:
    assert write_frame(sign_order(CANCEL, DCC)) == ORDER


def obey(octets: bytes) -> None:
    frame = read_frame(octets)
    if not isinstance(frame, SignedOrder):  # a changed kind makes another frame of it: no order any more
        raise FrameMalformed
    open_order(frame, DCC.public_key())


def believe(octets: bytes) -> None:
    frame = read_frame(octets)
    if not isinstance(frame, Uplink):
        raise FrameMalformed
    open_uplink(frame, HUB_KEY.public_key())


@given(place=st.integers(0, len(ORDER) * 8 - 1))
def test_an_order_with_a_changed_bit_is_refused(place: int) -> None:
    with pytest.raises(FrameMalformed):
        obey(flipped(ORDER, place))


@given(place=st.integers(0, len(UPLINK) * 8 - 1))
def test_an_uplink_with_a_changed_bit_is_refused(place: int) -> None:
    with pytest.raises(FrameMalformed):
        believe(flipped(UPLINK, place))


@given(
    st.builds(
        Uplink,
        hub=st.integers(0, (1 << 64) - 1).map(Eui64),
        event=st.integers(0, (1 << 64) - 1),
        sent=st.integers(0, (1 << 63) - 1).map(Instant),
        signature=st.binary(max_size=255),
        body=st.binary(max_size=300),
    )
)
def test_what_a_signature_is_over_stands_in_the_octets_that_came(uplink: Uplink) -> None:
    octets = write_frame(uplink)
    assert signed_part(octets, uplink) == signed_octets(uplink)
    assert uplink_from(octets) == uplink.hub


@given(st.sampled_from([ORDER, UPLINK]), st.integers(0, 100), st.binary(max_size=40))
def test_an_uplink_is_known_by_its_beginning(frame: bytes, kept: int, noise: bytes) -> None:
    """What can't be told to be one is none when it is read, either."""
    octets = frame[:kept] + noise
    try:
        read = read_frame(octets)
    except FrameMalformed:
        return
    assert uplink_from(octets) == (read.hub if isinstance(read, Uplink) else None)


def test_an_order_of_somebody_else_is_refused() -> None:
    with pytest.raises(OrderNotSigned):
        open_order(sign_order(CANCEL, HUB_KEY), DCC.public_key())


def test_a_report_of_another_hub_is_refused() -> None:
    theirs = sign_uplink(RECEIPT, DCC, hub=HUB, event=5, sent=Instant(9))
    with pytest.raises(UplinkNotSigned) as caught:
        open_uplink(theirs, HUB_KEY.public_key())
    assert (caught.value.facts["hub"], caught.value.facts["event"]) == (HUB, 5)


@pytest.mark.parametrize("signature", [b"", bytes(64), b"short"])
def test_a_report_without_a_signature_is_refused(signature: bytes) -> None:
    uplink = read_frame(UPLINK)
    assert isinstance(uplink, Uplink)
    with pytest.raises(UplinkNotSigned):
        open_uplink(replace(uplink, signature=signature), HUB_KEY.public_key())


def test_a_gbcs_message_goes_up_signed_as_any_report() -> None:
    assert open_uplink(GBCS, HUB_KEY.public_key()) == GbcsUp(data=b"\xdd\x00")
    for forged in (replace(GBCS, signature=b""), replace(GBCS, signature=bytes(64)), replace(GBCS, sent=Instant(10))):
        with pytest.raises(UplinkNotSigned):
            open_uplink(forged, HUB_KEY.public_key())


def test_what_a_hub_signed_may_still_be_no_report() -> None:
    unsigned = replace(GBCS, signature=b"", body=sign_order(CANCEL, DCC).body)
    signed = replace(unsigned, signature=ecdsa.sign(write_frame(unsigned), HUB_KEY))
    with pytest.raises(FrameUnknown):
        open_uplink(signed, HUB_KEY.public_key())


def test_a_signed_report_is_no_order() -> None:
    """One key must not make its holder's words pass for those of another part."""
    report = sign_uplink(RECEIPT, DCC, hub=HUB, event=5, sent=Instant(9))
    order = sign_order(CANCEL, DCC)
    with pytest.raises(OrderNotSigned):
        open_order(replace(order, body=report.body, signature=report.signature), DCC.public_key())
    with pytest.raises(UplinkNotSigned):
        open_uplink(replace(report, body=order.body, signature=order.signature), DCC.public_key())
