"""The GBCS application of a device: it answers the ACB's commands and raises alerts.

An alert is stored under its originator counter and repeated until the hub has taken it. A command that comes again gets
the same answer again; one with an older counter is a replay and changes nothing.
"""

from collections.abc import Mapping
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, Instant
from hanota.base.vocabulary.devices import AlertCode
from hanota.edge.backoff import Backoff
from hanota.edge.devices.identity import GbcsCredentials
from hanota.edge.effects import Turn
from hanota.edge.memory import below, pack, unpack
from hanota.wire.gbcs.build import activation_alert, read_version_response
from hanota.wire.gbcs.crypto import mac_holds
from hanota.wire.gbcs.errors import GbcsMalformed
from hanota.wire.gbcs.message import Cra, Message, read_message
from hanota.wire.gbcs.payload import (
    ActivationAlert,
    ActivationResult,
    ReadResponseCode,
    ReadVersion,
    VersionRead,
    read_payload,
)
from hanota.wire.zcl import TUNNELING_CLUSTER, Side, TransferData, write_command

TUNNEL: Final = 0
ALERT_RETRY: Final = Backoff(first_ms=3_000, longest_ms=10 * MINUTE)
# ZCL sequence numbers: responses go under 0, alerts under others, so that the hub's confirmations can't be mixed up.
_RESPONSE_SEQUENCE: Final = 0
_COUNTER: Final = "counter"
_ANSWERED: Final = "answered"
_ALERT: Final = "alert/"


class GbcsApplication:
    """Messages between one device and the ACB, carried by the hub."""

    def __init__(self, address: Eui64, hub: Eui64, credentials: GbcsCredentials, memory: Mapping[str, bytes]) -> None:
        self._address = address
        self._hub = hub
        self._credentials = credentials
        self._counter = int.from_bytes(memory.get(_COUNTER, b""), "big")
        self._alerts = {int(key, 16): message for key, message in below(memory, _ALERT)}
        answered = unpack(memory.get(_ANSWERED, b'{"counter":-1,"response":""}'))
        self._answered_counter: int = answered["counter"]
        self._answer = bytes.fromhex(answered["response"])
        self._tries = 0
        self.due: Instant | None = None

    def start(self, turn: Turn) -> None:
        """Go on raising the alerts that the hub had not taken."""
        self.due = turn.now if self._alerts else None
        self._tries = 0
        self.do_due(turn)

    def report_activation(self, version: int, succeeded: bool, turn: Turn) -> None:
        """Raise CS09: how an activation ended, and the version that runs now."""
        self._counter += 1
        alert = ActivationAlert(
            alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION,
            at=turn.now,
            file_version=version,
            result=ActivationResult.SUCCESS if succeeded else ActivationResult.FAILURE,
        )
        own = self._credentials
        message = activation_alert(alert, device=own.signing, recipient=own.acb.eui, counter=self._counter)
        self._alerts[self._counter] = message
        turn.store(_COUNTER, self._counter.to_bytes(8, "big"))
        turn.store(f"{_ALERT}{self._counter:016x}", message)
        turn.note("activation_alert", version=version, succeeded=succeeded, counter=self._counter)
        self.due = turn.now
        self._tries = 0

    def do_due(self, turn: Turn) -> None:
        """Send the oldest alert again."""
        if self.due is None or self.due > turn.now or not self._alerts:
            return
        counter, message = next(iter(self._alerts.items()))
        self._send(_alert_sequence(counter), message, turn)
        self.due = Instant(turn.now + ALERT_RETRY.wait_ms(self._tries))
        self._tries += 1

    def on_transfer(self, sequence: int, data: bytes, running_version: int, turn: Turn) -> None:
        """Take what came through the tunnel: a confirmation (empty) or a message."""
        if not data:
            self._confirmed(sequence, turn)
            return
        try:
            message = read_message(data)
            payload = read_payload(message)
        except GbcsMalformed as error:
            turn.note("gbcs_refused", error=str(error))
            return
        problem = self._problem(message)
        if problem is None and not isinstance(payload, ReadVersion):
            problem = f"{message.header.message_code.name} is not a command for this device"
        if problem is not None:
            turn.note("gbcs_refused", error=problem)
            return
        if message.header.counter > self._answered_counter:
            self._read_version(message, running_version, turn)
        self._send(_RESPONSE_SEQUENCE, self._answer, turn)

    def _problem(self, message: Message) -> str | None:
        own, header = self._credentials, message.header
        if (header.cra, header.originator, header.recipient) != (Cra.COMMAND, own.acb.eui, self._address):
            return "not a command of the ACB to this device"
        if not mac_holds(message, own.agreement.key, own.acb.public_key):
            return "its MAC is not the ACB's"
        if header.counter < self._answered_counter:
            return f"replay: counter {header.counter} after {self._answered_counter}"
        return None

    def _read_version(self, command: Message, running_version: int, turn: Turn) -> None:
        answer = VersionRead(file_version=running_version, response_code=ReadResponseCode.READ_SUCCESS)
        own = self._credentials
        self._answer = read_version_response(answer, command=command, device=own.agreement, acb=own.acb)
        self._answered_counter = command.header.counter
        turn.store(_ANSWERED, pack({"counter": self._answered_counter, "response": self._answer.hex()}))
        turn.note("version_read", version=running_version)

    def _confirmed(self, sequence: int, turn: Turn) -> None:
        counter = next(iter(self._alerts), None)
        if counter is None or _alert_sequence(counter) != sequence:
            return
        del self._alerts[counter]
        turn.store(f"{_ALERT}{counter:016x}", None)
        self.due = turn.now if self._alerts else None
        self._tries = 0
        self.do_due(turn)

    def _send(self, sequence: int, message: bytes, turn: Turn) -> None:
        frame = write_command(sequence, TransferData(TUNNEL, message), Side.CLIENT)
        turn.send_han(self._hub, TUNNELING_CLUSTER, frame)


def _alert_sequence(counter: int) -> int:
    return 1 + counter % 255
