"""Every reason why hanota says no, once: its DUIS code or list, its text and its remedy.

Several reasons share a DUIS code or list; REST, console and `hanota send` show the reason. Which code stands for which
reason is OPEN in the standard's data: the choice and its grounds are in docs/adr/0002 and docs/errata.md.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hanota.base.vocabulary.duis import DeviceList, ResponseCode

_SERVICE: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\Z")


class RequestReason(StrEnum):
    """Why a whole request is refused, in the order in which it is judged: the first that holds is the answer."""

    TOO_LARGE_TO_READ = "too_large_to_read"
    NOT_XML = "not_xml"
    SERVICE_NOT_HANDLED = "service_not_handled"
    SCHEMA_INVALID = "schema_invalid"
    UNSIGNED = "unsigned"
    SIGNATURE_BROKEN = "signature_broken"
    SIGNER_UNKNOWN = "signer_unknown"
    SIGNER_OUT_OF_DATE = "signer_out_of_date"
    SIGNER_REVOKED = "signer_revoked"
    SIGNER_NOT_XML_SIGNER = "signer_not_xml_signer"
    SIGNER_NOT_ORIGINATOR = "signer_not_originator"
    REQUEST_ID_REUSED = "request_id_reused"
    ORIGINATOR_UNKNOWN = "originator_unknown"
    ROLE_NOT_ELIGIBLE = "role_not_eligible"
    WRONG_COMMAND_VARIANT = "wrong_command_variant"
    WRONG_WEB_SERVICE = "wrong_web_service"
    WRONG_TARGET = "wrong_target"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_MALFORMED = "image_malformed"
    VERSION_NOT_IN_HEADER = "version_not_in_header"
    IMAGE_NOT_CERTIFIED = "image_not_certified"
    CERTIFICATION_NOT_ACTIVE = "certification_not_active"
    NO_VALID_DEVICE = "no_valid_device"


class DeviceReason(StrEnum):
    """Why one device is left out of a request, in the order in which it is judged."""

    UNKNOWN = "unknown"
    SMETS1 = "smets1"
    NO_OTA = "no_ota"
    WRONG_SERVICE = "wrong_service"
    NOT_RESPONSIBLE = "not_responsible"
    NO_HUB = "no_hub"
    NOT_COMMISSIONED = "not_commissioned"
    OTHER_MANUFACTURER = "other_manufacturer"
    OTHER_MODEL = "other_model"
    OTHER_HARDWARE = "other_hardware"
    NOT_CERTIFIED_FOR_MODEL = "not_certified_for_model"
    NO_CAPACITY = "no_capacity"
    IN_PROGRESS = "in_progress"
    ALREADY_RUNS_IT = "already_runs_it"
    NOT_A_SUCCESSOR = "not_a_successor"
    DOWNGRADE = "downgrade"
    GBCS_TOO_OLD = "gbcs_too_old"


@dataclass(frozen=True, slots=True)
class RequestRefusal:
    """The row of a request reason. `{srv}` in `code` stands for the service's number, as in E110101 and E110401."""

    code: str
    text: str
    remedy: str

    def code_for(self, service_reference: str) -> ResponseCode:
        """Give the DUIS code; `E{srv}01` becomes E110101 for 11.1 and E110401 for 11.4. Never fails."""
        known = _SERVICE.match(service_reference)  # it may be whatever a stranger wrote
        return ResponseCode(self.code.format(srv=f"{int(known[1]):02d}{int(known[2]):02d}" if known else "0000"))


@dataclass(frozen=True, slots=True)
class DeviceRefusal:
    """The row of a device reason."""

    device_list: DeviceList
    text: str
    remedy: str


