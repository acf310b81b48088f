"""Opening a GBCS message that a device or hub sent: signature or MAC first, then what it reports.

Source: CCS08, CS06, CS08, CS09, ECS52, GCS38 and the alerts 0x00CA, 0x00CE, 0x00CF (GBCS 11; domain 4.1, 4.3).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.base.vocabulary.parties import KeyUsage
from hanota.model.returns import Return
from hanota.wire import gbcs
from hanota.wire.marks import Mark, count_holding
from hanota.wire.smki import CertifiedKey

SealCheck = Callable[[Sequence[tuple[gbcs.Seal, CertifiedKey]]], list[bool]]
"""Says of MACs which were made with these keys of devices; many at once, as each may take a secret to be agreed on."""

FindCertificate = Callable[[Eui64, KeyUsage], CertifiedKey | None]

_Facts = dict[str, Any]  # columns of a Return

_TRANSFER_EVENTS: Final[Mapping[int, str]] = {
    TransferResponseCode.FILE_TRANSFER_SUCCESS: "transferred",
    TransferResponseCode.FIRMWARE_IMAGE_DISCARDED: "discarded",
    TransferResponseCode.HARDWARE_VERSION_MISMATCH: "hardware_mismatched",
    TransferResponseCode.FILE_TRANSFER_FAILURE: "transfer_failed",
}
_OUTCOME_EVENTS: Final[Mapping[int, str]] = {
    gbcs.ActivateImageResponseCode.SUCCESS: "activation_succeeded",
    gbcs.ActivateImageResponseCode.NO_IMAGE_HELD: "image_missing",
    gbcs.ActivateImageResponseCode.ACTIVATION_FAILURE: "activation_failed",
}
"""Another hash says that nothing was tried: the image is still held, and only the version is news."""


class Passed(NamedTuple):
    """A message that its originator is proved to have sent and that may concern a User.

    `answers` is the counter of the command that it answers; None: it is an alert.
    """

    octets: bytes
    recipient: Eui64
    answers: int | None

    def opened(self) -> "Authentic":
        """Give the message as it was read before."""
        message = gbcs.read_message(self.octets)
        payload = gbcs.read_payload(message)
        assert payload is not None
        return Authentic(message=message, payload=payload, octets=self.octets)


class Authentic(NamedTuple):
    """A message that its originator is proved to have sent, once `Claimed.judged` has given it."""

    message: gbcs.Message
    payload: gbcs.Payload
    octets: bytes

    @property
    def passed(self) -> Passed | None:
        """The message as it may have to go on to a User: answers, and alerts that are passed on as they are."""
        header = self.message.header
        answer = header.cra is gbcs.Cra.RESPONSE
        if answer or isinstance(self.payload, gbcs.DatedActivation | gbcs.DistributionReceipt):
            return Passed(self.octets, header.recipient, header.counter if answer else None)
        return None

    def report(self, at: Instant) -> Return | None:
        """Give what it says of a delivery or a version; `at` is when it was sent, where it does not say so itself."""
        facts_of = _FACTS.get(type(self.payload))
        if facts_of is None:
            return None
        facts = facts_of(self.payload)
        header = self.message.header
        source = f"gbcs {header.originator}/{int(header.message_code):04X}/{header.counter}"
        if header.cra is gbcs.Cra.RESPONSE:
            source += f"/{header.recipient}"
        plain: _Facts = {"device": header.originator, "at": at}
        return Return(source=source, reporter=header.originator, octets=self.octets, **(plain | facts))


class NotAuthentic(NamedTuple):
    """Octets that nobody is proved to have sent; `readable`: they are a message that means something here."""

    why: str
    readable: bool


class Claimed(NamedTuple):
    """A message that its originator may have sent: if `mark` holds, or the MAC under the key certified by `sealed`."""

    content: Authentic
    mark: Mark | None
    sealed: CertifiedKey | None

    def judged(self, signed: bool, seals_hold: SealCheck) -> Authentic | NotAuthentic:
        """Give the message as its originator's, if it is; `signed`: whether `mark` was found to hold."""
        message = self.content.message
        seal = None if self.sealed is None else gbcs.seal_of(message, self.content.octets)
        authentic = signed if self.sealed is None else seal is not None and seals_hold([(seal, self.sealed)]) == [True]
        if authentic:
            return self.content
        return NotAuthentic(why=f"message of {message.header.originator} is not authentic", readable=True)


