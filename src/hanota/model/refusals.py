"""Why a whole request is refused: one row a reason, with its DUIS code, its text and its remedy.

Codes whose meanings are not public are chosen here: docs/adr/0002.
"""

from dataclasses import dataclass
from typing import Final

from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.reasons import RequestReason

_NUMBERS: Final = {"11.1": "1101", "11.4": "1104", "": "1104"}  # none: what could not be read so far


@dataclass(frozen=True, slots=True)
class RequestRefusal:
    """The row of a request reason. `{srv}` in `code` stands for the service's number, as in E110101 and E110401."""

    code: str
    text: str
    remedy: str

    def code_for(self, service_reference: str) -> ResponseCode:
        """Give the DUIS code; `E{srv}01` becomes E110101 for 11.1 and E110401 for 11.4, else E100. Never fails.

        `service_reference` is empty for a document in which none could be read.
        """
        number = _NUMBERS.get(service_reference)  # it may be whatever a stranger wrote
        if "{srv}" in self.code and number is None:
            return ResponseCode.E100
        return ResponseCode(self.code.format(srv=number))


_R = RequestReason
REQUEST_REFUSALS: Final[dict[RequestReason, RequestRefusal]] = {
    _R.TOO_LARGE_TO_READ: RequestRefusal(
        "E{srv}05", "a text of the document is longer than can be read", "keep the image within 750 kB"
    ),
    _R.NOT_XML: RequestRefusal("E100", "the body is not a well-formed DUIS document", "send UTF-8 XML without DOCTYPE"),
    _R.SERVICE_NOT_HANDLED: RequestRefusal(
        "E12", "this Service Request is not handled here", "send one of 8.2, 8.4, 8.13, 11.1 to 11.4, 12.2"
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
        "E1",
        "the originator's roles may not use this service",
        "firmware is for roles IS and GS; see the matrix",
    ),
    _R.WRONG_COMMAND_VARIANT: RequestRefusal(
        "E12", "the command variant does not fit this service", "8 for the DCC's own; 11.2: 1 to 3; 11.3: 4 to 7"
    ),
    _R.WRONG_WEB_SERVICE: RequestRefusal(
        "E12",
        "this request goes to another web service",
        "2, 6, 8: serviceD; 1, 3, 5, 7: serviceS; 4: serviceT",
    ),
    _R.WRONG_TARGET: RequestRefusal(
        "E12", "the DCC is the target of what only it answers, a device of all else", "correct the RequestID's target"
    ),
    _R.PRECEDING_UNKNOWN: RequestRefusal(
        "E40", "the preceding request is none that the DCC accepted from this User", "send that one first"
    ),
    _R.PRECEDING_FAILED: RequestRefusal("E41", "the preceding request has failed", "begin the sequence again"),
    _R.PRECEDING_OPEN: RequestRefusal(
        "E42", "the preceding request has not ended yet", "send it again when the answer to that one has come"
    ),
    _R.QUARANTINE_DROPPED: RequestRefusal(
        "E45", "the request was held as an anomaly and dropped by the DCC", "speak to the DCC's service desk"
    ),
    _R.QUARANTINE_FULL: RequestRefusal(
        "E46", "too many requests of this User are held as anomalies already", "speak to the DCC's service desk"
    ),
    _R.IMAGE_TOO_LARGE: RequestRefusal(
        "E{srv}05", "the image is larger than policy image.max_octets", "make it smaller, or use segments"
    ),
    _R.IMAGE_MALFORMED: RequestRefusal(
        "E{srv}02", "the OTA header can't be read or contradicts the file", "check it with `hanota image inspect`"
    ),
    _R.SEGMENTS_OFF: RequestRefusal(
        "E{srv}05", "images in segments are not taken", "set policy image.segments to on, or make the image smaller"
    ),
    _R.VERSION_NOT_IN_HEADER: RequestRefusal(
        "E{srv}02",
        "FirmwareVersion differs from the image's File Version",
        "write the header's File Version as 8 hex digits, or set policy check.version_matches_header to warn",
    ),
    _R.SUPPLIER_SIGNATURE_BROKEN: RequestRefusal(
        "E110106", "the image is not signed by the sender as Authorising Remote Party", "sign it: `hanota image build`"
    ),
    _R.IMAGE_NOT_CERTIFIED: RequestRefusal(
        "E{srv}01", "the image's hash is not on the Certified Product List", "load a newer list or ask its maker"
    ),
    _R.CERTIFICATION_NOT_ACTIVE: RequestRefusal(
        "E{srv}01", "the image's entry on the Certified Product List is not Active", "send a version that is certified"
    ),
    _R.SEGMENT_CONTRADICTS: RequestRefusal(
        "E{srv}02",
        "the segment does not fit the others of its whole that the sender has sent",
        "send segments that one `hanota image segment` has made; others once no delivery of these is open",
    ),
    _R.NO_VALID_DEVICE: RequestRefusal(
        "E{srv}03", "no device of the request may be updated", "see the lists: each device has its reason"
    ),
    _R.INVENTORY_NOT_FOUND: RequestRefusal(
        "E080201", "no device in the inventory is found by this", "check what is asked for, or pre-notify the device"
    ),
    _R.INVENTORY_AMBIGUOUS: RequestRefusal(
        "E080202", "devices of more than one premises are found by this", "ask by DeviceID, MPxN or UPRN"
    ),
    _R.UPDATE_DEVICE_UNKNOWN: RequestRefusal(
        "E080405", "the device to be updated is not in the inventory", "pre-notify it by 12.2 first"
    ),
    _R.UPDATE_NOT_RESPONSIBLE: RequestRefusal(
        "E2", "the sender is not responsible at the premises of this device", "let a Responsible Supplier update it"
    ),
    _R.STATUS_OF_OTHER_KIND: RequestRefusal(
        "E080407", "a hub's status is set by UpdateDeviceStatusCH, any other's by ExceptCH", "use the other element"
    ),
    _R.STATUS_NOT_REACHABLE: RequestRefusal(
        "E080406", "this status can't follow the device's present one", "read the inventory by 8.2 first"
    ),
    _R.VERSION_IS_REPORTED: RequestRefusal(
        "E080408",
        "the version of a commissioned device is what it reports, not what is declared",
        "read it by 11.2; the inventory follows the answer",
    ),
    _R.DETAILS_FIXED: RequestRefusal(
        "E080408", "maker and model of a commissioned device are fixed", "decommission and pre-notify it again"
    ),
    _R.DETAILS_NOT_LISTED: RequestRefusal(
        "E080409", "this maker and model are not on the Certified Product List", "correct them, or load a newer list"
    ),
    _R.VERSION_UNREADABLE: RequestRefusal(
        "E080409", "the firmware version is not up to 8 hex digits", "write the header's File Version"
    ),
    _R.VARIANT_NOT_ESME: RequestRefusal("E080414", "only an ESME has an ESMEVariant", "leave the variant out"),
    _R.NOTHING_TO_UPDATE: RequestRefusal("E080415", "the update changes nothing", "name at least one detail"),
    _R.DELETE_NOT_PENDING: RequestRefusal(
        "E080410", "only a device that was never commissioned can be deleted", "decommission the device instead"
    ),
    _R.MPXN_NOT_A_METER: RequestRefusal(
        "E080411", "a meter point belongs to a meter: ESME or GSME", "send the meter point with its meter"
    ),
    _R.MPXN_MALFORMED: RequestRefusal(
        "E080412", "the number is no MPAN (13 digits) or MPRN (up to 10) as the meter wants", "correct the number"
    ),
    _R.MPXN_TAKEN: RequestRefusal("E080413", "another meter has this meter point", "correct that meter's entry first"),
    _R.PRENOTIFIED_ALREADY: RequestRefusal(
        "E120201", "the device is in the inventory already, or is named as its own GPF", "check the EUI; see 8.2"
    ),
    _R.PRENOTIFIED_NOT_LISTED: RequestRefusal(
        "E120203", "the device's model and version are not on the Certified Product List", "load a newer list"
    ),
    _R.PRENOTIFIED_GPF: RequestRefusal(
        "E120204", "a CHF comes with its GPF, and nothing else does", "name AssociatedGPFDeviceID for CHFs only"
    ),
    _R.PRENOTIFIED_VARIANT: RequestRefusal(
        "E120207", "an ESME comes with its ESMEVariant, and nothing else does", "name ESMEVariant for ESMEs only"
    ),
    _R.RETURNED_UNREADABLE: RequestRefusal(
        "E081301", "what was returned is no GBCS response of a service handled here", "return the octets as received"
    ),
    _R.RETURNED_WITHOUT_COMMAND: RequestRefusal(
        "E081302", "no command of this User waits for this response", "return it under the request that asked for it"
    ),
    _R.RETURNED_NOT_AUTHENTIC: RequestRefusal(
        "E081303", "the response's signature or MAC does not hold", "return the device's octets unchanged"
    ),
    _R.TARGET_UNKNOWN: RequestRefusal("E3", "the device is not in the inventory", "check the RequestID's target"),
    _R.TARGET_NOT_YOURS: RequestRefusal(
        "E2", "the sender is not Responsible Supplier of this device", "only a Responsible Supplier may ask for this"
    ),
    _R.TARGET_OF_OTHER_TYPE: RequestRefusal(
        "E4", "devices of this type do not take this command", "11.3 is for ESME, GSME, HCALCS; see the profiles"
    ),
    _R.TARGET_STATUS: RequestRefusal(
        "E5", "the device's status does not allow this command", "commission the device first"
    ),
    _R.ESME_UNREACHABLE: RequestRefusal(
        "E20", "there is no hub or no certificate to reach the ESME by", "join the ESME to its hub first"
    ),
    _R.TARGET_UNREACHABLE: RequestRefusal(
        "E30", "there is no hub or no certificate to reach the device by", "join the device to its hub first"
    ),
    _R.TIME_NOT_TAKEN: RequestRefusal(
        "E13", "only commands that go over the SM WAN take an execution time", "leave ExecutionDateTime out"
    ),
    _R.TIME_IS_PAST: RequestRefusal("E13", "the execution time is past", "give a time to come"),
    _R.TIME_TOO_FAR: RequestRefusal(
        "E13", "the execution time is further ahead than policy command.horizon_days", "give an earlier time"
    ),
    _R.NOTHING_TO_CANCEL: RequestRefusal("E13", "no future-dated request of this kind waits", "nothing to do"),
    _R.COUNTER_UNWRITABLE: RequestRefusal(
        "E12", "the RequestID's counter is beyond what a GBCS command can carry", "use a counter below 2^63"
    ),
    _R.PRE_COMMAND_UNREADABLE: RequestRefusal(
        "E60", "the Signed Pre-Command is no GBCS command of this service", "sign what the Transform Service returned"
    ),
    _R.PRE_COMMAND_OF_ANOTHER: RequestRefusal(
        "E61", "the Signed Pre-Command names other parties, another counter or time", "transform this request again"
    ),
    _R.PRE_COMMAND_NOT_SIGNED: RequestRefusal(
        "E62", "the Signed Pre-Command is not signed by its originator", "sign it with the Supplier's signing key"
    ),
}
