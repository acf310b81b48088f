"""What firmware messages carry, as plain values; how each is encoded stands in `payload.py`."""

from dataclasses import dataclass
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, from_generalized
from hanota.base.openenum import OpenIntEnum
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode

CANCELLED_AT: Final[Instant] = from_generalized("99991231235959Z")
"""The execution time that takes a future-dated activation back (CS06)."""


class ActivationResult(OpenIntEnum):
    """How a PPMID's activation ended (CS09 activateImageResult)."""

    SUCCESS = 0
    FAILURE = 1


class ActivateImageResponseCode(OpenIntEnum):
    """How an activation that CS06 commanded ended (CS06 activateImageResponseCode)."""

    SUCCESS = 0
    NO_IMAGE_HELD = 1
    HASH_MISMATCH = 2
    ACTIVATION_FAILURE = 3


class ReadResponseCode(OpenIntEnum):
    """Whether a device could read its version: CS08 responseCode, DLMS data access result, ZCL status.

    They agree on 0 for success and differ in the rest: 1 is CS08's failure and DLMS's hardware fault, C0 ZCL's.
    """

    READ_SUCCESS = 0
    READ_FAILURE = 1
    ZCL_HARDWARE_FAILURE = 0xC0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAlert:
    """CCS08: a hub tells how the transfer of an image to `device` ended. `at` is written to the second."""

    alert_code: AlertCode
    at: Instant
    device: Eui64
    file_version: int
    result: TransferResponseCode


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationAlert:
    """CS09: a PPMID tells how an activation ended and which version it now runs. `at` is written to the second."""

    alert_code: AlertCode
    at: Instant
    file_version: int
    result: ActivationResult


@dataclass(frozen=True, slots=True)
class ReadVersion:
    """Command of CS08, ECS52 and GCS38: which firmware is running?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRead:
    """Response of CS08, ECS52 and GCS38: the version that runs.

    CS08 always carries a version; ECS52 and GCS38 carry one if, and only if, reading it succeeded.
    """

    file_version: int | None
    response_code: ReadResponseCode


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateFirmware:
    """CS06 command: activate the image with this Manufacturer Image Hash (32 octets), now or at `execution`.

    `originator_counter` is that of the header, at most 2^63-1. `execution` is written to the second; CANCELLED_AT
    takes an earlier command back.
    """

    manufacturer_hash: bytes
    originator_counter: int
    execution: Instant | None = None


@dataclass(frozen=True, slots=True)
class CommandAccepted:
    """CS06 response to a future-dated command, or to one that cancels it: heard and noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationOutcome:
    """How an activation ended and which version runs now (CS06 response; part of the alert 0x00CA)."""

    result: ActivateImageResponseCode
    file_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedActivation:
    """Alert 0x00CA: how a future-dated activation ended. `originator_counter` is that of the command.

    `at` is written to the second.
    """

    alert_code: AlertCode
    at: Instant
    originator_counter: int
    outcome: ActivationOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionReceipt:
    """Alerts 0x00CE (ESME) and 0x00CF (GSME): a meter has checked an image and tells the hash it computed, 32 octets.

    `at` is written to the second.
    """

    alert_code: AlertCode
    at: Instant
    manufacturer_hash: bytes


Payload = (
    TransferAlert
    | ActivationAlert
    | ReadVersion
    | VersionRead
    | ActivateFirmware
    | CommandAccepted
    | ActivationOutcome
    | DatedActivation
    | DistributionReceipt
)
