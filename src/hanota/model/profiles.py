"""Device profiles: one row a device type. Adding a device type is adding a row (R2).

Source: design 3 "Device profile"; GBCS 11.2 for who signs; the minutes for scope and certification (R1, R2, R4).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hanota.base.limits import IMAGE_OCTETS_MAX_BUSINESS
from hanota.base.vocabulary.devices import DeviceType


class Eligibility(StrEnum):
    """Who may send an image to a device."""

    RESPONSIBLE_FOR_METER = "the Responsible Supplier of this meter"
    ANY_RESPONSIBLE_ON_HAN = "any Responsible Supplier of a meter on this HAN"


class Activation(StrEnum):
    """What makes a device run an image that it holds."""

    ON_RECEIPT = "the hub, once the device holds the image"
    SIGNED_COMMAND = "a CS06 command signed by the Supplier"


class Slot(StrEnum):
    """Which of a hub's slots an image takes under policy `hub.slots: as_set` (R11)."""

    ESME = "ESME"
    GSME = "GSME"
    SHARED = "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """What holds for every device of a type. `ota` False comes with the reason why not.

    `gbcs`: it has GBCS security credentials of its own, so it can be asked and believed; for others its hub speaks.
    `own_receipt`: it tells its Supplier itself how it found an image (0x00CE, 0x00CF); of others the hub tells the DCC
    (CCS08; domain 7.1).
    """

    device_type: DeviceType
    ota: bool
    why_not: str = ""
    service_reference: str = ""
    eligibility: Eligibility = Eligibility.ANY_RESPONSIBLE_ON_HAN
    cpa_certified: bool = False
    supplier_signed: bool = False
    activation: Activation = Activation.ON_RECEIPT
    slot: Slot = Slot.SHARED
    capacity_octets: int = IMAGE_OCTETS_MAX_BUSINESS
    segments: bool = False
    sleepy: bool = False
    consent_display: bool = False
    refuses_hht: bool = False
    gbcs: bool = True
    own_receipt: bool = False


def _signed(
    device_type: DeviceType, *, slot: Slot = Slot.SHARED, sleepy: bool = False, own_receipt: bool = False
) -> DeviceProfile:
    """Meters and HCALCS: sent by 11.1, signed by their Supplier, activated by CS06 (R1, R17)."""
    return DeviceProfile(
        device_type=device_type,
        ota=True,
        service_reference="11.1",
        eligibility=Eligibility.RESPONSIBLE_FOR_METER,
        cpa_certified=True,
        supplier_signed=True,
        activation=Activation.SIGNED_COMMAND,
        slot=slot,
        sleepy=sleepy,
        own_receipt=own_receipt,
    )


def _display(device_type: DeviceType, *, gbcs: bool = True) -> DeviceProfile:
    """Devices that a consumer looks at: sent by 11.4, unsigned, activated by the hub, maybe in segments (R1, R7)."""
    return DeviceProfile(
        device_type=device_type, ota=True, service_reference="11.4", segments=True, consent_display=True, gbcs=gbcs
    )


PROFILES: Final[dict[DeviceType, DeviceProfile]] = {
    row.device_type: row
    for row in (
        _signed(DeviceType.ESME, slot=Slot.ESME, own_receipt=True),
        _signed(DeviceType.GSME, slot=Slot.GSME, sleepy=True, own_receipt=True),
        _signed(DeviceType.HCALCS),
        _display(DeviceType.PPMID),
        _display(DeviceType.IHD, gbcs=False),
        DeviceProfile(
            device_type=DeviceType.CAD,
            ota=False,
            why_not="CADs are out of scope until a modification adds them",
            gbcs=False,
        ),
        DeviceProfile(
            device_type=DeviceType.CHF, ota=False, why_not="hub firmware is the CSP's, not sent by this request"
        ),
        DeviceProfile(device_type=DeviceType.GPF, ota=False, why_not="the Gas Proxy Function is updated with its hub"),
    )
}


def types_where(holds: Callable[[DeviceProfile], bool]) -> list[str]:
    """Give the names of the device types for whose row `holds`. Asked whenever it is needed, a row added counts."""
    return sorted(kind.value for kind, row in PROFILES.items() if holds(row))
