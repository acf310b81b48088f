"""The GBCS application of a device: it answers commands and raises alerts. Which ones follows from the device's type.

To the Access Control Broker: answers to version reads, and a PPMID's CS09. To the Supplier: CS06 responses, the alert
0x00CA of a dated activation, and a meter's distribution receipts 0x00CE and 0x00CF.
"""

from collections.abc import Mapping

from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType
from hanota.edge.commands import Commands, Entity
from hanota.edge.devices.activation import Activations
from hanota.edge.devices.banks import Banks
from hanota.edge.devices.identity import DeviceIdentity, GbcsCredentials
from hanota.edge.devices.outgoing import Outgoing
from hanota.edge.effects import Turn
from hanota.wire.gbcs.build import activation_alert, distribution_receipt
from hanota.wire.gbcs.values import ActivateFirmware, ActivationAlert, ActivationResult, DistributionReceipt


class GbcsApplication:
    """Messages between one device and its remote parties, carried by the hub."""

    def __init__(
        self, identity: DeviceIdentity, credentials: GbcsCredentials, banks: Banks, memory: Mapping[str, bytes]
    ) -> None:
        self._type = identity.profile.device_type
        self._own_receipt = identity.profile.own_receipt
        self._credentials = credentials
        self._banks = banks
        self._outgoing = Outgoing(identity.hub, memory, sleepy=identity.profile.sleepy)
        entity = Entity(
            address=identity.address,
            device_type=self._type,
            agreement=credentials.agreement,
            acb=credentials.acb,
            supplier=credentials.supplier,
        )
        self._commands = Commands(entity, memory)
        self._activations = Activations(self._commands, credentials.signing, banks, self._outgoing, memory)

    @property
    def due(self) -> Instant | None:
        """When something is to be said again or a dated command carried out."""
        dues = (self._outgoing.due, self._activations.due)
        return min((due for due in dues if due is not None), default=None)

    def start(self, turn: Turn) -> None:
        """Go on after a boot: say what the hub had not taken, and do what fell due."""
        self._activations.start(turn)
        self._activations.do_due(turn)
        self._outgoing.start(turn)

    @property
    def dated_due(self) -> Instant | None:
        """When a dated command is to be carried out: that needs no radio."""
        return self._activations.due

    def do_dated(self, turn: Turn) -> None:
        """Carry out what is dated; what is to be said of it waits until the radio is on."""
        self._activations.do_due(turn)

    def do_due(self, turn: Turn) -> None:
        """Carry out what is dated, and repeat what the hub has not taken."""
        self._activations.do_due(turn)
        self._outgoing.do_due(turn)

    def speak_up(self, turn: Turn) -> None:
        """The radio is on: say at once what the hub has not taken."""
        self._outgoing.start(turn)

    def on_transfer(self, sequence: int, data: bytes, turn: Turn) -> None:
        """Take what came through the tunnel: a confirmation (empty) or a message."""
        if not data:
            self._outgoing.confirmed(sequence, turn)
            return
        answer = self._commands.answer_again(data)
        if answer is None:
            command = self._commands.take(data, turn)
            if command is None:
                return
            if isinstance(command.order, ActivateFirmware):
                answer = self._activations.obey(command, command.order, turn)
            else:
                answer = self._commands.answer_read(command, self._banks.version, turn)
        if answer:
            self._outgoing.say_once(answer, turn)

    def end_trial(self, healthy: bool, turn: Turn) -> None:
        """Note what is to be told of an activation and the version that runs now; `start` then says it."""
        self._activations.end_trial(healthy, turn)
        if self._type is DeviceType.PPMID:
            self._report_activation(healthy, turn)

    def report_image(self, manufacturer_hash: bytes, problem: str | None, turn: Turn) -> None:
        """Tell the Supplier how an image was found, where this type of device does so.

        Args: manufacturer_hash: as computed, 32 octets. problem: None for an image that is good.
        """
        supplier = self._credentials.supplier
        if not self._own_receipt or supplier is None:
            return
        good = problem is None
        alert = DistributionReceipt(
            alert_code=AlertCode.FIRMWARE_VERIFIED if good else AlertCode.FIRMWARE_VERIFICATION_FAILED,
            at=turn.now,
            manufacturer_hash=manufacturer_hash,
        )
        counter = self._outgoing.put(
            lambda counter: distribution_receipt(
                alert,
                device=self._credentials.signing,
                recipient=supplier.eui,
                counter=counter,
                device_type=self._type,
            ),
            turn,
        )
        turn.note("distribution_receipt", code=alert.alert_code.name, problem=problem, counter=counter)
        self._outgoing.do_due(turn)

    def _report_activation(self, succeeded: bool, turn: Turn) -> None:
        alert = ActivationAlert(
            alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION,
            at=turn.now,
            file_version=self._banks.version,
            result=ActivationResult.SUCCESS if succeeded else ActivationResult.FAILURE,
        )
        own = self._credentials
        counter = self._outgoing.put(
            lambda counter: activation_alert(alert, device=own.signing, recipient=own.acb.eui, counter=counter), turn
        )
        turn.note("activation_alert", version=alert.file_version, succeeded=succeeded, counter=counter)
