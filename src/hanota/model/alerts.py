"""The alerts of a delivery: which DCC Alert, to whom, and what it says (R18, R20, R22).

DUIS has no alert that says "confirmed" or "no report": docs/adr/0004 says which messages stand for them and why.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hanota.base.vocabulary.duis import DccAlertCode


class Audience(StrEnum):
    """To whom an alert goes; each party gets its own (R23)."""

    SENDER = "sender"
    OTHERS = "others"
    ALL = "all"


class AlertKind(StrEnum):
    """What an alert tells; the name is what the store keeps."""

    UPGRADE_REQUESTED = "UpgradeRequested"
    GIVEN_UP = "GivenUp"
    DELIVERED_TO_HUB = "DeliveredToHub"
    NOT_DELIVERED_TO_HUB = "NotDeliveredToHub"
    TRANSFER = "Transfer"
    ACTIVATION = "Activation"
    ACTIVATION_FAILURE = "ActivationFailure"
    CONFIRMED = "Confirmed"
    MISMATCH = "Mismatch"
    NO_REPORT = "NoReport"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One row: DCC Alert code, audience, what it tells in plain words; `listed`: one message may list many devices."""

    code: DccAlertCode
    audience: Audience
    text: str
    listed: bool = False


_K, _C, _A = AlertKind, DccAlertCode, Audience
ALERTS: Final[dict[AlertKind, AlertRow]] = {
    _K.UPGRADE_REQUESTED: AlertRow(_C.N59, _A.OTHERS, "another Supplier asked for this update", listed=True),
    _K.GIVEN_UP: AlertRow(_C.N18, _A.SENDER, "the update was given up before the device activated it", listed=True),
    _K.DELIVERED_TO_HUB: AlertRow(_C.N60, _A.SENDER, "the Communications Hub holds the image"),
    _K.NOT_DELIVERED_TO_HUB: AlertRow(_C.N61, _A.SENDER, "the image did not reach the Communications Hub"),
    _K.TRANSFER: AlertRow(_C.N62, _A.SENDER, "outcome of the transfer over the home area network"),
    _K.ACTIVATION: AlertRow(_C.N39, _A.SENDER, "the device reports that it activated the image"),
    _K.ACTIVATION_FAILURE: AlertRow(_C.N39, _A.ALL, "the device reports that activation failed"),
    _K.CONFIRMED: AlertRow(_C.N39, _A.ALL, "the version read from the device is the one asked for"),
    _K.MISMATCH: AlertRow(_C.N49, _A.ALL, "the version read from the device is another one"),
    _K.REFUSED: AlertRow(_C.N62, _A.ALL, "the consumer refused the image; nothing was installed"),
    _K.NO_REPORT: AlertRow(_C.N53, _A.ALL, "the device gave no version in time"),
}

VERDICTS: Final = frozenset({_K.CONFIRMED, _K.MISMATCH, _K.NO_REPORT, _K.ACTIVATION_FAILURE})
"""Exactly one of these goes to each party concerned once a device was due to have activated (R22)."""
