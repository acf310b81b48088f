"""DCC Alerts as frozen values, each with its table of elements (domain 2.5)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType, TransferResponseCode
from hanota.base.vocabulary.duis import DccAlertCode
from hanota.wire.duis import codecs
from hanota.wire.duis.elements import ChildName, Choice, Nested, element, message

QuarantineKind = Literal["ADUserThresholdBreach", "ADDCCThresholdBreach", "ADAttributeLimitsBreach"]
StatusChange = Literal["DeviceSuspended", "DeviceRestored"]


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
        return codecs.split_devices(self.device_list)


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
class QuarantinedRequest:
    """Anomaly detection holds a request back; `kind` says which limit it broke, `event_ref` is the DCC's number."""

    kind: QuarantineKind = element("", ChildName(get_args(QuarantineKind)))
    request_id: RequestId = element(lambda values: f"{values['kind']}/RequestID", codecs.REQUEST_ID)
    event_ref: int = element(lambda values: f"{values['kind']}/QuarantineEventRef", codecs.NUMBER)


@message
class DeviceStatusChangeEvent:
    """A device was suspended because its firmware isn't valid any more, or restored to its former status."""

    device: Eui64 = element("DeviceID", codecs.EUI)
    change: StatusChange = element("DeviceStatusChange/", ChildName(get_args(StatusChange)))


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
        return codecs.split_devices(self.device_list)


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


@message
class CommsHubFirmwareActivation:
    """A hub activated firmware of its own (N64)."""

    device: Eui64 = element("DeviceID", codecs.EUI)
    firmware_version: str = element("FirmwareVersion", codecs.TEXT)


@message
class AlertVersionMismatch:
    """An alert that the User's version of DUIS has no room for."""

    code: str = element("DCCAlertCode", codecs.TEXT)
    device: Eui64 | None = element("DeviceID", codecs.EUI, default=None)
    request_id: RequestId | None = element("RequestID", codecs.REQUEST_ID, default=None)


@message
class ResponseVersionMismatch:
    """An answer that the User's version of DUIS has no room for."""

    request_id: RequestId = element("RequestID", codecs.REQUEST_ID)
    service_reference: str = element("ServiceReference", codecs.TEXT)
    service_reference_variant: str = element("ServiceReferenceVariant", codecs.TEXT)
    request_version: str = element("ServiceRequestDUISVersion", codecs.TEXT)


@message
class DuisVersionMismatch:
    """Something could not be told in the version of DUIS that the User speaks."""

    about: AlertVersionMismatch | ResponseVersionMismatch = element(
        "",
        Choice(
            {
                "DCCAlertVersionMismatch": AlertVersionMismatch,
                "ServiceResponseVersionMismatch": ResponseVersionMismatch,
            }
        ),
    )
    user_version: str = element("ServiceUserDUISVersion", codecs.TEXT)


DccAlert = (
    DeviceStatusChangeEvent
    | CommandFailure
    | FirmwareDistributionFailure
    | PpmidAlert
    | QuarantinedRequest
    | FirmwareVersionMismatch
    | FirmwareUpgradeRequested
    | CspFirmwareDeliveryStatus
    | CommsHubAlert
    | CommsHubFirmwareActivation
    | DuisVersionMismatch
)

DCC_ALERTS: Final[Mapping[str, type[DccAlert]]] = MappingProxyType(
    {
        "DeviceStatusChangeEvent": DeviceStatusChangeEvent,
        "CommandFailure": CommandFailure,
        "FirmwareDistributionFailure": FirmwareDistributionFailure,
        "PPMIDAlert": PpmidAlert,
        "QuarantinedRequest": QuarantinedRequest,
        "FirmwareVersionMismatch": FirmwareVersionMismatch,
        "FirmwareUpgradeRequested": FirmwareUpgradeRequested,
        "CSPFirmwareDeliveryStatus": CspFirmwareDeliveryStatus,
        "CommsHubAlert": CommsHubAlert,
        "CommsHubFirmwareActivation": CommsHubFirmwareActivation,
        "DUISVersionMismatch": DuisVersionMismatch,
    }
)


@message
class DccAlertMessage:
    """An alert by the DCC (domain 2.5). The schema doesn't tie the code to the kind of alert."""

    code: DccAlertCode = element("DCCAlertCode", codecs.DCC_ALERT_CODE)
    throttled_sequence: int | None = element("ThrottledAlertSequenceId", codecs.NUMBER, default=None)
    throttled_count: int | None = element("ThrottledAlertCount", codecs.NUMBER, default=None)
    alert: DccAlert = element("DCCAlert", Choice(DCC_ALERTS))
