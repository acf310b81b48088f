"""What firmware messages carry: the reference messages' facts, round trips, hostile octets."""

import base64
import contextlib
import dataclasses
import re

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
    CANCELLED_AT,
    CODECS,
    ActivateFirmware,
    ActivateImageResponseCode,
    ActivationAlert,
    ActivationOutcome,
    ActivationResult,
    CommandAccepted,
    DatedActivation,
    DistributionReceipt,
    Payload,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
    read_payload,
    write_payload,
)
from helpers.gbcs import CARRIED, PPMID, SUPPLIER, carriers, vectors
from helpers.shared import shared

CS06 = MessageCode.CS06_ACTIVATE_FIRMWARE
ECS52 = MessageCode.ECS52_READ_FIRMWARE_VERSION
GCS38 = MessageCode.GCS38_READ_FIRMWARE_VERSION
CCS08 = MessageCode.CCS08_FIRMWARE_TRANSFER_ALERT
CS08 = MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION
CS09 = MessageCode.CS09_PPMID_FIRMWARE_ACTIVATION_ALERT
RECEIPT_ESME = MessageCode.FIRMWARE_DISTRIBUTION_RECEIPT_ALERT_ESME
RECEIPT_GSME = MessageCode.FIRMWARE_DISTRIBUTION_RECEIPT_ALERT_GSME
DATED = MessageCode.FUTURE_DATED_FIRMWARE_ACTIVATION_ALERT
YEAR_2015 = parse_iso("2015-01-01T00:00:00Z")
YEAR_2030 = parse_iso("2030-01-15T09:00:00Z")
HASH = bytes.fromhex("AA758690730934FF0685AA758690730934FF0685657788990011223344556677")

RUNNING = VersionRead(file_version=0x0123ABCD, response_code=ReadResponseCode.READ_SUCCESS)
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
    "CS08_11.2_SUCCESS_RESPONSE": RUNNING,
    "ECS52_11.2_SUCCESS_COMMAND": ReadVersion(),
    "ECS52_11.2_SUCCESS_RESPONSE": RUNNING,
    "GCS38_11.2_SUCCESS_COMMAND": ReadVersion(),
    "GCS38_11.2_SUCCESS_RESPONSE": RUNNING,
    "CS06_11.3_IMMEDIATE_SUCCESS_PRECOMMAND": ActivateFirmware(manufacturer_hash=HASH, originator_counter=1000),
    "CS06_11.3_IMMEDIATE_SUCCESS_COMMAND": ActivateFirmware(manufacturer_hash=HASH, originator_counter=1000),
    "CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE": ActivationOutcome(
        result=ActivateImageResponseCode.SUCCESS, file_version=0x0123ABCE
    ),
    "CS06_11.3_IMMEDIATE_ERROR_PRECOMMAND": ActivateFirmware(manufacturer_hash=HASH, originator_counter=1005),
    "CS06_11.3_IMMEDIATE_ERROR_COMMAND": ActivateFirmware(manufacturer_hash=HASH, originator_counter=1005),
    "CS06_11.3_IMMEDIATE_ERROR_RESPONSE": ActivationOutcome(
        result=ActivateImageResponseCode.NO_IMAGE_HELD, file_version=0x0123ABCF
    ),
    "CS06_11.3_FUTURE_DATED_SUCCESS_PRECOMMAND": ActivateFirmware(
        manufacturer_hash=HASH, originator_counter=1001, execution=YEAR_2030
    ),
    "CS06_11.3_FUTURE_DATED_SUCCESS_COMMAND": ActivateFirmware(
        manufacturer_hash=HASH, originator_counter=1001, execution=YEAR_2030
    ),
    "CS06_11.3_FUTURE_DATED_SUCCESS_RESPONSE": CommandAccepted(),
    "CS06_11.3_8F66_FUTURE_DATED_SUCCESS_ALERT": DatedActivation(
        alert_code=AlertCode.FUTURE_DATED_COMMAND_DONE,
        at=YEAR_2030,
        originator_counter=1001,
        outcome=ActivationOutcome(result=ActivateImageResponseCode.SUCCESS, file_version=0x0123ABCF),
    ),
    "FDRA-DLMS_NA_8F72_ALERT": DistributionReceipt(
        alert_code=AlertCode.FIRMWARE_VERIFIED, at=YEAR_2015, manufacturer_hash=b"\x01" * 32
    ),
    "FDRA-ZigBee_NA_8F72_ALERT": DistributionReceipt(
        alert_code=AlertCode.FIRMWARE_VERIFIED, at=YEAR_2015, manufacturer_hash=b"\xa1" * 32
    ),
}


