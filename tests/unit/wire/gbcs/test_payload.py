"""What firmware messages carry: the reference messages' facts, round trips, hostile octets."""

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.wire.der import DerUnwritable
from hanota.wire.gbcs.errors import MessageUnwritable, PayloadMalformed
from hanota.wire.gbcs.message import Cra, Header, Message, MessageCode, read_message
from hanota.wire.gbcs.payload import (
    ActivationAlert,
    ActivationResult,
    Payload,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
    read_payload,
    write_payload,
)
from helpers.gbcs import PPMID, activation_alerts, transfer_alerts, vectors, versions_read

CCS08 = MessageCode.CCS08_FIRMWARE_TRANSFER_ALERT
CS08 = MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION
CS09 = MessageCode.CS09_PPMID_FIRMWARE_ACTIVATION_ALERT
YEAR_2015 = parse_iso("2015-01-01T00:00:00Z")

REFERENCE: dict[str, Payload] = {
    "CCS08_NA_NA_ALERT": TransferAlert(
        alert_code=AlertCode.FIRMWARE_TRANSFER_SUCCEEDED,
        at=YEAR_2015,
        device=PPMID,
        file_version=0x0123ABCD,
        result=TransferResponseCode.FILE_TRANSFER_SUCCESS,
    ),
    "CS09_NA_8F8B_ALERT": ActivationAlert(
        alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION,
        at=YEAR_2015,
        file_version=0x1234ABCD,
        result=ActivationResult.SUCCESS,
    ),
    "CS08_11.2_SUCCESS_COMMAND": ReadVersion(),
    "CS08_11.2_ERROR_COMMAND": ReadVersion(),
    "CS08_11.2_SUCCESS_RESPONSE": VersionRead(file_version=0x0123ABCD, response_code=ReadResponseCode.READ_SUCCESS),
}


def carrying(octets: bytes, code: MessageCode, cra: Cra = Cra.ALERT) -> Message:
    header = Header(cra=cra, counter=1, originator=PPMID, recipient=Eui64(2), message_code=code)
    return Message(header=header, payload=octets)


@pytest.mark.parametrize("name", REFERENCE)
def test_a_reference_payload_reads_and_is_written_as_it_was(name: str) -> None:
    message = read_message(vectors()[name])
    assert read_payload(message) == REFERENCE[name]
    assert write_payload(REFERENCE[name]) == message.payload


def test_other_use_cases_keep_their_payload_as_octets() -> None:
    others = {name: read_message(octets) for name, octets in vectors().items() if name not in REFERENCE}
    assert len(others) == 22
    assert {name: read_payload(message) for name, message in others.items()} == dict.fromkeys(others)


def test_an_activation_alert_is_also_read_under_the_code_of_the_version_command() -> None:
    alert = REFERENCE["CS09_NA_8F8B_ALERT"]
    assert read_payload(carrying(write_payload(alert), CS09)) == alert
    assert read_payload(carrying(write_payload(alert), CS08)) == alert


@given(transfer_alerts)
def test_a_transfer_alert_reads_back_as_written(alert: TransferAlert) -> None:
    assert read_payload(carrying(write_payload(alert), CCS08)) == alert


@given(activation_alerts)
def test_an_activation_alert_reads_back_as_written(alert: ActivationAlert) -> None:
    assert read_payload(carrying(write_payload(alert), CS09)) == alert


@given(versions_read)
def test_a_version_reads_back_as_written(answer: VersionRead) -> None:
    assert read_payload(carrying(write_payload(answer), CS08, Cra.RESPONSE)) == answer


def test_unknown_codes_are_kept() -> None:
    alert = dataclasses.replace(
        REFERENCE["CCS08_NA_NA_ALERT"], alert_code=AlertCode(0x8FFE), result=TransferResponseCode(9)
    )
    again = read_payload(carrying(write_payload(alert), CCS08))
    assert isinstance(again, TransferAlert)
    assert (again.alert_code, again.result) == (0x8FFE, 9)
    assert not again.result.known


def test_a_time_is_written_to_the_second() -> None:
    alert = REFERENCE["CCS08_NA_NA_ALERT"]
    assert write_payload(dataclasses.replace(alert, at=Instant(YEAR_2015 + 999))) == write_payload(alert)


BAD_TIMES = {
    "fraction of a second": b"20150101000000.5Z",
    "no zone": b"20150101000000",
    "another zone": b"20150101000000+0100",
    "no seconds": b"201501010000Z",
    "thirteenth month": b"20151301000000Z",
    "year 1": b"00010101000000Z",
    "before 1970": b"19691231235959Z",
    "blanks for zeros": b"2015 1 1 0 0 0Z",
    "not ASCII": b"2015\xb20101000000Z",
}


@pytest.mark.parametrize("text", BAD_TIMES.values(), ids=BAD_TIMES.keys())
def test_a_time_in_another_form_is_refused(text: bytes) -> None:
    body = bytes.fromhex("0203008f8b") + b"\x18" + bytes((len(text),)) + text + bytes.fromhex("04041234abcd020100")
    with pytest.raises(PayloadMalformed):
        read_payload(carrying(b"\x30" + bytes((len(body),)) + body, CS09))


def test_a_payload_of_another_use_case_is_refused_and_named() -> None:
    with pytest.raises(PayloadMalformed) as caught:
        read_payload(carrying(write_payload(REFERENCE["CS09_NA_8F8B_ALERT"]), CCS08))
    assert "CCS08_FIRMWARE_TRANSFER_ALERT ALERT" in str(caught.value)


def test_octets_after_a_payload_are_refused() -> None:
    for payload in REFERENCE.values():
        code = {TransferAlert: CCS08, ActivationAlert: CS09}.get(type(payload), CS08)
        cra = {ReadVersion: Cra.COMMAND, VersionRead: Cra.RESPONSE}.get(type(payload), Cra.ALERT)
        with pytest.raises(PayloadMalformed):
            read_payload(carrying(write_payload(payload) + b"\x00", code, cra))


@given(
    st.sampled_from([(CCS08, Cra.ALERT), (CS09, Cra.ALERT), (CS08, Cra.COMMAND), (CS08, Cra.RESPONSE)]),
    st.binary(max_size=60) | (transfer_alerts | activation_alerts | versions_read).map(write_payload),
    st.data(),
)
def test_hostile_octets_are_refused_or_kept(
    use_case: tuple[MessageCode, Cra], octets: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(octets)
    if damaged:
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(0, 255))
    with contextlib.suppress(PayloadMalformed):
        payload = read_payload(carrying(bytes(damaged), *use_case))
        assert payload is not None
        assert write_payload(payload) == damaged


@pytest.mark.parametrize(
    "wrong",
    [
        {"file_version": -1},
        {"file_version": 1 << 32},
        {"at": Instant(-1)},
        {"at": Instant(parse_iso("9999-12-31T23:59:59Z") + 1000)},
        {"at": Instant(10**30)},
        {"alert_code": AlertCode(0x10000)},
        {"result": TransferResponseCode(-1)},
    ],
    ids=str,
)
def test_a_number_outside_its_range_is_not_written(wrong) -> None:
    with pytest.raises((MessageUnwritable, DerUnwritable)):
        write_payload(dataclasses.replace(REFERENCE["CCS08_NA_NA_ALERT"], **wrong))
