"""Commands on behalf of Users, from their due time to the device's answer (11.2, 11.3), and what devices tell Users.

Beside the stages of a delivery: a command belongs to a request of its own, and its answer goes to the User who asked.
What an answer says of a delivery or a version is a report like any other, and is kept as one by the pipeline.
"""

from collections.abc import Sequence
from typing import Final

from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType
from hanota.base.vocabulary.duis import DccAlertCode, ResponseCode
from hanota.base.vocabulary.parties import UserRole
from hanota.model.commands import COMMAND, CommandState
from hanota.model.policies import Policies
from hanota.process.check import must_be_responsible
from hanota.process.intake import Authentic, Passed
from hanota.process.report import alert_message, later_response, response_id_of
from hanota.records.registry import inventory as known
from hanota.records.registry.lookups import find_party
from hanota.records.store import Connection
from hanota.records.store import commands as kept
from hanota.records.store.messages import Document, queue_document
from hanota.wire import duis, gbcs
from hanota.wire.duis.versions import LATEST

RESPONSE: Final = "Response"
DATED_ALERT: Final = "DatedAlert"
DEVICE_ALERT: Final = "DeviceAlert"
COMMAND_FAILED: Final = "CommandFailed"
"""Kinds of messages that are not alerts of a delivery."""

# What values that nobody thought of may raise on their way to a document or a row; a device may write any.
_UNTHOUGHT: Final = (HanotaError, ArithmeticError, LookupError, TypeError, ValueError)
# What a User hears of a command that nothing comes of: by why, and whether it was for an ESME (docs/adr/0002).
_GIVEN_UP: Final = {
    ("deadline_passed", True): ResponseCode.E21,
    ("deadline_passed", False): ResponseCode.E31,
    ("device_gone", True): ResponseCode.E20,
    ("device_gone", False): ResponseCode.E30,
}
_DATED_CODES: Final = frozenset({AlertCode.FUTURE_DATED_COMMAND_DONE, AlertCode.FUTURE_DATED_COMMAND_FAILED})


