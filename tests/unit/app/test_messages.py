"""Messages as DUIS documents: each valid by the official schema, under an identifier that never changes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.app.messages import _BODIES, identifier, render, version_text
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.limits import LISTED_DEVICES_MAX, MESSAGE_OCTETS_MAX
from hanota.base.vocabulary.devices import DeviceType, TransferResponseCode
from hanota.base.vocabulary.duis import DccAlertCode, ResponseCode
from hanota.model.alerts import ALERTS, AlertKind
from hanota.records.store.outgoing import AlertFacts, DueMessage
from hanota.wire import duis
from helpers.outgoing import document
from helpers.premises import DCC, NEW, NOW, OLD
from helpers.world import HUB, PPMID, SUPPLIER_1, SUPPLIER_2, opened, seal

K = AlertKind


def alert(kind: AlertKind, **changes: Any) -> DueMessage:
    facts = AlertFacts(
        kind=kind,
        request_id=RequestId(SUPPLIER_1, DCC, 1000),
        hub=HUB,
        device=PPMID,
        devices=(PPMID,),
        device_type=DeviceType.PPMID,
        version_target=NEW,
        at=NOW,
        version=NEW,
        version_smi=OLD,
        result=0,
    )
    of_facts = {name: changes.pop(name) for name in list(changes) if name in AlertFacts.__dataclass_fields__}
    plain = DueMessage(
        id=17,
        party=SUPPLIER_2,
        endpoint=None,
        device=PPMID,
        kind=kind.value,
        listed=False,
        response_id=None,
        document=None,
        facts=replace(facts, **of_facts),
        schema_version=None,
        delivery=1,
        tries=0,
    )
    return replace(plain, **changes)


def told(found: DueMessage) -> Any:
    response = opened(seal(render(found, dcc=DCC, now=NOW)))
    assert isinstance(response.body, duis.DccAlertMessage)
    return response.body.alert


@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_is_a_valid_document_with_its_code(kind: AlertKind) -> None:
    response = opened(seal(render(alert(kind), dcc=DCC, now=NOW)))
    assert isinstance(response.body, duis.DccAlertMessage)
    assert response.body.code is ALERTS[kind].code
    assert response.code is ResponseCode.I0
    assert response.request_id is None
    assert response.response_id == RequestId(DCC, SUPPLIER_2, 17)
    assert isinstance(response.body.code, DccAlertCode)


@pytest.mark.parametrize("kind", AlertKind)
@pytest.mark.parametrize("kind_of_device", [DeviceType.PPMID, DeviceType.ESME, DeviceType.HCALCS])
@given(
    version=st.none() | st.integers(0, 2**32 - 1),
    smi=st.none() | st.integers(0, 2**32 - 1),
    result=st.none() | st.integers(0, 3),
)
def test_whatever_is_known_a_document_can_be_written(
    kind_of_device: DeviceType, kind: AlertKind, version: int | None, smi: int | None, result: int | None
) -> None:
    found = alert(kind, device_type=kind_of_device, version=version, version_smi=smi, result=result)
    assert render(found, dcc=DCC, now=NOW)


def test_an_alert_says_the_same_whenever_it_is_sent() -> None:
    first, later = (render(alert(K.CONFIRMED), dcc=DCC, now=Instant(NOW + wait)) for wait in (0, 10**9))
    assert first != later  # ResponseDateTime
    one, other = duis.read_response(duis.parse_safely(first)), duis.read_response(duis.parse_safely(later))
    assert (one.response_id, one.body) == (other.response_id, other.body)


def test_every_kind_has_a_body() -> None:
    assert set(_BODIES) == set(AlertKind)


def test_the_hub_has_the_image_or_not() -> None:  # N60, N61
    for kind, success in ((K.DELIVERED_TO_HUB, True), (K.NOT_DELIVERED_TO_HUB, False)):
        assert told(alert(kind)) == duis.CspFirmwareDeliveryStatus(
            request_id=RequestId(SUPPLIER_1, DCC, 1000),
            hub=HUB,
            device=PPMID,
            firmware_version=f"{NEW:08X}",
            at=NOW,
            success=success,
        )


@pytest.mark.parametrize("result", TransferResponseCode)
def test_the_outcome_of_a_transfer_is_told_with_the_hubs_alert_code(result: TransferResponseCode) -> None:
    found = told(alert(K.TRANSFER, result=int(result)))
    assert found.transfer.result is result
    assert found.alert_code == (0x8F8A if result is TransferResponseCode.FILE_TRANSFER_SUCCESS else 0x8F89)


@pytest.mark.parametrize(
    ("kind", "success"), [(K.ACTIVATION, True), (K.ACTIVATION_FAILURE, False), (K.CONFIRMED, True)]
)
def test_the_version_of_an_activation_is_the_one_reported(kind: AlertKind, success: bool) -> None:
    upgrade = told(alert(kind, version=0xAB)).upgrade
    assert (upgrade.firmware_version, upgrade.success) == ("000000AB", success)


def test_a_mismatch_names_both_versions() -> None:
    found = told(alert(K.MISMATCH, version=0xAB))
    assert (found.version_smi, found.version_device) == (f"{OLD:08X}", "000000AB")


def test_the_other_supplier_hears_of_type_version_and_device() -> None:
    found = told(alert(K.UPGRADE_REQUESTED))
    assert (found.device_type, found.firmware_version, found.devices) == ("PPMID", f"{NEW:08X}", (PPMID,))


def test_silence_names_the_request_and_the_device() -> None:
    found = told(alert(K.NO_REPORT))
    assert (found.request_id, found.device) == (RequestId(SUPPLIER_1, DCC, 1000), PPMID)


def test_versions_have_eight_digits_and_identifiers_name_both_sides() -> None:
    assert [version_text(version) for version in (None, 0, 0x12, 2**32 - 1)] == [
        "00000000",
        "00000000",
        "00000012",
        "FFFFFFFF",
    ]
    assert str(identifier(alert(K.CONFIRMED, id=5), DCC)) == f"{DCC}:{SUPPLIER_2}:5"


# --- documents, versions, lists -------------------------------------------------------------------------------------


def test_a_document_goes_out_as_it_was_queued_under_the_identifier_it_was_queued_with() -> None:
    own = RequestId(PPMID, SUPPLIER_1, 1000)
    found = alert(K.CONFIRMED, facts=None, document=document(own), response_id=own)
    assert render(found, dcc=DCC, now=NOW) == document(own)
    assert identifier(found, DCC) == own


@pytest.mark.parametrize("version", ["5.1", "5.2", "5.3", "5.4"])
def test_an_alert_is_written_in_the_version_of_its_party(version: str) -> None:
    assert opened(seal(render(alert(K.CONFIRMED, schema_version=version), dcc=DCC, now=NOW))).schema_version == version
    assert duis.read_response(duis.parse_safely(render(alert(K.CONFIRMED), dcc=DCC, now=NOW))).schema_version == "5.4"


@pytest.mark.parametrize("kind", [K.UPGRADE_REQUESTED, K.GIVEN_UP])
def test_the_longest_list_that_is_made_fits_into_a_message_as_it_is_posted(kind: AlertKind) -> None:
    """With the widest of everything else: 20-digit counters, device type and issuer's name."""
    devices = tuple(Eui64(0xFFFF_FFFF_FFFF_0000 + number) for number in range(LISTED_DEVICES_MAX))
    widest = {
        "id": 2**63 - 1,
        "request_id": RequestId(SUPPLIER_1, DCC, 2**64 - 1),
        "device_type": DeviceType.HCALCS,
        "devices": devices,
    }
    octets = seal(render(alert(kind, **widest), dcc=DCC, now=NOW))
    assert len(octets) <= MESSAGE_OCTETS_MAX
    body = opened(octets).body
    assert isinstance(body, duis.DccAlertMessage)
    assert body.alert.devices == devices
