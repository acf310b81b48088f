"""DUIS messages as frozen values, each with its table of elements (domain 2.1, 2.3, 2.4, 2.5).

Lists of devices stay the text they are in the document, `EUI,EUI,…`: one may name 50,000 devices, and columns are
made from the text at once. `split_devices` and `join_devices` go to values and back.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType, TransferResponseCode
from hanota.base.vocabulary.duis import DccAlertCode, DeviceList, ResponseCode
from hanota.wire.duis import codecs
from hanota.wire.duis.elements import Choice, Nested, attribute, element, message, qualified
from hanota.wire.duis.matrix import REQUESTS
from hanota.wire.duis.xml import Element, local_name

SCHEMA_VERSION: Final = "5.4"


def split_devices(device_list: str) -> tuple[Eui64, ...]:
    """Read a list of devices, joined by `,`. Raises BadValue."""
    return tuple(map(Eui64.parse, device_list.split(",")))


def join_devices(devices: Iterable[Eui64]) -> str:
    """Write a list of devices as DUIS does: joined by `,`, no spaces."""
    return ",".join(map(str, devices))


@message
class RequestHeader:
    """Header of a service request (domain 2.1). `schema_version` stands in the root's attribute."""

    request_id: RequestId = element("Header/RequestID", codecs.REQUEST_ID)
    first_in_sequence: bool | None = element("Header/FirstInSequence", codecs.BOOLEAN, default=None)
    preceding: RequestId | None = element("Header/PrecedingServiceRequestID", codecs.REQUEST_ID, default=None)
    command_variant: int = element("Header/CommandVariant", codecs.NUMBER)
    service_reference: str = element("Header/ServiceReference", codecs.TEXT)
    service_reference_variant: str = element("Header/ServiceReferenceVariant", codecs.TEXT)
    schema_version: str = attribute("schemaVersion", default=SCHEMA_VERSION)


def _in_body(name: str) -> Callable[[Mapping[str, Any]], str]:
    """Place an element in the request's own element, which the matrix names."""
    return lambda values: f"Body/{REQUESTS[values['header'].service_reference_variant].element}/{name}"


@message
class FirmwareRequest:
    """Ask the head end to carry one image to many devices: 11.1 Update Firmware or 11.4 Update PPMID Firmware.

    `image` is a whole ZigBee OTA file (≤ 10,240,000 octets by the schema), `firmware_version` has 1…8 characters,
    `device_list` names 1…50,000 devices.
    """

    header: RequestHeader = element("", Nested(RequestHeader))
    image: bytes = element(_in_body("FirmwareImage"), codecs.BASE64)
    firmware_version: str = element(_in_body("FirmwareVersion"), codecs.TEXT)
    device_list: str = element(_in_body("DeviceIDList"), codecs.TEXT)

    @property
    def devices(self) -> tuple[Eui64, ...]:
        """The devices in the order of the list, repeats included."""
        return split_devices(self.device_list)


@dataclass(frozen=True, slots=True)
class FirmwareWarning:
    """Devices that a request won't reach, by reason. A reason without devices has no list."""

    lists: Mapping[DeviceList, str]


class _WarningLists:
    """Codec of FirmwareWarning: each list is an element, in the order of DeviceList."""

    def read(self, found: Element) -> FirmwareWarning:
        return FirmwareWarning({DeviceList(local_name(child)): child.text or "" for child in found})

    def write(self, target: Element, value: FirmwareWarning) -> None:
        for name in DeviceList:
            if name in value.lists:
                etree.SubElement(target, qualified(name)).text = value.lists[name]


def _warning(values: Mapping[str, Any]) -> str | None:
    row = REQUESTS.get(values["service_reference_variant"])
    return row.warning if row else None


@message
class ResponseMessage:
    """Answer to a service request; without `warning` it is an acknowledgement or a refusal, as the code says."""

    service_reference: str = element("ServiceReference", codecs.TEXT)
    service_reference_variant: str = element("ServiceReferenceVariant", codecs.TEXT)
    warning: FirmwareWarning | None = element(_warning, _WarningLists(), default=None)


@message
class CommandFailure:
    """A command did not reach its device, or came back without an answer."""

    request_id: RequestId = element("CommandRequestID", codecs.REQUEST_ID)
    schedule_id: int | None = element("DSPScheduleID", codecs.NUMBER, default=None)
    device: Eui64 = element("DeviceID", codecs.EUI)


@message
class FirmwareDistributionFailure:
    """An image could not be distributed to these devices."""

    request_id: RequestId = element("UpdateFirmwareRequestID", codecs.REQUEST_ID)
    device_list: str = element("MeterIDs", codecs.TEXT)

    @property
    def devices(self) -> tuple[Eui64, ...]:
        """The devices in the order of the list."""
        return split_devices(self.device_list)


@message
class PpmidFirmwareUpgrade:
    """What a PPMID says about activating an image (part of N39)."""

    firmware_version: str = element("FirmwareVersion", codecs.TEXT)
    success: bool = element("ActivateImageResultCode", codecs.ACTIVATED)


