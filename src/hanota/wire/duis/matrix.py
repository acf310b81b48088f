"""The request matrix: what a service request is called, who may send it and how the answer to it warns (domain 1.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import UserRole


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One service request. `srv` is its ServiceReferenceVariant; `element` and `warning` are names in the Body."""

    srv: str
    service_reference: str
    name: str
    element: str
    command_variants: frozenset[int]
    eligible: frozenset[UserRole]
    warning: str
    warning_code: ResponseCode


_SUPPLIERS: Final = frozenset({UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER})
_NON_DEVICE: Final = frozenset({8})  # answered by the DCC itself, at once

_ROWS: Final = (
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
        srv="11.4",
        service_reference="11.4",
        name="Update PPMID Firmware",
        element="UpdatePPMIDFirmware",
        command_variants=_NON_DEVICE,
        eligible=_SUPPLIERS,
        warning="DSPUpdatePPMIDFirmwareWarning",
        warning_code=ResponseCode.W110401,
    ),
)

REQUESTS: Final[Mapping[str, RequestRow]] = MappingProxyType({row.srv: row for row in _ROWS})
