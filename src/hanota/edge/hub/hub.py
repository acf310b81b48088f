"""A Communications Hub Function as one node: what comes in is handed to the part that knows what to do with it."""

from collections.abc import Mapping

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.effects import Effect, SendHan, Turn
from hanota.edge.hub.book import OrderBook
from hanota.edge.hub.consent import Consents
from hanota.edge.hub.functions import HubFunctions
from hanota.edge.hub.identity import HubIdentity
from hanota.edge.hub.lanes import Lane
from hanota.edge.hub.outbox import Outbox
from hanota.edge.hub.relay import Relay
from hanota.edge.hub.server import OtaServer
from hanota.edge.hub.watch import Watch
from hanota.model.policies import Policies
from hanota.wire.wan import (
    Acknowledge,
    Distribute,
    FrameMalformed,
    GbcsDown,
    ImageChunk,
    ReadDevice,
    SignedOrder,
    open_order,
    read_frame,
)
from hanota.wire.zcl import (
    OTA_CLUSTER,
    GetLastMessage,
    ImageBlockRequest,
    MessageConfirmation,
    QueryNextImageRequest,
    ReadAttributesResponse,
    Side,
    TransferData,
    ZclMalformed,
    read_command,
)


class CommsHub:
    """The hub of one home. Pure: the same inputs always give the same outputs; a restart is a new one from `memory`."""

    def __init__(self, identity: HubIdentity, policies: Policies, memory: Mapping[str, bytes]) -> None:
        self._identity = identity
        self._outbox = Outbox(identity, memory)
        self._book = OrderBook(identity, policies, self._outbox, memory)
        self._consents = Consents(self._book, self._outbox, memory)
        self._server = OtaServer(self._book, self._consents)
        self._relay = Relay(identity, self._outbox)
        self._functions = HubFunctions(identity, self._outbox, memory)
        self._watch = Watch(identity, self._outbox, memory)
        self._lanes: dict[int, Lane] = {}  # by the number of a device's EUI-64; none outlives a restart

    @property
    def address(self) -> Eui64:
        """The EUI-64 of the Communications Hub Function."""
        return self._identity.chf

    @property
    def listening(self) -> bool:
        """A hub is on the mains: always."""
        return True

    def start(self, now: Instant) -> list[Effect]:
        """Go on from memory: say again what was not acknowledged, fetch on, tell devices of their images."""
        turn = Turn(now)
        self._outbox.start(turn)
        self._book.start(turn)
        self._consents.start(turn)
        return self._finished(turn)

    def on_wake(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        turn = Turn(now)
        self._book.do_due(turn)
        self._relay.send_due(turn)
        self._watch.do_due(turn)
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
        elif isinstance(order, ReadDevice):
            self._watch.read(order, turn)
        else:
            self._book.take_cancel(order, turn)

    def on_frame(self, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
        """Take one ZCL frame from the HAN."""
        lane = self._lanes.get(sender.value) if cluster == OTA_CLUSTER else None
        if lane is not None:
            effects = lane.serve(octets, now)
            if effects is not None:
                return effects
            del self._lanes[sender.value]  # the whole way may cut a new one
        turn = Turn(now)
        try:
            sequence, command = read_command(cluster, octets, Side.CLIENT)
        except ZclMalformed as error:
            turn.note("frame_refused", device=str(sender), error=str(error))
            return turn.effects
        if sender not in self._identity.device_log:
            self._watch.refused(sender, turn)
            self._server.refuse(sender, sequence, command, turn)
        elif isinstance(command, TransferData):
            if self._relay.up(sender, sequence, command.data, turn):
                self._server.shown(sender, turn)
        elif isinstance(command, ReadAttributesResponse):
            self._watch.answered(sender, sequence, command, turn)
        elif isinstance(command, MessageConfirmation | GetLastMessage):
            self._consents.on_command(sender, command, turn)
        else:
            if isinstance(command, QueryNextImageRequest):
                self._watch.saw(sender, command, turn)
            self._server.on_command(sender, sequence, command, turn)
            if isinstance(command, ImageBlockRequest):
                self._open_lane(sender, command, octets, turn)
        return self._finished(turn)

    def _open_lane(self, sender: Eui64, ask: ImageBlockRequest, octets: bytes, turn: Turn) -> None:
        answer = turn.effects[-1]
        lane = self._server.lane_for(sender, ask, octets, answer.octets) if isinstance(answer, SendHan) else None
        if lane is not None:
            self._lanes[sender.value] = lane

    def _finished(self, turn: Turn) -> list[Effect]:
        """Close a turn: devices hear of images that became ready in it, and the alarm clock is set."""
        self._consents.settle(turn)
        self._server.do_due(turn)
        parts = (self._book, self._consents, self._server, self._relay, self._watch, self._outbox)
        turn.wake_at(*(part.due for part in parts))
        return turn.effects
