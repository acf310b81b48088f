"""Every reason why hanota says no, once. Those of devices have their lists here, those of requests their codes in
`refusals.py`.

Several reasons share a DUIS code or list; REST, console and `hanota send` show the reason. Which code stands for which
reason is OPEN in the standard's data: the choice and its grounds are in docs/adr/0002 and docs/errata.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hanota.base.vocabulary.duis import DeviceList


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
    PRECEDING_UNKNOWN = "preceding_unknown"
    PRECEDING_FAILED = "preceding_failed"
    PRECEDING_OPEN = "preceding_open"
    QUARANTINE_DROPPED = "quarantine_dropped"
    QUARANTINE_FULL = "quarantine_full"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_MALFORMED = "image_malformed"
    SEGMENTS_OFF = "segments_off"
    VERSION_NOT_IN_HEADER = "version_not_in_header"
    SUPPLIER_SIGNATURE_BROKEN = "supplier_signature_broken"
    IMAGE_NOT_CERTIFIED = "image_not_certified"
    CERTIFICATION_NOT_ACTIVE = "certification_not_active"
    SEGMENT_CONTRADICTS = "segment_contradicts"
    NO_VALID_DEVICE = "no_valid_device"
    INVENTORY_NOT_FOUND = "inventory_not_found"
    INVENTORY_AMBIGUOUS = "inventory_ambiguous"
    UPDATE_DEVICE_UNKNOWN = "update_device_unknown"
    UPDATE_NOT_RESPONSIBLE = "update_not_responsible"
    STATUS_OF_OTHER_KIND = "status_of_other_kind"
    STATUS_NOT_REACHABLE = "status_not_reachable"
    VERSION_IS_REPORTED = "version_is_reported"
    DETAILS_FIXED = "details_fixed"
    DETAILS_NOT_LISTED = "details_not_listed"
    VERSION_UNREADABLE = "version_unreadable"
    VARIANT_NOT_ESME = "variant_not_esme"
    NOTHING_TO_UPDATE = "nothing_to_update"
    DELETE_NOT_PENDING = "delete_not_pending"
    MPXN_NOT_A_METER = "mpxn_not_a_meter"
    MPXN_MALFORMED = "mpxn_malformed"
    MPXN_TAKEN = "mpxn_taken"
    PRENOTIFIED_ALREADY = "prenotified_already"
    PRENOTIFIED_NOT_LISTED = "prenotified_not_listed"
    PRENOTIFIED_GPF = "prenotified_gpf"
    PRENOTIFIED_VARIANT = "prenotified_variant"
    RETURNED_UNREADABLE = "returned_unreadable"
    RETURNED_WITHOUT_COMMAND = "returned_without_command"
    RETURNED_NOT_AUTHENTIC = "returned_not_authentic"
    TARGET_UNKNOWN = "target_unknown"
    TARGET_NOT_YOURS = "target_not_yours"
    TARGET_OF_OTHER_TYPE = "target_of_other_type"
    TARGET_STATUS = "target_status"
    ESME_UNREACHABLE = "esme_unreachable"
    TARGET_UNREACHABLE = "target_unreachable"
    TIME_NOT_TAKEN = "time_not_taken"
    TIME_IS_PAST = "time_is_past"
    TIME_TOO_FAR = "time_too_far"
    NOTHING_TO_CANCEL = "nothing_to_cancel"
    COUNTER_UNWRITABLE = "counter_unwritable"
    PRE_COMMAND_UNREADABLE = "pre_command_unreadable"
    PRE_COMMAND_OF_ANOTHER = "pre_command_of_another"
    PRE_COMMAND_NOT_SIGNED = "pre_command_not_signed"


class DeviceReason(StrEnum):
    """Why one device is left out of a request, in the order in which it is judged."""

    UNKNOWN = "unknown"
    SMETS1 = "smets1"
    NO_OTA = "no_ota"
    WRONG_SERVICE = "wrong_service"
    NO_HUB = "no_hub"
    NOT_RESPONSIBLE = "not_responsible"
    NOT_COMMISSIONED = "not_commissioned"
    OTHER_MANUFACTURER = "other_manufacturer"
    OTHER_MODEL = "other_model"
    OTHER_HARDWARE = "other_hardware"
    NOT_CERTIFIED_FOR_MODEL = "not_certified_for_model"
    NO_SEGMENTS = "no_segments"
    NO_CAPACITY = "no_capacity"
    REFUSED_BY_CONSUMER = "refused_by_consumer"
    IN_PROGRESS = "in_progress"
    ALREADY_RUNS_IT = "already_runs_it"
    NOT_A_SUCCESSOR = "not_a_successor"
    DOWNGRADE = "downgrade"
    GBCS_TOO_OLD = "gbcs_too_old"
    TOO_SOON = "too_soon"


@dataclass(frozen=True, slots=True)
class DeviceRefusal:
    """The row of a device reason."""

    device_list: DeviceList
    text: str
    remedy: str


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
    _D.NO_HUB: DeviceRefusal(
        _L.NOT_COMMISSIONED, "joined to no Communications Hub", "commission the device on its hub first"
    ),
    _D.NOT_RESPONSIBLE: DeviceRefusal(
        _L.INVALID_DEVICE_ID,
        "the sender is not Responsible Supplier here",
        "only a Responsible Supplier of a meter on this HAN may send",
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
    _D.NO_SEGMENTS: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE, "devices of this type take no image in segments", "send an image in one piece"
    ),
    _D.NO_CAPACITY: DeviceRefusal(
        _L.NOT_APPLICABLE_FIRMWARE, "too small to hold the image", "send a smaller image; segments are joined in it"
    ),
    _D.REFUSED_BY_CONSUMER: DeviceRefusal(
        _L.INVALID_DEVICE_ID,
        "the consumer refused this image, and the refusal still stands",
        "send another image, or this one when the refusal has ended: the refused delivery says when",
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
    _D.TOO_SOON: DeviceRefusal(
        _L.OTHER_REQUEST_IN_PROGRESS,
        "updated less than update.min_interval_days ago",
        "send again when so many days have passed since its last update was confirmed",
    ),
}