def open_gbcs(octets: bytes, certificate: FindCertificate, seals_hold: SealCheck) -> Authentic | NotAuthentic:
    """Open a message of a device. Pure but for the look-ups given; no octets whatever make it raise."""
    claimed = claim_gbcs(octets, certificate)
    if isinstance(claimed, NotAuthentic):
        return claimed
    return claimed.judged(claimed.mark is not None and count_holding([(claimed.mark,)]) == [1], seals_hold)


def claim_gbcs(octets: bytes, certificate: FindCertificate) -> Claimed | NotAuthentic:
    """Read a message of a device, and say what must hold so that it is one. Pure but for the look-up given."""
    try:
        message = gbcs.read_message(octets)
        payload = gbcs.read_payload(message)
    except HanotaError as error:
        return NotAuthentic(why=str(error), readable=False)
    header = message.header
    if payload is None or header.cra is gbcs.Cra.COMMAND:
        return NotAuthentic(why=f"{header.message_code.name} {header.cra.name} means nothing here", readable=False)
    content = Authentic(message=message, payload=payload, octets=octets)
    sealed = isinstance(payload, gbcs.VersionRead)  # the one non-critical response among them
    usage = KeyUsage.KEY_AGREEMENT if sealed else KeyUsage.DIGITAL_SIGNATURE
    held = certificate(header.originator, usage)
    if held is None:
        return NotAuthentic(why=f"{header.originator} has no certificate", readable=True)
    if sealed:
        return Claimed(content, None, held)
    return Claimed(content, (held.point, message.signature or b"", gbcs.signed_part(octets, message)), None)


def _of_transfer(alert: gbcs.TransferAlert) -> _Facts:
    event = _TRANSFER_EVENTS.get(alert.result, "transfer_failed")
    return {"event": event, "at": alert.at, "device": alert.device, "image_version": alert.file_version}


def _of_activation(alert: gbcs.ActivationAlert) -> _Facts:
    done = alert.result is gbcs.ActivationResult.SUCCESS
    event = "activation_succeeded" if done else "activation_failed"
    return {"event": event, "at": alert.at, "version": alert.file_version, "result": int(alert.result)}


def _of_read(answer: gbcs.VersionRead) -> _Facts:
    read = answer.response_code is gbcs.ReadResponseCode.READ_SUCCESS
    version = answer.file_version if read else None
    return {"event": "version_read", "version": version, "result": int(answer.response_code)}


def _of_outcome(outcome: gbcs.ActivationOutcome) -> _Facts:
    event = _OUTCOME_EVENTS.get(outcome.result, "version_read")
    result = 0 if event == "version_read" else int(outcome.result)  # of a version read, 0 says that it was read
    return {"event": event, "version": outcome.file_version, "result": result}


def _of_receipt(receipt: gbcs.DistributionReceipt) -> _Facts:
    verified = receipt.alert_code == AlertCode.FIRMWARE_VERIFIED
    event = "transferred" if verified else "transfer_failed"
    return {"event": event, "at": receipt.at, "image_hash": receipt.manufacturer_hash}


_FACTS: Final[Mapping[type[gbcs.Payload], Callable[[Any], _Facts]]] = {
    gbcs.TransferAlert: _of_transfer,
    gbcs.ActivationAlert: _of_activation,
    gbcs.VersionRead: _of_read,
    gbcs.ActivationOutcome: _of_outcome,
    gbcs.DatedActivation: lambda alert: _of_outcome(alert.outcome) | {"at": alert.at},
    gbcs.DistributionReceipt: _of_receipt,
}
"""The event of a report and what it says, by what a message carries; what is not here says nothing of a delivery."""
