"""Answers and alerts as frozen values, each with its table of elements (domain 2.1, 2.4). DCC Alerts: `alerts.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from hanota.base.errors import BadValue
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.wire.duis import codecs, versions
from hanota.wire.duis.alerts import DccAlertMessage
from hanota.wire.duis.elements import Choice, Codec, Nested, Repeated, attribute, element, message, qualified, refuse
from hanota.wire.duis.matrix import REQUESTS
from hanota.wire.duis.requests import PropertyFilter
from hanota.wire.duis.xml import Element, local_name


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


@message
class InventoryDevice:
    """What the inventory says of one device (8.2). Fields that don't apply to it are None.

    `date_commissioned` is an xs:date as it stands; `gbcs_version`, `han_variant` and `s1sp` are free text.
    """

    device: Eui64 = element("DeviceID", codecs.EUI)
    device_type: DeviceType = element("DeviceType", codecs.DEVICE_TYPE)
    status: DeviceStatus | None = element("DeviceStatus", codecs.DEVICE_STATUS, default=None)
    manufacturer: str = element("DeviceManufacturer", codecs.TEXT)
    model: str = element("DeviceModel", codecs.TEXT)
    smets_chts_version: str | None = element("SMETSCHTSVersion", codecs.TEXT, default=None)
    firmware_version: str | None = element("DeviceFirmwareVersion", codecs.TEXT, default=None)
    firmware_version_status: CplStatus | None = element("DeviceFirmwareVersionStatus", codecs.CPL_STATUS, default=None)
    cpl_status: CplStatus | None = element("CPLStatus", codecs.CPL_STATUS, default=None)
    date_commissioned: str | None = element("DateCommissioned", codecs.TOKEN, default=None)
    import_mpxn: str | None = element("ImportMPxN", codecs.TEXT, default=None)
    secondary_import_mpan: str | None = element("SecondaryImportMPAN", codecs.TEXT, default=None)
    export_mpan: str | None = element("ExportMPAN", codecs.TEXT, default=None)
    esme_variant: str | None = element("ESMEVariant", codecs.TEXT, default=None)
    uprn: str | None = element("UPRN", codecs.DIGITS, default=None)
    property_filter: PropertyFilter | None = element("PropertyFilter", Nested(PropertyFilter), default=None)
    csp_region: CspRegion | None = element("CSPRegion", codecs.CSP_REGION, default=None)
    gbcs_version: str | None = element("DeviceGBCSVersion", codecs.TEXT, default=None)
    han_variant: str | None = element("HANVariant", codecs.TEXT, default=None)
    s1sp: str | None = element("S1SP", codecs.TEXT, default=None)
    connectivity: str | None = element("Connectivity", codecs.TEXT, default=None)


@message
class Inventory:
    """The devices of one premises, 1…17 of them: a hub with its GPF and up to 15 others."""

    devices: tuple[InventoryDevice, ...] = element("", Repeated("Device", InventoryDevice))


@message
class GbcsPayload:
    """A GBCS message as the device sent it."""

    octets: bytes = element("", codecs.BASE64)


@message
class LocalCommand:
    """A GBCS command for the User to deliver locally."""

    octets: bytes = element("GBCSPayload", codecs.BASE64)


@message
class PreCommand:
    """A GBCS command for the User to check against its request, and to sign."""

    gbcs_version: str = element("GBCSVersion", codecs.TEXT)
    octets: bytes = element("GBCSPayload", codecs.BASE64)


@message
class FutureDatedDeviceAlert:
    """What came of a command at the time it was dated for: 8F66 done, 8F67 failed. One of `total` instructions."""

    alert_code: AlertCode = element("FutureDatedAlertCode", codecs.ALERT_CODE)
    octets: bytes = element("GBCSPayload", codecs.BASE64)
    instruction_number: int = element("InstructionNumber", codecs.NUMBER, default=1)
    total: int = element("TotalCommandInstructions", codecs.NUMBER, default=1)


Content = FirmwareWarning | Inventory | GbcsPayload | LocalCommand | PreCommand | FutureDatedDeviceAlert

_WARNINGS: Final = tuple(row.warning for row in REQUESTS.values() if row.warning)
_REFERENCES: Final = ("ServiceReference", "ServiceReferenceVariant")
_PAYLOADS: Final[Mapping[str, type[Content]]] = MappingProxyType(
    {
        "DSPInventory": Inventory,
        "FutureDatedDeviceAlertMessage": FutureDatedDeviceAlert,
        "GBCSPayload": GbcsPayload,
        "LocalCommand": LocalCommand,
        "PreCommand": PreCommand,
    }
)
RESPONSE_CONTENTS: Final = frozenset({*_REFERENCES, *_WARNINGS, *_PAYLOADS})
"""Names of what may stand in a ResponseMessage that hanota reads."""


class _ContentCodec:
    """Codec of a ResponseMessage's content. A firmware warning is called after the service it answers."""

    def read(self, found: Element) -> Content | None:
        contents = [child for child in found if local_name(child) not in _REFERENCES]
        if not contents:
            return None
        name = local_name(contents[0])
        choice = self._choice(found)
        if len(contents) > 1 or name not in choice.options:
            refuse(found, "it holds elements that have no meaning in it")
        content: Content = choice.read(found)
        return content

    def write(self, target: Element, value: Content) -> None:
        choice = self._choice(target)
        if isinstance(value, FirmwareWarning) and choice.name_of(value) is None:
            raise BadValue(kind="content", value=value, expected="no firmware warning in an answer to this service")
        choice.write(target, value)

    def _choice(self, answer: Element) -> Choice:
        row = REQUESTS.get(answer.findtext(qualified(_REFERENCES[1])) or "")
        warning = row.warning if row else None
        options: dict[str, type | Codec[Any]] = {warning: _WarningLists()} if warning else {}
        return Choice(
            {**options, **_PAYLOADS}, name_of=lambda value: warning if isinstance(value, FirmwareWarning) else None
        )


