"""Opening requests: only what was signed is read, and a refusal says as much as can be believed."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.reasons import RequestReason
from hanota.process.intake import Opened, Refused, open_request
from hanota.wire import duis
from hanota.wire.smki import Certificate
from helpers.premises import NOW
from helpers.world import SUPPLIER_1, keys, request, signed


@dataclass(frozen=True)
class Known:
    certificate: Certificate
    revoked_at: int | None = None

    def revoked(self, now: Instant) -> bool:
        return self.revoked_at is not None and self.revoked_at <= now


SIGNER = keys().certificate(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)


def find(issuer: str, serial: int) -> Known | None:
    return Known(SIGNER) if (issuer, serial) == (SIGNER.issuer, SIGNER.serial) else None


def nobody(issuer: str, serial: int) -> None:
    return None


def reason(octets: bytes) -> RequestReason:
    found = open_request(octets, find, NOW)
    assert isinstance(found, Refused)
    return found.reason


def test_a_signed_request_opens_to_what_was_signed() -> None:
    found = open_request(signed(request()), find, NOW)
    assert isinstance(found, Opened)
    assert found.request == request()
    assert found.row is duis.REQUESTS["11.4"]


def test_white_space_between_elements_is_not_part_of_what_was_signed() -> None:
    found = open_request(signed(request()).replace(b"><sr:", b">\n  <sr:"), find, NOW)
    assert isinstance(found, Opened)
    assert found.request == request()


def test_a_signer_is_found_by_issuer_and_serial_number_together() -> None:
    asked: list[tuple[str, int]] = []

    def look(issuer: str, serial: int) -> Known | None:
        asked.append((issuer, serial))
        return Known(SIGNER)

    open_request(signed(request()), look, NOW)
    assert asked == [(SIGNER.issuer, SIGNER.serial)]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (SIGNER.not_before - 1, RequestReason.SIGNER_OUT_OF_DATE),
        (SIGNER.not_before, None),
        (SIGNER.not_after, None),
        (SIGNER.not_after + 1000, RequestReason.SIGNER_OUT_OF_DATE),
    ],
)
def test_validity_is_judged_at_the_instant(moment: int, expected: RequestReason | None) -> None:
    found = open_request(signed(request()), find, Instant(moment))
    assert (found.reason if isinstance(found, Refused) else None) is expected


@pytest.mark.parametrize(("revoked_at", "good"), [(NOW - 1, False), (NOW, False), (NOW + 1, True), (None, True)])
def test_revocation_counts_from_its_instant(revoked_at: int | None, good: bool) -> None:
    found = open_request(signed(request()), lambda issuer, serial: Known(SIGNER, revoked_at), NOW)
    assert isinstance(found, Opened) == good


def test_two_signatures_are_one_too_many() -> None:
    octets = signed(request())
    start, end = octets.index(b"<ds:Signature "), octets.index(b"</sr:Request>")
    assert reason(octets[:end] + octets[start:end] + octets[end:]) is RequestReason.SCHEMA_INVALID


def test_a_signature_that_covers_something_else_covers_nothing() -> None:
    """Wrapping: the signed request rides along inside another one."""
    inner = signed(request()).partition(b"?>")[2]
    outer = duis.write_request(request(counter=2))
    place = outer.index(b"</sr:UpdatePPMIDFirmware>")
    assert reason(outer[:place] + inner + outer[place:]) is RequestReason.SCHEMA_INVALID
    signature = inner[inner.index(b"<ds:Signature ") : inner.index(b"</sr:Request>")]
    end = outer.index(b"</sr:Request>")
    assert reason(outer[:end] + signature + outer[end:]) is RequestReason.SIGNATURE_BROKEN


def test_a_broken_signature_of_an_unknown_signer_is_broken() -> None:
    octets = signed(request()).replace(b"00020000</sr:F", b"00020001</sr:F")
    found = open_request(octets, nobody, NOW)
    assert isinstance(found, Refused)
    assert found.reason is RequestReason.SIGNATURE_BROKEN


def test_a_refusal_carries_the_header_as_far_as_it_could_be_read() -> None:
    unsigned = open_request(duis.write_request(request()), find, NOW)
    assert isinstance(unsigned, Refused)
    assert unsigned.header == request().header
    nothing = open_request(b"<a/>", find, NOW)
    assert isinstance(nothing, Refused)
    assert (nothing.reason, nothing.header) == (RequestReason.SCHEMA_INVALID, None)


@given(st.data())
def test_no_damage_to_a_signed_request_goes_through(data: st.DataObject) -> None:
    octets = bytearray(signed(request()))
    place = data.draw(st.integers(0, len(octets) - 1))
    octets[place] ^= data.draw(st.integers(1, 255))
    found = open_request(bytes(octets), find, NOW)
    if isinstance(found, Opened):  # only where the damage is to white space, quotes, or the like
        assert found.request == request()


@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    assert isinstance(open_request(noise, nobody, NOW), Refused)
