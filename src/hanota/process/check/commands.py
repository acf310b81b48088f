"""Rules for commands to a device, 11.2 and 11.3, and for what a User brings back from one, 8.13.

Source: domain 1.5, 2.2, 4.4, 4.5; I3: nobody commands a device that he is not responsible for at that instant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from hanota.base.errors import HanotaError
from hanota.base.instant import DAY, SECOND, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import UserRole
from hanota.model.commands import ACTIVATED_BY_COMMAND, CANCEL_TIME, COMMANDABLE, READABLE
from hanota.model.inventory import KnownDevice
from hanota.model.policies import Policies
from hanota.model.reasons import RequestReason
from hanota.process.check.rules import Rule, first_broken
from hanota.wire import gbcs
from hanota.wire.duis import ActivateFirmware, ReadFirmwareVersion, RequestRow, SignedPreCommand
from hanota.wire.smki import Certificate

CommandRequest = ReadFirmwareVersion | ActivateFirmware | SignedPreCommand

_TYPES: Final = {"11.2": READABLE, "11.3": ACTIVATED_BY_COMMAND}
_SUPPLIERS: Final = frozenset({UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER, UserRole.EXPORT_SUPPLIER})
_OVER_THE_WAN: Final = frozenset({1, 4, 5})


def must_be_responsible(row: RequestRow, roles: frozenset[UserRole]) -> bool:
    """Say whether a User of these roles must be Responsible Supplier of the device that he asks this of.

    Of roles that supply nothing, nothing says which device is theirs: the matrix alone decides (docs/errata.md).
    """
    return row.critical or bool(roles & _SUPPLIERS)


def is_far(execution: Instant | None, now: Instant, policies: Policies) -> bool:
    """Say whether an execution time is beyond the horizon."""
    return execution is not None and execution > now + policies.command.horizon_days * DAY


@dataclass(frozen=True, kw_only=True)
class TargetCase:
    """A command to a device and the facts that its rules need."""

    request: CommandRequest
    row: RequestRow
    roles: frozenset[UserRole]
    device: KnownDevice | None
    eligible: bool
    certified: bool  # a certificate to agree keys with is known
    now: Instant
    policies: Policies

    @property
    def known(self) -> KnownDevice:
        """The device; only rules behind `TARGET_UNKNOWN` may ask for it."""
        assert self.device is not None
        return self.device

    @property
    def concerned(self) -> bool:
        """Whether the sender may ask this of the device."""
        return self.eligible or not must_be_responsible(self.row, self.roles)

    @property
    def reachable(self) -> bool:
        """Whether a command has a way to the device."""
        return self.certified and self.known.hub is not None

    @property
    def near(self) -> bool:
        """Whether the execution time is none, within the horizon, or the one that cancels."""
        execution = self.request.execution
        return execution in (None, CANCEL_TIME) or not is_far(execution, self.now, self.policies)


_R = RequestReason
TARGET_CHECKS: Final[tuple[Rule[TargetCase], ...]] = (
    Rule(
        _R.TARGET_UNKNOWN,
        lambda case: case.device is not None,
        lambda case: f"{case.request.header.request_id.target}",
    ),
    Rule(_R.TARGET_NOT_YOURS, lambda case: case.concerned, lambda case: f"{case.known.eui}"),
    Rule(
        _R.TARGET_OF_OTHER_TYPE,
        lambda case: case.known.device_type in _TYPES[case.row.srv],
        lambda case: f"{case.known.eui} is a {case.known.device_type}",
    ),
    Rule(
        _R.TARGET_STATUS,
        lambda case: case.known.status in COMMANDABLE[case.row.srv],
        lambda case: f"{case.known.eui} is {case.known.status}",
    ),
    Rule(
        _R.ESME_UNREACHABLE,
        lambda case: case.reachable or case.known.device_type is not DeviceType.ESME,
        lambda case: f"{case.known.eui}",
    ),
    Rule(_R.TARGET_UNREACHABLE, lambda case: case.reachable, lambda case: f"{case.known.eui}"),
    Rule(
        _R.TIME_NOT_TAKEN,
        lambda case: case.request.execution is None or case.request.header.command_variant in _OVER_THE_WAN,
        lambda case: f"command variant {case.request.header.command_variant} with ExecutionDateTime",
    ),
    Rule(
        _R.TIME_IS_PAST,
        lambda case: case.request.execution is None or case.request.execution > case.now,
        lambda case: f"{case.request.execution}",
    ),
    Rule(_R.TIME_TOO_FAR, lambda case: case.near, lambda case: f"{case.request.execution}"),
)


def judge_target(case: TargetCase) -> tuple[RequestReason, str] | None:
    """Give the reason of the first rule that does not hold, with its detail; None if all hold."""
    return first_broken(TARGET_CHECKS, case)


@dataclass(frozen=True, kw_only=True)
class PreCommandCase:
    """A Signed Pre-Command for 11.3; `signers` are the sender's certificates as a Supplier."""

    request: SignedPreCommand
    signers: Iterable[Certificate]
    now: Instant
    policies: Policies

    @cached_property
    def message_or_error(self) -> gbcs.Message | HanotaError:
        """The GBCS message, or why it can't be read."""
        try:
            message = gbcs.read_message(self.request.gbcs)
            gbcs.read_payload(message)
        except HanotaError as error:
            return error
        return message

    @property
    def message(self) -> gbcs.Message:
        """The message; only rules behind `PRE_COMMAND_UNREADABLE` may ask for it."""
        assert isinstance(self.message_or_error, gbcs.Message)
        return self.message_or_error

    @cached_property
    def payload(self) -> gbcs.ActivateFirmware | None:
        """The command, if it is one to activate firmware that nobody has sealed yet."""
        if isinstance(self.message_or_error, HanotaError) or self.message_or_error.mac is not None:
            return None
        found = gbcs.read_payload(self.message_or_error)
        return found if isinstance(found, gbcs.ActivateFirmware) else None

    @property
    def corresponds(self) -> bool:
        """Whether parties, counter and time are those of the request, and nothing else stands in the header."""
        asked, header, payload = self.request.header.request_id, self.message.header, self.payload
        assert payload is not None
        named = (header.originator, header.recipient, header.counter) == (asked.originator, asked.target, asked.counter)
        again = payload.originator_counter == asked.counter
        plain = header.supplementary_party is None and not header.date_time
        execution = gbcs_time(self.request.execution)
        return named and again and plain and execution in (None, payload.execution)

    @property
    def dated(self) -> Instant | None:
        """When the command itself wants to be carried out; None for now, and for one that cancels."""
        assert self.payload is not None
        execution = self.payload.execution
        return None if execution == gbcs.CANCELLED_AT else execution