def header(code: MessageCode, cra: Cra = Cra.ALERT, counter: int = 1) -> Header:
    return Header(cra=cra, counter=counter, originator=PPMID, recipient=Eui64(2), message_code=code)


def carrying(octets: bytes, code: MessageCode, cra: Cra = Cra.ALERT, counter: int = 1) -> Message:
    return Message(header=header(code, cra, counter), payload=octets)


@pytest.mark.parametrize("name", REFERENCE)
def test_a_reference_payload_reads_and_is_written_as_it_was(name: str) -> None:
    message = read_message(vectors()[name])
    assert read_payload(message) == REFERENCE[name]
    assert write_payload(REFERENCE[name], message.header) == message.payload


def test_other_use_cases_keep_their_payload_as_octets() -> None:
    others = {name: read_message(octets) for name, octets in vectors().items() if name not in REFERENCE}
    assert {name[:4] for name in others} == {"CS03", "CS14"}
    assert {name: read_payload(message) for name, message in others.items()} == dict.fromkeys(others)


def test_every_payload_that_is_known_is_generated_here() -> None:
    assert CARRIED.keys() == CODECS.keys()


def test_an_activation_alert_is_also_read_under_the_code_of_the_version_command() -> None:
    alert = REFERENCE["CS09_NA_8F8B_ALERT"]
    octets = write_payload(alert, header(CS09))
    assert read_payload(carrying(octets, CS09)) == alert
    assert read_payload(carrying(octets, CS08)) == alert


@given(carriers())
def test_a_payload_reads_back_as_written(carrier: tuple[Header, Payload]) -> None:
    head, payload = carrier
    octets = write_payload(payload, head)
    assert read_payload(Message(header=head, payload=octets)) == payload


@given(carriers())
def test_the_parts_of_a_payload_are_all_its_octets_in_order(carrier: tuple[Header, Payload]) -> None:
    head, payload = carrier
    octets = write_payload(payload, head)
    parts = CODECS[head.message_code, head.cra].parts(octets)
    assert b"".join(part.octets for part in parts) == octets
    lengths = [len(part.octets) for part in parts]
    assert [part.offset for part in parts] == [sum(lengths[:number]) for number in range(len(parts))]
    assert all(part.field and part.meaning for part in parts)


def test_unknown_codes_are_kept() -> None:
    alert = dataclasses.replace(
        REFERENCE["CCS08_NA_NA_ALERT"], alert_code=AlertCode(0x8FFE), result=TransferResponseCode(9)
    )
    again = read_payload(carrying(write_payload(alert, header(CCS08)), CCS08))
    assert isinstance(again, TransferAlert)
    assert (again.alert_code, again.result) == (0x8FFE, 9)
    assert not again.result.known


@pytest.mark.parametrize(
    ("code", "payload"),
    [
        (CCS08, REFERENCE["CCS08_NA_NA_ALERT"]),
        (RECEIPT_ESME, REFERENCE["FDRA-DLMS_NA_8F72_ALERT"]),
        (RECEIPT_GSME, REFERENCE["FDRA-ZigBee_NA_8F72_ALERT"]),
        (DATED, REFERENCE["CS06_11.3_8F66_FUTURE_DATED_SUCCESS_ALERT"]),
    ],
    ids=lambda given: given.name if isinstance(given, MessageCode) else "",
)
def test_a_time_is_written_to_the_second(code: MessageCode, payload: Payload) -> None:
    later = dataclasses.replace(payload, at=Instant(payload.at + 999))
    assert write_payload(later, header(code)) == write_payload(payload, header(code))


