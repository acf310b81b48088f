"""Answers to a Service Request: the synchronous one, and what follows it to the User's endpoint."""

from dataclasses import replace
from typing import Final

import polars as pl

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.limits import LISTED_DEVICES_MAX
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.reasons import DEVICE_REFUSALS, DeviceReason
from hanota.wire.duis import (
    Content,
    DccAlertMessage,
    DeviceAlertMessage,
    FirmwareWarning,
    RequestHeader,
    Response,
    ResponseMessage,
    SchemaInvalid,
    join_devices,
    write_response,
)

FALLBACK_SERVICE: Final = "11.4"
"""Service named in answers to what names none that DUIS has: a ResponseMessage must name one."""


def answer(code: ResponseCode, *, now: Instant, header: RequestHeader | None, content: Content | None = None) -> bytes:
    """Write the synchronous answer, unsigned.

    What a stranger's header says of service and schema version is repeated where DUIS has it, and left out elsewhere.
    """
    plain = ResponseMessage(service_reference=FALLBACK_SERVICE, service_reference_variant=FALLBACK_SERVICE)
    request_id = header.request_id if header else None
    fallback = Response(request_id=request_id, code=code, at=now, body=plain)
    if header is None:
        return write_response(fallback)
    body = ResponseMessage(
        service_reference=header.service_reference,
        service_reference_variant=header.service_reference_variant,
        content=content,
    )
    try:
        return write_response(replace(fallback, body=body, schema_version=header.schema_version))
    except SchemaInvalid:
        if content is not None:
            raise
        return write_response(fallback)


def warning_of(decision: pl.DataFrame) -> FirmwareWarning | None:
    """Give the lists of devices left out; `decision` has columns device and reason (null: the device goes on)."""
    left_out = decision.drop_nulls("reason")
    if left_out.is_empty():
        return None
    list_of = {reason.value: row.device_list.value for reason, row in DEVICE_REFUSALS.items()}
    refused = left_out.with_columns(pl.col("reason").replace_strict(list_of).alias("list"))
    lists: dict[DeviceList, str] = {}
    for name in DeviceList:
        devices = refused.filter(pl.col("list") == name.value)["device"]
        if len(devices):
            lists[name] = join_devices(Eui64.from_signed(eui) for eui in devices)
    return FirmwareWarning(lists=lists)


def split_warning(decision: pl.DataFrame) -> tuple[FirmwareWarning, ...]:
    """Give the lists of devices left out in parts, so that each fits a message to an endpoint (100 kB)."""
    refused = decision.drop_nulls("reason")
    parts = (warning_of(part) for part in refused.iter_slices(LISTED_DEVICES_MAX))
    return tuple(part for part in parts if part is not None)


def response_id_of(request_id: RequestId) -> RequestId:
    """Give the ResponseID of what follows a request: its parties swapped, its counter (domain 2.1)."""
    return RequestId(request_id.target, request_id.originator, request_id.counter)


def later_response(
    code: ResponseCode,
    *,
    now: Instant,
    request_id: RequestId,
    response_id: RequestId,
    service: str,
    version: str,
    content: Content | None = None,
) -> bytes:
    """Write, unsigned, what follows a request that was acknowledged: the device's answer, or why there is none."""
    body = ResponseMessage(service_reference=service, service_reference_variant=service, content=content)
    return write_response(
        Response(request_id=request_id, response_id=response_id, code=code, at=now, body=body, schema_version=version)
    )


def alert_message(
    body: DeviceAlertMessage | DccAlertMessage, *, now: Instant, response_id: RequestId, version: str
) -> bytes:
    """Write an alert, unsigned: a device's own, or one of the DCC."""
    return write_response(
        Response(response_id=response_id, code=ResponseCode.I0, at=now, body=body, schema_version=version)
    )


def reasons_of(decision: pl.DataFrame) -> dict[DeviceReason, list[Eui64]]:
    """Group the devices left out by reason, in the order in which they were named."""
    grouped: dict[DeviceReason, list[Eui64]] = {}
    for device, reason in decision.drop_nulls("reason").select("device", "reason").iter_rows():
        grouped.setdefault(DeviceReason(reason), []).append(Eui64.from_signed(device))
    return grouped
