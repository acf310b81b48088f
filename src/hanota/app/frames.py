"""Frames for hubs, built and signed as the outbox is drained: here the DCC's keys meet the columns."""

from collections.abc import Callable

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.records.store.outbox import ORDER_LIFE_MS, Sending
from hanota.wire.gbcs import Message, mac_holds, read_version_command
from hanota.wire.smki import Certificate, KeyDirectory
from hanota.wire.wan import Cancel, Distribute, GbcsDown, sign_order, write_frame

FindCertificate = Callable[[Eui64, KeyUsage], Certificate | None]


class FrameBuilder:
    """Builds the frames of one DCC. `keys` hold its credentials as Access Control Broker."""

    def __init__(self, keys: KeyDirectory, dcc: Eui64) -> None:
        role = CertificateRole.ACCESS_CONTROL_BROKER
        self._sign = keys.credential(dcc, KeyUsage.DIGITAL_SIGNATURE, role)
        self._agree = keys.credential(dcc, KeyUsage.KEY_AGREEMENT, role)

    def build(self, sending: Sending, certificate: FindCertificate, now: Instant) -> bytes | None:
        """Give the frame of a message from the outbox; None where the device has no certificate to speak to."""
        match sending.kind:
            case "distribute":
                return self._distribute(sending, now)
            case "cancel":
                return write_frame(sign_order(Cancel(order=sending.delivery, sent=now), self._sign.key))
            case _:
                return self._read(sending, certificate)

    def _distribute(self, sending: Sending, now: Instant) -> bytes:
        order = Distribute(
            order=sending.delivery,
            device=sending.device,
            device_type=sending.device_type,
            request=sending.request_id,
            image_hash=sending.image_hash,
            image_octets=sending.image_octets,
            manufacturer=sending.manufacturer,
            image_type=sending.image_type,
            file_version=sending.version,
            hardware_min=sending.hardware_min,
            hardware_max=sending.hardware_max,
            expires=Instant(now + ORDER_LIFE_MS),
            sent=now,
        )
        return write_frame(sign_order(order, self._sign.key))

    def _read(self, sending: Sending, certificate: FindCertificate) -> bytes | None:
        device = certificate(sending.device, KeyUsage.KEY_AGREEMENT)
        if device is None:
            return None
        # The outbox number rises for ever, so it serves as the ACB's own originator counter.
        command = read_version_command(
            acb=self._agree,
            device=device,
            counter=sending.id,
            user=sending.request_id.originator,
            user_counter=sending.request_id.counter,
        )
        return write_frame(GbcsDown(message=sending.id, device=sending.device, data=command))

    def mac_holds(self, message: Message, device: Certificate) -> bool:
        """Whether a MAC to the ACB was made by the holder of the device's key."""
        return mac_holds(message, self._agree.key, device.public_key)
