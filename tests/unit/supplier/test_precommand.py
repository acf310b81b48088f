"""A pre-command is signed only if it says what was asked for; it goes back under the same RequestID."""

from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.commands import CANCEL_TIME
from hanota.supplier.errors import PreCommandDiffers, PreCommandMissing
from hanota.supplier.precommand import answer_pre_command, require_same
from hanota.supplier.send import Prepared, prepare
from hanota.wire import duis, gbcs
from hanota.wire.smki.errors import CertificateMissing
from helpers.activation import REQUEST_ID, SUPPLIER, activation, answered, pre_command, transformed
from helpers.pki import small_pki
from helpers.requests import request

KEYS = small_pki()
DATE = parse_iso("2030-01-15T09:00:00.500Z")


def prepared(execution: Instant | None = None) -> Prepared:
    return prepare(duis.write_request(activation(execution)), KEYS)


def signed(octets: bytes) -> Prepared:
    return answer_pre_command(prepared(), transformed(octets), KEYS)


@pytest.mark.parametrize("octets", [pre_command(), pre_command().removesuffix(b"\0")], ids=["with 00", "without"])
def test_a_pre_command_comes_back_signed_by_the_originator_under_the_same_request_id(octets: bytes) -> None:
    sent = signed(octets)
    assert (sent.service, sent.header.command_variant, sent.request_id) == ("S", 5, REQUEST_ID)
    report = duis.verify(duis.parse_safely(sent.octets), KEYS.find)
    whole = duis.read_request(duis.parse_safely(report.signed_octets or b""))
    assert isinstance(whole, duis.SignedPreCommand)
    assert (whole.header.service_reference, whole.header.service_reference_variant) == ("11.3", "11.3")
    signer = KEYS.certificate(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)
    message = gbcs.read_message(whole.gbcs)
    assert gbcs.signature_holds(message, signer.public_key)
    assert message.payload == gbcs.read_message(octets).payload


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (None, None),
        (DATE, parse_iso("2030-01-15T09:00:00Z")),
        (CANCEL_TIME, gbcs.CANCELLED_AT),
    ],
    ids=["now", "dated, to the second", "called off"],
)
def test_a_time_is_the_same_in_both_standards(asked: Instant | None, told: Instant | None) -> None:
    require_same(activation(asked), pre_command(execution=told))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"manufacturer_hash": bytes(32)}, "hash of the image"),
        ({"execution": parse_iso("2030-01-15T09:00:00Z")}, "time of activation"),
        ({"execution": gbcs.CANCELLED_AT}, "time of activation"),
        ({"device": Eui64(7)}, "device"),
        ({"supplier": Eui64(7)}, "originator"),
        ({"counter": 1002}, "counter"),
    ],
)
def test_a_pre_command_that_says_something_else_is_not_signed(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(PreCommandDiffers, match="don't sign it") as caught:
        signed(pre_command(**changes))
    assert caught.value.facts["field"] == field


def test_a_pre_command_of_another_use_case_is_not_signed() -> None:
    read = gbcs.read_version_command(
        device_type=DeviceType.ESME,
        acb=KEYS.credential(Eui64.parse("90-B3-D5-1F-30-00-00-02"), KeyUsage.KEY_AGREEMENT),
        device=KEYS.certificate(Eui64.parse("00-DB-12-34-56-78-90-A4"), KeyUsage.KEY_AGREEMENT),
        counter=REQUEST_ID.counter,
        user=SUPPLIER,
        user_counter=REQUEST_ID.counter,
    )
    with pytest.raises(PreCommandDiffers):
        signed(read)


def test_a_pre_command_for_a_request_that_is_no_activation_is_not_signed() -> None:
    other = duis.read_request(duis.parse_safely(request()))
    with pytest.raises(PreCommandDiffers):
        require_same(other, pre_command())


@pytest.mark.parametrize("content", [None, duis.GbcsPayload(octets=pre_command())])
def test_an_answer_without_a_pre_command_is_told(content: duis.Content | None) -> None:
    with pytest.raises(PreCommandMissing):
        answer_pre_command(prepared(), answered("I0", content), KEYS)


def test_without_the_message_signing_key_nothing_is_signed() -> None:
    uses = [
        held
        for held in KEYS.credentials()
        if (held.certificate.eui, held.certificate.role) != (SUPPLIER, CertificateRole.SUPPLIER)
    ]
    with pytest.raises(CertificateMissing):
        answer_pre_command(prepared(), transformed(pre_command()), type(KEYS)(uses))