@message
class ResponseMessage:
    """Answer to a service request; without `content` it is an acknowledgement or a refusal, as the code says."""

    service_reference: str = element("ServiceReference", codecs.TEXT)
    service_reference_variant: str = element("ServiceReferenceVariant", codecs.TEXT)
    content: Content | None = element("", _ContentCodec(), default=None)


@message
class DeviceAlertMessage:
    """An alert from a device, passed on whole: `gbcs` is its GBCS message."""

    alert_code: AlertCode = element("AlertCode", codecs.ALERT_CODE)
    throttled_sequence: int | None = element("ThrottledAlertSequenceId", codecs.NUMBER, default=None)
    throttled_count: int | None = element("ThrottledAlertCount", codecs.NUMBER, default=None)
    gbcs: bytes = element("GBCSPayload", codecs.BASE64)


ResponseBody = ResponseMessage | DeviceAlertMessage | DccAlertMessage

RESPONSE_BODIES: Final[Mapping[str, type[ResponseBody]]] = MappingProxyType(
    {
        "ResponseMessage": ResponseMessage,
        "DeviceAlertMessage": DeviceAlertMessage,
        "DCCAlertMessage": DccAlertMessage,
    }
)


@message
class Response:
    """A DUIS response: an answer names the request, an alert has only an id of its own (domain 2.1)."""

    request_id: RequestId | None = element("Header/RequestID", codecs.REQUEST_ID, default=None)
    response_id: RequestId | None = element("Header/ResponseID", codecs.REQUEST_ID, default=None)
    code: ResponseCode = element("Header/ResponseCode", codecs.RESPONSE_CODE)
    at: Instant = element("Header/ResponseDateTime", codecs.TIME)
    body: ResponseBody = element("Body", Choice(RESPONSE_BODIES))
    schema_version: str = attribute("schemaVersion", default=versions.LATEST, tidy=versions.plain)
