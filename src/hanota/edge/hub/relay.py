"""GBCS messages between the head end and the devices of a home: passed on, never opened beyond their header.

A command is repeated on the HAN until the device's response to it passes by. What a device sends is stored in the
outbox and then confirmed to the device, by an empty TransferData under its own sequence number, so that the device may
stop repeating it. For a sleepy device commands wait until it asks; each time it is given the one that it was given the
least often, the oldest first.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, Instant
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.hub.identity import HubIdentity
from hanota.edge.hub.outbox import Outbox
from hanota.model.profiles import PROFILES
from hanota.wire.gbcs.errors import GbcsMalformed
from hanota.wire.gbcs.message import Cra, read_message
from hanota.wire.wan import GbcsDown, GbcsUp
from hanota.wire.zcl import TUNNELING_CLUSTER, Side, TransferData, ZclMalformed, write_command
from hanota.wire.zcl.tunnel import Get, Give, Put, read_tunnelled, write_tunnelled

TUNNEL: Final = 0
COMMAND_RETRY: Final = Backoff(first_ms=2_000, longest_ms=60_000)
COMMAND_TRIES_MAX: Final = 8
COMMANDS_MAX: Final = 16  # for one device, so that none that sleeps keeps the others waiting
SEEN_MAX: Final = 256
HOLD_MS: Final = DAY  # a command for a sleepy device that doesn't ask; then the head end repeats it, or gives up

_Key = tuple[Eui64, Eui64, int]  # device, originator and its counter


@dataclass(slots=True)
class _Command:
    device: Eui64
    data: bytes
    due: Instant  # for a sleepy device: when it is dropped
    sleepy: bool = False
    tries: int = 0


class Relay:
    """Messages on their way through a hub. Nothing here outlives a restart: both ends repeat what went missing."""

    def __init__(self, identity: HubIdentity, outbox: Outbox) -> None:
        self._identity = identity
        self._outbox = outbox
        self._commands: dict[_Key, _Command] = {}  # the oldest first
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._sequence = 0

    @property
    def due(self) -> Instant | None:
        """When the next command is to be repeated."""
        return min((command.due for command in self._commands.values()), default=None)

    def down(self, frame: GbcsDown, turn: Turn) -> None:
        """Pass a message on to a device of this home."""
        try:
            header = read_message(frame.data).header
        except GbcsMalformed as error:
            turn.note("gbcs_refused", device=str(frame.device), error=str(error))
            return
        known = frame.device in self._identity.device_log
        key = (frame.device, header.originator, header.counter)
        if not known or not self._has_room(key, turn):
            turn.note("gbcs_refused", device=str(frame.device), error="no such device here" if not known else "full")
            return
        sleepy = self._sleepy(frame.device)
        due = Instant(turn.now + HOLD_MS) if sleepy else turn.now
        self._commands.setdefault(key, _Command(frame.device, frame.data, due, sleepy))
        self.send_due(turn)

    def _has_room(self, key: _Key, turn: Turn) -> bool:
        """Whether a device may have one more command; if it has too many, its originator's oldest gives way."""
        device, originator, _ = key
        waiting = [each for each in self._commands if each[0] == device]
        if key in self._commands or len(waiting) < COMMANDS_MAX:
            return True
        oldest = next((each for each in waiting if each[1] == originator), None)
        if oldest is None:
            return False
        turn.note("command_unanswered", device=str(device), tries=self._commands.pop(oldest).tries)
        return True

    def send_due(self, turn: Turn) -> None:
        """Repeat the commands that no response has come to; give up after some tries, the head end asks again."""
        for key, command in list(self._commands.items()):
            if command.due > turn.now:
                continue
            if command.sleepy or command.tries == COMMAND_TRIES_MAX:
                del self._commands[key]
                turn.note("command_unanswered", device=str(command.device), tries=command.tries)
                continue
            self._sequence = (self._sequence + 1) & 0xFF
            frame = write_command(self._sequence, TransferData(TUNNEL, command.data), Side.SERVER)
            turn.send_han(command.device, TUNNELING_CLUSTER, frame)
            command.due = Instant(turn.now + COMMAND_RETRY.wait_ms(command.tries))
            command.tries += 1

    def _sleepy(self, device: Eui64) -> bool:
        return PROFILES[self._identity.device_log[device]].sleepy

    def up(self, sender: Eui64, sequence: int, data: bytes, turn: Turn) -> bool:
        """Take what a device sent through the tunnel. Returns: whether it is awake and asks what there is for it."""
        if not self._sleepy(sender):
            self._pass_on(sender, sequence, data, turn)
            return False
        try:
            said = read_tunnelled(data)
        except ZclMalformed as error:
            turn.note("frame_refused", device=str(sender), error=str(error))
            return False
        if isinstance(said, Put):
            self._pass_on(sender, sequence, said.message, turn)
        elif isinstance(said, Get):
            self._give(sender, sequence, turn)
        return isinstance(said, Get)

    def _give(self, device: Eui64, sequence: int, turn: Turn) -> None:
        """Give a sleepy device one of the commands that wait for it, and drop one that it got often without answer."""
        waiting = [(command.tries, key) for key, command in self._commands.items() if command.device == device]
        given = Give(0, b"")
        if waiting:
            _, key = min(waiting, key=lambda entry: entry[0])
            command = self._commands[key]
            given = Give(len(waiting) - 1, command.data)
            command.tries += 1
            if command.tries == COMMAND_TRIES_MAX:
                del self._commands[key]
                turn.note("command_unanswered", device=str(device), tries=command.tries)
        frame = write_command(sequence, TransferData(TUNNEL, write_tunnelled(given)), Side.SERVER)
        turn.send_han(device, TUNNELING_CLUSTER, frame)

    def _pass_on(self, sender: Eui64, sequence: int, data: bytes, turn: Turn) -> None:
        """Take a device's message, confirm it, and pass it on once."""
        try:
            header = read_message(data).header
        except GbcsMalformed as error:
            turn.note("gbcs_refused", device=str(sender), error=str(error))
            return
        if header.originator != sender:
            turn.note("gbcs_refused", device=str(sender), error=f"it says it is from {header.originator}")
            return
        if self._outbox.full:
            return
        if header.cra == Cra.RESPONSE:
            self._commands.pop((sender, header.recipient, header.counter), None)
        digest = hashlib.sha256(data).digest()
        if digest not in self._seen:
            self._seen[digest] = None
            if len(self._seen) > SEEN_MAX:
                self._seen.popitem(last=False)
            self._outbox.put(GbcsUp(data=data), turn)
            turn.note("gbcs_up", device=str(sender), message=header.message_code.name, counter=header.counter)
        taken = write_command(sequence, TransferData(TUNNEL, b""), Side.SERVER)
        turn.send_han(sender, TUNNELING_CLUSTER, taken)