class Commanding:
    """The commands of one DCC, within a transaction that the caller gives."""

    def __init__(self, connection: Connection, *, dcc: Eui64, policies: Policies, lane: str, now: Instant) -> None:
        self._connection = connection
        self._dcc = dcc
        self._policies = policies
        self._lane = lane
        self._now = now

    def step(self) -> int:
        """Send what is due, again if need be; end what waited for too long, or whose device is gone.

        Returns: how many were moved.
        """
        due = kept.due_commands(self._connection, self._now)
        for command in due:
            over = command.deadline is not None and command.deadline <= self._now
            if command.gone and command.device_type is not None:
                self._end(command, "device_gone")
            elif over or command.gone:
                self._end(command)
            elif not self._responsible(command):
                self._move(command, "not_responsible")
                self._respond(command, ResponseCode.E2)
            else:
                self._send(command)
        return len(due)

    def _responsible(self, command: kept.KeptCommand) -> bool:
        """Judge again, whenever a command is to be sent, whether its User may command the device (I3)."""
        party = find_party(self._connection, command.user)
        roles = frozenset[UserRole]() if party is None else party.roles
        row = duis.REQUESTS[command.service_reference]
        if not row.eligible & roles:
            return False
        if not must_be_responsible(row, roles):
            return True
        return known.eligible(self._connection, command.device, command.user, self._now)

    def _send(self, command: kept.KeptCommand) -> None:
        kept.queue_command(self._connection, command.id, self._now)
        waited = command.state is CommandState.WAITING
        limit = Instant(self._now + self._policies.command.deadline_ms) if waited else command.deadline
        due = Instant(self._now + self._policies.command.retry_ms)
        self._move(command, "sent", due=due if limit is None else Instant(min(due, limit)), deadline=limit)

    def _end(self, command: kept.KeptCommand, event: str = "deadline_passed") -> None:
        """Give up on a command; its User hears of it once, unless he has it in his own hands."""
        self._move(command, event)
        if command.state is CommandState.SENT or command.state is CommandState.WAITING:
            self._respond(command, _GIVEN_UP[event, command.device_type is DeviceType.ESME])
        elif command.state is CommandState.DATED:
            failure = duis.CommandFailure(request_id=command.request_id, device=command.device)
            self._tell(
                command.user, command.device, COMMAND_FAILED, duis.DccAlertMessage(code=DccAlertCode.N53, alert=failure)
            )

    def hear(self, messages: Sequence[Passed], fresh: frozenset[str]) -> list[Exception]:
        """Take what devices sent that may concern Users: answers go to who asked, alerts to whom they are addressed.

        `fresh`: sources of the reports that were new; an alert that was heard before is not passed on again.
        Returns: what went wrong. A message that can't be taken is taken back alone, and the others go on.
        """
        untold = set(fresh)
        failures: list[Exception] = []
        for passed in self._of_users(messages):
            try:
                with self._connection.begin_nested():
                    self._hear(passed.opened(), untold)
            except _UNTHOUGHT as failure:
                failures.append(failure)
        return failures

    def _of_users(self, messages: Sequence[Passed]) -> list[Passed]:
        """Leave out what concerns no User: answers to our own reads."""
        ours = [it.answers for it in messages if it.answers is not None and it.recipient == self._dcc]
        asked = kept.commands_among(self._connection, ours)
        return [it for it in messages if it.answers is None or it.recipient != self._dcc or it.answers in asked]

    def _hear(self, opened: Authentic, untold: set[str]) -> None:
        header, payload = opened.message.header, opened.payload
        if header.cra is gbcs.Cra.RESPONSE:
            self._answer(opened)
            return
        report = opened.report(self._now)
        if report is None or report.source not in untold:
            return
        untold.remove(report.source)  # one frame may hold a message twice
        if isinstance(payload, gbcs.DatedActivation):
            self._dated(opened, payload)
        elif isinstance(payload, gbcs.DistributionReceipt):
            body = duis.DeviceAlertMessage(alert_code=payload.alert_code, gbcs=opened.octets)
            self._tell(header.recipient, header.originator, DEVICE_ALERT, body)

    def _answer(self, opened: Authentic) -> None:
        command = kept.command_answered(self._connection, opened.message.header, dcc=self._dcc)
        if command is None:  # a read of our own, or a command of before this store
            return
        accepted = isinstance(opened.payload, gbcs.CommandAccepted)
        taken = kept.take_answer(
            self._connection,
            self._lane,
            command,
            opened.octets,
            accepted=accepted,
            now=self._now,
            wait_ms=self._policies.command.deadline_ms,
        )
        dated = accepted and command.execute_at != gbcs.CANCELLED_AT
        overtaken = dated and command.state is CommandState.ANSWERED  # by its own dated alert
        if not (taken or overtaken):
            kept.keep_late_answer(self._connection, self._lane, command, opened.octets, self._now)
            return
        self._respond(command, ResponseCode.I0, duis.GbcsPayload(octets=opened.octets))

    def _dated(self, opened: Authentic, alert: gbcs.DatedActivation) -> None:
        header = opened.message.header
        command = kept.command_of_user(self._connection, header.recipient, header.originator, alert.originator_counter)
        told = alert.alert_code in _DATED_CODES
        if command is None or not told or not COMMAND.takes(command.state, "answered"):
            body = duis.DeviceAlertMessage(alert_code=alert.alert_code, gbcs=opened.octets)
            self._tell(header.recipient, header.originator, DEVICE_ALERT, body)
            return
        self._move(command, "answered", answer=opened.octets)
        content = duis.FutureDatedDeviceAlert(alert_code=alert.alert_code, octets=opened.octets)
        self._respond(command, ResponseCode.I0, content, kind=DATED_ALERT)

    def _move(
        self,
        command: kept.KeptCommand,
        event: str,
        *,
        due: Instant | None = None,
        deadline: Instant | None = None,
        answer: bytes | None = None,
    ) -> None:
        kept.move_command(
            self._connection,
            self._lane,
            command,
            event,
            now=self._now,
            due=due,
            deadline=deadline,
            answer=answer,
        )

    def _respond(
        self,
        command: kept.KeptCommand,
        code: ResponseCode,
        content: duis.Content | None = None,
        *,
        kind: str = RESPONSE,
    ) -> None:
        """Queue what follows the request. A second one, the dated alert, has an id of the DCC's own."""
        version = self._version_of(command.user)

        def render(response_id: RequestId) -> bytes:
            return later_response(
                code,
                now=self._now,
                request_id=command.request_id,
                response_id=response_id,
                service=command.service_reference,
                version=version,
                content=content,
            )

        own = response_id_of(command.request_id) if kind == RESPONSE else None
        self._queue(
            Document(
                party=command.user,
                device=command.device,
                kind=kind,
                response_id=own,
                render=render,
                request=command.request,
            )
        )

    def _tell(
        self, party: Eui64, device: Eui64, kind: str, body: duis.DeviceAlertMessage | duis.DccAlertMessage
    ) -> None:
        if find_party(self._connection, party) is None:
            return  # addressed to nobody who is a User here
        version = self._version_of(party)
        self._queue(
            Document(
                party=party,
                device=device,
                kind=kind,
                response_id=None,
                render=lambda identifier: alert_message(body, now=self._now, response_id=identifier, version=version),
                request=None,
            )
        )

    def _version_of(self, party: Eui64) -> str:
        found = find_party(self._connection, party)
        return found.duis_version if found is not None else LATEST

    def _queue(self, document: Document) -> None:
        level = self._policies.alert.service_level_ms
        queue_document(self._connection, self._lane, document, dcc=self._dcc, now=self._now, service_level_ms=level)