def test_a_command_that_takes_another_back_names_the_last_second_of_all() -> None:
    command = ActivateFirmware(manufacturer_hash=HASH, originator_counter=1002, execution=CANCELLED_AT)
    octets = write_payload(command, header(CS06, Cra.COMMAND))
    assert octets.endswith(b"\x18\x0f99991231235959Z")
    assert read_payload(carrying(octets, CS06, Cra.COMMAND)) == command


def test_the_invoke_id_is_the_low_end_of_the_originator_counter() -> None:
    # As a captured response of a hub shows it: the broker's counter 0x1829_0CB7_5A8 under 20-CB-75-A8.
    octets = write_payload(RUNNING, header(ECS52, Cra.RESPONSE, 0x18290CB75A8))
    assert octets[:5] == bytes.fromhex("da20cb75a8")
    with pytest.raises(PayloadMalformed) as caught:
        read_payload(carrying(octets, ECS52, Cra.RESPONSE, 0x18290CB75A9))
    assert caught.value.facts["offset"] == 1


@pytest.mark.parametrize("file", ["readfw-response.xml", "ECS52_11.2_SUCCESS_RESPONSE_DUIS.XML"])
def test_a_captured_answer_of_a_hub_reads_and_is_written_as_it_was(file: str) -> None:
    document = (shared() / "duis/responses" / file).read_text("utf-8")
    (text,) = re.findall(r"GBCSPayload>([^<]+)<", document)
    message = read_message(base64.b64decode(re.sub(r"&#13;|\s", "", text)))
    answer = read_payload(message)
    assert isinstance(answer, VersionRead)
    assert answer.response_code is ReadResponseCode.READ_SUCCESS
    assert write_payload(answer, message.header) == message.payload
    assert message.header.supplementary_party == SUPPLIER


# What devices answer that could not read: domain of each encoding, as the reference set for 11.2 shows it.
FAILED_READS = {
    "CS08": (CS08, "3009 040400000002 020101", VersionRead(file_version=2, response_code=ReadResponseCode(1))),
    "ECS52": (
        ECS52,
        "da200003ea 00 00 01 00 01 01 01",
        VersionRead(file_version=None, response_code=ReadResponseCode(1)),
    ),
    "GCS38": (
        GCS38,
        "0109 01 01 0702 0006 080001 0602 c0",
        VersionRead(file_version=None, response_code=ReadResponseCode.ZCL_HARDWARE_FAILURE),
    ),
}


@pytest.mark.parametrize("name", FAILED_READS)
def test_a_read_that_failed_is_told_in_the_words_of_its_encoding(name: str) -> None:
    code, text, answer = FAILED_READS[name]
    octets = bytes.fromhex(text)
    assert read_payload(carrying(octets, code, Cra.RESPONSE, 0x3EA)) == answer
    assert write_payload(answer, header(code, Cra.RESPONSE, 0x3EA)) == octets


@pytest.mark.parametrize("code", [ECS52, GCS38])
def test_a_version_stands_beside_success_only(code: MessageCode) -> None:
    head = header(code, Cra.RESPONSE)
    for wrong in (
        VersionRead(file_version=1, response_code=ReadResponseCode.READ_FAILURE),
        VersionRead(file_version=None, response_code=ReadResponseCode.READ_SUCCESS),
    ):
        with pytest.raises(MessageUnwritable):
            write_payload(wrong, head)


def test_a_failure_that_says_success_is_refused() -> None:
    for code, text, _ in (FAILED_READS["ECS52"], FAILED_READS["GCS38"]):
        octets = bytes.fromhex(text)[:-1] + b"\x00"
        with pytest.raises(PayloadMalformed):
            read_payload(carrying(octets, code, Cra.RESPONSE, 0x3EA))


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


BAD_DATE_TIMES = {
    "thirteenth month": "07df0d01ff000000008000ff",
    "a weekday": "07df010104000000008000ff",
    "hundredths": "07df0101ff000000018000ff",
    "a deviation": "07df0101ff000000000000ff",
    "a status": "07df0101ff00000000800000",
    "year 0": "00000101ff000000008000ff",
    "before 1970": "07b10c1fff173b3b008000ff",
    "any day": "07df01ffff000000008000ff",
}


