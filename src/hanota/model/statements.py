"""Why a statement about a local upgrade is refused (R26), in the order in which it is judged."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class StatementReason(StrEnum):
    """The first that holds is the answer; the name is what REST shows."""

    LOCAL_UPGRADES_BANNED = "local_upgrades_banned"
    NOT_A_STATEMENT = "not_a_statement"
    UNSIGNED = "unsigned"
    SIGNATURE_BROKEN = "signature_broken"
    SIGNER_UNKNOWN = "signer_unknown"
    SIGNER_OUT_OF_DATE = "signer_out_of_date"
    SIGNER_REVOKED = "signer_revoked"
    SIGNER_NOT_XML_SIGNER = "signer_not_xml_signer"
    SIGNER_NOT_PARTY = "signer_not_party"
    NOT_DONE_YET = "not_done_yet"
    DEVICE_UNKNOWN = "device_unknown"
    NOT_RESPONSIBLE = "not_responsible"
    IMAGE_NOT_LISTED = "image_not_listed"


@dataclass(frozen=True, slots=True)
class StatementRefusal:
    """What a reason means, and what to do about it."""

    text: str
    remedy: str


_R, _T = StatementReason, StatementRefusal
STATEMENT_REFUSALS: Final[dict[StatementReason, StatementRefusal]] = {
    _R.LOCAL_UPGRADES_BANNED: _T(
        "local upgrades are banned here", "send the image by 11.1 or 11.4; policy local_upgrade.mode says so"
    ),
    _R.NOT_A_STATEMENT: _T("the document is no statement about a local upgrade", "write it with `hanota attest`"),
    _R.UNSIGNED: _T("the statement carries no signature", "sign it, e.g. with `hanota attest`"),
    _R.SIGNATURE_BROKEN: _T("the signature does not fit the document", "sign again; nothing may change afterwards"),
    _R.SIGNER_UNKNOWN: _T(
        "no certificate with this issuer and serial number is known", "register the signing certificate"
    ),
    _R.SIGNER_OUT_OF_DATE: _T("the signing certificate is not valid at this time", "sign with a certificate in force"),
    _R.SIGNER_REVOKED: _T("the signing certificate is revoked", "sign with another certificate"),
    _R.SIGNER_NOT_XML_SIGNER: _T(
        "the certificate is not one for signing XML (OU 87)", "sign with the XML-signing certificate"
    ),
    _R.SIGNER_NOT_PARTY: _T("the signer is not the party that states it", "sign as the party that is named"),
    _R.NOT_DONE_YET: _T("it is stated as done at a time that is yet to come", "state it once it is done"),
    _R.DEVICE_UNKNOWN: _T("the device is not in the inventory", "check the EUI"),
    _R.NOT_RESPONSIBLE: _T(
        "the party was not Responsible Supplier of the device when it was done",
        "let a Supplier state it who was responsible then",
    ),
    _R.IMAGE_NOT_LISTED: _T(
        "the Certified Product List has no Active entry of this hash and version for the device's model",
        "check hash and version; firmware that is not certified stays unexplained",
    ),
}
