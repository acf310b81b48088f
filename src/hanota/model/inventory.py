"""What the Smart Metering Inventory knows of a device, and how a User may change it (8.4, 12.2; R5).

The standard does not publish which status may follow which, nor when details may change: both tables are a choice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import CspRegion, DeviceStatus, DeviceType

DEVICES_OF_PREMISES_MAX: Final = 17
"""How many devices an inventory answer holds (DUIS DSPInventory)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDevice:
    """A device as the inventory has it. `premises` and `hub` are None for a device that is not installed yet."""

    eui: Eui64
    device_type: DeviceType
    status: DeviceStatus
    premises: int | None
    hub: Eui64 | None
    region: CspRegion | None
    manufacturer: int
    image_type: int
    hardware: int
    version: int | None
    gbcs_version: str
    prenotified_by: Eui64 | None = None

    @property
    def in_use(self) -> bool:
        """Whether it has been commissioned: from then on only its own reports change its version (R5)."""
        return self.status not in NOT_YET_COMMISSIONED


_S = DeviceStatus
NOT_YET_COMMISSIONED: Final = frozenset({_S.PENDING, _S.WHITELISTED, _S.INSTALLED_NOT_COMMISSIONED})

STATUS_AFTER: Final[Mapping[tuple[bool, DeviceStatus], frozenset[DeviceStatus]]] = {
    (False, _S.PENDING): frozenset({_S.WHITELISTED, _S.INSTALLED_NOT_COMMISSIONED}),
    (False, _S.INSTALLED_NOT_COMMISSIONED): frozenset({_S.PENDING, _S.WHITELISTED}),
    (True, _S.INSTALLED_NOT_COMMISSIONED): frozenset({_S.PENDING}),
    (True, _S.COMMISSIONED): frozenset({_S.INSTALLED_NOT_COMMISSIONED, _S.PENDING}),
    (True, _S.WITHDRAWN): frozenset({_S.PENDING, _S.INSTALLED_NOT_COMMISSIONED, _S.DECOMMISSIONED}),
}
"""From which statuses a User may set one: by whether it is a hub, and the status wanted. None leads back from
Commissioned: one supplier of a home could take the hub from the others."""

HUB_TYPES: Final = frozenset({DeviceType.CHF, DeviceType.GPF})
METERS: Final = frozenset({DeviceType.ESME, DeviceType.GSME})

_MANUFACTURER: Final = re.compile(r"[0-9A-Fa-f]{4}\Z")
_MODEL: Final = re.compile(r"[0-9A-Fa-f]{8}\Z")
_VERSION: Final = re.compile(r"[0-9A-Fa-f]{1,8}\Z")
_METER_POINTS: Final[Mapping[tuple[DeviceType, str], re.Pattern[str]]] = {
    (DeviceType.ESME, "import"): re.compile(r"[0-9]{13}\Z"),
    (DeviceType.ESME, "secondary"): re.compile(r"[0-9]{13}\Z"),
    (DeviceType.ESME, "export"): re.compile(r"[0-9]{13}\Z"),
    (DeviceType.GSME, "import"): re.compile(r"[0-9]{1,10}\Z"),
}


@dataclass(frozen=True, slots=True)
class ModelNumbers:
    """What DeviceManufacturer and DeviceModel say in hex digits (domain 1.3)."""

    manufacturer: int
    image_type: int
    hardware: int


def model_numbers(manufacturer: str, model: str) -> ModelNumbers | None:
    """Read DeviceManufacturer (4 hex digits) and DeviceModel (8); None for a device outside GBCS."""
    if not (_MANUFACTURER.match(manufacturer) and _MODEL.match(model)):
        return None
    return ModelNumbers(int(manufacturer, 16), int(model[:4], 16), int(model[4:], 16))


def version_number(text: str) -> int | None:
    """Read FirmwareVersion as the number that devices report; None for text that is no hex number."""
    return int(text, 16) if _VERSION.match(text) else None


def meter_point_fits(device_type: DeviceType, which: str, number: str) -> bool:
    """Say whether a meter of this type may have this number; `which` is import, secondary or export."""
    pattern = _METER_POINTS.get((device_type, which))
    return pattern is not None and pattern.match(number) is not None
