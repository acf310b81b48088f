"""Messages as DUIS documents: those queued with theirs as they are, alerts of deliveries from their facts.

One row a kind says which body an alert has.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.alerts import ALERTS, AlertKind
from hanota.records.store.outgoing import AlertFacts, DueMessage
from hanota.wire.duis import (
    CommandFailure,
    CommsHubAlert,
    CspFirmwareDeliveryStatus,
    DccAlert,
    DccAlertMessage,
    FirmwareDistributionFailure,
    FirmwareTransferAlert,
    FirmwareUpgradeRequested,
    FirmwareVersionMismatch,
    PpmidAlert,
    PpmidFirmwareUpgrade,
    Response,
    join_devices,
    write_response,
)


def version_text(version: int | None) -> str:
    """Write a File Version as DUIS does: 8 hex digits."""
    return f"{version or 0:08X}"


def _asked(alert: AlertFacts) -> RequestId:
    assert alert.request_id is not None  # of every alert that a delivery makes
    return alert.request_id


def _upgrade_requested(alert: AlertFacts) -> DccAlert:
    return FirmwareUpgradeRequested(
        device_type=alert.device_type,
        firmware_version=version_text(alert.version_target),
        device_list=join_devices(alert.devices),
    )


def _given_up(alert: AlertFacts) -> DccAlert:
    return FirmwareDistributionFailure(request_id=_asked(alert), device_list=join_devices(alert.devices))


def _delivery_status(alert: AlertFacts) -> DccAlert:
    return CspFirmwareDeliveryStatus(
        request_id=_asked(alert),
        hub=alert.hub,
        device=alert.device,
        firmware_version=version_text(alert.version_target),
        at=alert.at,
        success=alert.kind is AlertKind.DELIVERED_TO_HUB,
    )


def _transfer(alert: AlertFacts) -> DccAlert:
    result = TransferResponseCode(alert.result or 0)
    succeeded = result is TransferResponseCode.FILE_TRANSFER_SUCCESS
    return CommsHubAlert(
        hub=alert.hub,
        alert_code=AlertCode.FIRMWARE_TRANSFER_SUCCEEDED if succeeded else AlertCode.FIRMWARE_TRANSFER_FAILED,
        at=alert.at,
        transfer=FirmwareTransferAlert(
            request_id=alert.request_id,
            device=alert.device,
            firmware_version=version_text(alert.version_target),
            result=result,
        ),
    )


def _activation(alert: AlertFacts) -> DccAlert:
    return PpmidAlert(
        device=alert.device,
        alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION,
        at=alert.at,
        upgrade=PpmidFirmwareUpgrade(
            firmware_version=version_text(alert.version), success=alert.kind is not AlertKind.ACTIVATION_FAILURE
        ),
    )


def _mismatch(alert: AlertFacts) -> DccAlert:
    return FirmwareVersionMismatch(
        device=alert.device,
        device_type=alert.device_type,
        version_smi=version_text(alert.version_smi),
        version_device=version_text(alert.version),
    )


def _no_report(alert: AlertFacts) -> DccAlert:
    return CommandFailure(request_id=_asked(alert), device=alert.device, schedule_id=None)


_K = AlertKind
_BODIES: Final[dict[AlertKind, Callable[[AlertFacts], DccAlert]]] = {
    _K.UPGRADE_REQUESTED: _upgrade_requested,
    _K.GIVEN_UP: _given_up,
    _K.DELIVERED_TO_HUB: _delivery_status,
    _K.NOT_DELIVERED_TO_HUB: _delivery_status,
    _K.TRANSFER: _transfer,
    _K.REFUSED: _transfer,
    _K.ACTIVATION: _activation,
    _K.ACTIVATION_FAILURE: _activation,
    _K.CONFIRMED: _activation,
    _K.MISMATCH: _mismatch,
    _K.NO_REPORT: _no_report,
}


def identifier(message: DueMessage, dcc: Eui64) -> RequestId:
    """Give the ResponseID of a message: it never changes, however often the message is sent."""
    return message.response_id or RequestId(dcc, message.party, message.id)


def render(message: DueMessage, *, dcc: Eui64, now: Instant) -> bytes:
    """Give a message as a DUIS document, unsigned, in its party's version."""
    alert = message.facts
    if alert is None:
        return message.document or b""
    body = DccAlertMessage(code=ALERTS[alert.kind].code, alert=_BODIES[alert.kind](alert))
    response = Response(
        request_id=None,
        response_id=identifier(message, dcc),
        code=ResponseCode.I0,
        at=now,
        body=body,
    )
    version = message.schema_version
    return write_response(response if version is None else replace(response, schema_version=version))
