"""The request matrix: what a service request is called, who may send it, in which forms and where to (domain 1.5, 2.2).

A row is a service; `carried` and `WEB_SERVICES` go from the command variant in a header to the element in the Body and
to the web service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import UserRole

SIGNED_PRE_COMMAND_VARIANTS: Final = frozenset({5, 6, 7})
"""Command variants whose Body is a SignedPreCommand, whatever the service."""

SIGNED_PRE_COMMAND: Final = "SignedPreCommand"

WEB_SERVICES: Final[Mapping[int, str]] = MappingProxyType(
    {1: "S", 2: "D", 3: "S", 4: "T", 5: "S", 6: "D", 7: "S", 8: "D"}
)
"""Command variant → web service: Send Command, Non-Device, Transform. Variant 9 is internal to the DCC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One service request. `srv` is its ServiceReferenceVariant; `element` and `warning` are names in the Body.

    `non_device`: the DCC answers by itself. `future_dated` says who keeps the time of a dated request: the DSP, the
    Device, or nobody ("").
    """

    srv: str
    service_reference: str
    name: str
    element: str
    command_variants: frozenset[int]
    eligible: frozenset[UserRole]
    critical: bool = False
    non_device: bool = True
    future_dated: str = ""
    warning: str | None = None
    warning_code: ResponseCode | None = None

    def carried(self, command_variant: int) -> str:
        """Name the element in the Body of a request with this command variant."""
        signed = command_variant in SIGNED_PRE_COMMAND_VARIANTS & self.command_variants
        return SIGNED_PRE_COMMAND if signed else self.element


_ALL: Final = frozenset(UserRole)
_SUPPLIERS: Final = frozenset({UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER})
_NON_DEVICE: Final = frozenset({8})  # answered by the DCC itself, at once

_ROWS: Final = (
    RequestRow(
        srv="8.2",
        service_reference="8.2",
        name="Read Inventory",
        element="ReadInventory",
        command_variants=_NON_DEVICE,
        eligible=_ALL,
    ),
    RequestRow(
        srv="8.4",
        service_reference="8.4",
        name="Update Inventory",
        element="UpdateInventory",
        command_variants=_NON_DEVICE,
        eligible=_ALL,
    ),
    RequestRow(
        srv="8.13",
        service_reference="8.13",
        name="Return Local Command Response",
        element="ReturnLocalCommandResponse",
        command_variants=_NON_DEVICE,
        eligible=_SUPPLIERS,
    ),
    RequestRow(
        srv="11.1",
        service_reference="11.1",
        name="Update Firmware",
        element="UpdateFirmware",
        command_variants=_NON_DEVICE,
        eligible=_SUPPLIERS,
        warning="DSPUpdateFirmwareWarning",
        warning_code=ResponseCode.W110101,
    ),
    RequestRow(
        srv="11.2",
        service_reference="11.2",
        name="Read Firmware Version",
        element="ReadFirmwareVersion",
        command_variants=frozenset({1, 2, 3}),
        eligible=_ALL,
        non_device=False,
        future_dated="DSP",
    ),
    RequestRow(
        srv="11.3",
        service_reference="11.3",
        name="Activate Firmware",
        element="ActivateFirmware",
        command_variants=frozenset({4}) | SIGNED_PRE_COMMAND_VARIANTS,
        eligible=_SUPPLIERS,
        critical=True,
        non_device=False,
        future_dated="Device",
    ),
    RequestRow(
        srv="11.4",
        service_reference="11.4",
        name="Update PPMID Firmware",
        element="UpdatePPMIDFirmware",
        command_variants=_NON_DEVICE,
        eligible=_SUPPLIERS,
        warning="DSPUpdatePPMIDFirmwareWarning",
        warning_code=ResponseCode.W110401,
    ),
    RequestRow(
        srv="12.2",
        service_reference="12.2",
        name="Device Pre-notification",
        element="DevicePrenotification",
        command_variants=_NON_DEVICE,
        eligible=_ALL,
    ),
)

REQUESTS: Final[Mapping[str, RequestRow]] = MappingProxyType({row.srv: row for row in _ROWS})
