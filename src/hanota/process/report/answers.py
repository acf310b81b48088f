"""The synchronous answer to a Service Request: code and, for devices left out, the five lists in DUIS order."""

import polars as pl

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.reasons import DEVICE_REFUSALS, DeviceReason
from hanota.wire.duis import FirmwareWarning, Response, ResponseMessage, join_devices, write_response

FALLBACK_SERVICE = "11.4"
"""Service named in answers to what could not be read: a ResponseMessage must name one."""


def answer(
    code: ResponseCode,
    *,
    now: Instant,
    request_id: RequestId | None,
    service_reference: str | None,
    schema_version: str,
    decision: pl.DataFrame | None = None,
) -> bytes:
    """Write the answer, unsigned. `decision` has columns device and reason (null: the device goes on)."""
    service = service_reference or FALLBACK_SERVICE
    body = ResponseMessage(service_reference=service, service_reference_variant=service, warning=_warning(decision))
    return write_response(Response(request_id=request_id, code=code, at=now, body=body, schema_version=schema_version))


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