@pytest.mark.parametrize("text", BAD_DATE_TIMES.values(), ids=BAD_DATE_TIMES.keys())
def test_a_date_time_in_another_form_is_refused(text: str) -> None:
    good = write_payload(REFERENCE["FDRA-DLMS_NA_8F72_ALERT"], header(RECEIPT_ESME))
    bad = good.replace(bytes.fromhex("07df0101ff000000008000ff"), bytes.fromhex(text))
    with pytest.raises(PayloadMalformed) as caught:
        read_payload(carrying(bad, RECEIPT_ESME))
    assert caught.value.facts["offset"] == 13


def test_a_zigbee_time_that_means_no_time_is_refused() -> None:
    good = write_payload(REFERENCE["FDRA-ZigBee_NA_8F72_ALERT"], header(RECEIPT_GSME))
    with pytest.raises(PayloadMalformed):
        read_payload(carrying(good.replace(bytes.fromhex("1c374a80"), b"\xff" * 4), RECEIPT_GSME))


def test_a_payload_of_another_use_case_is_refused_and_named() -> None:
    with pytest.raises(PayloadMalformed) as caught:
        read_payload(carrying(write_payload(REFERENCE["CS09_NA_8F8B_ALERT"], header(CS09)), CCS08))
    assert "CCS08_FIRMWARE_TRANSFER_ALERT ALERT" in str(caught.value)


# Each row damages one payload in one place: (use case, octets to find, octets to put, offset that the error names).
DAMAGES = {
    "DER: another tag": ((CS09, Cra.ALERT), "0203008f8b", "0403008f8b", 2),
    "DER: a length too long": ((CS09, Cra.ALERT), "301f", "3020", 1),
    "DER: a longer form": ((CS06, Cra.COMMAND), "0202", "028102", 37),
    "DLMS: another tag": ((RECEIPT_ESME, Cra.ALERT), "0f20", "0e20", 0),
    "DLMS: another invoke-id": ((RECEIPT_ESME, Cra.ALERT), "20000001", "20000002", 1),
    "DLMS: a structure of two": ((RECEIPT_ESME, Cra.ALERT), "0203", "0202", 6),
    "ZigBee: another profile": ((RECEIPT_GSME, Cra.ALERT), "0109", "0104", 0),
    "ZigBee: a hash of another length": ((RECEIPT_GSME, Cra.ALERT), "0920", "091f", 9),
    "ZigBee: another attribute": ((GCS38, Cra.COMMAND), "0602", "0603", 11),
}
INTACT: dict[tuple[MessageCode, Cra], Payload] = {
    (CS09, Cra.ALERT): REFERENCE["CS09_NA_8F8B_ALERT"],
    (CS06, Cra.COMMAND): REFERENCE["CS06_11.3_IMMEDIATE_SUCCESS_COMMAND"],
    (RECEIPT_ESME, Cra.ALERT): REFERENCE["FDRA-DLMS_NA_8F72_ALERT"],
    (RECEIPT_GSME, Cra.ALERT): REFERENCE["FDRA-ZigBee_NA_8F72_ALERT"],
    (GCS38, Cra.COMMAND): ReadVersion(),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_an_error_points_at_the_octet(name: str) -> None:
    use_case, find, put, offset = DAMAGES[name]
    good = write_payload(INTACT[use_case], header(*use_case))
    assert bytes.fromhex(find) in good
    with pytest.raises(PayloadMalformed) as caught:
        read_payload(carrying(good.replace(bytes.fromhex(find), bytes.fromhex(put), 1), *use_case))
    assert caught.value.facts["offset"] == offset


@given(carriers())
def test_octets_after_a_payload_are_refused(carrier: tuple[Header, Payload]) -> None:
    head, payload = carrier
    with pytest.raises(PayloadMalformed):
        read_payload(Message(header=head, payload=write_payload(payload, head) + b"\x00"))


@given(carriers(), st.none() | st.binary(max_size=70), st.data())
def test_hostile_octets_are_refused_or_kept(
    carrier: tuple[Header, Payload], noise: bytes | None, data: st.DataObject
) -> None:
    head, good = carrier
    damaged = bytearray(write_payload(good, head) if noise is None else noise)
    if damaged:
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(0, 255))
    with contextlib.suppress(PayloadMalformed):
        payload = read_payload(Message(header=head, payload=bytes(damaged)))
        assert payload is not None
        assert write_payload(payload, head) == damaged