def gbcs_time(execution: Instant | None) -> Instant | None:
    """Give the execution time as GBCS writes it: in whole seconds, and the one that cancels is another there."""
    if execution is None:
        return None
    return gbcs.CANCELLED_AT if execution == CANCEL_TIME else Instant(execution - execution % SECOND)


PRE_COMMAND_CHECKS: Final[tuple[Rule[PreCommandCase], ...]] = (
    Rule(
        _R.PRE_COMMAND_UNREADABLE,
        lambda case: case.payload is not None,
        lambda case: (
            case.message_or_error.explain()
            if isinstance(case.message_or_error, HanotaError)
            else f"{case.message.header.message_code.name}"
        ),
    ),
    Rule(
        _R.PRE_COMMAND_OF_ANOTHER,
        lambda case: case.corresponds,
        lambda case: f"{case.message.header.originator} to {case.message.header.recipient}, {case.payload}",
    ),
    Rule(
        _R.TIME_NOT_TAKEN,
        lambda case: case.dated is None or case.request.header.command_variant in _OVER_THE_WAN,
        lambda case: f"command variant {case.request.header.command_variant} with a dated command",
    ),
    Rule(_R.TIME_IS_PAST, lambda case: case.dated is None or case.dated > case.now, lambda case: f"{case.dated}"),
    Rule(
        _R.TIME_TOO_FAR,
        lambda case: not is_far(case.dated, case.now, case.policies),
        lambda case: f"{case.dated}",
    ),
    Rule(
        _R.PRE_COMMAND_NOT_SIGNED,
        lambda case: any(gbcs.signature_holds(case.message, signer.public_key) for signer in case.signers),
        lambda case: f"{case.message.header.originator}",
    ),
)


def judge_pre_command(case: PreCommandCase) -> tuple[RequestReason, str] | None:
    """Give the reason of the first rule that does not hold, with its detail; None if all hold."""
    return first_broken(PRE_COMMAND_CHECKS, case)
