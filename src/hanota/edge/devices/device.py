"""A device of a home as one node. What it does follows from its profile; ESME, GSME, HCALCS, PPMID and IHD share it."""

from collections.abc import Mapping

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.devices.banks import Banks
from hanota.edge.devices.client import OtaClient
from hanota.edge.devices.gbcs import GbcsApplication
from hanota.edge.devices.identity import DeviceIdentity
from hanota.edge.effects import Effect, Turn
from hanota.model.policies import Policies
from hanota.wire.zcl import Side, TransferData, ZclMalformed, read_command


class HanDevice:
    """One device. Pure: the same inputs always give the same outputs; a restart is a new one from `memory`."""

    def __init__(self, identity: DeviceIdentity, policies: Policies, memory: Mapping[str, bytes]) -> None:
        self._identity = identity
        self._banks = Banks(identity.factory_image, memory)
        credentials = identity.credentials
        gbcs = GbcsApplication(identity, credentials, self._banks, memory) if credentials is not None else None
        self._gbcs = gbcs
        self._client = OtaClient(identity, policies, self._banks, memory, gbcs.report_image if gbcs else None)
        self._booted_at: Instant | None = None
        self._up = False

    @property
    def address(self) -> Eui64:
        """The device's EUI-64."""
        return self._identity.address

    @property
    def banks(self) -> Banks:
        """What it runs, for those who watch."""
        return self._banks

    def start(self, now: Instant) -> list[Effect]:
        """Power came: boot, which takes a while, and then go on from memory."""
        turn = Turn(now)
        self._boot(turn)
        return self._finished(turn)

    def on_wake(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        turn = Turn(now)
        if self._up:
            self._client.do_due(turn)
            if self._gbcs is not None:
                self._gbcs.do_due(turn)
        elif self._booted_at is not None and self._booted_at <= now:
            self._come_up(turn)
        return self._finished(turn)

    def on_frame(self, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
        """Take one ZCL frame; only the hub's count, and none while booting."""
        turn = Turn(now)
        if not self._up or sender != self._identity.hub or not self._identity.profile.ota:
            return turn.effects
        try:
            sequence, command = read_command(cluster, octets, Side.SERVER)
        except ZclMalformed as error:
            turn.note("frame_refused", error=str(error))
            return turn.effects
        if not isinstance(command, TransferData):
            self._client.on_command(sequence, command, turn)
        elif self._gbcs is not None:
            self._gbcs.on_transfer(sequence, command.data, turn)
        return self._finished(turn)

    def _boot(self, turn: Turn) -> None:
        self._up = False
        self._banks.count_boot(turn)
        self._booted_at = Instant(turn.now + self._identity.boot_ms)
        turn.note("boot", version=self._banks.version, on_trial=self._banks.on_trial)

    def _come_up(self, turn: Turn) -> None:
        """The boot is over. An image on trial stays if it is healthy; if not, the old one is booted instead."""
        if self._banks.on_trial:
            healthy = self._banks.healthy
            (self._banks.keep if healthy else self._banks.fall_back)(turn)
            self._client.end_trial(turn)
            turn.note("activated" if healthy else "fell_back", version=self._banks.version)
            if self._gbcs is not None:
                self._gbcs.end_trial(healthy, turn)
            if not healthy:
                self._boot(turn)
                return
        self._up = True
        self._client.start(turn)
        if self._gbcs is not None:
            self._gbcs.start(turn)

    def _finished(self, turn: Turn) -> list[Effect]:
        """Close a turn: a device whose boot pointer has moved boots, and the alarm clock is set."""
        if self._up and self._banks.on_trial:
            self._boot(turn)
        if self._up:
            turn.wake_at(self._client.due, self._gbcs.due if self._gbcs is not None else None)
        else:
            turn.wake_at(self._booted_at)
        return turn.effects
