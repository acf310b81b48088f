"""The synchronous answer to a Service Request: code and, for devices left out, the five lists in DUIS order."""

from dataclasses import replace
from typing import Final

import polars as pl

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.reasons import DEVICE_REFUSALS, DeviceReason
from hanota.wire.duis import (
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


def answer(
    code: ResponseCode, *, now: Instant, header: RequestHeader | None, decision: pl.DataFrame | None = None
) -> bytes:
    """Write the answer, unsigned. `decision` has columns device and reason (null: the device goes on).

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
        warning=_warning(decision),
    )
    try:
        return write_response(replace(fallback, body=body, schema_version=header.schema_version))
    except SchemaInvalid:
        if decision is not None:
            raise
        return write_response(fallback)


def _warning(decision: pl.DataFrame | None) -> FirmwareWarning | None:
    if decision is None:
        return None
    list_of = {reason.value: row.device_list.value for reason, row in DEVICE_REFUSALS.items()}
    refused = decision.drop_nulls("reason").with_columns(pl.col("reason").replace_strict(list_of).alias("list"))
    lists: dict[DeviceList, str] = {}
    for name in DeviceList:
        devices = refused.filter(pl.col("list") == name.value)["device"]
        if len(devices):
            lists[name] = join_devices(Eui64.from_signed(eui) for eui in devices)
    return FirmwareWarning(lists=lists) if lists else None


def reasons_of(decision: pl.DataFrame) -> dict[DeviceReason, list[Eui64]]:
    """Group the devices left out by reason, in the order in which they were named."""
    grouped: dict[DeviceReason, list[Eui64]] = {}
    for device, reason in decision.drop_nulls("reason").select("device", "reason").iter_rows():
        grouped.setdefault(DeviceReason(reason), []).append(Eui64.from_signed(device))
    return grouped
