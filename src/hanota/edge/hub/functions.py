"""A hub's own two functions as recipients: Communications Hub Function and Gas Proxy Function tell their version.

ECS52 goes to the one, GCS38 to the other (domain 1.2, 4.3); both run the hub's firmware.
"""

from collections.abc import Mapping

from hanota.base.eui import Eui64
from hanota.edge.commands import Commands
from hanota.edge.effects import Turn
from hanota.edge.hub.identity import HubIdentity
from hanota.edge.hub.outbox import Outbox
from hanota.wire.wan import GbcsDown, GbcsUp


class HubFunctions:
    """Answers what is asked of the hub itself; answers go up like all that a hub has to say."""

    def __init__(self, identity: HubIdentity, outbox: Outbox, memory: Mapping[str, bytes]) -> None:
        self._version = identity.firmware_version
        self._outbox = outbox
        self._commands = {entity.address: Commands(entity, memory) for entity in identity.functions}

    def has(self, address: Eui64) -> bool:
        """Whether `address` is one of the hub's own."""
        return address in self._commands

    def take(self, frame: GbcsDown, turn: Turn) -> None:
        """Answer a command; the same one again gets the same answer again, anything else is refused."""
        if self._outbox.full:
            return  # the head end repeats what is not answered
        commands = self._commands[frame.device]
        answer = commands.answer_again(frame.data)
        if answer is None:
            command = commands.take(frame.data, turn)
            answer = commands.answer_read(command, self._version, turn) if command is not None else None
        if answer:
            self._outbox.put(GbcsUp(data=answer), turn)
