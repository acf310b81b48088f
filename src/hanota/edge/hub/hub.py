"""A Communications Hub Function as one node: what comes in is handed to the part that knows what to do with it."""

from collections.abc import Mapping

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.effects import Effect, Turn
from hanota.edge.hub.book import OrderBook
from hanota.edge.hub.functions import HubFunctions
from hanota.edge.hub.identity import HubIdentity
from hanota.edge.hub.outbox import Outbox
from hanota.edge.hub.relay import Relay
from hanota.edge.hub.server import OtaServer
from hanota.model.policies import Policies
from hanota.wire.wan import (
    Acknowledge,
    Distribute,
    FrameMalformed,
    GbcsDown,
    ImageChunk,
    SignedOrder,
    open_order,
    read_frame,
)
from hanota.wire.zcl import Side, TransferData, ZclMalformed, read_command


class CommsHub:
    """The hub of one home. Pure: the same inputs always give the same outputs; a restart is a new one from `memory`."""

    def __init__(self, identity: HubIdentity, policies: Policies, memory: Mapping[str, bytes]) -> None:
        self._identity = identity
        self._outbox = Outbox(identity, memory)
        self._book = OrderBook(identity, policies, self._outbox, memory)
        self._server = OtaServer(self._book)
        self._relay = Relay(identity, self._outbox)
        self._functions = HubFunctions(identity, self._outbox, memory)

    @property
    def address(self) -> Eui64:
        """The EUI-64 of the Communications Hub Function."""
        return self._identity.chf

    def start(self, now: Instant) -> list[Effect]:
        """Go on from memory: say again what was not acknowledged, fetch on, tell devices of their images."""
        turn = Turn(now)
        self._outbox.start(turn)
        self._book.start(turn)
        return self._finished(turn)

    def on_wake(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        turn = Turn(now)
        self._book.do_due(turn)
        self._relay.send_due(turn)
        self._outbox.send_due(turn)
        return self._finished(turn)

    def on_wan(self, octets: bytes, now: Instant) -> list[Effect]:
        """Take one frame from the head end. What cannot be read or is not the DCC's changes nothing."""
        turn = Turn(now)
        try:
            frame = read_frame(octets)
        except FrameMalformed as error:
            turn.note("wan_refused", error=str(error))
            return turn.effects
        match frame:
            case SignedOrder():
                self._on_order(frame, octets, turn)
            case ImageChunk():
                self._book.take_chunk(frame, turn)
            case GbcsDown() if self._functions.has(frame.device):
                self._functions.take(frame, turn)
            case GbcsDown():
                self._relay.down(frame, turn)
            case Acknowledge():
                self._outbox.acknowledge(frame.event, turn)
            case _:
                turn.note("wan_refused", error=f"{type(frame).__name__} is not for a hub")
        return self._finished(turn)

    def _on_order(self, signed: SignedOrder, octets: bytes, turn: Turn) -> None:
        try:
            order = open_order(signed, self._identity.acb_signing)
        except FrameMalformed as error:
            turn.note("wan_refused", error=str(error))
            return
        if isinstance(order, Distribute):
            self._book.take_order(order, octets, turn)
        else:
            self._book.take_cancel(order, turn)

    def on_frame(self, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
        """Take one ZCL frame from the HAN."""
        turn = Turn(now)
        try:
            sequence, command = read_command(cluster, octets, Side.CLIENT)
        except ZclMalformed as error:
            turn.note("frame_refused", device=str(sender), error=str(error))
            return turn.effects
        if sender not in self._identity.device_log:
            self._server.refuse(sender, sequence, command, turn)
        elif isinstance(command, TransferData):
            self._relay.up(sender, sequence, command.data, turn)
        else:
            self._server.on_command(sender, sequence, command, turn)
        return self._finished(turn)

    def _finished(self, turn: Turn) -> list[Effect]:
        """Close a turn: devices hear of images that became ready in it, and the alarm clock is set."""
        self._server.notify_due(turn)
        turn.wake_at(self._book.due, self._server.due, self._relay.due, self._outbox.due)
        return turn.effects
