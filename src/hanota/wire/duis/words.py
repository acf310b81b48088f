"""What the elements of a DUIS message mean, one row each: type in DUIS Schema V5.4 and words for people.

The words of a row are the same for every value, or are made of it. What a response code or a refusal list means is no
fact of the wire; whoever asks for a description brings it along.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Final, NamedTuple

from hanota.base.vocabulary.devices import AlertCode
from hanota.wire.duis.codecs import ALERT_CODE, BASE64
from hanota.wire.duis.matrix import REQUESTS, WEB_SERVICES

_VARIANTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "service request; a command over the wide-area network",
        2: "service request; a command to be delivered locally",
        3: "service request; a command both over the wide-area network and to be delivered locally",
        4: "service request; a pre-command to be checked and signed",
        5: "signed pre-command; a command over the wide-area network",
        6: "signed pre-command; a command to be delivered locally",
        7: "signed pre-command; a command both over the wide-area network and to be delivered locally",
        8: "service request; the DCC answers by itself",
        9: "not for Users",
    }
)
_SERVICE_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"S": "Send Command Service", "D": "Non-Device Service", "T": "Transform Service"}
)


def _variant(text: str) -> str | None:
    number = int(text) if text.strip().isdecimal() and len(text) < 4 else 0
    service = WEB_SERVICES.get(number)
    words = _VARIANTS.get(number)
    return f"{words} ({_SERVICE_NAMES[service]})" if words and service else words


def _service(text: str) -> str | None:
    row = REQUESTS.get(text)
    return None if row is None else row.name


def _id(text: str) -> str | None:
    parts = text.strip().split(":")
    return f"from {parts[0]} to {parts[1]}, counter {parts[2]}" if len(parts) == 3 else None


def _alert(text: str) -> str | None:
    code = ALERT_CODE.parse(text)
    return code.name.lower().replace("_", " ") if isinstance(code, AlertCode) and code.known else None


def _devices(text: str) -> str:
    return f"{text.count(',') + 1} devices" if "," in text else "1 device"


def _octets(text: str) -> str:
    octets = BASE64.parse(text)
    return f"{len(octets)} octets, SHA-256 {sha256(octets).hexdigest()}"


class Words(NamedTuple):
    """One element: its type in the official schema, and what it means."""

    type: str
    means: str | Callable[[str], str | None]


WORDS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "RequestID": Words("RequestIDType", _id),
        "ResponseID": Words("ResponseIDType", _id),
        "PrecedingServiceRequestID": Words("RequestIDType", _id),
        "OriginalRequestID": Words("RequestIDType", _id),
        "CommandRequestID": Words("RequestIDType", _id),
        "UpdateFirmwareRequestID": Words("RequestIDType", _id),
        "FirstInSequence": Words("Request", "whether it begins a sequence of requests"),
        "CommandVariant": Words("CommandVariant", _variant),
        "ServiceReference": Words("ServiceReference", _service),
        "ServiceReferenceVariant": Words("ServiceReferenceVariant", _service),
        "ResponseCode": Words("ResponseCode", lambda _: None),
        "ResponseDateTime": Words("Response", "when it was made"),
        "UPRN": Words("UPRN", "number of the premises"),
        "DeviceID": Words("EUI", "the device"),
        "MPxN": Words("ImportMPxN", "point of supply"),
        "ImportMPxN": Words("ImportMPxN", "point of supply, import"),
        "SecondaryImportMPAN": Words("MPAN", "second point of supply, import"),
        "ExportMPAN": Words("MPAN", "point of supply, export"),
        "PostCode": Words("PostCode", "of the premises"),
        "AddressIdentifier": Words("AddressIdentifier", "of the premises within the post code"),
        "UpdateDeviceStatusExceptCH": Words("UpdateDeviceStatusExceptCH", "new status of a device that is no hub"),
        "UpdateDeviceStatusCH": Words("UpdateDeviceStatusCH", "new status of a hub"),
        "DeleteDevice": Words("DeleteDevice", "take the device out of the inventory"),
        "DeviceManufacturer": Words("DeviceManufacturer", "ZigBee manufacturer code"),
        "DeviceModel": Words("DeviceModel", "image type and hardware version, four hex digits each"),
        "SMETSCHTSVersion": Words("SMETSCHTSVersion", "specification that the device keeps to"),
        "FirmwareVersion": Words("FirmwareVersion", "File Version of the OTA header"),
        "ESMEVariant": Words("ESMEVariant", "build of an electricity meter"),
        "DeviceGBCSResponse": Words("ReturnLocalCommandResponse", _octets),
        "FirmwareImage": Words("UpdateFirmware", _octets),
        "DeviceIDList": Words("UpdateFirmware", _devices),
        "ExecutionDateTime": Words("FutureDatedAbstractType", "when it is to be done; not at once"),
        "FirmwareHash": Words("ActivateFirmware", "SHA-256 of the Manufacturer Image"),
        "GBCSPayload": Words("xs:base64Binary", _octets),
        "GBCSVersion": Words("PreCommand", "version of GBCS that the pre-command keeps to"),
        "DeviceType": Words("DeviceType", "kind of device"),
        "AssociatedGPFDeviceID": Words("EUI", "Gas Proxy Function in the same hub"),
        "DeviceStatus": Words("DeviceStatus", "standing in the inventory"),
        "DeviceFirmwareVersion": Words("FirmwareVersion", "version in the inventory"),
        "DeviceFirmwareVersionStatus": Words("FirmwareVersionStatus", "standing of that version"),
        "CPLStatus": Words("CPLStatus", "standing on the Certified Product List"),
        "DateCommissioned": Words("Device", "day of commissioning"),
        "CSPRegion": Words("CSPRegion", "network that carries to the hub"),
        "DeviceGBCSVersion": Words("Device", "version of GBCS that the device keeps to"),
        "HANVariant": Words("Device", "radio bands of the hub"),
        "S1SP": Words("Device", "provider for a SMETS1 device"),
        "Connectivity": Words("Connectivity", "kind of connection to the wide-area network"),
        "InvalidDeviceIDList": Words("DeviceIDList", _devices),
        "NotCommissionedDeviceIDList": Words("DeviceIDList", _devices),
        "NotApplicableFirmwareDeviceIDList": Words("DeviceIDList", _devices),
        "OtherRequestInProgressList": Words("DeviceIDList", _devices),
        "InvalidGBCSVersionList": Words("DeviceIDList", _devices),
        "FutureDatedAlertCode": Words("FutureDatedDeviceAlertMessage", _alert),
        "InstructionNumber": Words("FutureDatedDeviceAlertMessage", "which instruction of the command"),
        "TotalCommandInstructions": Words("FutureDatedDeviceAlertMessage", "how many it has"),
        "AlertCode": Words("xs:hexBinary", _alert),
        "DeviceAlertCode": Words("xs:hexBinary", _alert),
        "ThrottledAlertSequenceId": Words("xs:unsignedInt", "sequence of alerts that are held down"),
        "ThrottledAlertCount": Words("xs:unsignedInt", "alerts that were held down"),
        "DCCAlertCode": Words("DCCAlertMessage", lambda _: None),
        "DSPScheduleID": Words("scheduleID", "schedule that the command belongs to"),
        "MeterIDs": Words("DeviceIDList", _devices),
        "DeviceList": Words("DeviceIDList", _devices),
        "ActivateImageResultCode": Words("PPMIDFirmwareUpgradeAlert", "outcome of the activation"),
        "QuarantineEventRef": Words("ADBreach", "the DCC's number of this quarantine"),
        "DeviceSuspended": Words("DeviceSuspendedOrRestored", "no longer to be sent commands"),
        "DeviceRestored": Words("DeviceSuspendedOrRestored", "back in its former status"),
        "FirmwareVersionSMI": Words("FirmwareVersion", "version in the inventory"),
        "FirmwareVersionDevice": Words("FirmwareVersion", "version that the device runs"),
        "CommsHubDeviceID": Words("EUI", "Communications Hub Function"),
        "TargetDeviceID": Words("EUI", "device that the image is for"),
        "OtherDeviceID": Words("EUI", "device that the image is for"),
        "TimeStamp": Words("xs:dateTime", "when it happened"),
        "Timestamp": Words("xs:dateTime", "when it happened"),
        "CommsHubTransferStatus": Words("CSPFirmwareDeliveryStatus", "whether the image arrived at the hub"),
        "TransferResponseCode": Words("FirmwareTransferAlert", "outcome of the transfer to the device"),
        "ServiceRequestDUISVersion": Words("ServiceResponseVersionMismatch", "version of the request"),
        "ServiceUserDUISVersion": Words("DUISVersionMismatch", "version that the User takes"),
        "ReadFirmwareVersion": Words("ReadFirmwareVersion", "of the device that the RequestID targets"),
    }
)
"""Elements without children, by name. Others, of services that hanota doesn't serve, are told without words."""
