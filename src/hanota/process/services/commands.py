"""11.2 Read Firmware Version, 11.3 Activate Firmware and 8.13 Return Local Command Response.

A command is judged and kept here; `process/commanding.py` sends it and hears what comes back. Command variants say who
brings it to the device: the DCC over the SM WAN (1, 5), the User locally (2, 6), or both (3, 7).
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from hanota.base.errors import HanotaError
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import KeyUsage
from hanota.model.commands import CANCEL_TIME, CommandState
from hanota.model.inventory import KnownDevice
from hanota.model.reasons import RequestReason
from hanota.model.returns import Return
from hanota.process.check import PreCommandCase, TargetCase, gbcs_time, judge_pre_command, judge_target
from hanota.process.intake import Authentic, open_gbcs
from hanota.process.services.work import Outcome, Work, refused, signers_of
from hanota.records.registry import inventory as known
from hanota.records.registry.certificates import KeyFinder, certificate_of
from hanota.records.store import commands as kept
from hanota.records.store.reports import save_reports
from hanota.wire import gbcs
from hanota.wire.duis import (
    ActivateFirmware,
    LocalCommand,
    PreCommand,
    ReadFirmwareVersion,
    ReturnLocalCommandResponse,
    SignedPreCommand,
)
from hanota.wire.smki import Certificate

R = TypeVar("R", ReadFirmwareVersion, ActivateFirmware, SignedPreCommand)

LOCAL_ANSWER_MS: Final = 30 * DAY
"""How long a command that a User took with him may be answered by 8.13 (assumed)."""

_BY_USER: Final = frozenset({2, 3, 6, 7})
_BY_DCC: Final = frozenset({1, 3, 5, 7})


def _judged(work: Work[R]) -> tuple[KnownDevice, Certificate] | Outcome:
    """Give the device that a command is for and its certificate to agree keys with, or the refusal."""
    device = known.find_device(work.connection, work.target)
    certificate = certificate_of(work.connection, work.target, KeyUsage.KEY_AGREEMENT)
    case = TargetCase(
        request=work.request,
        row=work.row,
        roles=work.roles,
        device=device,
        eligible=known.eligible(work.connection, work.target, work.sender, work.now),
        certified=certificate is not None,
        now=work.now,
        policies=work.policies,
    )
    if failed := judge_target(case):
        return refused(failed, work)
    assert device is not None  # rules of TARGET_CHECKS, as the next
    assert certificate is not None
    return device, certificate


def read_version(work: Work[ReadFirmwareVersion]) -> Outcome:
    """Have a device say which version it runs (11.2), now or at the execution time."""
    judged = _judged(work)
    if isinstance(judged, Outcome):
        return judged
    device, certificate = judged
    if work.request.execution == CANCEL_TIME:
        return _call_off(work)
    code = int(gbcs.READ_VERSION_CODES[device.device_type])
    variant, execution = work.header.command_variant, work.request.execution
    if variant not in _BY_USER:
        return Outcome(code=ResponseCode.I99, then=_beginning(work, device, code=code, execution=execution))
    number = kept.reserve_number(work.connection, work.now)
    octets = work.broker.read_version(
        device=certificate,
        device_type=device.device_type,
        counter=number,
        user=work.sender,
        user_counter=work.header.request_id.counter,
    )
    begin = _beginning(work, device, code=code, execution=execution, number=number)
    return Outcome(code=_code(variant), content=LocalCommand(octets=octets), then=begin)


def _call_off(work: Work[ReadFirmwareVersion]) -> Outcome:
    waiting = kept.waiting_reads(work.connection, work.sender, work.target)
    if not waiting:
        return refused((RequestReason.NOTHING_TO_CANCEL, f"{work.target}"), work)
    for command in waiting:
        kept.move_command(work.connection, work.lane, command, "cancelled", now=work.now)
    return Outcome(code=ResponseCode.I0)


def transform(work: Work[ActivateFirmware]) -> Outcome:
    """Give the Pre-Command that the User is to check and sign (11.3, command variant 4)."""
    judged = _judged(work)
    if isinstance(judged, Outcome):
        return judged
    device, _ = judged
    try:
        octets = gbcs.activate_pre_command(
            supplier=work.sender,
            device=work.target,
            counter=work.header.request_id.counter,
            manufacturer_hash=work.request.firmware_hash,
            execution=gbcs_time(work.request.execution),
        )
    except HanotaError as error:
        return refused((RequestReason.COUNTER_UNWRITABLE, error.explain()), work)
    return Outcome(code=ResponseCode.I0, content=PreCommand(gbcs_version=device.gbcs_version, octets=octets))


def send_signed(work: Work[SignedPreCommand]) -> Outcome:
    """Take a Signed Pre-Command for its device (11.3, command variants 5, 6 and 7)."""
    judged = _judged(work)
    if isinstance(judged, Outcome):
        return judged
    device, certificate = judged
    case = PreCommandCase(request=work.request, signers=signers_of(work), now=work.now, policies=work.policies)
    if failed := judge_pre_command(case):
        return refused(failed, work)
    assert case.payload is not None  # a rule of PRE_COMMAND_CHECKS
    variant = work.header.command_variant
    begin = _beginning(
        work,
        device,
        code=int(case.message.header.message_code),
        signed=work.request.gbcs,
        execution=case.payload.execution,
    )
    if variant not in _BY_USER:
        return Outcome(code=ResponseCode.I99, then=begin)
    local = LocalCommand(octets=work.broker.seal(work.request.gbcs, certificate))
    return Outcome(code=_code(variant), content=local, then=begin)


def _code(variant: int) -> ResponseCode:
    return ResponseCode.I99 if variant in _BY_DCC else ResponseCode.I0


def _beginning(
    work: Work[Any],
    device: KnownDevice,
    *,
    code: int,
    execution: Instant | None,
    signed: bytes | None = None,
    number: int | None = None,
) -> Callable[[int], None]:
    """Give what begins the command once its request has a number; `number` is one of the outbox, reserved before."""
    assert device.hub is not None  # a rule of TARGET_CHECKS
    by_dcc = work.header.command_variant in _BY_DCC
    command = kept.NewCommand(
        user=work.sender,
        device=device.eui,
        hub=device.hub,
        code=code,
        signed=signed,
        counter=work.header.request_id.counter if signed is not None else None,
        execute_at=execution,
        state=CommandState.WAITING if by_dcc else CommandState.HANDED_OVER,
    )
    by_wan = Instant(command.leaves_at(work.now) + work.policies.command.deadline_ms)
    deadline = by_wan if by_dcc else Instant(work.now + LOCAL_ANSWER_MS)

    def begin(request: int) -> None:
        begun = kept.begin_command(work.connection, request, command, now=work.now, deadline=deadline)
        if number is not None:
            kept.give_number(work.connection, number, begun)

    return begin


def hand_in(work: Work[ReturnLocalCommandResponse]) -> Outcome:
    """Take what a device answered to a command that its User brought to it (8.13)."""
    asked, connection = work.request, work.connection
    opened = open_gbcs(asked.gbcs, KeyFinder(connection), work.broker.seals_hold)
    if not isinstance(opened, Authentic):
        return refused((_WHY_NOT[opened.readable], opened.why), work)
    message = opened.message
    answers = message.header.cra is gbcs.Cra.RESPONSE  # an alert's counter is the device's own
    command = kept.command_answered(connection, message.header, dcc=work.dcc) if answers else None
    theirs = command is not None and command.user == work.sender
    named = asked.original_request_id
    if command is None or not theirs or (named is not None and command.request_id != named):
        return refused((RequestReason.RETURNED_WITHOUT_COMMAND, f"{message.header.originator}"), work)
    taken = kept.take_answer(
        connection,
        work.lane,
        command,
        asked.gbcs,
        accepted=isinstance(opened.payload, gbcs.CommandAccepted),
        now=work.now,
        wait_ms=LOCAL_ANSWER_MS,
    )
    if not taken:
        return refused((RequestReason.RETURNED_WITHOUT_COMMAND, f"command {command.id} is {command.state}"), work)
    report: Return | None = opened.report(work.now)
    if report is not None:
        attested = work.policies.local_upgrade.attested
        save_reports(connection, work.lane, [report], work.now, attested=attested)
    return Outcome(code=ResponseCode.I0)


_WHY_NOT: Final = {True: RequestReason.RETURNED_NOT_AUTHENTIC, False: RequestReason.RETURNED_UNREADABLE}