_R = RequestReason
REQUEST_REFUSALS: Final[dict[RequestReason, RequestRefusal]] = {
    _R.TOO_LARGE_TO_READ: RequestRefusal(
        "E110405", "a text of the document is longer than can be read", "keep the image within 750 kB"
    ),
    _R.NOT_XML: RequestRefusal("E100", "the body is not a well-formed DUIS document", "send UTF-8 XML without DOCTYPE"),
    _R.SERVICE_NOT_HANDLED: RequestRefusal(
        "E12", "this Service Request is not handled here", "send 11.1 or 11.4; see the list of services"
    ),
    _R.SCHEMA_INVALID: RequestRefusal(
        "E100", "the document does not keep the DUIS schema", "validate it against DUIS 5.4 before signing"
    ),
    _R.UNSIGNED: RequestRefusal("E100", "the request carries no signature", "sign it, e.g. with `hanota send`"),
    _R.SIGNATURE_BROKEN: RequestRefusal(
        "E100", "the signature does not fit the document", "sign again; nothing may change afterwards"
    ),
    _R.SIGNER_UNKNOWN: RequestRefusal(
        "E100", "no certificate with this issuer and serial number is known", "register the signing certificate"
    ),
    _R.SIGNER_OUT_OF_DATE: RequestRefusal(
        "E100", "the signing certificate is not valid at this time", "sign with a certificate in force"
    ),
    _R.SIGNER_REVOKED: RequestRefusal("E100", "the signing certificate is revoked", "sign with another certificate"),
    _R.SIGNER_NOT_XML_SIGNER: RequestRefusal(
        "E100", "the certificate is not one for signing XML (OU 87)", "sign with the XML-signing certificate"
    ),
    _R.SIGNER_NOT_ORIGINATOR: RequestRefusal(
        "E100", "the signer is not the originator named in the RequestID", "let the originator sign"
    ),
    _R.REQUEST_ID_REUSED: RequestRefusal(
        "E19", "this RequestID was used before with other contents", "use a new counter"
    ),
    _R.ORIGINATOR_UNKNOWN: RequestRefusal("E1", "the originator is no registered party", "register the party"),
    _R.ROLE_NOT_ELIGIBLE: RequestRefusal(
        "E1", "the originator's roles may not use this service", "11.1 and 11.4 are for roles IS and GS"
    ),
    _R.WRONG_COMMAND_VARIANT: RequestRefusal(
        "E12", "the command variant does not fit this service", "use command variant 8"
    ),
    _R.WRONG_WEB_SERVICE: RequestRefusal(
        "E12", "this request goes to another web service", "post command variant 8 to the Non-Device Service"
    ),
    _R.WRONG_TARGET: RequestRefusal("E12", "the target is not the DCC", "put the DCC's EUI in the RequestID"),
    _R.IMAGE_TOO_LARGE: RequestRefusal(
        "E{srv}05", "the image is larger than policy image.max_octets", "make it smaller, or use segments"
    ),
    _R.IMAGE_MALFORMED: RequestRefusal(
        "E{srv}02", "the OTA header can't be read or contradicts the file", "check it with `hanota image inspect`"
    ),
    _R.VERSION_NOT_IN_HEADER: RequestRefusal(
        "E{srv}02",
        "FirmwareVersion differs from the image's File Version",
        "write the header's File Version as 8 hex digits, or set policy check.version_matches_header to warn",
    ),
    _R.IMAGE_NOT_CERTIFIED: RequestRefusal(
        "E{srv}01", "the image's hash is not on the Certified Product List", "load a newer list or ask its maker"
    ),
    _R.CERTIFICATION_NOT_ACTIVE: RequestRefusal(
        "E{srv}01", "the image's entry on the Certified Product List is not Active", "send a version that is certified"
    ),
    _R.NO_VALID_DEVICE: RequestRefusal(
        "E{srv}03", "no device of the request may be updated", "see the lists: each device has its reason"
    ),
}

_D, _L = DeviceReason, DeviceList
DEVICE_REFUSALS: Final[dict[DeviceReason, DeviceRefusal]] = {
    _D.UNKNOWN: DeviceRefusal(_L.INVALID_DEVICE_ID, "not in the inventory", "check the EUI, or pre-notify the device"),
    _D.SMETS1: DeviceRefusal(_L.INVALID_DEVICE_ID, "a SMETS1 device", "SMETS1 devices are updated by their S1SP"),
    _D.NO_OTA: DeviceRefusal(
        _L.INVALID_DEVICE_ID, "devices of this type are not updated over the air", "leave it out; see its profile"
    ),
    _D.WRONG_SERVICE: DeviceRefusal(
        _L.INVALID_DEVICE_ID,
        "devices of this type are updated by another Service Request",
        "11.1 for ESME, GSME and HCALCS; 11.4 for PPMID and IHD",
    ),
    _D.NOT_RESPONSIBLE: DeviceRefusal(
        _L.INVALID_DEVICE_ID,
        "the sender is not Responsible Supplier here",
        "only a Responsible Supplier of a meter on this HAN may send",
    ),
    _D.NO_HUB: DeviceRefusal(
        _L.NOT_COMMISSIONED, "joined to no Communications Hub", "commission the device on its hub first"
    ),
    _D.NOT_COMMISSIONED: DeviceRefusal(_L.NOT_COMMISSIONED, "not commissioned", "commission the device first"),
    _D.OTHER_MANUFACTURER: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE, "of another manufacturer than the image", "send its own maker's image"
    ),
    _D.OTHER_MODEL: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE, "of another image type than the image", "send the image for its model"
    ),
    _D.OTHER_HARDWARE: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE, "outside the image's hardware range", "send an image for its hardware version"
    ),
    _D.NOT_CERTIFIED_FOR_MODEL: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE, "the image is not certified for its model", "ask the maker for the list entry"
    ),
    _D.NO_CAPACITY: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE, "too small to hold the image", "send a smaller image or segments"
    ),
    _D.IN_PROGRESS: DeviceRefusal(
        _L.OTHER_REQUEST_IN_PROGRESS, "another update of this device is open", "send again when it has ended"
    ),
    _D.ALREADY_RUNS_IT: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE, "already runs this version", "nothing to do for this device"
    ),
    _D.NOT_A_SUCCESSOR: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE,
        "runs a version that the list does not name as predecessor",
        "update it first to a version that the list names",
    ),
    _D.DOWNGRADE: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE, "runs a later version", "set policy version.downgrade to allow if it is meant"
    ),
    _D.GBCS_TOO_OLD: DeviceRefusal(
        _L.INVALID_GBCS_VERSION, "its hub or itself is of a GBCS version without this", "update the hub first"
    ),
}
