"""Envelopes: as few as hold the frames, none above its limit, order kept."""

import pytest

from hanota.base.eui import Eui64
from hanota.base.limits import WAN_ENVELOPE_OCTETS_MAX
from hanota.wire.wan import ENVELOPED_OCTETS_MAX, Entry, FrameTooLong, read_envelope, write_envelopes


@pytest.mark.parametrize("octets", [0, 1, 300, 100_000, ENVELOPED_OCTETS_MAX])
def test_frames_come_out_in_their_order_with_their_hubs(octets: int) -> None:
    entries = [Entry(Eui64(number), bytes([number]) * octets) for number in range(12)]
    envelopes = list(write_envelopes(entries))
    assert [entry for envelope, _ in envelopes for entry in read_envelope(envelope)] == entries
    assert [hub for _, hubs in envelopes for hub in hubs] == [entry.hub for entry in entries]
    assert all(len(envelope) <= WAN_ENVELOPE_OCTETS_MAX for envelope, _ in envelopes)


def test_many_small_frames_share_an_envelope() -> None:
    entries = [Entry(Eui64(number), bytes(250)) for number in range(4000)]
    assert [len(hubs) for _, hubs in write_envelopes(entries)] == [2001, 1999]


def test_a_frame_that_fits_no_envelope_is_refused() -> None:
    with pytest.raises(FrameTooLong):
        list(write_envelopes([Entry(Eui64(1), bytes(ENVELOPED_OCTETS_MAX + 1))]))


def test_an_envelope_above_the_limit_is_not_looked_at() -> None:
    ((octets, _),) = write_envelopes([Entry(Eui64(1), bytes(ENVELOPED_OCTETS_MAX))])
    with pytest.raises(FrameTooLong):
        read_envelope(octets + bytes(1))


def test_nothing_makes_no_envelope() -> None:
    assert list(write_envelopes([])) == []
