"""A device of a home as one node. What it does follows from its profile; ESME, GSME, HCALCS, PPMID and IHD share it."""

from collections.abc import Mapping

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.devices.attributes import answer_read
from hanota.edge.devices.banks import Banks
from hanota.edge.devices.client import OtaClient
from hanota.edge.devices.gbcs import GbcsApplication
from hanota.edge.devices.identity import DeviceIdentity
from hanota.edge.devices.screen import Screen, Showing
from hanota.edge.devices.sleep import Sleep
from hanota.edge.effects import Effect, Turn
from hanota.model.policies import Policies
from hanota.wire.zcl import (
    OTA_CLUSTER,
    Answer,
    CancelMessage,
    DisplayMessage,
    ReadAttributes,
    Side,
    TransferData,
    ZclMalformed,
    read_command,
    write_command,
)
from hanota.wire.zcl.tunnel import Give, read_tunnelled


class HanDevice:
    """One device. Pure: the same inputs always give the same outputs; a restart is a new one from `memory`."""

    def __init__(self, identity: DeviceIdentity, policies: Policies, memory: Mapping[str, bytes]) -> None:
        self._identity = identity
        self._banks = Banks(identity.factory_image, memory)
        credentials = identity.credentials
        gbcs = GbcsApplication(identity, credentials, self._banks, memory) if credentials is not None else None
        self._gbcs = gbcs
        self._client = OtaClient(identity, policies, self._banks, memory, gbcs.report_image if gbcs else None)
        self._screen = Screen(identity.hub, memory) if identity.profile.consent_display else None
        self._sleep = Sleep(identity.hub, policies.han) if identity.profile.sleepy else None
        self._booted_at: Instant | None = None
        self._up = False

    @property
    def address(self) -> Eui64:
        """The device's EUI-64."""
        return self._identity.address

    @property
    def listening(self) -> bool:
        """Whether its radio is on; of a device that doesn't sleep it always is."""
        return self._sleep is None or (self._up and self._sleep.awake)

    @property
    def banks(self) -> Banks:
        """What it runs, for those who watch."""
        return self._banks

    @property
    def showing(self) -> Showing | None:
        """What its screen shows; None for a device without one."""
        screen, client = self._screen, self._client
        if screen is None:
            return None
        offer = client.offer if client.state != "IDLE" else None
        whole = offer is not None and client.state != "DOWNLOADING"
        return Showing(
            on=self._up,
            version=self._banks.version,
            client=client.state,
            offered=offer.file_version if offer is not None else None,
            octets=offer.octets if offer is not None and whole else client.fetched_octets,
            of=offer.octets if offer is not None else 0,
            question=screen.question,
            notice=screen.notice,
            tried=screen.tried,
        )

    def press(self, answer: Answer, now: Instant) -> list[Effect]:
        """The consumer presses a button of its screen; while it boots, or has none to press, nothing happens."""
        turn = Turn(now)
        if not self._up or self._screen is None:
            return turn.effects
        self._screen.press(answer, turn)
        return self._finished(turn)

    def start(self, now: Instant) -> list[Effect]:
        """Power came: boot, which takes a while, and then go on from memory."""
        turn = Turn(now)
        self._boot(turn)
        return self._finished(turn)

    def on_wake(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        turn = Turn(now)
        if self._up and self._sleep is not None:
            self._do_due_asleep(self._sleep, turn)
        elif self._up:
            self._do_due(turn)
        elif self._booted_at is not None and self._booted_at <= now:
            self._come_up(turn)
        return self._finished(turn)

    def _do_due(self, turn: Turn) -> None:
        self._client.do_due(turn)
        if self._gbcs is not None:
            self._gbcs.do_due(turn)
        if self._screen is not None:
            self._screen.do_due(turn)

    def _do_due_asleep(self, sleep: Sleep, turn: Turn) -> None:
        """Wake if it is time to; else, with the radio off, do only what needs none."""
        if sleep.has_to_wake(turn.now):
            sleep.wake(turn)
            self._client.start(turn)
            if self._gbcs is not None:
                self._gbcs.speak_up(turn)
        if sleep.awake:
            sleep.do_due(turn)
            self._do_due(turn)
            return
        if self._client.activate_at is not None:
            self._client.do_due(turn)
        if self._gbcs is not None:
            self._gbcs.do_dated(turn)

    def on_frame(self, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
        """Take one ZCL frame, none while booting: the hub's, and of strangers what a server of images says (R25)."""
        turn = Turn(now)
        if not self._up or not self._identity.profile.ota or not self._hears(sender, cluster, turn):
            return turn.effects
        try:
            sequence, command = read_command(cluster, octets, Side.SERVER)
        except ZclMalformed as error:
            turn.note("frame_refused", error=str(error))
            return turn.effects
        if sender != self._identity.hub:
            self._client.on_command(sender, sequence, command, turn)
        elif isinstance(command, ReadAttributes):
            self._answer_read(sequence, command, turn)
        elif isinstance(command, DisplayMessage | CancelMessage):
            if self._screen is not None:
                self._screen.on_command(command, self._client.state, turn)
        elif not isinstance(command, TransferData):
            self._client.on_command(sender, sequence, command, turn)
        elif self._gbcs is not None:
            self._on_transfer(self._gbcs, sequence, command.data, turn)
        return self._finished(turn)

    def _hears(self, sender: Eui64, cluster: int, turn: Turn) -> bool:
        """Whether a frame is to be read: some devices refuse whoever is not their hub, the others cannot."""
        if sender == self._identity.hub:
            return True
        if cluster == OTA_CLUSTER and self._identity.profile.refuses_hht:
            turn.note("stranger_refused", node=str(sender))
        return cluster == OTA_CLUSTER and not self._identity.profile.refuses_hht

    def _on_transfer(self, gbcs: GbcsApplication, sequence: int, data: bytes, turn: Turn) -> None:
        """Take a message or a confirmation; a sleepy device is given messages one by one (domain 6.3)."""
        if self._sleep is None or not data:
            gbcs.on_transfer(sequence, data, turn)
            return
        try:
            given = read_tunnelled(data)
        except ZclMalformed as error:
            turn.note("frame_refused", error=str(error))
            return
        if not isinstance(given, Give):
            return
        if given.message:
            gbcs.on_transfer(sequence, given.message, turn)
        if not self._banks.on_trial:  # else it boots now, and asks when it is up again
            self._sleep.was_given(given, turn)

    def _answer_read(self, sequence: int, asked: ReadAttributes, turn: Turn) -> None:
        try:
            answer = answer_read(asked, self._identity, self._banks, self._client)
        except ZclMalformed as error:
            turn.note("frame_refused", error=str(error))
            return
        turn.send_han(self._identity.hub, OTA_CLUSTER, write_command(sequence, answer))

    def _boot(self, turn: Turn) -> None:
        self._up = False
        self._banks.count_boot(turn)
        self._booted_at = Instant(turn.now + self._identity.boot_ms)
        turn.note("boot", version=self._banks.version, on_trial=self._banks.on_trial)

    def _come_up(self, turn: Turn) -> None:
        """The boot is over. An image on trial stays if it is healthy; if not, the old one is booted instead."""
        if self._banks.on_trial:
            healthy = self._banks.healthy
            last = Turn(turn.now)  # stored behind all that it leads to: the trial goes on until that is stored
            (self._banks.keep if healthy else self._banks.fall_back)(last)
            self._client.end_trial(turn)
            turn.note("activated" if healthy else "fell_back", version=self._banks.version)
            if self._gbcs is not None:
                self._gbcs.end_trial(healthy, turn)
            if self._screen is not None:
                self._screen.end_trial(healthy, self._banks.version, turn)
            turn.effects += last.effects
            if not healthy:
                self._boot(turn)
                return
        self._up = True
        if self._sleep is not None:
            self._sleep.wake(turn)
        self._client.start(turn)
        if self._gbcs is not None:
            self._gbcs.start(turn)
        if self._screen is not None:
            self._screen.start(self._client.state, turn)

    def _finished(self, turn: Turn) -> list[Effect]:
        """Close a turn: a device whose boot pointer has moved boots, and the alarm clock is set."""
        if self._up and self._banks.on_trial:
            self._boot(turn)
        if self._screen is not None:
            self._screen.follow(self._client.state, turn)
        turn.wake_at(*(self._dues(turn) if self._up else (self._booted_at,)))
        return turn.effects

    def _dues(self, turn: Turn) -> list[Instant | None]:
        """Give when something is due; a sleepy device that expects nothing soon switches its radio off."""
        parts = (self._client, self._gbcs, self._screen)
        dues = [part.due for part in parts if part is not None]
        if self._sleep is None:
            return dues
        self._sleep.settle(dues, turn)
        if not self._sleep.awake:
            dues = [self._client.activate_at, self._gbcs.dated_due if self._gbcs is not None else None]
        return [self._sleep.due, *dues]
