"""Activation by CS06, the Supplier's signed command: at once, at a time, or not after all (domain 4.4).

What is owed for an activation (the response, or for a dated one the alert 0x00CA) is stored in the turn that moves the
boot pointer, so the Supplier hears of it whenever the power goes. Whose dated command was accepted gets that alert,
unless a later command took its place or the Supplier has changed.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, iso
from hanota.base.vocabulary.devices import AlertCode
from hanota.edge.commands import Command, Commands
from hanota.edge.devices.banks import Banks
from hanota.edge.devices.outgoing import Outgoing
from hanota.edge.effects import Turn
from hanota.edge.memory import pack, unpack
from hanota.model.lifecycle import lifecycle
from hanota.wire.gbcs.build import activate_response, dated_activation_alert
from hanota.wire.gbcs.message import Message, read_message
from hanota.wire.gbcs.values import (
    CANCELLED_AT,
    ActivateFirmware,
    ActivateImageResponseCode,
    ActivationOutcome,
    CommandAccepted,
    DatedActivation,
)
from hanota.wire.otaimage import GbImage, ImageMalformed, Tail, read_image, signature_holds
from hanota.wire.smki.certificate import Credential

DATED: Final = lifecycle(
    "dated activation",
    start="NONE",
    terminal=("NONE",),
    table="""
    NONE|DATED  told_a_time       DATED    # a later command takes the earlier one's place
    NONE|DATED  cancelled         NONE
    DATED       time_came         NONE     # tried; the alert tells how it ended
    DATED       supplier_changed  NONE     # whoever gave the command has no say any more (I3)
    """,
)

ACTIVATION: Final = lifecycle(
    "activation by command",
    start="RESTING",
    terminal=("RESTING",),
    table="""
    RESTING   image_agrees  SWITCHED    # the boot pointer has moved, response or alert is owed
    SWITCHED  trial_ended   RESTING
    """,
)

_DATED: Final = "dated"
_OWED: Final = "owed"
_Code = ActivateImageResponseCode


class Dated(NamedTuple):
    """A command that waits for its time: whose it is, its counter, the hash it names (hex), and when."""

    originator: str
    counter: int
    image_hash: str
    at: int


class Owed(NamedTuple):
    """What the activation under way owes: the alert of a dated command, or the response to these octets (hex)."""

    dated: Dated | None = None
    command: str = ""


class Activations:
    """The commands to activate that one device was given."""

    def __init__(
        self, commands: Commands, signing: Credential, banks: Banks, outgoing: Outgoing, memory: Mapping[str, bytes]
    ) -> None:
        self._commands = commands
        self._signing = signing
        self._banks = banks
        self._outgoing = outgoing
        self._dated = Dated(*unpack(memory[_DATED])["command"]) if _DATED in memory else None
        self._owed: Owed | None = None
        if _OWED in memory:
            kept = unpack(memory[_OWED])
            self._owed = Owed(Dated(*kept["dated"]) if kept["dated"] else None, kept["command"])

    @property
    def due(self) -> Instant | None:
        """When the dated command is to be carried out."""
        return Instant(self._dated.at) if self._dated is not None else None

    def start(self, turn: Turn) -> None:
        """Go on after a boot: what a former Supplier dated is dropped, a switch that the power cut short is made."""
        if self._owed is not None and self._banks.held is not None:
            self._banks.switch(turn)
        supplier = self._commands.entity.supplier
        dated = self._dated
        if dated is not None and (supplier is None or str(supplier.eui) != dated.originator):
            turn.note("dated_activation_dropped", originator=dated.originator, counter=dated.counter)
            self._date("supplier_changed", None, turn)

    def obey(self, command: Command, order: ActivateFirmware, turn: Turn) -> bytes:
        """Carry a CS06 command out, or note its time. Returns: the response; empty if it follows after the trial."""
        if order.execution is not None:
            answer: CommandAccepted | ActivationOutcome | None = self._take_date(command, order, order.execution, turn)
        else:
            code = self._try(order.manufacturer_hash, Owed(command=command.octets.hex()), turn)
            answer = self._outcome(code) if code is not None else None
        response = b"" if answer is None else self._response(command.message, answer, turn)
        self._commands.keep(command.octets, command.message, response, turn)
        return response

    def do_due(self, turn: Turn) -> None:
        """Carry the dated command out when its time has come."""
        dated = self._dated
        if dated is None or dated.at > turn.now:
            return
        self._date("time_came", None, turn)
        code = self._try(bytes.fromhex(dated.image_hash), Owed(dated=dated), turn)
        if code is not None:
            self._raise_alert(dated, self._outcome(code), turn)

    def end_trial(self, healthy: bool, turn: Turn) -> None:
        """Tell the Supplier how the activation ended, if it was one by command."""
        owed = self._owed
        if owed is None:
            return
        outcome = self._outcome(_Code.SUCCESS if healthy else _Code.ACTIVATION_FAILURE)
        if owed.dated is not None:
            self._raise_alert(owed.dated, outcome, turn)
        else:
            octets = bytes.fromhex(owed.command)
            command = read_message(octets)
            response = self._response(command, outcome, turn)
            self._commands.keep(octets, command, response, turn)
            self._outgoing.put(lambda _: response, turn)
        self._owe("trial_ended", None, turn)

    def _take_date(self, command: Command, order: ActivateFirmware, at: Instant, turn: Turn) -> CommandAccepted:
        if at == CANCELLED_AT:
            turn.note("activation_cancelled", was_due=None if self.due is None else iso(self.due))
            self._date("cancelled", None, turn)
        else:
            originator = str(command.message.header.originator)
            turn.note("activation_dated", at=iso(at), originator=originator, counter=order.originator_counter)
            dated = Dated(originator, order.originator_counter, order.manufacturer_hash.hex(), at)
            self._date("told_a_time", dated, turn)
        return CommandAccepted()

    def _try(self, manufacturer_hash: bytes, owed: Owed, turn: Turn) -> ActivateImageResponseCode | None:
        """Let the held image boot, if it is the one that is meant. Returns: why not; None if it boots."""
        image = self._held_image()
        if image is None:
            return _Code.NO_IMAGE_HELD
        if image.manufacturer_hash != manufacturer_hash:
            return _Code.HASH_MISMATCH
        self._owe("image_agrees", owed, turn)
        self._banks.switch(turn)
        return None

    def _held_image(self) -> GbImage | None:
        """Give the image that waits; an image that another than today's Supplier signed does not count (domain 7.5)."""
        octets, supplier = self._banks.held, self._commands.entity.supplier
        if octets is None or supplier is None:
            return None
        try:
            image = read_image(octets, Tail.SIGNED)
        except ImageMalformed:
            return None
        return image if signature_holds(image, supplier.public_key) else None

    def _outcome(self, code: ActivateImageResponseCode) -> ActivationOutcome:
        return ActivationOutcome(result=code, file_version=self._banks.version)

    def _response(self, command: Message, answer: CommandAccepted | ActivationOutcome, turn: Turn) -> bytes:
        result = answer.result.name if isinstance(answer, ActivationOutcome) else "ACCEPTED"
        turn.note("activation_answered", result=result, version=self._banks.version, counter=command.header.counter)
        return activate_response(answer, command=command, device=self._signing, at=turn.now)

    def _raise_alert(self, dated: Dated, outcome: ActivationOutcome, turn: Turn) -> None:
        done = outcome.result is _Code.SUCCESS
        alert = DatedActivation(
            alert_code=AlertCode.FUTURE_DATED_COMMAND_DONE if done else AlertCode.FUTURE_DATED_COMMAND_FAILED,
            at=Instant(dated.at),
            originator_counter=dated.counter,
            outcome=outcome,
        )
        recipient = Eui64.parse(dated.originator)
        counter = self._outgoing.put(
            lambda counter: dated_activation_alert(alert, device=self._signing, recipient=recipient, counter=counter),
            turn,
        )
        turn.note("dated_activation_alert", result=outcome.result.name, version=outcome.file_version, counter=counter)

    def _date(self, event: str, dated: Dated | None, turn: Turn) -> None:
        after = DATED.move("NONE" if self._dated is None else "DATED", event)
        self._dated = dated if after == "DATED" else None
        turn.store(_DATED, pack({"command": self._dated}) if self._dated is not None else None)

    def _owe(self, event: str, owed: Owed | None, turn: Turn) -> None:
        after = ACTIVATION.move("RESTING" if self._owed is None else "SWITCHED", event)
        self._owed = owed if after == "SWITCHED" else None
        turn.store(_OWED, pack(self._owed._asdict()) if self._owed is not None else None)
