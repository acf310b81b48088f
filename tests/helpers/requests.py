"""Unsigned firmware requests as somebody would write them, and answers to them."""

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import parse_iso
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.wire import duis

SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
DCC = Eui64.parse("90-B3-D5-1F-30-00-00-02")
PPMID = Eui64.parse("00-DB-12-34-56-78-90-A4")
REQUEST_ID = RequestId(SUPPLIER, DCC, 1000)


def request(*, command_variant: int = 8, service: str = "11.4") -> bytes:
    """A request with a small image to one PPMID."""
    header = duis.RequestHeader(
        request_id=REQUEST_ID,
        command_variant=command_variant,
        service_reference=service,
        service_reference_variant=service,
    )
    asked = duis.FirmwareRequest(
        header=header, image=b"image", firmware_version="0002012F", device_list=duis.join_devices([PPMID])
    )
    return duis.write_request(asked)


def answer(code: str, lists: dict[DeviceList, str] | None = None) -> bytes:
    """The DCC's answer to `request()`."""
    body = duis.ResponseMessage(
        service_reference="11.4",
        service_reference_variant="11.4",
        content=duis.FirmwareWarning(lists) if lists else None,
    )
    at = parse_iso("2026-01-15T09:00:00Z")
    return duis.write_response(duis.Response(request_id=REQUEST_ID, code=ResponseCode(code), at=at, body=body))