WRONG: list[tuple[str, MessageCode, Cra, dict[str, object]]] = [
    ("CCS08_NA_NA_ALERT", CCS08, Cra.ALERT, {"file_version": -1}),
    ("CCS08_NA_NA_ALERT", CCS08, Cra.ALERT, {"file_version": 1 << 32}),
    ("CCS08_NA_NA_ALERT", CCS08, Cra.ALERT, {"at": Instant(-1)}),
    ("CCS08_NA_NA_ALERT", CCS08, Cra.ALERT, {"at": Instant(CANCELLED_AT + 1000)}),
    ("CCS08_NA_NA_ALERT", CCS08, Cra.ALERT, {"at": Instant(10**30)}),
    ("CCS08_NA_NA_ALERT", CCS08, Cra.ALERT, {"alert_code": AlertCode(0x10000)}),
    ("CCS08_NA_NA_ALERT", CCS08, Cra.ALERT, {"result": TransferResponseCode(-1)}),
    ("CS08_11.2_SUCCESS_RESPONSE", CS08, Cra.RESPONSE, {"file_version": None}),
    ("CS06_11.3_IMMEDIATE_SUCCESS_COMMAND", CS06, Cra.COMMAND, {"manufacturer_hash": bytes(31)}),
    ("CS06_11.3_IMMEDIATE_SUCCESS_COMMAND", CS06, Cra.COMMAND, {"originator_counter": 1 << 63}),
    ("CS06_11.3_IMMEDIATE_SUCCESS_COMMAND", CS06, Cra.COMMAND, {"execution": Instant(CANCELLED_AT + 1000)}),
    ("CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE", CS06, Cra.RESPONSE, {"result": ActivateImageResponseCode(256)}),
    ("FDRA-DLMS_NA_8F72_ALERT", RECEIPT_ESME, Cra.ALERT, {"alert_code": AlertCode(0x10000)}),
    ("FDRA-DLMS_NA_8F72_ALERT", RECEIPT_ESME, Cra.ALERT, {"at": Instant(-1)}),
    ("FDRA-DLMS_NA_8F72_ALERT", RECEIPT_ESME, Cra.ALERT, {"manufacturer_hash": bytes(33)}),
    ("FDRA-ZigBee_NA_8F72_ALERT", RECEIPT_GSME, Cra.ALERT, {"at": parse_iso("1999-12-31T23:59:59Z")}),
    ("FDRA-ZigBee_NA_8F72_ALERT", RECEIPT_GSME, Cra.ALERT, {"at": parse_iso("2137-01-01T00:00:00Z")}),
    ("ECS52_11.2_SUCCESS_RESPONSE", ECS52, Cra.RESPONSE, {"file_version": 1 << 32}),
    (
        "GCS38_11.2_SUCCESS_RESPONSE",
        GCS38,
        Cra.RESPONSE,
        {"response_code": ReadResponseCode(256), "file_version": None},
    ),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong[0]} {wrong[3]}")
def test_a_number_outside_its_range_is_not_written(wrong: tuple[str, MessageCode, Cra, dict[str, object]]) -> None:
    name, code, cra, facts = wrong
    with pytest.raises((MessageUnwritable, DerUnwritable)):
        write_payload(dataclasses.replace(REFERENCE[name], **facts), header(code, cra))


def test_a_payload_is_written_for_its_own_use_case_only() -> None:
    with pytest.raises(MessageUnwritable):
        write_payload(ReadVersion(), header(CS06, Cra.COMMAND))
    with pytest.raises(MessageUnwritable):
        write_payload(ReadVersion(), header(MessageCode(0x0018), Cra.ALERT))
