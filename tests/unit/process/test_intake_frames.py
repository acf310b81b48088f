"""What hubs send up: acknowledged only if the hub signed it, believed only if all marks inside hold, too."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType, TransferResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.returns import Return
from hanota.process.intake import Asked, Ignored
from hanota.process.intake.frames import _RECEIPT_EVENTS, Told
from hanota.process.intake.gbcs import _TRANSFER_EVENTS
from hanota.wire import ecdsa
from hanota.wire.gbcs import (
    ActivationAlert,
    ActivationResult,
    Cra,
    Header,
    Message,
    MessageCode,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
    activation_alert,
    read_message,
    read_version_command,
    read_version_response,
    seal_holds,
    sign_message,
    transfer_alert,
    write_message,
    write_payload,
)
from hanota.wire.marks import agree_with_each
from hanota.wire.smki import CertifiedKey
from hanota.wire.wan import (
    Acknowledge,
    Fetch,
    GbcsDown,
    GbcsUp,
    ImageChunk,
    Receipt,
    ReceiptStatus,
    Uplink,
    read_frame,
    sign_uplink,
    write_frame,
)
from helpers.premises import DCC, NEW, NOW, OLD
from helpers.uplinks import HomeFacts, read_uplink_frame
from helpers.world import HUB, HUB_2, PPMID, PPMID_2, STRANGER, SUPPLIER_1, keys

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
ACB = CertificateRole.ACCESS_CONTROL_BROKER


def certificate(eui: Eui64, usage: KeyUsage) -> CertifiedKey | None:
    held = (held.certified_key for held in keys().certificates() if (held.eui, held.usage) == (eui, usage))
    return next(held, None)


FACTS = HomeFacts(
    certificate=certificate,
    seals_hold=lambda seals: [
        seal_holds(seal, agree_with_each([device.point], keys().credential(DCC, KA, ACB).key)[0] or b"")
        for seal, device in seals
    ],
)


def uplink(report: Any, *, hub: Eui64 = HUB, event: int = 7, signer: Eui64 | None = None) -> bytes:
    key = keys().credential(signer or hub, DS).key
    return write_frame(sign_uplink(report, key, hub=hub, event=event, sent=NOW))


def receipt(status: ReceiptStatus = ReceiptStatus.HELD, **facts: Any) -> Receipt:
    return Receipt(**({"order": 3, "status": status, "offset": 100, "blocks": 4, "repeats": 1} | facts))


def ccs08(result: TransferResponseCode, *, hub: Eui64 = HUB, device: Eui64 = PPMID) -> bytes:
    code = AlertCode.FIRMWARE_TRANSFER_SUCCEEDED
    alert = TransferAlert(alert_code=code, at=NOW, device=device, file_version=NEW, result=result)
    return transfer_alert(alert, hub=keys().credential(hub, DS), recipient=DCC, counter=9)


def cs09(result: ActivationResult = ActivationResult.SUCCESS, version: int = NEW, device: Eui64 = PPMID) -> bytes:
    code = AlertCode.PPMID_FIRMWARE_ACTIVATION
    alert = ActivationAlert(alert_code=code, at=NOW, file_version=version, result=result)
    return activation_alert(alert, device=keys().credential(device, DS), recipient=DCC, counter=5)


def cs08(code: ReadResponseCode = ReadResponseCode.READ_SUCCESS, version: int = NEW) -> bytes:
    command = read_version_command(
        device_type=DeviceType.PPMID,
        acb=keys().credential(DCC, KA, ACB),
        device=keys().certificate(PPMID, KA),
        counter=11,
        user=SUPPLIER_1,
        user_counter=1,
    )
    return read_version_response(
        VersionRead(file_version=version, response_code=code),
        command=read_message(command),
        device=keys().credential(PPMID, KA),
        acb=keys().certificate(DCC, KA, ACB),
    )


def told(octets: bytes) -> Return | None:
    found = read_uplink_frame(octets, FACTS)
    assert isinstance(found, Told), found
    return found.report


def why(octets: bytes) -> str:
    found = read_uplink_frame(octets, FACTS)
    assert isinstance(found, Ignored), found
    return found.why


def why_void(octets: bytes, event: int = 7) -> str:
    """Why a frame is acknowledged without anything being kept."""
    found = read_uplink_frame(octets, FACTS)
    assert isinstance(found, Told), found
    assert (found.hub, found.event, found.report) == (HUB, event, None)
    assert found.why is not None
    return found.why


def signed(body: bytes, *, sent: Instant = NOW) -> bytes:
    """Any octets in an uplink that the hub did sign."""
    unsigned = Uplink(hub=HUB, event=7, sent=sent, signature=b"", body=body)
    signature = ecdsa.sign(write_frame(unsigned), keys().credential(HUB, DS).key)
    return write_frame(replace(unsigned, signature=signature))


def changed(data: st.DataObject, octets: bytes) -> bytes:
    """The octets with some of them replaced, dropped or added."""
    for _ in range(data.draw(st.integers(1, 3))):
        at, end = sorted(data.draw(st.tuples(*[st.integers(0, len(octets))] * 2)))
        octets = octets[:at] + data.draw(st.binary(max_size=6)) + octets[min(end, at + 6) :]
    return octets


# --- receipts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ReceiptStatus)
def test_a_receipt_means_what_the_table_says(status: ReceiptStatus) -> None:
    report = told(uplink(receipt(status)))
    if status in _RECEIPT_EVENTS:
        assert report is not None
        assert report.event == _RECEIPT_EVENTS[status]
        assert (report.delivery, report.reporter, report.at) == (3, HUB, NOW)
        assert (report.offset, report.blocks, report.repeats) == (100, 4, 1)
        assert report.source == f"uplink {HUB}/7"
    else:
        assert status in {ReceiptStatus.HARDWARE_MISMATCH, ReceiptStatus.DISCARDED}  # told by CCS08
        assert report is None


def test_a_hub_without_a_slot_is_asked_again_later() -> None:
    report = told(uplink(receipt(ReceiptStatus.REFUSED_NO_SLOT)))
    assert report is not None
    assert report.event == "hub_busy"


def test_a_status_that_nobody_knows_means_nothing_and_is_acknowledged() -> None:
    assert "status 200" in why_void(uplink(receipt(ReceiptStatus(200))))


def test_numbers_that_no_store_can_keep_mean_nothing_and_are_acknowledged() -> None:
    assert "no delivery" in why_void(uplink(receipt(order=1 << 63)))
    body = read_frame(uplink(receipt())).body
    assert "no time" in why_void(signed(body, sent=Instant((1 << 64) - 1)))


@pytest.mark.parametrize("body", [b"", b"\xa1", b"\xa1\x91", b"\xa1\x12" + bytes(16), b"\xa2\x92x"])
def test_what_a_hub_signed_but_nobody_can_read_is_acknowledged(body: bytes) -> None:
    why_void(signed(body))


def test_a_receipt_signed_by_another_hub_is_ignored() -> None:
    assert str(HUB) in why(uplink(receipt(), signer=HUB_2))


def test_a_hub_without_certificate_is_ignored() -> None:
    frame = write_frame(sign_uplink(receipt(), keys().credential(HUB, DS).key, hub=Eui64(1), event=1, sent=NOW))
    assert "has no certificate" in why(frame)


@given(st.data())
def test_a_damaged_receipt_is_ignored(data: st.DataObject) -> None:
    octets = bytearray(uplink(receipt()))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    assert isinstance(read_uplink_frame(bytes(octets), FACTS), Ignored | Asked)


def test_the_number_of_an_uplink_is_under_its_signature() -> None:
    octets = uplink(receipt(), event=7)
    other = octets.replace((7).to_bytes(8, "big"), (8).to_bytes(8, "big"), 1)
    assert other != octets
    assert isinstance(read_uplink_frame(other, FACTS), Ignored)


# --- GBCS messages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", [*TransferResponseCode, TransferResponseCode(77)])
def test_ccs08_says_how_a_transfer_ended(result: TransferResponseCode) -> None:
    report = told(uplink(GbcsUp(data=ccs08(result))))
    assert report is not None
    assert report.event == _TRANSFER_EVENTS.get(result, "transfer_failed")
    assert (report.device, report.reporter, report.delivery, report.version) == (PPMID, HUB, None, None)
    assert report.source == f"gbcs {HUB}/0128/9"


def test_who_speaks_of_a_device_is_kept_with_the_report() -> None:
    """Whether that hub may speak of that device is for the store to say, which knows their homes."""
    report = told(uplink(GbcsUp(data=ccs08(TransferResponseCode(0), hub=HUB_2, device=PPMID))))
    assert report is not None
    assert (report.reporter, report.device) == (HUB_2, PPMID)


@pytest.mark.parametrize(
    ("result", "event"),
    [
        (ActivationResult.SUCCESS, "activation_succeeded"),
        (ActivationResult.FAILURE, "activation_failed"),
        (ActivationResult(9), "activation_failed"),
    ],
)
def test_cs09_says_how_an_activation_ended_and_what_runs(result: ActivationResult, event: str) -> None:
    report = told(uplink(GbcsUp(data=cs09(result, OLD))))
    assert report is not None
    assert (report.event, report.version, report.result) == (event, OLD, int(result))
    assert (report.device, report.reporter) == (PPMID, PPMID)


def test_cs08_says_which_version_runs() -> None:
    report = told(uplink(GbcsUp(data=cs08())))
    assert report is not None
    assert (report.event, report.version, report.result, report.at) == ("version_read", NEW, 0, NOW)
    assert report.source == f"gbcs {PPMID}/0129/11/{DCC}"


def test_a_reading_that_failed_names_no_version() -> None:
    report = told(uplink(GbcsUp(data=cs08(ReadResponseCode.READ_FAILURE, version=0))))
    assert report is not None
    assert (report.version, report.result) == (None, 1)


def test_the_same_message_by_another_way_is_the_same_report() -> None:
    data = cs09()
    first, again = told(uplink(GbcsUp(data=data))), told(uplink(GbcsUp(data=data), hub=HUB_2, event=99))
    assert first is not None
    assert again is not None
    assert first.source == again.source


@pytest.mark.parametrize("message", [ccs08(TransferResponseCode(0)), cs09(), cs08()], ids=["CCS08", "CS09", "CS08"])
@given(data=st.data())
def test_a_damaged_message_means_nothing_and_is_acknowledged(message: bytes, data: st.DataObject) -> None:
    octets = bytearray(message)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    why_void(uplink(GbcsUp(data=bytes(octets))))


def test_a_message_that_the_hub_did_not_sign_is_ignored() -> None:
    """Its time and number are the hub's word, also where the device's own signature holds."""
    assert str(HUB) in why(uplink(GbcsUp(data=cs09()), signer=HUB_2))
    unsigned = replace(read_frame(uplink(GbcsUp(data=cs09()))), signature=b"")
    assert str(HUB) in why(write_frame(unsigned))


def test_a_use_case_that_is_nothing_to_us_is_acknowledged() -> None:
    message = read_message(cs09())
    other = replace(message.header, message_code=MessageCode.CS06_ACTIVATE_FIRMWARE)
    data = write_message(replace(message, header=other))
    assert "CS06" in why_void(uplink(GbcsUp(data=data)))


def test_a_message_of_a_device_without_certificate_means_nothing() -> None:
    data = cs09()
    forged = data.replace(PPMID.octets, STRANGER.octets)
    assert "not authentic" in why_void(uplink(GbcsUp(data=forged)))


def test_a_message_signed_by_another_device_means_nothing() -> None:
    forged = cs09(device=PPMID_2).replace(PPMID_2.octets, PPMID.octets)
    assert "not authentic" in why_void(uplink(GbcsUp(data=forged)))


def test_a_command_that_comes_back_is_no_answer() -> None:
    command = read_version_command(
        device_type=DeviceType.PPMID,
        acb=keys().credential(DCC, KA, ACB),
        device=keys().certificate(PPMID, KA),
        counter=11,
        user=SUPPLIER_1,
        user_counter=1,
    )
    assert "COMMAND means nothing here" in why_void(uplink(GbcsUp(data=command)))


def test_a_command_that_a_device_signed_is_no_answer() -> None:
    header = Header(
        cra=Cra.COMMAND,
        counter=1,
        originator=PPMID,
        recipient=DCC,
        message_code=MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION,
    )
    message = Message(header=header, payload=write_payload(ReadVersion(), header))
    data = write_message(sign_message(message, keys().credential(PPMID, DS).key))
    assert "COMMAND means nothing here" in why_void(uplink(GbcsUp(data=data)))


# --- other frames ------------------------------------------------------------------------------------------------


def test_asking_for_octets_keeps_nothing() -> None:
    fetch = Fetch(hub=HUB, image_hash=bytes(32), offset=5, max_octets=10)
    assert read_uplink_frame(write_frame(fetch), FACTS) == Asked(fetch)


@pytest.mark.parametrize(
    "frame",
    [
        Acknowledge(event=1),
        GbcsDown(message=1, device=PPMID, data=b"x"),
        ImageChunk(image_hash=bytes(32), offset=0, image_octets=1, data=b"x"),
    ],
    ids=lambda frame: type(frame).__name__,
)
def test_what_only_the_head_end_sends_is_ignored(frame: Any) -> None:
    assert "does not come from hubs" in why(write_frame(frame))


@given(st.binary(max_size=300))
def test_noise_is_ignored(noise: bytes) -> None:
    assert isinstance(read_uplink_frame(noise, FACTS), Ignored)


MESSAGES = [ccs08(TransferResponseCode(0)), cs09(), cs08()]


@given(data=st.data())
def test_no_frame_whatever_raises(data: st.DataObject) -> None:
    report = data.draw(st.sampled_from([receipt(), *(GbcsUp(data=message) for message in MESSAGES)]))
    found = read_uplink_frame(changed(data, uplink(report)), FACTS)
    assert isinstance(found, Told | Asked | Ignored)


@given(data=st.data())
def test_whatever_a_hub_signs_is_acknowledged(data: st.DataObject) -> None:
    bodies = [read_frame(uplink(report)).body for report in (receipt(), *(GbcsUp(data=m) for m in MESSAGES))]
    mutated = changed(data, data.draw(st.sampled_from(bodies)))
    body = data.draw(st.sampled_from([mutated, b"\xa1\x92" + mutated[2:]]) | st.binary(max_size=300))
    sent = data.draw(st.just(NOW) | st.integers(0, (1 << 64) - 1))
    found = read_uplink_frame(signed(body, sent=Instant(sent)), FACTS)
    assert isinstance(found, Told)
    assert (found.hub, found.event) == (HUB, 7)


@given(data=st.data())
def test_whatever_a_device_signs_is_acknowledged(data: st.DataObject) -> None:
    """Payloads from a device that holds its key and means harm."""
    for octets, device in ((MESSAGES[0], HUB), (MESSAGES[1], PPMID)):
        message = read_message(octets)
        payload = data.draw(st.just(changed(data, message.payload)) | st.binary(max_size=40))
        forged = sign_message(replace(message, payload=payload, signature=b""), keys().credential(device, DS).key)
        found = read_uplink_frame(uplink(GbcsUp(data=write_message(forged))), FACTS)
        assert isinstance(found, Told)
        assert (found.report is None) == (found.why is not None)