@message
class PpmidAlert:
    """An alert from a PPMID, passed on by the DCC (N39)."""

    device: Eui64 = element("DeviceID", codecs.EUI)
    alert_code: AlertCode = element("DeviceAlertCode", codecs.ALERT_CODE)
    at: Instant | None = element("Timestamp", codecs.TIME, default=None)
    upgrade: PpmidFirmwareUpgrade | None = element(
        "PPMIDFirmwareUpgradeAlert", Nested(PpmidFirmwareUpgrade), default=None
    )


@message
class FirmwareVersionMismatch:
    """A device runs another version than the inventory says (N49)."""

    device: Eui64 = element("DeviceID", codecs.EUI)
    device_type: DeviceType = element("DeviceType", codecs.DEVICE_TYPE)
    version_smi: str = element("FirmwareVersionSMI", codecs.TEXT)
    version_device: str = element("FirmwareVersionDevice", codecs.TEXT)


@message
class FirmwareUpgradeRequested:
    """Tells the other Responsible Suppliers that somebody asked for an upgrade (N59)."""

    device_type: DeviceType = element("DeviceType", codecs.DEVICE_TYPE)
    firmware_version: str = element("FirmwareVersion", codecs.TEXT)
    device_list: str = element("DeviceList", codecs.TEXT)

    @property
    def devices(self) -> tuple[Eui64, ...]:
        """The devices in the order of the list."""
        return split_devices(self.device_list)


@message
class CspFirmwareDeliveryStatus:
    """Whether the image for one device arrived at its hub (N60) or did not (N61)."""

    request_id: RequestId = element("UpdateFirmwareRequestID", codecs.REQUEST_ID)
    hub: Eui64 = element("CommsHubDeviceID", codecs.EUI)
    device: Eui64 = element("TargetDeviceID", codecs.EUI)
    firmware_version: str = element("FirmwareVersion", codecs.TEXT)
    at: Instant = element("TimeStamp", codecs.TIME)
    success: bool = element("CommsHubTransferStatus", codecs.DELIVERED)


@message
class FirmwareTransferAlert:
    """What the hub says about the transfer to one device (part of N62)."""

    request_id: RequestId | None = element("UpdateFirmwareRequestID", codecs.REQUEST_ID, default=None)
    device: Eui64 = element("OtherDeviceID", codecs.EUI)
    firmware_version: str = element("FirmwareVersion", codecs.TEXT)
    result: TransferResponseCode = element("TransferResponseCode", codecs.TRANSFER_RESULT)


@message
class CommsHubAlert:
    """An alert from a hub, passed on by the DCC (N62)."""

    hub: Eui64 = element("CommsHubDeviceID", codecs.EUI)
    alert_code: AlertCode = element("AlertCode", codecs.ALERT_CODE)
    at: Instant | None = element("TimeStamp", codecs.TIME, default=None)
    transfer: FirmwareTransferAlert | None = element(
        "FirmwareTransferAlert", Nested(FirmwareTransferAlert), default=None
    )


DccAlert = (
    CommandFailure
    | FirmwareDistributionFailure
    | PpmidAlert
    | FirmwareVersionMismatch
    | FirmwareUpgradeRequested
    | CspFirmwareDeliveryStatus
    | CommsHubAlert
)

DCC_ALERTS: Final[Mapping[str, type]] = {
    "CommandFailure": CommandFailure,
    "FirmwareDistributionFailure": FirmwareDistributionFailure,
    "PPMIDAlert": PpmidAlert,
    "FirmwareVersionMismatch": FirmwareVersionMismatch,
    "FirmwareUpgradeRequested": FirmwareUpgradeRequested,
    "CSPFirmwareDeliveryStatus": CspFirmwareDeliveryStatus,
    "CommsHubAlert": CommsHubAlert,
}


@message
class DccAlertMessage:
    """An alert by the DCC (domain 2.5). The schema doesn't tie the code to the kind of alert."""

    code: DccAlertCode = element("DCCAlertCode", codecs.DCC_ALERT_CODE)
    throttled_sequence: int | None = element("ThrottledAlertSequenceId", codecs.NUMBER, default=None)
    throttled_count: int | None = element("ThrottledAlertCount", codecs.NUMBER, default=None)
    alert: DccAlert = element("DCCAlert", Choice(DCC_ALERTS))


RESPONSE_BODIES: Final[Mapping[str, type]] = {
    "ResponseMessage": ResponseMessage,
    "DCCAlertMessage": DccAlertMessage,
}


@message
class Response:
    """A DUIS response: an answer names the request, an alert has only an id of its own (domain 2.1)."""

    request_id: RequestId | None = element("Header/RequestID", codecs.REQUEST_ID, default=None)
    response_id: RequestId | None = element("Header/ResponseID", codecs.REQUEST_ID, default=None)
    code: ResponseCode = element("Header/ResponseCode", codecs.RESPONSE_CODE)
    at: Instant = element("Header/ResponseDateTime", codecs.TIME)
    body: ResponseMessage | DccAlertMessage = element("Body", Choice(RESPONSE_BODIES))
    schema_version: str = attribute("schemaVersion", default=SCHEMA_VERSION)
