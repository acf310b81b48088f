"""Service requests as frozen values, each with its table of elements (domain 2.3).

Lists of devices stay the text they are in the document, `EUI,EUI,…`: one may name 50,000 devices, and columns are
made from the text at once. `split_devices` and `join_devices` go to values and back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.wire.duis import codecs
from hanota.wire.duis.elements import Choice, Nested, element, message
from hanota.wire.duis.headers import RequestHeader
from hanota.wire.duis.matrix import REQUESTS
from hanota.wire.duis.xml import Element


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
        return codecs.split_devices(self.device_list)


@message
class PropertyFilter:
    """Premises by address: a post code of 6…8 characters, and at most 30 that name the building."""

    post_code: str = element("PostCode", codecs.TEXT)
    address_identifier: str = element("AddressIdentifier", codecs.TEXT)


@message
class ReadInventory:
    """Ask for the devices of one premises (8.2); exactly one of the four says which."""

    header: RequestHeader = element("", Nested(RequestHeader))
    uprn: str | None = element("Body/ReadInventory/UPRN", codecs.DIGITS, default=None)
    device: Eui64 | None = element("Body/ReadInventory/DeviceID", codecs.EUI, default=None)
    mpxn: str | None = element("Body/ReadInventory/MPxN", codecs.TEXT, default=None)
    property_filter: PropertyFilter | None = element(
        "Body/ReadInventory/PropertyFilter", Nested(PropertyFilter), default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate:
    """Set a device's status: of a hub to Commissioned, Withdrawn or InstalledNotCommissioned, of others to Pending or
    InstalledNotCommissioned. `hub` says which of two elements it is, not what the device is.
    """

    status: DeviceStatus
    hub: bool


@dataclass(frozen=True, slots=True)
class _StatusOf:
    """Codec of a StatusUpdate, in the element for hubs or in that for others."""

    hub: bool

    def read(self, found: Element) -> StatusUpdate:
        return StatusUpdate(status=codecs.DEVICE_STATUS.read(found), hub=self.hub)

    def write(self, target: Element, value: StatusUpdate) -> None:
        codecs.DEVICE_STATUS.write(target, value.status)


@message
class DetailsUpdate:
    """Set what is known of a device; what is None stays. This is a User's only way to set a firmware version."""

    manufacturer: str | None = element("DeviceManufacturer", codecs.TEXT, default=None)
    model: str | None = element("DeviceModel", codecs.TEXT, default=None)
    smets_chts_version: str | None = element("SMETSCHTSVersion", codecs.TEXT, default=None)
    firmware_version: str | None = element("FirmwareVersion", codecs.TEXT, default=None)
    esme_variant: str | None = element("ESMEVariant", codecs.TEXT, default=None)


@message
class DeleteDevice:
    """Take a device out of the inventory."""


@message
class MpxnUpdate:
    """Set one of a meter's points of supply; exactly one is given."""

    import_mpxn: str | None = element("ImportMPxN", codecs.TEXT, default=None)
    secondary_import_mpan: str | None = element("SecondaryImportMPAN", codecs.TEXT, default=None)
    export_mpan: str | None = element("ExportMPAN", codecs.TEXT, default=None)


InventoryChange = StatusUpdate | DetailsUpdate | DeleteDevice | MpxnUpdate

_STATUS_ELEMENTS: Final = {False: "UpdateDeviceStatusExceptCH", True: "UpdateDeviceStatusCH"}
_CHANGE: Final = Choice(
    {
        **{name: _StatusOf(hub) for hub, name in _STATUS_ELEMENTS.items()},
        "UpdateDeviceDetails": DetailsUpdate,
        "DeleteDevice": DeleteDevice,
        "UpdateMPxN": MpxnUpdate,
    },
    name_of=lambda change: _STATUS_ELEMENTS[change.hub] if isinstance(change, StatusUpdate) else None,
)


