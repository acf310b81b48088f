"""Frames for hubs, built and signed as the outbox is drained: here the DCC's keys meet the columns."""

from collections.abc import Callable

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.profiles import PROFILES
from hanota.records.store.commands import CommandSending
from hanota.records.store.outbox import ORDER_LIFE_MS, Sending
from hanota.wire.gbcs import Message, mac_holds, read_version_command, seal_command
from hanota.wire.smki import Certificate, KeyDirectory
from hanota.wire.wan import Cancel, Distribute, GbcsDown, Part, ReadDevice, sign_order, write_frame, write_parts

FindCertificate = Callable[[Eui64, KeyUsage], Certificate | None]


class FrameBuilder:
    """Builds the frames of one DCC and acts as its Access Control Broker, whose credentials `keys` hold."""

    def __init__(self, keys: KeyDirectory, dcc: Eui64) -> None:
        role = CertificateRole.ACCESS_CONTROL_BROKER
        self._sign = keys.credential(dcc, KeyUsage.DIGITAL_SIGNATURE, role)
        self._agree = keys.credential(dcc, KeyUsage.KEY_AGREEMENT, role)

    def build(self, sending: Sending | CommandSending, certificate: FindCertificate, now: Instant) -> bytes | None:
        """Give the frame of a message from the outbox; None where the device has no certificate to speak to."""
        if isinstance(sending, CommandSending):
            return self._command(sending, certificate, now)
        match sending.kind:
            case "distribute":
                return self._distribute(sending, now)
            case "cancel":
                return write_frame(sign_order(Cancel(order=sending.delivery, sent=now), self._sign.key))
            case _:
                return self._read(sending, certificate, now)

    def _distribute(self, sending: Sending, now: Instant) -> bytes:
        asked = sending.order
        order = Distribute(
            order=sending.delivery,
            device=sending.device,
            device_type=sending.device_type,
            request=asked.request_id,
            image_hash=asked.image_hash,
            image_octets=asked.image_octets,
            manufacturer=asked.manufacturer,
            image_type=asked.image_type,
            file_version=asked.version,
            hardware_min=asked.hardware_min,
            hardware_max=asked.hardware_max,
            expires=Instant(now + ORDER_LIFE_MS),
            sent=now,
            force_replace=asked.force_replace,
            parts=write_parts(Part(*part) for part in asked.parts),
        )
        return write_frame(sign_order(order, self._sign.key))

    def _command(self, sending: CommandSending, certificate: FindCertificate, now: Instant) -> bytes | None:
        if sending.signed is None:
            return self._read(sending, certificate, now)
        device = certificate(sending.device, KeyUsage.KEY_AGREEMENT)
        if device is None:
            return None
        return write_frame(GbcsDown(message=sending.id, device=sending.device, data=self.seal(sending.signed, device)))

    def _read(self, sending: Sending | CommandSending, certificate: FindCertificate, now: Instant) -> bytes | None:
        if not PROFILES[sending.device_type].gbcs:  # its hub asks it
            order = ReadDevice(message=sending.id, device=sending.device, sent=now)
            return write_frame(sign_order(order, self._sign.key))
        device = certificate(sending.device, KeyUsage.KEY_AGREEMENT)
        if device is None:
            return None
        # The outbox number rises for ever, so it serves as the ACB's own originator counter.
        command = self.read_version(
            device=device,
            device_type=sending.device_type,
            counter=sending.id,
            user=sending.request_id.originator,
            user_counter=sending.request_id.counter,
        )
        return write_frame(GbcsDown(message=sending.id, device=sending.device, data=command))

    def read_version(
        self, *, device: Certificate, device_type: DeviceType, counter: int, user: Eui64, user_counter: int
    ) -> bytes:
        """Give the sealed command that asks a device for its version on behalf of a User."""
        return read_version_command(
            device_type=device_type,
            acb=self._agree,
            device=device,
            counter=counter,
            user=user,
            user_counter=user_counter,
        )

    def seal(self, signed: bytes, device: Certificate) -> bytes:
        """Give a Signed Pre-Command as the command that goes to the device."""
        return seal_command(signed, acb=self._agree, device=device)

    def mac_holds(self, message: Message, device: Certificate) -> bool:
        """Whether a MAC to the ACB was made by the holder of the device's key."""
        return mac_holds(message, self._agree.key, device.public_key)