@message
class UpdateInventory:
    """Change what the inventory says of one device (8.4)."""

    header: RequestHeader = element("", Nested(RequestHeader))
    device: Eui64 = element("Body/UpdateInventory/DeviceID", codecs.EUI)
    change: InventoryChange = element("Body/UpdateInventory/", _CHANGE)


@message
class ReturnLocalCommandResponse:
    """Hand in what a device answered to a command that was delivered locally (8.13); `gbcs` is its GBCS message."""

    header: RequestHeader = element("", Nested(RequestHeader))
    original_request_id: RequestId | None = element(
        "Body/ReturnLocalCommandResponse/OriginalRequestID", codecs.REQUEST_ID, default=None
    )
    gbcs: bytes = element("Body/ReturnLocalCommandResponse/DeviceGBCSResponse", codecs.BASE64)


@message
class ReadFirmwareVersion:
    """Ask a device for the version that it runs (11.2), now or at `execution`."""

    header: RequestHeader = element("", Nested(RequestHeader))
    execution: Instant | None = element("Body/ReadFirmwareVersion/ExecutionDateTime", codecs.TIME, default=None)


@message
class ActivateFirmware:
    """Ask for the pre-command that activates an image (11.3, command variant 4), now or at `execution`.

    `firmware_hash` has 32 octets: SHA-256 of the Manufacturer Image. An `execution` in the year 3000 cancels.
    """

    header: RequestHeader = element("", Nested(RequestHeader))
    execution: Instant | None = element("Body/ActivateFirmware/ExecutionDateTime", codecs.TIME, default=None)
    firmware_hash: bytes = element("Body/ActivateFirmware/FirmwareHash", codecs.HEX)


@message
class SignedPreCommand:
    """A pre-command that the User signed, for the device (command variants 5, 6, 7); `gbcs` is the message."""

    header: RequestHeader = element("", Nested(RequestHeader))
    execution: Instant | None = element("Body/SignedPreCommand/ExecutionDateTime", codecs.TIME, default=None)
    gbcs: bytes = element("Body/SignedPreCommand/GBCSPayload", codecs.BASE64)


@message
class DevicePrenotification:
    """Announce a device before it is installed (12.2); `gpf` goes with a hub."""

    header: RequestHeader = element("", Nested(RequestHeader))
    device: Eui64 = element("Body/DevicePrenotification/DeviceID", codecs.EUI)
    manufacturer: str = element("Body/DevicePrenotification/DeviceManufacturer", codecs.TEXT)
    model: str = element("Body/DevicePrenotification/DeviceModel", codecs.TEXT)
    device_type: DeviceType = element("Body/DevicePrenotification/DeviceType", codecs.DEVICE_TYPE)
    smets_chts_version: str | None = element("Body/DevicePrenotification/SMETSCHTSVersion", codecs.TEXT, default=None)
    firmware_version: str | None = element("Body/DevicePrenotification/FirmwareVersion", codecs.TEXT, default=None)
    esme_variant: str | None = element("Body/DevicePrenotification/ESMEVariant", codecs.TEXT, default=None)
    gpf: Eui64 | None = element("Body/DevicePrenotification/AssociatedGPFDeviceID", codecs.EUI, default=None)


Request = (
    ReadInventory
    | UpdateInventory
    | ReturnLocalCommandResponse
    | FirmwareRequest
    | ReadFirmwareVersion
    | ActivateFirmware
    | SignedPreCommand
    | DevicePrenotification
)

REQUEST_BODIES: Final[Mapping[str, type[Request]]] = MappingProxyType(
    {
        "ReadInventory": ReadInventory,
        "UpdateInventory": UpdateInventory,
        "ReturnLocalCommandResponse": ReturnLocalCommandResponse,
        "UpdateFirmware": FirmwareRequest,
        "UpdatePPMIDFirmware": FirmwareRequest,
        "ReadFirmwareVersion": ReadFirmwareVersion,
        "ActivateFirmware": ActivateFirmware,
        "SignedPreCommand": SignedPreCommand,
        "DevicePrenotification": DevicePrenotification,
    }
)
"""What stands in the Body, by the name of its element; the matrix says which name a service has."""
